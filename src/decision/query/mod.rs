//! From a request and its facts to Cedar queries: one for each member, each service, or the one thing asked.
//!
//! What the items share is built once; `docs/model.md` lists principal, action, resource and context.

mod context;
mod item;
mod migration;

use std::ops::Range;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::Request;
use cedar_policy::Schema;

use crate::decision::entities::EntitySet;
use crate::decision::entities::KnownEntities;
use crate::decision::entities::Members;
use crate::decision::entities::QueryError;
use crate::decision::entities::Vocabulary;
use crate::decision::facts::Facts;
use crate::decision::facts::ListedGroupFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::reason::ReasonCode;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::Principal;
use crate::domain::request::elements::Resource;
use crate::domain::time::Timestamp;
use crate::policy::bundle::Bundle;

pub(crate) use item::is_reducing;
pub use item::item;
pub use item::item_count;
pub use item::items;
pub(crate) use item::service_word;
pub(crate) use item::serving_system;

/// Up to so many subjects are entities of the shared part, so that a small request is built at one go.
const SHARED_SUBJECTS_MAX: usize = 64;

/// A request made ready: all that its items share.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(crate) request: &'a InterSystemRequest,
    pub(crate) facts: &'a Facts,
    pub(crate) now: Timestamp,
    readiness: Readiness<'a>,
}

/// Whether there is anything to ask the engine.
#[derive(Debug)]
enum Readiness<'a> {
    Ready(Box<Shared<'a>>),
    /// Something that every item needs cannot be told.
    Refused(ReasonCode),
    /// The shared part cannot be built.
    Failed(String),
}

#[derive(Debug)]
struct Shared<'a> {
    entities: Entities,
    schema: &'a Schema,
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    /// What each item asks for, where that is not the same for all; an item without one cannot be asked about.
    item_resources: Option<Vec<Option<EntityUid>>>,
    context: Members,
}

/// What there is to do for an item.
#[derive(Debug)]
pub enum Query {
    /// Ask the engine.
    Ask(Box<Request>),
    /// Refuse without asking.
    Refused(ReasonCode),
    /// Refuse because the query cannot be made.
    Failed(String),
}

/// Queries of some items, and the entities that they share.
#[derive(Debug)]
pub struct Queries {
    /// All that the queries speak of, with all ancestors.
    pub entities: Entities,
    /// Each item's number and query.
    pub queries: Vec<(usize, Query)>,
}

impl<'a> Prepared<'a> {
    /// Builds what the items of a request share.
    pub fn new(
        bundle: &'a Bundle,
        request: &'a InterSystemRequest,
        facts: &'a Facts,
        now: Timestamp,
    ) -> Self {
        Self::knowing(None, (bundle, request), facts, now)
    }

    /// The same, from entities that were built before.
    pub(crate) fn knowing(
        known: Option<&KnownEntities>,
        (bundle, request): (&'a Bundle, &'a InterSystemRequest),
        facts: &'a Facts,
        now: Timestamp,
    ) -> Self {
        let readiness = match unresolvable(request, facts) {
            Some(reason) => Readiness::Refused(reason),
            None => match Shared::new(known, (bundle, request), facts, now) {
                Ok(shared) => Readiness::Ready(Box::new(shared)),
                Err(error) => Readiness::Failed(error.to_string()),
            },
        };
        Self {
            request,
            facts,
            now,
            readiness,
        }
    }

    /// How many items there are.
    pub fn item_count(&self) -> usize {
        item_count(self.request, self.facts)
    }

