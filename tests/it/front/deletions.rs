//! Deletions that we have asked a partner for (ruling 15).

use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::CERTIFICATE;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::membership;
use super::support::with;

const GROUP: &str = "sip:grensteam-1@mc.nl.example";
const USER: &str = "sip:streife.12@mc.de.example";
const OPEN: &str = "/v1/open-deletions/grensteam-1@mc.nl.example;patrol-12";

fn outbound(mut request: Value) -> Value {
    request["direction"] = json!("outbound");
    request["correlation_id"] = json!("de-2026-000031");
    request["requesting_system"] = json!(DE);
    request["receiving_system"] = json!(NL);
    request["group"] = json!(GROUP);
    request
}

fn update(change: &str) -> Value {
    outbound(json!({
        "operation": "group-membership-update",
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "target": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "members": [USER],
        "change": change
    }))
}

fn affiliation() -> Value {
    outbound(json!({
        "operation": "affiliation",
        "user": USER,
        "service": "mcptt",
        "serving_system": DE
    }))
}

async fn outcome(service: &TestService, request: &Value) -> Answer {
    let answer = service.submit(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_deletion_was_sent_stays_out_until_they_are_added_again() {
    let mut service = TestService::start().await;
    let free = outcome(&service, &affiliation()).await;
    assert_eq!(free.items("/outcome"), ["accept"], "{}", free.text);
    let deletion = outcome(&service, &update("delete")).await;
    assert_eq!(deletion.items("/outcome"), ["accept"], "{}", deletion.text);
    let open = service.get(OPEN, "auditor").await;
    assert_eq!(open.status, 200, "{}", open.text);
    assert_eq!(open.body["request_id"], deletion.body["id"]);
    assert_eq!(open.body["member"], USER);
    let refused = outcome(&service, &affiliation()).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    let by = refused.body["items"][0]["policies"].to_string();
    assert!(by.contains("affiliation.deletion-under-way"), "{by}");
    // It is no matter of memory alone.
    service.stop().await;
    service.resume().await.unwrap();
    let refused = outcome(&service, &affiliation()).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    let addition = outcome(&service, &update("add")).await;
    assert_eq!(addition.items("/outcome"), ["accept"], "{}", addition.text);
    // Until the partner agrees, the deletion stands.
    assert_eq!(service.get(OPEN, "auditor").await.status, 200);
    let reports = format!(
        "/v1/requests/{}/reports",
        addition.body["id"].as_str().unwrap()
    );
    let agreed = json!({
        "report": "answered", "correlation_id": "de-2026-000031",
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [{ "subject": USER, "outcome": "accept" }]
    });
    let agreed = service.post(&reports, "acms", &agreed).await;
    assert_eq!(agreed.body["status"], "accepted", "{}", agreed.text);
    assert_eq!(service.get(OPEN, "auditor").await.status, 404);
    let free = outcome(&service, &affiliation()).await;
    assert_eq!(free.items("/outcome"), ["accept"], "{}", free.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_was_not_sent_keeps_nobody_out() {
    let service = TestService::start().await;
    let mut refused = update("delete");
    refused["requester"]["mc_service_id"] = json!(USER);
    let refused = outcome(&service, &refused).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    assert_eq!(service.get(OPEN, "auditor").await.status, 404);
    let free = outcome(&service, &affiliation()).await;
    assert_eq!(free.items("/outcome"), ["accept"], "{}", free.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_identities_of_one_person_are_deleted_together() {
    let service = TestService::start().await;
    let identify =
        |user: &mut Value| user["identities"]["mcdata"] = json!("sip:daten.12@mc.de.example");
    service.change("/v1/users/patrol-12", identify).await;
    let mut deletion = update("delete");
    deletion["members"] = json!([USER, "sip:daten.12@mc.de.example"]);
    let answer = outcome(&service, &deletion).await;
    assert_eq!(answer.items("/outcome"), ["accept", "accept"]);
    let refused = outcome(&service, &affiliation()).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_fills_no_queue_and_learns_of_no_group() {
    let service = TestService::start().await;
    let members: Vec<String> = (0..300)
        .map(|number| format!("sip:nobody.{number}@mc.fr.example"))
        .collect();
    let mut told = Vec::new();
    for group in ["sonderlage-1", "unfall-07", "there-is-none"] {
        let mut request = membership(&[]);
        request["change"] = json!("delete");
        request["group"] = json!(format!("sip:{group}@mc.de.example"));
        request["members"] = json!(members);
        request["requesting_system"] = json!("mc.fr.example");
        request["peer"]["system"] = json!("mc.fr.example");
        request["requester"] = json!({ "mc_service_id": "sip:control.1@mc.fr.example" });
        let answer = service.submit(&request).await;
        assert_eq!(
            answer.body["status"], "rejected",
            "{group}: {}",
            answer.text
        );
        let path = format!(
            "/v1/requests/{}?view=partner",
            answer.body["id"].as_str().unwrap()
        );
        told.push(service.get(&path, "acms").await.body);
    }
    assert_eq!(told[0], told[2]);
    assert_eq!(told[1], told[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_taken_out_once_and_who_is_none_is_not() {
    let service = TestService::start().await;
    let added = service.submit_held(&membership(&[OFFICER])).await;
    let added = service.respond(&added, &super::support::approval()).await;
    assert_eq!(added.body["status"], "accepted", "{}", added.text);
    let agreement = |agreement: &mut Value| agreement["status"] = json!("ended");
    service
        .change("/v1/agreements/mc.nl.example", agreement)
        .await;
    let deletion = with(&membership(&[OFFICER]), "/change", "delete");
    let answer = service.submit(&deletion).await;
    assert_ne!(answer.items("/outcome"), ["reject"], "{}", answer.text);
    if answer.status == 202 {
        let path = answer.header("location").to_owned();
        let done = service.respond(&path, &super::support::approval()).await;
        assert_eq!(done.body["status"], "accepted", "{}", done.text);
    }
    let again = service.submit(&deletion).await;
    assert_eq!(again.items("/outcome"), ["reject"], "{}", again.text);
}
