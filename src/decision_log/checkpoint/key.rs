//! Keys of a log: one Ed25519 key signs, a verifier key (vkey) is what others hold (C2SP `signed-note`).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use signed_note::Signer;
use signed_note::StandardSigner;
use signed_note::StandardVerifier;
use signed_note::Verifier;
use zeroize::Zeroizing;

use crate::decision_log::checkpoint::Cosigner;
use crate::decision_log::checkpoint::Origin;

/// What names the algorithm in a key: Ed25519 as `signed-note` has it.
const ED25519: u8 = 0x01;

/// The key by which a log signs its checkpoints.
#[derive(Clone)]
pub struct LogKey {
    signer: StandardSigner,
    public: VerifierKey,
}

/// A key that signatures are checked with: of a log, or of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey(String);

/// A text that is no key, or none that this program can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not written as a key is.
    #[error(
        "not a key: a verifier key is `<name>+<key id>+<Base64>`, a signing key `PRIVATE+KEY+<name>+<key id>+<Base64>`"
    )]
    Form,
    /// The short hash in it is not that of the key.
    #[error("the key's id does not belong to its name and bytes: copy the key again, whole")]
    Id,
    /// It is for an algorithm that is not known here.
    #[error(
        "a key for another algorithm: Ed25519 (1) signs checkpoints, Ed25519 (4) and ML-DSA-44 (6) cosign them"
    )]
    Algorithm,
    /// The bytes are no key.
    #[error("the random bytes make no key")]
    Seed,
}

impl LogKey {
    /// The key of a log that follows from 32 random bytes.
    pub fn from_seed(origin: &Origin, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let text = signing_key_text(origin, seed)?;
        Self::parse(&text)
    }

    /// Reads a signing key as it stands in a file.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let signer = StandardSigner::new(text).map_err(|error| match error {
            signed_note::SignerError::Format => KeyError::Form,
            signed_note::SignerError::Alg => KeyError::Algorithm,
            signed_note::SignerError::Id => KeyError::Id,
        })?;
        let public = public_of(text).ok_or(KeyError::Form)?;
        let name = signer.name();
        let id = HEXLOWER.encode(&signer.key_id().to_be_bytes());
        let public = VerifierKey::from_str(&format!("{name}+{id}+{}", BASE64.encode(&public)))?;
        Ok(Self { signer, public })
    }

    /// The name of the log.
    pub fn name(&self) -> &str {
        self.signer.name()
    }

    /// The key that others check with.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(super) fn signer(&self) -> &StandardSigner {
        &self.signer
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// The text of a new signing key, as it is kept in a file.
pub fn signing_key_text(origin: &Origin, seed: &[u8; 32]) -> Result<Zeroizing<String>, KeyError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Seed)?;
    let public = [&[ED25519][..], pair.public_key().as_ref()].concat();
    let id = key_id(origin.as_str(), &public);
    let secret = Zeroizing::new([&[ED25519][..], seed].concat());
    Ok(Zeroizing::new(format!(
        "PRIVATE+KEY+{origin}+{}+{}",
        HEXLOWER.encode(&id.to_be_bytes()),
        BASE64.encode(&secret)
    )))
}

fn public_of(text: &str) -> Option<Vec<u8>> {
    // The Base64 at the end may hold a `+` as well.
    let secret = text.splitn(5, '+').nth(4)?;
    let secret = Zeroizing::new(BASE64.decode(secret.as_bytes()).ok()?);
    let seed = secret.get(1..)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    Some([&[ED25519][..], pair.public_key().as_ref()].concat())
}

/// The short hash by which a note names a key.
pub(super) fn key_id(name: &str, key: &[u8]) -> u32 {
    signed_note::key_id(name, key)
}

impl VerifierKey {
    /// The key as others are given it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in it.
    pub fn name(&self) -> &str {
        self.0.split('+').next().unwrap_or_default()
    }

    /// What checks signatures by it.
    pub(super) fn verifier(&self) -> Result<Box<dyn Verifier>, KeyError> {
        match StandardVerifier::new(&self.0) {
            Ok(verifier) => Ok(Box::new(verifier)),
            Err(signed_note::VerifierError::Alg) => Ok(Box::new(Cosigner::new(&self.0)?)),
            Err(signed_note::VerifierError::Format) => Err(KeyError::Form),
            Err(signed_note::VerifierError::Id) => Err(KeyError::Id),
        }
    }

    /// Whether it is the key of a witness rather than of a log.
    pub fn is_cosigner(&self) -> bool {
        Cosigner::new(&self.0).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = Self(text.trim().to_owned());
        key.verifier()?;
        Ok(key)
    }
}

impl Serialize for VerifierKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for VerifierKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
