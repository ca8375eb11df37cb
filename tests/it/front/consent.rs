//! The consent of a visitor's home: the second half of the decision, and final when it refuses (ruling 11).

use comity::domain::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use super::migration_operations::link_is_down;
use super::migration_operations::presented;
use super::migration_operations::token;
use super::support::Answer;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::inbound;
use super::support::send;
use crate::credential::mint::Signer;

const ENTRY: &str = "/v1/migrations/mcptt:officer.114@mc.nl.example";
const REFUSAL: &str = "/v1/home-refusals/mcptt:officer.114@mc.nl.example";

fn migration() -> Value {
    inbound(json!({
        "operation": "migration-service-authorization", "user": OFFICER, "services": ["mcptt"]
    }))
}

/// The visitor asks us to let them into a group of their home.
fn affiliation() -> Value {
    json!({
        "operation": "affiliation", "direction": "outbound", "correlation_id": "de-1",
        "requesting_system": DE, "receiving_system": NL, "user": OFFICER,
        "group": "sip:grensteam-1@mc.nl.example", "service": "mcptt", "serving_system": DE
    })
}

async fn set_link(service: &TestService, status: &str) {
    let change = |link: &mut Value| link["status"] = json!(status);
    service.change(&format!("/v1/links/{NL}"), change).await;
}

fn policies(answer: &Answer) -> String {
    answer.body["items"][0]["policies"].to_string()
}

fn due(answer: &Answer) -> Vec<&str> {
    let due = answer.body["items"][0]["partner"]["obligations"].as_array();
    let due = due.into_iter().flatten();
    due.map(|it| it["name"].as_str().unwrap()).collect()
}

async fn now(service: &TestService) -> Timestamp {
    let asked = service.submit(&presented("a.b.c")).await;
    asked.body["decided_at"].as_str().unwrap().parse().unwrap()
}

