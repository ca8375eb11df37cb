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

/// An error with its causes, in one line.
pub(in crate::app) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
