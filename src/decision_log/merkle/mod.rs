//! The Merkle tree hash of RFC 6962, section 2.1.

use sha2::Digest;
use sha2::Sha256;

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
    let mut complete: Vec<RootHash> = Vec::new();
    for (count, leaf) in (1_u64..).zip(leaves) {
        let mut node = RootHash(leaf.0);
        // Each trailing zero of the new count closes one subtree that waited for its right half.
        for _ in 0..count.trailing_zeros() {
            if let Some(left) = complete.pop() {
                node = node_hash(&left, &node);
            }
        }
        complete.push(node);
    }
    let folded = complete
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right));
    folded.unwrap_or_else(empty_root)
}

#[cfg(test)]
mod tests;
