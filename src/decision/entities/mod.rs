//! Facts as Cedar entities of the `MCX` schema.
//!
//! Every system, organisation and group tag that a fact names is an entity of its own, with all its
//! ancestors: a policy that asks for an ancestor which was not loaded would silently not apply.
//!
//! A system, organisation or tag that only a policy names needs no entity. It has neither attributes nor
//! ancestors, so Cedar answers alike with and without it, and a bundle may name thousands.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::Entity;
use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::RestrictedExpression;

use crate::decision::facts::GroupFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::ProfileFacts;
use crate::domain::agreement::Agreement;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::time::Timestamp;

mod agreement;
mod known;

pub use known::KnownEntities;

/// Why a query cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A name of the vocabulary is not one; a defect of this program.
    #[error("the vocabulary cannot be read")]
    Vocabulary,
    /// A value cannot be expressed.
    #[error("a value cannot be expressed: {0}")]
    Expression(Box<cedar_policy::ExpressionConstructionError>),
    /// An attribute cannot be evaluated.
    #[error("an attribute cannot be evaluated: {0}")]
    Attribute(Box<cedar_policy::EntityAttrEvaluationError>),
    /// The context cannot be made.
    #[error("the context cannot be made: {0}")]
    Context(Box<cedar_policy::ContextCreationError>),
    /// The entities contradict each other.
    #[error("the entities contradict each other: {0}")]
    Entities(Box<cedar_policy::entities_errors::EntitiesError>),
    /// The query does not fit the schema of the bundle.
    #[error("the query does not fit the schema: {0}")]
    Request(Box<cedar_policy::RequestValidationError>),
    /// The bundle has no schema, so nothing says what a query looks like.
    #[error("the bundle has no schema")]
    NoSchema,
    /// The request has no such item.
    #[error("the request has no item {0}")]
    NoItem(usize),
}

/// Cedar's errors are large, and rare.
macro_rules! boxed {
    ($($variant:ident: $error:ty,)+) => {
        $(impl From<$error> for QueryError {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })+
    };
}

boxed! {
    Expression: cedar_policy::ExpressionConstructionError,
    Attribute: cedar_policy::EntityAttrEvaluationError,
    Context: cedar_policy::ContextCreationError,
    Entities: cedar_policy::entities_errors::EntitiesError,
    Request: cedar_policy::RequestValidationError,
}

/// Attribute or context members, by name.
pub(crate) type Members = Vec<(String, RestrictedExpression)>;

/// The entity types and actions of the schema.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    system: EntityTypeName,
    organisation: EntityTypeName,
    group_tag: EntityTypeName,
    user: EntityTypeName,
    group: EntityTypeName,
    agreement: EntityTypeName,
    action: EntityTypeName,
}

static VOCABULARY: LazyLock<Option<Vocabulary>> = LazyLock::new(|| {
    let name = |name: &str| EntityTypeName::from_str(name).ok();
    Some(Vocabulary {
        system: name("MCX::System")?,
        organisation: name("MCX::Organisation")?,
        group_tag: name("MCX::GroupTag")?,
        user: name("MCX::User")?,
        group: name("MCX::Group")?,
        agreement: name("MCX::Agreement")?,
        action: name("MCX::Action")?,
    })
});

impl Vocabulary {
    /// The one vocabulary.
    pub(crate) fn get() -> Result<&'static Self, QueryError> {
        VOCABULARY.as_ref().ok_or(QueryError::Vocabulary)
    }

    pub(crate) fn system(&self, id: &McSystemId) -> EntityUid {
        uid(&self.system, id.as_str())
    }

    pub(crate) fn user(&self, id: &McServiceId) -> EntityUid {
        uid(&self.user, id.as_str())
    }

    pub(crate) fn group(&self, id: &GroupId) -> EntityUid {
        uid(&self.group, id.as_str())
    }

    pub(crate) fn agreement(&self, agreement: &Agreement) -> EntityUid {
        uid(&self.agreement, agreement.partner.as_str())
    }

    pub(crate) fn action(&self, name: &str) -> EntityUid {
        uid(&self.action, name)
    }
}

/// Entities under construction, each once.
#[derive(Debug)]
pub(crate) struct EntitySet<'k> {
    vocabulary: &'static Vocabulary,
    entities: BTreeMap<EntityUid, Entity>,
    known: Option<&'k KnownEntities>,
}

impl<'k> EntitySet<'k> {
    pub(crate) fn new(vocabulary: &'static Vocabulary) -> Self {
        Self::knowing(vocabulary, None)
    }

    /// The same, from what was built before.
    pub(crate) fn knowing(
        vocabulary: &'static Vocabulary,
        known: Option<&'k KnownEntities>,
    ) -> Self {
        Self {
            vocabulary,
            entities: BTreeMap::new(),
            known,
        }
    }

    pub(crate) fn into_entities(self) -> impl Iterator<Item = Entity> {
        self.entities.into_values()
    }

    /// An entity that is nothing but a name.
    pub(crate) fn add_name(&mut self, uid: EntityUid) -> EntityUid {
        if !self.entities.contains_key(&uid) {
            let entity = Entity::new_no_attrs(uid.clone(), HashSet::new());
            self.entities.insert(uid.clone(), entity);
        }
        uid
    }

    pub(crate) fn add_system(&mut self, id: &McSystemId) -> EntityUid {
        self.add_name(self.vocabulary.system(id))
    }

