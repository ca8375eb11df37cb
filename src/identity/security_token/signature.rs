//! Signatures, by aws-lc. The algorithm is the key's own, whatever a token says.

use aws_lc_rs::signature;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RsaParameters;
use aws_lc_rs::signature::RsaPublicKeyComponents;

use super::error::TokenError;
use crate::domain::partner_keys::KeyId;
use crate::domain::partner_keys::PartnerKey;
use crate::domain::partner_keys::PartnerKeys;
use crate::domain::partner_keys::PublicKey;
use crate::domain::partner_keys::SignatureAlgorithm;

/// The keys of a document that have the form of a key and yet verify nothing, such as a point beside its curve.
pub fn unusable_keys(keys: &PartnerKeys) -> Vec<&KeyId> {
    keys.keys()
        .iter()
        .filter(|key| parsed(key).is_err())
        .map(PartnerKey::key_id)
        .collect()
}

pub(super) fn verify(key: &PartnerKey, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
    parsed(key)?
        .verify_sig(message, signature)
        .map_err(|_| TokenError::Signature)
}

fn parsed(key: &PartnerKey) -> Result<ParsedPublicKey, TokenError> {
    let algorithm = key.algorithm();
    let parsed = match (key.public_key(), rsa_parameters(algorithm)) {
        (PublicKey::Rsa(key), Some(parameters)) => RsaPublicKeyComponents {
            n: key.modulus(),
            e: key.exponent(),
        }
        .to_parsed_public_key(parameters),
        (PublicKey::Ec(key), None) if algorithm == SignatureAlgorithm::Es256 => {
            ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key.point())
        }
        (PublicKey::Ec(key), None) if algorithm == SignatureAlgorithm::Es384 => {
            ParsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, key.point())
        }
        (PublicKey::Ed25519(key), None) => {
            ParsedPublicKey::new(&signature::ED25519, key.as_bytes())
        }
        (PublicKey::Rsa(_) | PublicKey::Ec(_) | PublicKey::Ed25519(_), _) => {
            return Err(TokenError::KeyUnusable);
        }
    };
    parsed.map_err(|_| TokenError::KeyUnusable)
}

fn rsa_parameters(algorithm: SignatureAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        SignatureAlgorithm::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        SignatureAlgorithm::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        SignatureAlgorithm::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        SignatureAlgorithm::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        SignatureAlgorithm::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        SignatureAlgorithm::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        SignatureAlgorithm::Es256 | SignatureAlgorithm::Es384 | SignatureAlgorithm::EdDsa => None,
    }
}
