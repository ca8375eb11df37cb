//! The integration tests, one binary; files mirror the subjects.

#![cfg(test)]

mod engine;
mod eval;
mod policy;
mod policy_source;
mod watch;
