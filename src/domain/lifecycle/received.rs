//! What was asked and is not decided yet. It is never stored: a request is written with its decision.

use super::AtPartner;
use super::Granted;
use super::Pending;
use super::Refused;
use super::Stage;
use crate::domain::time::Timestamp;

/// Asked, and not decided yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Received(());

impl Received {
    /// An item that somebody asks for.
    #[expect(
        clippy::new_without_default,
        reason = "it begins a life; a default would hide that"
    )]
    pub fn new() -> Self {
        Self(())
    }

    /// Grants it, where the grant is ours alone.
    pub fn grant(self) -> Granted {
        Granted::new()
    }

    /// Lets it be sent to the partner, who answers it, perhaps only until a moment.
    pub fn clear(self, expires_at: Option<Timestamp>) -> AtPartner {
        AtPartner::new(Stage::Cleared, expires_at)
    }

    /// Refuses it.
    pub fn refuse(self) -> Refused {
        Refused::new()
    }

    /// Holds it for an authorised user, perhaps only until a moment.
    pub fn hold(self, expires_at: Option<Timestamp>) -> Pending {
        Pending::new(expires_at)
    }
}
