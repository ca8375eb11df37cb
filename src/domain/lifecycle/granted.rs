//! What was granted here.

use super::ItemState;
use super::ended::Revoked;

/// Granted by policy or by approval.
#[derive(Debug, PartialEq, Eq)]
pub struct Granted(());

impl Granted {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// Takes back what was granted.
    pub fn revoke(self) -> Revoked {
        Revoked::new()
    }
}

impl From<Granted> for ItemState {
    fn from(_: Granted) -> Self {
        Self::Granted
    }
}
