//! One name, one thing: identities, functional aliases, groups and what we call our visitors share one space of URIs.
//!
//! Two users with one identity are refused by the store itself, whoever writes at the same moment.

use crate::app::error::Invalid;
use crate::decision::facts::Lookup;
use crate::domain::document::Document;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McUri;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::user::User;

/// Every name in a document that is another thing's in the registry, with its place.
pub(in crate::app) fn taken(registry: &impl Lookup, document: &Document) -> Vec<Invalid> {
    if let Document::User(user) = document {
        of_user(registry, user)
    } else if let Document::Group(found) = document {
        let uri = found.id.uri();
        let holders = [
            user(registry, uri),
            alias(registry, uri, None),
            visitor(registry, uri),
        ];
        at("/id", holders)
    } else if let Document::Migration(migration) = document
        && let Some(identity) = &migration.serving_mc_service_id
    {
        let uri = identity.uri();
        let holders = [
            user(registry, uri),
            alias(registry, uri, None),
            group(registry, uri),
        ];
        at("/serving_mc_service_id", holders)
    } else {
        Vec::new()
    }
}

fn of_user(registry: &impl Lookup, person: &User) -> Vec<Invalid> {
    let mut problems = Vec::new();
    for (service, identity) in person.identities.iter() {
        let uri = identity.uri();
        let holders = [
            alias(registry, uri, Some(&person.id)),
            group(registry, uri),
            visitor(registry, uri),
        ];
        problems.extend(at(&format!("/identities/{service}"), holders));
    }
    for (number, name) in person.functional_aliases.iter().enumerate() {
        let uri = name.uri();
        let holders = [
            user(registry, uri).filter(|_| !is_own(person, uri)),
            group(registry, uri),
            visitor(registry, uri),
        ];
        problems.extend(at(&format!("/functional_aliases/{number}"), holders));
    }
    problems
}

fn at(pointer: &str, holders: [Option<String>; 3]) -> Vec<Invalid> {
    let holders = holders.into_iter().flatten();
    holders.map(|holder| Invalid::at(pointer, holder)).collect()
}

fn is_own(person: &User, uri: &McUri) -> bool {
    person.identities.iter().any(|(_, own)| own.uri() == uri)
}

fn user(registry: &impl Lookup, uri: &McUri) -> Option<String> {
    let holder = registry.person(&McServiceId::from(uri.clone()))?;
    Some(format!("`{uri}` is an identity of the user `{holder}`"))
}

fn alias(registry: &impl Lookup, uri: &McUri, except: Option<&DocumentId>) -> Option<String> {
    let holder = registry.alias_holder(&FunctionalAlias::from(uri.clone()))?;
    (except != Some(&holder)).then(|| format!("`{uri}` is a functional alias of `{holder}`"))
}

fn group(registry: &impl Lookup, uri: &McUri) -> Option<String> {
    let id = GroupId::from(uri.clone()).as_str().parse().ok()?;
    let kind = DocumentKind::Group;
    registry.document(&DocumentKey { kind, id })?;
    Some(format!("`{uri}` is a group"))
}

fn visitor(registry: &impl Lookup, uri: &McUri) -> Option<String> {
    let identity = McServiceId::from(uri.clone());
    // Nobody is left out: no visitor is served under their own identity.
    let served = registry.served_as(&identity, &identity);
    served
        .taken
        .then(|| format!("`{uri}` is what we call a visitor"))
}
