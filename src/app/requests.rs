//! Reading requests back: the answer is made from the record, the states from the store.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::app::App;
use crate::app::answer::BundleAnswer;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::RequestAnswer;
use crate::app::answer::ResponseAnswer;
use crate::app::decide_again::RevocationPart;
use crate::app::decide_again::Revoked;
use crate::app::disclosure::DisclosureAnswer;
use crate::app::disclosure::told;
use crate::app::error::AppError;
use crate::app::outward::PartnerView;
use crate::app::permission::Action;
use crate::app::report::PartnerAnswer;
use crate::app::report::ReportAnswer;
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
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
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
        let answer = self.request_answer(id)?;
        Ok(self.shown_to(caller, id, answer))
    }

    /// A request as the partner may see it, and its version.
    pub fn partner_view(
        &self,
        caller: &Caller,
        id: RequestId,
    ) -> Result<(PartnerView, u64), AppError> {
        self.permit_on_request(caller, Action::ReadRequest, id)?;
        let standing = self.standing(id)?;
        let view = PartnerView::new(&standing.record.request, &standing.items);
        Ok((view, standing.entry.version))
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
            .map(|(_, id)| self.request(caller, id))
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

    /// What the log and the store say of a request.
    fn standing(&self, id: RequestId) -> Result<Standing, AppError> {
        let entry = self.request_entry(id)?;
        let stored = self.entry(entry.submitted)?;
        let mut record = decision_record(&stored)?;
        let (mut responses, mut reports) = (Vec::new(), Vec::new());
        let mut when_refused: BTreeMap<usize, Vec<Obligation>> =
            refusal_obligations(&record.items).collect();
        let mut disclosed: Vec<DisclosureAnswer> = told(&stored).into_iter().collect();
        for index in &entry.further {
            let stored = self.entry(*index)?;
            disclosed.extend(told(&stored));
            if stored.leaf.kind() == LeafKind::Review {
                when_refused.extend(refusal_obligations(&decision_record(&stored)?.items));
                responses.push(response_answer(*index, &stored)?);
            } else if stored.leaf.kind() == LeafKind::Report {
                reports.push(report_answer(*index, &stored)?);
            }
        }
        let partner = partner_answers(&reports, &entry.items, |item| {
            when_refused.get(&item).cloned().unwrap_or_default()
        });
        let decisions = std::mem::take(&mut record.items);
        let items = entry.items.iter().zip(decisions).enumerate();
        let items = items
            .map(|(number, (state, decision))| {
                let submitted = DecisionAnswer::from(decision);
                let decided = latest_evaluation(&responses, number, submitted);
                let refused = reports.iter().rev().find_map(|it| it.refusal(number));
                (refused.unwrap_or(decided), *state)
            })
            .collect();
        Ok(Standing {
            revoked: revoked(&stored),
            reports,
            partner,
            receipt: receipt(entry.submitted, &stored),
            entry,
            record,
            responses,
            disclosed,
            items,
        })
    }

    pub(in crate::app) fn request_answer(&self, id: RequestId) -> Result<RequestAnswer, AppError> {
        let Standing {
            entry,
            receipt,
            record,
            responses,
            disclosed,
            items,
            reports,
            mut partner,
            mut revoked,
        } = self.standing(id)?;
        let items = items.into_iter().enumerate();
        let items = items.map(|(number, (decision, state))| ItemAnswer {
            revoked: revoked.remove(&number),
            ..ItemAnswer::new(decision, state, partner.remove(&number))
        });
        Ok(RequestAnswer {
            id: id.to_string(),
            status: status(entry.items.iter().copied()),
            operation: record.request.body.operation(),
            direction: record.request.direction,
            correlation_id: record.request.correlation_id,
            items: items.collect(),
            selection: record.selection,
            bundle: BundleAnswer {
                generation: record.bundle.generation,
                digest: record.bundle.digest,
            },
            record: receipt,
            decided_at: record.now,
            responses,
            reports,
            disclosed,
            version: entry.version,
        })
    }
}

/// A request and what became of it.
struct Standing {
    entry: RequestEntry,
    receipt: Receipt,
    /// As it was submitted, without its items.
    record: DecisionRecord,
    responses: Vec<ResponseAnswer>,
    disclosed: Vec<DisclosureAnswer>,
    reports: Vec<ReportAnswer>,
    /// What the partner answered, by item.
    partner: BTreeMap<usize, PartnerAnswer>,
    /// What ended with the decision, by item.
    revoked: BTreeMap<usize, Revoked>,
    /// What was last decided about each item, and where it stands.
    items: Vec<(DecisionAnswer, ItemState)>,
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

/// What ended with a decision, by item.
fn revoked(stored: &StoredEntry) -> BTreeMap<usize, Revoked> {
    let parts = record_parts(stored);
    let parts = parts.iter();
    let parts = parts.filter_map(|part| serde_json::from_slice::<RevocationPart>(&part.body).ok());
    let ended = parts.flat_map(|part| part.revoked);
    ended
        .filter_map(|mut ended| Some((ended.item.take()?, ended)))
        .collect()
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
        .filter(|part| !is_attached(part))
        .collect();
    DecisionRecord::from_parts(&parts).map_err(|error| AppError::Broken(Box::new(error)))
}

/// What stands beside the decision in its record, by the word that such parts begin with.
const ATTACHED: [&str; 9] = [
    "review",
    "reviewer",
    "report",
    "partner-words",
    "revocation",
    "sealed-configuration",
    "disclosure",
    "disclosed",
    "disclosed-user",
];

#[derive(Deserialize)]
struct Tagged {
    part: String,
}

fn is_attached(part: &RecordPart) -> bool {
    let tagged = serde_json::from_slice::<Tagged>(&part.body);
    tagged.is_ok_and(|tagged| ATTACHED.contains(&tagged.part.as_str()))
}

/// Who answered, if the entry is an answer and they are not erased.
pub(in crate::app) fn reviewer_of(stored: &StoredEntry) -> Option<McServiceId> {
    let parts = record_parts(stored);
    let mut parts = parts.iter();
    let reviewer: ReviewerPart = parts.find_map(|part| serde_json::from_slice(&part.body).ok())?;
    Some(reviewer.reviewer)
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
