//! The algorithms of signatures (RFC 7518 clause 3.1, RFC 8037 clause 3.1): only those with public keys.

use std::fmt;

use super::public_key::Curve;
use super::public_key::PublicKey;

/// A signature algorithm, by its JOSE name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// `EdDSA` with Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// The JOSE name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }

    /// The algorithm of a key for which none is written; an RSA key could have another.
    pub fn usual_for(key: &PublicKey) -> Self {
        match key {
            PublicKey::Rsa(_) => Self::Rs256,
            PublicKey::Ec(key) => match key.curve() {
                Curve::P256 => Self::Es256,
                Curve::P384 => Self::Es384,
            },
            PublicKey::Ed25519(_) => Self::EdDsa,
        }
    }

    /// Whether signatures of this algorithm are verified with such a key.
    pub fn fits(self, key: &PublicKey) -> bool {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                matches!(key, PublicKey::Rsa(_))
            }
            Self::Es256 | Self::Es384 | Self::EdDsa => self == Self::usual_for(key),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
