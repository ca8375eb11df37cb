//! How two JSON values differ, place by place.

use serde::Serialize;
use serde_json::Value;

/// One place at which two values differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What was there; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every place at which two values differ, the members in order of name. A list that differs is quoted as a whole.
pub(super) fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), before, after, &mut found);
    found
}

fn compare(
    pointer: String,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(one)), Some(Value::Object(other))) = (before, after) {
        let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            let place = format!("{pointer}/{escaped}");
            compare(place, one.get(name), other.get(name), found);
        }
        return;
    }
    found.push(Difference {
        pointer,
        before: before.cloned(),
        after: after.cloned(),
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn each_place_is_named_with_what_was_and_what_is_there() {
        let before = json!({ "a": 1, "b": { "c/d": [1, 2], "e": true }, "gone": "x" });
        let after = json!({ "a": 1, "b": { "c/d": [1, 3], "e": true }, "new": null });
        let found = differences(Some(&before), Some(&after));
        let told = serde_json::to_value(found).unwrap();
        assert_eq!(
            told,
            json!([
                { "pointer": "/b/c~1d", "before": [1, 2], "after": [1, 3] },
                { "pointer": "/gone", "before": "x" },
                { "pointer": "/new", "after": null },
            ])
        );
        assert!(differences(Some(&before), Some(&before)).is_empty());
        assert_eq!(differences(None, Some(&before)).len(), 1);
    }
}
