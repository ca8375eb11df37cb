//! Reading a record from its parts.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::ItemKey;
use crate::decision::facts::Facts;
use crate::decision::facts::PersonFacts;
use crate::decision::record::DecisionRecord;
use crate::decision::record::FORMAT_VERSION;
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
use crate::domain::request::Affiliation;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MigrationServiceAuthorization;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::request::Target;
use crate::domain::request::UeConfigurationPush;

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
    let Version { version } = serde_json::from_slice(&part.body)?;
    if version > FORMAT_VERSION {
        return Err(RecordError::Newer(version));
    }
    Ok(serde_json::from_slice(&part.body)?)
}

/// Reads a record whose parts are all there.
pub(super) fn join(parts: &[RecordPart]) -> Result<DecisionRecord, RecordError> {
    let state = state(parts)?;
    let people = People::read(parts)?;
    let requester = people.requester.ok_or(RecordError::Incomplete(
        "the part of the requester is missing",
    ))?;
    let subjects = in_order(people.facts, state.subject_count)?;
    let items = items(&state.items, people.items)?;
    let members = in_order(people.members, state.listed_count)?;
    let facts_requester = requester.facts.clone();
    let correlation_id = requester.correlation_id.clone();
    let justification = requester.justification.clone();
    let body = body(state.operation, *requester, people.target, members)?;
    Ok(DecisionRecord {
        version: state.version,
        request_id: state.request_id,
        request: InterSystemRequest {
            direction: state.direction,
            correlation_id,
            peer: state.peer,
            requesting_system: state.requesting_system,
            receiving_system: state.receiving_system,
            body,
            urgency: state.urgency,
            justification,
        },
        facts: Facts {
            shared: state.facts,
            requester: facts_requester,
            subjects,
        },
        now: state.now,
        caller: state.caller,
        bundle: state.bundle,
        engine_version: state.engine_version,
        items,
    })
}

/// The personal parts, put together again.
#[derive(Default)]
struct People {
    requester: Option<Box<RequesterPart>>,
    target: Option<Target>,
    members: BTreeMap<usize, McServiceId>,
    facts: BTreeMap<usize, PersonFacts>,
    items: BTreeMap<usize, (McServiceId, SubjectItem)>,
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
            PersonalPart::Subject(part) => {
                let SubjectPart {
                    subject,
                    listed,
                    facts,
                    items,
                } = *part;
                let listed = listed
                    .into_iter()
                    .all(|number| self.members.insert(number, subject.clone()).is_none());
                let facts = facts
                    .into_iter()
                    .all(|(number, person)| self.facts.insert(number, person).is_none());
                let items = items.into_iter().all(|item| {
                    let entry = (subject.clone(), item);
                    self.items.insert(entry.1.number, entry).is_none()
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
    states: &[ItemPart],
    people: BTreeMap<usize, (McServiceId, SubjectItem)>,
) -> Result<Vec<ItemDecision>, RecordError> {
    let people = in_order(people, states.len())?;
    Ok(states
        .iter()
        .zip(people)
        .map(|(state, (subject, item))| ItemDecision {
            item: ItemKey {
                subject,
                service: item.service,
            },
            outcome: state.outcome,
            reason: state.reason,
            policies: state.policies.clone(),
            categories: state.categories.clone(),
            would_permit: state.would_permit.clone(),
            limits: item.limits,
            obligations: item.obligations,
            errors: item.errors,
            expires_at: state.expires_at,
        })
        .collect())
}

fn body(
    operation: OperationPart,
    part: RequesterPart,
    target: Option<Target>,
    members: Vec<McServiceId>,
) -> Result<OperationBody, RecordError> {
    let incomplete = RecordError::Incomplete("the part of the requester names nobody");
    Ok(match operation {
        OperationPart::GroupMembershipUpdate {
            group,
            change,
            has_target,
        } => {
            let nobody = Target {
                mc_service_id: None,
                functional_alias: None,
            };
            if has_target && target.is_none() {
                return Err(RecordError::Incomplete("the part of the target is missing"));
            }
            OperationBody::GroupMembershipUpdate(GroupMembershipUpdate {
                requester: part.requester.ok_or(incomplete)?,
                target: target.unwrap_or(nobody),
                group,
                members,
                change,
            })
        }
        OperationPart::Affiliation {
            group,
            service,
            serving_system,
        } => OperationBody::Affiliation(Affiliation {
            user: part.user.ok_or(incomplete)?,
            group,
            service,
            serving_system,
        }),
        OperationPart::MigrationServiceAuthorization {
            services,
            profile_index,
        } => OperationBody::MigrationServiceAuthorization(MigrationServiceAuthorization {
            user: part.user.ok_or(incomplete)?,
            serving_mc_service_id: part.serving_mc_service_id,
            services,
            profile_index,
        }),
        OperationPart::UeConfigurationPush {
            mc_system_id,
            configuration,
        } => OperationBody::UeConfigurationPush(UeConfigurationPush {
            requester: part.requester.ok_or(incomplete)?,
            mc_system_id,
            configuration: PushedConfiguration::Sealed(configuration),
        }),
    })
}
