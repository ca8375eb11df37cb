//! Changes to shared data: JSON merge patches, and lists written short.

use serde_json::Map;
use serde_json::Value;

/// RFC 7396: objects are merged, `null` takes a member away, all else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.shift_remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// The longest list that a range can stand for; a longer one is left as it is, and is no identity.
const RANGE_MAX: u32 = 10_000;

/// In every list of identities, `sip:officer.{1..240}@…` stands for so many.
pub(super) fn expand_members(request: &mut Value) {
    let Value::Object(elements) = request else {
        return;
    };
    for (name, element) in elements.iter_mut() {
        match element {
            Value::Array(list) if name == "members" => {
                *list = list.iter().flat_map(expand).collect();
            }
            Value::Object(_) if name == "body" => expand_members(element),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
    }
}

fn expand(pattern: &Value) -> Vec<Value> {
    let range = pattern.as_str().and_then(|text| {
        let (before, rest) = text.split_once('{')?;
        let (range, after) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        let is_short = last.checked_sub(first).is_some_and(|more| more < RANGE_MAX);
        is_short.then_some((before, first..=last, after))
    });
    match range {
        Some((before, range, after)) => range
            .map(|number| Value::String(format!("{before}{number}{after}")))
            .collect(),
        None => vec![pattern.clone()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::expand_members;
    use super::merge;

    #[test]
    fn patches_merge_replace_and_take_away() {
        let mut target = json!({ "a": { "b": 1, "c": [1, 2] }, "d": 4 });
        merge(
            &mut target,
            &json!({ "a": { "b": null, "c": [3] }, "d": { "e": null, "f": 5 } }),
        );
        assert_eq!(target, json!({ "a": { "c": [3] }, "d": { "f": 5 } }));
    }

    #[test]
    fn a_range_stands_for_its_members() {
        let mut request = json!({ "body": { "members": ["sip:a.{9..11}@x", "sip:b@x", 7] } });
        expand_members(&mut request);
        let members = json!(["sip:a.9@x", "sip:a.10@x", "sip:a.11@x", "sip:b@x", 7]);
        assert_eq!(request["body"]["members"], members);
    }
}
