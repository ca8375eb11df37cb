//! The register of current systems by home and by the identities given: how many users of a system are registered,
//! who is served under which identity, and what has ended.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::decision::facts::ServedAs;
use crate::decision::facts::Visitors;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::migration::Migration;
use crate::domain::registry::DocumentId;
use crate::domain::registry::Revision;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;

/// What follows from the entries of the register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Register {
    // INVARIANT (no empty home): every home has an entry.
    homes: BTreeMap<McSystemId, Home>,
    // INVARIANT (no empty identity): every identity has an entry.
    identities: BTreeMap<McServiceId, BTreeMap<DocumentId, Served>>,
    ends: BTreeSet<(Timestamp, DocumentId)>,
}

/// Who is served under an identity, and the revision of the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Served {
    user: String,
    revision: Revision,
}

/// The users of one home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Home {
    users: BTreeMap<String, BTreeSet<McService>>,
    revisions: BTreeSet<(Revision, DocumentId)>,
}

impl Register {
    pub(super) fn insert(&mut self, id: &DocumentId, revision: Revision, entry: &Migration) {
        let home = self.homes.entry(entry.home_system.clone()).or_default();
        let services = home.users.entry(subscriber(&entry.user)).or_default();
        services.insert(entry.service);
        home.revisions.insert((revision, id.clone()));
        if let Some(identity) = &entry.serving_mc_service_id {
            let served = Served {
                user: subscriber(&entry.user),
                revision,
            };
            let under = self.identities.entry(identity.clone()).or_default();
            under.insert(id.clone(), served);
        }
        self.ends
            .extend(entry.expires_at.map(|end| (end, id.clone())));
    }

    pub(super) fn remove(&mut self, id: &DocumentId, revision: Revision, entry: &Migration) {
        if let Some(end) = entry.expires_at {
            self.ends.remove(&(end, id.clone()));
        }
        if let Some(identity) = &entry.serving_mc_service_id
            && let Some(under) = self.identities.get_mut(identity)
        {
            under.remove(id);
            if under.is_empty() {
                self.identities.remove(identity);
            }
        }
        let Some(home) = self.homes.get_mut(&entry.home_system) else {
            return;
        };
        home.revisions.remove(&(revision, id.clone()));
        let user = subscriber(&entry.user);
        if let Some(services) = home.users.get_mut(&user) {
            services.remove(&entry.service);
            if services.is_empty() {
                home.users.remove(&user);
            }
        }
        if home.revisions.is_empty() {
            self.homes.remove(&entry.home_system);
        }
    }

    pub(super) fn visitors(&self, home: &McSystemId, except: &McServiceId) -> Visitors {
        let Some(of_home) = self.homes.get(home) else {
            return Visitors::default();
        };
        let is_there = of_home.users.contains_key(&subscriber(except));
        Visitors {
            count: of_home.users.len() - usize::from(is_there),
            revision: of_home.revision(),
        }
    }

    /// The newest revision of an entry about the home's users.
    pub(super) fn revision(&self, home: &McSystemId) -> Option<Revision> {
        self.homes.get(home).and_then(Home::revision)
    }

    pub(super) fn served_as(&self, identity: &McServiceId, except: &McServiceId) -> ServedAs {
        let user = subscriber(except);
        let mut under = self.identities.get(identity).into_iter().flatten();
        ServedAs {
            taken: under.any(|(_, served)| served.user != user),
            revision: self.served_as_revision(identity),
        }
    }

    /// The newest revision of an entry with the identity.
    pub(super) fn served_as_revision(&self, identity: &McServiceId) -> Option<Revision> {
        let under = self.identities.get(identity)?;
        under.values().map(|served| served.revision).max()
    }

    /// The entries that have ended, the longest ended first.
    pub(super) fn ended(&self, now: Timestamp) -> impl Iterator<Item = &DocumentId> {
        let ended = self.ends.iter().take_while(move |(end, _)| *end <= now);
        ended.map(|(_, id)| id)
    }
}

impl Home {
    fn revision(&self) -> Option<Revision> {
        self.revisions.last().map(|(revision, _)| *revision)
    }
}

fn subscriber(user: &McServiceId) -> String {
    user.uri().subscriber().to_owned()
}
