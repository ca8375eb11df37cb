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
use crate::decision::facts::CallFacts;
use crate::decision::facts::Facts;
use crate::decision::facts::GrantFacts;
use crate::decision::facts::GroupFacts;
use crate::decision::facts::JointGroupFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::other_system;
use crate::decision::query::Prepared;
use crate::decision::query::migration;
use crate::decision::query::service_word;
use crate::decision::query::serving_system;
use crate::domain::agreement::Agreement;
use crate::domain::identity::McSystemId;
use crate::domain::migrated_profile::MigratedUserProfile;
use crate::domain::operation::Direction;
use crate::domain::operation::Family;
use crate::domain::registry::Versioned;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Requester;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::domain::ue_configuration::ConfigurationElement;
use crate::domain::ue_configuration::StoredUeConfiguration;

/// What every item of the request has in its context; the entities named are added to the set.
pub(super) fn shared(
    set: &mut EntitySet<'_>,
    request: &InterSystemRequest,
    facts: &Facts,
    now: Timestamp,
) -> Result<Members, QueryError> {
    let system = |set: &mut EntitySet<'_>, id| entity(&set.add_system(id));
    let mut members = vec![
        member("now", moment(now)),
        member("direction", string(request.direction.as_str())),
        member("local_system", system(set, &facts.shared.local)),
        member("requesting_system", system(set, &request.requesting_system)),
    ];
    let elements = request.body.elements();
    // Of each candidate the item speaks by itself.
    if elements.division() != Division::Candidates {
        members.push(member("other_system", system(set, other_system(request))));
        let receiving = system(set, &request.receiving_system);
        members.push(member("receiving_system", receiving));
        let known = agreement(set, facts.shared.agreement.as_ref())?;
        optional(&mut members, "agreement", known);
    }
    if let Some(peer) = &request.peer {
        members.push(member("peer", system(set, &peer.system)));
        members.push(member(
            "peer_certificate",
            string(peer.certificate.as_str()),
        ));
    }
    if request.body.operation().family() == Family::Acm {
        let operation = request.body.operation();
        members.push(member("operation", string(operation.as_str())));
    }
    if let Some(requester) = elements.requester() {
        of_requester(&mut members, request, requester)?;
        let person = facts.requester.as_ref();
        let home = person.and_then(|person| person.alias_home.as_ref());
        let home = home.map(|home| system(set, home));
        optional(&mut members, "requester_alias_home", home);
    }
    for (name, particular) in elements.particulars() {
        for system in particular.systems() {
            set.add_system(system);
        }
        members.push(member(name, particular_value(&particular)?));
    }
    for need in elements.needs() {
        shared_need(&mut members, set, *need, request, facts)?;
        migration::shared(&mut members, *need, request, facts)?;
    }
    if elements.needs_to_know(Need::CurrentSystem) {
        let current = current_system(facts, now).map(|current| system(set, current));
        optional(&mut members, "current_system", current);
        let visits = visits_here(facts, now).map(boolean);
        optional(&mut members, "visitor_here", visits);
    }
    Ok(members)
}

/// What one item adds. A system that only an item names needs no entity: it has nothing but its name.
pub(super) fn of_item(
    members: &mut Members,
    prepared: &Prepared<'_>,
    item: &ItemKey,
    number: usize,
) -> Result<(), QueryError> {
    let elements = prepared.request.body.elements();
    let person = prepared.person(number);
    for (name, particular) in elements.item_particulars(number) {
        members.push(member(name, particular_value(&particular)?));
    }
    if let Some(listed) = prepared.facts.groups.get(number)
        && elements.needs_to_know(Need::GroupPartner)
    {
        of_group_partner(members, listed.group.as_ref())?;
    }
    if item.service.is_some() {
        members.push(member("service", string(service_word(item.service))));
    }
    if let Some(kind) = item.kind {
        members.push(member("kind", string(kind.as_str())));
    }
    migration::of_candidate(members, prepared, number)?;
    for need in elements.needs() {
        item_need(members, *need, item, person)?;
        migration::of_item(members, *need, prepared, item)?;
    }
    Ok(())
}

