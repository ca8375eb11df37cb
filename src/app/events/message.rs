//! An event as it is told.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::app::events::EventKind;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::obligation::Duty;
use crate::domain::obligation::ObligationId;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::RequestStatus;
use crate::domain::registry::DocumentKey;
use crate::domain::request::Urgency;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;

/// How many items or documents one event names; beyond it, it counts them.
pub const ITEMS_TOLD_MAX: usize = 1_000;

/// An event as it is told: nothing in it names a person but where the view of what it is about would.
#[derive(Clone, Debug, Serialize)]
pub struct EventMessage {
    /// Names it within its log.
    pub id: String,
    /// The random name of the log.
    pub log: String,
    /// What happened.
    pub r#type: EventKind,
    /// When.
    pub time: Timestamp,
    /// To what.
    #[serde(flatten)]
    pub about: About,
}

/// What an event is about.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum About {
    /// A request.
    Request(Box<RequestAbout>),
    /// That something waits for a user.
    PendingData(Box<PendingDataAbout>),
    /// A bundle.
    Bundle {
        /// Its digest, or that of what is wrong with it.
        digest: String,
        /// Its generation, if it came into force.
        #[serde(skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
    },
    /// Documents of the registry.
    Documents {
        /// Which were written or deleted.
        documents: Vec<ChangedDocument>,
        /// How many more.
        #[serde(skip_serializing_if = "is_zero")]
        left_out: usize,
    },
}

/// Where a request stood after the entry.
#[derive(Clone, Debug, Serialize)]
pub struct RequestAbout {
    /// The request.
    pub request_id: String,
    /// Its version after the entry.
    pub version: u64,
    /// Its status after the entry.
    pub status: RequestStatus,
    /// The operation.
    pub operation: Operation,
    /// The side on which it is decided.
    pub direction: Direction,
    /// The other system.
    pub partner: McSystemId,
    /// How urgent it was said to be.
    pub urgency: Urgency,
    /// The categories of its items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// To whom it is addressed, where nobody else has to care.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
    /// The items that the entry is about, and their states after it.
    pub items: Vec<ChangedItem>,
    /// How many more.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// The obligation that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligation: Option<ToldObligation>,
}

/// An obligation of a request, in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldObligation {
    /// Its id within the request.
    pub id: String,
    /// What is to be done.
    pub name: String,
    /// The system that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// The function of that system.
    pub function: String,
}

impl ToldObligation {
    /// An obligation, and what is to be done.
    pub fn new(id: ObligationId, duty: &Duty) -> Self {
        Self {
            id: id.to_string(),
            name: duty.name.clone(),
            system: duty.system.clone(),
            function: duty.function.clone(),
        }
    }
}

/// For whom a request waits (TS 23.280, 10.17.3.1: notification of pending ACM data).
#[derive(Clone, Debug, Serialize)]
pub struct PendingDataAbout {
    /// The request.
    pub request_id: String,
    /// The user to whom it is addressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mc_service_id: Option<McServiceId>,
    /// The functional alias to which it is addressed: whoever holds it may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functional_alias: Option<FunctionalAlias>,
    /// The operation.
    pub operation: Operation,
    /// The other system.
    pub partner: McSystemId,
    /// How urgent it was said to be.
    pub urgency: Urgency,
}

/// An item and its state after the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedItem {
    /// Its number.
    pub number: u32,
    /// The word for its state.
    pub state: &'static str,
}

/// A document that was written or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedDocument {
    /// Which.
    #[serde(flatten)]
    pub key: DocumentKey,
    /// Whether it is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl EventMessage {
    /// The other system of the request that it is about.
    pub fn partner(&self) -> Option<&McSystemId> {
        match &self.about {
            About::Request(request) => Some(&request.partner),
            About::PendingData(pending) => Some(&pending.partner),
            About::Bundle { .. } | About::Documents { .. } => None,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
