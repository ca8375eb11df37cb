//! What was written, put in force, or became of a request: *Entity Management* (3004), one event a thing.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::app::export::ocsf::envelope::Class;
use crate::app::export::ocsf::envelope::Envelope;
use crate::app::export::ocsf::envelope::Status;
use crate::app::export::ocsf::envelope::put;

const ENTITY_MANAGEMENT: Class = Class {
    uid: 3004,
    name: "Entity Management",
    category_uid: 3,
    category_name: "Identity & Access Management",
    profiles: &[],
};

const CREATE: (u64, &str) = (1, "Create");
const READ: (u64, &str) = (2, "Read");
const UPDATE: (u64, &str) = (3, "Update");
const DELETE: (u64, &str) = (4, "Delete");
const ACTIVATE: (u64, &str) = (10, "Activate");
const DEACTIVATE: (u64, &str) = (11, "Deactivate");
const OTHER: (u64, &str) = (99, "Other");

/// A thing and what was done to it.
struct Done {
    activity: (u64, &'static str),
    status: Status,
    entity: Value,
    count: Option<u64>,
}

impl Done {
    fn new(activity: (u64, &'static str), entity: Value) -> Self {
        Self {
            activity,
            status: Status::SUCCESS,
            entity,
            count: None,
        }
    }
}

/// One event for each thing that a record is about; at least one.
pub(super) fn events(envelope: &Envelope<'_>) -> Vec<Value> {
    let mut all = done(envelope);
    if all.is_empty() {
        all.push(Done::new(
            OTHER,
            json!({ "type": "log entry", "name": envelope.kind() }),
        ));
    }
    told(envelope, all)
}

/// One event for each document that was written with a decision.
pub(super) fn written_with(envelope: &Envelope<'_>) -> Vec<Value> {
    let event = envelope.event();
    let all = event.map(|(_, event)| documents(envelope, event));
    told(envelope, all.unwrap_or_default())
}

fn told(envelope: &Envelope<'_>, all: Vec<Done>) -> Vec<Value> {
    let numbered = all.into_iter().enumerate();
    let told = numbered.map(|(number, done)| event(envelope, done, format!("e{number}")));
    told.map(Value::Object).collect()
}

fn event(envelope: &Envelope<'_>, done: Done, number: String) -> Map<String, Value> {
    let mut event = envelope.event_of(ENTITY_MANAGEMENT, done.activity, done.status, Some(number));
    let account = envelope.account();
    put(
        &mut event,
        "actor",
        account.map(|account| json!({ "app_name": account })),
    );
    let name = done
        .entity
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let message = format!("{} of {name}", done.activity.1);
    event.insert("message".to_owned(), json!(message));
    put(&mut event, "count", done.count.map(|count| json!(count)));
    event.insert("entity".to_owned(), done.entity);
    let reason = ["reviewer", "withdrawn-by", "revoked-by", "obligation-words"];
    let reason = reason.into_iter().filter_map(|part| envelope.part(part));
    let mut comment = reason.filter_map(|part| part.get("reason").or_else(|| part.get("detail")));
    put(&mut event, "comment", comment.next().cloned());
    let mut rest = Map::new();
    put(
        &mut rest,
        "event",
        envelope.event().map(|(name, _)| json!(name)),
    );
    event.insert("unmapped".to_owned(), envelope.unmapped(rest));
    event
}

fn done(envelope: &Envelope<'_>) -> Vec<Done> {
    let Some((name, event)) = envelope.event() else {
        return Vec::new();
    };
    let text = |name: &str| event.get(name).cloned().unwrap_or_default();
    let request = || json!({ "type": "request", "uid": envelope.request().unwrap_or("unknown") });
    match name {
        "documents-written" => documents(envelope, event),
        "genesis" => vec![Done::new(
            CREATE,
            json!({ "type": "decision log", "uid": text("origin") }),
        )],
        "published" | "publication-refused" => vec![Done {
            status: if name == "published" {
                Status::SUCCESS
            } else {
                Status::FAILURE
            },
            ..Done::new(ACTIVATE, bundle(event))
        }],
        "signing-begun" => vec![Done::new(
            UPDATE,
            json!({ "type": "signing keys of the log", "uid": text("origin") }),
        )],
        "records-read" => {
            let reads = event.get("reads").and_then(Value::as_array);
            let reads = reads.into_iter().flatten();
            let read = reads.map(|it| {
                let entity = json!({ "type": "records", "name": it.get("way") });
                Done {
                    count: it.get("records").and_then(Value::as_u64),
                    ..Done::new(READ, entity)
                }
            });
            read.collect()
        }
        "erasure" => vec![Done::new(
            UPDATE,
            json!({ "type": "order to erase", "uid": text("id") }),
        )],
        "secrets-read" => vec![Done::new(READ, entity(event.get("key")))],
        "dry-runs" => {
            let counts = event.get("counts").and_then(Value::as_object);
            let counts = counts.into_iter().flat_map(Map::values);
            let entity = json!({ "type": "dry runs", "name": text("caller") });
            vec![Done {
                count: Some(counts.filter_map(Value::as_u64).sum()),
                ..Done::new(READ, entity)
            }]
        }
        "obligations-overdue" => {
            let all = event.get("obligations").and_then(Value::as_array);
            let all = all.into_iter().flatten();
            let overdue =
                all.map(|it| json!({ "type": "obligation", "uid": it.get("obligation") }));
            overdue.map(|entity| Done::new(OTHER, entity)).collect()
        }
        "withdrawn" => vec![Done::new(DELETE, request())],
        "revoked" | "expired" => vec![Done::new(DEACTIVATE, request())],
        "acknowledged" => vec![Done::new(READ, request())],
        "reminded" => vec![Done::new(OTHER, request())],
        _ => vec![Done::new(UPDATE, request())],
    }
}

fn bundle(event: &Value) -> Value {
    let version = event.get("generation").map(ToString::to_string);
    let mut entity = Map::new();
    entity.insert("type".to_owned(), json!("Policy"));
    entity.insert("type_id".to_owned(), json!(5));
    put(&mut entity, "uid", event.get("digest").cloned());
    put(&mut entity, "version", version.map(Value::from));
    Value::Object(entity)
}

/// The documents that were written, in their order; of one that was erased only its kind is left.
fn documents(envelope: &Envelope<'_>, event: &Value) -> Vec<Done> {
    let changes = event.get("changes").and_then(Value::as_array);
    let changes = changes.into_iter().flatten().enumerate();
    changes
        .map(|(number, change)| {
            if let Some(put) = change.get("put") {
                return Done::new(UPDATE, entity(put.get("key")));
            }
            if let Some(deleted) = change.get("deleted") {
                return Done::new(DELETE, entity(deleted.get("key")));
            }
            match detail(envelope, number) {
                Some(detail) if detail.get("document").is_some() => {
                    Done::new(UPDATE, entity(detail.get("key")))
                }
                Some(detail) => Done::new(DELETE, entity(detail.get("key"))),
                None => {
                    let kind = change
                        .pointer("/personal/kind")
                        .cloned()
                        .unwrap_or_default();
                    Done::new(UPDATE, json!({ "type": kind, "name": "erased" }))
                }
            }
        })
        .collect()
}

/// The part that holds a change of a document about a person.
fn detail<'a>(envelope: &Envelope<'a>, change: usize) -> Option<&'a Value> {
    let mut details = envelope
        .bodies()
        .iter()
        .filter_map(|body| body.get("document"));
    details.find(|it| it.get("change").and_then(Value::as_u64) == Some(change as u64))
}

fn entity(key: Option<&Value>) -> Value {
    let kind = key.and_then(|key| key.get("kind")).and_then(Value::as_str);
    let id = key.and_then(|key| key.get("id")).and_then(Value::as_str);
    let kind = kind.unwrap_or("document");
    let type_id = match kind {
        "user" | "membership" | "migration" | "migration-user" | "access-grant"
        | "migrated-profile" | "home-refusal" | "open-deletion" => 2,
        "group" | "shared-group" | "group-override" => 3,
        "system" | "agreement" | "link" | "partner-keys" => 4,
        "response-settings" => 5,
        _ => 99,
    };
    json!({ "type": kind, "type_id": type_id, "uid": id.unwrap_or("unknown") })
}
