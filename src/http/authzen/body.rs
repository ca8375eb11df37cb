//! Reading AuthZEN bodies: what has to be there is, and what is not known is passed over.

use serde_json::Map;
use serde_json::Value;

use crate::app::access_request::Tuple;
use crate::app::error::Invalid;
use crate::http::problem::Problem;

/// What was found wrong, with its places.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Invalid>);

impl Problems {
    pub(super) fn at(&mut self, pointer: &str, detail: &str) {
        self.0.push(Invalid::at(pointer, detail));
    }

    /// The value, unless something is wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(Problem::invalid_access_body(self.0)),
        }
    }
}

/// The members of a body, which is an object.
pub(super) fn members(value: &Value, problems: &mut Problems) -> Option<Map<String, Value>> {
    let members = value.as_object();
    if members.is_none() {
        problems.at("", "must be an object");
    }
    members.cloned()
}

/// A subject or a resource: an object with `type` and `id`, perhaps with `properties`.
pub(super) fn entity(
    found: Option<&Value>,
    pointer: &str,
    problems: &mut Problems,
) -> Option<Value> {
    named(found, pointer, &["type", "id"], problems)
}

/// An action: an object with `name`, perhaps with `properties`.
pub(super) fn action(
    found: Option<&Value>,
    pointer: &str,
    problems: &mut Problems,
) -> Option<Value> {
    named(found, pointer, &["name"], problems)
}

fn named(
    found: Option<&Value>,
    pointer: &str,
    names: &[&str],
    problems: &mut Problems,
) -> Option<Value> {
    let Some(found) = found else {
        problems.at(pointer, "is missing");
        return None;
    };
    let Some(members) = found.as_object() else {
        problems.at(pointer, "must be an object");
        return None;
    };
    let mut is_whole = true;
    for name in names {
        let place = format!("{pointer}/{name}");
        let wrong = match members.get(*name) {
            None => "is missing",
            Some(Value::String(text)) if text.is_empty() => "is empty",
            Some(Value::String(_)) => continue,
            Some(_) => "must be a string",
        };
        problems.at(&place, wrong);
        is_whole = false;
    }
    if let Some(properties) = members.get("properties")
        && !properties.is_object()
    {
        problems.at(&format!("{pointer}/properties"), "must be an object");
        is_whole = false;
    }
    is_whole.then(|| found.clone())
}

/// An object that need not be there.
pub(super) fn object(
    found: Option<&Value>,
    pointer: &str,
    problems: &mut Problems,
) -> Map<String, Value> {
    match found {
        None => Map::new(),
        Some(Value::Object(members)) => members.clone(),
        Some(_) => {
            problems.at(pointer, "must be an object");
            Map::new()
        }
    }
}

/// Subject, resource, action and context of one evaluation.
pub(super) fn tuple(body: &Map<String, Value>, problems: &mut Problems) -> Option<Tuple> {
    let subject = entity(body.get("subject"), "/subject", problems);
    let resource = entity(body.get("resource"), "/resource", problems);
    let action = action(body.get("action"), "/action", problems);
    let context = object(body.get("context"), "/context", problems);
    Some(Tuple {
        subject: subject?,
        resource: resource?,
        action: action?,
        context,
    })
}
