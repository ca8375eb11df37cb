//! Groups of partners whose configuration was shared with us, and what we set for them ourselves
//! (I14; TR 23.781 key issue 1.5).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::GroupId;
use super::identity::McSystemId;
use super::service::McService;
use super::time::Timestamp;

/// A setting of a group that another system may set for its own users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupSetting {
    /// The priority of the group among those of the local system.
    GroupPriority,
    /// The priority of a user in the group.
    UserPriority,
}

impl GroupSetting {
    /// Every setting, by its word.
    pub const WORDS: [(&'static str, Self); 2] = [
        ("group-priority", Self::GroupPriority),
        ("user-priority", Self::UserPriority),
    ];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GroupPriority => "group-priority",
            Self::UserPriority => "user-priority",
        }
    }
}

/// The configuration of a partner's group as it was last shared with us and accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedGroup {
    /// The group.
    pub group: GroupId,
    /// Its home.
    pub home_system: McSystemId,
    /// The services that are shared.
    pub services: BTreeSet<McService>,
    /// The priority of the group, as far as our ceiling lets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_priority: Option<u8>,
    /// The priority of a user in the group, as far as our ceiling lets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_priority: Option<u8>,
    /// What the group's home lets us set for ourselves.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub local_settings: BTreeSet<GroupSetting>,
    /// When it was accepted.
    pub since: Timestamp,
    /// The request that was granted.
    pub request_id: Uuid,
}

/// What we set for a partner's group ourselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupOverride {
    /// The group.
    pub group: GroupId,
    /// Its home.
    pub home_system: McSystemId,
    /// The priority of the group among ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_priority: Option<u8>,
    /// The priority of our users in the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_priority: Option<u8>,
}