    /// What is known about whom an item concerns.
    pub(crate) fn person(&self, number: usize) -> Option<&'a PersonFacts> {
        item::person(self.request, self.facts, number)
    }

    /// The queries of the items in a range.
    pub fn queries(&self, range: Range<usize>) -> Queries {
        let range = range.start..range.end.min(self.item_count());
        match &self.readiness {
            Readiness::Refused(reason) => Queries::all(range, || Query::Refused(*reason)),
            Readiness::Failed(message) => Queries::all(range, || Query::Failed(message.clone())),
            Readiness::Ready(shared) => match self.entities(shared, range.clone()) {
                Ok(entities) => Queries {
                    entities,
                    queries: range
                        .map(|number| (number, self.query(shared, number)))
                        .collect(),
                },
                Err(error) => Queries::all(range, || Query::Failed(error.to_string())),
            },
        }
    }

    fn entities(&self, shared: &Shared<'_>, range: Range<usize>) -> Result<Entities, QueryError> {
        let entities = shared.entities.clone();
        if self.request.body.elements().listed() <= SHARED_SUBJECTS_MAX {
            return Ok(entities);
        }
        let mut set = EntitySet::new(Vocabulary::get()?);
        add_listed(&mut set, self.request, self.facts, range)?;
        let added: Vec<_> = set
            .into_entities()
            .filter(|entity| entities.get(&entity.uid()).is_none())
            .collect();
        Ok(entities.add_entities(added, None)?)
    }

    fn query(&self, shared: &Shared<'_>, number: usize) -> Query {
        let person = self.person(number);
        let is_about_somebody =
            self.request.body.elements().principal() != Principal::RequestingSystem;
        if is_about_somebody && person.is_none_or(|person| person.home.is_none()) {
            return Query::Refused(ReasonCode::SubjectUnresolvable);
        }
        if shared.resource_of(number).is_none() {
            return Query::Refused(ReasonCode::GroupUnresolvable);
        }
        match self.ask(shared, number) {
            Ok(request) => Query::Ask(Box::new(request)),
            Err(error) => Query::Failed(error.to_string()),
        }
    }

    fn ask(&self, shared: &Shared<'_>, number: usize) -> Result<Request, QueryError> {
        let item = item(self.request, self.facts, number).ok_or(QueryError::NoItem(number))?;
        let mut context = shared.context.clone();
        context::of_item(&mut context, self, &item, number)?;
        let resource = shared.resource_of(number);
        let resource = resource.ok_or(QueryError::NoItem(number))?;
        Ok(Request::new(
            shared.principal.clone(),
            shared.action.clone(),
            resource.clone(),
            Context::from_pairs(context)?,
            Some(shared.schema),
        )?)
    }
}

impl Queries {
    fn all(range: Range<usize>, query: impl Fn() -> Query) -> Self {
        Self {
            entities: Entities::empty(),
            queries: range.map(|number| (number, query())).collect(),
        }
    }
}

impl<'a> Shared<'a> {
    fn resource_of(&self, number: usize) -> Option<&EntityUid> {
        match &self.item_resources {
            Some(resources) => resources.get(number)?.as_ref(),
            None => Some(&self.resource),
        }
    }

