//! Which items a report moves, and whether it can be.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::app::clock::Present;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::report::Answered as AnsweredReport;
use crate::app::report::PartnerPending;
use crate::app::report::Report;
use crate::app::report::Words;
use crate::app::respond::standing;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::ItemKey;
use crate::decision::obligation::Limits;
use crate::decision::record::DecisionRecord;
use crate::domain::lifecycle::Answered;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Stage;
use crate::domain::outcome::Outcome;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::time::Timestamp;
use crate::store::state::RequestEntry;

/// One item on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) number: usize,
    pub(super) to: ItemState,
    /// What the partner answered, if it did.
    pub(super) outcome: Option<PartnerOutcome>,
    /// What it said with it.
    pub(super) words: Option<Words>,
}

impl Move {
    fn to(number: usize, to: ItemState) -> Self {
        Self {
            number,
            to,
            outcome: None,
            words: None,
        }
    }

    /// Whether the partner grants the item.
    pub(super) fn is_granted(&self) -> bool {
        self.outcome == Some(PartnerOutcome::Accept)
    }

    /// Whether the partner grants the item, and so do we.
    pub(super) fn stands_granted(&self) -> bool {
        self.is_granted() && self.to != ItemState::Refused
    }

    /// What policy refuses by now is not granted, whatever the partner says.
    pub(super) fn judged(mut self, decided: &[ItemDecision]) -> Self {
        let decision = decided.get(self.number);
        let stands = decision.is_some_and(|decision| decision.outcome != Outcome::Reject);
        if self.is_granted() && !stands {
            self.overrule();
        }
        self
    }

    /// Refuses what the partner has answered in spite of that.
    pub(super) fn overrule(&mut self) {
        if let Some(answered) = self.to.answered() {
            self.to = answered.overrule().into();
        }
    }

    /// The item by its number, and its new state.
    pub(super) fn numbered(&self) -> (u32, ItemState) {
        (u32::try_from(self.number).unwrap_or(u32::MAX), self.to)
    }
}

/// What a report moves; nothing where all of it is known already.
///
/// `earlier` is what the partner answered about items before.
pub(super) fn of(
    report: &Report,
    (entry, submitted): (&RequestEntry, &DecisionRecord),
    earlier: &BTreeMap<usize, PartnerOutcome>,
    now: Present,
) -> Result<Vec<Move>, AppError> {
    match report {
        Report::Sent(_) => forth(entry, (Stage::Sent, None), now),
        Report::PartnerPending(pending) => held_there(pending, (entry, submitted), now),
        Report::Answered(answered) => answers(answered, (entry, &submitted.items), earlier, now),
        Report::Delivered => delivered(entry),
    }
}

/// The partner holds it, for no longer than it says. What only takes access away waits on all the same (ruling 15).
fn held_there(
    pending: &PartnerPending,
    (entry, submitted): (&RequestEntry, &DecisionRecord),
    now: Present,
) -> Result<Vec<Move>, AppError> {
    let is_reducing = submitted.request.body.elements().is_reducing();
    let until = pending.expires_at.filter(|_| !is_reducing);
    let moves = forth(entry, (Stage::PartnerPending, until), now)?;
    // Said again, it may be over by now.
    if !moves.is_empty() && is_over(pending.expires_at, now) {
        let detail = "it is over already: leave it out, or report what became of it";
        return Err(AppError::Invalid(vec![Invalid::at("/expires_at", detail)]));
    }
    Ok(moves)
}

/// Whether a moment has surely passed.
fn is_over(moment: Option<Timestamp>, now: Present) -> bool {
    moment.is_some_and(|moment| moment <= now.earliest)
}

fn refused(entry: &RequestEntry, detail: String) -> AppError {
    AppError::NotAtPartner {
        detail,
        current: Some(Box::new(standing(entry))),
    }
}

/// Every item that has not come so far does. A report that comes late says nothing new.
fn forth(
    entry: &RequestEntry,
    (next, until): (Stage, Option<Timestamp>),
    now: Present,
) -> Result<Vec<Move>, AppError> {
    let mut moves = Vec::new();
    let mut is_known = false;
    for (number, item) in entry.items.iter().enumerate() {
        is_known |= item.answered().is_some();
        match item
            .at_partner()
            .map(|item| item.forth(next, until, now.latest))
        {
            Some(Ok(Some(next))) => moves.push(Move::to(number, next.into())),
            Some(Ok(None)) => is_known = true,
            Some(Err(_)) | None => {}
        }
    }
    if moves.is_empty() && !is_known {
        let detail = "no item of the request may be sent".to_owned();
        return Err(refused(entry, detail));
    }
    Ok(moves)
}

fn delivered(entry: &RequestEntry) -> Result<Vec<Move>, AppError> {
    let mut moves = Vec::new();
    let mut is_known = false;
    for (number, item) in entry.items.iter().enumerate() {
        match item.answered().map(Answered::deliver) {
            Some(Ok(delivered)) => moves.push(Move::to(number, delivered.into())),
            Some(Err(_)) => is_known = true,
            None => {}
        }
    }
    if moves.is_empty() && !is_known {
        let detail = "the partner has answered no item of the request".to_owned();
        return Err(refused(entry, detail));
    }
    Ok(moves)
}

fn answers(
    report: &AnsweredReport,
    (entry, decided): (&RequestEntry, &[ItemDecision]),
    earlier: &BTreeMap<usize, PartnerOutcome>,
    now: Present,
) -> Result<Vec<Move>, AppError> {
    let mut moves: BTreeMap<usize, Move> = BTreeMap::new();
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut numbers: HashMap<ItemKey, Vec<usize>> = HashMap::new();
    for (number, decision) in decided.iter().enumerate() {
        numbers
            .entry(decision.item.clone())
            .or_default()
            .push(number);
    }
    for (place, reported) in report.items.iter().enumerate() {
        let about = numbers.get(&reported.key()).map_or(&[][..], Vec::as_slice);
        if about.is_empty() {
            let detail = "the request has no such item";
            problems.push(Invalid::at(format!("/items/{place}"), detail));
        }
        for number in about.iter().copied() {
            if seen.insert(number, place).is_some() {
                let detail = format!("item {number} is named twice");
                problems.push(Invalid::at(format!("/items/{place}"), detail));
                continue;
            }
            match earlier.get(&number) {
                Some(outcome) if *outcome == reported.outcome => continue,
                Some(_) => {
                    let detail = format!("the partner answered otherwise about item {number}");
                    return Err(refused(entry, detail));
                }
                None => {}
            }
            let present = entry.items.get(number).and_then(|it| it.at_partner());
            let answered = present.map(|it| it.answer(reported.outcome, now.latest));
            let Some(Ok(answered)) = answered else {
                let detail = format!("item {number} is not the partner's to answer");
                return Err(refused(entry, detail));
            };
            if is_over(reported.limits.end_time, now) {
                let detail = "what is granted would be over already";
                let place = format!("/items/{place}/limits/end_time");
                problems.push(Invalid::at(place, detail));
            }
            let says = reported.reason.is_some() || reported.limits != Limits::default();
            let it = Move {
                number,
                to: answered.into(),
                outcome: Some(reported.outcome),
                words: says.then(|| Words {
                    item: number,
                    reason: reported.reason.clone(),
                    limits: reported.limits.clone(),
                }),
            };
            moves.insert(number, it);
        }
    }
    if problems.is_empty() {
        Ok(moves.into_values().collect())
    } else {
        Err(AppError::Invalid(problems))
    }
}
