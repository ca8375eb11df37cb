//! What somebody still has to answer, wherever that is.

use super::AtPartner;
use super::Expired;
use super::ItemState;
use super::Pending;
use super::Refused;
use super::Withdrawn;
use crate::domain::time::Timestamp;

/// An item that waits, here or at the partner.
#[derive(Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For an authorised user of ours.
    Here(Pending),
    /// For the partner's answer.
    AtPartner(AtPartner),
}

impl Waiting {
    /// When nobody waits for the answer any longer.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Here(item) => item.expires_at(),
            Self::AtPartner(item) => item.expires_at(),
        }
    }

    /// Whether the partner has been asked.
    pub fn is_sent(&self) -> bool {
        match self {
            Self::Here(_) => false,
            Self::AtPartner(item) => item.is_sent(),
        }
    }

    /// Takes it back, as whoever asked wishes; too late, it has expired.
    pub fn withdraw(self, now: Timestamp) -> Result<Withdrawn, Expired> {
        match self {
            Self::Here(item) => item.withdraw(now),
            Self::AtPartner(item) => item.withdraw(now),
        }
    }

    /// Ends it once its time has passed.
    pub fn expire(self, now: Timestamp) -> Result<Expired, Self> {
        match self {
            Self::Here(item) => item.expire(now).map_err(Self::Here),
            Self::AtPartner(item) => item.expire(now).map_err(Self::AtPartner),
        }
    }

    /// Refuses it, since the agreement lapsed under which it waits.
    pub fn interrupt(self) -> Refused {
        match self {
            Self::Here(item) => item.interrupt(),
            Self::AtPartner(item) => item.interrupt(),
        }
    }
}

impl From<Waiting> for ItemState {
    fn from(waiting: Waiting) -> Self {
        match waiting {
            Waiting::Here(item) => item.into(),
            Waiting::AtPartner(item) => item.into(),
        }
    }
}
