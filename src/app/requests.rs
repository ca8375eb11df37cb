//! Reading requests back: the answer is made from the record, the states from the store.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::app::App;
use crate::app::answer::BundleAnswer;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::RequestAnswer;
use crate::app::answer::ResponseAnswer;
use crate::app::disclosure::DisclosureAnswer;
use crate::app::disclosure::told;
use crate::app::error::AppError;
use crate::app::outward::PartnerView;
use crate::app::permission::Action;
use crate::app::respond::ReviewPart;
use crate::app::respond::ReviewerPart;
use crate::decision::record::DecisionRecord;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::decision_log::PartClass as LeafPartClass;
use crate::decision_log::StoredPart;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::status;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
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
        let version = standing.entry.version;
        let items = latest_decisions(standing.submitted, &standing.responses);
        let items: Vec<_> = items.into_iter().zip(standing.entry.items).collect();
        Ok((PartnerView::new(&standing.record.request, &items), version))
    }

    /// A request as it stands now, even where its expiry is not written yet.
    pub(in crate::app) fn request_entry(&self, id: RequestId) -> Result<RequestEntry, AppError> {
        let found = self.store().request(id);
        let found = found.map_err(|error| AppError::Broken(Box::new(error)))?;
        let found = found.ok_or_else(|| AppError::UnknownRequest(id.to_string()))?;
        let mut entry = RequestEntry::clone(&found);
        entry.stands_at(self.now());
        Ok(entry)
    }

    pub(in crate::app) fn entry(&self, index: LogIndex) -> Result<StoredEntry, AppError> {
        self.store()
            .record(index)
            .map_err(|error| AppError::Broken(Box::new(error)))
    }

    /// What the log and the store say of a request.
    pub(in crate::app) fn standing(&self, id: RequestId) -> Result<Standing, AppError> {
        let entry = self.request_entry(id)?;
        let stored = self.entry(entry.submitted)?;
        let parts = DividedParts::of(&stored);
        let mut record = parts.decision()?;
        let mut responses = Vec::new();
        let mut disclosed: Vec<DisclosureAnswer> =
            told(&stored, &parts.attached).into_iter().collect();
        for index in &entry.further {
            let stored = self.entry(*index)?;
            let parts = DividedParts::of(&stored);
            disclosed.extend(told(&stored, &parts.attached));
            if stored.leaf.kind() == LeafKind::Review {
                responses.push(response_answer(&stored, &parts)?);
            }
        }
        let decisions = std::mem::take(&mut record.items);
        let submitted = decisions.into_iter().map(DecisionAnswer::from).collect();
        Ok(Standing {
            receipt: receipt(entry.submitted, &stored),
            entry,
            record,
            responses,
            disclosed,
            submitted,
        })
    }

    pub(in crate::app) fn request_answer(&self, id: RequestId) -> Result<RequestAnswer, AppError> {
        let Standing {
            entry,
            receipt,
            record,
            responses,
            disclosed,
            submitted,
        } = self.standing(id)?;
        let items = latest_decisions(submitted, &responses).into_iter();
        let items = items.zip(entry.items.iter().copied());
        let answered = |(decision, state)| ItemAnswer::new(decision, state);
        Ok(RequestAnswer {
            id: id.to_string(),
            status: status(entry.items.iter().copied()),
            operation: record.request.body.operation(),
            direction: record.request.direction,
            correlation_id: record.request.correlation_id,
            items: items.map(answered).collect(),
            selection: record.selection,
            bundle: BundleAnswer {
                generation: record.bundle.generation,
                digest: record.bundle.digest,
            },
            record: receipt,
            decided_at: record.now,
            responses,
            disclosed,
            version: entry.version,
        })
    }
}

/// A request and what became of it.
pub(in crate::app) struct Standing {
    pub(in crate::app) entry: RequestEntry,
    receipt: Receipt,
    /// As it was submitted, without its items.
    pub(in crate::app) record: DecisionRecord,
    responses: Vec<ResponseAnswer>,
    disclosed: Vec<DisclosureAnswer>,
    /// What was decided about each item when it was submitted.
    submitted: Vec<DecisionAnswer>,
}

impl Standing {
    /// The policies that determined an answer, when the request was submitted or when somebody answered since.
    pub(in crate::app) fn policies(&self) -> BTreeSet<String> {
        let evaluated = self.responses.iter().flat_map(|answer| &answer.evaluated);
        let policies = evaluated
            .chain(&self.submitted)
            .flat_map(|decision| &decision.policies);
        let mut names = BTreeSet::new();
        for policy in policies {
            // Few policies determine many items.
            if !names.contains(&policy.id) {
                names.insert(policy.id.clone());
            }
        }
        names
    }
}

/// What was last decided about each item: at an answer to it, else when it was submitted.
///
/// By when it can be approved was settled when it was submitted.
fn latest_decisions(
    mut items: Vec<DecisionAnswer>,
    responses: &[ResponseAnswer],
) -> Vec<DecisionAnswer> {
    let mut latest: BTreeMap<usize, &DecisionAnswer> = BTreeMap::new();
    for response in responses {
        latest.extend(response.items.iter().copied().zip(&response.evaluated));
    }
    for (number, evaluated) in latest {
        if let Some(item) = items.get_mut(number) {
            *item = DecisionAnswer {
                expires_at: item.expires_at,
                ..evaluated.clone()
            };
        }
    }
    items
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
    DividedParts::of(stored).decision()
}

/// The parts of a record that are left, told apart once: a large request has thousands.
struct DividedParts {
    decision: Vec<RecordPart>,
    /// What stands beside the decision.
    attached: Vec<RecordPart>,
}

impl DividedParts {
    fn of(stored: &StoredEntry) -> Self {
        let (attached, decision) = record_parts(stored).into_iter().partition(is_attached);
        Self { decision, attached }
    }

    fn decision(&self) -> Result<DecisionRecord, AppError> {
        DecisionRecord::from_parts(&self.decision)
            .map_err(|error| AppError::Broken(Box::new(error)))
    }

    /// The first part beside the decision that is of this kind.
    fn first<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        let mut parts = self.attached.iter();
        parts.find_map(|part| serde_json::from_slice(&part.body).ok())
    }
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
    let reviewer: ReviewerPart = DividedParts::of(stored).first()?;
    Some(reviewer.reviewer)
}

fn response_answer(stored: &StoredEntry, parts: &DividedParts) -> Result<ResponseAnswer, AppError> {
    let index = stored.index;
    let review: ReviewPart = parts
        .first()
        .ok_or_else(|| AppError::Broken(format!("entry {} holds no review", index.0).into()))?;
    let reviewer: Option<ReviewerPart> = parts.first();
    let decisions = parts.decision()?.items;
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
