//! Answering held items. Approval is a decision too: the ceiling is evaluated again, with fresh facts.

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::permission::Action;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::submit::Evaluation;
use crate::app::submit::granted_writes;
use crate::app::submit::record;
use crate::decision::decide::ItemDecision;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::outcome::Outcome;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Respond;
use crate::store::state::RequestEntry;

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
        self.permit(&caller, Action::AnswerRequest)?;
        check_reason(&answer)?;
        let app = self.clone();
        let work =
            tokio::spawn(async move { app.respond_checked(caller, id, answer, required).await });
        work.await
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
            let entry = self.request_entry(id)?;
            check_version(id, &entry, required)?;
            let request = self.submitted_record(&entry)?.request;
            check_originator(&caller, &answer.reviewer, &entry, &request)?;
            let evaluation = self.evaluate(&request).await?;
            let items = answered_items(&answer, &entry, evaluation.now)?;
            let command = response(&caller, id, &entry, &answer, (request, evaluation, items))?;
            match self.store().commit(Command::Respond(command)).await {
                Ok(_) => return self.request_answer(id),
                Err(CommitError::Refused(Refusal::Stale(_))) => {
                    let sequenced = self
                        .store()
                        .view(super::super::store::state::State::generation);
                    self.live().reached(sequenced).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }
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

fn check_version(
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

fn check_originator(
    caller: &Caller,
    reviewer: &McServiceId,
    entry: &RequestEntry,
    request: &InterSystemRequest,
) -> Result<(), AppError> {
    if request.body.requesting_user() == reviewer || *entry.caller == *caller.name {
        return Err(AppError::Originator);
    }
    Ok(())
}

fn answered_items(
    answer: &ReviewAnswer,
    entry: &RequestEntry,
    now: Timestamp,
) -> Result<Vec<usize>, AppError> {
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
    if items.is_empty() {
        return Err(AppError::NotPending(
            "no item of the request is pending".to_owned(),
        ));
    }
    for number in &items {
        if !pending(number) {
            return Err(AppError::NotPending(format!(
                "item {number} is not pending"
            )));
        }
        if answer.answer == Verdict::Approve
            && entry
                .items
                .get(*number)
                .is_some_and(|item| item.is_overdue(now))
        {
            return Err(AppError::NotPending(format!("item {number} has expired")));
        }
    }
    Ok(items)
}

/// What approval makes of an item: the ceiling, evaluated now, has the last word.
fn approved_state(decision: Option<&ItemDecision>) -> ItemState {
    match decision.map(|decision| decision.outcome) {
        Some(Outcome::Accept | Outcome::Review) => ItemState::Granted,
        Some(Outcome::Reject) | None => ItemState::Refused,
    }
}

fn response(
    caller: &Caller,
    id: RequestId,
    entry: &RequestEntry,
    answer: &ReviewAnswer,
    decided: (InterSystemRequest, Evaluation, Vec<usize>),
) -> Result<Respond, AppError> {
    let (request, evaluation, numbers) = decided;
    let items: Vec<(u32, ItemState)> = numbers
        .iter()
        .map(|number| {
            let state = match answer.answer {
                Verdict::Approve => approved_state(evaluation.items.get(*number)),
                Verdict::Deny => ItemState::Refused,
            };
            (u32::try_from(*number).unwrap_or(u32::MAX), state)
        })
        .collect();
    let grants = items.iter().any(|(_, state)| *state == ItemState::Granted);
    let writes = if grants {
        granted_writes(&request)?
    } else {
        Vec::new()
    };
    let (read_set, at) = (evaluation.read_set.clone(), evaluation.now);
    let record = record(caller, &request, id, evaluation);
    let mut parts = record
        .into_parts()
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    parts.push(part(
        PartClass::State,
        &ReviewPart {
            answer: answer.answer,
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
        writes,
        parts,
        at,
    })
}

fn part(class: PartClass, body: &impl Serialize) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
