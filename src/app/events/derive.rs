//! Which events an entry of the log makes, and what each says.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::app::App;
use crate::app::erased::nobodys;
use crate::app::erased::partner_of;
use crate::app::error::AppError;
use crate::app::events::ChangedItem;
use crate::app::events::EventId;
use crate::app::events::EventKind;
use crate::app::events::EventMessage;
use crate::app::events::ITEMS_TOLD_MAX;
use crate::app::events::message::About;
use crate::app::events::message::ChangedDocument;
use crate::app::events::message::PendingDataAbout;
use crate::app::events::message::RequestAbout;
use crate::app::events::message::ToldObligation;
use crate::app::requests::decision_record;
use crate::decision::decide::ItemDecision;
use crate::decision::facts::other_system;
use crate::decision_log::LogIndex;
use crate::domain::lifecycle::ItemState;
use crate::domain::role::Role;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
use crate::store::event::DocumentChange;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;

/// One event of an entry, not worked out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    pub(super) kind: EventKind,
    subject: Subject,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A request, by its name.
    Request(RequestId),
    /// A request, by the entry that decided it.
    Submission(LogIndex),
    /// One of the overdue obligations that the entry lists, by its place there.
    Overdue(RequestId, usize),
    Bundle,
    Registry,
}

/// Whose an event is, which decides who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner<'a> {
    /// It is about a request that this account submitted.
    Submitter(&'a str),
    /// It says for whom such a request waits.
    Addressee(&'a str),
    Policies,
    Registry,
}

/// The entries of a request.
pub(super) struct Entries {
    pub(super) submitted: LogIndex,
    pub(super) further: Vec<LogIndex>,
}

/// A request before an entry and after it.
pub(super) struct Turn {
    before: Option<RequestEntry>,
    after: RequestEntry,
    submission: StoredEntry,
}

impl Turn {
    /// The account that submitted the request.
    pub(super) fn owner(&self, kind: EventKind) -> Owner<'_> {
        if kind == EventKind::AcmPendingData {
            Owner::Addressee(&self.after.caller)
        } else {
            Owner::Submitter(&self.after.caller)
        }
    }
}

/// The request of an entry's own, and what happened to it.
fn own(body: &EventBody) -> Option<(Vec<EventKind>, RequestId)> {
    Some(match body {
        EventBody::Submitted {
            request_id, items, ..
        } => {
            // Whether it is addressed to anybody is seen later, where an erasure may take it away; the number stays.
            let waits = items.iter().any(|item| item.is_pending());
            let pending = waits.then_some(EventKind::AcmPendingData);
            let kinds = [EventKind::RequestSubmitted].into_iter().chain(pending);
            (kinds.collect(), *request_id)
        }
        EventBody::Responded { request_id, .. } => (vec![EventKind::RequestAnswered], *request_id),
        EventBody::Reported { request_id, .. } => (vec![EventKind::RequestReported], *request_id),
        EventBody::Expired { request_id, .. } => (vec![EventKind::RequestExpired], *request_id),
        EventBody::Withdrawn { request_id, .. } => (vec![EventKind::RequestWithdrawn], *request_id),
        EventBody::Revoked {
            request_id,
            ended: false,
            ..
        } => (vec![EventKind::RequestRevoked], *request_id),
        EventBody::Revoked {
            request_id,
            ended: true,
            ..
        } => (vec![EventKind::RequestEnded], *request_id),
        EventBody::Acknowledged { request_id, .. } => {
            (vec![EventKind::RequestDelivered], *request_id)
        }
        EventBody::ObligationNoted {
            request_id,
            outcome,
            ..
        } => (vec![EventKind::of_obligation(*outcome)], *request_id),
        EventBody::Reminded {
            request_id,
            items,
            escalated,
        } => {
            let reminded = (!items.is_empty()).then_some(EventKind::RequestReminded);
            let escalated = (!escalated.is_empty()).then_some(EventKind::RequestEscalated);
            (reminded.into_iter().chain(escalated).collect(), *request_id)
        }
        EventBody::ObligationsOverdue { .. }
        | EventBody::Genesis { .. }
        | EventBody::DocumentsWritten { .. }
        | EventBody::Published { .. }
        | EventBody::PublicationRefused { .. }
        | EventBody::DryRuns { .. }
        | EventBody::SigningBegun(_)
        | EventBody::Erasure { .. }
        | EventBody::SecretsRead { .. }
        | EventBody::RecordsRead { .. } => return None,
    })
}

