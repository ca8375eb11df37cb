//! What a partner has answered.

use super::ItemState;
use super::Refused;
use super::Revoked;
use crate::domain::outcome::PartnerOutcome;

/// Answered by the partner, and perhaps told to whoever asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    outcome: PartnerOutcome,
    delivered: bool,
}

impl Answered {
    pub(super) fn new(outcome: PartnerOutcome, delivered: bool) -> Self {
        Self { outcome, delivered }
    }

    /// What the partner answered.
    pub fn outcome(&self) -> PartnerOutcome {
        self.outcome
    }

    /// Notes that whoever asked was told; as it is where that is known.
    pub fn deliver(self) -> Result<Self, Self> {
        if self.delivered {
            Err(self)
        } else {
            Ok(Self::new(self.outcome, true))
        }
    }

    /// Refuses it here in spite of the answer, before that is written: policy has the last word.
    pub fn overrule(self) -> Refused {
        Refused::new()
    }

    /// Takes back what the partner granted; what it refused stays as it is.
    pub fn revoke(self) -> Result<Revoked, Self> {
        match self.outcome {
            PartnerOutcome::Accept => Ok(Revoked::new()),
            PartnerOutcome::Reject => Err(self),
        }
    }
}

impl From<Answered> for ItemState {
    fn from(answered: Answered) -> Self {
        Self::Answered {
            outcome: answered.outcome,
            delivered: answered.delivered,
        }
    }
}
