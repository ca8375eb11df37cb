//! An approval is of what its person could see: where something else would be granted, everybody is asked again.

use std::fs;

use serde_json::Value;
use serde_json::json;

use super::quorum::DUTY;
use super::quorum::SECURITY;
use super::quorum::by;
use super::quorum::denied_by;
use super::support::Answer;
use super::support::NL;
use super::support::TestService;

const TWO: &str = "@approvals(\"2\")";

fn given(answer: &Answer) -> &Value {
    &answer.body["items"][0]["quorum"]["approvals"][0]["persons"]["given"]
}

async fn ceiling(service: &TestService, priority: u8) {
    let change = |it: &mut Value| it["priority_ceiling"] = json!(priority);
    service
        .change(&format!("/v1/agreements/{NL}"), change)
        .await;
}

/// Held, and approved by one of two.
async fn half_approved(service: &TestService) -> String {
    let path = service.held().await;
    let first = service.answers(&path, &by(DUTY), "pending").await;
    assert_eq!(first.items("/limits/priority_cap"), [5], "{}", first.text);
    assert_eq!(*given(&first), 1);
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wider_grant_than_an_earlier_approver_saw_asks_everybody_again() {
    let service = TestService::with_hold(TWO).await;
    let path = half_approved(&service).await;
    ceiling(&service, 9).await;
    let asked = service.answers(&path, &by(SECURITY), "pending").await;
    assert_eq!(*given(&asked), 0, "{}", asked.text);
    assert_eq!(
        asked.body["responses"][1]["waiting"],
        json!([{ "item": 0, "counts": false, "afresh": true }])
    );
    // Both have seen it by now.
    let once = service.answers(&path, &by(SECURITY), "pending").await;
    assert_eq!(*given(&once), 1, "{}", once.text);
    let granted = service.answers(&path, &by(DUTY), "granted").await;
    assert_eq!(granted.items("/limits/priority_cap"), [9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrower_grant_is_covered_by_what_was_approved() {
    let service = TestService::with_hold(TWO).await;
    let path = half_approved(&service).await;
    ceiling(&service, 3).await;
    let granted = service.answers(&path, &by(SECURITY), "granted").await;
    assert_eq!(granted.items("/limits/priority_cap"), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_obligations_ask_everybody_again() {
    let service = TestService::with_hold(TWO).await;
    let [path, refused] = [half_approved(&service).await, half_approved(&service).await];
    let file = "review/group-membership.cedar";
    let text = fs::read_to_string(service.policy_file(file)).unwrap();
    let fewer = text.replacen(", deliver-group-keys by resource-home KMS", "", 1);
    assert_ne!(fewer, text);
    service.publish(file, &fewer).await;
    let asked = service.answers(&path, &by(SECURITY), "pending").await;
    assert_eq!(*given(&asked), 0, "{}", asked.text);
    service.answers(&path, &by(SECURITY), "pending").await;
    service.answers(&path, &by(DUTY), "granted").await;
    // A denial counts whatever was seen.
    service
        .answers(&refused, &denied_by(SECURITY), "refused")
        .await;
}
