//! What the log records: one event for each command that was sequenced.
//!
//! An event says everything that the state follows from. What names a person is set apart when it is
//! encoded, in parts that can be erased; an event that is decoded without them leads to the state
//! that erasing afterwards would have led to.

mod codec;
mod detail;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use uuid::Uuid;

use crate::decision_log::OutcomeCounts;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interruption;
use crate::domain::lifecycle::ItemState;
use crate::domain::registry::DocumentKey;
use crate::domain::time::Timestamp;
use crate::store::command::CorrelationDigest;
use crate::store::command::Idempotency;
use crate::store::command::RequestId;
use crate::store::command::Votes;

pub use codec::DecodeError;
pub use codec::EncodeError;
pub use codec::Encoded;
pub use codec::StoredEvent;

/// An entry of the log, as far as the state follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened, by the clock of whoever asked for it.
    pub at: Timestamp,
    /// What happened.
    pub body: EventBody,
    /// What waited under agreements that are in force no longer, and is refused by the same entry.
    pub interrupted: Vec<Interruption>,
}

impl Event {
    /// An event that interrupts nothing.
    pub fn new(at: Timestamp, body: EventBody) -> Self {
        Self {
            at,
            body,
            interrupted: Vec::new(),
        }
    }

    /// That it refuses what waits under the agreement with a partner, if it does.
    pub fn interruption_of(&self, partner: &McSystemId) -> Option<&Interruption> {
        let mut interrupted = self.interrupted.iter();
        interrupted.find(|interruption| interruption.partner == *partner)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// A log began.
    Genesis {
        /// The random name of the log.
        origin: Uuid,
    },
    /// Documents were written.
    DocumentsWritten {
        /// What was written; what was erased since is missing.
        changes: Vec<DocumentChange>,
        /// Who asked for it; `None` once erased.
        actor: Option<String>,
    },
    /// A request was decided.
    Submitted {
        /// Its name.
        request_id: RequestId,
        /// The account that submitted it.
        caller: Arc<str>,
        /// How a repetition is known.
        idempotency: Option<Idempotency>,
        /// By what it is found again.
        correlation: Option<CorrelationDigest>,
        /// The states of its items, by number.
        items: Vec<ItemState>,
        /// Documents written with it.
        changes: Vec<DocumentChange>,
        /// How many items came out which way.
        counts: OutcomeCounts,
        /// The partner under whose agreement its open items wait; what only takes away waits under none.
        bound_to: Option<McSystemId>,
        /// The partner with whom it takes away, if a granted item does.
        reduces: Option<McSystemId>,
    },
    /// Held items were answered.
    Responded {
        /// The request.
        request_id: RequestId,
        /// The new states.
        items: Vec<(u32, ItemState)>,
        /// How the answer counts for those of them that go on waiting.
        votes: Option<Votes>,
        /// Documents written with it.
        changes: Vec<DocumentChange>,
    },
    /// It was reported what became of items at the partner.
    Reported {
        /// The request.
        request_id: RequestId,
        /// The new states.
        items: Vec<(u32, ItemState)>,
        /// Documents written with it.
        changes: Vec<DocumentChange>,
    },
    /// Whoever asked wants items no longer.
    Withdrawn {
        /// The request.
        request_id: RequestId,
        /// The items.
        items: Vec<u32>,
        /// Documents written with it.
        changes: Vec<DocumentChange>,
    },
    /// What was granted is so no longer.
    Revoked {
        /// The request.
        request_id: RequestId,
        /// The account that submitted it, to whom that is news.
        submitter: Arc<str>,
        /// The items.
        items: Vec<u32>,
        /// Documents written with it.
        changes: Vec<DocumentChange>,
    },
    /// Whoever asked has fetched what became of it.
    Acknowledged {
        /// The request.
        request_id: RequestId,
        /// The version that they have seen.
        version: u64,
    },
    /// Nobody answered in time.
    Expired {
        /// The request.
        request_id: RequestId,
        /// The items.
        items: Vec<u32>,
    },
    /// A bundle came into force.
    Published {
        /// Its digest.
        digest: String,
        /// Its generation.
        generation: u64,
        /// Who published it; `None` once erased.
        actor: Option<String>,
        /// What changed; `None` once erased.
        summary: Option<String>,
    },
    /// A bundle was refused.
    PublicationRefused {
        /// The digest of the diagnostics or the bundle.
        digest: String,
        /// Why; `None` once erased.
        summary: Option<String>,
    },
    /// A caller made dry runs.
    DryRuns {
        /// The account.
        caller: Arc<str>,
        /// The minute.
        minute: Timestamp,
        /// How many items came out which way.
        counts: OutcomeCounts,
    },
    /// The secrets of a document were read.
    SecretsRead {
        /// Which document.
        key: DocumentKey,
        /// Which version of it.
        version: u64,
        /// Who read them; `None` once erased.
        actor: Option<String>,
    },
}

impl EventBody {
    /// The documents that changed with it.
    pub fn changes(&self) -> &[DocumentChange] {
        match self {
            Self::DocumentsWritten { changes, .. }
            | Self::Submitted { changes, .. }
            | Self::Responded { changes, .. }
            | Self::Reported { changes, .. }
            | Self::Withdrawn { changes, .. }
            | Self::Revoked { changes, .. } => changes,
            Self::Genesis { .. }
            | Self::Acknowledged { .. }
            | Self::Expired { .. }
            | Self::Published { .. }
            | Self::PublicationRefused { .. }
            | Self::DryRuns { .. }
            | Self::SecretsRead { .. } => &[],
        }
    }
}

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentChange {
    /// It has this content now.
    Put(DocumentKey, Arc<Document>),
    /// It is gone.
    Deleted(DocumentKey),
}

impl DocumentChange {
    /// Which document.
    pub fn key(&self) -> &DocumentKey {
        match self {
            Self::Put(key, _) | Self::Deleted(key) => key,
        }
    }
}
