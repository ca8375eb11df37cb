//! The keys of a partner's identity management server (`IdMS`), handed over out of band (TS 33.180 clause 5.1.4.2).
//!
//! A document of this kind exists only when every key in it is a public key fit to verify signatures:
//! private and symmetric material, short RSA keys and keys named twice are refused with their place. What
//! is said here does not change with the version of a cryptographic library, so that a document once
//! accepted stays readable; whether a point lies on its curve is asked where the key is used.

mod algorithm;
mod certificate;
mod error;
mod jwk;
mod public_key;
mod written;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::agreement::CertificateThumbprint;
use super::identity::McSystemId;
use super::time::Timestamp;
use written::WrittenPartnerKeys;

pub use algorithm::SignatureAlgorithm;
pub use certificate::KeyCertificate;
pub use error::InvalidPartnerKeys;
pub use error::KeyProblem;
pub use public_key::Curve;
pub use public_key::EcPublicKey;
pub use public_key::Ed25519PublicKey;
pub use public_key::PublicKey;
pub use public_key::RsaPublicKey;

/// Keys in one document, at most.
pub const KEYS_MAX: usize = 32;
/// Audiences in one document, at most.
pub const AUDIENCES_MAX: usize = 16;
/// Bytes of an issuer, an audience or a key id, at most.
pub const NAME_BYTES_MAX: usize = 255;

/// With which keys, under which name and towards which of our addresses a partner's `IdMS` signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenPartnerKeys", into = "WrittenPartnerKeys")]
pub struct PartnerKeys {
    partner: McSystemId,
    issuer: String,
    audiences: Vec<String>,
    // INVARIANT (one key an id): no two keys have the same id.
    keys: Vec<PartnerKey>,
}

impl PartnerKeys {
    /// The partner: the domain portion of the MC service IDs for which it is home.
    pub fn partner(&self) -> &McSystemId {
        &self.partner
    }

    /// The exact `iss` of the partner's tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The addresses of our `IdMS` towards which the partner issues tokens.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The keys, in the order in which they were written.
    pub fn keys(&self) -> &[PartnerKey] {
        &self.keys
    }

    /// The key of that id, compared exactly.
    pub fn key(&self, key_id: &str) -> Option<&PartnerKey> {
        self.keys.iter().find(|key| key.key_id.as_str() == key_id)
    }
}

/// One key: its name, what it is, and when it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerKey {
    key_id: KeyId,
    material: KeyMaterial,
    algorithm: SignatureAlgorithm,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

impl PartnerKey {
    /// The `kid` by which tokens name it.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The only algorithm with which it verifies.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// How it was handed over.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The public key itself.
    pub fn public_key(&self) -> &PublicKey {
        self.material.public_key()
    }

    /// The thumbprint of its certificate, if it came in one.
    pub fn thumbprint(&self) -> Option<&CertificateThumbprint> {
        self.material.certificate().map(KeyCertificate::thumbprint)
    }

    /// Where a moment lies in its validity: the narrower of what the document and the certificate say,
    /// both ends included.
    pub fn validity_at(&self, now: Timestamp) -> KeyValidity {
        let certificate = self.material.certificate();
        let begins = self
            .not_before
            .max(certificate.map(KeyCertificate::not_before));
        let ends = [self.not_after, certificate.map(KeyCertificate::not_after)]
            .into_iter()
            .flatten()
            .min();
        if begins.is_some_and(|begins| now < begins) {
            KeyValidity::NotYet
        } else if ends.is_some_and(|ends| now > ends) {
            KeyValidity::Ended
        } else {
            KeyValidity::InForce
        }
    }
}

/// How a key was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// As the public members of a JSON Web Key (RFC 7517).
    Jwk(PublicKey),
    /// As an X.509 certificate (RFC 5280).
    Certificate(KeyCertificate),
}

impl KeyMaterial {
    fn public_key(&self) -> &PublicKey {
        match self {
            Self::Jwk(public_key) => public_key,
            Self::Certificate(certificate) => certificate.public_key(),
        }
    }

    fn certificate(&self) -> Option<&KeyCertificate> {
        match self {
            Self::Jwk(_) => None,
            Self::Certificate(certificate) => Some(certificate),
        }
    }
}

/// Whether a key may be used at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyValidity {
    /// Its validity has not begun.
    NotYet,
    /// It may be used.
    InForce,
    /// Its validity is over.
    Ended,
}

/// The name of a key: 1 to 255 visible ASCII characters, compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
