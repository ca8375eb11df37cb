//! Answering held items. Approval is a decision too: the ceiling is evaluated again, with fresh facts.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::answer::RequestAnswer;
use crate::app::consequence::Granted;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::error::Standing;
use crate::app::permission::Action;
use crate::app::response_settings::change_of;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::submit::Evaluation;
use crate::app::submit::accepted_state;
use crate::app::submit::is_accepted;
use crate::app::submit::record;
use crate::app::taken_back::TakenBack;
use crate::decision::decide::DeterminingPolicy;
use crate::decision::facts::Lookup;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::status;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::time::Timestamp;
use crate::domain::user::User;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Respond;
use crate::store::state::RequestEntry;
use crate::store::state::State;

const REASON_BYTES_MAX: usize = 4_096;

/// What an authorised user answers to held items.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewAnswer {
    /// Approve or deny.
    pub answer: Verdict,
    /// Why; never empty.
    pub reason: String,
    /// The authorised user at the ACM client, as the front-end attests them.
    pub reviewer: McServiceId,
    /// The items answered, by number from 0; absent: every pending one.
    #[serde(default)]
    pub items: Option<Vec<usize>>,
}

/// The two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Grant what is asked, if policy still permits it.
    Approve,
    /// Refuse it.
    Deny,
}

/// The part of a record that says what was answered; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "review")]
pub(in crate::app) struct ReviewPart {
    pub(in crate::app) answer: Verdict,
    pub(in crate::app) items: Vec<usize>,
    /// Items that are not granted because they were taken back since they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::app) taken_back: Vec<usize>,
    pub(in crate::app) answered_at: Timestamp,
    pub(in crate::app) caller: String,
}

/// The part of a record that says who answered, and in which words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "reviewer")]
pub(in crate::app) struct ReviewerPart {
    pub(in crate::app) reviewer: McServiceId,
    pub(in crate::app) reason: String,
}

