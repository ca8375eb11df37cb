//! Gathering: which look-ups a request needs, and that each of them is remembered.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decision::facts::CurrentFacts;
use crate::decision::facts::DeletionFacts;
use crate::decision::facts::Facts;
use crate::decision::facts::GroupFacts;
use crate::decision::facts::Lookup;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::ProfileFacts;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ReadSet;
use crate::decision::facts::ServingIdentityFacts;
use crate::decision::facts::SharedFacts;
use crate::decision::facts::TargetFacts;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::identity::McUri;
use crate::domain::link::Link;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::migration::Migration;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::request::Affiliation;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MigrationServiceAuthorization;
use crate::domain::request::OperationBody;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::UeConfigurationPush;
use crate::domain::ue_configuration::StoredUeConfiguration;

/// Gathers what a request depends on, and what was read to know it.
///
/// The read set's generation is left at zero for the caller to fill in.
pub fn gather(
    local: &McSystemId,
    request: &InterSystemRequest,
    lookup: &dyn Lookup,
) -> (Facts, ReadSet) {
    let mut gatherer = Gatherer {
        local,
        other: other_system(request),
        direction: request.direction,
        lookup,
        read: BTreeMap::new(),
    };
    let facts = match &request.body {
        OperationBody::GroupMembershipUpdate(update) => gatherer.membership(update),
        OperationBody::Affiliation(affiliation) => gatherer.affiliation(affiliation),
        OperationBody::MigrationServiceAuthorization(authorization) => {
            gatherer.migration(authorization)
        }
        OperationBody::UeConfigurationPush(push) => gatherer.configuration(push),
    };
    let read_set = ReadSet {
        entries: gatherer.read.into_iter().collect(),
        generation: 0,
    };
    (facts, read_set)
}

/// The other side of the exchange, as the request names it.
pub(crate) fn other_system(request: &InterSystemRequest) -> &McSystemId {
    match request.direction {
        Direction::Outbound => &request.receiving_system,
        Direction::Inbound | Direction::HomeConsent => &request.requesting_system,
    }
}

struct Gatherer<'a> {
    local: &'a McSystemId,
    other: &'a McSystemId,
    direction: Direction,
    lookup: &'a dyn Lookup,
    read: BTreeMap<ReadKey, Option<Revision>>,
}

/// A group document that was found, whole, to look members up in.
type FoundGroup = Option<Arc<Document>>;

