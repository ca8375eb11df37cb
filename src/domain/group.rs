//! Groups defined here, and which partners may have members in them (TR 23.781 key issue 1.12).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::identity::GroupId;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::service::McService;
use super::shared_group::GroupSetting;

/// A group configuration, in the group's home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// MC service group ID; its domain is the home.
    pub id: GroupId,
    /// Whether the group is in use.
    pub enabled: bool,
    /// Whether members from partner systems are possible at all.
    pub interconnection: bool,
    /// The services of the group.
    pub services: BTreeSet<McService>,
    /// The organisation that owns the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Words by which policies can speak of many groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The priority of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Members whose home is here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub members: BTreeSet<McServiceId>,
    /// The partners that may have members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<GroupPartner>,
}

/// What one partner may do with the group's membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupPartner {
    /// The partner.
    pub system: McSystemId,
    /// Additions are reviewed first.
    pub review_additions: bool,
    /// Deletions are reviewed first.
    pub review_deletions: bool,
    /// What the partner may set for itself of a configuration that we share.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub local_settings: BTreeSet<GroupSetting>,
    /// Members whose home is the partner.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub members: BTreeSet<McServiceId>,
}

impl Group {
    /// The entry about one partner.
    pub fn partner(&self, system: &McSystemId) -> Option<&GroupPartner> {
        self.partners
            .iter()
            .find(|partner| partner.system == *system)
    }

    /// Takes a member out of the list that a partner owns; whether they were in it.
    pub fn remove_member(&mut self, home: &McSystemId, member: &McServiceId) -> bool {
        let mut partners = self.partners.iter_mut();
        let partner = partners.find(|partner| partner.system == *home);
        partner.is_some_and(|partner| partner.members.remove(member))
    }

    /// Whether the identity is a member, from whichever system.
    pub fn has_member(&self, id: &McServiceId) -> bool {
        self.members.contains(id)
            || self
                .partners
                .iter()
                .any(|partner| partner.members.contains(id))
    }
}
