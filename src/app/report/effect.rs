//! Which items a report moves, and whether it can be.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::report::Answered as AnsweredReport;
use crate::app::report::Report;
use crate::app::report::Words;
use crate::app::respond::standing;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::ItemKey;
use crate::decision::obligation::Limits;
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
    (entry, decided): (&RequestEntry, &[ItemDecision]),
    earlier: &BTreeMap<usize, PartnerOutcome>,
    now: Timestamp,
) -> Result<Vec<Move>, AppError> {
    match report {
        Report::Sent(_) => forth(entry, Stage::Sent, now),
        Report::PartnerPending(_) => forth(entry, Stage::PartnerPending, now),
        Report::Answered(answered) => answers(answered, (entry, decided), earlier, now),
        Report::Delivered => delivered(entry),
    }
}

fn refused(entry: &RequestEntry, detail: String) -> AppError {
    AppError::NotAtPartner {
        detail,
        current: Some(Box::new(standing(entry))),
    }
}

/// Every item that has not come so far does. A report that comes late says nothing new.
fn forth(entry: &RequestEntry, next: Stage, now: Timestamp) -> Result<Vec<Move>, AppError> {
    let mut moves = Vec::new();
    let mut is_known = false;
    for (number, item) in entry.items.iter().enumerate() {
        is_known |= item.answered().is_some();
        match item.at_partner().map(|item| item.forth(next, now)) {
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
    now: Timestamp,
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
            let answered = present.map(|it| it.answer(reported.outcome, now));
            let Some(Ok(answered)) = answered else {
                let detail = format!("item {number} is not the partner's to answer");
                return Err(refused(entry, detail));
            };
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
