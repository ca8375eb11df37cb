//! The context of a query: what every item shares, and what is its own.

use cedar_policy::RestrictedExpression;

use crate::decision::decide::ItemKey;
use crate::decision::entities::EntitySet;
use crate::decision::entities::Members;
use crate::decision::entities::QueryError;
use crate::decision::entities::Vocabulary;
use crate::decision::entities::boolean;
use crate::decision::entities::entity;
use crate::decision::entities::long;
use crate::decision::entities::member;
use crate::decision::entities::moment;
use crate::decision::entities::optional;
use crate::decision::entities::record;
use crate::decision::entities::string;
use crate::decision::entities::strings;
use crate::decision::facts::Facts;
use crate::decision::facts::GrantFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::other_system;
use crate::decision::query::service_word;
use crate::domain::agreement::Agreement;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::operation::Direction;
use crate::domain::registry::Versioned;
use crate::domain::request::Affiliation;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Requester;
use crate::domain::request::UeConfigurationPush;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::domain::ue_configuration::ConfigurationElement;
use crate::domain::ue_configuration::StoredUeConfiguration;

/// What every item of the request has in its context; the entities named are added to the set.
pub(super) fn shared(
    set: &mut EntitySet,
    request: &InterSystemRequest,
    facts: &Facts,
    now: Timestamp,
) -> Result<Members, QueryError> {
    let system = |set: &mut EntitySet, id| entity(&set.add_system(id));
    let mut members = vec![
        member("now", moment(now)),
        member("direction", string(request.direction.as_str())),
        member("local_system", system(set, &facts.shared.local)),
        member("other_system", system(set, other_system(request))),
        member("requesting_system", system(set, &request.requesting_system)),
        member("receiving_system", system(set, &request.receiving_system)),
    ];
    if let Some(peer) = &request.peer {
        members.push(member("peer", system(set, &peer.system)));
        members.push(member(
            "peer_certificate",
            string(peer.certificate.as_str()),
        ));
    }
    let known = agreement(set, facts.shared.agreement.as_ref())?;
    optional(&mut members, "agreement", known);
    match &request.body {
        OperationBody::GroupMembershipUpdate(update) => {
            of_requester(&mut members, set, request, facts)?;
            of_membership(&mut members, set, update, facts)?;
        }
        OperationBody::Affiliation(affiliation) => {
            of_affiliation(&mut members, set, affiliation, facts)?;
            of_register(&mut members, set, facts, now);
        }
        OperationBody::MigrationServiceAuthorization(authorization) => {
            of_migration(&mut members, facts);
            if authorization.serving_mc_service_id.is_some() {
                let identity = serving_identity(set, facts)?;
                members.push(member("serving_identity", identity));
            }
        }
        OperationBody::UeConfigurationPush(push) => {
            of_requester(&mut members, set, request, facts)?;
            of_push(&mut members, set, push, facts);
        }
    }
    Ok(members)
}

/// What one item adds.
pub(super) fn of_item(
    members: &mut Members,
    request: &InterSystemRequest,
    item: &ItemKey,
    person: &PersonFacts,
) -> Result<(), QueryError> {
    match &request.body {
        OperationBody::GroupMembershipUpdate(_) => {
            let subject = Vocabulary::get()?.user(&item.subject);
            members.push(member("subject", entity(&subject)));
            members.push(member("subject_is_member", boolean(person.is_member)));
            optional(members, "subject_grant", grant(person)?);
        }
        OperationBody::Affiliation(_) => {
            members.push(member("service", string(service_word(item.service))));
            members.push(member("subject_is_member", boolean(person.is_member)));
            optional(members, "subject_grant", grant(person)?);
            optional(members, "migrated_profile", migrated_profile(person)?);
        }
        OperationBody::MigrationServiceAuthorization(_) => {
            members.push(member("service", string(service_word(item.service))));
            optional(members, "subject_grant", grant(person)?);
            optional(members, "migrated_profile", migrated_profile(person)?);
        }
        OperationBody::UeConfigurationPush(_) => {}
    }
    Ok(())
}

