//! What one entry changed, and by whose doing.

use serde::Deserialize;
use serde_json::Value;

use crate::app::error::AppError;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::decision_log::Payload;
use crate::decision_log::StoredPart;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::store::command::RequestId;
use crate::store::embedded::journal::JournalReader;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::event::StoredEvent;

/// An entry that may have changed documents.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) kind: LeafKind,
    pub(super) at: Timestamp,
    pub(super) by: Option<String>,
    pub(super) request: Option<RequestId>,
    pub(super) event: Event,
    /// The kinds of documents of which the change was erased, each as often as that happened.
    pub(super) erased: Vec<DocumentKind>,
    /// Whether a member of a group or whom to ask was erased from it.
    pub(super) is_partly_erased: bool,
}

/// Whether entries of a kind can change documents, or say which bundle is in force.
pub(super) fn is_of_interest(kind: LeafKind) -> bool {
    match kind {
        LeafKind::Registry
        | LeafKind::Request
        | LeafKind::Review
        | LeafKind::Report
        | LeafKind::Withdrawal
        | LeafKind::Revocation
        | LeafKind::Publication
        | LeafKind::Refusal => true,
        LeafKind::Genesis
        | LeafKind::Acknowledgement
        | LeafKind::Obligation
        | LeafKind::Expiry
        | LeafKind::Reminder
        | LeafKind::DryRunSummary
        | LeafKind::Administrative => false,
    }
}

impl Changed {
    /// Reads an entry, checked against its leaf.
    pub(super) fn read(reader: &JournalReader, index: u64) -> Result<Self, AppError> {
        let broken = |error| AppError::Broken(Box::new(error));
        let (leaf, payload) = reader.verify(LogIndex(index)).map_err(broken)?;
        Self::of(leaf.kind(), payload)
    }

    pub(super) fn of(kind: LeafKind, payload: Payload) -> Result<Self, AppError> {
        let erased = Erased::of(&payload);
        let StoredEvent { event, record } =
            Event::decode(payload).map_err(|error| AppError::Broken(Box::new(error)))?;
        Ok(Self {
            kind,
            at: event.at,
            by: actor(&event.body).or_else(|| caller(&record)),
            request: event.body.request(),
            event,
            erased: erased.kinds,
            is_partly_erased: erased.is_partly,
        })
    }

    /// What became of a document with it.
    pub(super) fn of_document(&self, key: &DocumentKey) -> Option<&DocumentChange> {
        let changes = self.event.body.changes().iter();
        // The last one counts, as when it was applied.
        changes.rev().find(|change| change.key() == key)
    }
}

/// What was erased of the changes of an entry.
#[derive(Default)]
struct Erased {
    kinds: Vec<DocumentKind>,
    is_partly: bool,
}

/// The members of a state part that say which changes there were.
#[derive(Deserialize)]
struct Head {
    details: usize,
    event: Value,
}

impl Erased {
    fn of(payload: &Payload) -> Self {
        let mut parts = payload.parts().iter();
        let head = parts.next().and_then(StoredPart::present);
        let head = head.and_then(|head| serde_json::from_slice::<Head>(&head.body).ok());
        let Some(Head { details, event }) = head else {
            return Self::default();
        };
        let details: Vec<Option<Value>> = parts
            .take(details)
            .map(|part| serde_json::from_slice(&part.present()?.body).ok())
            .collect();
        let is_there = |number: usize| {
            let mut left = details.iter().flatten();
            left.any(|it| {
                it.pointer("/document/change").and_then(Value::as_u64) == Some(number as u64)
            })
        };
        let body = event.as_object().and_then(|event| event.values().next());
        let changes = body.and_then(|it| {
            it.get("changes")
                .or_else(|| it.get("ending")?.get("changes"))
        });
        let changes = changes.and_then(Value::as_array).into_iter().flatten();
        let gone = changes.enumerate().filter(|(number, _)| !is_there(*number));
        let kinds: Vec<DocumentKind> = gone
            .filter_map(|(_, change)| {
                let kind = change.get("personal")?.get("kind")?;
                serde_json::from_value(kind.clone()).ok()
            })
            .collect();
        let erased = details.iter().filter(|detail| detail.is_none()).count();
        Self {
            is_partly: erased > kinds.len(),
            kinds,
        }
    }
}

fn actor(body: &EventBody) -> Option<String> {
    match body {
        EventBody::DocumentsWritten { actor, .. }
        | EventBody::Published { actor, .. }
        | EventBody::SecretsRead { actor, .. }
        | EventBody::RecordsRead { actor, .. }
        | EventBody::Erasure { actor, .. } => actor.clone(),
        EventBody::Submitted { caller, .. } => Some(caller.to_string()),
        EventBody::Genesis { .. }
        | EventBody::Responded { .. }
        | EventBody::Reported { .. }
        | EventBody::Withdrawn { .. }
        | EventBody::ObligationNoted { .. }
        | EventBody::ObligationsOverdue { .. }
        | EventBody::Revoked { .. }
        | EventBody::Acknowledged { .. }
        | EventBody::Expired { .. }
        | EventBody::Reminded { .. }
        | EventBody::PublicationRefused { .. }
        | EventBody::DryRuns { .. }
        | EventBody::SigningBegun(_) => None,
    }
}

/// The account by which an answer, a report or a revocation came, as its record says.
fn caller(record: &[StoredPart]) -> Option<String> {
    #[derive(Deserialize)]
    struct Called {
        part: String,
        caller: String,
    }
    let mut called = record.iter().filter_map(|part| {
        let called: Called = serde_json::from_slice(&part.present()?.body).ok()?;
        (!called.part.is_empty()).then_some(called.caller)
    });
    called.next()
}
