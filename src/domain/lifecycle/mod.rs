//! The life of an item, and of the request as a pure function of its items.
//!
//! Each state is a type of its own, and a transition is a method that consumes the old state and gives the new one:
//!
//! ```text
//! Received ─┬─ Granted ──────────────────────────── Revoked
//!           ├─ Refused
//!           ├─ Pending ──┬─ Pending (fewer are waited for)
//!           │            ├─ Granted, AtPartner, Refused, Expired, Withdrawn
//!           └─ AtPartner ┬─ AtPartner (cleared, sent, held there)
//!                        ├─ Answered ─ Answered (delivered) ─ Revoked
//!                        └─ Refused, Expired, Withdrawn
//! ```
//!
//! [`ItemState`] is the sum of them as it is stored. It moves only where it has been taken apart into a state, so use
//! cases cannot make a step that is none; the sequencer takes the same steps again before it writes them.
//!
//! ```compile_fail
//! use comity::domain::lifecycle::Refused;
//! use comity::domain::time::Timestamp;
//! fn again(refused: Refused, now: Timestamp) {
//!     let granted = refused.approve(now);
//! }
//! ```
//!
//! ```compile_fail
//! use comity::domain::lifecycle::Granted;
//! fn twice(granted: Granted) {
//!     let _ = (granted.revoke(), granted.revoke());
//! }
//! ```

mod answered;
mod at_partner;
mod ended;
mod granted;
mod in_force;
mod pending;
mod received;
mod stage;
mod status;
mod transition;
mod waiting;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::Serialize;

use super::outcome::PartnerOutcome;
use super::time::Timestamp;

pub use answered::Answered;
pub use at_partner::AtPartner;
pub use ended::Expired;
pub use ended::Refused;
pub use ended::Revoked;
pub use ended::Withdrawn;
pub use granted::Granted;
pub use in_force::InForce;
pub use pending::Pending;
pub use received::Received;
pub use stage::Stage;
pub use status::status;
pub use waiting::Waiting;

/// Where an item stands, as it is stored.
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
    /// Whoever asked wants it no longer.
    Withdrawn,
    /// It was granted, and is no longer.
    Revoked,
}

impl ItemState {
    /// Every word used on the wire.
    pub const WORDS: [&str; 12] = [
        "granted",
        "refused",
        "pending",
        "expired",
        "cleared",
        "sent",
        "partner-pending",
        "partner-accepted",
        "partner-refused",
        "delivered",
        "withdrawn",
        "revoked",
    ];

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
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
        }
    }

    /// The item, if a person here still has to answer it.
    pub fn pending(self) -> Option<Pending> {
        match self {
            Self::Pending { expires_at } => Some(Pending::new(expires_at)),
            Self::Granted
            | Self::Refused
            | Self::Expired
            | Self::AtPartner { .. }
            | Self::Answered { .. }
            | Self::Withdrawn
            | Self::Revoked => None,
        }
    }

    /// The item, if it is the partner's to answer.
    pub fn at_partner(self) -> Option<AtPartner> {
        match self {
            Self::AtPartner { stage, expires_at } => Some(AtPartner::new(stage, expires_at)),
            Self::Granted
            | Self::Refused
            | Self::Pending { .. }
            | Self::Expired
            | Self::Answered { .. }
            | Self::Withdrawn
            | Self::Revoked => None,
        }
    }

    /// The item, if the partner has answered it.
    pub fn answered(self) -> Option<Answered> {
        match self {
            Self::Answered { outcome, delivered } => Some(Answered::new(outcome, delivered)),
            Self::Granted
            | Self::Refused
            | Self::Pending { .. }
            | Self::Expired
            | Self::AtPartner { .. }
            | Self::Withdrawn
            | Self::Revoked => None,
        }
    }

    /// The item, if anybody still has to answer it, here or at the partner.
    pub fn waiting(self) -> Option<Waiting> {
        let here = self.pending().map(Waiting::Here);
        here.or_else(|| self.at_partner().map(Waiting::AtPartner))
    }

    /// The item, if what was asked is granted.
    pub fn in_force(self) -> Option<InForce> {
        match self {
            Self::Granted => Some(InForce::Here(Granted::new())),
            Self::Answered {
                outcome: PartnerOutcome::Accept,
                ..
            } => self.answered().map(InForce::ByPartner),
            Self::Refused
            | Self::Pending { .. }
            | Self::Expired
            | Self::AtPartner { .. }
            | Self::Answered {
                outcome: PartnerOutcome::Reject,
                ..
            }
            | Self::Withdrawn
            | Self::Revoked => None,
        }
    }

    /// Whether a person still has to answer.
    pub fn is_pending(self) -> bool {
        self.pending().is_some()
    }

    /// Whether it was accepted here, be it the partner's to answer or not.
    pub fn is_granted_here(self) -> bool {
        match self {
            Self::Granted | Self::AtPartner { .. } | Self::Answered { .. } => true,
            Self::Pending { .. }
            | Self::Refused
            | Self::Expired
            | Self::Withdrawn
            | Self::Revoked => false,
        }
    }

    /// How far it has come, if it is the partner's to answer.
    pub fn stage(self) -> Option<Stage> {
        self.at_partner().map(|item| item.stage())
    }

    /// Whether anybody still has to answer, here or at the partner.
    pub fn is_open(self) -> bool {
        self.waiting().is_some()
    }

    /// When nobody waits for the answer any longer.
    pub fn expires_at(self) -> Option<Timestamp> {
        self.waiting()?.expires_at()
    }

    /// Where the item stands at a moment: what waits no longer in time has expired, whether or not that is written.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        match self.waiting().map(|waiting| waiting.expire(now)) {
            Some(Ok(expired)) => expired.into(),
            Some(Err(_)) | None => self,
        }
    }

    /// Whether the item waits, but no longer in time.
    pub fn is_overdue(self, now: Timestamp) -> bool {
        self.expires_at()
            .is_some_and(|expires_at| now >= expires_at)
    }
}
