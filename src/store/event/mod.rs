//! What the log records: one event for each command that was sequenced.
//!
//! An event says everything that the state follows from. What names a person is set apart when it is
//! encoded, in parts that can be erased; an event that is decoded without them leads to the state
//! that erasing afterwards would have led to.

mod codec;
mod detail;
mod outline;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::OutcomeCounts;
use crate::decision_log::checkpoint::Signing;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interruption;
use crate::domain::lifecycle::ItemState;
use crate::domain::obligation::Duty;
use crate::domain::obligation::ObligationId;
use crate::domain::obligation::ObligationOutcome;
use crate::domain::registry::DocumentKey;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::access::Approved;
use crate::store::command::Arising;
use crate::store::command::CorrelationDigest;
use crate::store::command::Idempotency;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::command::Votes;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureStep;
use crate::store::records_read::RecordsRead;
use crate::store::reminder::Reminder;

pub use codec::DecodeError;
pub use codec::EncodeError;
pub use codec::Encoded;
pub use codec::StoredEvent;
pub use detail::reason_key;
pub use outline::Outline;
pub use outline::Standing;

/// An entry of the log, as far as the state follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened, by the clock of whoever asked for it.
    pub at: Timestamp,
    /// What happened.
    pub body: EventBody,
    /// What waited under agreements that are in force no longer, and is refused by the same entry.
    pub interrupted: Vec<Interruption>,
    /// What it obliges to, whichever requests it concerns.
    pub obligations: Vec<Arising>,
    /// What it takes back, by which an approval that is not used yet is superseded.
    pub ends: Vec<ScopeDigest>,
}

impl Event {
    /// An event that interrupts nothing.
    pub fn new(at: Timestamp, body: EventBody) -> Self {
        Self {
            at,
            body,
            interrupted: Vec::new(),
            obligations: Vec::new(),
            ends: Vec::new(),
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
        /// The reminders of its pending items.
        reminders: Vec<Reminder>,
        /// The partner with whom it takes away, if an item that is granted, or waits, does.
        reduces: Option<McSystemId>,
        /// The partner with whom it gives what such a request takes away, or sets something, likewise.
        adds: Option<McSystemId>,
        /// What it has to do with access requests.
        access: Option<Box<Access>>,
    },
    /// Held items were answered.
    Responded {
        /// The request.
        request_id: RequestId,
        /// The new states.
        items: Vec<(u32, ItemState)>,
        /// How the answer counts for those of them that go on waiting.
        votes: Option<Votes>,
        /// The reminders of those of them that go on waiting, where they change.
        reminders: Vec<Reminder>,
        /// The approval that it gives.
        approval: Option<Approved>,
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
    /// It was reported what became of an obligation.
    ObligationNoted {
        /// The request.
        request_id: RequestId,
        /// The obligation.
        obligation: ObligationId,
        /// What was to be done, and by whom.
        duty: Duty,
        /// Whether it was done.
        outcome: ObligationOutcome,
        /// The account that reported it.
        by: Arc<str>,
    },
    /// Obligations are overdue; told once of each.
    ObligationsOverdue {
        /// Which, the longest overdue first.
        obligations: Vec<OverdueObligation>,
    },
    /// What was granted is so no longer.
    Revoked {
        /// The request.
        request_id: RequestId,
        /// The account that submitted it, to whom that is news.
        submitter: Arc<str>,
        /// The items.
        items: Vec<u32>,
        /// Whether their time was over: then they stay what they were, and have ended.
        ended: bool,
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
    /// People were reminded of what waits, or others turned to.
    Reminded {
        /// The request.
        request_id: RequestId,
        /// The items of which people were reminded.
        items: Vec<u32>,
        /// The items about which others were turned to, by their role.
        escalated: BTreeMap<Role, Vec<u32>>,
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
    /// From here on checkpoints are signed under this name and by these keys.
    SigningBegun(Signing),
    /// The secrets of a document were read.
    SecretsRead {
        /// Which document.
        key: DocumentKey,
        /// Which version of it.
        version: u64,
        /// Who read them; `None` once erased.
        actor: Option<String>,
    },
    /// Records of the log were read.
    RecordsRead {
        /// What was read.
        reads: Vec<RecordsRead>,
        /// Who read it; `None` once erased.
        actor: Option<String>,
    },
    /// Something happened to an order to erase.
    Erasure {
        /// The order.
        id: ErasureId,
        /// What.
        step: Box<ErasureStep>,
        /// Who did it; `None` once erased.
        actor: Option<String>,
        /// Why; `None` once erased.
        reason: Option<String>,
        /// Whose parts are to be erased; none once they are.
        subjects: Vec<String>,
    },
}

impl EventBody {
    /// The request that it submits or changes.
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Self::Submitted { request_id, .. }
            | Self::Responded { request_id, .. }
            | Self::Reported { request_id, .. }
            | Self::Expired { request_id, .. }
            | Self::Withdrawn { request_id, .. }
            | Self::Revoked { request_id, .. }
            | Self::ObligationNoted { request_id, .. }
            | Self::Acknowledged { request_id, .. }
            | Self::Reminded { request_id, .. } => Some(*request_id),
            Self::Genesis { .. }
            | Self::ObligationsOverdue { .. }
            | Self::DocumentsWritten { .. }
            | Self::Published { .. }
            | Self::PublicationRefused { .. }
            | Self::DryRuns { .. }
            | Self::SigningBegun(_)
            | Self::Erasure { .. }
            | Self::SecretsRead { .. }
            | Self::RecordsRead { .. } => None,
        }
    }

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
            | Self::ObligationNoted { .. }
            | Self::ObligationsOverdue { .. }
            | Self::Acknowledged { .. }
            | Self::Expired { .. }
            | Self::Reminded { .. }
            | Self::Published { .. }
            | Self::PublicationRefused { .. }
            | Self::DryRuns { .. }
            | Self::SigningBegun(_)
            | Self::Erasure { .. }
            | Self::SecretsRead { .. }
            | Self::RecordsRead { .. } => &[],
        }
    }
}

/// An obligation of which nothing was reported in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverdueObligation {
    /// The request.
    #[serde(rename = "request")]
    pub request_id: RequestId,
    /// The obligation.
    pub obligation: ObligationId,
    /// What is to be done, and by whom.
    pub duty: Duty,
    /// By when it was due.
    pub due_at: Timestamp,
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
