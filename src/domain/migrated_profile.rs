//! User profiles for migrated users: a partner's users while they are served here (TR 23.781 clause 5.2.1.2).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::identity::McServiceId;
use super::identity::McSystemId;
use super::registry::DocumentId;
use super::service::McService;

/// An occasion for which a profile stands beside the ordinary one (TR 23.781 clause 5.2.10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileOccasion {
    /// The link to the home is down: the agreement names the one that applies.
    LinkFailure,
}

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
    /// When it is used, where that is not ordinarily: ordinary look-ups never find such a profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<ProfileOccasion>,
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
