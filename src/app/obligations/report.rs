//! What the enforcing side reports of an obligation: done, or failed.

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::obligations::ObligationAnswer;
use crate::app::permission::Action;
use crate::app::respond::check_version;
use crate::app::submit::ATTEMPTS_MAX;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::obligation::ObligationId;
use crate::domain::obligation::ObligationOutcome;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::NoteObligation;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::state::ObligationState;
use crate::store::state::RequestEntry;

const DETAIL_BYTES_MAX: usize = 4_096;

/// How far ahead of ours the clock of whoever reports may be.
const CLOCK_LEEWAY_MILLISECONDS: i64 = 30_000;

/// Under what a part is found that says something freely and is about nobody in particular.
const TEXT_SUBJECT: &str = "text";

/// What became of an obligation, as a front-end reports it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObligationReport {
    /// Whether it was done.
    pub outcome: ObligationOutcome,
    /// What there is to say of it.
    #[serde(default)]
    pub detail: Option<String>,
    /// When it happened.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// The part of a record that says what was reported; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "obligation")]
struct ObligationPart {
    obligation: ObligationId,
    outcome: ObligationOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    reported_at: Timestamp,
    caller: String,
}

/// The part of a record that says what was said of it freely.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "obligation-words")]
struct ObligationWordsPart {
    detail: String,
}

/// What the record of a report says beside the state.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Reported {
    pub(super) at: Option<Timestamp>,
    pub(super) detail: Option<String>,
}

impl Reported {
    /// Reads the parts of a report that are left.
    pub(in crate::app) fn read(parts: &[RecordPart]) -> Self {
        let of = |part: &RecordPart| serde_json::from_slice::<ObligationPart>(&part.body).ok();
        let words = |part: &RecordPart| serde_json::from_slice::<ObligationWordsPart>(&part.body);
        Self {
            at: parts.iter().find_map(of).and_then(|part| part.at),
            detail: parts.iter().find_map(|part| Some(words(part).ok()?.detail)),
        }
    }
}

/// That something is reported before it has happened, if it is.
pub(in crate::app) fn still_to_come(at: Option<Timestamp>, now: Timestamp) -> Option<Invalid> {
    let latest = now.plus_milliseconds(CLOCK_LEEWAY_MILLISECONDS);
    let detail = "it has not come yet: report what has happened, with the time at which it did";
    at.filter(|at| *at > latest)
        .map(|_| Invalid::at("/at", detail))
}

impl ObligationReport {
    /// What can be seen to be wrong without the request.
    fn check(&self, now: Timestamp) -> Result<(), AppError> {
        let mut problems = Vec::new();
        let length = self.detail.as_ref().map_or(1, String::len);
        if length == 0 || length > DETAIL_BYTES_MAX {
            let detail = "the detail has 1 to 4,096 bytes; leave it out where there is none";
            problems.push(Invalid::at("/detail", detail));
        }
        problems.extend(still_to_come(self.at, now));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid(problems))
        }
    }
}

impl App {
    /// Takes in what became of an obligation; what is known already changes nothing.
    ///
    /// `required` is the version of the request on which whoever reports relies. Says where the obligation stands, and
    /// the version of the request.
    pub async fn report_obligation(
        &self,
        caller: Caller,
        (id, obligation): (RequestId, ObligationId),
        report: ObligationReport,
        required: Option<u64>,
    ) -> Result<(ObligationAnswer, u64), AppError> {
        self.permit_on_request(&caller, Action::ReportObligation, id)?;
        report.check(self.now())?;
        let app = self.clone();
        let work = tokio::spawn(async move {
            let about = (id, obligation);
            Box::pin(app.report_checked_obligation(caller, about, report, required)).await
        });
        work.await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn report_checked_obligation(
        &self,
        caller: Caller,
        (id, obligation): (RequestId, ObligationId),
        report: ObligationReport,
        required: Option<u64>,
    ) -> Result<(ObligationAnswer, u64), AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let entry = self.request_entry(id)?;
            check_version(id, &entry, required)?;
            let unknown = || AppError::UnknownObligation(obligation);
            let tracked = entry.obligations.get(obligation).ok_or_else(unknown)?;
            let before = tracked.report.as_ref().map(|noted| noted.outcome);
            if before == Some(report.outcome) {
                return self.obligation_answer(&entry, obligation);
            }
            if tracked.state() == ObligationState::Done {
                let detail = format!("obligation `{obligation}` was done: it cannot fail any more");
                return Err(AppError::ObligationSettled(detail));
            }
            let command = NoteObligation {
                parts: self.obligation_parts(&caller, &entry, obligation, &report)?,
                request_id: id,
                expected_version: required,
                obligation,
                outcome: report.outcome,
                caller: caller.name.as_str().into(),
                at: self.now(),
            };
            match self.commit(Command::NoteObligation(command)).await {
                Ok(_) => {
                    let entry = self.request_entry(id)?;
                    return self.obligation_answer(&entry, obligation);
                }
                // Another report came first, or what was granted ended: what this one still says is looked at anew.
                Err(CommitError::Refused(
                    Refusal::ObligationDone(_)
                    | Refusal::NothingDue
                    | Refusal::UnknownObligation(_),
                )) if required.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }

    fn obligation_answer(
        &self,
        entry: &RequestEntry,
        obligation: ObligationId,
    ) -> Result<(ObligationAnswer, u64), AppError> {
        let tracked = entry.obligations.get(obligation);
        let tracked = tracked.ok_or(AppError::UnknownObligation(obligation))?;
        let answer = ObligationAnswer::new(obligation, tracked, self.present().earliest);
        Ok((answer, entry.version))
    }

    /// What was said freely is found under whom the item is about.
    fn obligation_parts(
        &self,
        caller: &Caller,
        entry: &RequestEntry,
        obligation: ObligationId,
        report: &ObligationReport,
    ) -> Result<Vec<RecordPart>, AppError> {
        let said = ObligationPart {
            obligation,
            outcome: report.outcome,
            at: report.at,
            reported_at: self.now(),
            caller: caller.name.clone(),
        };
        let mut parts = vec![part(PartClass::State, &said)?];
        if let Some(detail) = report.detail.clone() {
            let submitted = self.submitted_record(entry)?;
            let number = obligation.item.and_then(|item| usize::try_from(item).ok());
            let item = number.and_then(|number| submitted.items.get(number));
            let subject = item.and_then(|item| item.item.subject.as_ref());
            let subject = subject.map_or_else(|| TEXT_SUBJECT.to_owned(), ToString::to_string);
            let words = ObligationWordsPart { detail };
            parts.push(part(PartClass::Personal(subject), &words)?);
        }
        Ok(parts)
    }
}

fn part(class: PartClass, body: &impl Serialize) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
