//! Checkpoints: what a log says of its whole tree, signed (C2SP `tlog-checkpoint` in a `signed-note`).

mod cosigner;
mod key;
mod origin;
mod signed;
mod signing;
mod submission;

pub use self::cosigner::Cosigner;
pub use self::key::KeyError;
pub use self::key::LogKey;
pub use self::key::VerifierKey;
pub use self::key::signing_key_text;
pub use self::origin::Origin;
pub use self::origin::OriginError;
pub use self::signed::CheckpointError;
pub use self::signed::SignedCheckpoint;
pub use self::signed::Trust;
pub use self::signed::Verified;
pub use self::signing::Earlier;
pub use self::signing::Signing;
pub use self::submission::submission;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::tile::decimal;

/// The largest tree that is spoken of: sizes beyond are refused before anything is reckoned with them.
pub const TREE_SIZE_MAX: u64 = 1 << 48;

/// The head of a tree: whose log, how many entries, which root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// How many entries it had.
    pub size: TreeSize,
    /// The root of its tree.
    pub root: RootHash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads a text that is signed; extension lines may follow and say nothing to us.
    fn parse(body: &[u8]) -> Result<Self, CheckpointError> {
        let body = str::from_utf8(body).map_err(|_| CheckpointError::Body)?;
        let body = body.strip_suffix('\n').ok_or(CheckpointError::Body)?;
        let mut lines = body.split('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty());
        let (Some(origin), Some(size), Some(root)) = (next(), next(), next()) else {
            return Err(CheckpointError::Body);
        };
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Body);
        }
        let size = decimal(size).ok_or(CheckpointError::Body)?;
        if size > TREE_SIZE_MAX {
            return Err(CheckpointError::TooLarge { size });
        }
        Ok(Self {
            origin: origin.parse().map_err(CheckpointError::Origin)?,
            size: TreeSize(size),
            root: root.parse().map_err(|_| CheckpointError::Body)?,
        })
    }
}

#[cfg(test)]
mod tests;
