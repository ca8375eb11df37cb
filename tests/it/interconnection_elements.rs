//! The information elements of the interconnection operations, as a front-end writes them.

use comity::domain::operation::Family;
use comity::domain::request::OperationBody;
use comity::domain::wire::WireLimits;
use comity::domain::wire::read_request;
use comity::domain::wire::write_request;
use serde_json::Value;
use serde_json::json;

use crate::golden::SCENES;

/// The smallest request of each operation.
fn smallest() -> Vec<Value> {
    let (caller, user) = (
        "sip:officer.114@mc.nl.example",
        "sip:beamter.21@mc.de.example",
    );
    let group = "sip:unfall-07@mc.de.example";
    vec![
        json!({ "operation": "mcptt-private-call", "caller": caller, "called_user": user }),
        json!({ "operation": "mcvideo-call", "caller": caller, "called_user": user }),
        json!({ "operation": "mcdata-transaction", "sender": caller, "recipient": user, "kind": "sds" }),
        json!({
            "operation": "interconnection-group-call", "caller": caller, "group": group,
            "service": "mcptt", "affiliated": true,
        }),
        json!({ "operation": "group-configuration-share", "group": group, "services": ["mcptt"] }),
        json!({
            "operation": "partner-key-material", "user": caller,
            "kms_uri": "https://kms.mc.de.example", "kind": "external",
        }),
        json!({
            "operation": "location-information-sharing", "group": group, "service": "mcptt",
            "information": "cell",
        }),
        json!({
            "operation": "logging-data-delivery", "kind": "media", "service": "mcptt",
            "user": caller, "serving_system": "mc.de.example",
        }),
        json!({
            "operation": "preconfigured-regroup", "requester": { "mc_service_id": caller },
            "source_group": "sip:regroup@mc.nl.example", "groups": [group],
        }),
    ]
}

fn request(body: &Value) -> Value {
    let mut request = json!({
        "direction": "outbound", "correlation_id": "nl-2026-001201",
        "requesting_system": "mc.nl.example", "receiving_system": "mc.de.example",
    });
    for (name, value) in body.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn read(body: &Value) -> Result<OperationBody, Vec<String>> {
    read_request(&request(body), WireLimits::default())
        .map(|request| request.body)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// What is wrong once a member is replaced, or taken away by `null`.
fn with(operation: &str, member: &str, value: Value) -> Vec<String> {
    let mut body = smallest()
        .into_iter()
        .find(|body| body["operation"] == operation)
        .unwrap();
    if value.is_null() {
        body.as_object_mut().unwrap().shift_remove(member);
    } else {
        body[member] = value;
    }
    read(&body).err().unwrap_or_default()
}

#[test]
fn the_smallest_request_is_enough_and_nothing_in_it_can_be_left_out() {
    for body in smallest() {
        let operation = body["operation"].as_str().unwrap();
        assert_eq!(
            read(&body).map(|body| body.operation().as_str()),
            Ok(operation)
        );
        for name in body.as_object().unwrap().keys() {
            let problems = with(operation, name, Value::Null);
            let names_it = problems.iter().any(|it| it.contains(&format!("`{name}`")));
            assert!(names_it, "{operation} without {name}: {problems:?}");
        }
    }
}

#[test]
fn the_requests_of_all_cases_are_written_as_they_are_read() {
    let mut read_again = 0;
    for scene in SCENES.iter() {
        if scene.request.body.operation().family() != Family::Interconnection {
            continue;
        }
        let written = write_request(&scene.request).unwrap();
        let again = read_request(&written, WireLimits::default());
        assert_eq!(again.as_ref(), Ok(&scene.request), "{}", scene.name);
        read_again += 1;
    }
    assert!(read_again > 200, "{read_again}");
}

/// Operation, member, what is written there, and what is wrong with it.
#[rustfmt::skip]
const WRONG: [[&str; 4]; 18] = [
    ["mcptt-private-call", "call_state", r#""imminent-peril""#, "/call_state: `imminent-peril` is not the state of a private call: normal, emergency"],
    ["mcptt-private-call", "floor_control", r#""yes""#, "/floor_control: must be true or false, not a string"],
    ["mcvideo-call", "commencement_mode", r#""auto""#, "/commencement_mode: `auto` is not a commencement mode: automatic, manual"],
    ["mcvideo-call", "floor_control", "true", "/floor_control: unknown member `floor_control`"],
    ["mcdata-transaction", "kind", r#""fax""#, "/kind: `fax` is not a kind of transaction: sds, file-distribution, data-streaming"],
    ["mcdata-transaction", "size", "-1", "/size: must be a whole number from 0 to 4294967295"],
    ["interconnection-group-call", "affiliated", r#""yes""#, "/affiliated: must be true or false, not a string"],
    ["interconnection-group-call", "call_state", r#""urgent""#, "/call_state: `urgent` is not the state of a group call: normal, emergency, imminent-peril, broadcast"],
    ["group-configuration-share", "group_priority", "256", "/group_priority: must be a whole number from 0 to 255"],
    ["group-configuration-share", "services", "[]", "/services: has 0 elements, but must have 1 to 3"],
    ["partner-key-material", "kind", r#""home""#, "/kind: `home` is not a kind of key management server: external, migration"],
    ["partner-key-material", "kms_uri", r#""""#, "/kms_uri: is 0 bytes long, but must have 1 to 255"],
    ["location-information-sharing", "information", r#""speed""#, "/information: `speed` is not information that is shared: multicast, cell, location"],
    ["logging-data-delivery", "kind", r#""all""#, "/kind: `all` is not a kind of logging data: media, metadata"],
    ["logging-data-delivery", "group", r#""sip:unfall-07@mc.de.example""#, "must have either `user` or `group`"],
    ["preconfigured-regroup", "users", r#"["sip:beamter.21@mc.de.example"]"#, "must have exactly one of `groups`, `users` and `criteria`"],
    ["preconfigured-regroup", "groups", r#"["sip:a@mc.de.example", "sip:a@MC.de.example"]"#, "/groups/1: names the same group as `/groups/0`"],
    ["preconfigured-regroup", "groups", "[]", "/groups: has 0 elements, but must have 1 to 10000"],
];

#[test]
fn words_have_their_places() {
    for [operation, member, value, problem] in WRONG {
        let problems = with(operation, member, serde_json::from_str(value).unwrap());
        assert!(
            problems.iter().any(|it| it.starts_with(problem)),
            "{operation} {member}: {problems:?}"
        );
    }
}

#[test]
fn a_regroup_by_criteria_says_which() {
    let by = |criteria: Value| {
        read(&json!({
            "operation": "preconfigured-regroup",
            "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
            "source_group": "sip:regroup@mc.nl.example", "criteria": criteria,
        }))
    };
    assert!(by(json!({ "tags": ["fire"] })).is_ok());
    assert!(by(json!({ "plmns": ["262-01"] })).is_ok());
    let problem = |criteria| by(criteria).unwrap_err().concat();
    assert_eq!(
        problem(json!({})),
        "/criteria: must have `plmns`, `tags` or both"
    );
    assert!(problem(json!({ "plmns": ["Berlin"] })).starts_with("/criteria/plmns/0: "));
    assert!(problem(json!({ "tags": [""] })).starts_with("/criteria/tags/0: "));
    assert!(problem(json!({ "colour": "red" })).starts_with("/criteria/colour: unknown member"));
}
