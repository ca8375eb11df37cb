//! `kill -9` in the middle of each transition of a request: submission, answer, quorum, withdrawal, revocation, report,
//! obligation, acknowledgement, expiry. Clients do all of them at once, two of them often at the same instant.
//!
//! After each restart the answers that clients got, the requests, the events, the registry and the webhook have to
//! agree on what happened, and that each of it happened once or not at all.

#![cfg(test)]

mod campaign;
mod lapses;
mod ledger;
mod load;
mod repeat;
mod steps;
mod stream;
mod verify;
mod world;
