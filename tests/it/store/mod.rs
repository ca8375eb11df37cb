//! The embedded store through its front door.

mod acknowledged;
mod acknowledgements;
mod answers;
mod approvals;
mod commands;
mod damage;
mod ended;
mod endings;
mod erasure;
mod faults;
mod last_word;
mod model;
mod obligations;
mod publication;
mod reports;
mod revocations;
mod start;
mod support;
mod withdrawals;
