//! Words that an attribute can have, where the schema can only say `String`.
//!
//! A policy that compares an attribute with any other word is never satisfied by it, and validates all
//! the same: a forbid that says `"mcptt "` forbids nothing.

use cedar_policy::Schema;
use serde_json::Value;

use crate::domain::agreement::AgreementStatus;
use crate::domain::link::LinkStatus;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::request::Urgency;
use crate::domain::service::McService;
use crate::domain::ue_configuration::ConfigurationElement;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::SourceText;
use crate::policy::places;

/// An entity type by which a schema is known to be that of inter-system decisions.
const KNOWN_BY: &str = "MCX::Agreement";

/// Operators whose two sides are a value, or a set of values, of one kind.
const COMPARISONS: [&str; 5] = ["==", "!=", "contains", "containsAll", "containsAny"];

/// Warns of words that the attribute beside them never has.
pub(super) fn check(
    schema: &Schema,
    policies: &[(&CompiledPolicy, Option<Value>)],
    files: &[SourceText],
    problems: &mut Vec<Diagnostic>,
) {
    if !schema.entity_types().any(|it| it.to_string() == KNOWN_BY) {
        return;
    }
    for (policy, json) in policies {
        let mut found = Vec::new();
        if let Some(json) = json {
            comparisons(json, &mut found);
        }
        for (attribute, word) in found {
            let words = words_of(attribute);
            if words.is_empty() || words.contains(&word) {
                continue;
            }
            let quoted = format!("\"{word}\"");
            let place = places::within(&policy.info.place, files, &quoted, |_| true);
            let problem = unknown(attribute, word, &words).at(place);
            // The links of a template share its text.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
}

fn unknown(attribute: &str, word: &str, words: &[&str]) -> Diagnostic {
    let message = format!("`{attribute}` is never `{word}`");
    Diagnostic::warning(Code::UnknownWord, message)
        .help(format!("the words are `{}`", words.join("`, `")))
        .did_you_mean(&word.to_lowercase(), words.iter().copied())
}

/// What an attribute can be; nothing where any text is possible.
fn words_of(attribute: &str) -> Vec<&'static str> {
    match attribute {
        "service" | "services" | "groups" | "migration" => {
            McService::ALL.map(McService::as_str).to_vec()
        }
        "direction" => [
            Direction::Outbound,
            Direction::Inbound,
            Direction::HomeConsent,
        ]
        .map(Direction::as_str)
        .to_vec(),
        "urgency" => [
            Urgency::Low,
            Urgency::Normal,
            Urgency::High,
            Urgency::Critical,
        ]
        .map(Urgency::as_str)
        .to_vec(),
        "link" => [LinkStatus::None, LinkStatus::Down, LinkStatus::Up]
            .map(LinkStatus::as_str)
            .to_vec(),
        "status" => [
            AgreementStatus::Draft,
            AgreementStatus::Active,
            AgreementStatus::Suspended,
            AgreementStatus::Ended,
        ]
        .map(AgreementStatus::as_str)
        .to_vec(),
        "changes" => ConfigurationElement::ALL
            .map(ConfigurationElement::as_str)
            .to_vec(),
        "acm_operations" | "operation" => Operation::ALL.iter().map(|it| it.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Every attribute that is compared with a word, and the word.
fn comparisons<'j>(json: &'j Value, found: &mut Vec<(&'j str, &'j str)>) {
    match json {
        Value::Object(members) => {
            for (operator, operands) in members {
                let sides = (operands.get("left"), operands.get("right"));
                if let (true, (Some(left), Some(right))) =
                    (COMPARISONS.contains(&operator.as_str()), sides)
                {
                    compared(left, right, found);
                    compared(right, left, found);
                }
                comparisons(operands, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| comparisons(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compared<'j>(one: &'j Value, other: &'j Value, found: &mut Vec<(&'j str, &'j str)>) {
    let attribute = one.get(".").and_then(|read| read.get("attr"));
    if let Some(attribute) = attribute.and_then(Value::as_str) {
        found.extend(literals(other).map(|word| (attribute, word)));
    }
}

/// The words of a literal, or of a set of literals.
fn literals(json: &Value) -> impl Iterator<Item = &str> {
    let set = json.get("Set").and_then(Value::as_array);
    let items = set.into_iter().flatten().chain([json]);
    items.filter_map(|item| item.get("Value").and_then(Value::as_str))
}
