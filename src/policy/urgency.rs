//! Urgency sorts and notifies; it grants nothing (ruling 23).
//!
//! The requesting system says how urgent a request is and nobody verifies it, so an automatic permit
//! that reads it could be had for a word.

use cedar_policy::Effect;
use serde_json::Value;

use crate::policy::annotation::Response;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::SourceText;
use crate::policy::manifest::CategoryResponse;
use crate::policy::manifest::Manifest;
use crate::policy::manifest::Switch;
use crate::policy::places;

const URGENCY: &str = "urgency";

/// Reports permits, each with its form in JSON, that read the urgency and answer automatically, as written or as switched.
pub(super) fn check(
    manifest: &Manifest,
    policies: &[(&CompiledPolicy, Option<Value>)],
    files: &[SourceText],
    manifest_file: &SourceText,
    problems: &mut Vec<Diagnostic>,
) {
    for (policy, json) in policies {
        let switch = switched_to_automatic(manifest, policy);
        let is_automatic = is_automatic_as_written(manifest, policy) || switch.is_some();
        if !is_automatic || !reads_urgency(json.as_ref()) {
            continue;
        }
        let message = format!(
            "the automatic permit `{}` reads `context.{URGENCY}`",
            policy.info.id
        );
        let mut problem = Diagnostic::error(Code::UrgencyGrants, message)
            .at(places::within(
                &policy.info.place,
                files,
                URGENCY,
                is_attribute,
            ))
            .help("the urgency is what the requesting system says: let a person decide, or leave it out");
        if let Some(switch) = switch {
            let line = manifest_file.place(switch.place.clone());
            problem = problem.related(line, "switched to `automatic` here");
        }
        problems.push(problem);
    }
}

fn switched_to_automatic<'m>(
    manifest: &'m Manifest,
    policy: &CompiledPolicy,
) -> Option<&'m Switch> {
    let category = policy.info.category.as_ref()?;
    manifest.switches().iter().find(|switch| {
        policy.info.effect == Effect::Permit
            && switch.category == category.as_str()
            && switch.response == CategoryResponse::Automatic
    })
}

/// Whether the permit is automatic and no line of the manifest holds it.
fn is_automatic_as_written(manifest: &Manifest, policy: &CompiledPolicy) -> bool {
    let category = policy.info.category.as_ref();
    let response = category.and_then(|category| manifest.response_of(category));
    policy.info.effect == Effect::Permit
        && policy.info.response == Some(Response::Automatic)
        && response != Some(CategoryResponse::ManualReview)
}

/// Whether a condition reads the urgency; one that cannot be looked into counts as doing so.
fn reads_urgency(json: Option<&Value>) -> bool {
    json.is_none_or(reads)
}

/// Looks for `context.urgency` and `context has urgency`, through whatever stands between.
fn reads(json: &Value) -> bool {
    match json {
        Value::Object(members) => members.iter().any(|(operator, operand)| {
            let is_read = [".", "has"].contains(&operator.as_str())
                && operand.get("attr").is_some_and(names_urgency)
                && operand.get("left").is_some_and(speaks_of_context);
            is_read || reads(operand)
        }),
        Value::Array(items) => items.iter().any(reads),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn names_urgency(attribute: &Value) -> bool {
    attribute == URGENCY
        || attribute
            .as_array()
            .is_some_and(|path| path.iter().any(|step| step == URGENCY))
}

fn speaks_of_context(json: &Value) -> bool {
    match json {
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| (key == "Var" && value == "context") || speaks_of_context(value)),
        Value::Array(items) => items.iter().any(speaks_of_context),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether what follows on this line is an attribute.
fn is_attribute(before: &str) -> bool {
    let reads = [".", "has", "[\"", "has \""];
    reads.iter().any(|end| before.trim_end().ends_with(end))
}
