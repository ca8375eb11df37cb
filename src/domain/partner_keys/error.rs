//! What can be wrong with a document of partner keys, and what to do about it.

use super::AUDIENCES_MAX;
use super::KEYS_MAX;
use super::NAME_BYTES_MAX;

/// Why a document of partner keys is refused: the place, as a JSON pointer, and the problem there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidPartnerKeys {
    /// JSON pointer to the place.
    pub place: String,
    /// What is wrong there.
    pub problem: KeyProblem,
}

/// What is wrong at one place. No message repeats key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// An issuer, audience or key id that no token could carry unambiguously.
    #[error("must be 1 to {NAME_BYTES_MAX} visible ASCII characters")]
    Name,
    /// No audience, or too many.
    #[error("must name 1 to {AUDIENCES_MAX} addresses of our IdMS")]
    AudienceCount,
    /// The same audience again.
    #[error("repeats an earlier audience; remove it")]
    AudienceTwice,
    /// No key, or too many.
    #[error("must hold 1 to {KEYS_MAX} keys; to withdraw all of them, delete the document")]
    KeyCount,
    /// Two keys of one name: a token could not say which it means.
    #[error("repeats the key id of an earlier key; give each key an id of its own")]
    KeyIdTwice,
    /// Neither form, or both.
    #[error("must have exactly one of `jwk` and `certificate`")]
    Material,
    /// A private key was handed over.
    #[error(
        "holds private key material; remove it, and have the partner replace the key, which is no longer private"
    )]
    PrivateKey,
    /// A shared secret was handed over.
    #[error(
        "is a symmetric key, with which we could sign as the partner; ask for a public key (RSA, EC or OKP)"
    )]
    Symmetric,
    /// A key type that is not known.
    #[error("`{0}` is not a key type that is accepted; use RSA, EC or OKP")]
    KeyType(String),
    /// A curve that is not accepted.
    #[error("`{0}` is not a curve that is accepted; use P-256, P-384 or Ed25519")]
    Curve(String),
    /// A member of a JWK that has no place here.
    #[error("`{0}` is not a member that is accepted; keep only the public members of the key")]
    UnknownMember(String),
    /// A member that the key type needs.
    #[error("the member `{0}` is missing for this key type")]
    MissingMember(&'static str),
    /// A member that belongs to another key type.
    #[error("the member `{0}` does not belong to this key type; remove it")]
    StrayMember(&'static str),
    /// Not base64url.
    #[error("must be base64url without padding (RFC 7515, clause 2)")]
    Base64,
    /// A number that is not written in its shortest form.
    #[error(
        "a number of the RSA key is empty or begins with a zero byte (RFC 7518, clause 6.3.1); write it in as few bytes as it needs"
    )]
    LeadingZero,
    /// An RSA key that is too weak.
    #[error("the RSA key has {0} bits; have the partner issue one of at least 2048")]
    RsaTooShort(usize),
    /// An RSA key that is too slow.
    #[error("the RSA key has {0} bits; have the partner issue one of at most 8192")]
    RsaTooLong(usize),
    /// Numbers that no proper RSA key has.
    #[error(
        "the modulus must be odd and the exponent odd, from 65537 to 4294967295; have the partner issue a proper key"
    )]
    RsaNumbers,
    /// A point of the wrong length or form.
    #[error(
        "is not an uncompressed point of {0}; check that both coordinates have their full length"
    )]
    Point(&'static str),
    /// A JWK that is meant for something else.
    #[error("says that the key is not for signatures; use the partner's signing key")]
    NotForSignatures,
    /// A JWK that has another name than its entry.
    #[error("differs from `key_id`; write the same id, which the partner's tokens carry as `kid`")]
    KeyIdDiffers,
    /// An algorithm that is not accepted.
    #[error(
        "is not a signature algorithm that is accepted; use RS256 to RS512, PS256 to PS512, ES256, ES384 or EdDSA"
    )]
    Algorithm,
    /// An algorithm that the key cannot have.
    #[error(
        "does not fit the key; leave it out, or name the algorithm with which the partner signs"
    )]
    AlgorithmMismatch,
    /// Not one certificate in PEM.
    #[error("must be one certificate in PEM (RFC 7468), without anything before or after it")]
    Pem,
    /// A block that is not a certificate.
    #[error("the PEM block is a `{0}`; give the partner's certificate")]
    PemLabel(String),
    /// The certificate does not follow DER or X.509.
    #[error("is not an X.509 certificate in DER; ask the partner to export it again")]
    Certificate,
    /// The certificate's key is of a type that is not accepted.
    #[error("the certificate's key is not accepted; use RSA, P-256, P-384 or Ed25519")]
    CertificateKey,
    /// A validity that never comes.
    #[error("lies before `not_before`, so that the key would never be valid")]
    Period,
}

impl KeyProblem {
    /// The problem, at a place.
    pub(super) fn at(self, place: impl Into<String>) -> InvalidPartnerKeys {
        InvalidPartnerKeys {
            place: place.into(),
            problem: self,
        }
    }
}
