//! Who may migrate from one system to another, as the users' home said (A6, TS 23.280 clause 10.17.5).
//!
//! The serving system keeps what it accepted of the home's list; the home keeps whom it took back.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::access_grant::AccessGrant;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::service::McService;
use super::time::Timestamp;

/// That a user is on the list of those who may migrate to a system, or was taken from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationUser {
    /// The user, by their home MC service ID.
    pub user: McServiceId,
    /// The user's home.
    pub home_system: McSystemId,
    /// The system to which the user may migrate.
    pub serving_system: McSystemId,
    /// Whether the user is listed; one who was taken from the list stays known as such, so that a profile for
    /// everybody of their home does not bring them back.
    pub listed: bool,
    /// The services for which the user was listed; empty: all that is agreed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<McService>,
    /// Since when it is so.
    pub since: Timestamp,
    /// The first moment at which the user is no longer listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was written down that its time was over; from then on it holds no longer, whatever the clock says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The request that was granted.
    pub request_id: Uuid,
}

impl MigrationUser {
    /// The key of one user in one system.
    pub fn id(user: &McServiceId, serving: &McSystemId) -> Result<DocumentId, InvalidDocumentId> {
        AccessGrant::id(user, serving)
    }

    /// Whether the user is listed at a moment.
    pub fn is_listed(&self, now: Timestamp) -> bool {
        let in_time = self.expires_at.is_none_or(|expires_at| now < expires_at);
        self.listed && in_time && self.ended_at.is_none()
    }
}
