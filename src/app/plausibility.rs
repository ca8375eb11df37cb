//! What a registry document says that cannot be, whatever else the registry holds but the table of numbers.

use std::collections::BTreeMap;

use crate::app::error::Invalid;
use crate::domain::access_grant::AccessGrant;
use crate::domain::agreement::Agreement;
use crate::domain::area::AreaMap;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::home_refusal::HomeRefusal;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::membership::Membership;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::migration::Migration;
use crate::domain::migration_user::MigrationUser;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::shared_group::GroupOverride;
use crate::domain::system::TelPrefix;
use crate::domain::user::User;

/// What a document is held against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// This system.
    pub local: &'a McSystemId,
    /// Whose the numbers are.
    pub numbers: &'a Numbers,
}

/// Number prefixes, each with its system.
#[derive(Clone, Debug, Default)]
pub struct Numbers(BTreeMap<TelPrefix, McSystemId>);

impl Numbers {
    /// The prefixes of systems; of two documents about one system the later counts.
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        let mut systems = BTreeMap::new();
        for document in documents {
            if let Document::System(system) = document {
                systems.insert(&system.mc_system_id, &system.tel_prefixes);
            }
        }
        let prefixes = systems.into_iter().flat_map(|(id, prefixes)| {
            let with_system = |prefix: &TelPrefix| (prefix.clone(), id.clone());
            prefixes.iter().map(with_system)
        });
        Self(prefixes.collect())
    }

    /// The system with the longest prefix of a global number.
    fn home(&self, number: &str) -> Option<McSystemId> {
        let matching = self.0.iter();
        let matching = matching.filter(|(prefix, _)| number.starts_with(prefix.as_str()));
        let longest = matching.max_by_key(|(prefix, _)| prefix.as_str().len());
        longest.map(|(_, system)| system.clone())
    }
}

impl Surroundings<'_> {
    fn home(&self, user: &McServiceId) -> Option<McSystemId> {
        match user.uri().tel_number() {
            Some(number) => self.numbers.home(number),
            None => user.uri().domain().cloned(),
        }
    }
}

/// Every contradiction in a document, each with its place.
pub fn check_document(surroundings: Surroundings<'_>, document: &Document) -> Vec<Invalid> {
    let local = surroundings.local;
    match document {
        Document::Agreement(agreement) => check_agreement(local, agreement),
        Document::User(user) => check_user(local, user),
        Document::Group(group) => check_group(local, group),
        Document::MigratedProfile(profile) => check_profile(surroundings, profile),
        Document::Link(link) if link.system == *local => {
            vec![Invalid::at("/system", "a link is with another system")]
        }
        Document::Migration(migration) => check_migration(surroundings, migration),
        Document::OpenDeletion(deletion) => check_deletion(local, deletion),
        Document::AreaMap(map) => check_map(local, map),
        Document::PartnerKeys(keys) if keys.partner() == local => {
            vec![Invalid::at("/partner", "these are the keys of a partner")]
        }
        Document::AccessGrant(grant) => check_access(surroundings, grant),
        Document::HomeRefusal(refusal) => check_refusal(surroundings, refusal),
        Document::Membership(membership) => check_membership(surroundings, membership),
        Document::MigrationUser(listed) => check_listed(surroundings, listed),
        Document::GroupOverride(local) => check_override(surroundings.local, local),
        Document::ScheduledChange(_) | Document::SharedGroup(_) => {
            let detail = "it is written by the decision that accepts it, never by hand";
            vec![Invalid::at("", detail)]
        }
        Document::System(_) | Document::Link(_) | Document::PartnerKeys(_) => Vec::new(),
        Document::ResponseSettings(_) => {
            let detail =
                "response settings are written by the approval of a request for it, never by hand";
            vec![Invalid::at("", detail)]
        }
        Document::UeConfiguration(_) => {
            let detail =
                "pushed configuration is written by the decision that accepts it, never by hand";
            vec![Invalid::at("", detail)]
        }
    }
}

/// One map decides, and it is found by our name: another would look as if it did.
fn check_map(local: &McSystemId, map: &AreaMap) -> Vec<Invalid> {
    if map.elements().id.as_str() == local.as_str() {
        return Vec::new();
    }
    let detail = format!("only the map `{local}` is looked at");
    vec![Invalid::at("/id", detail)]
}

/// Access is given to our users elsewhere, and to users of others here.
fn check_access(surroundings: Surroundings<'_>, grant: &AccessGrant) -> Vec<Invalid> {
    let local = surroundings.local;
    let mut problems = Vec::new();
    problems.extend(other_home(surroundings, &grant.user, &grant.home_system));
    if (grant.home_system == *local) == (grant.serving_system == *local) {
        let detail = format!("access is from `{local}` to another system, or the other way");
        problems.push(Invalid::at("/serving_system", detail));
    }
    problems
}

