//! The front door: a whole service over real HTTP, and the command line as a process.

mod bad_input;
mod cli;
mod clock;
mod idempotency;
mod lifecycle;
mod limits;
mod mirror;
mod policies;
mod registry;
mod requests;
mod reviews;
mod support;
mod unauthorized;
