//! An approval does not outlive the last word about what it approves.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::REQUESTS;
use super::again;
use super::approved;
use super::asked;
use super::asking;
use super::denied;
use super::evaluate;
use super::held;
use super::question;
use super::question_of;
use super::start;
use super::told;
use crate::front::support::CERTIFICATE;
use crate::front::support::DE;
use crate::front::support::DISPATCHER;
use crate::front::support::NL;
use crate::front::support::OFFICER;
use crate::front::support::REQUESTER;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::eventually;
use crate::front::support::inbound;
use crate::front::support::membership;
use crate::front::support::send;
use crate::front::support::with;
use crate::front::support::without;

const EXPIRED: (&str, &str, bool) = ("approval_expired", "request", true);
const AGREEMENT: &str = "/v1/agreements/mc.nl.example";
const MEMBER: &str = "/v1/memberships/unfall-07@mc.de.example;officer.114@mc.nl.example";

/// May the cooperation go on?
fn going_on(word: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": REQUESTER },
        "action": { "name": "cooperation-status-change" },
        "resource": { "type": "system", "id": DE },
        "context": { "request": {
            "direction": "inbound", "correlation_id": "nl-2026-000917",
            "peer": { "system": NL, "certificate": CERTIFICATE },
            "requesting_system": NL, "receiving_system": DE,
            "change": word, "reason": "the intrusion is over"
        } }
    })
}

/// What we say of the cooperation.
fn ours(word: &str) -> Value {
    json!({
        "operation": "cooperation-status-change", "direction": "outbound",
        "correlation_id": "de-2026-000044",
        "requesting_system": DE, "receiving_system": NL,
        "requester": { "mc_service_id": DISPATCHER },
        "change": word, "reason": "an intrusion is being looked into"
    })
}

async fn is_now(service: &TestService, status: &str) {
    let put = |agreement: &mut Value| agreement["status"] = json!(status);
    service.change(AGREEMENT, put).await;
}

