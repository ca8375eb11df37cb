//! A tree that is read by its tiles. Nothing that a tile says is believed: a proof is given only after it was checked to
//! lead to the root, so that none of its hashes can be another than the tree's.
//!
//! The library's own authenticating reader is not used: where two subtrees of the root lie in one tile, it leaves a tile
//! below unchecked (a property test found it; ADR 0027).

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;

use tlog_tiles::tile::Tile;
use tlog_tiles::tlog;
use tlog_tiles::tlog::Hash;
use tlog_tiles::tlog::HashReader;

use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::LogSource;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::TREE_SIZE_MAX;
use crate::decision_log::merkle::empty_root;
use crate::decision_log::proof::ConsistencyProof;
use crate::decision_log::proof::InclusionProof;
use crate::decision_log::tile::HASH_BYTES;
use crate::decision_log::tile::Resource;
use crate::decision_log::tile::Span;
use crate::decision_log::tile::TILE_WIDTH;
use crate::decision_log::tile::hashes_at;

/// Eight levels of the tree a tile.
const TILE_HEIGHT: u8 = 8;

/// A tree of which size and root are believed.
#[derive(Debug)]
pub struct Tree<'a, S> {
    source: &'a S,
    size: TreeSize,
    root: RootHash,
}

/// Why a proof can't be made.
#[derive(Debug, thiserror::Error)]
pub enum TreeError<E: Error + 'static> {
    /// A tile can't be had.
    #[error(transparent)]
    Source(E),
    /// A tile has another length than its place demands.
    #[error("`{path}` has {found} bytes instead of {wanted}")]
    Length {
        /// Which tile.
        path: String,
        /// How many bytes it has.
        found: usize,
        /// How many it should have.
        wanted: usize,
    },
    /// The tiles don't add up to the root.
    #[error(
        "the tiles are not those of the tree of {size} entries with root {root}: one of them was altered"
    )]
    Inconsistent {
        /// The size of the tree.
        size: TreeSize,
        /// The root that is believed.
        root: RootHash,
    },
    /// The tree has no such entry, or no such earlier tree.
    #[error("a tree of {size} entries has no place {place}")]
    Beyond {
        /// The size of the tree.
        size: TreeSize,
        /// The place.
        place: u64,
    },
}

impl<'a, S: LogSource> Tree<'a, S> {
    /// The tree of this size and root, whose tiles come from a source.
    pub fn new(source: &'a S, size: TreeSize, root: RootHash) -> Self {
        Self { source, size, root }
    }

    /// That the tree holds an entry.
    pub fn inclusion(&self, index: LogIndex) -> Result<InclusionProof, TreeError<S::Error>> {
        if !self.size.holds(index) || self.size.0 > TREE_SIZE_MAX {
            return Err(self.beyond(index.0));
        }
        let tiles = self.tiles();
        let proof = tiles.told(tlog::prove_record(self.size.0, index.0, &tiles))?;
        let place = tlog::stored_hash_index(0, index.0);
        let leaf = tiles.told(tiles.read_hashes(&[place]))?;
        let proof = InclusionProof(root_hashes(proof));
        let leads_to_root = leaf.first().is_some_and(|Hash(leaf)| {
            proof
                .verify((self.size, &self.root), (index, &LeafHash(*leaf)))
                .is_ok()
        });
        leads_to_root
            .then_some(proof)
            .ok_or_else(|| self.inconsistent())
    }

    /// That the tree goes on from an earlier one, and the root of that one.
    pub fn consistency(
        &self,
        older: TreeSize,
    ) -> Result<(ConsistencyProof, RootHash), TreeError<S::Error>> {
        if older > self.size || self.size.0 > TREE_SIZE_MAX {
            return Err(self.beyond(older.0));
        }
        if older.0 == 0 {
            return Ok((ConsistencyProof(Vec::new()), empty_root()));
        }
        let tiles = self.tiles();
        let proof = tiles.told(tlog::prove_tree(self.size.0, older.0, &tiles))?;
        let Hash(older_root) = tiles.told(tlog::tree_hash(older.0, &tiles))?;
        let (proof, older_root) = (ConsistencyProof(root_hashes(proof)), RootHash(older_root));
        proof
            .verify((self.size, &self.root), (older, &older_root))
            .map_err(|_| self.inconsistent())?;
        Ok((proof, older_root))
    }