fn shared_need(
    members: &mut Members,
    set: &mut EntitySet<'_>,
    need: Need,
    request: &InterSystemRequest,
    facts: &Facts,
) -> Result<(), QueryError> {
    let shared = &facts.shared;
    match need {
        Need::GroupPartner => of_group_partner(members, shared.group.as_ref())?,
        Need::HomeAgreement => {
            let home = agreement(set, shared.home_agreement.as_ref())?;
            optional(members, "home_agreement", home);
        }
        Need::ServingAgreement => {
            if let Some(serving) = serving_system(request) {
                let serving = set.add_system(serving);
                members.push(member("serving_system", entity(&serving)));
            }
            let serving = agreement(set, shared.serving_agreement.as_ref())?;
            optional(members, "serving_agreement", serving);
        }
        Need::Link => {
            let link = shared.link.as_ref().map(|link| &link.value);
            let status = link.map(|link| string(link.status.as_str()));
            let measured_at = link.map(|link| moment(link.measured_at));
            optional(members, "link", status);
            optional(members, "link_measured_at", measured_at);
        }
        Need::Configuration => of_push(members, request, facts),
        Need::Calls => of_call(members, facts)?,
        Need::Target => {
            let target = shared.target.as_ref();
            let home = target.and_then(|target| target.home.as_ref());
            let home = home.map(|home| entity(&set.add_system(home)));
            optional(members, "target_home", home);
            let known = target.map(|target| boolean(target.known));
            optional(members, "target_known", known);
        }
        Need::Visitors => {
            let count = shared.migrated_count;
            let count = count.map(|count| long(i64::try_from(count).unwrap_or(i64::MAX)));
            optional(members, "migrated_count", count);
        }
        Need::ServingIdentity if request.body.elements().serving_identity().is_some() => {
            let identity = serving_identity(set, facts)?;
            members.push(member("serving_identity", identity));
        }
        Need::JointGroup => joint_group(members, set, shared.joint_group.as_ref())?,
        Need::ServingIdentity
        | Need::Register
        | Need::Binding
        | Need::TokenUse
        | Need::Access
        | Need::HomeRefusal
        | Need::Listing
        | Need::GroupOverride
        | Need::Location
        | Need::Credential
        | Need::LinkFailureProfile
        | Need::Subject
        | Need::Membership
        | Need::Grant
        | Need::MigratedProfile
        | Need::CurrentSystem
        | Need::OpenDeletion => {}
    }
    Ok(())
}

fn item_need(
    members: &mut Members,
    need: Need,
    item: &ItemKey,
    person: Option<&PersonFacts>,
) -> Result<(), QueryError> {
    let Some(person) = person else {
        return Ok(());
    };
    match need {
        Need::Subject => {
            if let Some(subject) = &item.subject {
                let subject = Vocabulary::get()?.user(subject);
                members.push(member("subject", entity(&subject)));
            }
        }
        Need::Membership => members.push(member("subject_is_member", boolean(person.is_member))),
        Need::Grant => optional(members, "subject_grant", grant(person)?),
        Need::MigratedProfile | Need::LinkFailureProfile => {
            optional(members, "migrated_profile", migrated_profile(person)?);
        }
        Need::OpenDeletion => {
            let deletion = person.deletion.as_ref();
            let is_open = deletion.map(|deletion| boolean(deletion.open.is_some()));
            optional(members, "deletion_open", is_open);
        }
        Need::GroupPartner
        | Need::HomeAgreement
        | Need::ServingAgreement
        | Need::Calls
        | Need::Link
        | Need::Configuration
        | Need::Target
        | Need::CurrentSystem
        | Need::Visitors
        | Need::Register
        | Need::Binding
        | Need::TokenUse
        | Need::Access
        | Need::HomeRefusal
        | Need::Listing
        | Need::JointGroup
        | Need::GroupOverride
        | Need::Location
        | Need::Credential
        | Need::ServingIdentity => {}
    }
    Ok(())
}

fn particular_value(particular: &Particular<'_>) -> Result<RestrictedExpression, QueryError> {
    let vocabulary = Vocabulary::get()?;
    Ok(match particular {
        Particular::Bool(value) => boolean(*value),
        Particular::Long(value) => long(*value),
        Particular::Text(text) => string(text),
        Particular::Texts(texts) => strings(texts.iter().copied()),
        Particular::System(system) => entity(&vocabulary.system(system)),
        Particular::Systems(systems) => {
            let systems = systems.iter().map(|it| entity(&vocabulary.system(it)));
            RestrictedExpression::new_set(systems)
        }
        Particular::Moment(at) => moment(*at),
    })
}

fn of_requester(
    members: &mut Members,
    request: &InterSystemRequest,
    requester: &Requester,
) -> Result<(), QueryError> {
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
    Ok(())
}

