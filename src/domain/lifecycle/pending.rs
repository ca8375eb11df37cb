//! What waits for an authorised user of ours.

use super::AtPartner;
use super::Expired;
use super::Granted;
use super::ItemState;
use super::Refused;
use super::Stage;
use super::Withdrawn;
use crate::domain::time::Timestamp;

/// Held for an authorised user until a moment, if any.
#[derive(Debug, PartialEq, Eq)]
pub struct Pending {
    expires_at: Option<Timestamp>,
}

impl Pending {
    pub(super) fn new(expires_at: Option<Timestamp>) -> Self {
        Self { expires_at }
    }

    /// The first moment at which it can no longer be answered.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Grants it, where the grant is ours alone; too late, it has expired.
    pub fn approve(self, now: Timestamp) -> Result<Granted, Expired> {
        self.in_time(now).map(|_| Granted::new())
    }

    /// Lets it be sent to the partner, who answers it, perhaps only until a moment.
    pub fn clear(self, now: Timestamp, until: Option<Timestamp>) -> Result<AtPartner, Expired> {
        let cleared = |_| AtPartner::new(Stage::Cleared, until);
        self.in_time(now).map(cleared)
    }

    /// Refuses it.
    pub fn deny(self, now: Timestamp) -> Result<Refused, Expired> {
        self.in_time(now).map(|_| Refused::new())
    }

    /// Lets it wait on, no longer than it would have; what never expires goes on so (ruling 15).
    pub fn wait_on(self, now: Timestamp, until: Option<Timestamp>) -> Result<Self, Expired> {
        let before = self.in_time(now)?.expires_at;
        let earlier = |before: Timestamp| until.map_or(before, |until| until.min(before));
        Ok(Self::new(before.map(earlier)))
    }

    /// Takes it back, as whoever asked wishes; too late, it has expired.
    pub fn withdraw(self, now: Timestamp) -> Result<Withdrawn, Expired> {
        self.in_time(now).map(|_| Withdrawn::new())
    }

    /// Ends it once its time has passed.
    pub fn expire(self, now: Timestamp) -> Result<Expired, Self> {
        match self.expires_at {
            Some(expires_at) if now >= expires_at => Ok(Expired::new()),
            Some(_) | None => Err(self),
        }
    }

    /// Refuses it, since the agreement lapsed under which it waits.
    pub fn interrupt(self) -> Refused {
        Refused::new()
    }

    fn in_time(self, now: Timestamp) -> Result<Self, Expired> {
        match self.expire(now) {
            Ok(expired) => Err(expired),
            Err(waiting) => Ok(waiting),
        }
    }
}

impl From<Pending> for ItemState {
    fn from(pending: Pending) -> Self {
        Self::Pending {
            expires_at: pending.expires_at,
        }
    }
}
