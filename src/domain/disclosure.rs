//! What a partner is told of our users, groups and security when it asks for configuration information (A2,
//! TS 22.280 R-5.16.4-004). These are types of their own: what they do not name never leaves.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::agreement::Agreement;
use super::group::Group;
use super::identity::GroupId;
use super::identity::McServiceId;
use super::service::McService;
use super::user::User;

/// How many users or groups one answer tells at the most; who wants others asks for certain groups.
pub const DISCLOSED_MAX: usize = 1_000;

/// A group in which the partner may have members (TR 23.781 clause 5.1.12.2); nothing of who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosedGroup {
    /// MC service group ID.
    pub group: GroupId,
    /// The services that are agreed with the partner.
    pub services: BTreeSet<McService>,
    /// Additions of the partner's users are reviewed first.
    pub review_additions: bool,
    /// Deletions are reviewed first.
    pub review_deletions: bool,
}

/// A user of ours who may have to do with the partner; never the key of the person, an alias or an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosedUser {
    /// Their identities, one for each service that is told of below.
    pub identities: Vec<McServiceId>,
    /// Services in which they may migrate to the partner.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub migration: BTreeSet<McService>,
    /// Services in which they may affiliate to groups defined there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<McService>,
    /// Services in which users there may call them or send to them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub calls: BTreeSet<McService>,
}

/// What a partner needs to know of our security domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosedSecurity {
    /// Our key management servers from which its users may obtain key material.
    pub key_management_servers: BTreeSet<String>,
    /// Whether its tokens count while the link is down.
    pub link_failure_migration: bool,
    /// Whether its users may come without interconnection.
    pub limited_migration: bool,
}

impl DisclosedGroup {
    /// What the partner of an agreement is told of a group, if anything.
    pub fn of(group: &Group, agreement: &Agreement) -> Option<Self> {
        let partner = group.partner(&agreement.partner)?;
        let agreed = |service: &McService| {
            let affiliation = agreement
                .interconnection
                .is_some_and(|terms| match service {
                    McService::Mcptt => terms.mcptt_group_incoming,
                    McService::Mcvideo => terms.mcvideo_group_incoming,
                    McService::Mcdata => terms.mcdata_group_incoming,
                });
            let migration = agreement.migration.as_ref().is_some_and(|terms| {
                terms.inbound
                    && match service {
                        McService::Mcptt => terms.mcptt_group,
                        McService::Mcvideo => terms.mcvideo_group,
                        McService::Mcdata => terms.mcdata_group,
                    }
            });
            affiliation || migration
        };
        let services: BTreeSet<McService> = group.services.iter().copied().filter(agreed).collect();
        let is_shown = group.enabled && group.interconnection && !services.is_empty();
        is_shown.then(|| Self {
            group: group.id.clone(),
            services,
            review_additions: partner.review_additions,
            review_deletions: partner.review_deletions,
        })
    }
}

impl DisclosedUser {
    /// What the partner of an agreement is told of a user, if anything.
    pub fn of(user: &User, agreement: &Agreement) -> Option<Self> {
        let partner = user.partner(&agreement.partner)?;
        let migrates = agreement.migration.as_ref().is_some_and(|it| it.outbound);
        let terms = agreement.interconnection.unwrap_or_default();
        let affiliates = |service: &McService| match service {
            McService::Mcptt => terms.mcptt_group_outgoing,
            McService::Mcvideo => terms.mcvideo_group_outgoing,
            McService::Mcdata => terms.mcdata_group_outgoing,
        };
        let is_called = |service: &McService| match service {
            McService::Mcptt => terms.mcptt_private_incoming,
            McService::Mcvideo => terms.mcvideo_private_incoming,
            McService::Mcdata => terms.mcdata_private_incoming,
        };
        let incoming = partner.private_calls.incoming.as_ref();
        let migration = partner.migration.iter().copied().filter(|_| migrates);
        let groups = partner.groups.iter().copied().filter(affiliates);
        let calls = incoming
            .into_iter()
            .flat_map(|it| it.services.iter().copied());
        let mut disclosed = Self {
            identities: Vec::new(),
            migration: migration.collect(),
            groups: groups.collect(),
            calls: calls.filter(is_called).collect(),
        };
        let services: BTreeSet<McService> =
            [&disclosed.migration, &disclosed.groups, &disclosed.calls]
                .into_iter()
                .flatten()
                .copied()
                .collect();
        let identities = services.iter().filter_map(|it| user.identities.of(*it));
        // Often one identity serves for all of them.
        let identities: BTreeSet<&McServiceId> = identities.collect();
        disclosed.identities = identities.into_iter().cloned().collect();
        (user.enabled && !disclosed.identities.is_empty()).then_some(disclosed)
    }
}

impl DisclosedSecurity {
    /// What the partner of an agreement is told.
    pub fn of(agreement: &Agreement) -> Self {
        let migration = agreement.migration.as_ref();
        Self {
            key_management_servers: agreement.offered_kms_uris.clone(),
            link_failure_migration: migration
                .is_some_and(|terms| terms.inbound && terms.link_failure.is_some()),
            limited_migration: agreement
                .limited_migration
                .is_some_and(|terms| terms.inbound),
        }
    }
}

/// Whether a user is in one of some groups, all of which the partner may know of.
pub fn is_in_any(user: &User, groups: &[Group]) -> bool {
    let mut identities = user.identities.iter();
    identities.any(|(_, id)| groups.iter().any(|group| group.members.contains(id)))
}

/// Whether a request from another system may ask about a group at all: it says which, or means all.
pub fn is_asked_for(asked: &[GroupId], group: &GroupId) -> bool {
    asked.is_empty() || asked.contains(group)
}
