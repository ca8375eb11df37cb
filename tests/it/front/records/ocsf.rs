//! Events for a SIEM have what OCSF 1.8.0 requires of their classes.

use serde_json::Value;
use serde_json::json;

use super::exports::exported;
use super::kinds::LATE;
use super::kinds::every_kind;
use crate::front::support::OFFICER;

/// Attributes that a class requires: those of the base event, and its own.
const BASE: [&str; 7] = [
    "/activity_id",
    "/category_uid",
    "/class_uid",
    "/metadata",
    "/severity_id",
    "/time",
    "/type_uid",
];
const OWN: [(u64, &[&str]); 3] = [
    (0, &[]),
    (3004, &["/entity"]),
    (
        6003,
        &[
            "/actor",
            "/api",
            "/api/operation",
            "/src_endpoint",
            "/action_id",
        ],
    ),
];

/// Attributes that the framework knows, of the classes and profile that are used.
const KNOWN: [&str; 33] = [
    "activity_id",
    "activity_name",
    "category_uid",
    "category_name",
    "class_uid",
    "class_name",
    "type_uid",
    "type_name",
    "severity_id",
    "severity",
    "status_id",
    "status",
    "status_code",
    "status_detail",
    "time",
    "metadata",
    "message",
    "unmapped",
    "count",
    "action_id",
    "action",
    "disposition_id",
    "disposition",
    "actor",
    "api",
    "src_endpoint",
    "dst_endpoint",
    "resources",
    "authorizations",
    "policy",
    "entity",
    "comment",
    "is_alert",
];

/// Objects that need at least one of some attributes.
fn check_constraints(event: &Value) {
    let one_of = |pointer: &str, names: &[&str]| {
        if let Some(object) = event.pointer(pointer) {
            assert!(
                names.iter().any(|name| object.get(*name).is_some()),
                "{pointer}: {event:#}"
            );
        }
    };
    one_of(
        "/actor",
        &[
            "process",
            "user",
            "invoked_by",
            "session",
            "app_name",
            "app_uid",
        ],
    );
    one_of("/actor/user", &["account", "name", "uid"]);
    one_of(
        "/src_endpoint",
        &["ip", "uid", "name", "hostname", "svc_name", "domain"],
    );
    one_of(
        "/dst_endpoint",
        &["ip", "uid", "name", "hostname", "svc_name", "domain"],
    );
    one_of("/policy", &["name", "type", "uid"]);
    one_of(
        "/entity",
        &["name", "uid", "device", "group", "org", "policy", "user"],
    );
    one_of("/api/service", &["name", "uid"]);
    one_of("/metadata/product", &["name", "uid"]);
    for number in 0..8 {
        one_of(&format!("/resources/{number}"), &["name", "uid"]);
        one_of(
            &format!("/authorizations/{number}/policy"),
            &["name", "type", "uid"],
        );
    }
}

fn check(event: &Value) {
    let class = event["class_uid"].as_u64().unwrap();
    let (_, own) = OWN.iter().find(|(uid, _)| *uid == class).unwrap();
    for pointer in BASE.iter().chain(*own) {
        assert!(
            event.pointer(pointer).is_some_and(|it| !it.is_null()),
            "{pointer}: {event:#}"
        );
    }
    for name in event.as_object().unwrap().keys() {
        assert!(KNOWN.contains(&name.as_str()), "{name}");
    }
    assert_eq!(event["category_uid"], class / 1_000);
    let activity = event["activity_id"].as_u64().unwrap();
    assert_eq!(event["type_uid"], class * 100 + activity);
    let metadata = &event["metadata"];
    assert_eq!(metadata["version"], "1.8.0");
    assert!(metadata["product"]["vendor_name"].is_string());
    let status = event["status_id"].as_u64().unwrap();
    assert!([1, 2, 99].contains(&status));
    assert!(event["time"].as_i64().unwrap() > 1_700_000_000_000);
    if let Some(request) = event.pointer("/api/request") {
        assert!(request["uid"].is_string());
    }
    check_constraints(event);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_have_what_their_classes_require() {
    let service = every_kind().await;
    for parameters in [
        "?format=ocsf",
        "?format=ocsf&mask=users,groups,reviewers,accounts,locations,reasons=remove",
    ] {
        // Each export is an entry of its own, behind what it holds.
        let lines = exported(&service, "").await;
        let events = exported(&service, parameters).await;
        events.iter().for_each(check);
        let mut names: Vec<&str> = events
            .iter()
            .filter_map(|it| it.pointer("/metadata/uid")?.as_str())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "each event has a name of its own");
        let told = |index: u64| events.iter().any(|it| it["metadata"]["sequence"] == index);
        assert!((0..lines.len() as u64 - 1).all(told), "every entry is told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_says_who_asked_for_what_and_by_which_policies_it_came_out_so() {
    let service = every_kind().await;
    let events = exported(&service, "?format=ocsf").await;
    let about = |person: &str, code: &str| {
        let found = events.iter().find(|event| {
            event["metadata"]["event_code"] == code
                && event.pointer("/resources/0/uid") == Some(&json!(person))
        });
        found.unwrap_or_else(|| panic!("{person} {code}"))
    };
    let held = about(OFFICER, "request");
    assert_eq!(held["class_uid"], 6003);
    assert_eq!(
        (&held["status_id"], &held["action_id"]),
        (&json!(99), &json!(99))
    );
    assert_eq!(held["status"], "Held for review");
    assert_eq!(held["api"]["operation"], "group-membership-update");
    assert_eq!(
        held["authorizations"][0]["policy"]["uid"],
        "membership.visiting-officer"
    );
    assert_eq!(held["authorizations"][0]["decision"], "review");
    assert_eq!(held["src_endpoint"]["name"], "mc.nl.example");
    assert_eq!(held["resources"][1]["uid"], "sip:unfall-07@mc.de.example");
    let approved = about(OFFICER, "review");
    assert_eq!(
        (&approved["status_id"], &approved["action_id"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(approved["disposition"], "Approved");
    assert_eq!(
        approved["actor"]["user"]["uid"],
        "sip:dispatch.1@mc.de.example"
    );
    let denied = events
        .iter()
        .filter(|it| it["metadata"]["event_code"] == "review");
    assert_eq!(denied.filter(|it| it["action_id"] == 2).count(), 1);
    let affiliation = events
        .iter()
        .find(|it| it["api"]["operation"] == "affiliation")
        .unwrap();
    assert_eq!(
        (&affiliation["status_id"], &affiliation["action_id"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(affiliation["status_code"], "forbidden");
    let bundle = events
        .iter()
        .find(|it| it["metadata"]["event_code"] == "refusal")
        .unwrap();
    assert_eq!(
        (&bundle["class_uid"], &bundle["status_id"]),
        (&json!(3004), &json!(2))
    );
    assert!(events.iter().any(|it| it.to_string().contains(LATE)));
}
