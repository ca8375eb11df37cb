//! How categories of requests are answered by approved requests for it (A12), over the bundle's `[responses]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::McSystemId;
use super::request::AutomaticResponseChange;
use super::request::ConfiguredResponse;
use super::time::Timestamp;

/// What approved changes of automatic responses add up to; there is one such document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseSettings {
    /// This system.
    pub system: McSystemId,
    /// The answer to each category that was changed; it wins over the line of the bundle's files.
    pub responses: BTreeMap<String, ConfiguredResponse>,
    /// The request that changed it last.
    pub request_id: Uuid,
    /// When that was approved.
    pub changed_at: Timestamp,
}

impl ResponseSettings {
    /// These settings after one more change.
    pub fn after(
        before: Option<&Self>,
        system: &McSystemId,
        change: &AutomaticResponseChange,
        (request_id, changed_at): (Uuid, Timestamp),
    ) -> Self {
        let mut responses = before.map_or_else(BTreeMap::new, |before| before.responses.clone());
        for line in &change.responses {
            responses.insert(line.category.clone(), line.response);
        }
        Self {
            system: system.clone(),
            responses,
            request_id,
            changed_at,
        }
    }
}
