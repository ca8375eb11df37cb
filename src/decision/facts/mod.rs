//! What a decision depends on, gathered from one consistent view as typed values.
//!
//! A fact that is not there stays absent all the way to the policies: nothing here fills in a default.
//! Member lists never leave the registry; a member is a bit of the subject's facts.

mod binding;
mod calls;
mod gather;
mod migration;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::home_refusal::HomeRefusal;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::link::Link;
use crate::domain::membership::Membership;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::migration::Migration;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::operation::Operation;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::service::McService;
use crate::domain::shared_group::GroupOverride;
use crate::domain::shared_group::GroupSetting;
use crate::domain::ue_configuration::StoredUeConfiguration;
use crate::domain::user::User;
use crate::domain::user::UserPartner;

pub use binding::AccessGrants;
pub use binding::AccessKey;
pub use binding::BindingFacts;
pub use gather::gather;
pub use gather::of_agreement;
pub(crate) use gather::other_system;
pub use migration::AccessFacts;
pub use migration::AreaFacts;
pub use migration::CandidateFacts;
pub use migration::ListingFacts;
pub use migration::LocationFacts;
pub use migration::TokenUse;

/// What facts are gathered from: one consistent view of the registry.
pub trait Lookup {
    /// The document under a key.
    fn document(&self, key: &DocumentKey) -> Option<Versioned<Arc<Document>>>;

    /// Which of our own users has this service identity (ruling 4).
    fn person(&self, identity: &McServiceId) -> Option<DocumentId>;

    /// The home of a global number: the system with the longest matching prefix.
    fn home_of_number(&self, tel: &str) -> Option<McSystemId>;

    /// The ordinary profile of a migrated user: their own before the general one of their home.
    fn migrated_profile(&self, user: &McServiceId, home: &McSystemId) -> Option<DocumentId>;

    /// One of our own users who may hold an alias.
    fn alias_holder(&self, alias: &FunctionalAlias) -> Option<DocumentId>;

    /// How many users of a home the register of current systems has, one of them left out.
    fn visitors(&self, home: &McSystemId, except: &McServiceId) -> Visitors;

    /// Who has an identity that a serving system gave, one user left out.
    fn served_as(&self, identity: &McServiceId, except: &McServiceId) -> ServedAs;

    /// The access grants that are found under a key.
    fn access_grants(&self, key: &AccessKey) -> AccessGrants;
}

/// What the register of current systems says of an identity that a serving system gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServedAs {
    /// Whether another user has it.
    pub taken: bool,
    /// The revision of the newest entry with it.
    pub revision: Option<Revision>,
}

/// What the register of current systems says of the users of one home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visitors {
    /// How many they are.
    pub count: usize,
    /// The revision of the newest entry about any of them.
    pub revision: Option<Revision>,
}

/// Everything that a decision depends on beside request, bundle and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What every item shares; nothing in it is about a person.
    pub shared: SharedFacts,
    /// Who asks, in an administrative exchange; elsewhere the subject asks.
    pub requester: Option<PersonFacts>,
    /// Whom the items are about, in the order of the request: each listed member, else the one user who
    /// affiliates or migrates. A configuration push has none.
    pub subjects: Vec<PersonFacts>,
    /// The user who is asked for: the called one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<PersonFacts>,
    /// The groups of a request that is decided group by group, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ListedGroupFacts>,
    /// The systems to which the user might migrate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CandidateFacts>,
}

/// What is known about one of the groups that a request lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedGroupFacts {
    /// The home of the group.
    pub home: Option<McSystemId>,
    /// Its configuration, if it is defined here.
    pub group: Option<Versioned<GroupFacts>>,
}

/// Facts that are not about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFacts {
    /// This system.
    pub local: McSystemId,
    /// Our half of the agreement with the other system of the exchange.
    pub agreement: Option<Versioned<Agreement>>,
    /// Our half with the home of an affiliating user, unless that is here.
    pub home_agreement: Option<Versioned<Agreement>>,
    /// Our half with the system that serves an affiliating user, unless that is here.
    pub serving_agreement: Option<Versioned<Agreement>>,
    /// The home of the group that is asked for.
    pub group_home: Option<McSystemId>,
    /// Its configuration, if it is defined here.
    pub group: Option<Versioned<GroupFacts>>,
    /// The interconnection with the other system, as it was last measured.
    pub link: Option<Versioned<Link>>,
    /// How many users of the other system are migrated here, beside the one who asks.
    pub migrated_count: Option<u64>,
    /// Whom the request is addressed to; never by name.
    pub target: Option<TargetFacts>,
    /// What is kept of the configuration that the provider pushed before.
    pub configuration: Option<Versioned<StoredUeConfiguration>>,
    /// What we set for the group that a partner shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_override: Option<Versioned<GroupOverride>>,
    /// Whether the key that signed the presented token is still one of the partner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_key: Option<Versioned<bool>>,
    /// What there is of a group that is to be created together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint_group: Option<JointGroupFacts>,
}

