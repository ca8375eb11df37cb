//! What is granted, by whomever.

use super::Answered;
use super::Granted;
use super::ItemState;
use super::Revoked;

/// An item that is granted.
#[derive(Debug, PartialEq, Eq)]
pub enum InForce {
    /// By us.
    Here(Granted),
    /// By the partner.
    ByPartner(Answered),
}

impl InForce {
    /// Takes back what was granted.
    pub fn revoke(self) -> Result<Revoked, Self> {
        match self {
            Self::Here(granted) => Ok(granted.revoke()),
            Self::ByPartner(answered) => answered.revoke().map_err(Self::ByPartner),
        }
    }
}

impl From<InForce> for ItemState {
    fn from(item: InForce) -> Self {
        match item {
            InForce::Here(granted) => granted.into(),
            InForce::ByPartner(answered) => answered.into(),
        }
    }
}
