//! A log's tree as it grows, with what its tiles above the leaves are made of.

use crate::decision_log::LeafHash;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle::Frontier;
use crate::decision_log::merkle::Levels;
use crate::decision_log::merkle::root;
use crate::decision_log::tile::HASH_BYTES;
use crate::decision_log::tile::Span;
use crate::decision_log::tile::TILE_WIDTH;

/// The tree over leaves that come one by one. It keeps no leaf: an eighth of a byte for each, in hashes above them.
#[derive(Clone, Debug, Default)]
pub struct LogTree {
    frontier: Frontier,
    levels: Levels,
    // INVARIANT (one tile): the hashes of the last tile of level 0, fewer than 256.
    last_tile: Vec<LeafHash>,
}

impl LogTree {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: LeafHash) {
        self.frontier.push(leaf);
        self.last_tile.push(leaf);
        if self.last_tile.len() == usize::from(TILE_WIDTH) {
            self.levels.push(root(self.last_tile.drain(..)));
        }
    }

    /// How many leaves there are.
    pub const fn size(&self) -> TreeSize {
        self.frontier.size()
    }

    /// The root.
    pub fn root(&self) -> RootHash {
        self.frontier.root()
    }

    /// The bytes of a tile above the leaves; nothing of level 0, and nothing that the tree does not have.
    pub fn tile(&self, level: u8, span: Span) -> Option<Vec<u8>> {
        let first = usize::try_from(span.first()?).ok()?;
        let end = first.checked_add(usize::from(span.width()))?;
        let hashes = self.levels.level(level).get(first..end)?;
        let mut bytes = Vec::with_capacity(hashes.len() * HASH_BYTES);
        for hash in hashes {
            bytes.extend_from_slice(hash.as_bytes());
        }
        Some(bytes)
    }

    /// The levels from 1 on, with their hashes.
    pub fn levels(&self) -> impl Iterator<Item = (u8, &[RootHash])> {
        self.levels.iter()
    }
}
