//! The engine against the definition of a decision.

mod properties;
mod results;
mod world;