impl Gatherer<'_> {
    fn membership(&mut self, update: &GroupMembershipUpdate) -> Facts {
        let (mut shared, group) = self.shared_with_group(&update.group);
        shared.target = Some(self.target(&update.target));
        Facts {
            shared,
            requester: Some(self.requester(&update.requester)),
            subjects: update
                .members
                .iter()
                .map(|member| {
                    let mut person = self.member(member, &group);
                    person.deletion = self.deletion(&person, &update.group);
                    person
                })
                .collect(),
        }
    }

    fn affiliation(&mut self, affiliation: &Affiliation) -> Facts {
        let (mut shared, group) = self.shared_with_group(&affiliation.group);
        let mut user = self.member(&affiliation.user, &group);
        if let Some(home) = user.home.clone() {
            if home != *self.local {
                shared.home_agreement = self.agreement(&home);
            }
            user.migrated_profile = self.migrated_profile(&affiliation.user, &home);
            user.current = self.current(affiliation, &home);
            user.deletion = self.deletion(&user, &affiliation.group);
        }
        if affiliation.serving_system != *self.local {
            shared.serving_agreement = self.agreement(&affiliation.serving_system);
        }
        Facts {
            shared,
            requester: None,
            subjects: vec![user],
        }
    }

    fn migration(&mut self, authorization: &MigrationServiceAuthorization) -> Facts {
        let mut shared = self.shared();
        shared.link = self.link();
        let mut user = self.person(&authorization.user);
        if let Some(home) = user.home.clone() {
            user.migrated_profile = self.migrated_profile(&authorization.user, &home);
        }
        if self.direction == Direction::Inbound {
            shared.migrated_count = Some(self.migrated_count(&authorization.user));
        }
        let identity = authorization.serving_mc_service_id.as_ref();
        user.serving_identity = identity.map(|identity| self.serving_identity(identity));
        Facts {
            shared,
            requester: None,
            subjects: vec![user],
        }
    }

    fn configuration(&mut self, push: &UeConfigurationPush) -> Facts {
        let mut shared = self.shared();
        shared.configuration = self.stored_configuration(&push.mc_system_id);
        Facts {
            shared,
            requester: Some(self.requester(&push.requester)),
            subjects: Vec::new(),
        }
    }

    fn shared(&mut self) -> SharedFacts {
        SharedFacts {
            local: self.local.clone(),
            agreement: self.agreement(self.other),
            home_agreement: None,
            serving_agreement: None,
            group_home: None,
            group: None,
            link: None,
            migrated_count: None,
            target: None,
            configuration: None,
        }
    }

    fn shared_with_group(&mut self, id: &GroupId) -> (SharedFacts, FoundGroup) {
        let mut shared = self.shared();
        shared.group_home = self.home(id.uri());
        if shared.group_home.as_ref() != Some(self.local) {
            return (shared, None);
        }
        let found = self.document(DocumentKind::Group, id.as_str());
        let Some(Versioned { revision, value }) = found else {
            return (shared, None);
        };
        if let Document::Group(group) = value.as_ref() {
            shared.group = Some(Versioned {
                revision,
                value: GroupFacts::new(group, self.other),
            });
        }
        (shared, Some(value))
    }

    fn member(&mut self, id: &McServiceId, group: &FoundGroup) -> PersonFacts {
        let mut person = self.person(id);
        if let (Some(Document::Group(group)), Some(home)) = (group.as_deref(), &person.home) {
            person.is_member = if home == self.local {
                group.members.contains(id)
            } else {
                group
                    .partner(home)
                    .is_some_and(|partner| partner.members.contains(id))
            };
        }
        person
    }

    fn person(&mut self, id: &McServiceId) -> PersonFacts {
        let home = self.home(id.uri());
        let profile = if home.as_ref() == Some(self.local) {
            self.profile(id)
        } else {
            None
        };
        PersonFacts {
            home,
            profile,
            ..PersonFacts::default()
        }
    }

    fn requester(&mut self, requester: &Requester) -> PersonFacts {
        let mut person = self.person(&requester.mc_service_id);
        let alias = requester.functional_alias.as_ref();
        person.alias_home = alias.and_then(|alias| self.home(alias.uri()));
        person
    }

    fn target(&mut self, target: &Target) -> TargetFacts {
        let (id, alias) = (&target.mc_service_id, &target.functional_alias);
        let homes = [
            id.as_ref().map(|id| self.home(id.uri())),
            alias.as_ref().map(|alias| self.home(alias.uri())),
        ];
        let mut homes = homes.into_iter().flatten();
        let first = homes.next().flatten();
        let agree = homes.all(|home| home == first);
        let known = self.direction == Direction::Inbound
            && id.as_ref().is_none_or(|id| self.is_registered(id))
            && alias.as_ref().is_none_or(|alias| self.is_held(alias));
        TargetFacts {
            home: first.filter(|_| agree),
            known,
        }
    }

    /// Whether one of our own users has a service identity.
    fn is_registered(&mut self, id: &McServiceId) -> bool {
        let found = self
            .lookup
            .person(id)
            .and_then(|person| self.document(DocumentKind::User, person.as_str()));
        self.note(ReadKey::Identity(id.clone()), found.as_ref());
        found.is_some()
    }

    /// Whether one of our own users may hold an alias.
    fn is_held(&mut self, alias: &FunctionalAlias) -> bool {
        let found = self
            .lookup
            .alias_holder(alias)
            .and_then(|person| self.document(DocumentKind::User, person.as_str()));
        self.note(ReadKey::Alias(alias.clone()), found.as_ref());
        found.is_some()
    }

    /// We keep the register for our own users and for those whom we serve.
    fn current(&mut self, affiliation: &Affiliation, home: &McSystemId) -> Option<CurrentFacts> {
        if home != self.local && affiliation.serving_system != *self.local {
            return None;
        }
        let id = Migration::id(&affiliation.user, affiliation.service).ok()?;
        let found = self.document(DocumentKind::Migration, id.as_str());
        let entry = match found.as_ref().map(|found| found.value.as_ref()) {
            None => None,
            Some(Document::Migration(entry)) => Some(entry.clone()),
            Some(_) => return None,
        };
        let revision = found.map(|found| found.revision);
        Some(CurrentFacts {
            entry: entry
                .zip(revision)
                .map(|(value, revision)| Versioned { revision, value }),
        })
    }

    /// Whether we have asked the group's home to delete one of our own users.
    fn deletion(&mut self, person: &PersonFacts, group: &GroupId) -> Option<DeletionFacts> {
        if self.direction != Direction::Outbound {
            return None;
        }
        let person = &person.profile.as_ref()?.value.user;
        let id = OpenDeletion::id(group, person).ok()?;
        let found = self.document(DocumentKind::OpenDeletion, id.as_str());
        let open = match found.as_ref().map(|found| found.value.as_ref()) {
            None => None,
            Some(Document::OpenDeletion(deletion)) => Some(deletion.clone()),
            Some(_) => return None,
        };
        let revision = found.map(|found| found.revision);
        Some(DeletionFacts {
            open: open
                .zip(revision)
                .map(|(value, revision)| Versioned { revision, value }),
        })
    }

    fn migrated_count(&mut self, user: &McServiceId) -> u64 {
        let visitors = self.lookup.visitors(self.other, user);
        let key = ReadKey::Visitors(self.other.clone());
        self.read.insert(key, visitors.revision);
        visitors.count as u64
    }

    fn serving_identity(&mut self, identity: &McServiceId) -> ServingIdentityFacts {
        ServingIdentityFacts {
            home: self.home(identity.uri()),
            registered: self.is_registered(identity),
        }
    }

    fn profile(&mut self, id: &McServiceId) -> Option<Versioned<ProfileFacts>> {
        let found = self
            .lookup
            .person(id)
            .and_then(|person| self.document(DocumentKind::User, person.as_str()));
        self.note(ReadKey::Identity(id.clone()), found.as_ref());
        let found = found?;
        let Document::User(user) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: ProfileFacts::new(user, self.other),
        })
    }

    /// A user has one while served away from home only; our own users have none here.
    fn migrated_profile(
        &mut self,
        user: &McServiceId,
        home: &McSystemId,
    ) -> Option<Versioned<MigratedUserProfile>> {
        if home == self.local {
            return None;
        }
        let found = self
            .lookup
            .migrated_profile(user, home)
            .and_then(|id| self.document(DocumentKind::MigratedProfile, id.as_str()));
        let key = ReadKey::MigratedProfile {
            user: user.clone(),
            home: home.clone(),
        };
        self.note(key, found.as_ref());
        let found = found?;
        let Document::MigratedProfile(profile) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: profile.clone(),
        })
    }

    fn home(&mut self, uri: &McUri) -> Option<McSystemId> {
        let Some(number) = uri.tel_number() else {
            return uri.domain().cloned();
        };
        let home = self.lookup.home_of_number(number);
        let found = home
            .as_ref()
            .and_then(|home| self.document(DocumentKind::System, home.as_str()));
        self.note(ReadKey::Number(number.to_owned()), found.as_ref());
        home
    }

    fn agreement(&mut self, partner: &McSystemId) -> Option<Versioned<Agreement>> {
        let found = self.document(DocumentKind::Agreement, partner.as_str())?;
        let Document::Agreement(agreement) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: without_contacts(agreement),
        })
    }

    fn link(&mut self) -> Option<Versioned<Link>> {
        let found = self.document(DocumentKind::Link, self.other.as_str())?;
        let Document::Link(link) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: link.clone(),
        })
    }

    fn stored_configuration(
        &mut self,
        provider: &McSystemId,
    ) -> Option<Versioned<StoredUeConfiguration>> {
        let found = self.document(DocumentKind::UeConfiguration, provider.as_str())?;
        let Document::UeConfiguration(stored) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: stored.clone(),
        })
    }

    /// Reads a document and remembers it, or that it was not there.
    fn document(&mut self, kind: DocumentKind, id: &str) -> Option<Versioned<Arc<Document>>> {
        let key = DocumentKey {
            kind,
            id: id.parse().ok()?,
        };
        let found = self.lookup.document(&key);
        self.note(ReadKey::Document(key), found.as_ref());
        found
    }

    fn note(&mut self, key: ReadKey, found: Option<&Versioned<Arc<Document>>>) {
        self.read.insert(key, found.map(|found| found.revision));
    }
}

/// What decisions read of an agreement: whom to ask about it may name a person, and where servers are decides nothing.
fn without_contacts(agreement: &Agreement) -> Agreement {
    let mut agreement = agreement.clone();
    agreement.review_contact = None;
    agreement.addresses = Vec::new();
    agreement
}
