//! The list of users who may migrate to us: what an accepted A6 writes, and who is refused by it.

use serde_json::Value;
use serde_json::json;

use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::inbound;

const AGREEMENT: &str = "/v1/agreements/mc.nl.example";
const LISTED: &str = "/v1/migration-users/mc.de.example;officer.114@mc.nl.example";
const ACCESS: &str = "/v1/access-grants/mc.de.example;officer.114@mc.nl.example";

fn update(change: &str) -> Value {
    inbound(json!({
        "operation": "migration-users-update",
        "requester": { "mc_service_id": REQUESTER },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "users": [OFFICER],
        "change": change,
        "services": ["mcptt"]
    }))
}

fn access() -> Value {
    inbound(json!({
        "operation": "partner-system-access",
        "user": OFFICER,
        "home_sip_database": "slf.nl.example",
        "sip_private_identity": "alias-77@home.nl.example",
        "sip_public_identity": "sip:alias-77@home.nl.example",
        "ue": "ue-7",
        "services": ["mcptt"]
    }))
}

async fn service(listed_only: bool) -> TestService {
    let service = TestService::start().await;
    let agree = |agreement: &mut Value| {
        agreement["acm"]["migration_users"] = json!(true);
        agreement["migration"]["listed_users_only"] = json!(listed_only);
    };
    service.change(AGREEMENT, agree).await;
    service
}

async fn outcome(service: &TestService, request: &Value) -> (Value, String) {
    let answer = service.submit(request).await;
    let policies = answer.body["items"][0]["policies"].to_string();
    (answer.items("/outcome")[0].clone(), policies)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_addition_lists_the_user_and_a_removal_takes_access_too() {
    let mut service = service(true).await;
    let (refused, by) = outcome(&service, &access()).await;
    assert_eq!(refused, "reject");
    assert!(by.contains("listing.access-listed"), "{by}");

    let path = service.submit_held(&update("add")).await;
    assert_eq!(service.get(LISTED, "auditor").await.status, 404, "held");
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    let listed = service.get(LISTED, "auditor").await;
    assert_eq!(listed.body["listed"], true, "{}", listed.text);
    assert_eq!(listed.body["services"], json!(["mcptt"]));
    assert_eq!(listed.body["home_system"], NL);
    assert_eq!(listed.body["serving_system"], DE);
    let (accepted, by) = outcome(&service, &access()).await;
    assert_eq!(accepted, "accept", "{by}");
    assert_eq!(service.get(ACCESS, "auditor").await.status, 200);

    let (removed, by) = outcome(&service, &update("delete")).await;
    assert_eq!(removed, "accept", "{by}");
    let listed = service.get(LISTED, "auditor").await;
    assert_eq!(listed.body["listed"], false, "{}", listed.text);
    assert_eq!(service.get(ACCESS, "auditor").await.status, 404);
    service.stop().await;
    service.resume().await.unwrap();
    let (refused, by) = outcome(&service, &access()).await;
    assert_eq!(refused, "reject");
    assert!(by.contains("listing.not-withdrawn"), "{by}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_user_is_refused_although_a_profile_admits_everybody() {
    let service = service(false).await;
    let (accepted, by) = outcome(&service, &access()).await;
    assert_eq!(accepted, "accept", "{by}");
    // A suspension does not keep a home from taking its own user back.
    let suspend = |agreement: &mut Value| agreement["status"] = json!("suspended");
    service.change(AGREEMENT, suspend).await;
    let (removed, by) = outcome(&service, &update("delete")).await;
    assert_eq!(removed, "accept", "{by}");
    let resume = |agreement: &mut Value| agreement["status"] = json!("active");
    service.change(AGREEMENT, resume).await;
    let (refused, by) = outcome(&service, &access()).await;
    assert_eq!(refused, "reject");
    assert!(by.contains("listing.not-withdrawn"), "{by}");
    let path = service.submit_held(&update("add")).await;
    service.respond(&path, &approval()).await;
    let (accepted, by) = outcome(&service, &access()).await;
    assert_eq!(accepted, "accept", "{by}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_we_take_back_we_no_longer_help_to_migrate() {
    let service = service(false).await;
    let user = "sip:streife.12@mc.de.example";
    let key = "/v1/migration-users/mc.nl.example;streife.12@mc.de.example";
    let grant = |user: &mut Value| user["acm_operations"] = json!(["migration-users-update"]);
    service.change("/v1/users/dispatch-1", grant).await;
    let ours = |change: &str| {
        json!({
            "operation": "migration-users-update",
            "direction": "outbound",
            "correlation_id": "de-2026-000061",
            "requesting_system": DE,
            "receiving_system": NL,
            "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
            "target": { "mc_service_id": REQUESTER },
            "users": [user],
            "change": change
        })
    };
    let (cleared, by) = outcome(&service, &ours("delete")).await;
    assert_eq!(cleared, "accept", "{by}");
    let listed = service.get(key, "auditor").await;
    assert_eq!(listed.body["listed"], false, "{}", listed.text);
    let retrieval = inbound(json!({
        "operation": "migrating-user-profile-retrieval",
        "user": user,
        "serving_system": NL,
        "service": "mcptt"
    }));
    let answer = service.submit(&retrieval).await;
    assert_eq!(answer.items("/outcome"), ["reject"], "{}", answer.text);
    let by = answer.body["items"][0]["policies"].to_string();
    assert!(by.contains("listing.not-withdrawn"), "{by}");
    // That we propose the user again takes the removal back, and lists nobody: the partner decides.
    let (cleared, by) = outcome(&service, &ours("add")).await;
    assert_eq!(cleared, "accept", "{by}");
    assert_eq!(service.get(key, "auditor").await.status, 404);
}
