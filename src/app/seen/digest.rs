//! What of facts and decisions matters to whoever answers: what changes by itself, or for nobody, is left out.

use serde_json::Value;
use serde_json::json;

use crate::app::answer::DecisionAnswer;
use crate::app::error::AppError;
use crate::app::sealing::SealingKey;
use crate::app::seen::token::Short;
use crate::decision::facts::Facts;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::elements::Division;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;

/// Members of facts that go on changing without saying anything about the request: how many others there are (policies
/// judge that, and what they say is compared), when a link was measured, and where the user was when they asked.
const PASSING: [&str; 4] = ["migrated_count", "measured_at", "up_since", "location"];

/// Makes digests for one request.
pub(super) struct Digests<'a> {
    pub(super) key: &'a SealingKey,
    pub(super) id: RequestId,
}

impl Digests<'_> {
    /// Which items wait, and who has answered them. Obligations of others change nothing of it.
    pub(super) fn stands(&self, entry: &RequestEntry) -> Result<Short, AppError> {
        let items = (0_u32..).zip(&entry.items);
        let pending = items.filter(|(_, item)| item.is_pending());
        let standing: Vec<_> = pending
            .map(|(number, item)| (number, *item, entry.tally(number)))
            .collect();
        self.of("stands", &serde_json::to_value(standing))
    }

    /// The facts of the items that wait.
    pub(super) fn facts(
        &self,
        request: &InterSystemRequest,
        entry: &RequestEntry,
        facts: &Facts,
    ) -> Result<Short, AppError> {
        let mut facts = facts.clone();
        // What becomes of the others, by their own grants too, is no concern of theirs.
        if request.body.elements().division() == Division::Users {
            let mut items = entry.items.iter();
            let waits = |_: &_| items.next().is_some_and(|item| item.is_pending());
            facts.subjects.retain(waits);
        }
        let facts = serde_json::to_value(facts).map(lasting);
        self.of("facts", &facts)
    }

    /// What policy says of the items that wait.
    pub(super) fn judged(
        &self,
        entry: &RequestEntry,
        decisions: &[DecisionAnswer],
    ) -> Result<Short, AppError> {
        let items = entry.items.iter().zip(decisions).enumerate();
        let pending = items.filter(|(_, (item, _))| item.is_pending());
        let judged: Vec<_> = pending
            .map(|(number, (_, decision))| json!([number, judged(decision)]))
            .collect();
        self.of("judged", &Ok(Value::Array(judged)))
    }

    fn of(&self, what: &str, value: &serde_json::Result<Value>) -> Result<Short, AppError> {
        let broken = |error: &dyn std::fmt::Display| AppError::Broken(error.to_string().into());
        let value = value.as_ref().map_err(|error| broken(error))?;
        let digest = self.key.seen(self.id, what, value.to_string().as_bytes());
        let digest = digest.ok_or_else(|| broken(&"no digest of what was seen"))?;
        Ok(Short(digest))
    }
}

/// What a decision says, without what follows from the time at which it was made.
pub(super) fn judged(decision: &DecisionAnswer) -> Value {
    let errors = decision.errors.iter();
    let errors: Vec<_> = errors.map(|error| &error.policy).collect();
    let mut limits = decision.limits.clone();
    let has_end = limits.end_time.take().is_some();
    json!({
        "outcome": decision.outcome,
        "reason": decision.reason,
        "partner_reason": decision.partner_reason,
        "notes": decision.notes,
        "quorum": decision.quorum,
        "categories": decision.categories,
        "policies": decision.policies,
        "would_permit": decision.would_permit,
        "limits": limits,
        "has_end": has_end,
        "obligations": decision.obligations,
        "errors": errors,
    })
}

/// Facts without revisions: a document that is written again and says the same has not changed.
fn lasting(value: Value) -> Value {
    match value {
        Value::Object(mut members) => {
            if members.len() == 2
                && members.contains_key("revision")
                && let Some(value) = members.remove("value")
            {
                return lasting(value);
            }
            let members = members.into_iter();
            let members = members.filter(|(name, _)| !PASSING.contains(&name.as_str()));
            Value::Object(members.map(|(name, it)| (name, lasting(it))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lasting).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lasting;

    #[test]
    fn what_is_written_again_or_passes_has_not_changed() {
        let before = json!({
            "agreement": { "revision": 7, "value": { "status": "active" } },
            "link": { "revision": 8, "value": { "status": "up", "measured_at": "then" } },
            "migrated_count": 3
        });
        let after = json!({
            "agreement": { "revision": 9, "value": { "status": "active" } },
            "link": { "revision": 12, "value": { "status": "up", "measured_at": "now" } },
            "migrated_count": 4
        });
        assert_eq!(lasting(before.clone()), lasting(after));
        let suspended = json!({
            "agreement": { "revision": 9, "value": { "status": "suspended" } },
            "link": { "revision": 8, "value": { "status": "up", "measured_at": "then" } },
            "migrated_count": 3
        });
        assert_ne!(lasting(before), lasting(suspended));
    }
}