impl App {
    /// Answers held items of a request.
    ///
    /// `required` is the version of the request that the reviewer saw.
    pub async fn respond(
        &self,
        caller: Caller,
        id: RequestId,
        answer: ReviewAnswer,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(&caller, Action::AnswerRequest, id)?;
        check_reason(&answer)?;
        let app = self.clone();
        let work = async move { Box::pin(app.respond_checked(caller, id, answer, required)).await };
        tokio::spawn(work)
            .await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn respond_checked(
        &self,
        caller: Caller,
        id: RequestId,
        answer: ReviewAnswer,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let standing = self.aside(move |app| app.standing(id)).await?;
            let known = standing.policies();
            let (mut entry, request) = (standing.entry, standing.record.request);
            check_version(id, &entry, required)?;
            self.check_reviewer(&caller, &answer.reviewer, &entry, &request)?;
            // Nobody publishes between the gate and the publication of a change of responses.
            let change = change_of(&request).cloned();
            let publishing = match &change {
                Some(_) => Some(self.publishing().lock().await),
                None => None,
            };
            let taken_back = self.taken_back(&request, entry.submitted)?;
            let evaluation = self.evaluate(&request).await?;
            entry.stands_at(evaluation.now);
            let items = answered_items(&answer, &entry)?;
            let mut decided = Decided {
                request,
                evaluation,
                items,
                known,
                taken_back,
                told: Vec::new(),
            };
            let granted = decided.granted(&entry, &answer);
            let evaluation = &mut decided.evaluation;
            decided.told = self.disclosed((&decided.request, id), evaluation, &granted)?;
            let candidate = match change.filter(|_| !granted.is_empty()) {
                Some(change) => Some(self.changed_responses(&change, id, evaluation).await?),
                None => None,
            };
            let command = response(&caller, id, &entry, &answer, decided)?;
            match self.commit(Command::Respond(command)).await {
                Ok(_) => {
                    if let Some(candidate) = candidate {
                        self.publish_responses(candidate, id).await;
                    }
                    drop(publishing);
                    let answer = self.aside(move |app| app.request_answer(id)).await?;
                    return Ok(self.shown_to(&caller, id, answer));
                }
                Err(CommitError::Refused(Refusal::Stale(_))) => {
                    let sequenced = self.store().view(State::generation);
                    self.live().reached(sequenced).await;
                }
                // Somebody else answered first: what that left is looked at anew, unless the reviewer named
                // the version that they saw.
                Err(CommitError::Refused(Refusal::Version { .. } | Refusal::NotPending { .. }))
                    if required.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }
}

impl App {
    /// The reviewer is an enabled user of ours, and neither asked for this nor gets it (ruling 26).
    fn check_reviewer(
        &self,
        caller: &Caller,
        reviewer: &McServiceId,
        entry: &RequestEntry,
        request: &InterSystemRequest,
    ) -> Result<(), AppError> {
        let concerned = concerned_identities(&request.body);
        let same_text =
            |other: &McServiceId| other.uri().subscriber() == reviewer.uri().subscriber();
        if *entry.caller == *caller.name || concerned.iter().any(same_text) {
            return Err(AppError::Originator);
        }
        self.store().view(|state| {
            let person = state.person(reviewer).ok_or(AppError::UnknownReviewer)?;
            if concerned
                .iter()
                .any(|id| state.person(id).as_ref() == Some(&person))
            {
                return Err(AppError::Originator);
            }
            let key = DocumentKey {
                kind: DocumentKind::User,
                id: person,
            };
            match state.document(&key).map(|found| found.value).as_deref() {
                Some(Document::User(user)) if user.enabled => administers(user, request),
                _ => Err(AppError::UnknownReviewer),
            }
        })
    }
}

/// Automatic responses are changed by policy administrators alone: two of them (ruling 25).
fn administers(user: &User, request: &InterSystemRequest) -> Result<(), AppError> {
    let operation = request.body.operation();
    let is_change = operation == Operation::AutomaticResponseChange;
    if is_change && !user.acm_operations.contains(&operation) {
        return Err(AppError::NoPolicyAdministrator);
    }
    Ok(())
}

/// Everyone who asked for a request or gets something by it.
fn concerned_identities(body: &OperationBody) -> Vec<McServiceId> {
    let elements = body.elements();
    let mut concerned: Vec<McServiceId> = elements.requesting_user().cloned().into_iter().collect();
    let alias = elements
        .requester()
        .and_then(|requester| requester.functional_alias.as_ref());
    concerned.extend(alias.map(|alias| McServiceId::from(alias.uri().clone())));
    concerned.extend(elements.subject().cloned());
    let listed = (0..elements.listed()).filter_map(|number| elements.listed_subject(number));
    concerned.extend(listed.cloned());
    concerned
}

fn check_reason(answer: &ReviewAnswer) -> Result<(), AppError> {
    let detail = if answer.reason.trim().is_empty() {
        "a reason is required"
    } else if answer.reason.len() > REASON_BYTES_MAX {
        "the reason is longer than 4,096 bytes"
    } else {
        return Ok(());
    };
    Err(AppError::Invalid(vec![Invalid::at("/reason", detail)]))
}

pub(in crate::app) fn check_version(
    id: RequestId,
    entry: &RequestEntry,
    required: Option<u64>,
) -> Result<(), AppError> {
    if required.is_some_and(|required| required != entry.version) {
        return Err(AppError::RevisionMismatch {
            key: id.to_string(),
            present: Some(Revision(entry.version)),
        });
    }
    Ok(())
}

pub(in crate::app) fn standing(entry: &RequestEntry) -> Standing {
    Standing {
        status: status(entry.items.iter().copied()),
        states: entry.items.iter().map(|item| item.as_str()).collect(),
        version: entry.version,
    }
}

fn answered_items(answer: &ReviewAnswer, entry: &RequestEntry) -> Result<Vec<usize>, AppError> {
    let pending = |number: &usize| {
        entry
            .items
            .get(*number)
            .is_some_and(|item| item.is_pending())
    };
    let items: Vec<usize> = match &answer.items {
        Some(items) => items.clone(),
        None => (0..entry.items.len()).filter(pending).collect(),
    };
    let not_pending = |detail: String| AppError::NotPending {
        detail,
        current: Some(Box::new(standing(entry))),
    };
    if items.is_empty() {
        return Err(not_pending("no item of the request is pending".to_owned()));
    }
    let mut seen = BTreeSet::new();
    for (place, number) in items.iter().enumerate() {
        if !seen.insert(*number) {
            let detail = format!("item {number} is named twice");
            return Err(AppError::Invalid(vec![Invalid::at(
                format!("/items/{place}"),
                detail,
            )]));
        }
        match entry.items.get(*number) {
            Some(ItemState::Pending { .. }) => {}
            Some(ItemState::Expired) => {
                return Err(not_pending(format!("item {number} has expired")));
            }
            Some(
                ItemState::Granted
                | ItemState::Refused
                | ItemState::AtPartner { .. }
                | ItemState::Answered { .. },
            )
            | None => {
                return Err(not_pending(format!("item {number} is not pending")));
            }
        }
    }
    Ok(items)
}

/// What an answer is made of.
struct Decided {
    request: InterSystemRequest,
    evaluation: Evaluation,
    items: Vec<usize>,
    known: BTreeSet<String>,
    /// What was taken back since it was asked for.
    taken_back: TakenBack,
    /// What it discloses, as parts of its record.
    told: Vec<RecordPart>,
}

impl Decided {
    /// What becomes of every item that is answered.
    fn states(&self, entry: &RequestEntry, answer: &ReviewAnswer) -> Vec<(usize, ItemState)> {
        let state = |number: &usize| {
            let present = entry.items.get(*number).copied();
            let state = match answer.answer {
                Verdict::Approve => self.approved(*number, present.unwrap_or(ItemState::Refused)),
                Verdict::Deny => ItemState::Refused,
            };
            (*number, state)
        };
        self.items.iter().map(state).collect()
    }

    /// The numbers of the items that are granted.
    fn granted(&self, entry: &RequestEntry, answer: &ReviewAnswer) -> Vec<usize> {
        let states = self.states(entry, answer).into_iter();
        let granted = states.filter(|(_, state)| is_accepted(*state));
        granted.map(|(number, _)| number).collect()
    }

    /// What approval makes of an item: the ceiling, evaluated now, has the last word, and a hold that the
    /// reviewer could not have seen keeps the item pending.
    fn approved(&self, number: usize, present: ItemState) -> ItemState {
        let Some(decision) = self.evaluation.items.get(number) else {
            return ItemState::Refused;
        };
        if self.taken_back.items.contains(&number) {
            return ItemState::Refused;
        }
        let is_new = |policy: &DeterminingPolicy| !self.known.contains(&policy.id);
        match decision.outcome {
            Outcome::Review if decision.policies.iter().any(is_new) => present,
            Outcome::Accept | Outcome::Review => accepted_state(&self.request, self.evaluation.now),
            Outcome::Reject => ItemState::Refused,
        }
    }
}

fn response(
    caller: &Caller,
    id: RequestId,
    entry: &RequestEntry,
    answer: &ReviewAnswer,
    decided: Decided,
) -> Result<Respond, AppError> {
    let states = decided.states(entry, answer).into_iter();
    let items = states.map(|(number, state)| (u32::try_from(number).unwrap_or(u32::MAX), state));
    let items: Vec<(u32, ItemState)> = items.collect();
    let granted = decided.granted(entry, answer);
    let Decided {
        request,
        evaluation,
        items: numbers,
        told,
        taken_back,
        ..
    } = decided;
    let writes = Granted {
        request: &request,
        request_id: id,
        evaluation: &evaluation,
        submitted: Some(Revision(entry.submitted.0)),
        items: granted,
    }
    .writes()?;
    let (read_set, at) = (evaluation.read_set.clone(), evaluation.now);
    let record = record(caller, &request, id, evaluation);
    let mut parts = record
        .into_parts()
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    parts.extend(told);
    parts.push(part(
        PartClass::State,
        &ReviewPart {
            answer: answer.answer,
            taken_back: numbers
                .iter()
                .copied()
                .filter(|number| taken_back.items.contains(number))
                .collect(),
            items: numbers,
            answered_at: at,
            caller: caller.name.clone(),
        },
    )?);
    parts.push(part(
        PartClass::Personal(answer.reviewer.to_string()),
        &ReviewerPart {
            reviewer: answer.reviewer.clone(),
            reason: answer.reason.clone(),
        },
    )?);
    Ok(Respond {
        request_id: id,
        expected_version: entry.version,
        items,
        read_set,
        reduced: Some(taken_back.seen),
        writes,
        parts,
        at,
    })
}

fn part(class: PartClass, body: &impl Serialize) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
