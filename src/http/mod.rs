//! The `/v1` interface and the AuthZEN dialect and the published log: handlers translate, use cases act.

pub mod api;
pub mod authzen;
pub mod body;
pub mod caller;
mod connection;
pub mod idempotency;
pub mod layers;
pub mod log;
pub mod precondition;
pub mod problem;
pub mod server;
pub mod settings;
pub mod state;
mod streams;
