//! The `callback` of an access request: where the caller wants to be called when the task has ended.

use serde_json::Map;
use serde_json::Value;

use super::body::Problems;
use crate::app::access_request::TaskStatus;
use crate::app::callbacks::Callback;
use crate::domain::wire::canonical_json;

const ENDPOINT_BYTES_MAX: usize = 2_048;

const STATE_BYTES_MAX: usize = 4_096;

/// Reads it, if it is there.
pub(super) fn read(body: &Map<String, Value>, problems: &mut Problems) -> Option<Callback> {
    let members = match body.get("callback") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(members)) => members,
        Some(_) => {
            problems.at("/callback", "must be an object");
            return None;
        }
    };
    let endpoint = match members.get("endpoint") {
        Some(Value::String(text)) if text.len() <= ENDPOINT_BYTES_MAX => Some(text.clone()),
        Some(Value::String(_)) => {
            problems.at("/callback/endpoint", "is longer than 2,048 bytes");
            None
        }
        Some(_) => {
            problems.at("/callback/endpoint", "must be a string");
            None
        }
        None => {
            problems.at("/callback/endpoint", "is missing");
            None
        }
    };
    let mut returned = Map::new();
    if let Some(state) = members.get("state") {
        if canonical_json(state).len() > STATE_BYTES_MAX {
            problems.at("/callback/state", "is longer than 4,096 bytes");
        }
        returned.insert("state".to_owned(), state.clone());
    }
    let events = events(members.get("events"), problems);
    Some(Callback {
        endpoint: endpoint?,
        events,
        returned,
    })
}

/// With which ends of the task; all, where nothing is said.
fn events(found: Option<&Value>, problems: &mut Problems) -> Vec<TaskStatus> {
    let place = "/callback/events";
    let named = match found {
        None => return TaskStatus::ENDS.to_vec(),
        Some(Value::Array(named)) if !named.is_empty() => named,
        Some(_) => {
            problems.at(place, "must be an array of at least one event");
            return Vec::new();
        }
    };
    let mut events = Vec::new();
    for (number, name) in named.iter().enumerate() {
        let mut all = TaskStatus::ENDS.into_iter();
        match all.find(|it| name.as_str() == Some(it.as_str())) {
            Some(event) if events.contains(&event) => {}
            Some(event) => events.push(event),
            None => {
                let detail = "is no event; there are approved, denied, expired, cancelled, failed and partial";
                problems.at(&format!("{place}/{number}"), detail);
            }
        }
    }
    events
}
