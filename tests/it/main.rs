//! The integration tests, one binary; files mirror the subjects.

#![cfg(test)]

mod decisions;
mod engine;
mod eval;
mod golden;
mod policy;
mod policy_source;
