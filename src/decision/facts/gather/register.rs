//! Look-ups about who is where, and under which identity: the register of current systems, open deletions,
//! targets, aliases, and identities given by other systems.

use crate::decision::facts::CurrentFacts;
use crate::decision::facts::DeletionFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ServingIdentityFacts;
use crate::decision::facts::TargetFacts;
use crate::decision::facts::gather::Gatherer;
use crate::domain::document::Document;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::Requester;
use crate::domain::request::Target;

impl Gatherer<'_> {
    pub(super) fn requester(&mut self, requester: &Requester) -> PersonFacts {
        let mut person = self.person(&requester.mc_service_id);
        let alias = requester.functional_alias.as_ref();
        person.alias_home = alias.and_then(|alias| self.home(alias.uri()));
        person
    }

    pub(super) fn target(&mut self, target: &Target) -> TargetFacts {
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
    pub(super) fn is_registered(&mut self, id: &McServiceId) -> bool {
        let found = self
            .lookup
            .person(id)
            .and_then(|person| self.document(DocumentKind::User, person.as_str()));
        self.note(ReadKey::Identity(id.clone()), found.as_ref());
        found.is_some()
    }

    /// Whether one of our own users may hold an alias.
    pub(super) fn is_held(&mut self, alias: &FunctionalAlias) -> bool {
        let found = self
            .lookup
            .alias_holder(alias)
            .and_then(|person| self.document(DocumentKind::User, person.as_str()));
        self.note(ReadKey::Alias(alias.clone()), found.as_ref());
        found.is_some()
    }

    /// We keep the register for our own users and for those whom we serve.
    pub(super) fn current(
        &mut self,
        user: &McServiceId,
        request: &InterSystemRequest,
    ) -> Option<CurrentFacts> {
        let service = request.body.elements().service()?;
        self.registered(user, service)
    }

    /// Whether we have asked the group's home to delete one of our own users.
    pub(super) fn deletion(
        &mut self,
        person: &PersonFacts,
        group: Option<&GroupId>,
    ) -> Option<DeletionFacts> {
        if self.direction != Direction::Outbound {
            return None;
        }
        let person = &person.profile.as_ref()?.value.user;
        let id = OpenDeletion::id(group?, person).ok()?;
        let Some(found) = self.document(DocumentKind::OpenDeletion, id.as_str()) else {
            return Some(DeletionFacts { open: None });
        };
        let Document::OpenDeletion(deletion) = found.value.as_ref() else {
            return None;
        };
        Some(DeletionFacts {
            open: Some(Versioned {
                revision: found.revision,
                value: deletion.clone(),
            }),
        })
    }

    pub(super) fn migrated_count(&mut self, user: &McServiceId) -> u64 {
        let visitors = self.lookup.visitors(self.other, user);
        let key = ReadKey::Visitors(self.other.clone());
        self.read.insert(key, visitors.revision);
        visitors.count as u64
    }

    /// What is known of an identity that the user is to be served under.
    pub(super) fn serving_identity(
        &mut self,
        identity: &McServiceId,
        user: &McServiceId,
    ) -> ServingIdentityFacts {
        let alias = FunctionalAlias::from(identity.uri().clone());
        let served = self.lookup.served_as(identity, user);
        let key = ReadKey::ServedAs(identity.clone());
        self.read.insert(key, served.revision);
        let home = self.home(identity.uri());
        let group = GroupId::from(identity.uri().clone());
        let is_group = self.own_group(&group, home.as_ref()).is_some();
        ServingIdentityFacts {
            registered: self.is_registered(identity)
                || self.is_held(&alias)
                || served.taken
                || is_group,
            home,
        }
    }
}
