//! One key, one request.

use reqwest::Method;
use serde_json::Value;

use super::support::Answer;
use super::support::OFFICER;
use super::support::TestService;
use super::support::membership;
use super::support::send;

async fn submit(service: &TestService, caller: &str, key: &str, request: &Value) -> Answer {
    let call = service.call(Method::POST, "/v1/requests", caller);
    send(call.header("idempotency-key", key).json(request)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_answered_as_before_and_happens_once() {
    let service = TestService::start().await;
    let request = membership(&[OFFICER]);
    let first = submit(&service, "acms", "7b0c", &request).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let size = service.log_size().await;
    for key in ["7b0c", "\"7b0c\""] {
        let again = submit(&service, "acms", key, &request).await;
        assert_eq!(again.status, 202);
        assert_eq!(again.body, first.body);
    }
    assert_eq!(service.log_size().await, size);

    let other = membership(&["sip:officer.115@mc.nl.example"]);
    let refused = submit(&service, "acms", "7b0c", &other).await;
    assert_eq!(refused.problem(), (409, "idempotency-key-reused"));
    assert_eq!(service.log_size().await, size);

    // Another caller's key is another key, and no key is none.
    let others = submit(&service, "operator", "7b0c", &request).await;
    assert_eq!(others.status, 202);
    assert_ne!(others.body["id"], first.body["id"]);
    let without = service.submit(&request).await;
    assert_ne!(without.body["id"], first.body["id"]);
    assert_eq!(service.log_size().await, size + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_over_a_restart() {
    let mut service = TestService::start().await;
    let request = membership(&[OFFICER]);
    let first = submit(&service, "acms", "7b0c", &request).await;
    service.stop().await;
    service.resume().await.unwrap();
    let again = submit(&service, "acms", "7b0c", &request).await;
    assert_eq!(again.body, first.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused() {
    let service = TestService::start().await;
    let long = "k".repeat(256);
    for key in ["", "a b", "\"a", long.as_str()] {
        let refused = submit(&service, "acms", key, &membership(&[OFFICER])).await;
        assert_eq!(refused.problem(), (400, "invalid-idempotency-key"), "{key}");
    }
    let call = service.call(Method::POST, "/v1/requests", "acms");
    let call = call
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let refused = send(call.json(&membership(&[OFFICER]))).await;
    assert_eq!(refused.problem(), (400, "invalid-idempotency-key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_are_one_request() {
    let service = TestService::start().await;
    let size = service.log_size().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let call = service.call(Method::POST, "/v1/requests", "acms");
            let call = call.header("idempotency-key", "burst");
            tokio::spawn(send(call.json(&membership(&[OFFICER]))))
        })
        .collect();
    let mut bodies = Vec::new();
    for call in calls {
        let answer = call.await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text);
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(service.log_size().await, size + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_insist_on_a_key() {
    let service = TestService::start_with(|settings| {
        settings.http.require_idempotency_key = true;
    })
    .await;
    let size = service.log_size().await;
    let refused = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(refused.problem(), (400, "idempotency-key-required"));
    assert_eq!(refused.body["errors"][0]["header"], "idempotency-key");
    assert_eq!(service.log_size().await, size);
    let taken = submit(&service, "acms", "7b0c", &membership(&[OFFICER])).await;
    assert_eq!(taken.status, 202, "{}", taken.text);
}
