//! Decisions as the log holds them: which of them are wanted, reading them, and going through them on all cores.

mod parallel;
mod read;
mod selection;

pub(in crate::app) use parallel::Plan;
pub(in crate::app) use parallel::in_order;
pub(in crate::app) use read::Found;
pub(in crate::app) use read::Recorded;
pub(in crate::app) use read::recorded;
pub(in crate::app) use selection::Decided;
pub use selection::Selection;
