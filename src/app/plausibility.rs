//! What a registry document says that cannot be, whatever else the registry holds.

use crate::app::error::Invalid;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::user::User;

/// Every contradiction in a document, each with its place.
pub fn check_document(local: &McSystemId, document: &Document) -> Vec<Invalid> {
    match document {
        Document::Agreement(agreement) => check_agreement(local, agreement),
        Document::User(user) => check_user(local, user),
        Document::Group(group) => check_group(local, group),
        Document::MigratedProfile(profile) => check_profile(local, profile),
        Document::Link(link) if link.system == *local => {
            vec![Invalid::at("/system", "a link is with another system")]
        }
        Document::System(_) | Document::Link(_) => Vec::new(),
        Document::UeConfiguration(_) => {
            let detail =
                "pushed configuration is written by the decision that accepts it, never by hand";
            vec![Invalid::at("", detail)]
        }
    }
}

fn check_agreement(local: &McSystemId, agreement: &Agreement) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if agreement.partner == *local {
        let detail = format!("`{local}` is this system; an agreement is with another");
        problems.push(Invalid::at("/partner", detail));
    }
    if !agreement.areas.is_empty() {
        let detail = "areas are not looked at yet; an agreement that relies on them would grant more than it says";
        problems.push(Invalid::at("/areas", detail));
    }
    if agreement
        .valid_until
        .is_some_and(|until| until <= agreement.valid_from)
    {
        problems.push(Invalid::at(
            "/valid_until",
            "the agreement ends before it begins",
        ));
    }
    problems
}

fn check_user(local: &McSystemId, user: &User) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if user.identities.iter().next().is_none() {
        problems.push(Invalid::at(
            "/identities",
            "a user has at least one MC service ID",
        ));
    }
    for (service, id) in user.identities.iter() {
        if let Some(detail) = foreign(local, id) {
            problems.push(Invalid::at(format!("/identities/{service}"), detail));
        }
    }
    if let Some(twice) = repeated(user.partners.iter().map(|partner| partner.system.as_str())) {
        problems.push(Invalid::at(
            "/partners",
            format!("`{twice}` is listed twice"),
        ));
    }
    problems
}

fn check_group(local: &McSystemId, group: &Group) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if group.id.uri().domain() != Some(local) {
        let detail = format!("the group is not defined in `{local}`");
        problems.push(Invalid::at("/id", detail));
    }
    if let Some(twice) = repeated(group.partners.iter().map(|partner| partner.system.as_str())) {
        problems.push(Invalid::at(
            "/partners",
            format!("`{twice}` is listed twice"),
        ));
    }
    problems
}

fn check_profile(local: &McSystemId, profile: &MigratedUserProfile) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if profile.home_system == *local {
        problems.push(Invalid::at(
            "/home_system",
            "our own users do not migrate to us",
        ));
    }
    let home = profile.user.as_ref().and_then(|user| user.uri().domain());
    if home.is_some_and(|home| *home != profile.home_system) {
        let detail = "the user's home is not the profile's home system";
        problems.push(Invalid::at("/user", detail));
    }
    problems
}

fn foreign(local: &McSystemId, id: &McServiceId) -> Option<String> {
    match id.uri().domain() {
        Some(domain) if domain != local => {
            Some(format!("`{id}` is home in `{domain}`, not in `{local}`"))
        }
        Some(_) | None => None,
    }
}

fn repeated<'a>(words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    words.into_iter().find(|word| !seen.insert(*word))
}
