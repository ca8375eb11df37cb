//! How the story is told: a heading a chapter, a line a question, a line an answer.

use serde_json::Value;

use crate::cli::output;

/// Begins a chapter.
pub(super) fn chapter(title: &str) {
    output::say(&format!("\n── {title}"));
}

/// Says what somebody does.
pub(super) fn narrate(text: &str) {
    output::say(&format!("   {text}"));
}

/// Says what the partner answered, and what follows.
pub(super) fn partner(answer: &Value) {
    let items = answer.get("items").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        obligations(item.pointer("/partner/obligations"));
    }
}

/// Says what was decided, by which policies, and what follows.
pub(super) fn decision(who: &str, answer: &Value) {
    let status = answer.get("status").and_then(Value::as_str).unwrap_or("?");
    output::say(&format!("   {who} → {}", status.to_uppercase()));
    for item in answer
        .get("items")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let outcome = item.get("outcome").and_then(Value::as_str).unwrap_or("?");
        let reason = item.get("reason").and_then(Value::as_str).unwrap_or("?");
        let subject = item.get("subject").and_then(Value::as_str).unwrap_or("?");
        let state = item.get("state").and_then(Value::as_str).unwrap_or("?");
        output::say(&format!(
            "      {subject}: {outcome} ({reason}), now {state}"
        ));
        for policy in names(item, "policies", "id") {
            output::say(&format!("        by policy {policy}"));
        }
        if !["pending", "refused", "expired"].contains(&state) {
            obligations(item.get("obligations"));
        }
    }
    record("record", answer);
    let responses = answer.get("responses").and_then(Value::as_array);
    for response in responses.into_iter().flatten() {
        record("answered in record", response);
    }
}

fn record(what: &str, recorded: &Value) {
    if let Some(index) = recorded.pointer("/record/index") {
        let hash = recorded
            .pointer("/record/leaf_hash")
            .and_then(Value::as_str)
            .unwrap_or("?");
        output::say(&format!("      {what} {index}, leaf {hash}"));
    }
}

fn obligations(listed: Option<&Value>) {
    for obligation in listed.and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| obligation.get(name).and_then(Value::as_str).unwrap_or("?");
        output::say(&format!(
            "        then {} by {} {}",
            text("name"),
            text("system"),
            text("function")
        ));
    }
}

fn names<'a>(item: &'a Value, list: &str, name: &'a str) -> impl Iterator<Item = &'a str> {
    item.get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(move |entry| entry.get(name).and_then(Value::as_str))
}
