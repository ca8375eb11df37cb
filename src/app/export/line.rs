//! One entry of the log as one JSON object: what its hashes are made of, with the bodies to be read.

use data_encoding::BASE64;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::decision_log::Leaf;
use crate::decision_log::LogIndex;
use crate::decision_log::Part;
use crate::decision_log::PartClass;
use crate::decision_log::Payload;
use crate::decision_log::StoredPart;

/// The version of the exported form of a record, as `schemas/record/v1.schema.json` describes it.
pub const LINE_VERSION: u32 = 1;

/// An entry as it is exported.
pub(super) fn record(index: LogIndex, leaf: &Leaf, payload: &Payload) -> Value {
    json!({
        "version": LINE_VERSION,
        "index": index.0,
        "time": leaf.time(),
        "kind": leaf.kind(),
        "outcomes": leaf.outcomes(),
        "leaf": String::from_utf8_lossy(&leaf.encode()),
        "leaf_hash": leaf.hash(),
        "parts": payload.parts().iter().map(part).collect::<Vec<_>>(),
    })
}

fn part(stored: &StoredPart) -> Value {
    let mut members = Map::new();
    let commitment = json!(stored.commitment());
    match stored {
        StoredPart::Erased(_) => {
            members.insert("class".to_owned(), json!("personal"));
            members.insert("erased".to_owned(), json!(true));
            members.insert("commitment".to_owned(), commitment);
        }
        StoredPart::Present(Part { class, salt, body }) => {
            let name = match class {
                PartClass::State => "state",
                PartClass::Personal { .. } => "personal",
            };
            members.insert("class".to_owned(), json!(name));
            if let PartClass::Personal { subject_key } = class {
                members.insert("subject".to_owned(), json!(subject_key));
            }
            members.insert("commitment".to_owned(), commitment);
            members.insert("salt".to_owned(), json!(BASE64.encode(salt)));
            let (name, value) = readable(body);
            members.insert(name.to_owned(), value);
        }
    }
    Value::Object(members)
}

/// The body as JSON where its bytes can be had again from that, else in Base64.
fn readable(body: &[u8]) -> (&'static str, Value) {
    let read: Option<Value> = serde_json::from_slice(body).ok();
    let same = |value: &Value| serde_json::to_vec(value).is_ok_and(|again| again == body);
    match read.filter(same) {
        Some(value) => ("body", value),
        None => ("body_base64", json!(BASE64.encode(body))),
    }
}
