//! A part: a portion of an entry that can be erased without breaking the log.

use sha2::Digest;
use sha2::Sha256;

use crate::decision_log::Commitment;

/// How many bytes of salt a part has.
pub const SALT_BYTES: usize = 16;

/// The most bytes that the key of a subject may have.
pub const SUBJECT_KEY_LIMIT_BYTES: usize = 1_024;

/// Separates these hashes from every other use of SHA-256.
const DOMAIN: &[u8] = b"comity/part/v1\0";

/// Random bytes that keep a commitment from being guessed; the caller draws them, once a part.
pub type Salt = [u8; SALT_BYTES];

/// Whom a part concerns, and so whether it can be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartClass {
    /// What the state follows from; names no person and is never erased.
    State,
    /// What concerns one person; can be erased at any time.
    Personal {
        /// Under what an erasure finds all parts of this person.
        subject_key: String,
    },
}

/// A portion of an entry under its own salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whom the part concerns.
    pub class: PartClass,
    /// What keeps the commitment from being guessed.
    pub salt: Salt,
    /// The content, for the log only bytes.
    pub body: Vec<u8>,
}

/// A part as it is kept: whole, or erased down to its commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredPart {
    /// The part is there.
    Present(Part),
    /// A personal part was here and was erased; only its commitment remains.
    Erased(Commitment),
}

impl PartClass {
    /// Under what an erasure finds it, if it concerns a person.
    pub fn subject_key(&self) -> Option<&str> {
        match self {
            Self::State => None,
            Self::Personal { subject_key } => Some(subject_key),
        }
    }

    /// The byte that stands for the class in commitments and payloads.
    pub(super) const fn tag(&self) -> u8 {
        match self {
            Self::State => STATE_TAG,
            Self::Personal { .. } => PERSONAL_TAG,
        }
    }
}

pub(super) const STATE_TAG: u8 = 1;
pub(super) const PERSONAL_TAG: u8 = 2;

impl Part {
    /// Binds the class, the subject's key, the salt and the body.
    ///
    /// The key of the subject is bound too: otherwise a part could be moved out of an erasure's
    /// reach without anybody noticing.
    pub fn commitment(&self) -> Commitment {
        let mut hasher = Sha256::new().chain_update(DOMAIN);
        hasher.update([self.class.tag()]);
        hasher.update(self.salt);
        match &self.class {
            PartClass::State => {}
            PartClass::Personal { subject_key } => {
                hasher.update((subject_key.len() as u64).to_be_bytes());
                hasher.update(subject_key);
            }
        }
        Commitment(hasher.chain_update(&self.body).finalize().into())
    }
}

impl StoredPart {
    /// The commitment, which erasing does not change.
    pub fn commitment(&self) -> Commitment {
        match self {
            Self::Present(part) => part.commitment(),
            Self::Erased(commitment) => *commitment,
        }
    }

    /// The part, unless it was erased.
    pub fn present(&self) -> Option<&Part> {
        match self {
            Self::Present(part) => Some(part),
            Self::Erased(_) => None,
        }
    }

    /// The part as erasing leaves it; a state part stays as it is.
    #[must_use]
    pub fn erased(self) -> Self {
        match self {
            Self::Present(part) => match part.class {
                PartClass::Personal { .. } => Self::Erased(part.commitment()),
                PartClass::State => Self::Present(part),
            },
            Self::Erased(commitment) => Self::Erased(commitment),
        }
    }
}

impl From<Part> for StoredPart {
    fn from(part: Part) -> Self {
        Self::Present(part)
    }
}

#[cfg(test)]
mod tests;
