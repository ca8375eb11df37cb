//! The administration point (PAP): a `Bundle` exists only validated.

mod actions;
pub mod annotation;
pub mod approvals;
pub mod bundle;
mod compile;
pub mod diagnostics;
pub mod due;
mod folders;
mod links;
pub mod manifest;
mod places;
pub mod reminders;
mod required;
mod responses;
pub mod source;
mod switches;
pub mod texts;
mod urgency;
mod vocabulary;
pub mod watch;
