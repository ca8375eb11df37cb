//! What can be done next to a request, one thing or two at the same instant.

use serde_json::Value;
use serde_json::json;

use super::ledger::Kind;
use super::world::REVIEWERS;
use super::world::Shape;
use super::world::reviewer;
use crate::crash::random::Random;

/// Something to do.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) body: Value,
    /// By what it is known again, if it cannot have a word of its own.
    pub(super) tag: Option<String>,
    /// The version that is required.
    pub(super) version: Option<u64>,
}

impl Step {
    /// The member that takes the word by which it is known again.
    pub(super) fn kind_of_tag(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Answer | Kind::Withdrawal | Kind::Revocation => Some("reason"),
            Kind::Obligation => Some("detail"),
            Kind::Submission | Kind::Report | Kind::Acknowledgement => None,
        }
    }
}

/// One thing, or two that meet.
pub(super) fn plan(shape: Shape, standing: &Value, random: &mut Random) -> Vec<Step> {
    let kinds = possible(standing);
    let first = kinds[random.index(kinds.len())];
    if first == Kind::Acknowledgement || random.within(0..2) == 0 {
        return one(first, shape, standing, random).into_iter().collect();
    }
    // The same again, or what gets in its way.
    let others: Vec<Kind> = kinds
        .into_iter()
        .filter(|kind| *kind != Kind::Acknowledgement)
        .collect();
    let second = others[random.index(others.len())];
    [first, second]
        .into_iter()
        .filter_map(|kind| one(kind, shape, standing, random))
        .collect()
}

/// What can be done, the likelier the more often it is listed; at times something that cannot.
fn possible(standing: &Value) -> Vec<Kind> {
    let items = standing["items"].as_array().unwrap();
    let is_any = |states: &[&str]| {
        let mut states_of = items.iter().map(|item| item["state"].as_str().unwrap());
        states_of.any(|state| states.contains(&state))
    };
    let mut kinds = vec![Kind::Acknowledgement, Kind::Acknowledgement];
    if is_any(&["pending"]) {
        kinds.extend([Kind::Answer; 6]);
        kinds.push(Kind::Withdrawal);
    }
    if is_any(&["granted"]) {
        kinds.extend([Kind::Obligation, Kind::Obligation, Kind::Revocation]);
    }
    if is_any(&["cleared", "sent", "partner-pending"]) {
        kinds.extend([Kind::Report; 5]);
        kinds.push(Kind::Withdrawal);
    }
    if is_any(&["partner-accepted", "delivered"]) {
        kinds.extend([
            Kind::Report,
            Kind::Report,
            Kind::Obligation,
            Kind::Revocation,
        ]);
    }
    if is_any(&["revoked"]) {
        kinds.push(Kind::Obligation);
    }
    if is_any(&["refused", "expired", "withdrawn"]) {
        // To be refused.
        kinds.extend([Kind::Answer, Kind::Revocation]);
    }
    kinds
}

fn one(kind: Kind, shape: Shape, standing: &Value, random: &mut Random) -> Option<Step> {
    let id = standing["id"].as_str().unwrap();
    let version = standing["version"].as_u64().unwrap();
    let step = |resource: &str, body: Value| Step {
        kind,
        path: format!("/v1/requests/{id}/{resource}"),
        body,
        tag: None,
        version: None,
    };
    match kind {
        Kind::Submission => None,
        Kind::Answer => {
            let verdict = ["approve", "approve", "approve", "deny"][random.index(4)];
            let who = if shape == Shape::Two { 2 } else { REVIEWERS };
            let who = match random.within(0..10) {
                // Whose approval counts for nothing where two groups decide.
                0 => REVIEWERS - 1,
                _ => random.index(who),
            };
            let body = json!({ "reviewer": reviewer(who), "answer": verdict });
            let version = (random.within(0..4) == 0).then_some(version);
            let step = step("responses", some_items(body, random));
            Some(Step { version, ..step })
        }
        Kind::Withdrawal => Some(step("withdrawal", some_items(json!({}), random))),
        Kind::Revocation => {
            let body = json!({ "revoked_by": reviewer(0) });
            Some(step("revocation", some_items(body, random)))
        }
        Kind::Report => Some(report(standing, &step)),
        Kind::Obligation => {
            let all = standing["obligations"].as_array()?;
            let obligation = &all.get(random.index(all.len().max(1)))?["id"];
            let obligation = obligation.as_str().unwrap();
            // Whoever reports of the same one says the same.
            let outcome = if obligation.starts_with('1') {
                "failed"
            } else {
                "done"
            };
            let resource = format!("obligations/{obligation}");
            Some(step(&resource, json!({ "outcome": outcome })))
        }
        Kind::Acknowledgement => {
            let tag = Some(version.to_string());
            let step = step("acknowledgement", json!({ "version": version }));
            Some(Step { tag, ..step })
        }
    }
}

/// All items, or the first alone.
fn some_items(mut body: Value, random: &mut Random) -> Value {
    if random.within(0..4) == 0 {
        body["items"] = json!([0]);
    }
    body
}

/// What comes next from the partner.
fn report(standing: &Value, step: &dyn Fn(&str, Value) -> Step) -> Step {
    let items = standing["items"].as_array().unwrap();
    let is = |state: &str| items.iter().any(|item| item["state"] == state);
    let word = if is("cleared") {
        "sent"
    } else if is("sent") {
        "partner-pending"
    } else if is("partner-pending") {
        "answered"
    } else {
        "delivered"
    };
    let mut body = json!({ "report": word });
    if word == "answered" {
        let correlation = standing["correlation_id"].as_str().unwrap();
        let peer = &crate::crash::requests::request(2)["peer"];
        body["correlation_id"] = json!(correlation);
        body["peer"] = peer.clone();
        // Whoever reports the same answer says the same.
        let outcome = if correlation.ends_with(['0', '1', '2']) {
            "reject"
        } else {
            "accept"
        };
        body["items"] = items
            .iter()
            .map(|item| json!({ "subject": item["subject"], "outcome": outcome }))
            .collect();
    }
    Step {
        tag: Some(word.to_owned()),
        ..step("reports", body)
    }
}