fn of_requester(
    members: &mut Members,
    set: &mut EntitySet,
    request: &InterSystemRequest,
    facts: &Facts,
) -> Result<(), QueryError> {
    let Some(requester) = requester(&request.body) else {
        return Ok(());
    };
    members.push(member("urgency", string(request.urgency.as_str())));
    let mut asserted = Members::new();
    // Of our own users the profile speaks; an assertion comes from another system only.
    if request.direction == Direction::Inbound {
        let organisation = requester.organisation.as_deref().map(string);
        optional(&mut asserted, "organisation", organisation);
    }
    members.push(member("asserted", record(asserted)?));
    let alias = requester.functional_alias.as_ref();
    let alias = alias.map(|alias| string(alias.as_str()));
    optional(members, "requester_alias", alias);
    let person = facts.requester.as_ref();
    let home = person.and_then(|person| person.alias_home.as_ref());
    let home = home.map(|home| entity(&set.add_system(home)));
    optional(members, "requester_alias_home", home);
    Ok(())
}

fn requester(body: &OperationBody) -> Option<&Requester> {
    match body {
        OperationBody::GroupMembershipUpdate(update) => Some(&update.requester),
        OperationBody::UeConfigurationPush(push) => Some(&push.requester),
        OperationBody::Affiliation(_) | OperationBody::MigrationServiceAuthorization(_) => None,
    }
}

fn of_migration(members: &mut Members, facts: &Facts) {
    let link = facts.shared.link.as_ref().map(|link| &link.value);
    let measured_at = link.map(|link| moment(link.measured_at));
    optional(
        members,
        "link",
        link.map(|link| string(link.status.as_str())),
    );
    optional(members, "link_measured_at", measured_at);
    let count = facts.shared.migrated_count;
    let count = count.map(|count| long(i64::try_from(count).unwrap_or(i64::MAX)));
    optional(members, "migrated_count", count);
}

fn of_membership(
    members: &mut Members,
    set: &mut EntitySet,
    update: &GroupMembershipUpdate,
    facts: &Facts,
) -> Result<(), QueryError> {
    let count = i64::try_from(update.members.len()).unwrap_or(i64::MAX);
    members.push(member("member_count", long(count)));
    let group = facts.shared.group.as_ref();
    if let Some(review) = group.and_then(|group| group.value.review) {
        let flags = record(vec![
            member("review_additions", boolean(review.additions)),
            member("review_deletions", boolean(review.deletions)),
        ])?;
        members.push(member("group_partner", flags));
    }
    if let Some(target) = &facts.shared.target {
        let home = target.home.as_ref();
        let home = home.map(|home| entity(&set.add_system(home)));
        optional(members, "target_home", home);
        members.push(member("target_known", boolean(target.known)));
    }
    Ok(())
}

fn of_affiliation(
    members: &mut Members,
    set: &mut EntitySet,
    affiliation: &Affiliation,
    facts: &Facts,
) -> Result<(), QueryError> {
    let serving = set.add_system(&affiliation.serving_system);
    members.push(member("serving_system", entity(&serving)));
    let home = agreement(set, facts.shared.home_agreement.as_ref())?;
    optional(members, "home_agreement", home);
    let serving = agreement(set, facts.shared.serving_agreement.as_ref())?;
    optional(members, "serving_agreement", serving);
    Ok(())
}

