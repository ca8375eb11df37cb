//! Registry documents of every kind.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::access_grant::AccessGrant;
use super::agreement::Agreement;
use super::area::AreaMap;
use super::group::Group;
use super::home_refusal::HomeRefusal;
use super::identity::McSystemId;
use super::kept_configuration::KeptUeConfiguration;
use super::link::Link;
use super::membership::Membership;
use super::migrated_profile::MigratedUserProfile;
use super::migration::Migration;
use super::migration_user::MigrationUser;
use super::open_deletion::OpenDeletion;
use super::partner_keys::PartnerKeys;
use super::registry::DocumentId;
use super::registry::DocumentKey;
use super::registry::DocumentKind;
use super::registry::InvalidDocumentId;
use super::response_settings::ResponseSettings;
use super::scheduled_change::ScheduledChange;
use super::shared_group::GroupOverride;
use super::shared_group::SharedGroup;
use super::system::System;
use super::user::User;
use super::wire::Problem;
use super::wire::typed;

/// A typed registry document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "document")]
pub enum Document {
    /// An MC system.
    System(System),
    /// Our half of an agreement.
    Agreement(Agreement),
    /// A user who is home here.
    User(User),
    /// A group defined here.
    Group(Group),
    /// A profile for migrated users.
    MigratedProfile(MigratedUserProfile),
    /// The state of an interconnection.
    Link(Link),
    /// What a partner pushed.
    UeConfiguration(KeptUeConfiguration),
    /// A user who is served away from home.
    Migration(Migration),
    /// A deletion that a partner was asked for.
    OpenDeletion(OpenDeletion),
    /// Which systems are preferred where.
    AreaMap(AreaMap),
    /// The keys with which a partner signs.
    PartnerKeys(PartnerKeys),
    /// That a user may register in another system.
    AccessGrant(AccessGrant),
    /// How categories are answered by approved requests.
    ResponseSettings(ResponseSettings),
    /// That a visitor's home has refused their migration.
    HomeRefusal(HomeRefusal),
    /// A member of a group of another system.
    Membership(Membership),
    /// A user on the list of those who may migrate.
    MigrationUser(MigrationUser),
    /// A change that was granted for later.
    ScheduledChange(ScheduledChange),
    /// A partner's group.
    SharedGroup(SharedGroup),
    /// What we set for a partner's group.
    GroupOverride(GroupOverride),
}

impl Document {
    /// The kind.
    pub fn kind(&self) -> DocumentKind {
        match self {
            Self::System(_) => DocumentKind::System,
            Self::Agreement(_) => DocumentKind::Agreement,
            Self::User(_) => DocumentKind::User,
            Self::Group(_) => DocumentKind::Group,
            Self::MigratedProfile(_) => DocumentKind::MigratedProfile,
            Self::Link(_) => DocumentKind::Link,
            Self::UeConfiguration(_) => DocumentKind::UeConfiguration,
            Self::Migration(_) => DocumentKind::Migration,
            Self::OpenDeletion(_) => DocumentKind::OpenDeletion,
            Self::AreaMap(_) => DocumentKind::AreaMap,
            Self::PartnerKeys(_) => DocumentKind::PartnerKeys,
            Self::AccessGrant(_) => DocumentKind::AccessGrant,
            Self::ResponseSettings(_) => DocumentKind::ResponseSettings,
            Self::HomeRefusal(_) => DocumentKind::HomeRefusal,
            Self::Membership(_) => DocumentKind::Membership,
            Self::MigrationUser(_) => DocumentKind::MigrationUser,
            Self::ScheduledChange(_) => DocumentKind::ScheduledChange,
            Self::SharedGroup(_) => DocumentKind::SharedGroup,
            Self::GroupOverride(_) => DocumentKind::GroupOverride,
        }
    }

    /// The agreement, if it is one.
    pub fn agreement(&self) -> Option<&Agreement> {
        if let Self::Agreement(agreement) = self {
            Some(agreement)
        } else {
            None
        }
    }

    /// The change that was granted for later, if it is one.
    pub fn scheduled_change(&self) -> Option<&ScheduledChange> {
        if let Self::ScheduledChange(change) = self {
            Some(change)
        } else {
            None
        }
    }

