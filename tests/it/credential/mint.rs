//! Makes security tokens as a partner's identity management server does (TS 33.180 annex B.8), and also as it never would.
//!
//! A [`Signer`] is one key of the partner; a [`Token`] is what it is asked to sign, header and claims free to
//! be bent. Nothing here uses the code that verifies.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RsaEncoding;
use aws_lc_rs::signature::RsaKeyPair;
use comity::domain::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use rcgen::CertificateParams;
use serde_json::Value;
use serde_json::json;

/// A key pair of the partner, which signs with one algorithm.
pub(crate) struct Signer {
    key_id: String,
    algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(&'static RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// A key of that JOSE algorithm. RSA keys are slow to make: one serves the whole run.
    pub(crate) fn new(key_id: &str, algorithm: &'static str) -> Self {
        let ec = |curve| Pair::Ec(EcdsaKeyPair::generate(curve).unwrap());
        let pair = match algorithm {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => Pair::Rsa(rsa()),
            "ES256" => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => Pair::Ed25519(Ed25519KeyPair::generate().unwrap()),
            other => panic!("no signer of {other}"),
        };
        Self {
            key_id: key_id.to_owned(),
            algorithm,
            pair,
        }
    }

    /// An entry for `keys` of a partner key document, by JWK.
    pub(crate) fn jwk_entry(&self) -> Value {
        json!({ "key_id": self.key_id, "algorithm": self.algorithm, "jwk": self.jwk() })
    }

    /// An entry for `keys` of a partner key document, by certificate.
    pub(crate) fn certificate_entry(&self, not_before: Timestamp, not_after: Timestamp) -> Value {
        json!({
            "key_id": self.key_id,
            "algorithm": self.algorithm,
            "certificate": self.certificate(not_before, not_after),
        })
    }

    /// The public key as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let (modulus, exponent) = rsa_numbers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "n": text(modulus), "e": text(exponent) })
            }
            Pair::Ec(pair) => {
                let coordinates = &pair.public_key().as_ref()[1..];
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    /// A self-signed certificate of the key, in PEM; whole seconds alone count.
    pub(crate) fn certificate(&self, not_before: Timestamp, not_after: Timestamp) -> String {
        let pkcs8 = match &self.pair {
            Pair::Rsa(pair) => pair.as_der().unwrap().as_ref().to_vec(),
            Pair::Ec(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
        };
        let pair = rcgen::KeyPair::try_from(pkcs8).unwrap();
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let at = |moment: Timestamp| {
            let milliseconds = u64::try_from(moment.as_milliseconds()).unwrap();
            epoch + std::time::Duration::from_secs(milliseconds / 1000)
        };
        let mut params = CertificateParams::default();
        params.not_before = at(not_before);
        params.not_after = at(not_after);
        params.self_signed(&pair).unwrap().pem()
    }

    /// A signature over any bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let encoding = rsa_encoding(self.algorithm);
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .unwrap();
                signature
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).unwrap();
                signature.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// What a partner is asked to sign.
#[derive(Clone)]
pub(crate) struct Token {
    /// The header, as JSON text.
    pub(crate) header: String,
    /// The payload, as JSON text.
    pub(crate) payload: String,
}

impl Token {
    /// A token as annex B.8 has it, of these claims, with the header that fits the signer.
    pub(crate) fn new(signer: &Signer, claims: &Value) -> Self {
        let header = json!({ "alg": signer.algorithm, "kid": signer.key_id, "typ": "JWT" });
        Self {
            header: header.to_string(),
            payload: claims.to_string(),
        }
    }

    /// The same with another header.
    pub(crate) fn with_header(self, header: &Value) -> Self {
        Self {
            header: header.to_string(),
            ..self
        }
    }

    /// The token, signed.
    pub(crate) fn signed_by(&self, signer: &Signer) -> String {
        self.with_signature(&signer.sign(self.signed_part().as_bytes()))
    }

    /// The token with a keyed hash for a signature, as an attacker makes it from a public key.
    pub(crate) fn hashed_with(&self, secret: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.with_signature(hmac::sign(&key, self.signed_part().as_bytes()).as_ref())
    }

    /// The token with any bytes for a signature.
    pub(crate) fn with_signature(&self, signature: &[u8]) -> String {
        format!(
            "{}.{}",
            self.signed_part(),
            BASE64URL_NOPAD.encode(signature)
        )
    }

    fn signed_part(&self) -> String {
        let text = |part: &str| BASE64URL_NOPAD.encode(part.as_bytes());
        format!("{}.{}", text(&self.header), text(&self.payload))
    }
}

/// The claims of a token of the user to that audience, without any identity.
pub(crate) fn claims(
    issuer: &str,
    subject: &str,
    audience: &[&str],
    begins: i64,
    ends: i64,
) -> Value {
    json!({ "iss": issuer, "sub": subject, "aud": audience, "iat": begins, "exp": ends })
}

fn rsa() -> &'static RsaKeyPair {
    static PAIR: OnceLock<RsaKeyPair> = OnceLock::new();
    PAIR.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn rsa_encoding(algorithm: &str) -> &'static dyn RsaEncoding {
    match algorithm {
        "RS256" => &signature::RSA_PKCS1_SHA256,
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        other => panic!("{other} is no RSA algorithm"),
    }
}

/// Modulus and exponent of an `RSAPublicKey` whose modulus has 2048 bits and whose exponent is 65537: after
/// the sequence's head (4 bytes) and the integer's (4 and a zero) come 256 bytes, and the last 3 are the exponent.
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    assert_eq!(der.len(), 4 + 5 + 256 + 2 + 3);
    (&der[9..265], &der[267..])
}
