//! What earlier approvals agreed to: an approval is of what its person could see, its limits and obligations included.

use std::collections::BTreeMap;

use crate::app::answer::DecisionAnswer;
use crate::app::answer::ResponseAnswer;
use crate::app::respond::Verdict;
use crate::decision::decide::ItemDecision;
use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::domain::time::Timestamp;
use crate::store::command::PersonDigest;
use crate::store::state::Tally;

/// What would be granted as it was decided at a moment.
#[derive(Clone, Debug)]
pub(in crate::app) struct Terms {
    at: Timestamp,
    limits: Limits,
    obligations: Vec<Obligation>,
}

/// What each person approved last, by item.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Agreed(BTreeMap<(usize, PersonDigest), Terms>);

impl Terms {
    pub(in crate::app) fn new(decision: &DecisionAnswer, at: Timestamp) -> Self {
        Self {
            at,
            limits: decision.limits.clone(),
            obligations: decision.obligations.clone(),
        }
    }

    /// Whether what is decided now is no more than this, and obliges to the same.
    pub(in crate::app) fn cover(&self, decision: &ItemDecision, now: Timestamp) -> bool {
        let mut limits = decision.limits.clone();
        // What lasts as long as then, from now on, is no longer.
        if lasts(limits.end_time, now) == lasts(self.limits.end_time, self.at) {
            limits.end_time = self.limits.end_time;
        }
        limits.is_within(&self.limits) && decision.obligations == self.obligations
    }
}

fn lasts(end: Option<Timestamp>, from: Timestamp) -> Option<i64> {
    Some(end?.as_milliseconds() - from.as_milliseconds())
}

impl Agreed {
    /// Of answers in the order in which they were given.
    pub(in crate::app) fn of(responses: &[ResponseAnswer]) -> Self {
        let mut agreed = BTreeMap::new();
        for response in responses.iter().filter(|it| it.answer == Verdict::Approve) {
            let Some(person) = response.person else {
                continue;
            };
            for (number, evaluated) in response.items.iter().zip(&response.evaluated) {
                let terms = Terms::new(evaluated, response.answered_at);
                agreed.insert((*number, person), terms);
            }
        }
        Self(agreed)
    }

    /// Whether everybody whose approval of an item counts agreed to what is decided now.
    pub(super) fn covers(
        &self,
        (number, tally): (usize, &Tally),
        decision: &ItemDecision,
        now: Timestamp,
    ) -> bool {
        let approvals = tally.approvals.iter();
        let mut terms = approvals.filter_map(|it| self.0.get(&(number, it.person)));
        terms.all(|terms| terms.cover(decision, now))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lasts;
    use crate::decision::obligation::Limits;
    use crate::domain::time::Timestamp;

    #[test]
    fn a_life_from_now_on_is_as_long_as_it_was() {
        let moment = Timestamp::from_milliseconds;
        assert_eq!(
            lasts(Some(moment(70)), moment(10)),
            lasts(Some(moment(90)), moment(30))
        );
        assert_ne!(
            lasts(Some(moment(90)), moment(10)),
            lasts(Some(moment(90)), moment(30))
        );
        assert_eq!(lasts(None, moment(10)), lasts(None, moment(30)));
        assert_ne!(lasts(Some(moment(10)), moment(10)), lasts(None, moment(10)));
    }

    #[test]
    fn less_is_within_and_anything_else_is_not() {
        let limits = |value| serde_json::from_value::<Limits>(value).unwrap();
        let then = limits(json!({
            "profile": "p", "services": ["mcptt", "mcdata"], "priority_cap": 5,
            "group_priority": 3, "end_time": "2026-03-01T12:00:00Z",
        }));
        let changed = |name: &str, value| {
            let mut json = serde_json::to_value(&then).unwrap();
            json[name] = value;
            limits(json)
        };
        assert!(then.is_within(&then) && Limits::default().is_within(&Limits::default()));
        assert!(then.is_within(&Limits {
            profile: Some("p".parse().unwrap()),
            group_priority: Some(3),
            ..Limits::default()
        }));
        for (name, value) in [
            ("services", json!(["mcptt"])),
            ("priority_cap", json!(4)),
            ("end_time", json!("2026-03-01T11:00:00Z")),
        ] {
            assert!(changed(name, value).is_within(&then), "{name}");
        }
        for (name, value) in [
            ("profile", json!("q")),
            ("services", json!(["mcptt", "mcvideo"])),
            ("services", json!(null)),
            ("priority_cap", json!(6)),
            ("priority_cap", json!(null)),
            ("group_priority", json!(2)),
            ("user_priority", json!(2)),
            ("end_time", json!("2026-03-01T13:00:00Z")),
            ("end_time", json!(null)),
        ] {
            assert!(!changed(name, value).is_within(&then), "{name}");
        }
    }
}
