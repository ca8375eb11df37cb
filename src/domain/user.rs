//! User profiles of our own users (TS 23.379 Table A.3-1, TR 23.781 clause 5.2.1.2).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::identity::FunctionalAlias;
use super::identity::GroupId;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::operation::Operation;
use super::registry::DocumentId;
use super::role::Role;
use super::service::McService;

/// A person who is home here, and what they may do towards partners.
///
/// None of the three service identities is the key of the person (ruling 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The key of the person in the registry.
    pub id: DocumentId,
    /// The person's service identities.
    pub identities: ServiceIdentities,
    /// Functional aliases that the person may hold.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub functional_aliases: BTreeSet<FunctionalAlias>,
    /// The profile status.
    pub enabled: bool,
    /// The mission critical organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The key management server of the user's security domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_uri: Option<String>,
    /// ACM operations that the person is authorised to request.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub acm_operations: BTreeSet<Operation>,
    /// What the person is on duty as, for those who are asked to approve what is held.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
    /// What the person may do towards each partner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<UserPartner>,
}

/// The identities of one person in each service; they may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceIdentities {
    /// MCPTT ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcptt: Option<McServiceId>,
    /// `MCVideo` ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcvideo: Option<McServiceId>,
    /// `MCData` ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcdata: Option<McServiceId>,
}

impl ServiceIdentities {
    /// The identity in one service.
    pub fn of(&self, service: McService) -> Option<&McServiceId> {
        match service {
            McService::Mcptt => self.mcptt.as_ref(),
            McService::Mcvideo => self.mcvideo.as_ref(),
            McService::Mcdata => self.mcdata.as_ref(),
        }
    }

    /// All identities that are set, with their service.
    pub fn iter(&self) -> impl Iterator<Item = (McService, &McServiceId)> {
        McService::ALL
            .into_iter()
            .filter_map(|service| self.of(service).map(|id| (service, id)))
    }
}

/// What a person may do towards one partner; a partner that is not listed is not permitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserPartner {
    /// The partner.
    pub system: McSystemId,
    /// Services in which the person may migrate there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub migration: BTreeSet<McService>,
    /// Services in which the person may affiliate to groups defined there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<McService>,
    /// Whether the person may migrate there without interconnection (TR 23.700-90).
    #[serde(default)]
    pub limited_migration: bool,
    /// Calls and transactions between the person and single users there (TR 23.781 clause 5.1.3.2).
    #[serde(default, skip_serializing_if = "PrivateCalls::is_empty")]
    pub private_calls: PrivateCalls,
    /// Key management servers there from which the person may obtain key material while served at home.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub external_kms: BTreeSet<String>,
    /// Key management servers there from which the person may obtain key material while migrated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub migration_kms: BTreeSet<String>,
}

/// Whom the person may call and by whom they may be called; what is absent is not permitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivateCalls {
    /// The person calls or sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<CallPermission>,
    /// The person is called or sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incoming: Option<CallPermission>,
}

/// Calls in some services, with everybody there or with some only.
///
/// Where either restriction is written, a user must be named by one of them: an empty list admits nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallPermission {
    /// The services.
    pub services: BTreeSet<McService>,
    /// These users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<McServiceId>>,
    /// Sets of users: members of these groups, which are defined here. Their homes keep the lists by group
    /// membership updates, since lists of single users "may be difficult" to manage (TR 23.781 clause 5.1.3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_members_of: Option<BTreeSet<GroupId>>,
}

impl PrivateCalls {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl CallPermission {
    /// Whether not everybody is admitted.
    pub fn is_restricted(&self) -> bool {
        self.only.is_some() || self.only_members_of.is_some()
    }
}

impl User {
    /// The entry about one partner.
    pub fn partner(&self, system: &McSystemId) -> Option<&UserPartner> {
        self.partners
            .iter()
            .find(|partner| partner.system == *system)
    }
}