/// Presents an approval that has been overtaken; tells by what.
async fn expired(service: &TestService, question: &Value, given: &Value) -> Value {
    let refused = evaluate(service, &again(question, given)).await;
    assert_eq!(told(&refused), EXPIRED, "{}", refused.text);
    refused.body["context"]["urn:comity:decision"]["taken_back_by"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_to_go_on_lifts_no_later_suspension() {
    let service = start().await;
    let may = |user: &mut Value| user["acm_operations"] = json!(["cooperation-status-change"]);
    service.change("/v1/users/dispatch-1", may).await;
    for word in ["resume", "activate"] {
        let question = going_on(word);
        for statuses in [&["suspended"][..], &["suspended", "active", "suspended"]] {
            let given = approved(&service, &question).await;
            for status in statuses {
                is_now(&service, status).await;
            }
            let by = expired(&service, &question, &given).await;
            assert!(by["record"].is_u64(), "{by}");
            let read = service.get(AGREEMENT, "auditor").await;
            assert_eq!(read.body["status"], "suspended");
            is_now(&service, "active").await;
        }
        let given = approved(&service, &question).await;
        let suspended = service.submit(&ours("suspend")).await;
        let by = expired(&service, &question, &given).await;
        assert_eq!(by["request_id"], suspended.body["id"]);
        // What waits is refused too; what is evaluated afterwards is for a person to say.
        let asked = asking(&question, &denied(&service, &question).await);
        service.submit(&ours("suspend")).await;
        let task = service.post(REQUESTS, "acms", &asked).await;
        let late = service
            .respond(&held(&super::path(&task)), &approval())
            .await;
        assert_eq!(late.items("/state"), ["refused"], "{}", late.text);
        let given = approved(&service, &question).await;
        let permitted = evaluate(&service, &again(&question, &given)).await;
        assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
        let read = service.get(AGREEMENT, "auditor").await;
        assert_eq!(read.body["status"], "active");
    }
}

/// A push as it is submitted.
fn push(idms: &str) -> Value {
    inbound(json!({
        "operation": "ue-configuration-push",
        "requester": { "mc_service_id": REQUESTER },
        "mc_system_id": NL,
        "configuration": {
            "mc_system_id": NL,
            "pdn_connectivity": [{ "hplmn": "204-04", "mc_services": { "apn": "mc.first" } }],
            "servers": {
                "idms": idms, "gms": "https://gms.mc.nl.example",
                "cms": "https://cms.mc.nl.example", "kms": "https://kms.mc.nl.example"
            }
        }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_an_older_push_is_overtaken_by_a_newer_one() {
    let service = start().await;
    let elements = push("https://old.mc.nl.example");
    let elements = without(&without(&elements, "/operation"), "/requester");
    let question = json!({
        "subject": { "type": "user", "id": REQUESTER },
        "action": { "name": "ue-configuration-push" },
        "resource": { "type": "system", "id": DE },
        "context": { "request": elements }
    });
    let given = approved(&service, &question).await;
    let newer = service
        .submit_held(&push("https://new.mc.nl.example"))
        .await;
    let granted = service.respond(&newer, &approval()).await;
    assert_eq!(granted.items("/state"), ["granted"], "{}", granted.text);
    let by = expired(&service, &question, &given).await;
    assert_eq!(by["request_id"], granted.body["id"]);
    assert_eq!(by["record"], granted.body["record"]["index"]);
    let path = "/v1/ue-configurations/mc.nl.example";
    let kept = service.get(path, "auditor").await;
    assert!(!kept.text.contains("old.mc.nl.example"), "{}", kept.text);
}

/// Revokes what an evaluation granted.
async fn revoke(service: &TestService, used: &Value) {
    let id = used["context"]["evaluation_id"].as_str().unwrap();
    let said = json!({ "reason": "compromised", "revoked_by": DISPATCHER });
    let path = format!("/v1/requests/{id}/revocation");
    let revoked = service.post(&path, "reviewer", &said).await;
    assert_eq!(revoked.items("/state"), ["revoked"], "{}", revoked.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_in_stock_does_not_give_again_what_was_revoked() {
    let mut service = start().await;
    let second = with(&question(), "/context/request/correlation_id", "nl-2026-2");
    let one = approved(&service, &question()).await;
    let other = approved(&service, &second).await;
    let of_another = question_of("sip:officer.115@mc.nl.example");
    let unconcerned = approved(&service, &of_another).await;
    let used = evaluate(&service, &again(&question(), &one)).await;
    assert_eq!(used.body["decision"], true, "{}", used.text);
    revoke(&service, &used.body).await;
    service.stop().await;
    service.resume().await.unwrap();
    expired(&service, &second, &other).await;
    assert_eq!(service.get(MEMBER, "auditor").await.status, 404);
    let permitted = evaluate(&service, &again(&of_another, &unconcerned)).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
    // Who is approved since is in.
    let since = approved(&service, &second).await;
    let permitted = evaluate(&service, &again(&second, &since)).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
    assert_eq!(service.get(MEMBER, "auditor").await.status, 200);
}

/// Who is quicker than the service writes down what a suspension revokes does not escape it, and is told nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_over_a_grant_that_is_about_to_be_revoked() {
    let service = start().await;
    let second = with(&question(), "/context/request/correlation_id", "nl-2026-2");
    let one = approved(&service, &question()).await;
    let other = approved(&service, &second).await;
    let under_one_key = async |body: &Value| {
        let call = service.call(Method::POST, "/access/v1/evaluation", "acms");
        send(call.header("idempotency-key", "one").json(body)).await
    };
    let used = under_one_key(&again(&question(), &one)).await;
    assert_eq!(used.body["decision"], true, "{}", used.text);
    for status in ["suspended", "active"] {
        let set = |agreement: &mut Value| agreement["status"] = json!(status);
        service.change(AGREEMENT, set).await;
        let repeated = under_one_key(&again(&question(), &one)).await;
        assert_eq!(repeated.body["decision"], false, "{}", repeated.text);
    }
    let body = again(&second, &other);
    let answer = eventually("an answer to the second", async || {
        let answer = service.post("/access/v1/evaluation", "acms", &body).await;
        (answer.problem() != (503, "contended")).then_some(answer)
    })
    .await;
    assert_eq!(answer.body["decision"], false, "{}", answer.text);
    assert_eq!(told(&answer), EXPIRED, "{}", answer.text);
    assert_eq!(service.get(MEMBER, "auditor").await.status, 404);
    let id = used.body["context"]["evaluation_id"].as_str().unwrap();
    let first = service.get(&format!("/v1/requests/{id}"), "acms").await;
    assert_eq!(first.body["status"], "revoked", "{}", first.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_in_stock_does_not_give_again_what_was_deleted_or_withdrawn() {
    let service = start().await;
    let first = approved(&service, &question()).await;
    let granted = evaluate(&service, &again(&question(), &first)).await;
    assert_eq!(granted.body["decision"], true, "{}", granted.text);
    let given = approved(&service, &question()).await;
    let found = service.get(MEMBER, "operator").await;
    let call = service.call(Method::DELETE, MEMBER, "operator");
    let deleted = send(call.header("if-match", found.header("etag"))).await;
    if deleted.status == 200 || deleted.status == 204 {
        expired(&service, &question(), &given).await;
        assert_eq!(service.get(MEMBER, "auditor").await.status, 404);
    } else {
        panic!("{}", deleted.text);
    }
    // The partner lets a request for the same be.
    let given = approved(&service, &question()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let said = json!({ "reason": "not needed" });
    let withdrawn = service
        .post(&format!("{path}/withdrawal"), "acms", &said)
        .await;
    assert_eq!(
        withdrawn.items("/state"),
        ["withdrawn"],
        "{}",
        withdrawn.text
    );
    expired(&service, &question(), &given).await;
    // A task that is cancelled says nothing of the approval that there is.
    let given = approved(&service, &question()).await;
    let task = asked(&service, &question()).await;
    let cancelled = service
        .post(&format!("{task}/cancel"), "acms", &json!({}))
        .await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let permitted = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
}

/// A group whose additions and deletions are both held.
const REVIEWED: &str = "sip:sonderlage-1@mc.de.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_waits_as_a_task_is_asked() {
    let mut service = start().await;
    let addition = with(&membership(&[OFFICER]), "/group", REVIEWED);
    let deletion = with(&question(), "/resource/id", REVIEWED);
    let deletion = with(&deletion, "/context/request/change", "delete");
    // What is only evaluated is not asked, and what is let be is asked no longer.
    for is_cancelled in [true, false] {
        let path = service.submit_held(&addition).await;
        let task = asked(&service, &deletion).await;
        if is_cancelled {
            let cancelled = service
                .post(&format!("{task}/cancel"), "acms", &json!({}))
                .await;
            assert_eq!(cancelled.status, 200, "{}", cancelled.text);
        }
        service.stop().await;
        service.resume().await.unwrap();
        let late = service.respond(&path, &approval()).await;
        let state = if is_cancelled { "granted" } else { "refused" };
        assert_eq!(late.items("/state"), [state], "{}", late.text);
    }
}
