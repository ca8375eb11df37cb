//! The status of a cooperation changes by request (A9).

use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::CERTIFICATE;
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

/// What we interrupt ourselves after the partner asked to go on is not undone by whoever agrees to the older wish.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_later_suspension_outlives_the_approval_of_an_older_resumption() {
    let service = service().await;
    let path = service.submit_held(&asked("resume")).await;
    service.submit(&change("suspend")).await;
    assert_eq!(status(&service).await, "suspended");
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.items("/state"), ["refused"], "{}", approved.text);
    assert_eq!(status(&service).await, "suspended");
    // Asked anew, it is for the person to say.
    let path = service.submit_held(&asked("resume")).await;
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

/// The partner answers what we asked.
async fn partner_answers(service: &TestService, asked: &Answer, outcome: &str) -> Answer {
    let path = format!(
        "/v1/requests/{}/reports",
        asked.body["id"].as_str().unwrap()
    );
    let report = json!({
        "report": "answered", "correlation_id": "de-2026-000044",
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [{ "subject": asked.body["items"][0]["subject"], "outcome": outcome }]
    });
    let answer = service.post(&path, "acms", &report).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_ask_to_go_on_goes_on_once_the_partner_agrees() {
    let service = service().await;
    service.submit(&change("suspend")).await;
    let refused = service.submit(&change("resume")).await;
    assert_eq!(refused.items("/state"), ["cleared"], "{}", refused.text);
    assert_eq!(status(&service).await, "suspended");
    let answer = partner_answers(&service, &refused, "reject").await;
    assert_eq!(answer.items("/state"), ["partner-refused"]);
    assert_eq!(status(&service).await, "suspended");
    let accepted = service.submit(&change("resume")).await;
    let answer = partner_answers(&service, &accepted, "accept").await;
    assert_eq!(answer.items("/state"), ["partner-accepted"]);
    assert_eq!(status(&service).await, "active");
    let applied = answer.body["items"][0]["partner"]["obligations"].to_string();
    assert!(applied.contains("apply-cooperation-status"), "{applied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_activated_by_the_answer_and_at_its_time() {
    let service = service().await;
    service
        .change(AGREEMENT, |agreement| agreement["status"] = json!("draft"))
        .await;
    let mut later = change("activate");
    later["effective_at"] = json!("2199-01-01T00:00:00Z");
    let asked = service.submit(&later).await;
    partner_answers(&service, &asked, "accept").await;
    assert_eq!(status(&service).await, "draft");
    let kept = service.get("/v1/scheduled-changes", "auditor").await;
    assert_eq!(kept.body["documents"][0]["document"]["status"], "active");
    let asked = service.submit(&change("activate")).await;
    partner_answers(&service, &asked, "accept").await;
    assert_eq!(status(&service).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_undoes_nothing_that_was_written_since() {
    let service = service().await;
    service.submit(&change("suspend")).await;
    let asked = service.submit(&change("resume")).await;
    service
        .change(AGREEMENT, |agreement| {
            agreement["review_contact"] = json!("the duty officer");
        })
        .await;
    partner_answers(&service, &asked, "accept").await;
    assert_eq!(status(&service).await, "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_does_not_undo_a_second_suspension() {
    let service = service().await;
    service.submit(&change("suspend")).await;
    let asked = service.submit(&change("resume")).await;
    let again = service.submit(&change("suspend")).await;
    assert_eq!(again.items("/outcome"), ["accept"], "{}", again.text);
    partner_answers(&service, &asked, "accept").await;
    assert_eq!(status(&service).await, "suspended");
}
