//! One conversation from the denial to the access, and nothing more.

use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::PUBLIC_URL;
use super::REQUESTS;
use super::again;
use super::asking;
use super::evaluate;
use super::held;
use super::path;
use super::question;
use super::start;
use super::told;
use crate::front::support::DISPATCHER;
use crate::front::support::OFFICER;
use crate::front::support::TestService;
use crate::front::support::approval;

/// Whether the register of memberships has the officer.
async fn is_member(service: &TestService) -> bool {
    let listed = service.get("/v1/memberships", "operator").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.text.contains(OFFICER)
}

async fn waiting(service: &TestService) -> Vec<Value> {
    let listed = format!("/v1/reviews?can=answer&reviewer={DISPATCHER}");
    let listed = service.get(&listed, "reviewer").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.body["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_denial_to_the_access_once() {
    let service = start().await;

    // Denied, and requestable; nothing waits for anybody.
    let denied = evaluate(&service, &question()).await;
    assert_eq!(told(&denied), ("approval_required", "not told", true));
    assert!(waiting(&service).await.is_empty());

    // Asked for: it waits in the ordinary queue.
    let submitted = service
        .post(REQUESTS, "acms", &asking(&question(), &denied))
        .await;
    assert_eq!(submitted.status, 202, "{}", submitted.text);
    let task = path(&submitted);
    assert_eq!(submitted.header("location"), format!("{PUBLIC_URL}{task}"));
    assert_eq!(submitted.body["task"]["status"], "pending");
    assert_eq!(submitted.body["result"], Value::Null);
    let pending = service.get(&task, "acms").await;
    assert_eq!(pending.status, 200);
    assert_eq!(pending.body, submitted.body);
    assert_eq!(pending.header("retry-after"), "5");
    let listed = waiting(&service).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["asks_for_approval"], true);

    // Approved by a person: that writes nothing and obliges nobody.
    let answered = service.respond(&held(&task), &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(answered.items("/state"), ["granted"]);
    assert_eq!(answered.items("/obligations"), [json!([])]);
    assert!(!is_member(&service).await);

    let completed = service.get(&task, "acms").await;
    assert_eq!(completed.body["task"]["status"], "approved");
    assert_eq!(completed.header("retry-after"), "");
    let result = &completed.body["result"];
    assert_eq!(result["mode"], "reevaluate");
    let given = result["approval"].clone();

    // Without the approval it is denied as before; with it, once, it is permitted and carried out.
    let without = evaluate(&service, &question()).await;
    assert_eq!(told(&without), ("approval_required", "not told", true));
    let permitted = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
    let context = &permitted.body["context"];
    assert_eq!(context["approval"]["id"], given["id"]);
    assert_eq!(
        context["approval"]["approved_until"],
        given["approved_until"]
    );
    let ours = &context["urn:comity:decision"];
    assert_eq!(ours["partner_reason"]["code"], "approved");
    let obligations = &ours["obligations"];
    assert!(!obligations.as_array().unwrap().is_empty());
    assert!(is_member(&service).await);

    let replayed = service
        .post(EVALUATION, "acms", &again(&question(), &given))
        .await;
    assert_eq!(told(&replayed), ("approval_expired", "request", true));
    let still = service.get(&task, "acms").await;
    assert_eq!(still.body["task"]["status"], "approved");
}
