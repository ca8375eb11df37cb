//! What is the partner's to answer (ruling 8).

use super::Answered;
use super::Expired;
use super::ItemState;
use super::Refused;
use super::Stage;
use super::Withdrawn;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::time::Timestamp;

/// Cleared here, and the partner's to answer until a moment, if any.
#[derive(Debug, PartialEq, Eq)]
pub struct AtPartner {
    stage: Stage,
    expires_at: Option<Timestamp>,
}

impl AtPartner {
    pub(super) fn new(stage: Stage, expires_at: Option<Timestamp>) -> Self {
        Self { stage, expires_at }
    }

    /// How far it has come.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The first moment at which nobody waits for the answer any longer.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether the partner has been asked.
    pub fn is_sent(&self) -> bool {
        self.stage > Stage::Cleared
    }

    /// Goes forth on its way, to wait no longer than until a moment; `None` where all of that is so already.
    pub fn forth(
        self,
        stage: Stage,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Self>, Expired> {
        let present = self.in_time(now)?;
        let expires_at = [present.expires_at, until].into_iter().flatten().min();
        let ends_earlier = stage == present.stage && expires_at != present.expires_at;
        let is_new = stage > present.stage || ends_earlier;
        Ok(is_new.then_some(Self::new(stage, expires_at)))
    }

    /// Takes the partner's answer in.
    pub fn answer(self, outcome: PartnerOutcome, now: Timestamp) -> Result<Answered, Expired> {
        self.in_time(now).map(|_| Answered::new(outcome, false))
    }

    /// Refuses it here in spite of what the partner answers.
    pub fn refuse(self, now: Timestamp) -> Result<Refused, Expired> {
        self.in_time(now).map(|_| Refused::new())
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

impl From<AtPartner> for ItemState {
    fn from(item: AtPartner) -> Self {
        Self::AtPartner {
            stage: item.stage,
            expires_at: item.expires_at,
        }
    }
}
