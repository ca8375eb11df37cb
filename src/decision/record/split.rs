//! Writing a record as parts.

use std::collections::BTreeMap;

use crate::decision::decide::ItemDecision;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision::record::parts::ItemPart;
use crate::decision::record::parts::OperationPart;
use crate::decision::record::parts::PersonalPart;
use crate::decision::record::parts::RecordError;
use crate::decision::record::parts::RequesterPart;
use crate::decision::record::parts::StatePart;
use crate::decision::record::parts::SubjectItem;
use crate::decision::record::parts::SubjectPart;
use crate::domain::identity::McServiceId;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Target;

/// Writes a record as parts: the State part first, then those of each person.
pub(super) fn split(record: DecisionRecord) -> Result<Vec<RecordPart>, RecordError> {
    let requester = requester_part(&record);
    let key = record.request.body.requesting_user().to_string();
    let mut parts = vec![(key, PersonalPart::Requester(Box::new(requester)))];
    if let OperationBody::GroupMembershipUpdate(update) = &record.request.body
        && let Some(key) = target_key(&update.target)
    {
        let target = update.target.clone();
        parts.push((key, PersonalPart::Target { target }));
    }
    let state = state_part(&record)?;
    for subject in subject_parts(record) {
        let key = subject.subject.to_string();
        parts.push((key, PersonalPart::Subject(Box::new(subject))));
    }
    let mut written = vec![RecordPart {
        class: PartClass::State,
        body: serde_json::to_vec(&state)?,
    }];
    for (key, part) in parts {
        written.push(RecordPart {
            class: PartClass::Personal(key),
            body: serde_json::to_vec(&part)?,
        });
    }
    Ok(written)
}

/// Whose the target part is: of the user, else of whoever holds the alias.
fn target_key(target: &Target) -> Option<String> {
    let user = target.mc_service_id.as_ref().map(ToString::to_string);
    user.or_else(|| target.functional_alias.as_ref().map(ToString::to_string))
}

fn requester_part(record: &DecisionRecord) -> RequesterPart {
    let request = &record.request;
    let (requester, user, serving) = match &request.body {
        OperationBody::GroupMembershipUpdate(update) => (Some(&update.requester), None, None),
        OperationBody::UeConfigurationPush(push) => (Some(&push.requester), None, None),
        OperationBody::Affiliation(affiliation) => (None, Some(&affiliation.user), None),
        OperationBody::MigrationServiceAuthorization(authorization) => (
            None,
            Some(&authorization.user),
            authorization.serving_mc_service_id.as_ref(),
        ),
    };
    RequesterPart {
        correlation_id: request.correlation_id.clone(),
        justification: request.justification.clone(),
        requester: requester.cloned(),
        user: user.cloned(),
        serving_mc_service_id: serving.cloned(),
        facts: record.facts.requester.clone(),
    }
}

fn state_part(record: &DecisionRecord) -> Result<StatePart, RecordError> {
    let request = &record.request;
    Ok(StatePart {
        version: record.version,
        request_id: record.request_id,
        direction: request.direction,
        peer: request.peer.clone(),
        requesting_system: request.requesting_system.clone(),
        receiving_system: request.receiving_system.clone(),
        urgency: request.urgency,
        operation: operation_part(&request.body)?,
        facts: record.facts.shared.clone(),
        listed_count: members(&request.body).len(),
        subject_count: record.facts.subjects.len(),
        now: record.now,
        caller: record.caller.clone(),
        bundle: record.bundle.clone(),
        engine_version: record.engine_version.clone(),
        items: record.items.iter().map(item_part).collect(),
    })
}

fn operation_part(body: &OperationBody) -> Result<OperationPart, RecordError> {
    Ok(match body {
        OperationBody::GroupMembershipUpdate(update) => OperationPart::GroupMembershipUpdate {
            group: update.group.clone(),
            change: update.change,
            has_target: target_key(&update.target).is_some(),
        },
        OperationBody::Affiliation(affiliation) => OperationPart::Affiliation {
            group: affiliation.group.clone(),
            service: affiliation.service,
            serving_system: affiliation.serving_system.clone(),
        },
        OperationBody::MigrationServiceAuthorization(authorization) => {
            OperationPart::MigrationServiceAuthorization {
                services: authorization.services.clone(),
                profile_index: authorization.profile_index,
            }
        }
        OperationBody::UeConfigurationPush(push) => OperationPart::UeConfigurationPush {
            mc_system_id: push.mc_system_id.clone(),
            configuration: match &push.configuration {
                PushedConfiguration::Sealed(stored) => stored.clone(),
                PushedConfiguration::Clear(_) => return Err(RecordError::NotSealed),
            },
        },
    })
}

fn item_part(item: &ItemDecision) -> ItemPart {
    ItemPart {
        outcome: item.outcome,
        reason: item.reason,
        policies: item.policies.clone(),
        categories: item.categories.clone(),
        would_permit: item.would_permit.clone(),
        expires_at: item.expires_at,
    }
}

/// One part a subject, however often they are listed.
fn subject_parts(record: DecisionRecord) -> Vec<SubjectPart> {
    let body = &record.request.body;
    let mut parts: BTreeMap<McServiceId, SubjectPart> = BTreeMap::new();
    for (number, member) in members(body).iter().enumerate() {
        part_of(&mut parts, member).listed.push(number);
    }
    for (number, person) in record.facts.subjects.into_iter().enumerate() {
        if let Some(id) = subject_at(body, number) {
            part_of(&mut parts, id).facts.push((number, person));
        }
    }
    for (number, item) in record.items.into_iter().enumerate() {
        part_of(&mut parts, &item.item.subject)
            .items
            .push(SubjectItem {
                number,
                service: item.item.service,
                limits: item.limits,
                obligations: item.obligations,
                errors: item.errors,
            });
    }
    parts.into_values().collect()
}

fn part_of<'a>(
    parts: &'a mut BTreeMap<McServiceId, SubjectPart>,
    id: &McServiceId,
) -> &'a mut SubjectPart {
    parts.entry(id.clone()).or_insert_with(|| SubjectPart {
        subject: id.clone(),
        listed: Vec::new(),
        facts: Vec::new(),
        items: Vec::new(),
    })
}

/// Whom the facts at a position are about.
fn subject_at(body: &OperationBody, number: usize) -> Option<&McServiceId> {
    match body {
        OperationBody::GroupMembershipUpdate(update) => update.members.get(number),
        OperationBody::Affiliation(_)
        | OperationBody::MigrationServiceAuthorization(_)
        | OperationBody::UeConfigurationPush(_) => (number == 0).then(|| body.requesting_user()),
    }
}

fn members(body: &OperationBody) -> &[McServiceId] {
    match body {
        OperationBody::GroupMembershipUpdate(update) => &update.members,
        OperationBody::Affiliation(_)
        | OperationBody::MigrationServiceAuthorization(_)
        | OperationBody::UeConfigurationPush(_) => &[],
    }
}
