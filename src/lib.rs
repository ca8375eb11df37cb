//! Comity decides what one mission critical (MC) service system lets another do.
//!
//! Every inter-system request (a group membership update, a migration, a configuration push, an
//! affiliation) becomes Cedar authorization queries over partner agreements and user profiles, and
//! is answered *accept*, *reject* or *review*. What was decided, and on which facts, is kept in an
//! append-only log from which it can be replayed.
//!
//! The floors, lowest first; a module imports only from floors below its own, and
//! `tests/architecture.rs` holds that:
//!
//! | floor | holds |
//! | --- | --- |
//! | [`domain`], [`telemetry`] | the customer's words: identities, agreements, requests, outcomes |
//! | [`policy`], [`decision_log`], [`identity`] | the validated bundle; the log's values; who calls us |
//! | [`decision`] | the decision point: a pure function of bundle, facts, request and time |
//! | [`store`] | the information point: one sequencer, a durable journal, a projection |
//! | [`outbound`] | everything that calls out |
//! | [`app`] | the use cases, the only floor that reads the store and decides |
//! | [`workbench`] | the officer's tools over the same engine |
//! | [`http`] | the `/v1` interface |
//! | [`config`] | the settings, and the only reader of the environment |
//! | [`cli`] | one file a subcommand |

pub mod app;
pub mod cli;
pub mod config;
pub mod decision;
pub mod decision_log;
pub mod domain;
pub mod http;
pub mod identity;
pub mod outbound;
pub mod policy;
pub mod store;
pub mod telemetry;
pub mod workbench;
