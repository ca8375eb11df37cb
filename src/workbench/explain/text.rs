//! An explanation for people.

use serde_json::Value;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::Selection;
use crate::decision::reason::ReasonCode;
use crate::domain::credential::Credential;
use crate::domain::credential::Examined;
use crate::domain::identity::McSystemId;
use crate::domain::outcome::Outcome;
use crate::workbench::explain::ExplainedItem;
use crate::workbench::explain::Explanation;
use crate::workbench::explain::IfHeld;

/// The explanation, line by line.
pub fn lines(explanation: &Explanation) -> Vec<String> {
    let Explanation {
        operation,
        number,
        direction,
        requesting_system,
        receiving_system,
        ..
    } = explanation;
    let mut lines = vec![format!(
        "{operation} ({number}), {direction}, from {requesting_system} to {receiving_system}"
    )];
    if let Some(Credential::Examined(examined)) = &explanation.credential {
        lines.push(match examined {
            Examined::Verified(credential) => format!(
                "credential: verified, of {} by key {}, until {}",
                credential.subject, credential.key_id, credential.expires_at
            ),
            Examined::Refused(word) => format!("credential: none, {word}"),
        });
    }
    lines.push("facts (what is false or absent is left out)".to_owned());
    lines.extend(shared_facts(explanation));
    for item in &explanation.items {
        lines.extend(item_lines(item));
    }
    if let Some(selection) = &explanation.selection {
        lines.extend(selection_lines(selection, &explanation.items));
    }
    lines.push(format!(
        "at {} under {}",
        explanation.at, explanation.bundle
    ));
    lines
}

/// The facts that are not of one item's person, one a line.
fn shared_facts(explanation: &Explanation) -> Vec<String> {
    let Ok(Value::Object(mut facts)) = serde_json::to_value(&explanation.facts) else {
        return Vec::new();
    };
    // What is known of a person stands with the item that concerns them.
    facts.shift_remove("subjects");
    let is_about_requester = explanation
        .facts
        .requester
        .as_ref()
        .is_some_and(|requester| {
            let mut items = explanation.items.iter();
            items.all(|item| item.person.as_ref() == Some(requester))
        });
    if is_about_requester {
        facts.shift_remove("requester");
    }
    let shared = facts.shift_remove("shared");
    let shared = shared.into_iter().flat_map(|shared| match shared {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            serde_json::Map::new()
        }
    });
    shared
        .chain(facts)
        .filter_map(|(name, value)| fact(&name, value))
        .collect()
}

/// A fact with the revision of its document.
fn fact(name: &str, value: Value) -> Option<String> {
    let is_versioned = value.get("revision").is_some() && value.get("value").is_some();
    let (revision, value) = if is_versioned {
        (value.get("revision").cloned(), value.get("value")?.clone())
    } else {
        (None, value)
    };
    let value = without_absent(value)?;
    let revision = revision.map(|revision| format!(", revision {revision}"));
    Some(format!("  {name}{}: {value}", revision.unwrap_or_default()))
}

/// A value without what is false, null or empty; nothing where nothing is left.
fn without_absent(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Array(items) => {
            let left: Vec<Value> = items.into_iter().filter_map(without_absent).collect();
            (!left.is_empty()).then(|| Value::Array(left))
        }
        Value::Object(members) => {
            let left: serde_json::Map<String, Value> = members
                .into_iter()
                .filter_map(|(name, value)| Some((name, without_absent(value)?)))
                .collect();
            (!left.is_empty()).then(|| Value::Object(left))
        }
        other @ (Value::Bool(true) | Value::Number(_) | Value::String(_)) => Some(other),
    }
}

fn item_lines(item: &ExplainedItem) -> Vec<String> {
    let decision = &item.decision;
    let mut lines = vec![format!(
        "{}: {} ({})",
        decision.item, decision.outcome, decision.reason
    )];
    let person = item.person.as_ref().and_then(|person| {
        let person = without_absent(serde_json::to_value(person).ok()?)?;
        Some(format!("  known of the person: {person}"))
    });
    lines.extend(person);
    for policy in &decision.policies {
        let place = item.satisfied.iter().find(|it| it.id == policy.id);
        let place = place.map(|it| format!(", {}", it.place));
        let category = policy.category.as_deref().unwrap_or("no category");
        lines.push(format!(
            "  decided by {} ({category}){}",
            policy.id,
            place.unwrap_or_default()
        ));
    }
    if decision.policies.is_empty() && decision.reason == ReasonCode::NotPermitted {
        lines.push("  decided by no policy: no permit applies".to_owned());
    }
    for policy in item.satisfied.iter().filter(|it| !it.determines) {
        lines.push(format!(
            "  applies too: {} {}, {}",
            policy.effect, policy.id, policy.place
        ));
    }
    for permit in &decision.would_permit {
        lines.push(format!("  would otherwise be permitted by {permit}"));
    }
    for error in &decision.errors {
        let policy = error.policy.as_deref().unwrap_or("the query");
        lines.push(format!("  error in {policy}: {}", error.message));
    }
    lines.push(format!(
        "  the partner is told: {} ({})",
        item.partner_reason.text, item.partner_reason.code
    ));
    lines.extend(decision.notes.iter().map(|note| format!("  note: {note}")));
    lines.extend(consequences(decision));
    lines.extend(item.if_held.as_ref().map(if_held));
    lines
}

