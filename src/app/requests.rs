//! Reading requests back: the answer is made from the record, the states from the store.

use std::collections::BTreeMap;

use crate::app::App;
use crate::app::answer::BundleAnswer;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::RequestAnswer;
use crate::app::answer::ResponseAnswer;
use crate::app::decide_again::RevocationPart;
use crate::app::decide_again::Revoked;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::report::ReportPart;
use crate::app::report::WordsPart;
use crate::app::report::partner_answers;
use crate::app::report::report_answer;
use crate::app::respond::ReviewPart;
use crate::app::respond::ReviewerPart;
use crate::decision::decide::ItemDecision;
use crate::decision::obligation::Obligation;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::decision_log::PartClass as LeafPartClass;
use crate::decision_log::StoredPart;
use crate::domain::lifecycle::status;
use crate::domain::outcome::Outcome;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
use crate::store::state::RequestEntry;

/// How many requests with one correlation id are told at once.
const CORRELATED_REQUESTS_MAX: usize = 100;

impl App {
    /// A request and where it stands.
    pub fn request(&self, caller: &Caller, id: RequestId) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(caller, Action::ReadRequest, id)?;
        self.request_answer(id)
    }

    /// Requests with a correlation id, oldest first, as far as the caller may read them; the latest where there are
    /// too many. Those that ended long ago are found by their own names alone.
    pub fn correlated_requests(
        &self,
        caller: &Caller,
        correlation_id: &str,
    ) -> Result<Vec<RequestAnswer>, AppError> {
        self.permit_on_requests_of(caller, Action::ReadRequest, &caller.name)?;
        let Some(digest) = self.sealing_key().correlation(correlation_id) else {
            return Ok(Vec::new());
        };
        let mut found: Vec<(LogIndex, RequestId)> = self.store().view(|state| {
            let found = state.correlated(&digest);
            let readable = found.filter(|entry| {
                let may = self.permit_on_requests_of(caller, Action::ReadRequest, &entry.caller);
                may.is_ok()
            });
            readable.map(|entry| (entry.submitted, entry.id)).collect()
        });
        found.sort_unstable();
        let latest = found.len().saturating_sub(CORRELATED_REQUESTS_MAX);
        let latest = found.split_off(latest);
        latest
            .into_iter()
            .map(|(_, id)| self.request_answer(id))
            .collect()
    }

    pub(in crate::app) fn request_entry(&self, id: RequestId) -> Result<RequestEntry, AppError> {
        self.store()
            .request(id)
            .map_err(|error| AppError::Broken(Box::new(error)))?
            .map(|entry| RequestEntry::clone(&entry))
            .ok_or_else(|| AppError::UnknownRequest(id.to_string()))
    }

    pub(in crate::app) fn submitted_record(
        &self,
        entry: &RequestEntry,
    ) -> Result<DecisionRecord, AppError> {
        decision_record(&self.entry(entry.submitted)?)
    }

    pub(in crate::app) fn entry(&self, index: LogIndex) -> Result<StoredEntry, AppError> {
        self.store()
            .record(index)
            .map_err(|error| AppError::Broken(Box::new(error)))
    }

    pub(in crate::app) fn request_answer(&self, id: RequestId) -> Result<RequestAnswer, AppError> {
        let entry = self.request_entry(id)?;
        let stored = self.entry(entry.submitted)?;
        let record = decision_record(&stored)?;
        let (mut responses, mut reports) = (Vec::new(), Vec::new());
        let mut when_refused: BTreeMap<usize, Vec<Obligation>> =
            refusal_obligations(&record.items).collect();
        for index in &entry.further {
            let stored = self.entry(*index)?;
            if stored.leaf.kind() == LeafKind::Review {
                when_refused.extend(refusal_obligations(&decision_record(&stored)?.items));
                responses.push(response_answer(*index, &stored)?);
            } else if stored.leaf.kind() == LeafKind::Report {
                reports.push(report_answer(*index, &stored)?);
            }
        }
        let mut partner = partner_answers(&reports, &entry.items, |item| {
            when_refused.get(&item).cloned().unwrap_or_default()
        });
        let ended = record_parts(&stored);
        let ended = ended.iter().filter_map(revoked).flatten();
        let ended: BTreeMap<usize, Revoked> = ended
            .filter_map(|mut ended| Some((ended.item.take()?, ended)))
            .collect();
        let items = entry.items.iter().zip(record.items).enumerate();
        let items = items
            .map(|(number, (state, decision))| {
                let submitted = DecisionAnswer::from(decision);
                let decision = latest_evaluation(&responses, number, submitted);
                ItemAnswer {
                    revoked: ended.get(&number).cloned(),
                    ..ItemAnswer::new(decision, *state, partner.remove(&number))
                }
            })
            .collect();
        Ok(RequestAnswer {
            id: id.to_string(),
            status: status(entry.items.iter().copied()),
            operation: record.request.body.operation(),
            direction: record.request.direction,
            correlation_id: record.request.correlation_id,
            items,
            selection: record.selection,
            bundle: BundleAnswer {
                generation: record.bundle.generation,
                digest: record.bundle.digest,
            },
            record: receipt(entry.submitted, &stored),
            decided_at: record.now,
            responses,
            reports,
            version: entry.version,
        })
    }
}

