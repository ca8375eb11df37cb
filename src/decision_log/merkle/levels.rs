//! The hashes of the levels above the leaves, made from those below.

use crate::decision_log::LeafHash;
use crate::decision_log::RootHash;
use crate::decision_log::merkle;
use crate::decision_log::tile::TILE_WIDTH;

/// One hash a full tile of the level below; an eighth of a byte a leaf.
#[derive(Clone, Debug, Default)]
pub struct Levels(Vec<Vec<RootHash>>);

impl Levels {
    /// Adds the hash of a full tile of level 0.
    pub fn push(&mut self, hash: RootHash) {
        let mut hash = Some(hash);
        let mut level = 0;
        while let Some(added) = hash.take() {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let Some(hashes) = self.0.get_mut(level) else {
                return;
            };
            hashes.push(added);
            if hashes.len().is_multiple_of(usize::from(TILE_WIDTH)) {
                let tile = hashes.len() - usize::from(TILE_WIDTH);
                let tile = hashes.get(tile..).unwrap_or_default();
                hash = Some(merkle::root(tile.iter().map(|hash| LeafHash(hash.0))));
            }
            level += 1;
        }
    }

    /// The hashes of a level, from 1 on.
    pub fn level(&self, level: u8) -> &[RootHash] {
        let place = usize::from(level).checked_sub(1);
        let hashes = place.and_then(|place| self.0.get(place));
        hashes.map(Vec::as_slice).unwrap_or_default()
    }

    /// The levels from 1 on, with their hashes.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[RootHash])> {
        (1..).zip(self.0.iter().map(Vec::as_slice))
    }
}
