//! Reading requests back: the answer is made from the record, the states from the store.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::app::App;
use crate::app::affected::Affected;
use crate::app::affected::FIRST_PAGE;
use crate::app::answer::BundleAnswer;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::RefusalAnswer;
use crate::app::answer::RequestAnswer;
use crate::app::answer::ResponseAnswer;
use crate::app::disclosure::DisclosureAnswer;
use crate::app::disclosure::told;
use crate::app::error::AppError;
use crate::app::outward::PartnerView;
use crate::app::permission::Action;
use crate::app::respond::ReviewPart;
use crate::app::respond::ReviewerPart;
use crate::decision::facts::other_system;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision_log::LogIndex;
use crate::decision_log::PartClass as LeafPartClass;
use crate::decision_log::StoredPart;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::status;
use crate::domain::operation::Direction;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::InformationElements;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;

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
        let mut responses = Vec::new();
        let mut disclosed: Vec<DisclosureAnswer> = told(&stored).into_iter().collect();
        let mut refusals = BTreeMap::new();
        let mut standing = RequestEntry::submitted_by(&stored.event, entry.submitted);
        for index in &entry.further {
            let stored = self.entry(*index)?;
            if answers(&stored.event, id) {
                disclosed.extend(told(&stored));
                responses.push(response_answer(*index, &stored)?);
            }
            if let Some(standing) = &mut standing {
                refusals.extend(refused_by(*index, &stored, standing));
            }
        }
        let decisions = std::mem::take(&mut record.items);
        let items = entry.items.iter().zip(decisions).enumerate();
        let items = items
            .map(|(number, (state, decision))| {
                let submitted = DecisionAnswer::from(decision);
                (latest_evaluation(&responses, number, submitted), *state)
            })
            .collect();
        Ok(Standing {
            receipt: receipt(entry.submitted, &stored),
            entry,
            record,
            responses,
            disclosed,
            items,
            refusals,
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
            mut refusals,
        } = self.standing(id)?;
        let affected = self.affected_of(&record.request, &entry);
        let answered = |(number, (decision, state))| {
            ItemAnswer::new(decision, state, refusals.remove(&number))
        };
        let items = items.into_iter().enumerate().map(answered).collect();
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
            record: receipt,
            decided_at: record.now,
            responses,
            disclosed,
            affected,
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
    /// What was last decided about each item, and where it stands.
    items: Vec<(DecisionAnswer, ItemState)>,
    /// Why items were refused that waited, by number.
    refusals: BTreeMap<usize, RefusalAnswer>,
}

impl App {
    /// What is affected by an interruption of ours that was granted.
    fn affected_of(&self, request: &InterSystemRequest, entry: &RequestEntry) -> Option<Affected> {
        let is_granted = entry.items.contains(&ItemState::Granted);
        let is_ours = request.direction == Direction::Outbound && is_granted;
        if let OperationBody::CooperationStatusChange(change) = &request.body
            && is_ours
            && change.is_reducing()
        {
            Some(self.affected_by(other_system(request), None, FIRST_PAGE))
        } else {
            None
        }
    }
}

/// Whether an event is an answer to the request, not one that merely concerns it.
fn answers(event: &Event, id: RequestId) -> bool {
    matches!(&event.body, EventBody::Responded { request_id, .. } if *request_id == id)
}

/// The items that an entry refuses because the agreement lapsed under which they waited; `standing` takes the entry in.
fn refused_by(
    index: LogIndex,
    stored: &StoredEntry,
    standing: &mut RequestEntry,
) -> Vec<(usize, RefusalAnswer)> {
    let before = standing.items.clone();
    standing.change_by(&stored.event, index);
    let Some(reason) = standing.lapse_by(&stored.event) else {
        return Vec::new();
    };
    let items = before.iter().zip(&standing.items).enumerate();
    let refused = items.filter(|(_, (before, after))| before.is_pending() && !after.is_pending());
    let refusal = |number| {
        let answer = RefusalAnswer {
            reason,
            refused_at: stored.event.at,
            record: receipt(index, stored),
        };
        (number, answer)
    };
    refused.map(|(number, _)| refusal(number)).collect()
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

fn receipt(index: LogIndex, stored: &StoredEntry) -> Receipt {
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
const ATTACHED: [&str; 6] = [
    "review",
    "reviewer",
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

fn parts_decisions(
    stored: &StoredEntry,
) -> Result<Vec<crate::decision::decide::ItemDecision>, AppError> {
    decision_record(stored).map(|record| record.items)
}