    /// The systems between which it is: those of whom something lapses with an agreement.
    pub fn involved(&self) -> BTreeSet<&McSystemId> {
        match self {
            Self::Migration(it) => BTreeSet::from([&it.home_system, &it.serving_system]),
            Self::AccessGrant(it) => BTreeSet::from([&it.home_system, &it.serving_system]),
            Self::Membership(it) => BTreeSet::from([&it.group_home, &it.member_home]),
            Self::MigrationUser(it) if it.listed => {
                BTreeSet::from([&it.home_system, &it.serving_system])
            }
            Self::Group(group) if group.interconnection => {
                group.partners.iter().map(|it| &it.system).collect()
            }
            Self::SharedGroup(it) => BTreeSet::from([&it.home_system]),
            Self::MigrationUser(_)
            | Self::Group(_)
            | Self::System(_)
            | Self::Agreement(_)
            | Self::User(_)
            | Self::MigratedProfile(_)
            | Self::Link(_)
            | Self::UeConfiguration(_)
            | Self::OpenDeletion(_)
            | Self::AreaMap(_)
            | Self::PartnerKeys(_)
            | Self::ResponseSettings(_)
            | Self::HomeRefusal(_)
            | Self::ScheduledChange(_)
            | Self::GroupOverride(_) => BTreeSet::new(),
        }
    }

    /// What is kept of pushed UE configuration, if it is that.
    pub fn ue_configuration(&self) -> Option<&KeptUeConfiguration> {
        if let Self::UeConfiguration(kept) = self {
            return Some(kept);
        }
        None
    }

    /// The key that the document's own content gives it.
    pub fn key(&self) -> Result<DocumentKey, InvalidDocumentId> {
        let id: DocumentId = match self {
            Self::System(system) => system.mc_system_id.as_str().parse()?,
            Self::Agreement(agreement) => agreement.partner.as_str().parse()?,
            Self::User(user) => user.id.clone(),
            Self::Group(group) => group.id.as_str().parse()?,
            Self::MigratedProfile(profile) => profile.id.clone(),
            Self::Link(link) => link.system.as_str().parse()?,
            Self::UeConfiguration(configuration) => configuration.provider.as_str().parse()?,
            Self::Migration(migration) => Migration::id(&migration.user, migration.service)?,
            Self::OpenDeletion(deletion) => OpenDeletion::id(&deletion.group, &deletion.person)?,
            Self::AreaMap(map) => map.elements().id.clone(),
            Self::PartnerKeys(keys) => keys.partner().as_str().parse()?,
            Self::AccessGrant(grant) => AccessGrant::id(&grant.user, &grant.serving_system)?,
            Self::ResponseSettings(settings) => settings.system.as_str().parse()?,
            Self::HomeRefusal(refusal) => HomeRefusal::id(&refusal.user, refusal.service)?,
            Self::Membership(it) => Membership::id(&it.group, &it.member)?,
            Self::MigrationUser(it) => MigrationUser::id(&it.user, &it.serving_system)?,
            Self::ScheduledChange(it) => ScheduledChange::id(&it.partner, it.change)?,
            Self::SharedGroup(shared) => shared.group.as_str().parse()?,
            Self::GroupOverride(local) => local.group.as_str().parse()?,
        };
        Ok(DocumentKey {
            kind: self.kind(),
            id,
        })
    }

