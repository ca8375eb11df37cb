//! The decision point (PDP): a pure function of bundle, facts, request and time.
//!
//! It reads as a sentence: [`facts`] are gathered for a request, become [`entities`] and a [`query`] for
//! each item, the [`engine`] answers, [`decide`] makes item decisions of the answers, [`record`] keeps
//! all of it in parts that can be erased one by one.

pub mod combine;
pub mod decide;
pub mod derived;
pub mod engine;
pub mod entities;
pub mod facts;
pub mod obligation;
pub mod query;
pub mod reason;
pub mod record;
pub mod slice;
