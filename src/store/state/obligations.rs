//! The obligations of a request and what became of them, and the index of those that are not done.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::decision_log::LogIndex;
use crate::domain::lifecycle::ItemState;
use crate::domain::obligation::Due;
use crate::domain::obligation::Duty;
use crate::domain::obligation::ObligationId;
use crate::domain::obligation::ObligationOutcome;
use crate::domain::obligation::Occasion;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::time::Timestamp;
use crate::store::command::Arising;
use crate::store::command::RequestId;
use crate::store::event::Event;
use crate::store::event::EventBody;

/// The obligations of one request, by name.
///
/// What arises twice under one name is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<OfDuty>", into = "Vec<OfDuty>")]
pub struct Obligations(BTreeMap<ObligationId, Tracked>);

/// One obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// What is to be done, and by whom.
    pub duty: Arc<Duty>,
    /// By when; what has not arisen yet has no moment.
    pub due: Due,
    /// Whether it was told that it is overdue.
    pub told: bool,
    /// Whether what obliged to it was withdrawn or revoked before it was done: nobody has to do it any more.
    pub overtaken: bool,
    /// What was reported of it last.
    pub report: Option<Noted>,
}

/// What was reported of an obligation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// Whether it was done.
    pub outcome: ObligationOutcome,
    /// The account that reported it; an account of a system, not of a person.
    pub by: Arc<str>,
    /// When it was reported.
    pub at: Timestamp,
    /// The entry that reports it.
    pub index: LogIndex,
}

/// Where an obligation stands that has arisen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObligationState {
    /// Nothing was reported of it.
    Open,
    /// It was done.
    Done,
    /// It could not be done.
    Failed,
    /// It was not done when what obliged to it was withdrawn or revoked; what had been done of it all the same may still
    /// be reported.
    Overtaken,
}

impl ObligationState {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => ObligationOutcome::Done.as_str(),
            Self::Failed => ObligationOutcome::Failed.as_str(),
            Self::Overtaken => "overtaken",
        }
    }
}

impl Tracked {
    /// By when it has to be done; `None` of what has not arisen.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.due {
            Due::At(at) => Some(at),
            Due::Within(_) => None,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> ObligationState {
        match self.report.as_ref().map(|noted| noted.outcome) {
            Some(ObligationOutcome::Done) => ObligationState::Done,
            Some(ObligationOutcome::Failed) | None if self.overtaken => ObligationState::Overtaken,
            Some(ObligationOutcome::Failed) => ObligationState::Failed,
            None => ObligationState::Open,
        }
    }

    /// Whether nothing was reported of it though its time is over.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let is_over = self.due_at().is_some_and(|due| now >= due);
        is_over && self.state() == ObligationState::Open
    }

    fn is_unfinished(&self) -> bool {
        let is_owed = match self.state() {
            ObligationState::Open | ObligationState::Failed => true,
            ObligationState::Done | ObligationState::Overtaken => false,
        };
        is_owed && self.due_at().is_some()
    }
}

impl Obligations {
    /// Whether there are none, not even such as may arise.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that have arisen, by name.
    pub fn arisen(&self) -> impl Iterator<Item = (ObligationId, &Tracked)> {
        let all = self.0.iter().map(|(id, tracked)| (*id, tracked));
        all.filter(|(_, tracked)| tracked.due_at().is_some())
    }

    /// One that has arisen.
    pub fn get(&self, id: ObligationId) -> Option<&Tracked> {
        let tracked = self.0.get(&id)?;
        tracked.due_at().is_some().then_some(tracked)
    }

    /// Whether nothing has to be done any more of those that have arisen.
    pub fn are_done(&self) -> bool {
        !self.0.values().any(Tracked::is_unfinished)
    }

    /// Those of which something has to be done.
    pub(super) fn unfinished(&self) -> Self {
        let all = self.0.iter().filter(|(_, tracked)| tracked.is_unfinished());
        Self(all.map(|(id, tracked)| (*id, tracked.clone())).collect())
    }

    /// Takes in what arises by an event, and what it reports.
    pub(super) fn take_in(&mut self, request: RequestId, event: &Event, index: LogIndex) {
        let ours = event.obligations.iter();
        for arising in ours.filter(|arising| arising.request_id == request) {
            self.arise(arising);
        }
        if let EventBody::ObligationNoted {
            request_id,
            obligation,
            outcome,
            by,
            ..
        } = &event.body
            && *request_id == request
            && let Some(tracked) = self.0.get_mut(obligation)
        {
            tracked.report = Some(Noted {
                outcome: *outcome,
                by: Arc::clone(by),
                at: event.at,
                index,
            });
        }
    }

    fn arise(&mut self, arising: &Arising) {
        let duty = Arc::new(arising.duty.clone());
        for (item, position) in &arising.of {
            let id = ObligationId {
                item: *item,
                occasion: arising.occasion,
                position: *position,
            };
            self.0.entry(id).or_insert_with(|| Tracked {
                duty: Arc::clone(&duty),
                due: arising.due,
                told: false,
                overtaken: false,
                report: None,
            });
        }
    }

    /// Items were withdrawn or revoked: what was not met of them is to be undone, not met. What had not arisen never will.
    pub(super) fn overtake(&mut self, is_over: impl Fn(u32) -> bool) {
        self.0.retain(|id, tracked| {
            if id.occasion == Occasion::Revocation || !id.item.is_some_and(&is_over) {
                return true;
            }
            tracked.overtaken |= tracked.is_unfinished();
            tracked.due_at().is_some()
        });
    }

