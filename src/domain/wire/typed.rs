//! A JSON value as a type, where serde alone does not say at which place it does not fit.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::Problem;
use super::json::push_token;

/// The value as a type; what does not fit is named by its place.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => push_token(&mut pointer, &index.to_string()),
                Segment::Map { key } => push_token(&mut pointer, key),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        placed(pointer, error.into_inner().to_string())
    })
}

/// A member that should not be there, or should be, is named by its own place and not by that of its object.
fn placed(mut pointer: String, message: String) -> Problem {
    let named = |what: &str| {
        let rest = message.strip_prefix(what)?.strip_prefix(" `")?;
        rest.split_once('`')
    };
    let detail = if let Some((member, expected)) = named("unknown field") {
        let mut own = String::new();
        push_token(&mut own, member);
        if !pointer.ends_with(&own) {
            pointer.push_str(&own);
        }
        format!(
            "is no member of this{}",
            expected.replacen(", expected", ": expected", 1)
        )
    } else if let Some((member, _)) = named("missing field") {
        push_token(&mut pointer, member);
        "is missing".to_owned()
    } else {
        message
    };
    Problem { pointer, detail }
}