fn of_group_partner(
    members: &mut Members,
    group: Option<&Versioned<GroupFacts>>,
) -> Result<(), QueryError> {
    if let Some(review) = group.and_then(|group| group.value.review.as_ref()) {
        let flags = record(vec![
            member(
                "local_settings",
                strings(review.local_settings.iter().map(|it| it.as_str())),
            ),
            member("review_additions", boolean(review.additions)),
            member("review_deletions", boolean(review.deletions)),
        ])?;
        members.push(member("group_partner", flags));
    }
    Ok(())
}

/// Where the register of current systems says that the user is, at this moment.
///
/// Nobody registers who is at home, so that our own user without an entry is here; a visitor is not.
fn current_system(facts: &Facts, now: Timestamp) -> Option<&McSystemId> {
    let person = facts.subjects.first()?;
    let entry = person.current.as_ref()?.entry.as_ref();
    let away = entry.filter(|entry| entry.value.holds(now));
    let local = &facts.shared.local;
    let is_ours = person.home.as_ref() == Some(local);
    away.map(|entry| &entry.value.serving_system)
        .or_else(|| is_ours.then_some(local))
}

/// Whether a user from elsewhere is a visitor here, by the register and at this moment.
fn visits_here(facts: &Facts, now: Timestamp) -> Option<bool> {
    let person = facts.subjects.first()?;
    let entry = person.current.as_ref()?.entry.as_ref();
    let local = &facts.shared.local;
    let is_foreign = person.home.as_ref() != Some(local);
    let is_here =
        entry.is_some_and(|entry| entry.value.holds(now) && entry.value.serving_system == *local);
    Some(is_foreign && is_here)
}

/// A group of which nothing is known counts as taken.
fn joint_group(
    members: &mut Members,
    set: &mut EntitySet<'_>,
    group: Option<&JointGroupFacts>,
) -> Result<(), QueryError> {
    let existing = group.map(|group| group.existing.as_ref());
    let is_taken = existing.is_none_or(|it| it.is_some_and(|same| !same.value));
    members.push(member("group_taken", boolean(is_taken)));
    let without = group.map(|group| group.without_agreement.iter().collect());
    let without = Particular::Systems(without.unwrap_or_default());
    for system in without.systems() {
        set.add_system(system);
    }
    let without = particular_value(&without)?;
    members.push(member("partners_without_agreement", without));
    Ok(())
}

/// An identity of which nothing is known counts as taken.
fn serving_identity(
    set: &mut EntitySet<'_>,
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

fn of_push(members: &mut Members, request: &InterSystemRequest, facts: &Facts) {
    let stored = facts.shared.configuration.as_ref();
    let changes = match request.body.push() {
        Some(push) => changes(stored.map(|stored| &stored.value), &push.configuration),
        None => Vec::new(),
    };
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
    set: &mut EntitySet<'_>,
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

pub(super) fn grant_record(grant: &GrantFacts) -> Result<RestrictedExpression, QueryError> {
    record(vec![
        member("migration", services(grant.migration.iter())),
        member("groups", services(grant.groups.iter())),
        member("limited_migration", boolean(grant.limited_migration)),
        member(
            "external_kms",
            strings(grant.external_kms.iter().map(String::as_str)),
        ),
        member(
            "migration_kms",
            strings(grant.migration_kms.iter().map(String::as_str)),
        ),
    ])
}

/// Of the caller who is ours, and of the called user who is.
fn of_call(members: &mut Members, facts: &Facts) -> Result<(), QueryError> {
    let caller = facts.subjects.first();
    let asked = facts.resource.as_ref();
    let permissions = [
        ("caller_permission", caller.map(|it| &it.call_permission)),
        ("called_permission", asked.map(|it| &it.call_permission)),
        (
            "called_permission_for_home",
            asked.map(|it| &it.home_call_permission),
        ),
    ];
    for (name, permission) in permissions {
        let permission = permission.and_then(Option::as_ref);
        optional(members, name, permission.map(call_record).transpose()?);
    }
    Ok(())
}

fn call_record(call: &CallFacts) -> Result<RestrictedExpression, QueryError> {
    record(vec![
        member("services", services(call.services.iter())),
        member("restricted", boolean(call.restricted)),
        member("listed", boolean(call.listed)),
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
        member("own", boolean(profile.user.is_some())),
    ];
    optional(&mut members, "priority", profile.priority.map(long));
    optional(
        &mut members,
        "life_minutes_max",
        profile.life_minutes_max.map(long),
    );
    record(members)
}

fn services<'a>(services: impl Iterator<Item = &'a McService>) -> RestrictedExpression {
    strings(services.map(|service| service.as_str()))
}