/// The officer is served, because the link is down and their token is good.
async fn serve_unverified(service: &TestService, signer: &Signer) -> Answer {
    let token = token(signer, now(service).await);
    service.submit(&presented(&token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_served_before_their_home_consents() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let asked = service.submit(&migration()).await;
    assert_eq!(asked.body["status"], "cleared", "{}", asked.text);
    assert!(
        asked.body["items"][0]["obligations"]
            .to_string()
            .contains("request-home-consent")
    );
    let early = service.submit(&affiliation()).await;
    assert!(
        policies(&early).contains("affiliation.visitor-registered"),
        "{}",
        early.text
    );
    let answered = service.home_answers(&asked, "accept").await;
    assert_eq!(answered.items("/state"), ["partner-accepted"]);
    assert_eq!(
        due(&answered),
        ["apply-migrated-user-profile", "report-current-system"]
    );
    let served = service.submit(&affiliation()).await;
    assert!(
        !policies(&served).contains("affiliation.visitor-registered"),
        "{}",
        served.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homes_consent_is_for_no_longer_than_it_says() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let asked = service.submit(&migration()).await;
    let path = format!(
        "/v1/requests/{}/reports",
        asked.body["id"].as_str().unwrap()
    );
    let report = json!({
        "report": "answered", "correlation_id": asked.body["correlation_id"],
        "peer": { "system": NL, "certificate": super::support::CERTIFICATE },
        "items": [{
            "subject": OFFICER, "service": "mcptt", "outcome": "accept",
            "limits": { "end_time": "2999-01-01T00:00:00.000Z" }
        }]
    });
    let answered = service.post(&path, "acms", &report).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    let ours = answered.body["reports"][0]["evaluated"][0]["limits"]["end_time"].clone();
    let entry = service.get(ENTRY, "auditor").await;
    let expected = if ours.is_null() {
        json!("2999-01-01T00:00:00.000Z")
    } else {
        ours
    };
    assert_eq!(entry.body["expires_at"], expected);
}

/// Whoever enforces the grant reads its limits in one place.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_no_more_than_the_home_consents_to() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let asked = service.submit(&migration()).await;
    assert!(asked.body["items"][0]["limits"]["priority_cap"].as_u64() > Some(1));
    let id = asked.body["id"].as_str().unwrap();
    let end = now(&service).await.plus_milliseconds(60_000);
    let report = json!({
        "report": "answered", "correlation_id": asked.body["correlation_id"],
        "peer": { "system": NL, "certificate": super::support::CERTIFICATE },
        "items": [{
            "subject": OFFICER, "service": "mcptt", "outcome": "accept",
            "limits": { "end_time": end, "priority_cap": 1 }
        }]
    });
    let path = format!("/v1/requests/{id}/reports");
    let answered = service.post(&path, "acms", &report).await;
    let limits = &answered.body["items"][0]["limits"];
    assert_eq!(limits["end_time"], json!(end), "{}", answered.text);
    assert_eq!(limits["priority_cap"], 1);
    let path = format!("/v1/requests/{id}?view=partner");
    let told = service.get(&path, "acms").await;
    assert_eq!(told.body["items"][0]["limits"]["priority_cap"], 1);
}

/// What the home refused last is not undone by what it says to an older question.
#[tokio::test(flavor = "multi_thread")]
async fn consent_to_an_older_question_leaves_a_newer_refusal() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let older = service.submit(&migration()).await;
    let newer = service.submit(&migration()).await;
    service.home_answers(&newer, "reject").await;
    let late = service.home_answers(&older, "accept").await;
    assert_eq!(late.body["status"], "rejected", "{}", late.text);
    assert_eq!(service.get(ENTRY, "auditor").await.status, 404);
    let refusal = service.get(REFUSAL, "auditor").await;
    assert_eq!(refusal.body["request_id"], newer.body["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homes_refusal_is_final_and_no_credential_goes_round_it() {
    let mut service = TestService::start().await;
    let signer = Signer::new("2026-a", "ES256");
    link_is_down(&service, &signer).await;
    set_link(&service, "up").await;
    let asked = service.submit(&migration()).await;
    let refused = service.home_answers(&asked, "reject").await;
    assert_eq!(refused.body["status"], "rejected", "{}", refused.text);
    assert_eq!(
        due(&refused),
        ["end-migrated-service", "ask-person-before-cutting"]
    );
    assert_eq!(service.get(ENTRY, "auditor").await.status, 404);
    let refusal = service.get(REFUSAL, "auditor").await;
    assert_eq!(refusal.body["home_system"], NL, "{}", refusal.text);
    assert_eq!(refusal.body["request_id"], asked.body["id"]);
    assert_eq!(
        refusal.body["since"],
        refused.body["reports"][0]["reported_at"]
    );
    // It is no matter of memory alone.
    service.stop().await;
    service.resume().await.unwrap();
    set_link(&service, "down").await;
    let round = serve_unverified(&service, &signer).await;
    assert_eq!(round.items("/outcome"), ["reject"]);
    assert!(
        policies(&round).contains("credential.home-refusal-final"),
        "{}",
        round.text
    );
    // The home thinks better of it.
    set_link(&service, "up").await;
    let asked = service.submit(&migration()).await;
    let accepted = service.home_answers(&asked, "accept").await;
    assert_eq!(accepted.body["status"], "accepted", "{}", accepted.text);
    assert_eq!(service.get(REFUSAL, "auditor").await.status, 404);
    set_link(&service, "down").await;
    let again = serve_unverified(&service, &signer).await;
    assert_eq!(again.items("/outcome"), ["accept"], "{}", again.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_may_take_a_refusal_out() {
    let service = TestService::start().await;
    let signer = Signer::new("2026-a", "ES256");
    link_is_down(&service, &signer).await;
    let refusal = json!({
        "user": OFFICER, "service": "mcptt", "home_system": NL,
        "since": "2026-01-01T00:00:00.000Z", "request_id": "00000000-0000-4000-8000-000000000001"
    });
    let wrong = json!({
        "user": OFFICER, "service": "mcptt", "home_system": "mc.be.example",
        "since": "2026-01-01T00:00:00.000Z", "request_id": "00000000-0000-4000-8000-000000000001"
    });
    let put = service.put(REFUSAL, ("if-none-match", "*"), &wrong).await;
    assert_eq!(put.problem(), (422, "invalid-input"));
    let put = service.put(REFUSAL, ("if-none-match", "*"), &refusal).await;
    assert_eq!(put.status, 201, "{}", put.text);
    let round = serve_unverified(&service, &signer).await;
    assert!(
        policies(&round).contains("credential.home-refusal-final"),
        "{}",
        round.text
    );
    let call = service.call(reqwest::Method::DELETE, REFUSAL, "operator");
    let gone = send(call.header("if-match", put.header("etag"))).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let served = serve_unverified(&service, &signer).await;
    assert_eq!(served.items("/outcome"), ["accept"], "{}", served.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_served_unverified_is_so_until_the_home_answers() {
    for outcome in ["accept", "reject"] {
        let service = TestService::start().await;
        let signer = Signer::new("2026-a", "ES256");
        link_is_down(&service, &signer).await;
        let served = serve_unverified(&service, &signer).await;
        assert_eq!(served.items("/outcome"), ["accept"], "{}", served.text);
        let before = service.get(ENTRY, "auditor").await;
        set_link(&service, "up").await;
        let asked = service.submit(&migration()).await;
        assert_eq!(asked.body["status"], "cleared", "{}", asked.text);
        assert_eq!(service.get(ENTRY, "auditor").await.body, before.body);
        let answered = service.home_answers(&asked, outcome).await;
        let after = service.get(ENTRY, "auditor").await;
        if outcome == "accept" {
            assert_eq!(after.body["verified"], true, "{}", after.text);
            assert_eq!(after.body["request_id"], asked.body["id"]);
        } else {
            assert_eq!(after.status, 404);
            assert_eq!(
                due(&answered),
                ["end-migrated-service", "ask-person-before-cutting"]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_refuse_by_then_is_not_granted_though_the_home_consents() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let asked = service.submit(&migration()).await;
    let suspend = |agreement: &mut Value| agreement["status"] = json!("suspended");
    service
        .change(&format!("/v1/agreements/{NL}"), suspend)
        .await;
    let late = service.home_answers(&asked, "accept").await;
    assert_eq!(late.items("/state"), ["refused"], "{}", late.text);
    assert_eq!(
        due(&late),
        ["end-migrated-service", "ask-person-before-cutting"]
    );
    assert_eq!(service.get(ENTRY, "auditor").await.status, 404);
    // The home refused nothing.
    assert_eq!(service.get(REFUSAL, "auditor").await.status, 404);
}