/// What a partner's refusal of an item obliges to; an evaluation that refused it says nothing of that.
fn refusal_obligations(
    items: &[ItemDecision],
) -> impl Iterator<Item = (usize, Vec<Obligation>)> + use<> {
    let said = items.iter().enumerate();
    let said = said.filter(|(_, item)| item.outcome != Outcome::Reject);
    let said: Vec<_> = said
        .map(|(number, item)| (number, item.when_refused.clone()))
        .collect();
    said.into_iter()
}

/// What was last decided about an item: at an answer to it, else when it was submitted.
///
/// By when it can be approved was settled when it was submitted.
fn latest_evaluation(
    responses: &[ResponseAnswer],
    number: usize,
    submitted: DecisionAnswer,
) -> DecisionAnswer {
    let evaluated = responses.iter().rev().find_map(|response| {
        let place = response.items.iter().position(|item| *item == number)?;
        response.evaluated.get(place).cloned()
    });
    match evaluated {
        Some(evaluated) => DecisionAnswer {
            expires_at: submitted.expires_at,
            ..evaluated
        },
        None => submitted,
    }
}

pub(in crate::app) fn receipt(index: LogIndex, stored: &StoredEntry) -> Receipt {
    Receipt {
        index: index.0,
        leaf_hash: stored.leaf.hash().to_string(),
    }
}

/// The parts of the decision record that are left.
pub(in crate::app) fn record_parts(stored: &StoredEntry) -> Vec<RecordPart> {
    stored
        .record
        .iter()
        .filter_map(StoredPart::present)
        .map(|part| RecordPart {
            class: match &part.class {
                LeafPartClass::State => PartClass::State,
                LeafPartClass::Personal { subject_key } => PartClass::Personal(subject_key.clone()),
            },
            body: part.body.clone(),
        })
        .collect()
}

/// The decision that an entry records.
pub(in crate::app) fn decision_record(stored: &StoredEntry) -> Result<DecisionRecord, AppError> {
    let parts: Vec<RecordPart> = record_parts(stored)
        .into_iter()
        .filter(|part| !is_review(part) && !is_report(part) && revoked(part).is_none())
        .collect();
    DecisionRecord::from_parts(&parts).map_err(|error| AppError::Broken(Box::new(error)))
}

/// What ended with a decision, if the part says that.
fn revoked(part: &RecordPart) -> Option<Vec<Revoked>> {
    let part: RevocationPart = serde_json::from_slice(&part.body).ok()?;
    Some(part.revoked)
}

fn is_report(part: &RecordPart) -> bool {
    serde_json::from_slice::<ReportPart>(&part.body).is_ok()
        || serde_json::from_slice::<WordsPart>(&part.body).is_ok()
}

fn is_review(part: &RecordPart) -> bool {
    serde_json::from_slice::<ReviewPart>(&part.body).is_ok()
        || serde_json::from_slice::<ReviewerPart>(&part.body).is_ok()
}

fn response_answer(index: LogIndex, stored: &StoredEntry) -> Result<ResponseAnswer, AppError> {
    let parts = record_parts(stored);
    let review: ReviewPart = parts
        .iter()
        .find_map(|part| serde_json::from_slice(&part.body).ok())
        .ok_or_else(|| AppError::Broken(format!("entry {} holds no review", index.0).into()))?;
    let reviewer: Option<ReviewerPart> = parts
        .iter()
        .find_map(|part| serde_json::from_slice(&part.body).ok());
    let decisions = parts_decisions(stored)?;
    Ok(ResponseAnswer {
        answer: review.answer,
        reason: reviewer.map_or_else(|| "erased".to_owned(), |part| part.reason),
        evaluated: review
            .items
            .iter()
            .filter_map(|number| decisions.get(*number).cloned())
            .map(Into::into)
            .collect(),
        items: review.items,
        answered_at: review.answered_at,
        record: receipt(index, stored),
    })
}

fn parts_decisions(stored: &StoredEntry) -> Result<Vec<ItemDecision>, AppError> {
    decision_record(stored).map(|record| record.items)
}
