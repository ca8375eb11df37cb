//! Erasing personal parts from the log: one person asks, another confirms, then it is carried out
//! ([ADR 0032](../../../docs/adr/0032-erasure-is-an-order-of-two-persons.md)).

mod carry;
mod live;
mod order;
pub mod retention;
mod view;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use self::retention::Retention;
pub use self::view::ErasureView;
use crate::decision_log::LogIndex;
use crate::domain::identity::McServiceId;
use crate::domain::time::Timestamp;
use crate::store::erasure::ErasureGround;
use crate::store::erasure::ErasureId;

/// How many subjects one order may name.
pub const SUBJECTS_MAX: usize = 100;

/// How many entries one order by record may span.
pub const RECORDS_MAX: u64 = 100_000;

/// Who is asked to erase what, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureForm {
    /// The keys of the parts, such as an MC service ID or `users/officer-114`.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Entries, instead of subjects.
    pub records: Option<Records>,
    /// The legal ground, which is kept.
    pub ground: ErasureGround,
    /// Why, in words; erased with the subjects.
    pub reason: String,
    /// The user of ours who asks, in person.
    pub asked_by: McServiceId,
}

/// Entries of the log, with the first and the last.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The first.
    pub first: LogIndex,
    /// The last.
    pub last: LogIndex,
}

/// Who confirms an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalForm {
    /// The user of ours who confirms, in person.
    pub approved_by: McServiceId,
}

/// Who refuses an order, or takes it back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalForm {
    /// The user of ours who refuses, in person.
    pub refused_by: McServiceId,
}

/// What is remembered between the rounds.
#[derive(Debug, Default)]
pub(in crate::app) struct Rounds {
    /// Orders of which something had to be left, and when it is tried again.
    waiting: BTreeMap<ErasureId, Timestamp>,
    /// When retention begins the log anew; absent: at once.
    retention_at: Option<Timestamp>,
    /// How far retention has come in this round.
    cursor: Option<LogIndex>,
}
