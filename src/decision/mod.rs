//! The decision point (PDP): a pure function of bundle, facts, request and time.
//!
//! It reads as a sentence: [`facts`] are gathered for a request, become [`entities`] and a [`query`] for
//! each item, the [`engine`] answers from the [`mod@slice`] that can match, [`decide`] makes item decisions of
//! the answers, and [`record`] keeps all of it in parts that can be erased one by one. [`derived`] is the
//! definition that the engine is held against.

pub mod attention;
pub mod combine;
pub mod conformity;
pub mod decide;
pub mod derived;
pub mod engine;
pub mod entities;
pub mod facts;
pub mod obligation;
pub mod query;
pub mod quorum;
pub mod reason;
pub mod record;
pub mod slice;
