//! The embedded store: everything of one node in one data directory.
