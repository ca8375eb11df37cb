//! What a decision can be, and what a request made of items can be.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The answer to one query: accept, reject, or hold it for an authorised user at the ACM client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Granted, possibly with limits.
    Accept,
    /// Refused.
    Reject,
    /// Held for manual review.
    Review,
}

impl Outcome {
    /// The word used on the wire and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Review => "review",
        }
    }

    /// How much the outcome lets through: a reject nothing, a review perhaps, an accept all.
    pub fn width(self) -> u8 {
        match self {
            Self::Reject => 0,
            Self::Review => 1,
            Self::Accept => 2,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The status of a request: a pure function of its items' states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestStatus {
    /// Every item is granted.
    Accepted,
    /// No item is granted and none waits; nothing was granted before, and not all were withdrawn.
    Rejected,
    /// At least one item waits for a person.
    Pending,
    /// Some items are granted, some refused, none waits.
    Partial,
    /// At least one item may be sent to the partner and was not; none waits for a person here.
    Cleared,
    /// At least one item was sent; none waits here.
    Sent,
    /// The partner holds what is not answered.
    PartnerPending,
    /// Every item was withdrawn by whoever asked.
    Withdrawn,
    /// Everything that was granted is revoked.
    Revoked,
}

/// What a partner answered about one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartnerOutcome {
    /// Granted, possibly with limits.
    Accept,
    /// Refused.
    Reject,
}

impl fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Pending => "pending",
            Self::Partial => "partial",
            Self::Cleared => "cleared",
            Self::Sent => "sent",
            Self::PartnerPending => "partner-pending",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
        })
    }
}