    /// A user with a known home.
    pub(crate) fn add_user(
        &mut self,
        id: &McServiceId,
        home: &McSystemId,
        person: &PersonFacts,
    ) -> Result<EntityUid, QueryError> {
        let home = self.add_system(home);
        let mut parents = HashSet::from([home.clone()]);
        let mut attributes = HashMap::from([("home".to_owned(), entity(&home))]);
        if let Some(profile) = &person.profile {
            let profile = &profile.value;
            if let Some(organisation) = &profile.organisation {
                let organisation = uid(&self.vocabulary.organisation, organisation);
                parents.insert(self.add_name(organisation));
            }
            attributes.insert("profile".to_owned(), record(profile_members(profile))?);
        }
        self.add(self.vocabulary.user(id), attributes, parents)
    }

    /// A group with a known home.
    pub(crate) fn add_group(
        &mut self,
        id: &GroupId,
        home: &McSystemId,
        group: Option<&GroupFacts>,
    ) -> Result<EntityUid, QueryError> {
        let home_uid = self.add_system(home);
        let mut parents = HashSet::from([home_uid.clone()]);
        let mut attributes = HashMap::from([("home".to_owned(), entity(&home_uid))]);
        let uid_of_group = self.vocabulary.group(id);
        let Some(group) = group else {
            return self.add(uid_of_group, attributes, parents);
        };
        for tag in &group.tags {
            let tag = uid(&self.vocabulary.group_tag, tag);
            parents.insert(self.add_name(tag));
        }
        let partners = group.partners.iter();
        let partners: Vec<EntityUid> = partners.map(|id| self.add_system(id)).collect();
        if let Some(built) = self.known.and_then(|known| known.group(id, home, group)) {
            self.entities.insert(uid_of_group.clone(), built);
            return Ok(uid_of_group);
        }
        let configuration = record(group_members(group, &partners))?;
        attributes.insert("configuration".to_owned(), configuration);
        let added = self.add(uid_of_group, attributes, parents)?;
        if let (Some(known), Some(built)) = (self.known, self.entities.get(&added)) {
            known.remember_group(id, (home, group), built);
        }
        Ok(added)
    }

    pub(crate) fn add_agreement(&mut self, agreement: &Agreement) -> Result<EntityUid, QueryError> {
        let partner = self.add_system(&agreement.partner);
        let uid = self.vocabulary.agreement(agreement);
        if let Some(built) = self.known.and_then(|known| known.agreement(agreement)) {
            self.entities.insert(uid.clone(), built);
            return Ok(uid);
        }
        let attributes = agreement::attributes(agreement, &partner)?;
        let added = self.add(uid, attributes.into_iter().collect(), HashSet::new())?;
        if let (Some(known), Some(built)) = (self.known, self.entities.get(&added)) {
            known.remember_agreement(agreement, built);
        }
        Ok(added)
    }

    fn add(
        &mut self,
        uid: EntityUid,
        attributes: HashMap<String, RestrictedExpression>,
        parents: HashSet<EntityUid>,
    ) -> Result<EntityUid, QueryError> {
        let entity = Entity::new(uid.clone(), attributes, parents)?;
        self.entities.insert(uid.clone(), entity);
        Ok(uid)
    }
}

fn profile_members(profile: &ProfileFacts) -> Members {
    let mut members = vec![
        member("enabled", boolean(profile.enabled)),
        member(
            "functional_aliases",
            strings(
                profile
                    .functional_aliases
                    .iter()
                    .map(FunctionalAlias::as_str),
            ),
        ),
        member(
            "services",
            strings(profile.services.iter().map(|it| it.as_str())),
        ),
        member(
            "acm_operations",
            strings(profile.acm_operations.iter().map(|it| it.as_str())),
        ),
    ];
    optional(
        &mut members,
        "organisation",
        profile.organisation.as_deref().map(string),
    );
    optional(
        &mut members,
        "kms_uri",
        profile.kms_uri.as_deref().map(string),
    );
    members
}

fn group_members(group: &GroupFacts, partners: &[EntityUid]) -> Members {
    let mut members = vec![
        member("enabled", boolean(group.enabled)),
        member("interconnection", boolean(group.interconnection)),
        member(
            "services",
            strings(group.services.iter().map(|it| it.as_str())),
        ),
        member("tags", strings(group.tags.iter().map(String::as_str))),
        member(
            "partners",
            RestrictedExpression::new_set(partners.iter().map(entity)),
        ),
    ];
    optional(
        &mut members,
        "organisation",
        group.organisation.as_deref().map(string),
    );
    optional(&mut members, "priority", group.priority.map(long));
    members
}

fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}

pub(crate) fn member(name: &str, value: RestrictedExpression) -> (String, RestrictedExpression) {
    (name.to_owned(), value)
}

/// Adds a member if there is a value for it; a missing fact stays missing.
pub(crate) fn optional(members: &mut Members, name: &str, value: Option<RestrictedExpression>) {
    if let Some(value) = value {
        members.push(member(name, value));
    }
}

pub(crate) fn boolean(value: bool) -> RestrictedExpression {
    RestrictedExpression::new_bool(value)
}

pub(crate) fn long(value: impl Into<i64>) -> RestrictedExpression {
    RestrictedExpression::new_long(value.into())
}

pub(crate) fn string(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

pub(crate) fn strings<'a>(values: impl Iterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.map(string))
}

pub(crate) fn entity(uid: &EntityUid) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid.clone())
}

pub(crate) fn moment(moment: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_datetime(moment.to_string())
}

pub(crate) fn record(members: Members) -> Result<RestrictedExpression, QueryError> {
    Ok(RestrictedExpression::new_record(members)?)
}
