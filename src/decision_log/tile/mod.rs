//! Tiles: the static resources by which a log is read (C2SP `tlog-tiles`).
//!
//! A tile is a run of at most 256 hashes of one level of the Merkle tree, an entry bundle the entries under a tile of
//! level 0. Levels are eight tree levels apart.

mod bundle;
mod path;

use std::fmt;

pub use self::bundle::BundleError;
pub use self::bundle::ENTRY_BYTES_MAX;
pub use self::bundle::read_bundle;
pub use self::bundle::write_bundle;
pub use self::path::PathError;
pub(in crate::decision_log) use self::path::decimal;
use crate::decision_log::TreeSize;

/// The most hashes of a tile, and entries of a bundle.
pub const TILE_WIDTH: u16 = 256;

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// The highest level that the specification knows.
pub const LEVEL_MAX: u8 = 63;

/// Which hashes of a level, or which entries: the width is 256 where the tile is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    index: u64,
    // INVARIANT (width): from 1 to 256.
    width: u16,
}

/// A resource of a log, as its path below the log's prefix names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The newest signed tree head.
    Checkpoint,
    /// Hashes of one level of the tree.
    Tile {
        /// The level of the tile; 0 holds the hashes of leaves.
        level: u8,
        /// Which of them.
        span: Span,
    },
    /// The entries themselves.
    Entries(Span),
}

impl Span {
    /// A full or partial tile; nothing for a width of 0 or beyond 256.
    pub const fn new(index: u64, width: u16) -> Option<Self> {
        if width == 0 || width > TILE_WIDTH {
            return None;
        }
        Some(Self { index, width })
    }

    /// A full tile.
    pub const fn full(index: u64) -> Self {
        Self {
            index,
            width: TILE_WIDTH,
        }
    }

    /// The number of the tile within its level.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes or entries.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it has its 256.
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The place of its first hash within the level; nothing beyond what can be counted.
    pub const fn first(self) -> Option<u64> {
        self.index.checked_mul(TILE_WIDTH as u64)
    }

    /// Whether a level with so many hashes holds all of it.
    pub const fn is_within(self, hashes: u64) -> bool {
        match self.first() {
            Some(first) => match first.checked_add(self.width as u64) {
                Some(end) => end <= hashes,
                None => false,
            },
            None => false,
        }
    }

    /// The tiles over so many hashes, the last one perhaps partial.
    pub fn over(hashes: u64) -> impl Iterator<Item = Self> {
        let width = u64::from(TILE_WIDTH);
        let rest = u16::try_from(hashes % width).unwrap_or(0);
        let partial = Self::new(hashes / width, rest);
        (0..hashes / width).map(Self::full).chain(partial)
    }
}

/// How many hashes a level has for a tree of this size.
pub const fn hashes_at(level: u8, size: TreeSize) -> u64 {
    let shift = 8 * level as u32;
    if shift >= u64::BITS {
        return 0;
    }
    size.0 >> shift
}

/// The levels of a tree of this size that have hashes, the lowest first.
pub fn levels(size: TreeSize) -> impl Iterator<Item = u8> {
    (0..=LEVEL_MAX).take_while(move |level| hashes_at(*level, size) > 0)
}

impl Resource {
    /// Whether a log of this size has the resource.
    pub const fn is_within(self, size: TreeSize) -> bool {
        match self {
            Self::Checkpoint => true,
            Self::Tile { level, span } => span.is_within(hashes_at(level, size)),
            Self::Entries(span) => span.is_within(size.0),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        path::write(*self, f)
    }
}

#[cfg(test)]
mod tests;
