//! That a visitor's home has refused their migration here (ruling 11).
//!
//! Such a refusal is final: what may be granted without asking the home is not granted to this user in this service
//! until the home has accepted it, or an administrator takes the refusal out.

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::McServiceId;
use super::identity::McSystemId;
use super::migration::Migration;
use super::registry::DocumentId;
use super::registry::InvalidDocumentId;
use super::service::McService;
use super::time::Timestamp;

/// The refusal of one user in one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeRefusal {
    /// The user, by their home MC service ID.
    pub user: McServiceId,
    /// The service.
    pub service: McService,
    /// The home that refused.
    pub home_system: McSystemId,
    /// When its answer was reported.
    pub since: Timestamp,
    /// The request that it refused.
    pub request_id: Uuid,
}

impl HomeRefusal {
    /// The key of the refusal of one user in one service: that of their entry in the register.
    pub fn id(user: &McServiceId, service: McService) -> Result<DocumentId, InvalidDocumentId> {
        Migration::id(user, service)
    }
}
