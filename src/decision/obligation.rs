//! What follows from a grant: limits on it, and what has to be done by whom.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentId;
use crate::domain::service::McService;
use crate::domain::sip::UeId;
use crate::domain::time::Timestamp;
use crate::policy::due::DueWithin;

/// How a grant is less than what was asked (ruling 10); what is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The migrated-user profile that applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<DocumentId>,
    /// The services that the profile gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeSet<McService>>,
    /// The highest local priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_cap: Option<u8>,
    /// The priority that a partner's group has here, as we set it ourselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_priority: Option<u8>,
    /// The priority that our users have in it, as we set it ourselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_priority: Option<u8>,
    /// The first moment at which the grant no longer holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
}

impl Limits {
    /// What is left where somebody else limits the grant too.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let services = match (self.services, &other.services) {
            (Some(ours), Some(theirs)) => Some(ours.intersection(theirs).copied().collect()),
            (ours, theirs) => ours.or_else(|| theirs.clone()),
        };
        Self {
            profile: self.profile.or_else(|| other.profile.clone()),
            services,
            priority_cap: lower(self.priority_cap, other.priority_cap),
            group_priority: lower(self.group_priority, other.group_priority),
            user_priority: lower(self.user_priority, other.user_priority),
            end_time: lower(self.end_time, other.end_time),
        }
    }
}

impl Limits {
    /// Whether a grant with these limits is no more than one with the others; another profile, or another priority that we
    /// set ourselves, is something else.
    pub fn is_within(&self, other: &Self) -> bool {
        let services = match (&self.services, &other.services) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours.is_subset(theirs),
        };
        services
            && self.profile == other.profile
            && self.group_priority == other.group_priority
            && self.user_priority == other.user_priority
            && is_capped(self.priority_cap, other.priority_cap)
            && is_capped(self.end_time, other.end_time)
    }
}

fn is_capped<T: Ord>(one: Option<T>, cap: Option<T>) -> bool {
    cap.is_none_or(|cap| one.is_some_and(|one| one <= cap))
}

fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    [one, other].into_iter().flatten().min()
}

/// Something that has to be done once the item is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// What is to be done.
    pub name: String,
    /// The system that does it; absent where the role is played by none that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// The role in which it does.
    pub role: String,
    /// The function of that system.
    pub function: String,
    /// How long it may take, where a policy or the manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DueWithin>,
    /// What it is done with.
    pub parameters: ObligationParameters,
}

/// What an obligation is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObligationParameters {
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<McServiceId>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
    /// The migrated-user profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<DocumentId>,
    /// The UE, where what another user had from it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ue: Option<UeId>,
    /// The system that provided the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<McSystemId>,
    /// The services of a group that is created together.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<McService>,
    /// The partners of its home that may have members in it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub partners: BTreeSet<McSystemId>,
}
