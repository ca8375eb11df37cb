//! What a query about migration knows beside what every query does: candidates, the register, access, and
//! credentials.

use crate::decision::decide::ItemKey;
use crate::decision::entities::Members;
use crate::decision::entities::QueryError;
use crate::decision::entities::Vocabulary;
use crate::decision::entities::boolean;
use crate::decision::entities::entity;
use crate::decision::entities::member;
use crate::decision::entities::moment;
use crate::decision::entities::optional;
use crate::decision::entities::record;
use crate::decision::entities::string;
use crate::decision::entities::strings;
use crate::decision::facts::BindingFacts;
use crate::decision::facts::Facts;
use crate::decision::facts::LocationFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::query::Prepared;
use crate::decision::query::context;
use crate::domain::access_grant::AccessGrant;
use crate::domain::area::Doubt;
use crate::domain::credential::VerifiedCredential;
use crate::domain::migration_user::MigrationUser;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Need;
use crate::domain::service::McService;

/// What every item shares.
pub(super) fn shared(
    members: &mut Members,
    need: Need,
    request: &InterSystemRequest,
    facts: &Facts,
) -> Result<(), QueryError> {
    if need == Need::Location {
        let person = facts.requester.as_ref().or(facts.subjects.first());
        let location = person.and_then(|person| person.location.as_ref());
        let location = location.map(location_record).transpose()?;
        optional(members, "location", location);
    }
    if need == Need::Credential
        && let Some(credential) = request.body.elements().credential()
    {
        let refusal = string(credential.refusal());
        members.push(member("credential_refusal", refusal));
        let verified = credential.verified();
        let verified = verified.map(|verified| credential_record(request, facts, verified));
        optional(members, "credential", verified.transpose()?);
    }
    Ok(())
}

/// What one item knows of the system to which the user might migrate.
pub(super) fn of_candidate(
    members: &mut Members,
    prepared: &Prepared<'_>,
    number: usize,
) -> Result<(), QueryError> {
    let Some(candidate) = prepared.facts.candidates.get(number) else {
        return Ok(());
    };
    let vocabulary = Vocabulary::get()?;
    let system = vocabulary.system(&candidate.system);
    members.push(member("other_system", entity(&system)));
    members.push(member("receiving_system", entity(&system)));
    let asked = vocabulary.system(&prepared.request.receiving_system);
    members.push(member("asked_system", entity(&asked)));
    let agreement = candidate.agreement.as_ref();
    let agreement = agreement.map(|agreement| entity(&vocabulary.agreement(&agreement.value)));
    optional(members, "agreement", agreement);
    let person = prepared.facts.subjects.first();
    let grant = person.and_then(|person| person.grants.get(&candidate.system));
    let grant = grant.map(context::grant_record).transpose()?;
    optional(members, "subject_grant", grant);
    Ok(())
}

/// What one item knows of its user in its service.
pub(super) fn of_item(
    members: &mut Members,
    need: Need,
    prepared: &Prepared<'_>,
    item: &ItemKey,
) -> Result<(), QueryError> {
    let Some(person) = prepared.facts.subjects.first() else {
        return Ok(());
    };
    if need == Need::Register {
        of_register(members, prepared, person, item.service)?;
    }
    if need == Need::HomeRefusal {
        let found = item.service.and_then(|it| person.home_refusals.get(&it));
        let refused = found.map(|found| boolean(found.refusal.is_some()));
        optional(members, "home_refused", refused);
    }
    if need == Need::Access {
        let access = person.access.as_ref();
        let grant = access.and_then(|access| access.grant.as_ref());
        let grant = grant.map(|grant| access_record(prepared, &grant.value));
        optional(members, "access", grant.transpose()?);
    }
    if need == Need::Binding {
        let binding = person.binding.as_ref().map(binding_record).transpose()?;
        optional(members, "binding", binding);
    }
    if need == Need::Listing {
        let listing = person.listing.as_ref();
        let listing = listing.and_then(|listing| listing.entry.as_ref());
        let listing = listing.map(|entry| listing_record(prepared, &entry.value));
        optional(members, "listing", listing.transpose()?);
    }
    Ok(())
}

