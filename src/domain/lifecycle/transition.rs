//! Whether one stored state follows another: the sequencer takes the step itself, and compares.

use super::ItemState;
use crate::domain::time::Timestamp;

impl ItemState {
    /// Whether a reviewer's answer at a moment may lead to another state.
    pub fn may_be_answered(self, next: Self, now: Timestamp) -> bool {
        let Some(pending) = self.pending() else {
            return false;
        };
        let reached: Option<Self> = match next {
            Self::Granted => pending.approve(now).ok().map(Into::into),
            Self::Refused => pending.deny(now).ok().map(Into::into),
            Self::Pending { expires_at } => pending.wait_on(now, expires_at).ok().map(Into::into),
            Self::AtPartner { expires_at, .. } => {
                pending.clear(now, expires_at).ok().map(Into::into)
            }
            Self::Expired | Self::Answered { .. } | Self::Withdrawn | Self::Revoked => None,
        };
        reached == Some(next)
    }

    /// Whether a report at a moment may lead to another state: forth on its way, to an answer, or, once that is
    /// delivered, there.
    ///
    /// What the partner granted may be refused here in spite of it.
    pub fn may_be_reported(self, next: Self, now: Timestamp) -> bool {
        let reached: Option<Self> = match (self.at_partner(), next) {
            (Some(item), Self::AtPartner { stage, expires_at }) => {
                let moved = item.forth(stage, expires_at, now).ok().flatten();
                moved.map(Into::into)
            }
            (
                Some(item),
                Self::Answered {
                    outcome,
                    delivered: false,
                },
            ) => item.answer(outcome, now).ok().map(Into::into),
            (Some(item), Self::Refused) => item.refuse(now).ok().map(Into::into),
            (
                Some(_),
                Self::Granted
                | Self::Pending { .. }
                | Self::Expired
                | Self::Answered {
                    delivered: true, ..
                }
                | Self::Withdrawn
                | Self::Revoked,
            ) => None,
            (None, _) => {
                let delivered = self.answered().map(super::Answered::deliver);
                delivered.and_then(Result::ok).map(Into::into)
            }
        };
        reached == Some(next)
    }

    /// Whether it can be withdrawn at a moment.
    pub fn may_be_withdrawn(self, now: Timestamp) -> bool {
        let waiting = self.waiting();
        waiting.is_some_and(|waiting| waiting.withdraw(now).is_ok())
    }

    /// Whether it can be revoked.
    pub fn may_be_revoked(self) -> bool {
        let granted = self.in_force();
        granted.is_some_and(|granted| granted.revoke().is_ok())
    }
}
