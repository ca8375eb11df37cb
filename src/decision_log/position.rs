//! Places in the log: an index names an entry, a size counts them.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The place of one entry in the log, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogIndex(pub u64);

/// The number of entries that a log, or one state of it, holds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TreeSize(pub u64);

impl LogIndex {
    /// The index after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The size of the smallest log that holds this entry.
    pub const fn size_including(self) -> TreeSize {
        TreeSize(self.0.saturating_add(1))
    }
}

impl TreeSize {
    /// The index that the next entry gets.
    pub const fn next_index(self) -> LogIndex {
        LogIndex(self.0)
    }

    /// Whether a log of this size holds the entry.
    pub const fn holds(self, index: LogIndex) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for LogIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
