//! User profiles for migrated users: a partner's users while they are served here (TR 23.781 clause 5.2.1.2).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::identity::McServiceId;
use super::identity::McSystemId;
use super::registry::DocumentId;
use super::service::McService;

/// A profile for one migrated user, or for all users of one home system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigratedUserProfile {
    /// The key of the profile.
    pub id: DocumentId,
    /// The home of the users whom it is for.
    pub home_system: McSystemId,
    /// The one user whom it is for; absent: every user of the home system without a profile of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<McServiceId>,
    /// Whether the profile may be used.
    pub enabled: bool,
    /// The services that are given.
    pub services: BTreeSet<McService>,
    /// The highest local priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// How long one authorization lasts, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_minutes_max: Option<u32>,
}
