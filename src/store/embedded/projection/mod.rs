//! The projection: a copy of the state's rows, kept up by a thread of its own.
//!
//! The sequencer leaves changed rows in `Pending`, where later values replace earlier ones, and
//! never waits. The thread takes all of them at once together with the state's head, so each batch
//! that it writes is the state at one index. Anything that goes wrong makes it begin anew in the next
//! generation, from the state in memory; decisions go on meanwhile.

mod backend;
mod pending;
mod rows;
mod sum;
mod thread;

use crate::decision_log::TreeSize;

pub use backend::BackendError;
pub use backend::ProjectionBackend;
pub use backend::ProjectionRows;
pub use backend::RowChange;
pub use backend::SledBackend;
pub use backend::Visit;
pub(super) use backend::drop_guarded;
pub(super) use backend::guarded;
pub(super) use pending::Pending;
pub(super) use pending::Stop;
pub(super) use rows::OpenRows;
pub(super) use sum::Mark;
pub(super) use sum::RowSum;
pub(super) use thread::Projector;

/// How the projection does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// The generation in use; `None` while there is no whole one.
    pub generation: Option<u64>,
    /// How many entries are in it.
    pub applied: TreeSize,
    /// How often it failed and was begun anew.
    pub failures: u64,
    /// The last failure, while it is not made good.
    pub failure: Option<String>,
    /// How many snapshots were written.
    pub snapshots: u64,
    /// Why the last snapshot was not written.
    pub snapshot_failure: Option<String>,
}