/// What is known of a group that systems are to create together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointGroupFacts {
    /// Of a group of that identity that is defined here: whether it is the one that is asked for.
    pub existing: Option<Versioned<bool>>,
    /// The partners beside the two systems with which we have no agreement in force.
    pub without_agreement: BTreeSet<McSystemId>,
}

/// A group's configuration without its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Whether the group is in use.
    pub enabled: bool,
    /// Whether members from partner systems are possible.
    pub interconnection: bool,
    /// The services of the group.
    pub services: BTreeSet<McService>,
    /// The organisation that owns the group.
    pub organisation: Option<String>,
    /// Words by which policies speak of many groups.
    pub tags: BTreeSet<String>,
    /// The priority of the group.
    pub priority: Option<u8>,
    /// The systems that may have members.
    pub partners: BTreeSet<McSystemId>,
    /// How changes from the other system of the exchange are treated, if it may have members.
    pub review: Option<GroupReview>,
}

/// What is known about whom an administrative request is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// The home of every identity by which the request names the target; absent where they differ or one has none.
    pub home: Option<McSystemId>,
    /// Whether each of them is a service identity or a functional alias of one of our own users.
    pub known: bool,
}

/// The review flags of a group for one partner (TR 23.781 clause 5.1.12.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReview {
    /// Additions are reviewed first.
    pub additions: bool,
    /// Deletions are reviewed first.
    pub deletions: bool,
    /// What the partner may set for itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub local_settings: BTreeSet<GroupSetting>,
}

/// What is known about one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFacts {
    /// The home system; absent where a number resolves to none.
    pub home: Option<McSystemId>,
    /// The profile of one of our own users.
    pub profile: Option<Versioned<ProfileFacts>>,
    /// The profile that a user of another system gets while served here.
    pub migrated_profile: Option<Versioned<MigratedUserProfile>>,
    /// Whether the person is a member of the group that is asked for.
    pub is_member: bool,
    /// What an accepted update says of a foreign user's membership in it; it may have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Versioned<Membership>>,
    /// The home of the functional alias under which a requester acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_home: Option<McSystemId>,
    /// What the register of current systems says; absent where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<CurrentFacts>,
    /// Whether we have asked a partner to delete the person from the group; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<DeletionFacts>,
    /// The identity that the serving system gave a migrating user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_identity: Option<ServingIdentityFacts>,
    /// What the register of current systems says, by service, where several are asked about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub register: BTreeMap<McService, CurrentFacts>,
    /// Whether their home has refused them here, by service, where that is asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub home_refusals: BTreeMap<McService, HomeRefusalFacts>,
    /// Whether the person was given access to the system concerned; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessFacts>,
    /// What of the SIP identities and the UE of the request belongs to others; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingFacts>,
    /// What was granted on the presented token before; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_use: Option<TokenUse>,
    /// Whether the person is on the list of those who may migrate; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<ListingFacts>,
    /// What the person may do towards each system to which they might migrate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<McSystemId, GrantFacts>,
    /// In which areas the person is, and whom to prefer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationFacts>,
    /// In a call: what the profile of one of our own users says of calls with the other party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_permission: Option<CallFacts>,
    /// The same of the other party's home, where that is a third system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_call_permission: Option<CallFacts>,
}

/// What the register of current systems says of a person in one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentFacts {
    /// The entry, which may have ended; without one the person is at home.
    pub entry: Option<Versioned<Migration>>,
}

/// Whether the home of a person has refused them in one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeRefusalFacts {
    /// The refusal that stands, if one does.
    pub refusal: Option<Versioned<HomeRefusal>>,
}

/// Whether a deletion of a person from the group is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionFacts {
    /// The deletion that we asked for, if we did and do not know its outcome.
    pub open: Option<Versioned<OpenDeletion>>,
}

/// What is known about the identity that a serving system gave a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingIdentityFacts {
    /// The home that it names; absent where a number resolves to none.
    pub home: Option<McSystemId>,
    /// Whether somebody else has it: one of our own users, or another user in the register of current systems.
    pub registered: bool,
}

/// What a user's entry about one system says of calls with one user there; the lists stay in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFacts {
    /// Services in which the user may call, or be called.
    pub services: BTreeSet<McService>,
    /// Whether some users only are admitted.
    pub restricted: bool,
    /// Whether the other party is one of these.
    pub listed: bool,
}

