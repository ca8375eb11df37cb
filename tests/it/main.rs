//! The integration tests, one binary; files mirror the subjects.

#![cfg(test)]

mod access;
mod arap;
mod catalogue;
mod crash;
mod credential;
mod decision_properties;
mod decisions;
mod documentation;
mod engine;
mod eval;
mod explain;
mod facts;
mod front;
mod golden;
mod interconnection_elements;
mod journal;
mod message;
mod officer_guide;
mod partner_texts;
mod policy;
mod policy_source;
mod records;
mod responses;
mod scenario_format;
mod store;
mod story;
mod vocabulary;
mod watch;
mod worlds;
