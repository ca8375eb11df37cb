//! Everything that calls out: to addresses that are checked when they are connected to, with time limits, and never
//! further than it was told.

pub mod address;
pub mod host;
#[cfg(test)]
mod rebinding;
mod resolver;
pub mod sender;
pub mod signature;
pub mod witness;
