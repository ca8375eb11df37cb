//! Gathering: which look-ups a request needs, and that each of them is remembered.

mod binding;
mod joint_group;
mod migration;
mod register;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decision::facts::Facts;
use crate::decision::facts::GroupFacts;
use crate::decision::facts::ListedGroupFacts;
use crate::decision::facts::Lookup;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::ProfileFacts;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ReadSet;
use crate::decision::facts::SharedFacts;
use crate::decision::facts::calls::Party;
use crate::decision::query::serving_system;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::AgreementStatus;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::identity::McUri;
use crate::domain::link::Link;
use crate::domain::membership::Membership;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::request::CooperationChange;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Resource;
use crate::domain::scheduled_change::ScheduledChange;
use crate::domain::shared_group::GroupOverride;
use crate::domain::time::Timestamp;
use crate::domain::ue_configuration::StoredUeConfiguration;

/// Gathers what a request depends on, and what was read to know it.
///
/// The read set's generation is left at zero for the caller to fill in.
pub fn gather(
    local: &McSystemId,
    request: &InterSystemRequest,
    lookup: &dyn Lookup,
    now: Timestamp,
) -> (Facts, ReadSet) {
    let mut gatherer = Gatherer {
        local,
        other: other_system(request),
        direction: request.direction,
        lookup,
        now,
        read: BTreeMap::new(),
    };
    let facts = gatherer.facts(request);
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

pub(super) struct Gatherer<'a> {
    pub(super) local: &'a McSystemId,
    pub(super) other: &'a McSystemId,
    pub(super) direction: Direction,
    lookup: &'a dyn Lookup,
    /// How old a fix is, and whether a membership holds, is told by it; what else documents say of time is judged later.
    pub(super) now: Timestamp,
    read: BTreeMap<ReadKey, Option<Revision>>,
}

/// A group document that was found, whole, to look members up in.
type FoundGroup = Option<Arc<Document>>;

