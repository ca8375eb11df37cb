//! Proofs: that an entry is in a tree, that a tree goes on from an earlier one, and the text that carries one (C2SP
//! `tlog-proof`).

mod text;
mod tree;

use tlog_tiles::tlog;
use tlog_tiles::tlog::Hash;

pub use self::text::ProofTextError;
pub use self::text::TlogProof;
pub use self::tree::Tree;
pub use self::tree::TreeError;
use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::TREE_SIZE_MAX;
use crate::decision_log::merkle::empty_root;

/// The most hashes that a proof has: one a level of the largest tree that can be counted.
pub const PROOF_HASHES_MAX: usize = 63;

/// Hashes from a leaf's neighbour up to the root's child (RFC 6962, section 2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof(pub Vec<RootHash>);

/// Hashes that lead from an earlier tree to a later one (RFC 6962, section 2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof(pub Vec<RootHash>);

/// The hashes prove nothing of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The entry lies beyond the tree, or the tree is larger than any.
    #[error("a tree of {size} entries has no entry {index}")]
    Beyond {
        /// The entry.
        index: LogIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// A tree cannot go on from a larger one.
    #[error("a tree of {newer} entries does not go on from one of {older}")]
    Shorter {
        /// The size of the earlier tree.
        older: TreeSize,
        /// The size of the later tree.
        newer: TreeSize,
    },
    /// The hashes don't lead to the root.
    #[error("the proof does not lead to the root")]
    Wrong,
}

impl InclusionProof {
    /// Whether a tree of this size and root holds the leaf at this place.
    pub fn verify(
        &self,
        (size, root): (TreeSize, &RootHash),
        (index, leaf): (LogIndex, &LeafHash),
    ) -> Result<(), Unproven> {
        if !size.holds(index) || size.0 > TREE_SIZE_MAX {
            return Err(Unproven::Beyond { index, size });
        }
        let hashes = bounded(&self.0)?;
        tlog::check_record(&hashes, size.0, Hash(root.0), index.0, Hash(leaf.0))
            .map_err(|_| Unproven::Wrong)
    }
}

impl ConsistencyProof {
    /// Whether a later tree begins with all of an earlier one.
    pub fn verify(
        &self,
        (newer, newer_root): (TreeSize, &RootHash),
        (older, older_root): (TreeSize, &RootHash),
    ) -> Result<(), Unproven> {
        if older > newer || newer.0 > TREE_SIZE_MAX {
            return Err(Unproven::Shorter { older, newer });
        }
        if older.0 == 0 {
            let is_empty = self.0.is_empty() && *older_root == empty_root();
            return is_empty.then_some(()).ok_or(Unproven::Wrong);
        }
        let hashes = bounded(&self.0)?;
        let (newer_root, older_root) = (Hash(newer_root.0), Hash(older_root.0));
        tlog::check_tree(&hashes, newer.0, newer_root, older.0, older_root)
            .map_err(|_| Unproven::Wrong)
    }
}

fn bounded(hashes: &[RootHash]) -> Result<Vec<Hash>, Unproven> {
    if hashes.len() > PROOF_HASHES_MAX {
        return Err(Unproven::Wrong);
    }
    Ok(hashes.iter().map(|hash| Hash(hash.0)).collect())
}

#[cfg(test)]
mod tests;
