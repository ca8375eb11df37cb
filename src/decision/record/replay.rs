//! Deciding again what a record says was decided.

use std::fmt;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::decide;
use crate::decision::decide::decide_knowing;
use crate::decision::engine::Engine;
use crate::decision::entities::KnownEntities;
use crate::decision::record::DecisionRecord;

/// Where two decisions on one item are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the item.
    pub item: usize,
    /// The member of the item decision, or `items` where one of them is missing.
    pub member: &'static str,
    /// What was recorded, as JSON.
    pub recorded: String,
    /// What comes out now, as JSON.
    pub replayed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            item,
            member,
            recorded,
            replayed,
        } = self;
        write!(f, "item {item}, {member}: {recorded} then, {replayed} now")
    }
}

/// Decides again from the record alone; under its own bundle the same must come out.
pub fn replay(record: &DecisionRecord, engine: &Engine) -> Vec<ItemDecision> {
    decide(engine, &record.request, &record.facts, record.now)
}

/// The same, from entities that were built for other records.
pub fn replay_knowing(
    record: &DecisionRecord,
    engine: &Engine,
    known: &KnownEntities,
) -> Vec<ItemDecision> {
    decide_knowing(engine, known, &record.request, &record.facts, record.now)
}

/// Names every difference between what was recorded and what was decided again; none if all is the same.
pub fn differences(recorded: &[ItemDecision], replayed: &[ItemDecision]) -> Vec<Difference> {
    let count = recorded.len().max(replayed.len());
    (0..count)
        .flat_map(|item| match (recorded.get(item), replayed.get(item)) {
            (Some(recorded), Some(replayed)) if recorded == replayed => Vec::new(),
            (Some(recorded), Some(replayed)) => of_item(item, recorded, replayed),
            (recorded, replayed) => vec![Difference {
                item,
                member: "items",
                recorded: json(&recorded),
                replayed: json(&replayed),
            }],
        })
        .collect()
}

fn of_item(item: usize, recorded: &ItemDecision, replayed: &ItemDecision) -> Vec<Difference> {
    // Names every member, so that a new one cannot be forgotten.
    let ItemDecision {
        item: key,
        outcome,
        reason,
        partner_text,
        notes,
        policies,
        categories,
        would_permit,
        limits,
        obligations,
        when_accepted,
        when_refused,
        errors,
        expires_at,
        quorum,
        attention,
    } = recorded;
    let members = [
        ("item", json(key), json(&replayed.item)),
        ("outcome", json(outcome), json(&replayed.outcome)),
        ("reason", json(reason), json(&replayed.reason)),
        (
            "partner_text",
            json(partner_text),
            json(&replayed.partner_text),
        ),
        ("notes", json(notes), json(&replayed.notes)),
        ("policies", json(policies), json(&replayed.policies)),
        ("categories", json(categories), json(&replayed.categories)),
        (
            "would_permit",
            json(would_permit),
            json(&replayed.would_permit),
        ),
        ("limits", json(limits), json(&replayed.limits)),
        (
            "obligations",
            json(obligations),
            json(&replayed.obligations),
        ),
        (
            "when_accepted",
            json(when_accepted),
            json(&replayed.when_accepted),
        ),
        (
            "when_refused",
            json(when_refused),
            json(&replayed.when_refused),
        ),
        ("errors", json(errors), json(&replayed.errors)),
        ("expires_at", json(expires_at), json(&replayed.expires_at)),
        ("quorum", json(quorum), json(&replayed.quorum)),
        ("attention", json(attention), json(&replayed.attention)),
    ];
    members
        .into_iter()
        .filter(|(_, recorded, replayed)| recorded != replayed)
        .map(|(member, recorded, replayed)| Difference {
            item,
            member,
            recorded,
            replayed,
        })
        .collect()
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("unreadable: {error}"))
}
