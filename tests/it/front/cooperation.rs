//! The status of a cooperation changes by request (A9).

use serde_json::Value;
use serde_json::json;

use super::support::DE;
use super::support::NL;
use super::support::TestService;
use super::support::approval;
use super::support::inbound;

const AGREEMENT: &str = "/v1/agreements/mc.nl.example";

async fn service() -> TestService {
    let service = TestService::start().await;
    service
        .change("/v1/users/dispatch-1", |user| {
            user["acm_operations"] =
                json!(["cooperation-status-change", "group-membership-update"]);
        })
        .await;
    service
}

fn change(word: &str) -> Value {
    json!({
        "operation": "cooperation-status-change",
        "direction": "outbound",
        "correlation_id": "de-2026-000044",
        "requesting_system": DE,
        "receiving_system": NL,
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "change": word,
        "reason": "an intrusion is being looked into"
    })
}

/// The same, asked by the partner.
fn asked(word: &str) -> Value {
    let mut request = inbound(change(word));
    request["requester"] = json!({ "mc_service_id": "sip:control.3@mc.nl.example" });
    request
}

async fn status(service: &TestService) -> Value {
    service.get(AGREEMENT, "auditor").await.body["status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn suspending_takes_effect_with_the_answer_and_a_person_lets_it_go_on() {
    let service = service().await;
    let suspended = service.submit(&change("suspend")).await;
    assert_eq!(
        suspended.items("/outcome"),
        ["accept"],
        "{}",
        suspended.text
    );
    assert_eq!(status(&service).await, "suspended");
    // The partner's wish alone restores nothing.
    let path = service.submit_held(&asked("resume")).await;
    assert_eq!(status(&service).await, "suspended");
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    assert_eq!(status(&service).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_later_and_what_the_partner_interrupts_leaves_our_half_as_it_is() {
    let service = service().await;
    let mut later = change("suspend");
    later["effective_at"] = json!("2199-01-01T00:00:00Z");
    let accepted = service.submit(&later).await;
    assert_eq!(accepted.items("/outcome"), ["accept"], "{}", accepted.text);
    assert_eq!(status(&service).await, "active");
    let noted = service.submit(&asked("suspend")).await;
    assert_eq!(noted.items("/outcome"), ["accept"], "{}", noted.text);
    assert_eq!(status(&service).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_is_not_revived() {
    let service = service().await;
    let ended = service.submit(&change("end")).await;
    assert_eq!(ended.items("/outcome"), ["accept"], "{}", ended.text);
    assert_eq!(status(&service).await, "ended");
    let refused = service.submit(&asked("activate")).await;
    assert_eq!(refused.items("/outcome"), ["reject"], "{}", refused.text);
    let suspended = service.submit(&change("suspend")).await;
    assert_eq!(
        suspended.items("/outcome"),
        ["accept"],
        "{}",
        suspended.text
    );
    assert_eq!(status(&service).await, "ended");
}
