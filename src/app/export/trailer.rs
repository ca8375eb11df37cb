//! The end of an export: what it held, what was masked, and where the next one goes on.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use crate::app::export::Format;

/// The last line of an export. One that lacks it was broken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trailer {
    /// The log that was exported, by its random name.
    pub log: Uuid,
    /// The form.
    pub format: Format,
    /// The first entry of the range.
    pub first: u64,
    /// From which entry on the next export goes on.
    pub next: u64,
    /// How many entries were exported.
    pub records: u64,
    /// Whether all of the range was.
    pub complete: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was masked; absent where nothing was asked to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<MaskReport>,
}

/// What was masked, in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MaskReport {
    /// What was asked to be, and how.
    pub asked: Vec<String>,
    /// Another export under the same label, from the same service, gives the same pseudonyms.
    pub label: String,
    /// How many values of each were masked.
    pub values: BTreeMap<String, u64>,
}
