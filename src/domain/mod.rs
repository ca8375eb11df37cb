//! The customer's words: identities, systems, agreements, users, groups, operations, requests, outcomes.

pub mod outcome;
