//! Groups that are created together (A7): written by their home, and open to what follows.

use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::CERTIFICATE;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::inbound;
use super::support::membership;
use super::support::with;

const GROUP: &str = "sip:grenze-09@mc.de.example";
const DOCUMENT: &str = "/v1/groups/sip:grenze-09@mc.de.example";

async fn service() -> TestService {
    let service = TestService::start().await;
    service
        .change("/v1/agreements/mc.nl.example", |agreement| {
            agreement["acm"]["joint_groups"] = json!(true);
        })
        .await;
    service
        .change("/v1/users/dispatch-1", |user| {
            user["acm_operations"] = json!([
                "joint-group-creation",
                "interconnection-group-identity-provision"
            ]);
        })
        .await;
    service
}

fn creation() -> Value {
    json!({
        "operation": "joint-group-creation",
        "direction": "outbound",
        "correlation_id": "de-2026-000051",
        "requesting_system": DE,
        "receiving_system": NL,
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "group": GROUP,
        "home_system": DE,
        "partners": [NL],
        "services": ["mcptt"],
        "review_additions": true,
        "review_deletions": false,
        "end_to_end_security": true
    })
}

/// The same, asked by the partner.
fn asked() -> Value {
    with(
        &inbound(creation()),
        "/requester",
        json!({ "mc_service_id": REQUESTER }),
    )
}

async fn partner_agrees(service: &TestService, asked: &Answer) -> Answer {
    let path = format!(
        "/v1/requests/{}/reports",
        asked.body["id"].as_str().unwrap()
    );
    let report = json!({
        "report": "answered", "correlation_id": "de-2026-000051",
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [{ "subject": asked.body["items"][0]["subject"], "outcome": "accept" }]
    });
    service.post(&path, "acms", &report).await
}

/// What a joint group is for: its identity is told to the partner, and the partner proposes members.
async fn serves(service: &TestService) {
    let group = service.get(DOCUMENT, "operator").await;
    assert_eq!(group.status, 200, "{}", group.text);
    assert_eq!(group.body["interconnection"], true);
    assert_eq!(group.body["partners"][0]["system"], NL);
    let mut told = creation();
    for name in ["group", "home_system", "partners", "services"] {
        told.as_object_mut().unwrap().shift_remove(name);
    }
    for name in [
        "review_additions",
        "review_deletions",
        "end_to_end_security",
    ] {
        told.as_object_mut().unwrap().shift_remove(name);
    }
    told["operation"] = json!("interconnection-group-identity-provision");
    told["target"] = json!({ "mc_service_id": REQUESTER });
    told["groups"] = json!([GROUP]);
    let told = service.submit(&told).await;
    assert_eq!(told.items("/outcome"), ["accept"], "{}", told.text);
    let member = with(&membership(&[OFFICER]), "/group", GROUP);
    let member = service.submit_held(&member).await;
    let added = service.respond(&member, &approval()).await;
    assert_eq!(added.body["status"], "accepted", "{}", added.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_joint_group_is_there_with_the_approval() {
    let service = service().await;
    let path = service.submit_held(&asked()).await;
    assert_eq!(service.get(DOCUMENT, "operator").await.status, 404);
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.body["status"], "accepted", "{}", approved.text);
    serves(&service).await;
    // Asked again it is the same, and its members stay.
    let again = service.submit_held(&asked()).await;
    let before = service.get(DOCUMENT, "operator").await;
    let approved = service.respond(&again, &approval()).await;
    assert_eq!(approved.body["status"], "accepted", "{}", approved.text);
    let after = service.get(DOCUMENT, "operator").await;
    assert_eq!(before.header("etag"), after.header("etag"));
    let other = with(&asked(), "/services", json!(["mcptt", "mcdata"]));
    let refused = service.submit(&other).await;
    assert_eq!(refused.items("/outcome"), ["reject"], "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_we_propose_is_there_once_the_partner_agrees() {
    let service = service().await;
    let cleared = service.submit(&creation()).await;
    assert_eq!(cleared.items("/state"), ["cleared"], "{}", cleared.text);
    assert_eq!(service.get(DOCUMENT, "operator").await.status, 404);
    let agreed = partner_agrees(&service, &cleared).await;
    assert_eq!(
        agreed.items("/state"),
        ["partner-accepted"],
        "{}",
        agreed.text
    );
    serves(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_came_meanwhile_is_not_opened_by_the_answer() {
    let service = service().await;
    let cleared = service.submit(&creation()).await;
    let internal = json!({
        "id": GROUP, "enabled": true, "interconnection": false, "services": ["mcptt"]
    });
    let put = service
        .put(DOCUMENT, ("if-none-match", "*"), &internal)
        .await;
    assert_eq!(put.status, 201, "{}", put.text);
    let refused = partner_agrees(&service, &cleared).await;
    assert_eq!(refused.items("/state"), ["refused"], "{}", refused.text);
    let kept = service.get(DOCUMENT, "operator").await;
    assert_eq!(kept.body["interconnection"], false);
}
