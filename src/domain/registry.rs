//! How the registry names its documents and their revisions.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;

/// A kind of registry document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// An MC system.
    System,
    /// Our half of the agreement with a partner; its id is the partner's MC system ID.
    Agreement,
    /// A user who is home here.
    User,
    /// A group defined here; its id is the MC service group ID.
    Group,
    /// A profile for migrated users.
    MigratedProfile,
    /// The measured state of the interconnection with a partner; its id is the partner's MC system ID.
    Link,
    /// The initial UE configuration data that a partner gave us, by digests; its id is the partner's MC system ID.
    UeConfiguration,
    /// An entry of the register of current systems: a user who is served away from home in one service.
    Migration,
    /// A deletion from a partner's group that we asked for, with an outcome that we do not know yet.
    OpenDeletion,
    /// Which systems our users are to use where; the map that counts has our MC system ID.
    AreaMap,
    /// The keys with which a partner's identity management server signs; its id is the partner's MC system ID.
    PartnerKeys,
    /// That a user may register in another system.
    AccessGrant,
    /// How categories are answered by approved requests; its id is our MC system ID.
    ResponseSettings,
    /// That a visitor's home has refused their migration in one service.
    HomeRefusal,
    /// A member of a group who is home in another system than the group.
    Membership,
    /// A user on the list of those who may migrate from one system to another, or taken from it.
    MigrationUser,
    /// A change of the status of a cooperation that was granted for later.
    ScheduledChange,
    /// The configuration of a partner's group as it was shared with us; its id is the MC service group ID.
    SharedGroup,
    /// What we set for a partner's group ourselves; its id is the MC service group ID.
    GroupOverride,
}

impl DocumentKind {
    /// Every kind, in the order in which an import writes them.
    pub const ALL: [Self; 19] = [
        Self::System,
        Self::Agreement,
        Self::User,
        Self::Group,
        Self::MigratedProfile,
        Self::Link,
        Self::UeConfiguration,
        Self::Migration,
        Self::OpenDeletion,
        Self::AreaMap,
        Self::PartnerKeys,
        Self::AccessGrant,
        Self::ResponseSettings,
        Self::HomeRefusal,
        Self::Membership,
        Self::MigrationUser,
        Self::ScheduledChange,
        Self::SharedGroup,
        Self::GroupOverride,
    ];

    /// The plural used in paths and folders.
    pub fn plural(self) -> &'static str {
        match self {
            Self::System => "systems",
            Self::Agreement => "agreements",
            Self::User => "users",
            Self::Group => "groups",
            Self::MigratedProfile => "migrated-profiles",
            Self::Link => "links",
            Self::UeConfiguration => "ue-configurations",
            Self::Migration => "migrations",
            Self::OpenDeletion => "open-deletions",
            Self::AreaMap => "area-maps",
            Self::PartnerKeys => "partner-keys",
            Self::AccessGrant => "access-grants",
            Self::ResponseSettings => "response-settings",
            Self::HomeRefusal => "home-refusals",
            Self::Membership => "memberships",
            Self::MigrationUser => "migration-users",
            Self::ScheduledChange => "scheduled-changes",
            Self::SharedGroup => "shared-groups",
            Self::GroupOverride => "group-overrides",
        }
    }

    /// The kind that a path segment or folder names.
    pub fn from_plural(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    /// Whether documents of this kind can be put or imported; the others are written by the decision that accepts them.
    pub fn is_written_by_hand(self) -> bool {
        match self {
            Self::UeConfiguration
            | Self::ResponseSettings
            | Self::ScheduledChange
            | Self::SharedGroup => false,
            Self::System
            | Self::Agreement
            | Self::User
            | Self::Group
            | Self::MigratedProfile
            | Self::Link
            | Self::Migration
            | Self::OpenDeletion
            | Self::AreaMap
            | Self::PartnerKeys
            | Self::AccessGrant
            | Self::HomeRefusal
            | Self::Membership
            | Self::MigrationUser
            | Self::GroupOverride => true,
        }
    }

    /// Whether documents of this kind are about one person.
    pub fn is_personal(self) -> bool {
        match self {
            Self::User
            | Self::MigratedProfile
            | Self::Migration
            | Self::OpenDeletion
            | Self::AccessGrant
            | Self::HomeRefusal
            | Self::Membership
            | Self::MigrationUser => true,
            Self::System
            | Self::Agreement
            | Self::Group
            | Self::Link
            | Self::UeConfiguration
            | Self::AreaMap
            | Self::PartnerKeys
            | Self::ResponseSettings
            | Self::ScheduledChange
            | Self::SharedGroup
            | Self::GroupOverride => false,
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::Agreement => "agreement",
            Self::User => "user",
            Self::Group => "group",
            Self::MigratedProfile => "migrated-user profile",
            Self::Link => "link",
            Self::UeConfiguration => "UE configuration",
            Self::Migration => "migration",
            Self::OpenDeletion => "open deletion",
            Self::AreaMap => "area map",
            Self::PartnerKeys => "partner's keys",
            Self::AccessGrant => "access grant",
            Self::ResponseSettings => "response settings",
            Self::HomeRefusal => "home's refusal",
            Self::Membership => "membership",
            Self::MigrationUser => "user for migration",
            Self::ScheduledChange => "scheduled change",
            Self::SharedGroup => "shared group",
            Self::GroupOverride => "group override",
        })
    }
}

/// The longest key: a group ID and the key of a person.
const DOCUMENT_ID_BYTES_MAX: usize = 512;

/// A key within one kind: 1 to 512 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DocumentId(SmolStr);

/// Why a text cannot name a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a document id: 1 to {DOCUMENT_ID_BYTES_MAX} visible ASCII characters")]
pub struct InvalidDocumentId(String);

impl DocumentId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocumentId {
    type Err = InvalidDocumentId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > DOCUMENT_ID_BYTES_MAX || !is_visible {
            return Err(InvalidDocumentId(text.to_owned()));
        }
        Ok(Self(SmolStr::new(text)))
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DocumentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A document's kind and key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentKey {
    /// The kind.
    pub kind: DocumentKind,
    /// The key within the kind.
    pub id: DocumentId,
}

impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.plural(), self.id)
    }
}

/// The revision of a document: the log index of the entry that wrote it, so that it never repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value together with the revision at which it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versioned<T> {
    /// The revision.
    pub revision: Revision,
    /// The value.
    pub value: T,
}
