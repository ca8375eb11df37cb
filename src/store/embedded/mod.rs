//! The embedded store: everything of one node in one data directory.

pub mod archive;
pub mod disk;
pub mod journal;
pub mod store;
