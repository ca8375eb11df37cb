//! The integration tests, one binary; files mirror the subjects.

#![cfg(test)]

mod decisions;
mod golden;
