//! What is told of the reports on a request, read back from the log.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::Receipt;
use crate::app::error::AppError;
use crate::app::report::ReportKind;
use crate::app::report::ReportPart;
use crate::app::report::Words;
use crate::app::report::WordsPart;
use crate::app::requests::decision_record;
use crate::app::requests::receipt;
use crate::app::requests::record_parts;
use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::decision_log::StoredPart;
use crate::domain::lifecycle::ItemState;
use crate::domain::outcome::Outcome;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::request::Peer;
use crate::domain::time::Timestamp;
use crate::store::embedded::StoredEntry;
use crate::store::state::RequestEntry;

/// A report on a request.
#[derive(Clone, Debug, Serialize)]
pub struct ReportAnswer {
    /// Which one.
    pub report: ReportKind,
    /// The items that it moved, by number.
    pub items: Vec<usize>,
    /// When it happened, as the front-end says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// How long the partner holds it, as the front-end says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// What policy said at that moment of the items; a reject overrules the partner's grant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evaluated: Vec<DecisionAnswer>,
    /// When it was reported.
    pub reported_at: Timestamp,
    /// Where its record is.
    pub record: Receipt,
    /// What the partner answered, by item.
    #[serde(skip)]
    answered: BTreeMap<usize, PartnerAnswer>,
    /// What policy refused by then, by item.
    #[serde(skip)]
    refused: BTreeMap<usize, DecisionAnswer>,
}

impl ReportAnswer {
    /// Why an item was refused though the partner granted it.
    pub(in crate::app) fn refusal(&self, item: usize) -> Option<DecisionAnswer> {
        self.refused.get(&item).cloned()
    }

    /// How the partner limits an item that it grants.
    pub(in crate::app) fn granted_limits(&self, item: usize) -> Option<&Limits> {
        let answer = self.answered.get(&item)?;
        (answer.outcome == PartnerOutcome::Accept).then_some(&answer.limits)
    }
}

/// What a partner answered about one item.
#[derive(Clone, Debug, Serialize)]
pub struct PartnerAnswer {
    /// Accept or reject.
    pub outcome: PartnerOutcome,
    /// Why, in its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How its grant is less than what was asked.
    pub limits: Limits,
    /// What has to be done because of the answer.
    pub obligations: Vec<Obligation>,
    /// When it was reported.
    pub answered_at: Timestamp,
}

impl App {
    /// What the partner answered about items before, as it was reported.
    pub(super) fn earlier_answers(
        &self,
        entry: &RequestEntry,
    ) -> Result<BTreeMap<usize, PartnerOutcome>, AppError> {
        let mut earlier = BTreeMap::new();
        for index in &entry.further {
            let stored = self.entry(*index)?;
            if stored.leaf.kind() == LeafKind::Report {
                let said = said(*index, &stored)?.items.into_iter();
                earlier.extend(said.filter_map(|(item, outcome)| Some((item, outcome?))));
            }
        }
        Ok(earlier)
    }
}

fn said(index: LogIndex, stored: &StoredEntry) -> Result<ReportPart, AppError> {
    record_parts(stored)
        .iter()
        .find_map(|part| serde_json::from_slice(&part.body).ok())
        .ok_or_else(|| AppError::Broken(format!("entry {} holds no report", index.0).into()))
}

/// Whether the record of a report holds a decision as well.
pub(in crate::app) fn evaluates(parts: &[StoredPart]) -> bool {
    let mut parts = parts.iter().filter_map(StoredPart::present);
    let said: Option<ReportPart> = parts.find_map(|part| serde_json::from_slice(&part.body).ok());
    said.is_some_and(|said| said.evaluated)
}

/// Reads a report back; what the partner said freely may be erased.
pub(in crate::app) fn report_answer(
    index: LogIndex,
    stored: &StoredEntry,
) -> Result<ReportAnswer, AppError> {
    let said = said(index, stored)?;
    let parts = record_parts(stored);
    let words = parts
        .iter()
        .filter_map(|part| serde_json::from_slice::<WordsPart>(&part.body).ok())
        .flat_map(|part| part.words);
    let mut words: BTreeMap<usize, Words> = words.map(|words| (words.item, words)).collect();
    let decided = if said.evaluated {
        decision_record(stored)?.items
    } else {
        Vec::new()
    };
    let mut evaluated = Vec::new();
    let (mut answered, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for (item, outcome) in &said.items {
        let Some(outcome) = *outcome else {
            continue;
        };
        let words = words.remove(item);
        let (reason, limits) = words.map_or_else(Default::default, |it| (it.reason, it.limits));
        let decision = decided.get(*item);
        let obligations = match (outcome, decision) {
            (PartnerOutcome::Accept, Some(decision)) if decision.outcome != Outcome::Reject => {
                decision.when_accepted.clone()
            }
            (PartnerOutcome::Accept | PartnerOutcome::Reject, _) => Vec::new(),
        };
        if outcome == PartnerOutcome::Accept {
            let decision = decision.cloned().map(DecisionAnswer::from);
            let is_refused = |it: &DecisionAnswer| it.outcome == Outcome::Reject;
            refused.extend(decision.clone().filter(is_refused).map(|it| (*item, it)));
            evaluated.extend(decision);
        }
        let answer = PartnerAnswer {
            outcome,
            reason,
            limits,
            obligations,
            answered_at: said.reported_at,
        };
        answered.insert(*item, answer);
    }
    Ok(ReportAnswer {
        report: said.report,
        items: said.items.iter().map(|(item, _)| *item).collect(),
        at: said.at,
        expires_at: said.expires_at,
        peer: said.peer,
        evaluated,
        reported_at: said.reported_at,
        record: receipt(index, stored),
        answered,
        refused,
    })
}

/// What the partner answered about each item; what a refusal obliges to was said when the item was cleared.
pub(in crate::app) fn partner_answers(
    reports: &[ReportAnswer],
    states: &[ItemState],
    when_refused: impl Fn(usize) -> Vec<Obligation>,
) -> BTreeMap<usize, PartnerAnswer> {
    let mut answers = BTreeMap::new();
    for (item, answer) in reports.iter().flat_map(|report| &report.answered) {
        let mut answer = answer.clone();
        let is_refused = match states.get(*item) {
            Some(ItemState::Refused) => true,
            Some(ItemState::Answered { outcome, .. }) => *outcome == PartnerOutcome::Reject,
            Some(
                ItemState::Granted
                | ItemState::Pending { .. }
                | ItemState::Expired
                | ItemState::AtPartner { .. }
                | ItemState::Withdrawn
                | ItemState::Revoked,
            )
            | None => false,
        };
        if is_refused {
            answer.obligations = when_refused(*item);
        }
        answers.insert(*item, answer);
    }
    answers
}
