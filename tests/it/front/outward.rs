//! What the partner may see of a request, through the front door.

use serde_json::Value;
use serde_json::json;

use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::membership;

async fn view(service: &TestService, path: &str) -> Value {
    let answer = service.get(&format!("{path}?view=partner"), "acms").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let whole = service.get(path, "acms").await;
    assert_eq!(answer.header("etag"), whole.header("etag"));
    let item = &whole.body["items"][0];
    assert_eq!(item["partner_reason"], answer.body["items"][0]["reason"]);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partner_sees_where_a_request_stands_and_nobody_of_ours() {
    let service = TestService::start().await;
    let submitted = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(submitted.status, 202, "{}", submitted.text);
    let path = submitted.header("location").to_owned();
    let held = "An authorised user decides about members from other systems.";
    let item = json!({
        "subject": OFFICER, "outcome": "review",
        "reason": { "code": "held", "text": held }
    });
    let request = membership(&[OFFICER]);
    let pending = json!({
        "correlation_id": request["correlation_id"], "operation": "group-membership-update",
        "status": "pending", "items": [item]
    });
    assert_eq!(view(&service, &path).await, pending);
    let notes = submitted.body["items"][0]["notes"].as_array().unwrap();
    assert!(!notes.is_empty());

    let denied = service.respond(&path, &denial()).await;
    assert_eq!(denied.status, 200, "{}", denied.text);
    let seen = view(&service, &path).await;
    assert_eq!(seen["status"], "rejected");
    assert_eq!(seen["items"][0]["outcome"], "reject");
    assert_eq!(seen["items"][0]["reason"]["code"], "denied");
    // Neither who answered nor what they wrote leaves.
    for ours in [&denial()["reviewer"], &denial()["reason"]] {
        assert!(!seen.to_string().contains(ours.as_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partner_sees_the_limits_of_what_was_approved() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    let seen = view(&service, &path).await;
    let item = &seen["items"][0];
    assert_eq!(
        (&seen["status"], &item["outcome"]),
        (&json!("accepted"), &json!("accept"))
    );
    assert_eq!(item["reason"]["code"], "approved");
    let limits = &approved.body["items"][0]["limits"];
    assert_eq!(*limits, json!({ "priority_cap": 5 }));
    assert_eq!(item["limits"], *limits);
    assert!(
        !seen
            .to_string()
            .contains(approval()["reviewer"].as_str().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_there_is_not_and_a_request_of_somebody_else_are_refused() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    for query in ["view=all", "view=", "views=partner"] {
        let refused = service.get(&format!("{path}?{query}"), "acms").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{query}");
    }
    let of_operator = service
        .post("/v1/requests", "operator", &membership(&[OFFICER]))
        .await;
    let path = of_operator.header("location");
    let view = service.get(&format!("{path}?view=partner"), "acms").await;
    let whole = service.get(path, "acms").await;
    assert_eq!(view.problem(), whole.problem());
    assert_eq!(view.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_another_system_is_told_that_and_nothing_of_certificates() {
    let service = TestService::start().await;
    let mut request = membership(&[OFFICER]);
    request["peer"] = json!({
        "system": "mc.be.example",
        "certificate": format!("sha256:{}", "b1".repeat(32))
    });
    let refused = service.submit(&request).await;
    let text = "The request does not come from the system that it names.";
    let told = refused.items("/partner_reason");
    assert_eq!(told, [json!({ "code": "forbidden", "text": text })]);
}
