//! The Authorization API as far as access requests need it: evaluation.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::denied;
use super::evaluate;
use super::question;
use super::question_of;
use super::start;
use super::told;
use crate::front::support::DE;
use crate::front::support::NL;
use crate::front::support::OFFICER;
use crate::front::support::REQUESTER;
use crate::front::support::send;
use crate::front::support::with;
use crate::front::support::without;

/// May our own user affiliate to the Dutch group? Policy says yes.
fn permitted() -> Value {
    json!({
        "subject": { "type": "user", "id": "sip:streife.12@mc.de.example" },
        "action": { "name": "affiliation" },
        "resource": { "type": "group", "id": "sip:grensteam-1@mc.nl.example" },
        "context": { "request": {
            "direction": "outbound", "correlation_id": "de-1", "service": "mcptt",
            "requesting_system": DE, "receiving_system": NL, "serving_system": DE,
        }}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_permits_is_permitted_and_recorded() {
    let service = start().await;
    let before = service.log_size().await;
    let answer = evaluate(&service, &permitted()).await;
    assert_eq!(answer.body["decision"], true, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(service.log_size().await, before + 1);
    let context = &answer.body["context"];
    assert_eq!(context["access_request"], Value::Null);
    let id = context["evaluation_id"].as_str().unwrap();
    let recorded = service.get(&format!("/v1/requests/{id}"), "acms").await;
    assert_eq!(recorded.items("/outcome"), ["accept"], "{}", recorded.text);
    assert_eq!(recorded.items("/state"), ["granted"]);
    let record = &context["urn:comity:decision"]["record"];
    assert_eq!(record, &recorded.body["record"]);
    assert_eq!(recorded.body["access"]["evaluation"]["used"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_refuses_is_refused_recorded_and_not_requestable() {
    let service = start().await;
    // Of a system with which there is no agreement.
    let mut question = question();
    let elements = &mut question["context"]["request"];
    elements["peer"]["system"] = json!("mc.fr.example");
    elements["requesting_system"] = json!("mc.fr.example");
    let before = service.log_size().await;
    let answer = evaluate(&service, &question).await;
    let (reason, _, requestable) = told(&answer);
    assert!(!requestable, "{}", answer.text);
    assert_eq!(
        reason,
        answer.body["context"]["urn:comity:decision"]["reason"]
    );
    assert_eq!(service.log_size().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_recorded_and_waits_for_nobody() {
    let service = start().await;
    let denied = denied(&service, &question()).await;
    let id = denied.body["context"]["evaluation_id"].as_str().unwrap();
    let recorded = service.get(&format!("/v1/requests/{id}"), "acms").await;
    assert_eq!(recorded.body["status"], "rejected", "{}", recorded.text);
    assert_eq!(recorded.items("/outcome"), ["review"]);
    assert_eq!(recorded.items("/state"), ["refused"]);
    // Nobody denied it.
    assert_eq!(recorded.items("/partner_reason/code"), ["held"]);
    let view = format!("/v1/requests/{id}?view=partner");
    let view = service.get(&view, "acms").await;
    assert_eq!(view.items("/reason/code"), ["held"], "{}", view.text);
    let answered = service
        .respond(
            &format!("/v1/requests/{id}"),
            &crate::front::support::approval(),
        )
        .await;
    assert_eq!(answered.problem(), (409, "not-pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_evaluation_has_the_same_identifier_under_its_key() {
    let service = start().await;
    let call = || async {
        let call = service.call(Method::POST, EVALUATION, "acms");
        send(call.header("idempotency-key", "one").json(&question())).await
    };
    let first = call().await;
    let size = service.log_size().await;
    let second = call().await;
    assert_eq!(first.body, second.body);
    assert_eq!(service.log_size().await, size);
    let other = service.call(Method::POST, EVALUATION, "acms");
    let other = other.header("idempotency-key", "one");
    let other = send(other.json(&question_of("sip:officer.115@mc.nl.example"))).await;
    assert_eq!(other.problem(), (409, "idempotency-key-reused"));
    let unkeyed = evaluate(&service, &question()).await;
    assert_ne!(
        unkeyed.body["context"]["evaluation_id"],
        first.body["context"]["evaluation_id"]
    );
}

/// What is wrong, and where that is told.
fn wrong() -> Vec<(Value, Vec<&'static str>)> {
    let whole = question();
    let elements =
        |name: &str, value: Value| with(&whole, &format!("/context/request/{name}"), value);
    vec![
        (json!([]), vec![""]),
        (json!({}), vec!["/subject", "/resource", "/action"]),
        (without(&whole, "/subject"), vec!["/subject"]),
        (without(&whole, "/subject/type"), vec!["/subject/type"]),
        (without(&whole, "/resource/id"), vec!["/resource/id"]),
        (without(&whole, "/action/name"), vec!["/action/name"]),
        (with(&whole, "/subject/id", 7), vec!["/subject/id"]),
        (with(&whole, "/subject/id", ""), vec!["/subject/id"]),
        (
            with(&whole, "/subject/properties", "x"),
            vec!["/subject/properties"],
        ),
        (with(&whole, "/context", "x"), vec!["/context"]),
        (
            with(&whole, "/context/request", "x"),
            vec!["/context/request"],
        ),
        (
            with(&whole, "/action/name", "can_read"),
            vec!["/action/name"],
        ),
        (
            elements("operation", json!("affiliation")),
            vec!["/action/name"],
        ),
        (
            without(&whole, "/context/request/change"),
            vec!["/context/request/change"],
        ),
        // What narrows a request may be misspelt: its own elements are read strictly.
        (
            elements("chance", json!("add")),
            vec!["/context/request/chance"],
        ),
        (with(&whole, "/subject/id", "nobody"), vec!["/subject/id"]),
        (
            with(&whole, "/subject/type", "system"),
            vec!["/context/request/requester"],
        ),
        (
            with(&whole, "/resource/type", "user"),
            vec!["/context/request/group"],
        ),
        (
            elements("requester", json!({ "mc_service_id": OFFICER })),
            vec!["/subject"],
        ),
        (
            elements("group", json!("sip:other@mc.de.example")),
            vec!["/resource"],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_a_bad_request_with_its_places() {
    let service = start().await;
    for (body, places) in wrong() {
        let before = service.log_size().await;
        let answer = service.post(EVALUATION, "acms", &body).await;
        assert_eq!(
            answer.problem(),
            (400, "invalid-access-body"),
            "{body} {}",
            answer.text
        );
        for place in places {
            assert!(answer.pointers().contains(&place), "{body} {}", answer.text);
        }
        assert_eq!(service.log_size().await, before);
    }
    let broken = service.post_text(EVALUATION, "acms", "{").await;
    assert_eq!(broken.problem(), (400, "malformed-body"));
    let twice = service
        .post_text(EVALUATION, "acms", "{\"subject\":{},\"subject\":{}}")
        .await;
    assert_eq!(twice.problem(), (400, "malformed-body"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_asks_one_thing() {
    let service = start().await;
    let members = json!([OFFICER, "sip:officer.115@mc.nl.example"]);
    let two = with(&question(), "/context/request/members", members);
    let before = service.log_size().await;
    let answer = service.post(EVALUATION, "acms", &two).await;
    assert_eq!(answer.problem(), (400, "invalid-access-body"));
    assert!(answer.text.contains("2 items"), "{}", answer.text);
    assert_eq!(service.log_size().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_members_are_passed_over_and_properties_decide_nothing() {
    let service = start().await;
    let mut question = question();
    question["options"] = json!({ "x": 1 });
    question["subject"]["properties"] = json!({ "home_system": DE, "is_reviewer": true });
    question["resource"]["properties"] = json!({ "review_additions": false });
    question["action"]["properties"] = json!({ "response": "automatic" });
    question["context"]["schema"] = json!("https://schema.example");
    let denied = denied(&service, &question).await;
    assert_eq!(told(&denied), ("approval_required", "not told", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_identifier_comes_back_as_it_was() {
    let service = start().await;
    for id in ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "any text; at all"] {
        let call = service.call(Method::POST, EVALUATION, "acms");
        let answer = send(call.header("x-request-id", id).json(&question())).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-request-id"), id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_callers_who_may_are_let_in() {
    let service = start().await;
    for (caller, problem) in [
        ("without token", (401, "unauthenticated")),
        ("wrong token", (401, "unauthenticated")),
        ("nobody", (403, "forbidden")),
        ("peer", (403, "forbidden")),
        ("reviewer", (403, "forbidden")),
        ("auditor", (403, "forbidden")),
    ] {
        for path in [EVALUATION, super::REQUESTS] {
            let answer = service.post(path, caller, &question()).await;
            assert_eq!(answer.problem(), problem, "{caller} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_peer_is_attested_as_on_v1() {
    let service = start().await;
    let other = format!("sha256:{}", "0".repeat(64));
    let question = with(
        &question(),
        "/context/request/peer",
        json!({ "system": NL, "certificate": other }),
    );
    let answer = evaluate(&service, &question).await;
    assert!(!told(&answer).2, "{}", answer.text);
    assert_eq!(question["subject"]["id"], REQUESTER);
}
