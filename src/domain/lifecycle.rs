//! The life of an item, and of the request as a pure function of its items.

use serde::Deserialize;
use serde::Serialize;

use super::outcome::PartnerOutcome;
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
    /// May be sent, and is the partner's to answer (ruling 8).
    AtPartner {
        /// How far it has come.
        stage: Stage,
        /// The first moment at which nobody waits for the answer any longer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// The partner has answered.
    Answered {
        /// What.
        outcome: PartnerOutcome,
        /// Whether whoever asked was told.
        delivered: bool,
    },
}

/// How far an item has come that is the partner's to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It may be sent.
    Cleared,
    /// It was sent.
    Sent,
    /// The partner holds it.
    PartnerPending,
}

impl Stage {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Sent => "sent",
            Self::PartnerPending => "partner-pending",
        }
    }
}

impl ItemState {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Pending { .. } => "pending",
            Self::Expired => "expired",
            Self::AtPartner { stage, .. } => stage.as_str(),
            Self::Answered {
                delivered: true, ..
            } => "delivered",
            Self::Answered {
                outcome: PartnerOutcome::Accept,
                ..
            } => "partner-accepted",
            Self::Answered {
                outcome: PartnerOutcome::Reject,
                ..
            } => "partner-refused",
        }
    }

    /// Whether a person still has to answer.
    pub fn is_pending(self) -> bool {
        match self {
            Self::Pending { .. } => true,
            Self::Granted
            | Self::Refused
            | Self::Expired
            | Self::AtPartner { .. }
            | Self::Answered { .. } => false,
        }
    }

    /// Whether it was accepted here, be it the partner's to answer or not.
    pub fn is_granted_here(self) -> bool {
        match self {
            Self::Granted | Self::AtPartner { .. } | Self::Answered { .. } => true,
            Self::Pending { .. } | Self::Refused | Self::Expired => false,
        }
    }

    /// How far it has come, if it is the partner's to answer.
    pub fn stage(self) -> Option<Stage> {
        match self {
            Self::AtPartner { stage, .. } => Some(stage),
            Self::Granted
            | Self::Refused
            | Self::Pending { .. }
            | Self::Expired
            | Self::Answered { .. } => None,
        }
    }

    /// Whether a report may put it into another state: forth on its way, to an answer, or, once that is delivered, there.
    ///
    /// What the partner granted may be refused here in spite of it.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::AtPartner { stage, .. }, Self::AtPartner { stage: next, .. }) => next > stage,
            (
                Self::AtPartner { .. },
                Self::Refused
                | Self::Answered {
                    delivered: false, ..
                },
            ) => true,
            (
                Self::Answered {
                    outcome,
                    delivered: false,
                },
                Self::Answered {
                    outcome: next,
                    delivered: true,
                },
            ) => outcome == next,
            (
                Self::Granted
                | Self::Refused
                | Self::Pending { .. }
                | Self::Expired
                | Self::AtPartner { .. }
                | Self::Answered { .. },
                _,
            ) => false,
        }
    }

    /// Whether anybody still has to answer, here or at the partner.
    pub fn is_open(self) -> bool {
        self.is_pending() || self.stage().is_some()
    }

    /// When nobody waits for the answer any longer.
    pub fn expires_at(self) -> Option<Timestamp> {
        match self {
            Self::Pending { expires_at } | Self::AtPartner { expires_at, .. } => expires_at,
            Self::Granted | Self::Refused | Self::Expired | Self::Answered { .. } => None,
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
        self.expires_at()
            .is_some_and(|expires_at| now >= expires_at)
    }
}

/// The status of a request with these items; a request without items is rejected.
pub fn status(items: impl IntoIterator<Item = ItemState>) -> RequestStatus {
    let (mut granted, mut refused) = (false, false);
    let mut at_partner: Option<Stage> = None;
    for item in items {
        match item {
            ItemState::Pending { .. } => return RequestStatus::Pending,
            ItemState::AtPartner { stage, .. } => {
                at_partner = Some(at_partner.map_or(stage, |other| other.min(stage)));
            }
            ItemState::Granted
            | ItemState::Answered {
                outcome: PartnerOutcome::Accept,
                ..
            } => granted = true,
            ItemState::Refused
            | ItemState::Expired
            | ItemState::Answered {
                outcome: PartnerOutcome::Reject,
                ..
            } => refused = true,
        }
    }
    match (at_partner, granted, refused) {
        (Some(Stage::Cleared), ..) => RequestStatus::Cleared,
        (Some(Stage::Sent), ..) => RequestStatus::Sent,
        (Some(Stage::PartnerPending), ..) => RequestStatus::PartnerPending,
        (None, true, false) => RequestStatus::Accepted,
        (None, true, true) => RequestStatus::Partial,
        (None, false, _) => RequestStatus::Rejected,
    }
}