/// Limits, obligations and the end of waiting.
fn consequences(decision: &ItemDecision) -> Vec<String> {
    let mut lines = Vec::new();
    let once = match decision.outcome {
        Outcome::Review => "if approved ",
        Outcome::Accept | Outcome::Reject => "",
    };
    let limits = serde_json::to_value(&decision.limits).unwrap_or_default();
    if let Value::Object(limits) = limits {
        for (name, value) in limits {
            lines.push(format!("  {once}limited: {name} {value}"));
        }
    }
    for obligation in &decision.obligations {
        let system = obligation
            .system
            .as_ref()
            .map_or_else(|| obligation.role.clone(), ToString::to_string);
        lines.push(format!(
            "  {once}then {} by {system} {}",
            obligation.name, obligation.function
        ));
    }
    if decision.outcome == Outcome::Review {
        lines.extend(waiting(decision));
    }
    lines
}

/// Who has to agree to what is held, until when, and who is told while nobody does.
fn waiting(decision: &ItemDecision) -> Vec<String> {
    let ways = decision.quorum.approvals().iter();
    let ways: Vec<String> = ways.map(|asked| format!("`{asked}`")).collect();
    let mut lines = vec![format!(
        "  needs approvals {}; is refused by denials `{}`",
        ways.join(" or "),
        decision.quorum.denials().persons()
    )];
    if let Some(expires_at) = decision.expires_at {
        lines.push(format!("  can be approved until {expires_at}"));
    }
    if let Some(remind) = decision.attention.remind {
        lines.push(format!("  reminds those who can answer every {remind}"));
    }
    for (role, wait) in decision.attention.escalate.roles() {
        lines.push(format!("  turns to {role} after {wait}"));
    }
    lines
}

fn if_held(held: &IfHeld) -> String {
    let named = |categories: &[String]| categories.join(", ");
    match held {
        IfHeld::Wait {
            categories,
            expires_at,
        } => {
            let until = expires_at.map_or_else(
                || "without an end".to_owned(),
                |expires_at| format!("until {expires_at}"),
            );
            format!(
                "  if {} were held: it would wait {until}, and nothing would be done before",
                named(categories)
            )
        }
        IfHeld::Refuse { categories } => format!(
            "  if {} were held: it would be refused, nobody can wait for it",
            named(categories)
        ),
        IfHeld::Fail { because } => format!("  cannot be held by a category: {because}"),
    }
}

fn selection_lines(selection: &Selection, items: &[ExplainedItem]) -> Vec<String> {
    let mut lines = vec![match selection {
        Selection::Chosen { system, because } => format!("chosen: {system}, {because}"),
        Selection::StayHome { because } => {
            format!("chosen: none, the user stays on the home system, {because}")
        }
        Selection::UserChooses { systems, doubts } => {
            let systems: Vec<&str> = systems.iter().map(McSystemId::as_str).collect();
            let doubts = if doubts.is_empty() {
                "nobody is preferred there".to_owned()
            } else {
                format!("in doubt: {}", doubts.join(", "))
            };
            format!("the user chooses among {} ({doubts})", systems.join(", "))
        }
        Selection::None => "chosen: none, no candidate may be used".to_owned(),
    }];
    for item in items {
        let decision = &item.decision;
        let Some(system) = &decision.item.system else {
            continue;
        };
        match decision.reason {
            ReasonCode::NotSelected => {
                lines.push(format!("  passed over: {system}, permitted but not chosen"));
            }
            ReasonCode::Permitted => {}
            ReasonCode::Held
            | ReasonCode::Forbidden
            | ReasonCode::NotPermitted
            | ReasonCode::NoAgreement
            | ReasonCode::AskThroughAcm
            | ReasonCode::SubjectUnresolvable
            | ReasonCode::RequesterUnresolvable
            | ReasonCode::GroupUnresolvable
            | ReasonCode::ResourceUnresolvable
            | ReasonCode::DirectionUnknown
            | ReasonCode::EvaluationError => {
                let by: Vec<&str> = decision.policies.iter().map(|it| it.id.as_str()).collect();
                let by = if by.is_empty() {
                    decision.reason.to_string()
                } else {
                    by.join(", ")
                };
                lines.push(format!("  passed over: {system}, refused by {by}"));
            }
        }
    }
    lines
}