/// What the profile of one of our own users says, as far as the other system is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileFacts {
    /// The key of the person in the registry.
    pub user: DocumentId,
    /// The profile status.
    pub enabled: bool,
    /// The mission critical organisation.
    pub organisation: Option<String>,
    /// The key management server of the user's security domain.
    pub kms_uri: Option<String>,
    /// Functional aliases that the person may hold.
    pub functional_aliases: BTreeSet<FunctionalAlias>,
    /// The services in which the identity by which they were named is theirs (ruling 4).
    #[serde(default)]
    pub services: BTreeSet<McService>,
    /// Administrative exchanges that the person may ask for.
    pub acm_operations: BTreeSet<Operation>,
    /// What the person may do towards the other system; absent if it is not on their list.
    pub grant: Option<GrantFacts>,
}

/// What a person may do towards one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFacts {
    /// Services in which the person may migrate there.
    pub migration: BTreeSet<McService>,
    /// Services in which the person may affiliate to groups defined there.
    pub groups: BTreeSet<McService>,
    /// Whether the person may migrate there without interconnection.
    pub limited_migration: bool,
    /// Key management servers there that the person may use while served at home.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub external_kms: BTreeSet<String>,
    /// Key management servers there that the person may use while migrated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub migration_kms: BTreeSet<String>,
}

/// Something that was read, so that the same can be looked up again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadKey {
    /// A document.
    Document(DocumentKey),
    /// Who has a service identity; its revision is that of the user document found.
    Identity(McServiceId),
    /// The home of a number; its revision is that of the system document found.
    Number(String),
    /// The ordinary profile for a migrated user; its revision is that of the profile found.
    MigratedProfile {
        /// The user.
        user: McServiceId,
        /// Their home.
        home: McSystemId,
    },
    /// Who may hold a functional alias; its revision is that of the user document found.
    Alias(FunctionalAlias),
    /// How many users of a home are in the register of current systems; its revision is that of the newest entry
    /// about them. Who joins changes it; who leaves need not, which can only widen what was decided.
    Visitors(McSystemId),
    /// Who has an identity that a serving system gave; its revision is that of the newest entry with it.
    ServedAs(McServiceId),
    /// Which access grants are found under a key; its revision is that of the newest of them. Each of them has an entry
    /// of its own.
    Access(AccessKey),
}

/// All that was read for a decision, absences included; what it says must still be true when the decision is sequenced.
///
/// Where a look-up leads to a document, the document has an entry of its own as well: documents
/// written together share a revision, so the look-up's revision alone would miss that another was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadSet {
    /// What was read and the revision found, `None` for what was not there; ordered by key, each key once.
    pub entries: Vec<(ReadKey, Option<Revision>)>,
    /// The generation of the bundle that decided; the caller fills it in.
    pub generation: u64,
}

impl GroupFacts {
    /// The view of a group that concerns one other system.
    pub fn new(group: &Group, other: &McSystemId) -> Self {
        Self {
            enabled: group.enabled,
            interconnection: group.interconnection,
            services: group.services.clone(),
            organisation: group.organisation.clone(),
            tags: group.tags.clone(),
            priority: group.priority,
            partners: group
                .partners
                .iter()
                .map(|partner| partner.system.clone())
                .collect(),
            review: group.partner(other).map(|partner| GroupReview {
                additions: partner.review_additions,
                deletions: partner.review_deletions,
                local_settings: partner.local_settings.clone(),
            }),
        }
    }
}

impl GrantFacts {
    /// What an entry of the user's own list says.
    pub fn new(partner: &UserPartner) -> Self {
        Self {
            migration: partner.migration.clone(),
            groups: partner.groups.clone(),
            limited_migration: partner.limited_migration,
            external_kms: partner.external_kms.clone(),
            migration_kms: partner.migration_kms.clone(),
        }
    }
}

impl ProfileFacts {
    /// The view of a user, named by one of their identities, that concerns one other system.
    pub fn new(user: &User, identity: &McServiceId, other: &McSystemId) -> Self {
        let own = user.identities.iter().filter(|(_, own)| *own == identity);
        Self {
            user: user.id.clone(),
            enabled: user.enabled,
            organisation: user.organisation.clone(),
            kms_uri: user.kms_uri.clone(),
            functional_aliases: user.functional_aliases.clone(),
            services: own.map(|(service, _)| service).collect(),
            acm_operations: user.acm_operations.clone(),
            grant: user.partner(other).map(GrantFacts::new),
        }
    }
}
