//! Reading a record from its parts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::ItemKey;
use crate::decision::facts::Facts;
use crate::decision::facts::PersonFacts;
use crate::decision::record::DecisionRecord;
use crate::decision::record::FORMAT_VERSION;
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
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::Target;

/// Reads the part that is nobody's; the other parts need not be there.
pub(super) fn state(parts: &[RecordPart]) -> Result<StatePart, RecordError> {
    #[derive(Deserialize)]
    struct Version {
        version: u16,
    }
    let mut found = parts.iter().filter(|part| part.class == PartClass::State);
    let part = found.next().ok_or(RecordError::Incomplete(
        "the part that is nobody's is missing",
    ))?;
    if found.next().is_some() {
        return Err(RecordError::Contradiction(
            "it has two parts that are nobody's",
        ));
    }
    // A record of a newer format may have members that this program does not know.
    let read = serde_json::from_slice::<StatePart>(&part.body);
    let version = match &read {
        Ok(state) => state.version,
        Err(_) => serde_json::from_slice::<Version>(&part.body)?.version,
    };
    if version > FORMAT_VERSION {
        return Err(RecordError::Newer(version));
    }
    Ok(read?)
}

/// Reads a record whose parts are all there.
pub(super) fn join(parts: &[RecordPart]) -> Result<DecisionRecord, RecordError> {
    let state = state(parts)?;
    let people = People::read(parts)?;
    let requester = people.requester.ok_or(RecordError::Incomplete(
        "the part of the requester is missing",
    ))?;
    let subjects = in_order(people.facts, state.subject_count)?;
    let items = items(state.items, people.items)?;
    let listed = in_order(people.listed, state.listed_count)?;
    let (asked, resource) = match people.asked {
        Some(part) => (Some(part.element), part.facts),
        None => (None, None),
    };
    let named = Named {
        about_people: requester.elements,
        target: people.target,
        asked,
        listed,
    };
    let body = body(state.operation, named)?;
    Ok(DecisionRecord {
        version: state.version,
        request_id: state.request_id,
        request: InterSystemRequest {
            direction: state.direction,
            correlation_id: requester.correlation_id,
            peer: state.peer,
            requesting_system: state.requesting_system,
            receiving_system: state.receiving_system,
            body,
            urgency: state.urgency,
            justification: requester.justification,
        },
        facts: Facts {
            shared: state.facts,
            requester: requester.facts,
            subjects,
            resource,
            groups: state.groups,
            candidates: state.candidates,
        },
        now: state.now,
        caller: state.caller,
        bundle: state.bundle,
        engine_version: state.engine_version,
        items,
        selection: requester.selection,
    })
}

/// The personal parts, put together again.
#[derive(Default)]
struct People {
    requester: Option<Box<RequesterPart>>,
    target: Option<Target>,
    asked: Option<AskedPart>,
    listed: BTreeMap<usize, Value>,
    facts: BTreeMap<usize, PersonFacts>,
    items: BTreeMap<usize, (McServiceId, ItemDetail)>,
}

impl People {
    fn read(parts: &[RecordPart]) -> Result<Self, RecordError> {
        let mut people = Self::default();
        for part in parts {
            if part.class != PartClass::State {
                people.add(serde_json::from_slice(&part.body)?)?;
            }
        }
        Ok(people)
    }

    fn add(&mut self, part: PersonalPart) -> Result<(), RecordError> {
        let is_new = match part {
            PersonalPart::Requester(part) => self.requester.replace(part).is_none(),
            PersonalPart::Target { target } => self.target.replace(target).is_none(),
            PersonalPart::Asked(part) => self.asked.replace(*part).is_none(),
            PersonalPart::Subject(part) => {
                let SubjectPart {
                    subject,
                    listed,
                    facts,
                    items,
                } = *part;
                let listed = listed
                    .into_iter()
                    .all(|(number, value)| self.listed.insert(number, value).is_none());
                let facts = facts
                    .into_iter()
                    .all(|(number, person)| self.facts.insert(number, person).is_none());
                let items = items.into_iter().all(|(number, detail)| {
                    self.items
                        .insert(number, (subject.clone(), detail))
                        .is_none()
                });
                listed && facts && items
            }
        };
        if is_new {
            Ok(())
        } else {
            Err(RecordError::Contradiction("it says something twice"))
        }
    }
}

/// The values of so many positions, none left out.
fn in_order<T>(values: BTreeMap<usize, T>, count: usize) -> Result<Vec<T>, RecordError> {
    let is_whole = values.keys().copied().eq(0..count);
    if is_whole {
        Ok(values.into_values().collect())
    } else {
        Err(RecordError::Incomplete("the part of a subject is missing"))
    }
}

fn items(
    states: Vec<ItemPart>,
    mut people: BTreeMap<usize, (McServiceId, ItemDetail)>,
) -> Result<Vec<ItemDecision>, RecordError> {
    let items = states.into_iter().enumerate().map(|(number, state)| {
        let (subject, detail) = match (state.detail, people.remove(&number)) {
            (None, Some((subject, detail))) => (Some(subject), detail),
            (Some(detail), None) => (None, detail),
            (None, None) => {
                return Err(RecordError::Incomplete("the part of a subject is missing"));
            }
            (Some(_), Some(_)) => {
                return Err(RecordError::Contradiction(
                    "an item is about nobody and somebody",
                ));
            }
        };
        Ok(ItemDecision {
            item: ItemKey {
                subject,
                service: state.service,
                group: state.group,
                kind: state.kind,
                system: state.system,
            },
            outcome: state.outcome,
            reason: state.reason,
            partner_text: state.partner_text,
            notes: state.notes,
            policies: state.policies,
            categories: state.categories,
            would_permit: state.would_permit,
            limits: detail.limits,
            obligations: detail.obligations,
            when_accepted: detail.when_accepted,
            when_refused: detail.when_refused,
            errors: detail.errors,
            expires_at: state.expires_at,
            quorum: state.quorum,
            attention: state.attention,
        })
    });
    let items = items.collect::<Result<Vec<_>, _>>()?;
    if people.is_empty() {
        Ok(items)
    } else {
        Err(RecordError::Contradiction(
            "a subject speaks of an item that is not there",
        ))
    }
}

/// The elements that name people, from their parts.
struct Named {
    about_people: Elements,
    target: Option<Target>,
    asked: Option<Value>,
    listed: Vec<Value>,
}

fn body(part: OperationPart, named: Named) -> Result<OperationBody, RecordError> {
    let mut members = part.elements;
    members.extend(named.about_people);
    if part.has_target {
        let target = named
            .target
            .ok_or(RecordError::Incomplete("the part of the target is missing"))?;
        members.insert("target".to_owned(), serde_json::to_value(target)?);
    }
    if let Some(name) = part.operation.asked_for_member()
        && part.has_asked
    {
        let asked = named.asked.ok_or(RecordError::Incomplete(
            "the part of the user who is asked for is missing",
        ))?;
        members.insert(name.to_owned(), asked);
    }
    if let Some(name) = part.operation.listing_member() {
        members.insert(name.to_owned(), Value::Array(named.listed));
    }
    members.insert("operation".to_owned(), Value::from(part.operation.as_str()));
    Ok(serde_json::from_value(Value::Object(members))?)
}