/// The items of its own request that an entry names in an event of a kind.
fn named(kind: EventKind, body: &EventBody) -> BTreeSet<u32> {
    match body {
        EventBody::Responded { items, .. } | EventBody::Reported { items, .. } => {
            items.iter().map(|(number, _)| *number).collect()
        }
        EventBody::Reminded { escalated, .. } if kind == EventKind::RequestEscalated => {
            escalated.values().flatten().copied().collect()
        }
        EventBody::Expired { items, .. }
        | EventBody::Withdrawn { items, .. }
        | EventBody::Revoked { items, .. }
        | EventBody::Reminded { items, .. } => items.iter().copied().collect(),
        EventBody::ObligationNoted { obligation, .. } => obligation.item.into_iter().collect(),
        EventBody::Submitted { .. }
        | EventBody::Acknowledged { .. }
        | EventBody::ObligationsOverdue { .. }
        | EventBody::Genesis { .. }
        | EventBody::DocumentsWritten { .. }
        | EventBody::Published { .. }
        | EventBody::PublicationRefused { .. }
        | EventBody::DryRuns { .. }
        | EventBody::SigningBegun(_)
        | EventBody::Erasure { .. }
        | EventBody::SecretsRead { .. }
        | EventBody::RecordsRead { .. } => BTreeSet::new(),
    }
}

