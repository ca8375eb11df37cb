//! The life of an item, and of the request as a pure function of its items.

use serde::Deserialize;
use serde::Serialize;

use super::outcome::Outcome;
use super::outcome::RequestStatus;
use super::time::Timestamp;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum ItemState {
    /// Granted by policy or by approval.
    Granted,
    /// Refused by policy, by a reviewer, or at approval.
    Refused,
    /// Waits for an authorised user until the moment given; a held deletion has none and never expires (ruling 15).
    Pending {
        /// The first moment at which it can no longer be approved.
        expires_at: Option<Timestamp>,
    },
    /// Nobody answered in time.
    Expired,
}

impl ItemState {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Pending { .. } => "pending",
            Self::Expired => "expired",
        }
    }

    /// The state in which a decision puts an item.
    pub fn decided(outcome: Outcome, expires_at: Option<Timestamp>) -> Self {
        match outcome {
            Outcome::Accept => Self::Granted,
            Outcome::Reject => Self::Refused,
            Outcome::Review => Self::Pending { expires_at },
        }
    }

    /// Whether a person still has to answer.
    pub fn is_pending(self) -> bool {
        match self {
            Self::Pending { .. } => true,
            Self::Granted | Self::Refused | Self::Expired => false,
        }
    }

    /// Where the item stands at a moment: what waits no longer in time has expired, whether or not that is written.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.is_overdue(now) {
            Self::Expired
        } else {
            self
        }
    }

    /// Whether the item waits, but no longer in time.
    pub fn is_overdue(self, now: Timestamp) -> bool {
        match self {
            Self::Pending { expires_at } => expires_at.is_some_and(|expires_at| now >= expires_at),
            Self::Granted | Self::Refused | Self::Expired => false,
        }
    }
}

/// The status of a request with these items; a request without items is rejected.
pub fn status(items: impl IntoIterator<Item = ItemState>) -> RequestStatus {
    let (mut granted, mut refused) = (false, false);
    for item in items {
        match item {
            ItemState::Pending { .. } => return RequestStatus::Pending,
            ItemState::Granted => granted = true,
            ItemState::Refused | ItemState::Expired => refused = true,
        }
    }
    match (granted, refused) {
        (true, false) => RequestStatus::Accepted,
        (true, true) => RequestStatus::Partial,
        (false, _) => RequestStatus::Rejected,
    }
}