/// Where the register of current systems says that the user is, at this moment.
fn of_register(members: &mut Members, set: &mut EntitySet, facts: &Facts, now: Timestamp) {
    let Some(person) = facts.subjects.first() else {
        return;
    };
    if let Some(current) = &person.current {
        let entry = current.entry.as_ref().map(|entry| &entry.value);
        let away = entry
            .filter(|entry| entry.holds(now))
            .map(|entry| &entry.serving_system);
        // Nobody registers who is at home; who is registered as served by us is not at home.
        let is_ours = person.home.as_ref() == Some(&facts.shared.local);
        let system = away.or_else(|| is_ours.then_some(&facts.shared.local));
        let system = system.map(|system| entity(&set.add_system(system)));
        optional(members, "current_system", system);
    }
    let deletion = person.deletion.as_ref();
    let is_open = deletion.map(|deletion| boolean(deletion.open.is_some()));
    optional(members, "deletion_open", is_open);
}

fn of_push(members: &mut Members, set: &mut EntitySet, push: &UeConfigurationPush, facts: &Facts) {
    let provider = set.add_system(&push.mc_system_id);
    let describes = set.add_system(push.configuration.describes());
    let stored = facts.shared.configuration.as_ref();
    let changes = changes(stored.map(|stored| &stored.value), &push.configuration);
    members.push(member("provider", entity(&provider)));
    members.push(member("describes", entity(&describes)));
    members.push(member(
        "changes",
        strings(changes.iter().map(|it| it.as_str())),
    ));
    members.push(member("first_push", boolean(stored.is_none())));
}

/// Data in clear has no digests to compare, so that all of it counts as changed.
fn changes(
    stored: Option<&StoredUeConfiguration>,
    pushed: &PushedConfiguration,
) -> Vec<ConfigurationElement> {
    match pushed {
        PushedConfiguration::Sealed(pushed) => StoredUeConfiguration::changes(stored, pushed)
            .into_iter()
            .collect(),
        PushedConfiguration::Clear(_) => ConfigurationElement::ALL.to_vec(),
    }
}

fn agreement(
    set: &mut EntitySet,
    agreement: Option<&Versioned<Agreement>>,
) -> Result<Option<RestrictedExpression>, QueryError> {
    match agreement {
        Some(agreement) => Ok(Some(entity(&set.add_agreement(&agreement.value)?))),
        None => Ok(None),
    }
}

fn grant(person: &PersonFacts) -> Result<Option<RestrictedExpression>, QueryError> {
    let profile = person.profile.as_ref();
    let grant = profile.and_then(|profile| profile.value.grant.as_ref());
    grant.map(grant_record).transpose()
}

fn grant_record(grant: &GrantFacts) -> Result<RestrictedExpression, QueryError> {
    record(vec![
        member("migration", services(grant.migration.iter())),
        member("groups", services(grant.groups.iter())),
        member("limited_migration", boolean(grant.limited_migration)),
    ])
}

fn migrated_profile(person: &PersonFacts) -> Result<Option<RestrictedExpression>, QueryError> {
    let profile = person.migrated_profile.as_ref();
    profile
        .map(|profile| profile_record(&profile.value))
        .transpose()
}

fn profile_record(profile: &MigratedUserProfile) -> Result<RestrictedExpression, QueryError> {
    let mut members = vec![
        member("enabled", boolean(profile.enabled)),
        member("services", services(profile.services.iter())),
    ];
    optional(&mut members, "priority", profile.priority.map(long));
    optional(
        &mut members,
        "life_minutes_max",
        profile.life_minutes_max.map(long),
    );
    record(members)
}

/// An identity of which nothing is known counts as taken.
fn serving_identity(
    set: &mut EntitySet,
    facts: &Facts,
) -> Result<RestrictedExpression, QueryError> {
    let person = facts.subjects.first();
    let identity = person.and_then(|person| person.serving_identity.as_ref());
    let registered = identity.is_none_or(|identity| identity.registered);
    let mut members = vec![member("registered", boolean(registered))];
    let home = identity.and_then(|identity| identity.home.as_ref());
    let home = home.map(|home| entity(&set.add_system(home)));
    optional(&mut members, "home", home);
    record(members)
}

fn services<'a>(services: impl Iterator<Item = &'a McService>) -> RestrictedExpression {
    strings(services.map(|service| service.as_str()))
}