impl App {
    /// The events of an entry, in the order of their numbers. That order never changes: what an erasure may take away
    /// comes last.
    pub(super) fn sketches(&self, stored: &StoredEntry) -> Vec<Sketch> {
        let body = &stored.event.body;
        let mut sketches = Vec::new();
        let own = own(body);
        if let Some((kinds, id)) = &own {
            sketches.extend(kinds.iter().map(|kind| Sketch {
                kind: *kind,
                subject: Subject::Request(*id),
            }));
        }
        let bundle = match body {
            EventBody::Published { .. } => Some(EventKind::PoliciesPublished),
            EventBody::PublicationRefused { .. } => Some(EventKind::PoliciesRefused),
            EventBody::Submitted { .. }
            | EventBody::Responded { .. }
            | EventBody::Reported { .. }
            | EventBody::Expired { .. }
            | EventBody::Reminded { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::Revoked { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::ObligationNoted { .. }
            | EventBody::ObligationsOverdue { .. }
            | EventBody::Genesis { .. }
            | EventBody::DocumentsWritten { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::Erasure { .. }
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => None,
        };
        if let EventBody::ObligationsOverdue { obligations } = body {
            sketches.extend(obligations.iter().enumerate().map(|(place, it)| Sketch {
                kind: EventKind::ObligationOverdue,
                subject: Subject::Overdue(it.request_id, place),
            }));
        }
        let subject = Subject::Bundle;
        sketches.extend(bundle.map(|kind| Sketch { kind, subject }));
        if !stored.event.interrupted.is_empty() {
            let own = own.as_ref().and_then(|(_, id)| self.place_of(*id));
            let own = own.map(|place| place.submitted);
            let changed = self
                .store()
                .view(|state| state.changed_by(stored.index))
                .into_iter()
                .filter(|submitted| Some(*submitted) != own);
            sketches.extend(changed.map(|submitted| Sketch {
                kind: EventKind::RequestInterrupted,
                subject: Subject::Submission(submitted),
            }));
        }
        if !body.changes().is_empty() {
            sketches.push(Sketch {
                kind: EventKind::RegistryChanged,
                subject: Subject::Registry,
            });
        }
        sketches
    }

    /// The request that an event is about, if it is about one.
    pub(super) fn request_of(&self, sketch: &Sketch) -> Result<Option<RequestId>, AppError> {
        match sketch.subject {
            Subject::Request(id) | Subject::Overdue(id, _) => Ok(Some(id)),
            Subject::Submission(index) => {
                let id = self.entry(index)?.event.body.request();
                let none = || AppError::Broken(format!("entry {index} decided no request").into());
                id.ok_or_else(none).map(Some)
            }
            Subject::Bundle | Subject::Registry => Ok(None),
        }
    }

    /// The request that an event is about, as the entry found and left it.
    pub(super) fn turned(
        &self,
        sketch: &Sketch,
        stored: &StoredEntry,
    ) -> Result<Option<Turn>, AppError> {
        let Some(id) = self.request_of(sketch)? else {
            return Ok(None);
        };
        let gone = || AppError::UnknownRequest(id.to_string());
        let place = self.place_of(id).ok_or_else(gone)?;
        let submission = self.entry(place.submitted)?;
        let mut standing = RequestEntry::submitted_by(&submission.event, place.submitted);
        let mut before = None;
        for index in place.further.iter().filter(|index| **index <= stored.index) {
            let entry = standing.as_mut().ok_or_else(gone)?;
            if *index == stored.index {
                before = Some(entry.clone());
                entry.change_by(&stored.event, *index);
            } else {
                entry.change_by(&self.entry(*index)?.event, *index);
            }
        }
        let after = standing.ok_or_else(gone)?;
        // A reminder changes nothing of it.
        let is_submission = stored.index == place.submitted;
        let before = before.or_else(|| (!is_submission).then(|| after.clone()));
        Ok(Some(Turn {
            before,
            after,
            submission,
        }))
    }

    /// An event as it is told.
    pub(super) fn message(
        &self,
        (id, sketch): (EventId, &Sketch),
        stored: &StoredEntry,
        turn: Option<&Turn>,
    ) -> Result<Option<EventMessage>, AppError> {
        let about = match turn {
            Some(turn) if sketch.kind == EventKind::AcmPendingData => {
                match about_pending_data(turn)? {
                    Some(pending) => About::PendingData(Box::new(pending)),
                    None => return Ok(None),
                }
            }
            Some(turn) => About::Request(Box::new(about_request(sketch, turn, stored)?)),
            None => about_the_rest(&stored.event.body),
        };
        Ok(Some(EventMessage {
            id: id.to_string(),
            log: self.store().started().origin.to_string(),
            r#type: sketch.kind,
            time: stored.event.at,
            about,
        }))
    }

    /// Where a request stands in the log, be it in memory or put away.
    pub(super) fn place_of(&self, id: RequestId) -> Option<Entries> {
        self.store().view(|state| {
            let here = state.request(id).map(|entry| Entries {
                submitted: entry.submitted,
                further: entry.further.clone(),
            });
            here.or_else(|| {
                let ended = state.put_away(id)?;
                Some(Entries {
                    submitted: ended.submitted,
                    further: ended.further,
                })
            })
        })
    }
}

impl Sketch {
    /// Who is told of it, where that does not depend on a request.
    pub(super) fn owner(&self) -> Option<Owner<'static>> {
        match self.subject {
            Subject::Request(_) | Subject::Submission(_) | Subject::Overdue(..) => None,
            Subject::Bundle => Some(Owner::Policies),
            Subject::Registry => Some(Owner::Registry),
        }
    }
}

/// For whom a request waits, if it was addressed to anybody.
fn about_pending_data(turn: &Turn) -> Result<Option<PendingDataAbout>, AppError> {
    let record = match decision_record(&turn.submission) {
        Err(AppError::RecordErased(_)) => return Ok(None),
        record => record?,
    };
    let request = &record.request;
    let target = request.body.elements().target().cloned();
    Ok(target.map(|target| PendingDataAbout {
        request_id: turn.after.id.to_string(),
        mc_service_id: target.mc_service_id,
        functional_alias: target.functional_alias,
        operation: request.body.operation(),
        partner: other_system(request).clone(),
        urgency: request.urgency,
    }))
}

fn about_request(
    sketch: &Sketch,
    turn: &Turn,
    stored: &StoredEntry,
) -> Result<RequestAbout, AppError> {
    let record = match decision_record(&turn.submission) {
        Err(AppError::RecordErased(_)) => return about_erased(sketch, turn, stored),
        record => record?,
    };
    let request = &record.request;
    let categories: BTreeSet<&String> = record.items.iter().flat_map(|it| &it.categories).collect();
    let mut items = changed_items(sketch.kind, turn, stored);
    let roles = roles(sketch.kind, (&items, &record.items), &stored.event.body);
    let left_out = items.len().saturating_sub(ITEMS_TOLD_MAX);
    items.truncate(ITEMS_TOLD_MAX);
    Ok(RequestAbout {
        request_id: turn.after.id.to_string(),
        version: turn.after.version,
        status: turn.after.status(),
        operation: request.body.operation(),
        direction: request.direction,
        partner: other_system(request).clone(),
        urgency: request.urgency,
        categories: categories.into_iter().cloned().collect(),
        roles,
        items,
        left_out,
        obligation: obligation(sketch, &stored.event.body),
    })
}

/// The same of a request of which parts were erased: what is about nobody.
fn about_erased(
    sketch: &Sketch,
    turn: &Turn,
    stored: &StoredEntry,
) -> Result<RequestAbout, AppError> {
    let state = nobodys(&turn.submission)?;
    let categories: BTreeSet<&String> = state.items.iter().flat_map(|it| &it.categories).collect();
    let mut items = changed_items(sketch.kind, turn, stored);
    let left_out = items.len().saturating_sub(ITEMS_TOLD_MAX);
    items.truncate(ITEMS_TOLD_MAX);
    Ok(RequestAbout {
        request_id: turn.after.id.to_string(),
        version: turn.after.version,
        status: turn.after.status(),
        operation: state.operation.operation,
        direction: state.direction,
        partner: partner_of(&state).clone(),
        urgency: state.urgency,
        categories: categories.into_iter().cloned().collect(),
        roles: BTreeSet::new(),
        items,
        left_out,
        obligation: obligation(sketch, &stored.event.body),
    })
}

/// The obligation that an event is about.
fn obligation(sketch: &Sketch, body: &EventBody) -> Option<ToldObligation> {
    match (body, sketch.subject) {
        (
            EventBody::ObligationNoted {
                obligation, duty, ..
            },
            Subject::Request(_),
        ) => Some(ToldObligation::new(*obligation, duty)),
        (EventBody::ObligationsOverdue { obligations }, Subject::Overdue(_, place)) => {
            let overdue = obligations.get(place)?;
            Some(ToldObligation::new(overdue.obligation, &overdue.duty))
        }
        (
            _,
            Subject::Request(_)
            | Subject::Overdue(..)
            | Subject::Submission(_)
            | Subject::Bundle
            | Subject::Registry,
        ) => None,
    }
}

/// The items that the entry names or put into another state, and their states after it.
fn changed_items(kind: EventKind, turn: &Turn, stored: &StoredEntry) -> Vec<ChangedItem> {
    let named = named(kind, &stored.event.body);
    let before: BTreeMap<u32, ItemState> = match &turn.before {
        Some(before) => (0..).zip(before.items.iter().copied()).collect(),
        None => BTreeMap::new(),
    };
    let items = (0..).zip(&turn.after.items);
    let changed = items.filter(|(number, state)| {
        before.get(number) != Some(*state)
            || (turn.before.is_some() && is_own(turn, stored) && named.contains(number))
    });
    changed
        .map(|(number, state)| ChangedItem {
            number,
            state: state.as_str(),
        })
        .collect()
}

/// To whom a reminder is addressed: the groups that were asked for when the items were held, or who is turned to.
fn roles(
    kind: EventKind,
    (items, decided): (&[ChangedItem], &[ItemDecision]),
    body: &EventBody,
) -> BTreeSet<Role> {
    let EventBody::Reminded { escalated, .. } = body else {
        return BTreeSet::new();
    };
    if kind == EventKind::RequestEscalated {
        return escalated.keys().cloned().collect();
    }
    let numbers = items
        .iter()
        .filter_map(|it| usize::try_from(it.number).ok());
    let decided = numbers.filter_map(|number| decided.get(number));
    decided.flat_map(|item| item.quorum.groups()).collect()
}

/// Whether the entry names the request itself.
fn is_own(turn: &Turn, stored: &StoredEntry) -> bool {
    own(&stored.event.body).is_some_and(|(_, id)| id == turn.after.id)
}

fn about_the_rest(body: &EventBody) -> About {
    match body {
        EventBody::Published {
            digest, generation, ..
        } => About::Bundle {
            digest: digest.clone(),
            generation: Some(*generation),
        },
        EventBody::PublicationRefused { digest, .. } => About::Bundle {
            digest: digest.clone(),
            generation: None,
        },
        EventBody::Genesis { .. }
        | EventBody::DocumentsWritten { .. }
        | EventBody::Submitted { .. }
        | EventBody::Responded { .. }
        | EventBody::Reported { .. }
        | EventBody::Expired { .. }
        | EventBody::Reminded { .. }
        | EventBody::Withdrawn { .. }
        | EventBody::Revoked { .. }
        | EventBody::Acknowledged { .. }
        | EventBody::ObligationNoted { .. }
        | EventBody::ObligationsOverdue { .. }
        | EventBody::DryRuns { .. }
        | EventBody::SigningBegun(_)
        | EventBody::Erasure { .. }
        | EventBody::SecretsRead { .. }
        | EventBody::RecordsRead { .. } => about_documents(body.changes()),
    }
}

fn about_documents(changes: &[DocumentChange]) -> About {
    let documents = changes.iter().map(|change| ChangedDocument {
        key: change.key().clone(),
        deleted: matches!(change, DocumentChange::Deleted(_)),
    });
    About::Documents {
        documents: documents.take(ITEMS_TOLD_MAX).collect(),
        left_out: changes.len().saturating_sub(ITEMS_TOLD_MAX),
    }
}
