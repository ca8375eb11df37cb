//! Tracing, metrics, and how an error is told.

pub mod chain;
pub mod metrics;
pub mod tracing;