    /// Reads the bare JSON document of a kind; unknown members are refused.
    pub fn from_json(
        kind: DocumentKind,
        json: serde_json::Value,
    ) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            DocumentKind::System => Self::System(serde_json::from_value(json)?),
            DocumentKind::Agreement => Self::Agreement(serde_json::from_value(json)?),
            DocumentKind::User => Self::User(serde_json::from_value(json)?),
            DocumentKind::Group => Self::Group(serde_json::from_value(json)?),
            DocumentKind::MigratedProfile => Self::MigratedProfile(serde_json::from_value(json)?),
            DocumentKind::Link => Self::Link(serde_json::from_value(json)?),
            DocumentKind::UeConfiguration => Self::UeConfiguration(serde_json::from_value(json)?),
            DocumentKind::Migration => Self::Migration(serde_json::from_value(json)?),
            DocumentKind::OpenDeletion => Self::OpenDeletion(serde_json::from_value(json)?),
            DocumentKind::AreaMap => Self::AreaMap(serde_json::from_value(json)?),
            DocumentKind::PartnerKeys => Self::PartnerKeys(serde_json::from_value(json)?),
            DocumentKind::AccessGrant => Self::AccessGrant(serde_json::from_value(json)?),
            DocumentKind::ResponseSettings => Self::ResponseSettings(serde_json::from_value(json)?),
            DocumentKind::HomeRefusal => Self::HomeRefusal(serde_json::from_value(json)?),
            DocumentKind::Membership => Self::Membership(serde_json::from_value(json)?),
            DocumentKind::MigrationUser => Self::MigrationUser(serde_json::from_value(json)?),
            DocumentKind::ScheduledChange => Self::ScheduledChange(serde_json::from_value(json)?),
            DocumentKind::SharedGroup => Self::SharedGroup(serde_json::from_value(json)?),
            DocumentKind::GroupOverride => Self::GroupOverride(serde_json::from_value(json)?),
        })
    }

    /// Reads the bare JSON document of a kind as somebody submitted it; an error names its place.
    pub fn from_submitted(kind: DocumentKind, json: serde_json::Value) -> Result<Self, Problem> {
        Ok(match kind {
            DocumentKind::System => Self::System(typed(json)?),
            DocumentKind::Agreement => Self::Agreement(typed(json)?),
            DocumentKind::User => Self::User(typed(json)?),
            DocumentKind::Group => Self::Group(typed(json)?),
            DocumentKind::MigratedProfile => Self::MigratedProfile(typed(json)?),
            DocumentKind::Link => Self::Link(typed(json)?),
            DocumentKind::UeConfiguration => Self::UeConfiguration(typed(json)?),
            DocumentKind::Migration => Self::Migration(typed(json)?),
            DocumentKind::OpenDeletion => Self::OpenDeletion(typed(json)?),
            DocumentKind::AreaMap => Self::AreaMap(typed(json)?),
            DocumentKind::PartnerKeys => Self::PartnerKeys(typed(json)?),
            DocumentKind::AccessGrant => Self::AccessGrant(typed(json)?),
            DocumentKind::ResponseSettings => Self::ResponseSettings(typed(json)?),
            DocumentKind::HomeRefusal => Self::HomeRefusal(typed(json)?),
            DocumentKind::Membership => Self::Membership(typed(json)?),
            DocumentKind::MigrationUser => Self::MigrationUser(typed(json)?),
            DocumentKind::ScheduledChange => Self::ScheduledChange(typed(json)?),
            DocumentKind::SharedGroup => Self::SharedGroup(typed(json)?),
            DocumentKind::GroupOverride => Self::GroupOverride(typed(json)?),
        })
    }

    /// The bare JSON document, without its kind.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        match self {
            Self::System(document) => serde_json::to_value(document),
            Self::Agreement(document) => serde_json::to_value(document),
            Self::User(document) => serde_json::to_value(document),
            Self::Group(document) => serde_json::to_value(document),
            Self::MigratedProfile(document) => serde_json::to_value(document),
            Self::Link(document) => serde_json::to_value(document),
            Self::UeConfiguration(document) => serde_json::to_value(document),
            Self::Migration(document) => serde_json::to_value(document),
            Self::OpenDeletion(document) => serde_json::to_value(document),
            Self::AreaMap(document) => serde_json::to_value(document),
            Self::PartnerKeys(document) => serde_json::to_value(document),
            Self::AccessGrant(document) => serde_json::to_value(document),
            Self::ResponseSettings(document) => serde_json::to_value(document),
            Self::HomeRefusal(document) => serde_json::to_value(document),
            Self::Membership(document) => serde_json::to_value(document),
            Self::MigrationUser(document) => serde_json::to_value(document),
            Self::ScheduledChange(document) => serde_json::to_value(document),
            Self::SharedGroup(document) => serde_json::to_value(document),
            Self::GroupOverride(document) => serde_json::to_value(document),
        }
    }
}