    fn new(
        known: Option<&KnownEntities>,
        (bundle, request): (&'a Bundle, &InterSystemRequest),
        facts: &Facts,
        now: Timestamp,
    ) -> Result<Self, QueryError> {
        let schema = bundle.schema().ok_or(QueryError::NoSchema)?;
        let vocabulary = Vocabulary::get()?;
        let mut set = EntitySet::knowing(vocabulary, known);
        let principal = add_principal(&mut set, request, facts)?;
        let resource = add_resource(&mut set, request, facts)?;
        let item_resources = match request.body.elements().division() {
            Division::Candidates => Some(add_candidates(&mut set, facts)?),
            Division::Whole
            | Division::Users
            | Division::Services(_)
            | Division::Groups(_)
            | Division::Kinds(_) => add_listed_groups(&mut set, request, facts)?,
        };
        let listed = request.body.elements().listed();
        if listed <= SHARED_SUBJECTS_MAX {
            add_listed(&mut set, request, facts, 0..listed)?;
        }
        let context = context::shared(&mut set, request, facts, now)?;
        let action = vocabulary.action(request.body.elements().action());
        Ok(Self {
            entities: bundle
                .entities_of_action(&action)
                .clone()
                .add_entities(set.into_entities(), None)?,
            schema,
            principal,
            action,
            resource,
            item_resources,
            context,
        })
    }
}

/// Why no item of the request can be asked about, if so.
fn unresolvable(request: &InterSystemRequest, facts: &Facts) -> Option<ReasonCode> {
    let operation = request.body.operation();
    if !operation.directions().contains(&request.direction) {
        return Some(ReasonCode::DirectionUnknown);
    }
    let elements = request.body.elements();
    let has_home = |person: Option<&PersonFacts>| person.is_some_and(|it| it.home.is_some());
    if elements.requester().is_some() && !has_home(facts.requester.as_ref()) {
        return Some(ReasonCode::RequesterUnresolvable);
    }
    if elements.subject().is_some() && !has_home(facts.subjects.first()) {
        return Some(ReasonCode::SubjectUnresolvable);
    }
    match elements.resource() {
        Resource::Group(_) if facts.shared.group_home.is_none() => {
            Some(ReasonCode::GroupUnresolvable)
        }
        Resource::User(_) if !has_home(facts.resource.as_ref()) => {
            Some(ReasonCode::ResourceUnresolvable)
        }
        Resource::Group(_)
        | Resource::User(_)
        | Resource::ReceivingSystem
        | Resource::ServingSystem => None,
    }
}

fn add_principal(
    set: &mut EntitySet<'_>,
    request: &InterSystemRequest,
    facts: &Facts,
) -> Result<EntityUid, QueryError> {
    match request.body.elements().principal() {
        Principal::RequestingSystem => Ok(set.add_system(&request.requesting_system)),
        Principal::User(user) => {
            let person = facts.requester.as_ref().or(facts.subjects.first());
            let person = person.ok_or(QueryError::NoItem(0))?;
            add_person(set, user, person)?.ok_or(QueryError::NoItem(0))
        }
    }
}

fn add_resource(
    set: &mut EntitySet<'_>,
    request: &InterSystemRequest,
    facts: &Facts,
) -> Result<EntityUid, QueryError> {
    match request.body.elements().resource() {
        Resource::Group(id) => {
            let home = facts.shared.group_home.as_ref();
            let home = home.ok_or(QueryError::NoItem(0))?;
            let group = facts.shared.group.as_ref().map(|group| &group.value);
            set.add_group(id, home, group)
        }
        Resource::User(id) => {
            let person = facts.resource.as_ref().ok_or(QueryError::NoItem(0))?;
            add_person(set, id, person)?.ok_or(QueryError::NoItem(0))
        }
        Resource::ServingSystem => {
            Ok(set.add_system(serving_system(request).unwrap_or(&request.receiving_system)))
        }
        Resource::ReceivingSystem => Ok(set.add_system(&request.receiving_system)),
    }
}

/// The listed groups, where the request is decided group by group.
fn add_listed_groups(
    set: &mut EntitySet<'_>,
    request: &InterSystemRequest,
    facts: &Facts,
) -> Result<Option<Vec<Option<EntityUid>>>, QueryError> {
    let groups = request.body.elements().groups();
    if groups.is_empty() {
        return Ok(None);
    }
    let add = |(id, known): (&GroupId, &ListedGroupFacts)| {
        let group = known.group.as_ref().map(|group| &group.value);
        let home = known.home.as_ref();
        home.map(|home| set.add_group(id, home, group)).transpose()
    };
    let added: Result<Vec<_>, _> = groups.iter().zip(&facts.groups).map(add).collect();
    added.map(Some)
}

/// The systems to which the user might migrate, each with its agreement.
fn add_candidates(
    set: &mut EntitySet<'_>,
    facts: &Facts,
) -> Result<Vec<Option<EntityUid>>, QueryError> {
    let candidates = facts.candidates.iter().map(|candidate| {
        if let Some(agreement) = &candidate.agreement {
            set.add_agreement(&agreement.value)?;
        }
        Ok(Some(set.add_system(&candidate.system)))
    });
    candidates.collect()
}

/// The listed users in a range.
fn add_listed(
    set: &mut EntitySet<'_>,
    request: &InterSystemRequest,
    facts: &Facts,
    range: Range<usize>,
) -> Result<(), QueryError> {
    let elements = request.body.elements();
    for number in range {
        if let (Some(id), Some(person)) =
            (elements.listed_subject(number), facts.subjects.get(number))
        {
            add_person(set, id, person)?;
        }
    }
    Ok(())
}

/// A person without a home is no entity: no query may speak of them.
fn add_person(
    set: &mut EntitySet<'_>,
    id: &McServiceId,
    person: &PersonFacts,
) -> Result<Option<EntityUid>, QueryError> {
    match &person.home {
        Some(home) => Ok(Some(set.add_user(id, home, person)?)),
        None => Ok(None),
    }
}
