//! The information point (PIP) and persistence: one door for every change.
//!
//! A [`Command`] asks for a change. The sequencer of a store checks it against the [`State`] and
//! everything sequenced before it, turns it into an [`Event`], appends the event to the decision
//! log, and applies it. Applying is total and deterministic: it never refuses and reads no clock, so
//! the state is a function of the log and can be built from it again at any time.
//!
//! Whoever commits is answered when the entry is durable *and* applied. `docs/store.md` says what is
//! where on disk, and what each failure means.

pub mod access;
pub mod command;
pub mod embedded;
pub mod erasure;
pub mod event;
pub mod in_force;
mod life;
pub mod records_read;
pub mod reminder;
pub mod state;

pub use command::Command;
pub use command::CommandOutcome;
pub use command::CommitError;
pub use command::Committed;
pub use command::Refusal;
pub use event::Event;
pub use state::State;
