//! What was decided: *API Activity* (6003) with the security control profile, one event an item.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::app::export::ocsf::envelope::Class;
use crate::app::export::ocsf::envelope::Envelope;
use crate::app::export::ocsf::envelope::Status;
use crate::app::export::ocsf::envelope::put;

const API_ACTIVITY: Class = Class {
    uid: 6003,
    name: "API Activity",
    category_uid: 6,
    category_name: "Application Activity",
    profiles: &["security_control"],
};

/// What the framework says instead of a name that was masked, or erased.
const UNKNOWN: &str = "unknown";

/// One event for each item of the decision that a record holds.
pub(super) fn events(envelope: &Envelope<'_>) -> Vec<Value> {
    let mut bodies = envelope.bodies().iter();
    let decision = bodies.find(|body| body.get("engine_version").is_some());
    let Some(decision) = decision else {
        return Vec::new();
    };
    let items = decision.get("items").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    let numbered = items.iter().enumerate();
    let concerned = numbered.filter_map(|(number, item)| {
        let outcome = outcome(envelope, (number, item))?;
        Some(event(envelope, decision, (number, item), outcome))
    });
    concerned.map(Value::Object).collect()
}

/// What came out for an item; nothing where the entry leaves it as it was.
///
/// A review holds the decision made again, which is held as before: what the reviewer made of it is where it stands now.
fn outcome<'a>(envelope: &Envelope<'a>, (number, item): (usize, &'a Value)) -> Option<&'a str> {
    let (name, entry) = envelope.event()?;
    if !matches!(name, "responded" | "reported") {
        return item.get("outcome")?.as_str();
    }
    let changed = entry.get("items")?.as_array()?;
    let is_own = |it: &&Value| it.get(0).and_then(Value::as_u64) == Some(number as u64);
    let state = changed.iter().find(is_own)?.get(1)?;
    match state.get("state")?.as_str()? {
        "granted" | "at-partner" => Some("accept"),
        "pending" => Some("review"),
        "answered" => state.get("outcome")?.as_str(),
        _ => Some("reject"),
    }
}

fn event(
    envelope: &Envelope<'_>,
    decision: &Value,
    (number, item): (usize, &Value),
    outcome: &str,
) -> Map<String, Value> {
    let word = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let operation = decision
        .pointer("/operation/operation")
        .and_then(Value::as_str);
    let operation = operation.unwrap_or(UNKNOWN);
    let (status, action, disposition) = result(outcome, envelope.kind() == "review");
    let mut event = envelope.event_of(
        API_ACTIVITY,
        activity(operation),
        status,
        Some(number.to_string()),
    );
    event.insert("action_id".to_owned(), json!(action.0));
    event.insert("action".to_owned(), json!(action.1));
    event.insert("disposition_id".to_owned(), json!(disposition.0));
    event.insert("disposition".to_owned(), json!(disposition.1));
    event.insert("actor".to_owned(), actor(envelope, decision));
    event.insert("api".to_owned(), api(envelope, decision, operation));
    event.insert(
        "src_endpoint".to_owned(),
        endpoint(decision, "requesting_system"),
    );
    event.insert(
        "dst_endpoint".to_owned(),
        endpoint(decision, "receiving_system"),
    );
    event.insert(
        "resources".to_owned(),
        resources(envelope, decision, (number, item)),
    );
    event.insert("authorizations".to_owned(), authorizations(item, outcome));
    put(&mut event, "policy", bundle(decision));
    put(&mut event, "status_code", item.get("reason").cloned());
    put(
        &mut event,
        "status_detail",
        item.get("partner_text").cloned(),
    );
    let direction = word(decision, "direction").unwrap_or_default();
    let reason = word(item, "reason").unwrap_or_default();
    let message = format!("{operation} ({direction}): {outcome}, {reason}");
    event.insert("message".to_owned(), json!(message));
    event.insert(
        "unmapped".to_owned(),
        envelope.unmapped(rest(decision, (number, item))),
    );
    event
}

/// What an operation does, as the framework tells activities apart.
fn activity(operation: &str) -> (u64, &'static str) {
    match operation {
        "configuration-information"
        | "partner-connection-details"
        | "outbound-migration-identities"
        | "inbound-migration-identities"
        | "migrating-user-profile-retrieval"
        | "group-configuration-share"
        | "partner-key-material"
        | "location-information-sharing"
        | "logging-data-delivery" => (2, "Read"),
        "ue-configuration-push"
        | "user-configuration-change"
        | "group-membership-update"
        | "migration-users-update"
        | "visiting-service-change"
        | "cooperation-status-change"
        | "automatic-response-change"
        | "current-system-report" => (3, "Update"),
        "migration-return" | "ue-release" => (4, "Delete"),
        _ => (1, "Create"),
    }
}

type Named = (u64, &'static str);

/// Status, action and disposition of an outcome.
fn result(outcome: &str, is_review: bool) -> (Status, Named, Named) {
    let held = Status {
        id: 99,
        name: "Held for review",
    };
    match outcome {
        "accept" if is_review => (Status::SUCCESS, (1, "Allowed"), (8, "Approved")),
        "accept" => (Status::SUCCESS, (1, "Allowed"), (1, "Allowed")),
        "review" => (held, (99, "Held for review"), (14, "Delayed")),
        _ => (Status::FAILURE, (2, "Denied"), (2, "Blocked")),
    }
}

fn actor(envelope: &Envelope<'_>, decision: &Value) -> Value {
    let mut actor = Map::new();
    let account = decision.get("caller").and_then(Value::as_str);
    let account = account.or_else(|| envelope.account()).unwrap_or(UNKNOWN);
    actor.insert("app_name".to_owned(), json!(account));
    let asked = envelope.subject_of_part("requester");
    if let Some(user) = envelope.subject_of_part("reviewer").or(asked) {
        actor.insert("user".to_owned(), json!({ "uid": user, "type_id": 1 }));
    }
    Value::Object(actor)
}

fn api(envelope: &Envelope<'_>, decision: &Value, operation: &str) -> Value {
    let request = decision.get("request_id").and_then(Value::as_str);
    let request = request.or_else(|| envelope.request()).unwrap_or(UNKNOWN);
    json!({
        "operation": operation,
        "request": { "uid": request },
        "service": { "name": "comity" },
    })
}

fn endpoint(decision: &Value, name: &str) -> Value {
    let system = decision.get(name).and_then(Value::as_str);
    json!({ "name": system.unwrap_or(UNKNOWN), "type_id": 1 })
}

/// What the item is about: a person, a group, a system, a kind of information, a service.
fn resources(envelope: &Envelope<'_>, decision: &Value, (number, item): (usize, &Value)) -> Value {
    let resource = |kind: &str, role: (u64, &str), name: &Value| json!({ "type": kind, "uid": name, "name": name, "role_id": role.0, "role": role.1 });
    let mut resources = Vec::new();
    if let Some(subject) = subject_of(envelope, number) {
        resources.push(resource("MC service user", (3, "Affected"), subject));
    }
    let of_request = decision.pointer("/operation/elements/group");
    if let Some(group) = item.get("group").or(of_request) {
        resources.push(resource("MC service group", (1, "Target"), group));
    }
    for (member, kind) in [
        ("system", "MC system"),
        ("service", "MC service"),
        ("kind", "Kind of information"),
    ] {
        if let Some(named) = item.get(member).filter(|named| named.is_string()) {
            resources.push(resource(kind, (4, "Related"), named));
        }
    }
    Value::Array(resources)
}

/// Whom an item is about, as the part of that person says.
fn subject_of<'a>(envelope: &Envelope<'a>, number: usize) -> Option<&'a Value> {
    envelope.bodies().iter().find_map(|body| {
        if body.get("part").and_then(Value::as_str) != Some("subject") {
            return None;
        }
        let items = body.get("items")?.as_array()?;
        let is_own = |item: &Value| item.get(0).and_then(Value::as_u64) == Some(number as u64);
        items.iter().any(is_own).then(|| body.get("subject"))?
    })
}

