//! What partners are told: never more than they may know.

use std::collections::BTreeSet;

use comity::app::outward::PartnerView;
use comity::domain::operation::Direction;
use comity::domain::outcome::Outcome;
use comity::domain::registry::DocumentKind;
use comity::policy::bundle::PolicyClass;
use comity::policy::bundle::PolicyInfo;
use serde_json::Value;
use serde_json::json;

use crate::golden::SCENES;
use crate::golden::SHIPPED;
use crate::golden::Scene;
use crate::golden::engine_of;

/// Policies that refuse because of what a group of ours is, which a partner that it is not for does not learn.
const CLOSED_GROUP: [&str; 4] = [
    ".group-enabled",
    ".group-interconnection",
    ".group-known",
    ".group-partner",
];

fn view(scene: &Scene) -> Value {
    json!(PartnerView::of_decisions(
        &scene.request,
        scene.decide(engine_of(scene))
    ))
}

/// Every text in a value, names of members left out.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What the registry names: keys of documents, and every identity, alias, server and area in them.
fn identifiers(scene: &Scene) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, document) in &scene.registry.documents {
        found.insert(key.id.to_string());
        texts(&document.value.to_json().unwrap(), &mut found);
    }
    let names_something = |text: &String| text.contains(['@', ':', '.', '-']) || text.len() > 8;
    // Times and the words of services and operations name nothing of ours.
    let is_time = |text: &String| text.ends_with('Z') && text.contains('T');
    found.retain(|text| names_something(text) && !is_time(text));
    found
}

#[test]
fn whatever_refuses_or_holds_says_why_to_the_partner() {
    for policy in SHIPPED.bundle().policies() {
        match policy.class() {
            PolicyClass::AutomaticPermit => {}
            PolicyClass::ManualPermit | PolicyClass::HardForbid | PolicyClass::HoldingForbid => {
                assert!(policy.reason.is_some(), "{}", policy.id);
            }
        }
    }
}

#[test]
fn whoever_decides_what_is_held_finds_a_note_in_most_cases() {
    let held = SCENES.iter().flat_map(|scene| {
        let items = scene.decide(engine_of(scene));
        items
            .into_iter()
            .filter(|item| item.outcome == Outcome::Review)
    });
    let (with, without): (Vec<_>, Vec<_>) = held.partition(|item| !item.notes.is_empty());
    assert!(with.len() > 4 * without.len(), "{without:#?}");
}

#[test]
fn a_partner_sees_no_policy_no_category_and_nothing_that_it_did_not_name() {
    let bundle = SHIPPED.bundle();
    let id = |policy: &PolicyInfo| policy.id.to_string();
    let category = |policy: &PolicyInfo| policy.category.as_ref().map(ToString::to_string);
    let ids: BTreeSet<String> = bundle
        .policies()
        .map(id)
        .chain(bundle.policies().filter_map(category))
        .collect();
    assert!(ids.iter().all(|name| name.contains('.')));
    let mut compared = 0;
    for scene in SCENES.iter() {
        let view = view(scene);
        let text = view.to_string();
        for name in &ids {
            assert!(!text.contains(name.as_str()), "{}: {name}", scene.name);
        }
        let asked = serde_json::to_string(&scene.request).unwrap();
        let mut told = BTreeSet::new();
        texts(&view, &mut told);
        for identifier in identifiers(scene) {
            if !asked.contains(&identifier) {
                compared += 1;
                let is_told = told.iter().any(|text| text.contains(&identifier));
                assert!(!is_told, "{}: {identifier} in {text}", scene.name);
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn a_partner_sees_these_members_and_no_other() {
    let view_members = ["correlation_id", "operation", "status", "items"];
    let item_members = [
        "subject", "service", "group", "kind", "system", "outcome", "reason", "limits",
    ];
    let limits = ["services", "priority_cap", "end_time"];
    for scene in SCENES.iter() {
        let view = view(scene);
        let of = |value: &Value| -> Vec<String> {
            let members = value.as_object().unwrap();
            members.keys().cloned().collect()
        };
        assert_eq!(of(&view), view_members);
        for item in view["items"].as_array().unwrap() {
            let members = of(item);
            let known = |name: &String| item_members.contains(&name.as_str());
            assert!(members.iter().all(known), "{members:?}");
            assert_eq!(of(&item["reason"]), ["code", "text"]);
            if let Some(told) = item.get("limits") {
                assert!(of(told).iter().all(|it| limits.contains(&it.as_str())));
                assert_eq!(item["outcome"], "accept");
            }
        }
    }
}

/// A group that is not for the partner and one that does not exist are told apart by nobody.
#[test]
fn a_closed_group_looks_like_none() {
    let mut compared = 0;
    for scene in SCENES.iter() {
        let engine = engine_of(scene);
        let decided = scene.decide(engine);
        let is_closed = decided.iter().flat_map(|item| &item.policies).any(|it| {
            CLOSED_GROUP.iter().any(|end| it.id.ends_with(end)) && !it.id.contains("configuration")
        });
        if scene.request.direction != Direction::Inbound || !is_closed {
            continue;
        }
        let groups = scene.registry.documents.keys();
        let groups: Vec<_> = groups
            .filter(|key| key.kind == DocumentKind::Group)
            .cloned()
            .collect();
        let mut without = scene.clone();
        for key in groups {
            without.registry = without.registry.without(&key);
        }
        let open = |scene: &Scene| -> Vec<Value> {
            let view = view(scene);
            let items = view["items"].as_array().unwrap().clone();
            items
                .into_iter()
                .map(|item| item["reason"].clone())
                .collect()
        };
        for ((with, without), item) in open(scene).iter().zip(open(&without)).zip(&decided) {
            let is_closed = |it: &&comity::decision::decide::DeterminingPolicy| {
                CLOSED_GROUP.iter().any(|end| it.id.ends_with(end))
            };
            if item.policies.iter().any(|it| is_closed(&it)) {
                compared += 1;
                assert_eq!(*with, without, "{}", scene.name);
            }
        }
    }
    assert!(compared > 10, "{compared}");
}

/// Whoever is not known to be the partner learns that and nothing else.
#[test]
fn a_spoofed_request_is_told_nothing_of_what_lies_behind() {
    let scene = SCENES
        .iter()
        .find(|scene| scene.name == "membership-inbound-group-disabled")
        .unwrap();
    let mut spoofed = scene.clone();
    let peer = spoofed.request.peer.as_mut().unwrap();
    peer.system = "mc.be.example".parse().unwrap();
    let reasons = |scene: &Scene| view(scene)["items"][0]["reason"]["text"].clone();
    assert_eq!(
        reasons(&spoofed),
        "The request does not come from the system that it names."
    );
    assert_eq!(
        reasons(scene),
        "The group is not open for this to the system that asks."
    );
}
