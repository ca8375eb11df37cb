//! What an audit finds wrong, with its place.

use std::error::Error;

use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::CheckpointError;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::tile::BundleError;

/// Why a log is not in order.
#[derive(Debug, thiserror::Error)]
pub enum AuditError<E: Error + 'static> {
    /// A resource can't be had.
    #[error(transparent)]
    Source(E),
    /// The checkpoint is none, or not believed.
    #[error("the log's checkpoint does not count")]
    Checkpoint(#[source] CheckpointError),
    /// The older checkpoint is not believed.
    #[error("the older checkpoint does not count")]
    Older(#[source] CheckpointError),
    /// The older checkpoint is of another log.
    #[error("the older checkpoint is of log `{older}`, the log calls itself `{found}`")]
    OlderForeign {
        /// The log of the older checkpoint.
        older: Origin,
        /// The log that was read.
        found: Origin,
    },
    /// The log has fewer entries than it had.
    #[error("the log has {found} entries, and had {older} before: entries were taken away")]
    RolledBack {
        /// How many it had.
        older: TreeSize,
        /// How many it has.
        found: TreeSize,
    },
    /// The log does not begin with what it held before.
    #[error(
        "the first {older} entries are not those of the older checkpoint: the log was rewritten"
    )]
    Rewritten {
        /// How many entries the older checkpoint had.
        older: TreeSize,
    },
    /// A bundle can't be read.
    #[error("`{path}` is no entry bundle")]
    Bundle {
        /// Which.
        path: String,
        /// Why.
        source: BundleError,
    },
    /// A bundle has another number of entries.
    #[error("`{path}` has {found} entries instead of {wanted}")]
    Entries {
        /// Which.
        path: String,
        /// How many it has.
        found: usize,
        /// How many it should have.
        wanted: u16,
    },
    /// A tile has another length.
    #[error("`{path}` has {found} bytes instead of {wanted}")]
    Length {
        /// Which.
        path: String,
        /// How many it has.
        found: usize,
        /// How many it should have.
        wanted: usize,
    },
    /// A tile is not what the entries make.
    #[error("`{path}` is not what the entries make: hash {place}, counted from 0, is another")]
    Tile {
        /// Which.
        path: String,
        /// Which of its hashes.
        place: usize,
    },
    /// Entries and tiles fit, but the signed root is another.
    #[error(
        "the {size} entries have root {found}, signed is {signed}: entries and tiles were rewritten together"
    )]
    Root {
        /// How many entries.
        size: TreeSize,
        /// The root that is signed.
        signed: RootHash,
        /// The root of what was read.
        found: RootHash,
    },
}
