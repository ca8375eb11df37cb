//! What differs between a decision and what was expected, in words.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::decision::decide::ItemDecision;
use crate::decision::decide::selection;
use crate::workbench::scenario::Expected;
use crate::workbench::scenario::Scenario;

/// Every difference, in a sentence each; none when all came out as expected.
pub fn differences(scenario: &Scenario, decided: &[ItemDecision]) -> Vec<String> {
    let expected: Vec<&Expected> = scenario.expected().collect();
    let mut found = Vec::new();
    found.extend(selection_difference(scenario, decided));
    if decided.len() != expected.len() {
        found.push(format!(
            "expected {} items, got {}",
            expected.len(),
            decided.len()
        ));
    }
    for (number, (expected, decided)) in expected.iter().zip(decided).enumerate() {
        let item = format!("item {} (`{}`)", number + 1, decided.item);
        let of_item = item_differences(expected, decided);
        found.extend(
            of_item
                .into_iter()
                .map(|detail| format!("{item}: {detail}")),
        );
    }
    found
}

fn selection_difference(scenario: &Scenario, decided: &[ItemDecision]) -> Option<String> {
    let expected = scenario.selection.as_ref()?;
    let got = selection(&scenario.request, &scenario.facts(), decided);
    let got = serde_json::to_value(got).unwrap_or_default();
    (got != *expected).then(|| format!("selection: expected {expected}, got {got}"))
}

fn item_differences(expected: &Expected, decided: &ItemDecision) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = |name: &str, expected: &str, got: &str| {
        if expected != got {
            found.push(format!("{name}: expected {expected}, got {got}"));
        }
    };
    word(
        "outcome",
        expected.outcome.as_str(),
        decided.outcome.as_str(),
    );
    word("reason", expected.reason.as_str(), decided.reason.as_str());
    let policies = decided.policies.iter().map(|policy| policy.id.as_str());
    found.extend(names("policies", &expected.policies, policies));
    if let Some(expected) = &expected.categories {
        let categories = decided.categories.iter().map(String::as_str);
        found.extend(names("categories", expected, categories));
    }
    if let Some(expected) = &expected.obligations {
        let obligations = decided.obligations.iter().map(|it| it.name.as_str());
        found.extend(names("obligations", expected, obligations));
    }
    let members = serde_json::to_value(decided).unwrap_or_default();
    for (name, expected) in &expected.also {
        let got = members.get(name).unwrap_or(&Value::Null);
        if got != expected {
            found.push(format!("{name}: expected {expected}, got {got}"));
        }
    }
    if !found.is_empty() {
        found.extend(decided.errors.iter().map(|error| {
            let policy = error.policy.as_deref().unwrap_or("the query");
            format!("`{policy}` could not be evaluated: {}", error.message)
        }));
    }
    found
}

fn names<'a>(
    what: &str,
    expected: &BTreeSet<String>,
    got: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    let got: BTreeSet<&str> = got.collect();
    (expected != got).then(|| {
        let list = |names: &mut dyn Iterator<Item = &&str>| {
            names
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let missing = list(&mut expected.difference(&got));
        let further = list(&mut got.difference(&expected));
        let parts = [("missing", missing), ("not expected", further)];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(how, names)| format!("{how} {names}"))
            .collect();
        format!("{what}: {}", parts.join("; "))
    })
}