/// Homes refuse their own users, and we do not ask ourselves.
fn check_refusal(surroundings: Surroundings<'_>, refusal: &HomeRefusal) -> Vec<Invalid> {
    let mut problems = Vec::new();
    problems.extend(other_home(
        surroundings,
        &refusal.user,
        &refusal.home_system,
    ));
    if refusal.home_system == *surroundings.local {
        let detail = "our own users are refused where their migration is decided";
        problems.push(Invalid::at("/home_system", detail));
    }
    problems
}

/// Our users in groups of others, and users of others in our groups.
fn check_membership(surroundings: Surroundings<'_>, membership: &Membership) -> Vec<Invalid> {
    let local = surroundings.local;
    let mut problems = Vec::new();
    let home = surroundings.home(&membership.member);
    if home.as_ref() != Some(&membership.member_home) {
        let detail = format!("the member is not home in `{}`", membership.member_home);
        problems.push(Invalid::at("/member_home", detail));
    }
    if membership.group.uri().domain() != Some(&membership.group_home) {
        let detail = format!("the group is not defined in `{}`", membership.group_home);
        problems.push(Invalid::at("/group_home", detail));
    }
    if (membership.group_home == *local) == (membership.member_home == *local) {
        let detail = format!("one of the two is `{local}`, and the other is another system");
        problems.push(Invalid::at("/member_home", detail));
    }
    problems
}

fn check_listed(surroundings: Surroundings<'_>, listed: &MigrationUser) -> Vec<Invalid> {
    let local = surroundings.local;
    let mut problems = Vec::new();
    problems.extend(other_home(surroundings, &listed.user, &listed.home_system));
    if (listed.home_system == *local) == (listed.serving_system == *local) {
        let detail = format!("the list is from `{local}` to another system, or the other way");
        problems.push(Invalid::at("/serving_system", detail));
    }
    problems
}

/// What is set for a group of ours stands in the group itself.
fn check_override(local: &McSystemId, settings: &GroupOverride) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if settings.home_system == *local {
        let detail = format!("the group is defined in `{local}`; its own document says it");
        problems.push(Invalid::at("/home_system", detail));
    }
    if settings.group.uri().domain() != Some(&settings.home_system) {
        let detail = format!("the group is not defined in `{}`", settings.home_system);
        problems.push(Invalid::at("/group", detail));
    }
    if settings.group_priority.is_none() && settings.user_priority.is_none() {
        problems.push(Invalid::at("", "it sets nothing"));
    }
    problems
}

fn check_agreement(local: &McSystemId, agreement: &Agreement) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if agreement.partner == *local {
        let detail = format!("`{local}` is this system; an agreement is with another");
        problems.push(Invalid::at("/partner", detail));
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

fn check_profile(surroundings: Surroundings<'_>, profile: &MigratedUserProfile) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if profile.home_system == *surroundings.local {
        problems.push(Invalid::at(
            "/home_system",
            "our own users do not migrate to us",
        ));
    }
    if let Some(user) = &profile.user {
        problems.extend(other_home(surroundings, user, &profile.home_system));
    }
    problems
}

/// The register holds our users who are served elsewhere, and the users of others whom we serve.
fn check_migration(surroundings: Surroundings<'_>, migration: &Migration) -> Vec<Invalid> {
    let local = surroundings.local;
    let mut problems = Vec::new();
    problems.extend(other_home(
        surroundings,
        &migration.user,
        &migration.home_system,
    ));
    let (home, serving) = (&migration.home_system, &migration.serving_system);
    if (home == local) == (serving == local) {
        let detail = format!("a migration is from `{local}` to another system, or the other way");
        problems.push(Invalid::at("/serving_system", detail));
    }
    if migration
        .expires_at
        .is_some_and(|expires_at| expires_at <= migration.since)
    {
        let detail = "the migration ends before it begins";
        problems.push(Invalid::at("/expires_at", detail));
    }
    problems
}

fn check_deletion(local: &McSystemId, deletion: &OpenDeletion) -> Vec<Invalid> {
    let mut problems = Vec::new();
    if deletion.group.uri().domain() == Some(local) {
        let detail = format!("the group is defined in `{local}`; we ask nobody to delete from it");
        problems.push(Invalid::at("/group", detail));
    }
    if let Some(detail) = foreign(local, &deletion.member) {
        problems.push(Invalid::at("/member", detail));
    }
    problems
}

/// The user of a document about visitors is home where the document says.
fn other_home(
    surroundings: Surroundings<'_>,
    user: &McServiceId,
    said: &McSystemId,
) -> Option<Invalid> {
    let detail = match surroundings.home(user) {
        Some(home) if home == *said => return None,
        Some(home) => format!("`{user}` is home in `{home}`, not in `{said}`"),
        None => format!("no system has the number of `{user}`"),
    };
    Some(Invalid::at("/user", detail))
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
