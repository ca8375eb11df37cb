//! Writing a record as parts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::decision::decide::ItemDecision;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision::record::parts::AskedPart;
use crate::decision::record::parts::Elements;
use crate::decision::record::parts::ItemDetail;
use crate::decision::record::parts::ItemPart;
use crate::decision::record::parts::OperationPart;
use crate::decision::record::parts::PersonalPart;
use crate::decision::record::parts::RecordError;
use crate::decision::record::parts::RequesterPart;
use crate::decision::record::parts::StatePart;
use crate::decision::record::parts::SubjectPart;
use crate::domain::identity::McServiceId;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Target;
use crate::domain::request::UeConfigurationPush;
use crate::domain::request::elements::Principal;
use crate::domain::request::elements::Resource;

/// Writes a record as parts: the State part first, then those of each person.
pub(super) fn split(record: DecisionRecord) -> Result<Vec<RecordPart>, RecordError> {
    let mut divided = Divided::new(&record.request.body)?;
    let elements = record.request.body.elements();
    let key = match elements.principal() {
        Principal::User(user) => user.to_string(),
        Principal::RequestingSystem => record.request.requesting_system.to_string(),
    };
    let requester = RequesterPart {
        correlation_id: record.request.correlation_id.clone(),
        justification: record.request.justification.clone(),
        elements: std::mem::take(&mut divided.about_people),
        facts: record.facts.requester.clone(),
        selection: record.selection.clone(),
    };
    let mut parts = vec![(key, PersonalPart::Requester(Box::new(requester)))];
    let target = elements.target().cloned();
    let has_target = target.as_ref().and_then(target_key).map(|key| {
        let target = target.clone().unwrap_or_default();
        parts.push((key, PersonalPart::Target { target }));
    });
    let asked = divided.asked.take();
    if let (Some(element), Resource::User(user)) = (asked.clone(), elements.resource()) {
        let facts = record.facts.resource.clone();
        let part = AskedPart { element, facts };
        parts.push((user.to_string(), PersonalPart::Asked(Box::new(part))));
    }
    let operation = OperationPart {
        operation: record.request.body.operation(),
        has_target: has_target.is_some(),
        has_asked: asked.is_some(),
        elements: std::mem::take(&mut divided.about_nobody),
    };
    let state = state_part(&record, operation, divided.listed.len());
    for subject in subject_parts(record, divided.listed) {
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

/// The elements of a request, by whom they are about.
struct Divided {
    about_nobody: Elements,
    about_people: Elements,
    listed: Vec<Value>,
    asked: Option<Value>,
}

impl Divided {
    fn new(body: &OperationBody) -> Result<Self, RecordError> {
        if let Some(UeConfigurationPush {
            configuration: PushedConfiguration::Clear(_),
            ..
        }) = body.push()
        {
            return Err(RecordError::NotSealed);
        }
        let Value::Object(members) = serde_json::to_value(body)? else {
            return Err(RecordError::NotDivisible);
        };
        let operation = body.operation();
        let mut divided = Self {
            about_nobody: Elements::new(),
            about_people: Elements::new(),
            listed: Vec::new(),
            asked: None,
        };
        for (name, value) in members {
            match (name.as_str(), value) {
                ("operation" | "target", _) => {}
                (name, Value::Array(listed)) if operation.listing_member() == Some(name) => {
                    divided.listed = listed;
                }
                (name, value) if operation.asked_for_member() == Some(name) => {
                    divided.asked = Some(value);
                }
                (name, value) if operation.members_about_nobody().contains(&name) => {
                    divided.about_nobody.insert(name.to_owned(), value);
                }
                (name, value) => {
                    divided.about_people.insert(name.to_owned(), value);
                }
            }
        }
        Ok(divided)
    }
}

/// Whose the target part is: of the user, else of whoever holds the alias.
fn target_key(target: &Target) -> Option<String> {
    let user = target.mc_service_id.as_ref().map(ToString::to_string);
    user.or_else(|| target.functional_alias.as_ref().map(ToString::to_string))
}

fn state_part(record: &DecisionRecord, operation: OperationPart, listed_count: usize) -> StatePart {
    let request = &record.request;
    StatePart {
        version: record.version,
        request_id: record.request_id,
        direction: request.direction,
        peer: request.peer.clone(),
        requesting_system: request.requesting_system.clone(),
        receiving_system: request.receiving_system.clone(),
        urgency: request.urgency,
        operation,
        facts: record.facts.shared.clone(),
        groups: record.facts.groups.clone(),
        candidates: record.facts.candidates.clone(),
        listed_count,
        subject_count: record.facts.subjects.len(),
        now: record.now,
        caller: record.caller.clone(),
        bundle: record.bundle.clone(),
        engine_version: record.engine_version.clone(),
        items: record.items.iter().map(item_part).collect(),
    }
}

fn item_part(item: &ItemDecision) -> ItemPart {
    let is_about_nobody = item.item.subject.is_none();
    ItemPart {
        outcome: item.outcome,
        reason: item.reason,
        partner_text: item.partner_text.clone(),
        notes: item.notes.clone(),
        policies: item.policies.clone(),
        categories: item.categories.clone(),
        would_permit: item.would_permit.clone(),
        expires_at: item.expires_at,
        quorum: item.quorum.clone(),
        attention: item.attention.clone(),
        service: item.item.service,
        group: item.item.group.clone(),
        kind: item.item.kind,
        system: item.item.system.clone(),
        detail: is_about_nobody.then(|| detail(item)),
    }
}

fn detail(item: &ItemDecision) -> ItemDetail {
    ItemDetail {
        limits: item.limits.clone(),
        obligations: item.obligations.clone(),
        when_accepted: item.when_accepted.clone(),
        when_refused: item.when_refused.clone(),
        errors: item.errors.clone(),
    }
}

/// One part a subject, however often they are listed.
fn subject_parts(record: DecisionRecord, listed: Vec<Value>) -> Vec<SubjectPart> {
    let elements = record.request.body.elements();
    let mut parts: BTreeMap<McServiceId, SubjectPart> = BTreeMap::new();
    for (number, value) in listed.into_iter().enumerate() {
        if let Some(id) = elements.listed_subject(number) {
            part_of(&mut parts, id).listed.push((number, value));
        }
    }
    for (number, person) in record.facts.subjects.into_iter().enumerate() {
        let listed = elements.listed_subject(number);
        if let Some(id) = listed.or_else(|| elements.subject()) {
            part_of(&mut parts, id).facts.push((number, person));
        }
    }
    for (number, item) in record.items.iter().enumerate() {
        if let Some(subject) = &item.item.subject {
            part_of(&mut parts, subject)
                .items
                .push((number, detail(item)));
        }
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
