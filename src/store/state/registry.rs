//! The registry: documents, and the indexes by which facts are found.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use crate::decision::facts::AccessGrants;
use crate::decision::facts::AccessKey;
use crate::decision::facts::ServedAs;
use crate::decision::facts::Visitors;
use crate::domain::document::Document;
use crate::domain::given::given;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::link::Link;
use crate::domain::migrated_profile::ProfileOccasion;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::system::TelPrefix;
use crate::domain::time::Timestamp;
use crate::store::event::DocumentChange;
use crate::store::state::RowKey;
use crate::store::state::visitors::Register;

/// What only one document may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// A service identity: one user has it.
    Identity(McServiceId),
    /// Being the profile of a migrated user, or the general one of a home system, on one occasion.
    Profile {
        /// The home system.
        home: McSystemId,
        /// The user; `None` for the general profile.
        user: Option<McServiceId>,
        /// The occasion; `None` for the ordinary profile.
        occasion: Option<ProfileOccasion>,
    },
    /// A prefix of numbers: the users under it are home in one system.
    Prefix(TelPrefix),
}

/// What a document claims for itself.
pub fn claims_of(document: &Document) -> BTreeSet<Claim> {
    match document {
        Document::User(user) => user
            .identities
            .iter()
            .map(|(_, identity)| Claim::Identity(identity.clone()))
            .collect(),
        Document::MigratedProfile(profile) => BTreeSet::from([Claim::Profile {
            home: profile.home_system.clone(),
            user: profile.user.clone(),
            occasion: profile.occasion,
        }]),
        Document::System(system) => system
            .tel_prefixes
            .iter()
            .cloned()
            .map(Claim::Prefix)
            .collect(),
        Document::Agreement(_)
        | Document::Group(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::Migration(_)
        | Document::OpenDeletion(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::AccessGrant(_)
        | Document::ResponseSettings(_)
        | Document::HomeRefusal(_)
        | Document::Membership(_)
        | Document::MigrationUser(_)
        | Document::ScheduledChange(_)
        | Document::SharedGroup(_)
        | Document::GroupOverride(_) => BTreeSet::new(),
    }
}

/// The occasion of a profile, and its user.
type ProfileFor = (Option<ProfileOccasion>, Option<McServiceId>);

type Documents = BTreeMap<DocumentId, (Revision, Arc<Document>)>;

/// All documents, with indexes that follow from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registry {
    documents: BTreeMap<DocumentKind, Documents>,
    people: BTreeMap<McServiceId, DocumentId>,
    profiles: BTreeMap<McSystemId, BTreeMap<ProfileFor, DocumentId>>,
    // INVARIANT (no empty prefix): every set has an element.
    tel_prefixes: BTreeMap<String, BTreeSet<McSystemId>>,
    // INVARIANT (no empty alias): every set has an element.
    aliases: BTreeMap<FunctionalAlias, BTreeSet<DocumentId>>,
    register: Register,
    // INVARIANT (no empty key): every map has an entry.
    access: BTreeMap<AccessKey, BTreeMap<DocumentId, Revision>>,
    // INVARIANT (no empty system): every set has an element.
    involved: BTreeMap<McSystemId, BTreeSet<DocumentKey>>,
    /// Grants that end by themselves and whose end is not written down, by when.
    ends: BTreeSet<(Timestamp, DocumentKey)>,
}

impl Registry {
    /// Writes documents together: what one gives up another may take in the same entry.
    pub(super) fn write(
        &mut self,
        changes: &[DocumentChange],
        revision: Revision,
        rows: &mut Vec<RowKey>,
    ) {
        for change in changes {
            self.remove(change.key());
            rows.push(RowKey::Document(change.key().clone()));
        }
        for change in changes {
            if let DocumentChange::Put(key, document) = change {
                self.insert(key, revision, Arc::clone(document));
            }
        }
    }

    /// Puts a document that isn't there.
    pub(super) fn insert(
        &mut self,
        key: &DocumentKey,
        revision: Revision,
        document: Arc<Document>,
    ) {
        for claim in claims_of(&document) {
            match claim {
                Claim::Identity(identity) => {
                    self.people.insert(identity, key.id.clone());
                }
                Claim::Profile {
                    home,
                    user,
                    occasion,
                } => {
                    let of_home = self.profiles.entry(home).or_default();
                    of_home.insert((occasion, user), key.id.clone());
                }
                Claim::Prefix(_) => {}
            }
        }
        for system in document.involved() {
            let of_system = self.involved.entry(system.clone()).or_default();
            of_system.insert(key.clone());
        }
        self.ends
            .extend(end_of(&document).map(|end| (end, key.clone())));
        match document.as_ref() {
            Document::System(system) => {
                for prefix in &system.tel_prefixes {
                    let systems = self.tel_prefixes.entry(prefix.as_str().to_owned());
                    systems.or_default().insert(system.mc_system_id.clone());
                }
            }
            Document::User(user) => {
                for alias in &user.functional_aliases {
                    let holders = self.aliases.entry(alias.clone()).or_default();
                    holders.insert(key.id.clone());
                }
            }
            Document::Migration(entry) => self.register.insert(&key.id, revision, entry),
            Document::AccessGrant(grant) => {
                for found_by in AccessKey::all_of(grant) {
                    let grants = self.access.entry(found_by).or_default();
                    grants.insert(key.id.clone(), revision);
                }
            }
            Document::Agreement(_)
            | Document::Group(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => {}
        }
        let of_kind = self.documents.entry(key.kind).or_default();
        of_kind.insert(key.id.clone(), (revision, document));
    }

    fn remove(&mut self, key: &DocumentKey) {
        let Some(of_kind) = self.documents.get_mut(&key.kind) else {
            return;
        };
        let Some((revision, document)) = of_kind.remove(&key.id) else {
            return;
        };
        if of_kind.is_empty() {
            self.documents.remove(&key.kind);
        }
        for claim in claims_of(&document) {
            if self.holder(&claim).as_ref() == Some(key) {
                self.release(&claim);
            }
        }
        for system in document.involved() {
            forget(&mut self.involved, system, key);
        }
        if let Some(end) = end_of(&document) {
            self.ends.remove(&(end, key.clone()));
        }
        match document.as_ref() {
            Document::System(system) => {
                for prefix in &system.tel_prefixes {
                    forget(
                        &mut self.tel_prefixes,
                        prefix.as_str(),
                        &system.mc_system_id,
                    );
                }
            }
            Document::User(user) => {
                for alias in &user.functional_aliases {
                    forget(&mut self.aliases, alias, &key.id);
                }
            }
            Document::Migration(entry) => self.register.remove(&key.id, revision, entry),
            Document::AccessGrant(grant) => {
                for found_by in AccessKey::all_of(grant) {
                    if let Some(grants) = self.access.get_mut(&found_by) {
                        grants.remove(&key.id);
                        if grants.is_empty() {
                            self.access.remove(&found_by);
                        }
                    }
                }
            }
            Document::Agreement(_)
            | Document::Group(_)
            | Document::MigratedProfile(_)
            | Document::Link(_)
            | Document::UeConfiguration(_)
            | Document::OpenDeletion(_)
            | Document::AreaMap(_)
            | Document::PartnerKeys(_)
            | Document::ResponseSettings(_)
            | Document::HomeRefusal(_)
            | Document::Membership(_)
            | Document::MigrationUser(_)
            | Document::ScheduledChange(_)
            | Document::SharedGroup(_)
            | Document::GroupOverride(_) => {}
        }
    }

    fn release(&mut self, claim: &Claim) {
        match claim {
            Claim::Identity(identity) => {
                self.people.remove(identity);
            }
            Claim::Profile {
                home,
                user,
                occasion,
            } => {
                if let Some(of_home) = self.profiles.get_mut(home) {
                    of_home.remove(&(*occasion, user.clone()));
                    if of_home.is_empty() {
                        self.profiles.remove(home);
                    }
                }
            }
            Claim::Prefix(_) => {}
        }
    }

    pub(super) fn document(&self, key: &DocumentKey) -> Option<(Revision, &Arc<Document>)> {
        let (revision, document) = self.documents.get(&key.kind)?.get(&key.id)?;
        Some((*revision, document))
    }

    pub(super) fn documents(
        &self,
        kind: DocumentKind,
        after: Option<&DocumentId>,
    ) -> impl Iterator<Item = (&DocumentId, Versioned<&Arc<Document>>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.documents
            .get(&kind)
            .into_iter()
            .flat_map(move |of_kind| of_kind.range::<DocumentId, _>((from, Bound::Unbounded)))
            .map(|(id, (revision, document))| {
                let versioned = Versioned {
                    revision: *revision,
                    value: document,
                };
                (id, versioned)
            })
    }

    pub(super) fn count(&self, kind: DocumentKind) -> usize {
        self.documents.get(&kind).map_or(0, BTreeMap::len)
    }

    pub(super) fn holder(&self, claim: &Claim) -> Option<DocumentKey> {
        let (kind, id) = match claim {
            Claim::Identity(identity) => (DocumentKind::User, self.people.get(identity)?),
            Claim::Profile {
                home,
                user,
                occasion,
            } => (
                DocumentKind::MigratedProfile,
                self.profiles.get(home)?.get(&(*occasion, user.clone()))?,
            ),
            Claim::Prefix(prefix) => {
                let system = self.tel_prefixes.get(prefix.as_str())?.first()?;
                return Some(DocumentKey {
                    kind: DocumentKind::System,
                    id: system.as_str().parse().ok()?,
                });
            }
        };
        Some(DocumentKey {
            kind,
            id: id.clone(),
        })
    }

    /// What is between a system and another, in the order of kinds and ids, from the one after `after` on.
    pub(super) fn involving(
        &self,
        system: &McSystemId,
        after: Option<&DocumentKey>,
    ) -> impl Iterator<Item = (&DocumentKey, &Arc<Document>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let of_system = self.involved.get(system).into_iter();
        of_system
            .flat_map(move |keys| keys.range::<DocumentKey, _>((from, Bound::Unbounded)))
            .filter_map(|key| Some((key, self.document(key)?.1)))
    }

    /// The first of our users who may hold an alias.
    pub(super) fn alias_holder(&self, alias: &FunctionalAlias) -> Option<&DocumentId> {
        self.aliases.get(alias)?.first()
    }

    pub(super) fn visitors(&self, home: &McSystemId, except: &McServiceId) -> Visitors {
        self.register.visitors(home, except)
    }

    pub(super) fn register_revision(&self, home: &McSystemId) -> Option<Revision> {
        self.register.revision(home)
    }

    pub(super) fn served_as(&self, identity: &McServiceId, except: &McServiceId) -> ServedAs {
        self.register.served_as(identity, except)
    }

    pub(super) fn served_as_revision(&self, identity: &McServiceId) -> Option<Revision> {
        self.register.served_as_revision(identity)
    }

    /// The access grants that are found under a key.
    pub(super) fn access_grants(&self, found_by: &AccessKey) -> AccessGrants {
        let grants = self.access.get(found_by);
        AccessGrants {
            ids: grants
                .into_iter()
                .flatten()
                .map(|(id, _)| id.clone())
                .collect(),
            revision: self.access_revision(found_by),
        }
    }

    /// The revision of the newest grant under a key.
    pub(super) fn access_revision(&self, found_by: &AccessKey) -> Option<Revision> {
        self.access.get(found_by)?.values().max().copied()
    }

    /// Grants whose time is over without that being written down, the longest over first.
    pub(super) fn ended_grants(&self, now: Timestamp) -> impl Iterator<Item = &DocumentKey> {
        let over = self.ends.iter().take_while(move |(end, _)| *end <= now);
        over.map(|(_, key)| key)
    }

    pub(super) fn ended_migrations(&self, now: Timestamp) -> impl Iterator<Item = &DocumentId> {
        self.register.ended(now)
    }

    /// Entries of the register to decide again with homes to which the link is up, and since when they are.
    pub(super) fn to_decide_again(
        &self,
    ) -> impl Iterator<Item = (Revision, &Arc<Document>, Timestamp)> {
        let homes = self.register.unverified();
        homes.flat_map(move |(home, unverified)| {
            let link = self.link(home);
            unverified.iter().filter_map(move |id| {
                let entries = self.documents.get(&DocumentKind::Migration)?;
                let (revision, document) = entries.get(id)?;
                let Document::Migration(entry) = document.as_ref() else {
                    return None;
                };
                let since = entry.decide_again_since(link?)?;
                Some((*revision, document, since))
            })
        })
    }

    fn link(&self, system: &McSystemId) -> Option<&Link> {
        let links = self.documents.get(&DocumentKind::Link)?;
        let id: DocumentId = system.as_str().parse().ok()?;
        let (_, document) = links.get(&id)?;
        if let Document::Link(link) = document.as_ref() {
            Some(link)
        } else {
            None
        }
    }

    pub(super) fn person(&self, identity: &McServiceId) -> Option<&DocumentId> {
        self.people.get(identity)
    }

    /// The one system with the longest prefix of the number; two systems with the same prefix make it nobody's.
    pub(super) fn home_of_number(&self, tel: &str) -> Option<&McSystemId> {
        let systems = (1..=tel.len())
            .rev()
            .filter_map(|end| tel.get(..end))
            .find_map(|prefix| self.tel_prefixes.get(prefix))?;
        let mut systems = systems.iter();
        match (systems.next(), systems.next()) {
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    /// The ordinary profile of a migrated user; those for an occasion are named by who wants one.
    pub(super) fn migrated_profile(
        &self,
        user: &McServiceId,
        home: &McSystemId,
    ) -> Option<&DocumentId> {
        let of_home = self.profiles.get(home)?;
        of_home
            .get(&(None, Some(user.clone())))
            .or_else(|| of_home.get(&(None, None)))
    }
}

/// When a grant ends by itself that stands.
fn end_of(document: &Document) -> Option<Timestamp> {
    let given = given(document).filter(|given| given.stands)?;
    given.until
}

/// Takes a value out of the set under a key, and the set with its last value.
fn forget<K, Q, V>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: &Q, value: &V)
where
    K: Ord + std::borrow::Borrow<Q>,
    Q: Ord + ?Sized,
    V: Ord,
{
    if let Some(values) = sets.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            sets.remove(key);
        }
    }
}
