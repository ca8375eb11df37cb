//! How a request is written in JSON: read strictly, with everything that is wrong told at once.
//!
//! Strict means: no member appears twice, no member is unknown, nothing is nested beyond the limit, and
//! every value is what its place asks for. A problem names its place by a JSON pointer (RFC 6901).

mod canonical;
pub(in crate::domain) mod configuration;
pub(in crate::domain) mod element;
mod idempotency;
mod json;
pub(in crate::domain) mod lists;
pub(in crate::domain) mod location;
mod objects;
pub(in crate::domain) mod people;
mod request;
mod typed;
pub(in crate::domain) mod words;

#[cfg(test)]
mod tests;

use std::fmt;

pub use canonical::canonical_json;
pub use idempotency::IdempotencyKey;
pub use idempotency::InvalidIdempotencyKey;
pub use json::strict_json;
pub use location::parse_location;
pub use location::read_location;
pub use request::parse_request;
pub use request::read_request;
pub use request::write_request;
pub use typed::typed;

/// What is wrong at one place of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Problem {
    /// JSON pointer to the place; empty means the whole text.
    pub pointer: String,
    /// What is wrong there, in a sentence without its first capital and full stop.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.pointer, self.detail)
        }
    }
}

/// How much a JSON text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireLimits {
    /// Arrays and objects within each other.
    pub nesting: usize,
    /// Members of one group membership update.
    pub members: usize,
}

impl WireLimits {
    /// The deepest nesting that can be allowed.
    pub const NESTING_MAX: usize = 100;
}

impl Default for WireLimits {
    fn default() -> Self {
        Self {
            nesting: 32,
            members: 10_000,
        }
    }
}
