//! The register of current systems, and how many visitors there may be.

use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::DE;
use super::support::GROUP;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::eventually;
use super::support::inbound;
use super::support::send;
use super::support::with;

const ENTRY: &str = "/v1/migrations/mcptt:officer.114@mc.nl.example";

fn migration(user: &str, services: &[&str]) -> Value {
    inbound(json!({
        "operation": "migration-service-authorization",
        "user": user,
        "services": services
    }))
}

/// The Dutch system asks whether it may serve one of our users.
fn consent() -> Value {
    let mut request = migration("sip:streife.12@mc.de.example", &["mcptt"]);
    request["direction"] = json!("home-consent");
    request
}

/// The Dutch system asks for one of our users to affiliate to a group of ours.
fn affiliation_of_ours() -> Value {
    inbound(json!({
        "operation": "affiliation",
        "user": "sip:streife.12@mc.de.example",
        "group": GROUP,
        "service": "mcptt",
        "serving_system": NL
    }))
}

async fn set_quota(service: &TestService, quota: u32) {
    let agree = |agreement: &mut Value| agreement["migration"]["quota"] = json!(quota);
    service.change(&format!("/v1/agreements/{NL}"), agree).await;
}

fn policies(answer: &Answer) -> String {
    answer.body["items"][0]["policies"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_visitor_is_registered_once_the_home_consents() {
    let mut service = TestService::start().await;
    service.link_is_up().await;
    let mut request = migration(OFFICER, &["mcptt", "mcvideo", "mcdata"]);
    request["serving_mc_service_id"] = json!("sip:visitor.7@mc.de.example");
    let answer = service.submit(&request).await;
    assert_eq!(answer.items("/outcome"), ["accept", "reject", "accept"]);
    assert_eq!(answer.items("/state"), ["cleared", "refused", "cleared"]);
    // They have a place, and for a while.
    let entry = service.get(ENTRY, "auditor").await;
    assert_eq!(entry.body["awaiting_consent"], true, "{}", entry.text);
    assert_eq!(entry.body["verified"], false);
    let answer = service.home_answers(&answer, "accept").await;
    assert_eq!(answer.body["status"], "partial", "{}", answer.text);
    let entry = service.get(ENTRY, "auditor").await;
    assert_eq!(entry.status, 200, "{}", entry.text);
    let report = &answer.body["reports"][0];
    let index = report["record"]["index"].as_u64().unwrap();
    assert_eq!(entry.header("etag"), format!("\"r{index}\""));
    for (member, value) in [
        ("user", json!(OFFICER)),
        ("service", json!("mcptt")),
        ("home_system", json!(NL)),
        ("serving_system", json!(DE)),
        (
            "serving_mc_service_id",
            json!("sip:visitor.7@mc.de.example"),
        ),
        ("since", report["reported_at"].clone()),
        ("awaiting_consent", Value::Null),
        (
            "expires_at",
            report["evaluated"][0]["limits"]["end_time"].clone(),
        ),
        ("request_id", answer.body["id"].clone()),
        ("verified", json!(true)),
        ("interconnection", json!("up")),
    ] {
        assert_eq!(entry.body[member], value, "{member}");
    }
    let ids = |listed: &Answer| -> Vec<Value> {
        let listed = listed.body["documents"].as_array().unwrap();
        listed.iter().map(|entry| entry["id"].clone()).collect()
    };
    let listed = service.get("/v1/migrations", "auditor").await;
    let both = ["mcdata", "mcptt"].map(|service| format!("{service}:officer.114@mc.nl.example"));
    assert_eq!(ids(&listed), both);
    // It is still there when the service comes again.
    service.stop().await;
    service.resume().await.unwrap();
    let again = service.get(ENTRY, "auditor").await;
    assert_eq!((again.status, &again.body), (200, &entry.body));
    assert_eq!(again.header("etag"), entry.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_migration_is_not_registered() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let refused = service.submit(&migration(OFFICER, &["mcvideo"])).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    let listed = service.get("/v1/migrations", "operator").await;
    assert_eq!(listed.body["documents"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_measurement_of_the_link_lets_nobody_in() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let agree = |agreement: &mut Value| agreement["migration"]["link_age_seconds_max"] = json!(60);
    service.change(&format!("/v1/agreements/{NL}"), agree).await;
    let refused = service.submit(&migration(OFFICER, &["mcptt"])).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    assert!(
        policies(&refused).contains("migration.link-measured"),
        "{}",
        refused.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_come_at_once_as_many_get_in_as_there_are_places() {
    let service = TestService::start().await;
    service.link_is_up().await;
    set_quota(&service, 1).await;
    let calls = (0..8).map(|number| {
        let request = migration(&format!("sip:visitor.{number}@mc.nl.example"), &["mcptt"]);
        let call = service.call(reqwest::Method::POST, "/v1/requests", "acms");
        tokio::spawn(send(call.json(&request)))
    });
    let calls: Vec<_> = calls.collect();
    let (mut accepted, mut refused) = (0, 0);
    for call in calls {
        let answer = call.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        match answer.body["status"].as_str().unwrap() {
            "cleared" => accepted += 1,
            _ => refused += usize::from(policies(&answer).contains("migration.quota")),
        }
    }
    assert_eq!((accepted, refused), (1, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_free_again_when_an_administrator_takes_the_entry_out() {
    let service = TestService::start().await;
    service.link_is_up().await;
    set_quota(&service, 1).await;
    let first = service.submit(&migration(OFFICER, &["mcptt"])).await;
    assert_eq!(first.body["status"], "cleared", "{}", first.text);
    // Who is there already takes no second place.
    let again = service.submit(&migration(OFFICER, &["mcdata"])).await;
    assert_eq!(again.body["status"], "cleared", "{}", again.text);
    let other = migration("sip:officer.115@mc.nl.example", &["mcptt"]);
    assert_eq!(service.submit(&other).await.body["status"], "rejected");
    for entry in [ENTRY, &ENTRY.replace("mcptt", "mcdata")] {
        let tag = service.get(entry, "operator").await;
        let call = service.call(reqwest::Method::DELETE, entry, "operator");
        let gone = send(call.header("if-match", tag.header("etag"))).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
    }
    let other = service.submit(&other).await;
    assert_eq!(other.body["status"], "cleared", "{}", other.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_leaves_the_register_by_itself() {
    let service = TestService::start().await;
    let entry = json!({
        "user": OFFICER, "service": "mcptt", "home_system": NL, "serving_system": DE,
        "since": "2026-01-01T00:00:00.000Z", "expires_at": "2026-01-01T08:00:00.000Z",
        "request_id": "00000000-0000-4000-8000-000000000001", "verified": true
    });
    let written = service.put(ENTRY, ("if-none-match", "*"), &entry).await;
    assert_eq!(written.status, 201, "{}", written.text);
    eventually("the end", async || {
        (service.get(ENTRY, "operator").await.status == 404).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_is_refused() {
    let service = TestService::start().await;
    let entry = json!({
        "user": OFFICER, "service": "mcptt", "home_system": NL, "serving_system": DE,
        "since": "2026-01-01T00:00:00.000Z", "verified": true,
        "request_id": "00000000-0000-4000-8000-000000000001"
    });
    for (pointer, value) in [
        ("/serving_system", json!("mc.be.example")),
        ("/home_system", json!("mc.be.example")),
        ("/service", json!("mcdata")),
        ("/expires_at", json!("2026-01-01T00:00:00.000Z")),
    ] {
        let wrong = with(&entry, pointer, value);
        let refused = service.put(ENTRY, ("if-none-match", "*"), &wrong).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{pointer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_user_is_where_we_consented_to_and_nowhere_else() {
    let service = TestService::start().await;
    // Nobody is taken at their word that they serve our user.
    let claimed = service.submit(&affiliation_of_ours()).await;
    assert_eq!(claimed.items("/outcome"), ["reject"]);
    assert!(
        policies(&claimed).contains("affiliation.current-system"),
        "{}",
        claimed.text
    );
    let consented = service.submit(&consent()).await;
    assert_eq!(consented.items("/outcome"), ["accept"]);
    let entry = "/v1/migrations/mcptt:streife.12@mc.de.example";
    let entry = service.get(entry, "operator").await;
    assert_eq!(entry.body["serving_system"], NL, "{}", entry.text);
    let registered = service.submit(&affiliation_of_ours()).await;
    assert_eq!(registered.items("/outcome"), ["accept"]);
}
