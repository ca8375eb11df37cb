//! What this service signs for itself to see again: JSON Web Signatures in compact form (RFC 7515) by one Ed25519 key
//! (RFC 8037), of explicit types (RFC 8725 clause 3.11).
//!
//! A signature says that we said it, nothing more: who presents it, when and for what is checked by whoever verifies.

use std::fmt;

use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::UnparsedPublicKey;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest;
use sha2::Sha256;

const ALGORITHM: &str = "EdDSA";

/// Bytes of a signed value, at most.
const BYTES_MAX: usize = 8 * 1024;

/// The key by which the service signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    key_id: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// The public half as a JSON Web Key (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicJwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    kid: String,
    alg: &'static str,
    r#use: &'static str,
}

/// What a signed value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedType {
    /// That an evaluation was held and an approval can be asked for.
    Denial,
    /// That an approval was given.
    Approval,
}

impl SignedType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Denial => "access-request-binding+jwt",
            Self::Approval => "access-approval+jwt",
        }
    }
}

/// Why a value does not count as signed by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// It is no signature in compact form, or too long.
    #[error("not a JWS in compact form")]
    Form,
    /// Another key, algorithm or type than ours.
    #[error("signed by another key, by another algorithm, or as something else")]
    Header,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The payload is not what we write.
    #[error("the payload is not ours")]
    Payload,
}

/// No key can be made of the bytes, or a value not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no signing key can be made or used: {0}")]
pub struct Unsigned(&'static str);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

impl SigningKey {
    /// The key that follows from 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, Unsigned> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| Unsigned("the bytes are no Ed25519 seed"))?;
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        // The thumbprint of RFC 7638: these members, in this order.
        let members = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{x}\"}}");
        let key_id = BASE64URL_NOPAD.encode(&Sha256::digest(members.as_bytes()));
        Ok(Self { pair, key_id })
    }

    /// The public half.
    pub fn public(&self) -> PublicJwk {
        PublicJwk {
            kty: "OKP",
            crv: "Ed25519",
            x: BASE64URL_NOPAD.encode(self.pair.public_key().as_ref()),
            kid: self.key_id.clone(),
            alg: ALGORITHM,
            r#use: "sig",
        }
    }

    /// Signs claims. The same claims give the same text.
    pub fn sign(&self, kind: SignedType, claims: &impl Serialize) -> Result<String, Unsigned> {
        let header = Header {
            alg: ALGORITHM,
            typ: kind.as_str(),
            kid: &self.key_id,
        };
        let unwritable = |_| Unsigned("the claims cannot be written");
        let header = serde_json::to_vec(&header).map_err(unwritable)?;
        let claims = serde_json::to_vec(claims).map_err(unwritable)?;
        let signed = format!(
            "{}.{}",
            BASE64URL_NOPAD.encode(&header),
            BASE64URL_NOPAD.encode(&claims)
        );
        let signature = self.pair.sign(signed.as_bytes());
        let signature = BASE64URL_NOPAD.encode(signature.as_ref());
        Ok(format!("{signed}.{signature}"))
    }

    /// The claims of what we signed as this; members that are not known are passed over.
    pub fn verify<T: DeserializeOwned>(&self, kind: SignedType, text: &str) -> Result<T, NotOurs> {
        if text.len() > BYTES_MAX {
            return Err(NotOurs::Form);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(NotOurs::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(NotOurs::Form)?;
        let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes());
        let header = decoded(header).map_err(|_| NotOurs::Form)?;
        let payload = decoded(payload).map_err(|_| NotOurs::Form)?;
        let signature = decoded(signature).map_err(|_| NotOurs::Form)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| NotOurs::Header)?;
        if header.alg != ALGORITHM || header.typ != kind.as_str() || header.kid != self.key_id {
            return Err(NotOurs::Header);
        }
        UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| NotOurs::Signature)?;
        serde_json::from_slice(&payload).map_err(|_| NotOurs::Payload)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use data_encoding::HEXLOWER;
    use serde_json::Value;
    use serde_json::json;

    use super::NotOurs;
    use super::SignedType;
    use super::SigningKey;

    /// The key of RFC 8037 appendix A.
    fn key() -> SigningKey {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let seed = HEXLOWER.decode(seed.as_bytes()).unwrap();
        SigningKey::from_seed(&seed.try_into().unwrap()).unwrap()
    }

    #[test]
    fn the_public_half_and_its_name_are_those_of_rfc_8037() {
        let public = serde_json::to_value(key().public()).unwrap();
        assert_eq!(public["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(public["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(public["d"], Value::Null);
    }

    #[test]
    fn only_what_we_signed_as_this_is_ours() {
        let key = key();
        let text = key.sign(SignedType::Denial, &json!({ "a": 1 })).unwrap();
        assert_eq!(
            text,
            key.sign(SignedType::Denial, &json!({ "a": 1 })).unwrap()
        );
        let verify = |text: &str| key.verify::<Value>(SignedType::Denial, text);
        assert_eq!(verify(&text), Ok(json!({ "a": 1 })));
        let other = SigningKey::from_seed(&[7; 32]).unwrap();
        let theirs = other.sign(SignedType::Denial, &json!({ "a": 1 })).unwrap();
        assert_eq!(verify(&theirs), Err(NotOurs::Header));
        let approval = key.sign(SignedType::Approval, &json!({ "a": 1 })).unwrap();
        assert_eq!(verify(&approval), Err(NotOurs::Header));
        let (header, rest) = text.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let payload = BASE64URL_NOPAD.encode(br#"{"a":2}"#);
        let forged = format!("{header}.{payload}.{signature}");
        assert_eq!(verify(&forged), Err(NotOurs::Signature));
        let none = json!({ "alg": "none", "typ": "access-request-binding+jwt", "kid": key.key_id });
        let none = BASE64URL_NOPAD.encode(none.to_string().as_bytes());
        assert_eq!(verify(&format!("{none}.{payload}.")), Err(NotOurs::Header));
        for form in ["", "a", "a.b", "..", &"a".repeat(9_000)] {
            assert!(verify(form).is_err(), "{form}");
        }
    }
}
