//! The decision point (PDP): a pure function of bundle, facts, request and time.

pub mod combine;
pub mod derived;
pub mod engine;
pub mod slice;