fn listing_record(
    prepared: &Prepared<'_>,
    entry: &MigrationUser,
) -> Result<cedar_policy::RestrictedExpression, QueryError> {
    let services = entry.services.iter().map(|it| it.as_str());
    record(vec![
        member("withdrawn", boolean(!entry.listed)),
        member("listed", boolean(entry.is_listed(prepared.now))),
        member("services", strings(services)),
    ])
}

/// Our own user without an entry is here; of a visitor without one nothing is known.
fn of_register(
    members: &mut Members,
    prepared: &Prepared<'_>,
    person: &PersonFacts,
    service: Option<McService>,
) -> Result<(), QueryError> {
    let found = service.and_then(|service| person.register.get(&service));
    let Some(current) = found else {
        return Ok(());
    };
    let entry = current.entry.as_ref().map(|entry| &entry.value);
    let entry = entry.filter(|entry| entry.holds(prepared.now));
    let local = &prepared.facts.shared.local;
    let is_ours = person.home.as_ref() == Some(local);
    let system = entry.map(|entry| &entry.serving_system);
    let system = system.or_else(|| is_ours.then_some(local));
    let vocabulary = Vocabulary::get()?;
    let system = system.map(|system| entity(&vocabulary.system(system)));
    optional(members, "current_system", system);
    let since = entry.map(|entry| moment(entry.since));
    optional(members, "registered_at", since);
    Ok(())
}

fn access_record(
    prepared: &Prepared<'_>,
    grant: &AccessGrant,
) -> Result<cedar_policy::RestrictedExpression, QueryError> {
    let elements = prepared.request.body.elements();
    let same_ue = grant.ue.is_none() || grant.ue.as_ref() == elements.ue();
    let same_sip = grant.sip.is_none() || grant.sip == elements.sip();
    let mut members = vec![
        member("since", moment(grant.since)),
        member(
            "services",
            strings(grant.services.iter().map(|it| it.as_str())),
        ),
        member("same_ue", boolean(same_ue)),
        member("same_sip_identities", boolean(same_sip)),
    ];
    optional(&mut members, "expires_at", grant.expires_at.map(moment));
    record(members)
}

fn binding_record(
    binding: &BindingFacts,
) -> Result<cedar_policy::RestrictedExpression, QueryError> {
    let mut members = vec![
        member("identity_free", boolean(!binding.identity_taken)),
        member("ue_free", boolean(!binding.ue_taken)),
    ];
    let vocabulary = Vocabulary::get()?;
    let system = binding.system.as_ref();
    let system = system.map(|system| entity(&vocabulary.system(system)));
    optional(&mut members, "system", system);
    record(members)
}

fn location_record(
    location: &LocationFacts,
) -> Result<cedar_policy::RestrictedExpression, QueryError> {
    let areas = location.areas.iter().filter(|area| area.is_certain);
    let doubts = location.doubts.iter().copied().map(Doubt::as_str);
    record(vec![
        member("areas", strings(areas.map(|area| area.id.as_str()))),
        member("doubts", strings(doubts)),
    ])
}

/// A token names one person, whose identities in each service may differ (ruling 4): it is the user's if one of
/// them is, and then it counts in every service for which it names one.
fn credential_record(
    request: &InterSystemRequest,
    facts: &Facts,
    credential: &VerifiedCredential,
) -> Result<cedar_policy::RestrictedExpression, QueryError> {
    let user = request.body.elements().subject();
    let is_theirs = credential.identities.values().any(|it| Some(it) == user);
    let services = credential.identities.keys().filter(|_| is_theirs);
    let key = facts.shared.credential_key.as_ref();
    let person = facts.subjects.first();
    let before = person.and_then(|person| person.token_use);
    let granted_until = before.and_then(|before| before.granted_until);
    let mut members = vec![
        member(
            "partner",
            entity(&Vocabulary::get()?.system(&credential.partner)),
        ),
        member("services", strings(services.map(|it| it.as_str()))),
        member("key_trusted", boolean(key.is_some_and(|key| key.value))),
        member("issued_at", moment(credential.issued_at)),
        member("expires_at", moment(credential.expires_at)),
    ];
    optional(&mut members, "granted_until", granted_until.map(moment));
    record(members)
}
