//! The query to the access bundle: may this user answer this item?

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::Request;
use cedar_policy::RestrictedExpression;

use crate::app::permission::uid;
use crate::app::reviewer::is_same;
use crate::decision::engine::Engine;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKey;
use crate::domain::request::InterSystemRequest;
use crate::domain::role::Role;
use crate::domain::user::User;

/// Whether a user may answer items of these categories; none where it cannot be asked.
pub(super) fn respond(
    engine: &Engine,
    (user, key, local): (&User, &DocumentKey, &McSystemId),
    (request, categories, escalated_to): (&InterSystemRequest, &[String], &BTreeSet<Role>),
) -> Option<(Request, Entities)> {
    let bundle = engine.bundle();
    let reviewer = Entity::new(
        uid("ACCESS::Reviewer", key.id.as_str())?,
        reviewer_attributes(user, local),
        HashSet::new(),
    )
    .ok()?;
    let item = Entity::new(
        // One at a time is asked about, so it needs no name of its own.
        uid("ACCESS::Item", "this")?,
        item_attributes(request, categories),
        HashSet::new(),
    )
    .ok()?;
    let escalated_to = escalated_to.iter().map(Role::as_str);
    let context = [
        (
            "is_addressee".to_owned(),
            RestrictedExpression::new_bool(is_addressee(user, request)),
        ),
        ("escalated_to".to_owned(), texts(escalated_to)),
    ];
    let asked = Request::new(
        reviewer.uid(),
        uid("ACCESS::Action", "respond")?,
        item.uid(),
        Context::from_pairs(context).ok()?,
        bundle.schema(),
    )
    .ok()?;
    let entities = bundle.action_entities().iter().cloned();
    let entities = Entities::from_entities(entities.chain([reviewer, item]), None).ok()?;
    Some((asked, entities))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn texts<'t>(values: impl Iterator<Item = &'t str>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.map(text))
}

fn reviewer_attributes(user: &User, local: &McSystemId) -> HashMap<String, RestrictedExpression> {
    let identities = user
        .identities
        .iter()
        .map(|(_, identity)| identity.as_str());
    let aliases = user.functional_aliases.iter().map(FunctionalAlias::as_str);
    let operations = user.acm_operations.iter().map(|it| it.as_str());
    let organisation = user.organisation.as_deref();
    [
        ("home", Some(text(local.as_str()))),
        ("roles", Some(texts(user.roles.iter().map(Role::as_str)))),
        ("organisation", organisation.map(text)),
        ("identities", Some(texts(identities))),
        ("functional_aliases", Some(texts(aliases))),
        ("acm_operations", Some(texts(operations))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn item_attributes(
    request: &InterSystemRequest,
    categories: &[String],
) -> HashMap<String, RestrictedExpression> {
    let elements = request.body.elements();
    let target = elements.target();
    let addressed_user = target.and_then(|target| target.mc_service_id.as_ref());
    let addressed_alias = target.and_then(|target| target.functional_alias.as_ref());
    let organisation = elements
        .requester()
        .and_then(|it| it.organisation.as_deref());
    [
        ("operation", Some(text(request.body.operation().as_str()))),
        ("direction", Some(text(request.direction.as_str()))),
        ("urgency", Some(text(request.urgency.as_str()))),
        (
            "categories",
            Some(texts(categories.iter().map(String::as_str))),
        ),
        (
            "requesting_system",
            Some(text(request.requesting_system.as_str())),
        ),
        (
            "receiving_system",
            Some(text(request.receiving_system.as_str())),
        ),
        ("asserted_organisation", organisation.map(text)),
        (
            "addressed_user",
            addressed_user.map(|user| text(user.as_str())),
        ),
        (
            "addressed_functional_alias",
            addressed_alias.map(|alias| text(alias.as_str())),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// Whether the request is addressed to this user, by an identity or by an alias that they may hold.
pub(in crate::app) fn is_addressee(user: &User, request: &InterSystemRequest) -> bool {
    let Some(target) = request.body.elements().target() else {
        return false;
    };
    let person = target.mc_service_id.as_ref().map(McServiceId::uri);
    let alias = target.functional_alias.as_ref().map(FunctionalAlias::uri);
    let mut identities = user.identities.iter();
    identities.any(|(_, own)| person.is_some_and(|it| is_same(it, own.uri())))
        || user
            .functional_aliases
            .iter()
            .any(|own| alias.is_some_and(|it| is_same(it, own.uri())))
}
