//! Item decisions: what comes out for each member, each service, or the one thing asked.

use serde::Deserialize;
use serde::Serialize;

use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::decision::reason::ReasonCode;
use crate::domain::identity::McServiceId;
use crate::domain::outcome::Outcome;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;

/// What an item is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// The member, the affiliating or the migrating user; of a configuration push, the requester.
    pub subject: McServiceId,
    /// The service, where the operation is decided service by service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
}

/// The decision on one item, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDecision {
    /// What the item is about.
    pub item: ItemKey,
    /// Accept, reject or review.
    pub outcome: Outcome,
    /// Why, in one word.
    pub reason: ReasonCode,
    /// The policies that made it so.
    pub policies: Vec<DeterminingPolicy>,
    /// The categories of the permits that apply, in order of name.
    pub categories: Vec<String>,
    /// Permits that apply to an item that is refused.
    pub would_permit: Vec<String>,
    /// How the grant is less than what was asked.
    pub limits: Limits,
    /// What has to be done once the item is granted.
    pub obligations: Vec<Obligation>,
    /// The policies that could not be evaluated.
    pub errors: Vec<PolicyError>,
    /// When a held item can no longer be approved; a held deletion never expires (ruling 15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A policy that made an answer what it is. Words are kept as text: a record outlives the bundle it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeterminingPolicy {
    /// Its stable name.
    pub id: String,
    /// Whether it permits or forbids.
    pub effect: PolicyEffect,
    /// How it answers, `automatic` or `manual-review`; a forbid without one refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// The category of requests that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// What a policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyEffect {
    /// It permits.
    Permit,
    /// It forbids, or holds.
    Forbid,
}

/// Something that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyError {
    /// The policy; absent where the query itself could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What went wrong; it may quote values of the request.
    pub message: String,
}
