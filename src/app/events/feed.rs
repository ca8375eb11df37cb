//! Reading events in the order of the log, as far as a caller may see them.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::events::EventId;
use crate::app::events::EventKind;
use crate::app::events::EventMessage;
use crate::app::events::Place;
use crate::app::events::derive::Owner;
use crate::app::events::derive::Sketch;
use crate::app::permission::Action;
use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::identity::caller::Caller;
use crate::store::embedded::StoredEntry;
use crate::store::state::State;

/// How many entries are read at once.
const ENTRIES_AT_ONCE_MAX: usize = 64;

/// How many events are told at once.
const EVENTS_AT_ONCE_MAX: usize = 32;

/// Which events somebody wants; what is absent is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those of these kinds.
    pub kinds: Option<BTreeSet<EventKind>>,
    /// Those of requests with this partner.
    pub partner: Option<McSystemId>,
}

impl Wanted {
    fn has(&self, kind: EventKind) -> bool {
        self.kinds
            .as_ref()
            .is_none_or(|kinds| kinds.contains(&kind))
    }

    fn fits(&self, message: &EventMessage) -> bool {
        let wanted = self.partner.as_ref();
        wanted.is_none_or(|partner| message.partner() == Some(partner))
    }
}

/// Where somebody is who reads events. It holds one page, never a queue: the log is read again.
#[derive(Debug)]
pub struct Feed {
    app: App,
    wanted: Wanted,
    /// The last event that was looked at.
    seen: EventId,
    /// The next one to look at.
    next: EventId,
    /// The events of the entry that is being told: one entry can make thousands.
    entry: Option<(LogIndex, Vec<Sketch>)>,
}

impl Feed {
    pub(super) fn open(app: App, wanted: Wanted, after: Option<&Place>) -> Result<Self, AppError> {
        let unknown = |place: &Place| AppError::UnknownEvent(place.id.to_string());
        let applied = app.store().view(State::applied);
        let seen = match after {
            Some(place) => {
                let origin = app.store().started().origin;
                let is_here = place.log.is_none_or(|log| log == origin);
                if !is_here || !applied.holds(place.id.index) {
                    return Err(unknown(place));
                }
                place.id
            }
            None => app.last_event(LogIndex(applied.0.saturating_sub(1)))?,
        };
        Ok(Self {
            app,
            wanted,
            seen,
            next: EventId {
                index: seen.index,
                number: seen.number.saturating_add(1),
            },
            entry: None,
        })
    }

    /// After which event it goes on, as it is told to whoever reads.
    pub fn place(&self) -> Place {
        Place {
            id: self.seen,
            log: Some(self.app.store().started().origin),
        }
    }

    /// Whether there are entries that were not looked at.
    pub fn is_behind(&self) -> bool {
        let applied = self.app.store().view(State::applied);
        applied.holds(self.next.index)
            && (self.next.number == 0 || applied.holds(self.next.index.next()))
    }

    /// The next events that the caller may see and wants, each with the place after it: a page of them, or none.
    ///
    /// What may be seen is asked anew for every event.
    pub fn page(&mut self, caller: &Caller) -> Result<Vec<(Place, EventMessage)>, AppError> {
        self.app.permit(caller, Action::ReadEvents)?;
        let mut told = Vec::new();
        for _ in 0..ENTRIES_AT_ONCE_MAX {
            let applied = self.app.store().view(State::applied);
            if told.len() >= EVENTS_AT_ONCE_MAX || !applied.holds(self.next.index) {
                break;
            }
            let stored = self.app.entry(self.next.index)?;
            self.of_entry(caller, &stored, &mut told)?;
        }
        Ok(told)
    }

    /// An event of a page as the caller may see it by now, if they still may.
    pub fn again(&self, caller: &Caller, place: &Place) -> Result<Option<EventMessage>, AppError> {
        self.app.event(caller, &self.wanted, place.id)
    }

    fn of_entry(
        &mut self,
        caller: &Caller,
        stored: &StoredEntry,
        told: &mut Vec<(Place, EventMessage)>,
    ) -> Result<(), AppError> {
        let sketches = match self.entry.take() {
            Some((index, sketches)) if index == stored.index => sketches,
            Some(_) | None => self.app.sketches(stored),
        };
        while let Some(sketch) = at(&sketches, self.next.number) {
            if told.len() >= EVENTS_AT_ONCE_MAX {
                self.entry = Some((stored.index, sketches));
                return Ok(());
            }
            let id = self.next;
            let message = self
                .app
                .told_to((caller, &self.wanted), (id, sketch), stored)?;
            self.seen = id;
            self.next.number = id.number.saturating_add(1);
            told.extend(message.map(|message| (self.place(), message)));
        }
        if self.seen.index != stored.index {
            self.seen = EventId {
                index: stored.index,
                number: 0,
            };
        }
        self.next = EventId {
            index: stored.index.next(),
            number: 0,
        };
        Ok(())
    }
}

impl App {
    /// One event, if the caller may see and wants it.
    pub(in crate::app) fn event(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        id: EventId,
    ) -> Result<Option<EventMessage>, AppError> {
        self.permit(caller, Action::ReadEvents)?;
        let stored = self.entry(id.index)?;
        let sketches = self.sketches(&stored);
        match at(&sketches, id.number) {
            Some(sketch) => self.told_to((caller, wanted), (id, sketch), &stored),
            None => Ok(None),
        }
    }

    fn told_to(
        &self,
        (caller, wanted): (&Caller, &Wanted),
        (id, sketch): (EventId, &Sketch),
        stored: &StoredEntry,
    ) -> Result<Option<EventMessage>, AppError> {
        if !wanted.has(sketch.kind) {
            return Ok(None);
        }
        let turn = self.turned(sketch, stored)?;
        let owner = turn.as_ref().map(|turn| turn.owner(sketch.kind));
        let may_see = owner
            .or_else(|| sketch.owner())
            .is_some_and(|owner| self.may_see(caller, owner));
        if !may_see {
            return Ok(None);
        }
        let message = self.message((id, sketch), stored, turn.as_ref())?;
        Ok(message.filter(|message| wanted.fits(message)))
    }

    fn may_see(&self, caller: &Caller, owner: Owner<'_>) -> bool {
        let permitted = match owner {
            Owner::Submitter(submitter) => {
                self.permit_on_requests_of(caller, Action::ReadRequest, submitter)
            }
            Owner::Addressee(submitter) => {
                self.permit_on_requests_of(caller, Action::ReadPendingAcmData, submitter)
            }
            Owner::Policies => self.permit(caller, Action::ReadPolicies).map(drop),
            Owner::Registry => self.permit(caller, Action::ReadRegistry).map(drop),
        };
        permitted.is_ok()
    }

    /// The last event of an entry, or the place of its first where it makes none.
    fn last_event(&self, index: LogIndex) -> Result<EventId, AppError> {
        let stored = self.entry(index)?;
        let last = self.sketches(&stored).len().saturating_sub(1);
        Ok(EventId {
            index,
            number: u32::try_from(last).unwrap_or(u32::MAX),
        })
    }
}

fn at(sketches: &[Sketch], number: u32) -> Option<&Sketch> {
    sketches.get(usize::try_from(number).ok()?)
}