    /// What a refusal of what the partner was asked obliges to arises with it, be it the partner's, ours in spite of its
    /// grant, or that the agreement lapsed. Once it is answered otherwise, or nobody waits any more, it never will.
    pub(super) fn settle(&mut self, items: &[ItemState], at: Timestamp) {
        let item = |number: u32| items.get(usize::try_from(number).ok()?);
        let is_over = |number| {
            matches!(
                item(number),
                Some(ItemState::Withdrawn | ItemState::Revoked)
            )
        };
        self.overtake(is_over);
        self.0.retain(|id, tracked| {
            let item = id.item.and_then(item);
            let Due::Within(milliseconds) = tracked.due else {
                return true;
            };
            match item {
                Some(ItemState::AtPartner { .. }) => true,
                Some(
                    ItemState::Refused
                    | ItemState::Answered {
                        outcome: PartnerOutcome::Reject,
                        ..
                    },
                ) => {
                    tracked.due = Due::At(at.plus_milliseconds(milliseconds));
                    true
                }
                Some(
                    ItemState::Granted
                    | ItemState::Pending { .. }
                    | ItemState::Expired
                    | ItemState::Withdrawn
                    | ItemState::Revoked
                    | ItemState::Answered {
                        outcome: PartnerOutcome::Accept,
                        ..
                    },
                )
                | None => false,
            }
        });
    }

    pub(super) fn tell(&mut self, id: ObligationId) {
        if let Some(tracked) = self.0.get_mut(&id) {
            tracked.told = true;
        }
    }
}

/// Obligations as they are written: those of one duty together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfDuty {
    duty: Duty,
    of: Vec<Written>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: ObligationId,
    due: Due,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    overtaken: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<Noted>,
}

impl From<Obligations> for Vec<OfDuty> {
    fn from(obligations: Obligations) -> Self {
        let mut by_duty: BTreeMap<Arc<Duty>, Vec<Written>> = BTreeMap::new();
        for (id, tracked) in obligations.0 {
            let written = Written {
                id,
                due: tracked.due,
                told: tracked.told,
                overtaken: tracked.overtaken,
                report: tracked.report,
            };
            by_duty.entry(tracked.duty).or_default().push(written);
        }
        let all = by_duty.into_iter().map(|(duty, of)| OfDuty {
            duty: Arc::unwrap_or_clone(duty),
            of,
        });
        all.collect()
    }
}

impl From<Vec<OfDuty>> for Obligations {
    fn from(written: Vec<OfDuty>) -> Self {
        let mut all = BTreeMap::new();
        for OfDuty { duty, of } in written {
            let duty = Arc::new(duty);
            all.extend(of.into_iter().map(|written| {
                let tracked = Tracked {
                    duty: Arc::clone(&duty),
                    due: written.due,
                    told: written.told,
                    overtaken: written.overtaken,
                    report: written.report,
                };
                (written.id, tracked)
            }));
        }
        Self(all)
    }
}

/// Where an obligation stands among those that are not done: by when it is due.
pub type Place = (Timestamp, RequestId, ObligationId);

/// The obligations that are not done, by when they are due; of requests in memory and of those put away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfinished {
    all: BTreeSet<Place>,
    failed: BTreeSet<Place>,
    /// Those of which nothing was reported, and not told that they are overdue.
    untold: BTreeSet<Place>,
}

impl Unfinished {
    pub(super) fn insert(&mut self, request: RequestId, obligations: &Obligations) {
        for (id, tracked) in obligations.arisen() {
            self.insert_one(request, id, tracked);
        }
    }

    pub(super) fn remove(&mut self, request: RequestId, obligations: &Obligations) {
        for (id, tracked) in obligations.arisen() {
            self.remove_one(request, id, tracked);
        }
    }

    pub(super) fn insert_one(&mut self, request: RequestId, id: ObligationId, tracked: &Tracked) {
        let Some(due) = tracked.due_at() else {
            return;
        };
        let place = (due, request, id);
        match tracked.state() {
            ObligationState::Open => {
                self.all.insert(place);
                if !tracked.told {
                    self.untold.insert(place);
                }
            }
            ObligationState::Failed => {
                self.all.insert(place);
                self.failed.insert(place);
            }
            ObligationState::Done | ObligationState::Overtaken => {}
        }
    }

    pub(super) fn remove_one(&mut self, request: RequestId, id: ObligationId, tracked: &Tracked) {
        if let Some(due) = tracked.due_at() {
            let place = (due, request, id);
            self.all.remove(&place);
            self.failed.remove(&place);
            self.untold.remove(&place);
        }
    }

    pub(super) fn all_after(&self, after: Option<Place>) -> impl Iterator<Item = Place> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.all.range((from, Bound::Unbounded)).copied()
    }

    pub(super) fn failed_after(&self, after: Option<Place>) -> impl Iterator<Item = Place> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.failed.range((from, Bound::Unbounded)).copied()
    }

    pub(super) fn untold(&self) -> impl Iterator<Item = Place> {
        self.untold.iter().copied()
    }

    pub(super) fn count(&self, now: Timestamp) -> ObligationCounts {
        let over = self.all.iter().take_while(|(due, ..)| *due <= now);
        let overdue = over.filter(|place| !self.failed.contains(place)).count();
        ObligationCounts {
            open: self.all.len() - self.failed.len(),
            failed: self.failed.len(),
            overdue,
        }
    }
}

/// How many obligations are not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObligationCounts {
    /// Of how many nothing was reported; those that are overdue among them.
    pub open: usize,
    /// How many could not be done.
    pub failed: usize,
    /// Of how many nothing was reported though their time is over.
    pub overdue: usize,
}
