//! What was asked of a service, and what it acknowledged.

#![cfg(test)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

/// Requests by their idempotency key, and the suspension that ends a round.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Everything that was sent.
    pub(crate) sent: BTreeMap<String, Value>,
    /// The answers that arrived.
    pub(crate) acknowledged: BTreeMap<String, Value>,
    /// Obligations that were reported as done, by the key of their request; whether that was acknowledged.
    pub(crate) noted: BTreeMap<String, bool>,
    /// The revision of the suspension, if its answer arrived.
    pub(crate) suspended: Option<u64>,
}

impl Ledger {
    /// The keys whose fate nobody knows.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let answered = |key: &&String| !self.acknowledged.contains_key(*key);
        self.sent.keys().filter(answered).cloned().collect()
    }

    /// Each request has a record of its own, and nothing was accepted after the suspension.
    pub(crate) fn check(&self) {
        let mut indexes = BTreeSet::new();
        for answer in self.acknowledged.values() {
            let index = record_index(answer);
            assert!(indexes.insert(index), "two requests have record {index}");
            if let Some(suspended) = self.suspended {
                let accepted = ["accepted", "cleared"].map(|word| answer["status"] == word);
                let accepted = accepted.contains(&true);
                assert!(
                    !accepted || index < suspended,
                    "suspended with entry {suspended}, and accepted afterwards: {answer}"
                );
            }
        }
    }

    /// How many came out which way.
    pub(crate) fn count(&self, status: &str) -> usize {
        let answers = self.acknowledged.values();
        answers.filter(|answer| answer["status"] == status).count()
    }

    /// How many requests were sequenced after the suspension.
    pub(crate) fn after_suspension(&self) -> usize {
        let after = |answer: &&Value| self.suspended.is_some_and(|at| record_index(answer) > at);
        self.acknowledged.values().filter(after).count()
    }
}

pub(crate) fn record_index(answer: &Value) -> u64 {
    answer["record"]["index"].as_u64().unwrap()
}
