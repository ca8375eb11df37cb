//! Cosignatures of witnesses (C2SP `tlog-cosignature`), by Ed25519 and by ML-DSA-44.

use std::fmt;

use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ML_DSA_44;
use aws_lc_rs::signature::UnparsedPublicKey;
use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use signed_note::Verifier;

use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::KeyError;
use crate::decision_log::checkpoint::key::key_id;

const TIMESTAMP_BYTES: usize = 8;
const ED25519_KEY_BYTES: usize = 32;
const ML_DSA_44_KEY_BYTES: usize = 1_312;

/// A witness, as it is known by its key.
#[derive(Clone)]
pub struct Cosigner {
    name: String,
    id: u32,
    algorithm: Algorithm,
    public: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Ed25519,
    MlDsa44,
}

impl Algorithm {
    const fn of(tag: u8) -> Option<Self> {
        match tag {
            0x04 => Some(Self::Ed25519),
            0x06 => Some(Self::MlDsa44),
            _ => None,
        }
    }

    const fn key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ED25519_KEY_BYTES,
            Self::MlDsa44 => ML_DSA_44_KEY_BYTES,
        }
    }
}

impl Cosigner {
    pub(super) fn new(vkey: &str) -> Result<Self, KeyError> {
        let mut fields = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(KeyError::Form);
        };
        let key = BASE64.decode(key.as_bytes()).map_err(|_| KeyError::Form)?;
        let stated = HEXLOWER.decode(id.as_bytes()).map_err(|_| KeyError::Form)?;
        let (Some((tag, public)), true) = (key.split_first(), signed_note::is_key_name_valid(name))
        else {
            return Err(KeyError::Form);
        };
        let algorithm = Algorithm::of(*tag).ok_or(KeyError::Algorithm)?;
        if public.len() != algorithm.key_bytes() || name.len() > usize::from(u8::MAX) {
            return Err(KeyError::Form);
        }
        let id = key_id(name, &key);
        if id.to_be_bytes()[..] != stated {
            return Err(KeyError::Id);
        }
        Ok(Self {
            name: name.to_owned(),
            id,
            algorithm,
            public: public.to_vec(),
        })
    }

    fn has_signed(&self, body: &[u8], signature: &[u8]) -> Option<bool> {
        let (timestamp, signature) = signature.split_at_checked(TIMESTAMP_BYTES)?;
        let timestamp = u64::from_be_bytes(timestamp.try_into().ok()?);
        // A witness must not leave the time out, nor give one beyond what is allowed.
        i64::try_from(timestamp).ok().filter(|time| *time > 0)?;
        let is_valid = match self.algorithm {
            Algorithm::Ed25519 => {
                let head = format!("cosignature/v1\ntime {timestamp}\n");
                let message = [head.as_bytes(), body].concat();
                UnparsedPublicKey::new(&ED25519, &self.public)
                    .verify(&message, signature)
                    .is_ok()
            }
            Algorithm::MlDsa44 => {
                let message = self.ml_dsa_message(timestamp, &Checkpoint::parse(body).ok()?)?;
                UnparsedPublicKey::new(&ML_DSA_44, &self.public)
                    .verify(&message, signature)
                    .is_ok()
            }
        };
        Some(is_valid)
    }

    /// `cosigned_message` for a whole tree.
    fn ml_dsa_message(&self, timestamp: u64, checkpoint: &Checkpoint) -> Option<Vec<u8>> {
        let mut message = b"subtree/v1\n\0".to_vec();
        let origin = checkpoint.origin.as_str();
        message.push(u8::try_from(self.name.len()).ok()?);
        message.extend_from_slice(self.name.as_bytes());
        message.extend_from_slice(&timestamp.to_be_bytes());
        message.push(u8::try_from(origin.len()).ok()?);
        message.extend_from_slice(origin.as_bytes());
        message.extend_from_slice(&0_u64.to_be_bytes());
        message.extend_from_slice(&checkpoint.size.0.to_be_bytes());
        message.extend_from_slice(checkpoint.root.as_bytes());
        Some(message)
    }
}

impl Verifier for Cosigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, body: &[u8], signature: &[u8]) -> bool {
        self.has_signed(body, signature) == Some(true)
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cosigner")
            .field("name", &self.name)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
