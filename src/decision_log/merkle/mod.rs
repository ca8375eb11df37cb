//! The Merkle tree hash of RFC 6962, section 2.1.

mod frontier;
mod levels;
mod log_tree;

use sha2::Digest;
use sha2::Sha256;

pub use self::frontier::Frontier;
pub use self::frontier::FrontierError;
pub use self::levels::Levels;
pub use self::log_tree::LogTree;

use crate::decision_log::LeafHash;
use crate::decision_log::RootHash;

/// Hashes the bytes of a leaf.
pub fn leaf_hash(leaf: &[u8]) -> LeafHash {
    LeafHash(
        Sha256::new()
            .chain_update([0])
            .chain_update(leaf)
            .finalize()
            .into(),
    )
}

/// Hashes two neighbouring subtrees into the node above them.
pub fn node_hash(left: &RootHash, right: &RootHash) -> RootHash {
    let hasher = Sha256::new().chain_update([1]);
    RootHash(
        hasher
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// The root of the tree with no leaves: the hash of nothing.
pub fn empty_root() -> RootHash {
    RootHash(Sha256::digest([]).into())
}

/// The root of the tree over these leaves, in their order.
///
/// Works in one pass with a stack of complete subtrees, at most one for each power of two.
pub fn root(leaves: impl IntoIterator<Item = LeafHash>) -> RootHash {
    let mut tree = Frontier::default();
    for leaf in leaves {
        tree.push(leaf);
    }
    tree.root()
}

#[cfg(test)]
mod tests;