    fn tiles(&self) -> Tiles<'_, S> {
        Tiles {
            source: self.source,
            size: self.size,
            read: RefCell::new(HashMap::new()),
            failure: RefCell::new(None),
        }
    }

    fn inconsistent(&self) -> TreeError<S::Error> {
        TreeError::Inconsistent {
            size: self.size,
            root: self.root,
        }
    }

    fn beyond(&self, place: u64) -> TreeError<S::Error> {
        TreeError::Beyond {
            size: self.size,
            place,
        }
    }
}

/// Hands the library our tiles; why one is not to be had is kept, since the library's errors can't say it.
struct Tiles<'a, S: LogSource> {
    source: &'a S,
    size: TreeSize,
    read: RefCell<HashMap<(u8, u64), Vec<u8>>>,
    failure: RefCell<Option<TreeError<S::Error>>>,
}

impl<S: LogSource> Tiles<'_, S> {
    fn hash(&self, place: u64) -> Result<Hash, TreeError<S::Error>> {
        let least = Tile::from_index(TILE_HEIGHT, place);
        let (level, index) = (least.level(), least.level_index());
        let span = self.span(level, index)?;
        let key = (level, index);
        let bytes = match self.read.borrow_mut().remove(&key) {
            Some(bytes) => bytes,
            None => self.fetch(Resource::Tile { level, span })?,
        };
        let tile = Tile::new(TILE_HEIGHT, level, index, u32::from(span.width()), false);
        let hash = tile.hash_at_index(&bytes, place);
        self.read.borrow_mut().insert(key, bytes);
        hash.map_err(|_| self.beyond(index))
    }

    /// The tile as the tree has it, perhaps partial.
    fn span(&self, level: u8, index: u64) -> Result<Span, TreeError<S::Error>> {
        let first = index.checked_mul(u64::from(TILE_WIDTH));
        let rest = first.and_then(|first| hashes_at(level, self.size).checked_sub(first));
        let width = rest.map(|rest| rest.min(u64::from(TILE_WIDTH)));
        width
            .and_then(|width| Span::new(index, u16::try_from(width).ok()?))
            .ok_or_else(|| self.beyond(index))
    }

    fn fetch(&self, resource: Resource) -> Result<Vec<u8>, TreeError<S::Error>> {
        let bytes = self.source.read(resource).map_err(TreeError::Source)?;
        let wanted = match resource {
            Resource::Tile { span, .. } => usize::from(span.width()) * HASH_BYTES,
            Resource::Checkpoint | Resource::Entries(_) => 0,
        };
        if bytes.len() != wanted {
            return Err(TreeError::Length {
                path: resource.to_string(),
                found: bytes.len(),
                wanted,
            });
        }
        Ok(bytes)
    }

    fn beyond(&self, place: u64) -> TreeError<S::Error> {
        TreeError::Beyond {
            size: self.size,
            place,
        }
    }

    /// What the library gave, or why it could not.
    fn told<T>(&self, given: Result<T, tlog::Error>) -> Result<T, TreeError<S::Error>> {
        given.map_err(|_| {
            let failure = self.failure.take();
            failure.unwrap_or_else(|| self.beyond(self.size.0))
        })
    }
}

impl<S: LogSource> HashReader for Tiles<'_, S> {
    fn read_hashes(&self, places: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        let hashes: Result<Vec<_>, _> = places.iter().map(|place| self.hash(*place)).collect();
        hashes.map_err(|failure| {
            self.failure.replace(Some(failure));
            tlog::Error::InvalidTile
        })
    }
}

fn root_hashes(hashes: Vec<Hash>) -> Vec<RootHash> {
    hashes
        .into_iter()
        .map(|Hash(hash)| RootHash(hash))
        .collect()
}
