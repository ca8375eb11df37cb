//! Denials, approvals and grants have an end, and the clock may not know whether it has come.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::REQUESTS;
use super::again;
use super::approved;
use super::asking;
use super::denied;
use super::evaluate;
use super::problem;
use super::question;
use super::start_by;
use super::tasks::pass;
use super::told;
use crate::front::clock::Hands;
use crate::front::support::NL;
use crate::front::support::send;

const HOUR: i64 = 3_600_000;
const UNSETTLED: (u16, &str) = (503, "clock-unsettled");
const EXPIRED: (&str, &str, bool) = ("approval_expired", "request", true);

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_may_be_over_is_neither_used_nor_expired() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let given = approved(&service, &question()).await;
    pass(&hands, HOUR - 20_000);
    // The clock is set back: it is over by the time that passed.
    hands.jump(-HOUR);
    pass(&hands, 30_000);
    let size = service.log_size().await;
    let body = again(&question(), &given);
    let refused = service.post(EVALUATION, "acms", &body).await;
    assert_eq!(refused.problem(), UNSETTLED, "{}", refused.text);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(service.log_size().await, size);
    // And forward again: over by either.
    hands.jump(HOUR);
    let late = evaluate(&service, &body).await;
    assert_eq!(told(&late), EXPIRED, "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_that_is_taken_back_costs_no_approval_and_no_denial() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let given = approved(&service, &question()).await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    hands.jump(2 * HOUR);
    let body = again(&question(), &given);
    let refused = service.post(EVALUATION, "acms", &body).await;
    assert_eq!(refused.problem(), UNSETTLED, "{}", refused.text);
    let refused = service.post(REQUESTS, "acms", &asked).await;
    assert_eq!(problem(&refused), UNSETTLED, "{}", refused.text);
    hands.jump(-2 * HOUR);
    let used = evaluate(&service, &body).await;
    assert_eq!(used.body["decision"], true, "{}", used.text);
    let taken = service.post(REQUESTS, "acms", &asked).await;
    assert_eq!(taken.status, 202, "{}", taken.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_may_be_too_old_is_neither_taken_nor_gone() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    pass(&hands, 580_000);
    hands.jump(-HOUR);
    pass(&hands, 30_000);
    let refused = service.post(REQUESTS, "acms", &asked).await;
    assert_eq!(problem(&refused), UNSETTLED, "{}", refused.text);
    hands.jump(HOUR);
    let gone = service.post(REQUESTS, "acms", &asked).await;
    assert_eq!(problem(&gone), (410, "expired_denial"), "{}", gone.text);
}

/// A grant for a time is told as ended to whoever repeats the evaluation once its time is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_after_the_end_of_a_grant_permits_nothing() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let until = hands.moment(HOUR);
    let agreement = format!("/v1/agreements/{NL}");
    let change = |it: &mut Value| it["valid_until"] = json!(until);
    service.change(&agreement, change).await;
    let given = approved(&service, &question()).await;
    let body = again(&question(), &given);
    let call = async || {
        let call = service.call(Method::POST, EVALUATION, "acms");
        send(call.header("idempotency-key", "one").json(&body)).await
    };
    let first = call().await;
    assert_eq!(first.body["decision"], true, "{}", first.text);
    let limits = &first.body["context"]["urn:comity:decision"]["limits"];
    assert_eq!(limits["end_time"], json!(until));
    pass(&hands, HOUR / 2);
    assert_eq!(call().await.body, first.body);
    pass(&hands, HOUR / 2);
    let second = call().await;
    assert_eq!(second.body["decision"], false, "{}", second.text);
    let context = &second.body["context"];
    assert_eq!(context["reason"], "ended");
    let ours = &context["urn:comity:decision"];
    assert_eq!(ours["partner_reason"]["code"], "ended");
    assert_eq!(
        (&ours["limits"], &ours["obligations"]),
        (&Value::Null, &json!([]))
    );
}
