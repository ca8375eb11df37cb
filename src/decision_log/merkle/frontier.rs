//! A Merkle tree that grows, held as the roots of its complete subtrees.

use crate::decision_log::LeafHash;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle::empty_root;
use crate::decision_log::merkle::node_hash;

/// What is needed of a tree to add leaves to it and to tell its root: the roots of its complete subtrees, one for each
/// bit that is set in its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: TreeSize,
    // INVARIANT (one a bit): as many as bits are set in `size`, the largest subtree first.
    complete: Vec<RootHash>,
}

/// The number of subtrees is not what the size demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has {wanted} complete subtrees, {found} are given")]
pub struct FrontierError {
    size: TreeSize,
    wanted: usize,
    found: usize,
}

impl Frontier {
    /// The tree of this size whose complete subtrees have these roots, the largest first.
    pub fn from_complete(size: TreeSize, complete: Vec<RootHash>) -> Result<Self, FrontierError> {
        let wanted = size.0.count_ones() as usize;
        if complete.len() != wanted {
            return Err(FrontierError {
                size,
                wanted,
                found: complete.len(),
            });
        }
        Ok(Self { size, complete })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: LeafHash) {
        self.size = self.size.next_index().size_including();
        let mut node = RootHash(leaf.0);
        // Each trailing zero of the new size closes one subtree that waited for its right half.
        for _ in 0..self.size.0.trailing_zeros() {
            if let Some(left) = self.complete.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.complete.push(node);
    }

    /// The root of the tree.
    pub fn root(&self) -> RootHash {
        let folded = self
            .complete
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right));
        folded.unwrap_or_else(empty_root)
    }
}
