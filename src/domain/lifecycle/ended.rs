//! The states after which nothing more becomes of an item; they have no transitions.

use super::ItemState;

/// Refused by policy, by a reviewer, at approval, or because the agreement lapsed.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(());

/// Nobody answered in time.
#[derive(Debug, PartialEq, Eq)]
pub struct Expired(());

/// Whoever asked wants it no longer.
#[derive(Debug, PartialEq, Eq)]
pub struct Withdrawn(());

/// It was granted, and is no longer.
#[derive(Debug, PartialEq, Eq)]
pub struct Revoked(());

impl Refused {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Expired {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Withdrawn {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Revoked {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl From<Refused> for ItemState {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

impl From<Expired> for ItemState {
    fn from(_: Expired) -> Self {
        Self::Expired
    }
}

impl From<Withdrawn> for ItemState {
    fn from(_: Withdrawn) -> Self {
        Self::Withdrawn
    }
}

impl From<Revoked> for ItemState {
    fn from(_: Revoked) -> Self {
        Self::Revoked
    }
}
