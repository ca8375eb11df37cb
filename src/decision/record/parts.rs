//! A record in parts, and back.

use serde::Deserialize;
use serde::Serialize;

use super::DecisionRecord;
use super::PartClass;
use super::RecordPart;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::decide;
use crate::decision::engine::Engine;
use crate::decision::facts::Facts;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;

/// Why parts make no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A part cannot be written or read.
    #[error("a part of the record is not what it must be")]
    Json(#[from] serde_json::Error),
    /// A part is not there; it may have been erased.
    #[error("the record has no `{0}` part")]
    Missing(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "part", rename = "decision")]
struct StatePart {
    version: u16,
    request_id: uuid::Uuid,
    now: crate::domain::time::Timestamp,
    caller: String,
    bundle: super::BundleReference,
    engine_version: String,
    outcomes: Vec<Outcome>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "part", rename = "exchange")]
struct ExchangePart {
    request: InterSystemRequest,
    facts: Facts,
    items: Vec<ItemDecision>,
}

impl DecisionRecord {
    /// The record in parts: what is nobody's, and what is the requesting user's exchange.
    pub fn into_parts(self) -> Result<Vec<RecordPart>, RecordError> {
        let state = StatePart {
            version: self.version,
            request_id: self.request_id,
            now: self.now,
            caller: self.caller,
            bundle: self.bundle,
            engine_version: self.engine_version,
            outcomes: self.items.iter().map(|item| item.outcome).collect(),
        };
        let subject = self.request.body.requesting_user().to_string();
        let exchange = ExchangePart {
            request: self.request,
            facts: self.facts,
            items: self.items,
        };
        Ok(vec![
            RecordPart {
                class: PartClass::State,
                body: serde_json::to_vec(&state)?,
            },
            RecordPart {
                class: PartClass::Personal(subject),
                body: serde_json::to_vec(&exchange)?,
            },
        ])
    }

    /// The record that parts make.
    pub fn from_parts(parts: &[RecordPart]) -> Result<Self, RecordError> {
        let mut parts = parts.iter();
        let state: StatePart =
            serde_json::from_slice(&parts.next().ok_or(RecordError::Missing("decision"))?.body)?;
        let exchange: ExchangePart =
            serde_json::from_slice(&parts.next().ok_or(RecordError::Missing("exchange"))?.body)?;
        Ok(Self {
            version: state.version,
            request_id: state.request_id,
            request: exchange.request,
            facts: exchange.facts,
            now: state.now,
            caller: state.caller,
            bundle: state.bundle,
            engine_version: state.engine_version,
            items: exchange.items,
        })
    }
}

/// The decision made again from its record.
pub fn replay(record: &DecisionRecord, engine: &Engine) -> Vec<ItemDecision> {
    decide(engine, &record.request, &record.facts, record.now)
}

/// What differs between what was decided then and now, in words.
pub fn differences(then: &[ItemDecision], now: &[ItemDecision]) -> Vec<String> {
    if then.len() != now.len() {
        return vec![format!("{} items then, {} now", then.len(), now.len())];
    }
    then.iter()
        .zip(now)
        .enumerate()
        .filter(|(_, (then, now))| then != now)
        .map(|(number, (then, now))| {
            format!(
                "item {number}: {} ({}) then, {} ({}) now",
                then.outcome, then.reason, now.outcome, now.reason
            )
        })
        .collect()
}