/// Each policy that made it so, with what it decided.
fn authorizations(item: &Value, outcome: &str) -> Value {
    let policies = item.get("policies").and_then(Value::as_array);
    let policies = policies.map(Vec::as_slice).unwrap_or_default();
    let all = policies.iter().map(|policy| {
        let mut named = Map::new();
        put(&mut named, "uid", policy.get("id").cloned());
        put(&mut named, "type", policy.get("effect").cloned());
        put(&mut named, "desc", policy.get("response").cloned());
        let category = policy.get("category").cloned();
        put(
            &mut named,
            "group",
            category.map(|name| json!({ "name": name })),
        );
        named.insert("is_applied".to_owned(), json!(true));
        json!({ "decision": outcome, "policy": named })
    });
    Value::Array(all.collect())
}

/// The bundle that decided.
fn bundle(decision: &Value) -> Option<Value> {
    let bundle = decision.get("bundle")?;
    let version = bundle.get("generation").map(ToString::to_string);
    Some(json!({
        "uid": bundle.get("digest"),
        "name": "policy bundle",
        "version": version,
        "is_applied": true,
    }))
}

/// What has no place in the framework.
fn rest(decision: &Value, (number, item): (usize, &Value)) -> Map<String, Value> {
    let mut rest = Map::new();
    rest.insert("item".to_owned(), json!(number));
    for name in ["direction", "urgency", "engine_version", "now"] {
        put(&mut rest, name, decision.get(name).cloned());
    }
    for name in [
        "categories",
        "would_permit",
        "notes",
        "expires_at",
        "quorum",
        "attention",
    ] {
        put(&mut rest, name, item.get(name).cloned());
    }
    rest
}
