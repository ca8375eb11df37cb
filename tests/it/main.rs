//! The integration tests, one binary; files mirror the subjects.

#![cfg(test)]

mod journal;
