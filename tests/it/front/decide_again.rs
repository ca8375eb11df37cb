//! Visitors who were let in while their home could not be asked, once it can be (ruling 22).

use comity::domain::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use super::migration_operations::link_is_down;
use super::migration_operations::presented;
use super::migration_operations::token;
use super::support::Answer;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::eventually;
use super::support::inbound;
use super::support::with;
use crate::credential::mint::Signer;

const ENTRY: &str = "/v1/migrations/mcptt:officer.114@mc.nl.example";
const LIST: &str = "/v1/migrations?decide_again=true";
const DUE: [&str; 2] = ["end-migrated-service", "ask-person-before-cutting"];

fn migration() -> Value {
    inbound(json!({
        "operation": "migration-service-authorization", "user": OFFICER, "services": ["mcptt"]
    }))
}

async fn set_link(service: &TestService, status: &str) {
    let change = |link: &mut Value| link["status"] = json!(status);
    service.change(&format!("/v1/links/{NL}"), change).await;
}

/// The officer is served, because the link is down and their token is good.
async fn serve(service: &TestService) {
    let signer = Signer::new("2026-a", "ES256");
    link_is_down(service, &signer).await;
    let forged = service.submit(&presented("a.b.c")).await;
    let now: Timestamp = forged.body["decided_at"].as_str().unwrap().parse().unwrap();
    let served = service.submit(&presented(&token(&signer, now))).await;
    assert_eq!(served.items("/state"), ["granted"], "{}", served.text);
}

async fn listed(service: &TestService) -> Vec<Value> {
    let listed = service.get(LIST, "auditor").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.body["documents"].as_array().unwrap().clone()
}

async fn gauge(service: &TestService) -> String {
    let metrics = service.get("/metrics", "operator").await;
    let mut lines = metrics.text.lines();
    let line = lines.find(|line| line.starts_with("comity_migrations_to_decide_again "));
    line.unwrap().to_owned()
}

fn names(obligations: &Value) -> Vec<&str> {
    let listed = obligations.as_array().into_iter().flatten();
    listed.map(|it| it["name"].as_str().unwrap()).collect()
}

fn time(text: &Value) -> Timestamp {
    text.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_to_be_decided_again_is_listed_until_the_home_consents() {
    let mut service = TestService::start().await;
    serve(&service).await;
    assert_eq!(listed(&service).await, [json!(null); 0]);
    set_link(&service, "up").await;
    let waiting = listed(&service).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["id"], "mcptt:officer.114@mc.nl.example");
    assert_eq!(names(&waiting[0]["obligations"]), DUE);
    let since = time(&waiting[0]["decide_again_since"]);
    assert_eq!(
        time(&waiting[0]["ends_at"]),
        since.plus_milliseconds(600_000)
    );
    assert_eq!(gauge(&service).await, "comity_migrations_to_decide_again 1");
    // It counts from when the link came back, not from when it was measured last, and a restart changes nothing.
    set_link(&service, "up").await;
    assert_eq!(listed(&service).await, waiting);
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(listed(&service).await, waiting);
    let everything = service.get("/v1/migrations", "auditor").await;
    let first = &everything.body["documents"][0];
    assert_eq!(first["decide_again_since"], Value::Null, "{first}");
    // While the link is down again, nobody can be asked.
    set_link(&service, "down").await;
    assert_eq!(listed(&service).await, [json!(null); 0]);
    set_link(&service, "up").await;
    let asked = service.submit(&migration()).await;
    assert_eq!(listed(&service).await.len(), 1);
    service.home_answers(&asked, "accept").await;
    assert_eq!(listed(&service).await, [json!(null); 0]);
    assert_eq!(gauge(&service).await, "comity_migrations_to_decide_again 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_ends_after_the_grace() {
    let grace = |settings: &mut comity::cli::service::ServiceSettings| {
        settings.decide_again_grace_seconds = 0;
    };
    let service = TestService::start_with(grace).await;
    serve(&service).await;
    assert_eq!(service.get(ENTRY, "auditor").await.status, 200);
    set_link(&service, "up").await;
    eventually("the end", async || {
        (service.get(ENTRY, "auditor").await.status == 404).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_fails_again_ends_service_and_says_what_that_obliges_to() {
    let mut service = TestService::start().await;
    serve(&service).await;
    let granted_by = service.get(ENTRY, "auditor").await.body["request_id"].clone();
    let agree = |agreement: &mut Value| agreement["migration"]["inbound"] = json!(false);
    // Down, the home cannot be asked, and what is refused says nothing.
    service.change(&format!("/v1/agreements/{NL}"), agree).await;
    let down = service.submit(&migration()).await;
    assert_eq!(down.items("/state"), ["refused"]);
    assert_eq!(service.get(ENTRY, "auditor").await.status, 200);
    set_link(&service, "up").await;
    // Nor does what somebody else asks.
    let unknown = format!("sha256:{}", "0".repeat(64));
    let spoofed = with(&migration(), "/peer/certificate", unknown);
    let spoofed = service.submit(&spoofed).await;
    assert_eq!(spoofed.items("/state"), ["refused"]);
    assert_eq!(service.get(ENTRY, "auditor").await.status, 200);
    let failed: Answer = service.submit(&migration()).await;
    assert_eq!(failed.body["status"], "rejected", "{}", failed.text);
    let revoked = &failed.body["items"][0]["revoked"];
    assert_eq!(revoked["request_id"], granted_by);
    assert_eq!(names(&revoked["obligations"]), DUE);
    assert_eq!(service.get(ENTRY, "auditor").await.status, 404);
    let path = format!("/v1/requests/{}", failed.body["id"].as_str().unwrap());
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(service.get(&path, "acms").await.body, failed.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_of_migrations_alone() {
    let service = TestService::start().await;
    for wrong in [
        "/v1/migrations?decide_again=false",
        "/v1/users?decide_again=true",
        "/v1/links?decide_again=true",
    ] {
        let refused = service.get(wrong, "auditor").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{wrong}");
    }
    let stranger = service.get(LIST, "acms").await;
    assert_eq!(stranger.problem(), (403, "forbidden"));
    let page = service
        .get(&format!("{LIST}&limit=1&after=mcptt:z"), "auditor")
        .await;
    assert_eq!(page.body["documents"], json!([]));
}
