//! A key in an X.509 certificate (RFC 5280).
//!
//! The certificate was handed over out of band, so no chain is built: it names a key and its validity.

use data_encoding::HEXLOWER;
use sha2::Digest;
use sha2::Sha256;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::pem;
use x509_cert::der::referenced::OwnedToRef;
use x509_cert::ext::pkix::KeyUsage;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::Time;

use super::error::KeyProblem;
use super::public_key::Curve;
use super::public_key::EcPublicKey;
use super::public_key::Ed25519PublicKey;
use super::public_key::PublicKey;
use super::public_key::RsaPublicKey;
use crate::domain::agreement::CertificateThumbprint;
use crate::domain::time::Timestamp;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const LABEL: &str = "CERTIFICATE";
const BEGIN: &str = "-----BEGIN ";

/// A certificate, with what is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCertificate {
    pem: String,
    thumbprint: CertificateThumbprint,
    public_key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl KeyCertificate {
    /// The certificate that a PEM text holds.
    pub fn from_pem(text: &str) -> Result<Self, KeyProblem> {
        let der = der_of(text)?;
        let certificate = Certificate::from_der(&der).map_err(|_| KeyProblem::Certificate)?;
        let body = certificate.tbs_certificate();
        let usage = body
            .get_extension::<KeyUsage>()
            .map_err(|_| KeyProblem::Certificate)?;
        if usage.is_some_and(|(_, usage)| !usage.digital_signature()) {
            return Err(KeyProblem::NotForSignatures);
        }
        let thumbprint = format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(&der)))
            .parse()
            .map_err(|_| KeyProblem::Certificate)?;
        let spki = body.subject_public_key_info().owned_to_ref();
        Ok(Self {
            pem: text.trim().to_owned(),
            thumbprint,
            public_key: public_key(&spki)?,
            not_before: timestamp(body.validity().not_before),
            not_after: timestamp(body.validity().not_after),
        })
    }

    /// The PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The SHA-256 thumbprint.
    pub fn thumbprint(&self) -> &CertificateThumbprint {
        &self.thumbprint
    }

    /// The key that it certifies.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The first moment of its validity.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

fn der_of(text: &str) -> Result<Vec<u8>, KeyProblem> {
    let text = text.trim();
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyProblem::PrivateKey);
    }
    if !text.starts_with(BEGIN) || text.matches(BEGIN).count() != 1 || !text.ends_with("-----") {
        return Err(KeyProblem::Pem);
    }
    let mut decoder =
        pem::Decoder::new_detect_wrap(text.as_bytes()).map_err(|_| KeyProblem::Pem)?;
    if decoder.type_label() != LABEL {
        return Err(KeyProblem::PemLabel(decoder.type_label().to_owned()));
    }
    let mut der = Vec::new();
    decoder
        .decode_to_end(&mut der)
        .map_err(|_| KeyProblem::Pem)?;
    Ok(der)
}

fn timestamp(time: Time) -> Timestamp {
    let milliseconds = time.to_unix_duration().as_millis();
    Timestamp::from_milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

fn public_key(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<PublicKey, KeyProblem> {
    let bytes = spki
        .subject_public_key
        .as_bytes()
        .ok_or(KeyProblem::Certificate)?;
    let oid = spki.algorithm.oid;
    if oid == RSA_ENCRYPTION {
        return rsa(bytes);
    }
    if oid == EC_PUBLIC_KEY {
        let parameters = spki
            .algorithm
            .parameters
            .ok_or(KeyProblem::CertificateKey)?;
        let curve = match ObjectIdentifier::try_from(parameters) {
            Ok(curve) if curve == SECP256R1 => Curve::P256,
            Ok(curve) if curve == SECP384R1 => Curve::P384,
            Ok(_) | Err(_) => return Err(KeyProblem::CertificateKey),
        };
        return EcPublicKey::from_point(curve, bytes).map(PublicKey::Ec);
    }
    if oid == ED25519 {
        return Ed25519PublicKey::new(bytes).map(PublicKey::Ed25519);
    }
    Err(KeyProblem::CertificateKey)
}

/// `RSAPublicKey` of RFC 8017, appendix A.1.1: the modulus, then the exponent.
fn rsa(der: &[u8]) -> Result<PublicKey, KeyProblem> {
    let (modulus, exponent) = AnyRef::from_der(der)
        .and_then(|sequence| {
            sequence.sequence(|reader| {
                Ok((
                    UintRef::decode(reader)?.as_bytes(),
                    UintRef::decode(reader)?.as_bytes(),
                ))
            })
        })
        .map_err(|_: x509_cert::der::Error| KeyProblem::Certificate)?;
    RsaPublicKey::new(modulus, exponent).map(PublicKey::Rsa)
}