impl Gatherer<'_> {
    fn facts(&mut self, request: &InterSystemRequest) -> Facts {
        let elements = request.body.elements();
        let (mut shared, group) = match elements.resource() {
            Resource::Group(group) => self.shared_with_group(group),
            Resource::User(_) | Resource::ReceivingSystem | Resource::ServingSystem => {
                (self.shared(), None)
            }
        };
        let requester = elements.requester();
        let mut requester = requester.map(|requester| self.requester(requester));
        if let Some(requester) = &mut requester
            && elements.needs_to_know(Need::Location)
        {
            requester.location = self.located(elements);
        }
        let mut subjects = self.subjects(request, &group);
        let mut resource = match elements.resource() {
            Resource::User(user) => Some(self.person(user)),
            Resource::Group(_) | Resource::ReceivingSystem | Resource::ServingSystem => None,
        };
        if elements.needs_to_know(Need::Calls)
            && let (Some(caller), Resource::User(asked)) = (elements.subject(), elements.resource())
            && let (Some(caller_facts), Some(asked_facts)) =
                (subjects.first_mut(), resource.as_mut())
        {
            let mut caller = Party {
                id: caller,
                person: caller_facts,
            };
            let mut asked = Party {
                id: asked,
                person: asked_facts,
            };
            self.calls(request.direction, &mut caller, &mut asked);
        }
        let home = subjects.first().and_then(|user| user.home.clone());
        for need in elements.needs() {
            self.shared_need(&mut shared, *need, request, home.as_ref());
        }
        Facts {
            shared,
            requester,
            subjects,
            resource,
            groups: elements
                .groups()
                .iter()
                .map(|group| self.listed_group(group))
                .collect(),
            candidates: self.candidates(elements),
        }
    }

    fn subjects(&mut self, request: &InterSystemRequest, group: &FoundGroup) -> Vec<PersonFacts> {
        let elements = request.body.elements();
        let listed = (0..elements.listed()).filter_map(|number| elements.listed_subject(number));
        listed
            .chain(elements.subject())
            .map(|user| {
                let mut person = self.member(user, group);
                if elements.is_reducing() {
                    // Whatever could bring a user back into the group is there to be taken away.
                    person.is_member |= person.membership.is_some();
                }
                if elements.division() == Division::Candidates {
                    person.grants = self.grants(user);
                }
                for need in elements.needs() {
                    self.personal_need(&mut person, *need, user, request);
                }
                person
            })
            .collect()
    }

    fn personal_need(
        &mut self,
        person: &mut PersonFacts,
        need: Need,
        user: &McServiceId,
        request: &InterSystemRequest,
    ) {
        let elements = request.body.elements();
        match (need, person.home.clone()) {
            (Need::MigratedProfile, Some(home)) => {
                person.migrated_profile = self.migrated_profile(user, &home);
            }
            (Need::CurrentSystem, _) => person.current = self.current(user, request),
            (Need::OpenDeletion, _) => person.deletion = self.deletion(person, elements.group()),
            (Need::ServingIdentity, _) => {
                let identity = elements.serving_identity();
                person.serving_identity =
                    identity.map(|identity| self.serving_identity(identity, user));
            }
            (Need::Register, _) => person.register = self.register(user, elements),
            (Need::HomeRefusal, _) if self.direction == Direction::Inbound => {
                person.home_refusals = self.home_refusals(user, elements);
            }
            (Need::Access, _) => person.access = self.access(user, request),
            (Need::Binding, home) => {
                person.binding = Some(self.binding(user, home.as_ref(), request));
            }
            (Need::Listing, _) => person.listing = self.listing(user, request),
            (Need::TokenUse, _) => person.token_use = self.token_use(user, request),
            (Need::Location, _) if elements.requester().is_none() => {
                person.location = self.located(elements);
            }
            (Need::LinkFailureProfile, Some(home)) => {
                person.migrated_profile = self.link_failure_profile(user, &home);
            }
            (
                Need::MigratedProfile
                | Need::LinkFailureProfile
                | Need::Location
                | Need::Credential
                | Need::HomeRefusal
                | Need::Subject
                | Need::Membership
                | Need::Grant
                | Need::GroupPartner
                | Need::HomeAgreement
                | Need::ServingAgreement
                | Need::Link
                | Need::Configuration
                | Need::Target
                | Need::Calls
                | Need::JointGroup
                | Need::GroupOverride
                | Need::Visitors,
                _,
            ) => {}
        }
    }

    fn shared_need(
        &mut self,
        shared: &mut SharedFacts,
        need: Need,
        request: &InterSystemRequest,
        subject_home: Option<&McSystemId>,
    ) {
        match need {
            Need::HomeAgreement => {
                let elsewhere = subject_home.filter(|home| *home != self.local);
                shared.home_agreement = elsewhere.and_then(|home| self.agreement(home));
            }
            Need::ServingAgreement => {
                let serving = serving_system(request).filter(|system| *system != self.local);
                shared.serving_agreement = serving.and_then(|system| self.agreement(system));
            }
            Need::Link => shared.link = self.link(),
            Need::Configuration => {
                let provider = request.body.push().map(|push| &push.mc_system_id);
                shared.configuration =
                    provider.and_then(|provider| self.stored_configuration(provider));
            }
            Need::Target => {
                let target = request.body.elements().target();
                shared.target = target.map(|target| self.target(target));
            }
            Need::Visitors if self.direction == Direction::Inbound => {
                let user = request.body.elements().subject();
                shared.migrated_count = user.map(|user| self.migrated_count(user));
            }
            Need::GroupOverride if self.direction == Direction::Inbound => {
                let group = request.body.elements().group();
                shared.group_override = group.and_then(|group| self.group_override(group));
            }
            Need::Credential => shared.credential_key = self.credential_key(request),
            Need::JointGroup => shared.joint_group = self.joint_group(request),
            Need::Visitors
            | Need::GroupOverride
            | Need::Binding
            | Need::TokenUse
            | Need::Register
            | Need::Access
            | Need::HomeRefusal
            | Need::Listing
            | Need::Location
            | Need::LinkFailureProfile
            | Need::CurrentSystem
            | Need::OpenDeletion
            | Need::ServingIdentity
            | Need::Subject
            | Need::Membership
            | Need::Grant
            | Need::GroupPartner
            | Need::Calls
            | Need::MigratedProfile => {}
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
            group_override: None,
            credential_key: None,
            joint_group: None,
        }
    }

    fn shared_with_group(&mut self, id: &GroupId) -> (SharedFacts, FoundGroup) {
        let mut shared = self.shared();
        shared.group_home = self.home(id.uri());
        let found = self.own_group(id, shared.group_home.as_ref());
        shared.group = found.as_ref().and_then(|found| self.group_facts(found));
        (shared, found.map(|found| found.value))
    }

    fn listed_group(&mut self, id: &GroupId) -> ListedGroupFacts {
        let home = self.home(id.uri());
        let found = self.own_group(id, home.as_ref());
        ListedGroupFacts {
            group: found.and_then(|found| self.group_facts(&found)),
            home,
        }
    }

    /// The document of a group that is defined here.
    pub(super) fn own_group(
        &mut self,
        id: &GroupId,
        home: Option<&McSystemId>,
    ) -> Option<Versioned<Arc<Document>>> {
        (home == Some(self.local))
            .then(|| self.document(DocumentKind::Group, id.as_str()))
            .flatten()
    }

    fn group_facts(&self, found: &Versioned<Arc<Document>>) -> Option<Versioned<GroupFacts>> {
        let Document::Group(group) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: GroupFacts::new(group, self.other),
        })
    }

    fn member(&mut self, id: &McServiceId, group: &FoundGroup) -> PersonFacts {
        let mut person = self.person(id);
        if let (Some(Document::Group(group)), Some(home)) = (group.as_deref(), &person.home) {
            person.membership = self.membership(group, id, home);
            let granted = person.membership.as_ref();
            let is_granted = granted.is_some_and(|found| found.value.holds(self.now));
            person.is_member = is_member(group, id, home, self.local)
                || (is_granted && group.partner(home).is_some());
        }
        person
    }

    /// That a user of a partner was made a member by an update. It counts as long as the partner is on the group's list.
    pub(super) fn membership(
        &mut self,
        group: &Group,
        member: &McServiceId,
        home: &McSystemId,
    ) -> Option<Versioned<Membership>> {
        if home == self.local {
            return None;
        }
        let id = Membership::id(&group.id, member).ok()?;
        let found = self.document(DocumentKind::Membership, id.as_str())?;
        let Document::Membership(membership) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: membership.clone(),
        })
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
            value: ProfileFacts::new(user, id, self.other),
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

    pub(super) fn home(&mut self, uri: &McUri) -> Option<McSystemId> {
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

    pub(super) fn agreement(&mut self, partner: &McSystemId) -> Option<Versioned<Agreement>> {
        let found = self.document(DocumentKind::Agreement, partner.as_str())?;
        let Document::Agreement(agreement) = found.value.as_ref() else {
            return None;
        };
        let mut agreement = of_agreement(agreement);
        if let Some(status) = self.interruption_due(partner) {
            agreement.status = status;
        }
        Some(Versioned {
            revision: found.revision,
            value: agreement,
        })
    }

    /// What an interruption that was granted for a moment that has come makes of an agreement, even where no entry of the
    /// log says so yet.
    fn interruption_due(&mut self, partner: &McSystemId) -> Option<AgreementStatus> {
        let interruptions = [CooperationChange::End, CooperationChange::Suspend];
        interruptions.into_iter().find_map(|change| {
            let id = ScheduledChange::id(partner, change).ok()?;
            let found = self.document(DocumentKind::ScheduledChange, id.as_str())?;
            let scheduled = found.value.scheduled_change()?;
            (scheduled.effective_at <= self.now).then_some(scheduled.status)
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

    fn group_override(&mut self, group: &GroupId) -> Option<Versioned<GroupOverride>> {
        let found = self.document(DocumentKind::GroupOverride, group.as_str())?;
        let Document::GroupOverride(local) = found.value.as_ref() else {
            return None;
        };
        Some(Versioned {
            revision: found.revision,
            value: local.clone(),
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
            value: stored.stored(),
        })
    }

    /// Reads a document and remembers it, or that it was not there.
    pub(super) fn document(
        &mut self,
        kind: DocumentKind,
        id: &str,
    ) -> Option<Versioned<Arc<Document>>> {
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

/// Whether the list that a group keeps for a user's home has the user.
pub(super) fn is_member(
    group: &Group,
    id: &McServiceId,
    home: &McSystemId,
    local: &McSystemId,
) -> bool {
    if home == local {
        group.members.contains(id)
    } else {
        group
            .partner(home)
            .is_some_and(|partner| partner.members.contains(id))
    }
}

/// What decisions read of an agreement: whom to ask about it may name a person, and where servers are decides nothing.
pub fn of_agreement(agreement: &Agreement) -> Agreement {
    let mut agreement = agreement.clone();
    agreement.review_contact = None;
    agreement.addresses = Vec::new();
    agreement
}
