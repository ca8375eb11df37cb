//! Whoever asked wants it no longer.

use comity::cli::service::CallerTokens;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::CERTIFICATE;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::inbound;
use super::support::membership;
use super::support::send;
use super::support::with;

const OTHER: &str = "sip:officer.115@mc.nl.example";
const OURS: &str = "sip:streife.12@mc.de.example";
const OPEN: &str = "/v1/open-deletions/grensteam-1@mc.nl.example;patrol-12";

fn outbound(mut request: Value) -> Value {
    request["direction"] = json!("outbound");
    request["correlation_id"] = json!("de-2026-000031");
    request["requesting_system"] = json!(DE);
    request["receiving_system"] = json!(NL);
    request["group"] = json!("sip:grensteam-1@mc.nl.example");
    request
}

fn update(change: &str) -> Value {
    outbound(json!({
        "operation": "group-membership-update",
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "target": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "members": [OURS],
        "change": change
    }))
}

fn reason() -> Value {
    json!({ "reason": "the operation is over" })
}

async fn withdraw(service: &TestService, path: &str, body: &Value) -> Answer {
    service
        .post(&format!("{path}/withdrawal"), "acms", body)
        .await
}

fn undone(answer: &Answer) -> Vec<&str> {
    let undo = answer.body["items"][0]["undo"].as_array();
    let undo = undo.into_iter().flatten();
    undo.map(|it| it["name"].as_str().unwrap()).collect()
}

fn path_of(answer: &Answer) -> String {
    format!("/v1/requests/{}", answer.body["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_withdrawn_once_and_for_good() {
    let mut service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let mut said = reason();
    said["withdrawn_by"] = json!(REQUESTER);
    let gone = withdraw(&service, &path, &said).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert_eq!(gone.body["status"], "withdrawn");
    assert_eq!(gone.items("/state"), ["withdrawn"]);
    assert_eq!(gone.items("/partner_reason/code"), ["withdrawn"]);
    assert_eq!(gone.header("etag"), "\"r2\"");
    let told = &gone.body["withdrawals"][0];
    assert_eq!(told["items"], json!([0]));
    assert_eq!(told["reason"], "the operation is over");
    // Nothing was done for what waited here.
    assert!(undone(&gone).is_empty(), "{}", gone.text);
    let size = service.log_size().await;
    let again = withdraw(&service, &path, &reason()).await;
    assert_eq!(again.body, gone.body);
    let named = withdraw(&service, &path, &with(&reason(), "/items", json!([0]))).await;
    assert_eq!(named.body, gone.body);
    let late = service.respond(&path, &approval()).await;
    assert_eq!(late.problem(), (409, "not-pending"), "{}", late.text);
    assert_eq!(late.body["current"]["status"], "withdrawn");
    assert_eq!(service.log_size().await, size);
    let view = service.get(&format!("{path}?view=partner"), "acms").await;
    assert_eq!(view.body["status"], "withdrawn");
    assert_eq!(view.items("/outcome"), ["reject"]);
    // Who withdrew it is nobody's to read here.
    assert!(!gone.text.contains("withdrawn_by"));
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(service.get(&path, "acms").await.body, gone.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_withdrawn_by_themselves() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER, OTHER])).await;
    let some = withdraw(&service, &path, &with(&reason(), "/items", json!([1]))).await;
    assert_eq!(
        some.items("/state"),
        ["pending", "withdrawn"],
        "{}",
        some.text
    );
    assert_eq!(some.body["status"], "pending");
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.items("/state"), ["granted", "withdrawn"]);
    assert_eq!(approved.body["status"], "partial");
    let member = "/v1/memberships/unfall-07@mc.de.example;officer.114@mc.nl.example";
    assert_eq!(service.get(member, "auditor").await.status, 200);
    // What is granted is revoked, not withdrawn.
    let size = service.log_size().await;
    let granted = withdraw(&service, &path, &with(&reason(), "/items", json!([0]))).await;
    assert_eq!(granted.problem(), (409, "not-pending"), "{}", granted.text);
    assert_eq!(
        granted.body["current"]["states"],
        json!(["granted", "withdrawn"])
    );
    let none = withdraw(&service, &path, &with(&reason(), "/items", json!([2]))).await;
    assert_eq!(none.problem(), (409, "not-pending"));
    assert_eq!(service.log_size().await, size);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_wrongly_withdraws_nothing() {
    let mut other = CallerTokens::new();
    let service = TestService::start_with(|settings| {
        other = settings.make_callers(&[("acms-2", "acms")]).unwrap();
    })
    .await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let size = service.log_size().await;
    for (body, pointer) in [
        (json!({ "reason": " " }), "/reason"),
        (json!({ "reason": "x".repeat(4_097) }), "/reason"),
        (with(&reason(), "/items", json!([0, 0])), "/items/1"),
        (with(&reason(), "/items", json!([])), "/items"),
        (
            with(&reason(), "/withdrawn_by", json!(OTHER)),
            "/withdrawn_by",
        ),
    ] {
        let refused = withdraw(&service, &path, &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{body}");
        assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
    }
    let unread = withdraw(&service, &path, &json!({})).await;
    assert_eq!(unread.problem(), (422, "invalid-input"), "{}", unread.text);
    let address = format!("{path}/withdrawal");
    let call = service.call(Method::POST, &address, "acms");
    let stale = send(call.header("if-match", "\"r7\"").json(&reason())).await;
    assert_eq!(stale.problem(), (412, "revision-mismatch"));
    let call = service.call(Method::POST, &address, "without token");
    let foreign = send(call.bearer_auth(&other["acms-2"]).json(&reason())).await;
    assert_eq!(foreign.problem(), (403, "forbidden"));
    assert_eq!(service.log_size().await, size);
    let call = service.call(Method::POST, &address, "acms");
    let seen = send(call.header("if-match", "\"r1\"").json(&reason())).await;
    assert_eq!(seen.body["status"], "withdrawn", "{}", seen.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_withdrawn_keeps_nobody_out_any_longer() {
    let service = TestService::start().await;
    let affiliation = outbound(json!({
        "operation": "affiliation", "user": OURS, "service": "mcptt", "serving_system": DE
    }));
    for sent in [false, true] {
        let asked = service.submit(&update("delete")).await;
        let path = path_of(&asked);
        if sent {
            let reports = format!("{path}/reports");
            let report = json!({ "report": "sent" });
            let reported = service.post(&reports, "acms", &report).await;
            assert_eq!(reported.items("/state"), ["sent"], "{}", reported.text);
        }
        assert_eq!(service.get(OPEN, "auditor").await.status, 200);
        let kept_out = service.submit(&affiliation).await;
        assert_eq!(kept_out.items("/outcome"), ["reject"]);
        let gone = withdraw(&service, &path, &reason()).await;
        assert_eq!(gone.body["status"], "withdrawn", "{}", gone.text);
        assert_eq!(
            undone(&gone),
            ["undo-forward-request", "undo-refuse-affiliation"]
        );
        assert_eq!(service.get(OPEN, "auditor").await.status, 404);
        let free = service.submit(&affiliation).await;
        assert_eq!(free.items("/outcome"), ["accept"], "{}", free.text);
        // The partner's answer comes too late.
        let answer = json!({
            "report": "answered", "correlation_id": "de-2026-000031",
            "peer": { "system": NL, "certificate": CERTIFICATE },
            "items": [{ "subject": OURS, "outcome": "accept" }]
        });
        let late = service
            .post(&format!("{path}/reports"), "acms", &answer)
            .await;
        assert_eq!(late.problem(), (409, "not-at-partner"), "{}", late.text);
        assert_eq!(late.body["current"]["status"], "withdrawn");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_of_which_a_part_is_withdrawn_stays_open() {
    let service = TestService::start().await;
    let identify =
        |user: &mut Value| user["identities"]["mcdata"] = json!("sip:daten.12@mc.de.example");
    service.change("/v1/users/patrol-12", identify).await;
    let mut deletion = update("delete");
    deletion["members"] = json!([OURS, "sip:daten.12@mc.de.example"]);
    let asked = service.submit(&deletion).await;
    let path = path_of(&asked);
    for (item, status) in [(0, 200), (1, 404)] {
        let gone = withdraw(&service, &path, &with(&reason(), "/items", json!([item]))).await;
        assert_eq!(gone.status, 200, "{}", gone.text);
        assert_eq!(service.get(OPEN, "auditor").await.status, status, "{item}");
    }
}

/// A held deletion never expires and is never denied by silence; who asked for it may still let it be.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_deletion_that_is_withdrawn_leaves_the_member_in() {
    let service = TestService::start().await;
    let hold = |group: &mut Value| {
        for partner in group["partners"].as_array_mut().unwrap() {
            partner["review_deletions"] = json!(true);
        }
    };
    service
        .change("/v1/groups/sip:unfall-07@mc.de.example", hold)
        .await;
    let added = service.submit_held(&membership(&[OFFICER])).await;
    let added = service.respond(&added, &approval()).await;
    assert_eq!(added.body["status"], "accepted", "{}", added.text);
    let deletion = with(&membership(&[OFFICER]), "/change", "delete");
    let path = service.submit_held(&deletion).await;
    let gone = withdraw(&service, &path, &reason()).await;
    assert_eq!(gone.body["status"], "withdrawn", "{}", gone.text);
    let member = "/v1/memberships/unfall-07@mc.de.example;officer.114@mc.nl.example";
    assert_eq!(service.get(member, "auditor").await.status, 200);
    let late = service.respond(&path, &approval()).await;
    assert_eq!(late.problem(), (409, "not-pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_whose_migration_is_withdrawn_has_no_place() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let asked = service
        .submit(&inbound(json!({
            "operation": "migration-service-authorization", "user": OFFICER, "services": ["mcptt"]
        })))
        .await;
    assert_eq!(asked.body["status"], "cleared", "{}", asked.text);
    let entry = "/v1/migrations/mcptt:officer.114@mc.nl.example";
    assert_eq!(service.get(entry, "auditor").await.status, 200);
    let gone = withdraw(&service, &path_of(&asked), &reason()).await;
    assert_eq!(gone.body["status"], "withdrawn", "{}", gone.text);
    assert!(undone(&gone).contains(&"undo-request-home-consent"));
    assert_eq!(service.get(entry, "auditor").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_approval_and_a_withdrawal_exactly_one_wins() {
    let service = TestService::start().await;
    let (mut granted, mut withdrawn) = (0, 0);
    for round in 0..40 {
        let path = service.submit_held(&membership(&[OFFICER])).await;
        let (body, yes) = (reason(), approval());
        let leaving = withdraw(&service, &path, &body);
        let answering = service.respond(&path, &yes);
        let (gone, answered) = if round % 2 == 0 {
            tokio::join!(leaving, answering)
        } else {
            let (answered, gone) = tokio::join!(answering, leaving);
            (gone, answered)
        };
        let after = service.get(&path, "acms").await;
        assert_eq!(after.body["version"], 2);
        let (won, lost, state) = if gone.status == 200 {
            withdrawn += 1;
            (gone, answered, "withdrawn")
        } else {
            granted += 1;
            (answered, gone, "granted")
        };
        assert_eq!(won.items("/state"), [state], "{}", won.text);
        assert_eq!(after.items("/state"), [state]);
        assert_eq!(lost.problem(), (409, "not-pending"), "{}", lost.text);
        assert_eq!(lost.body["current"]["states"], json!([state]));
    }
    assert_eq!(granted + withdrawn, 40);
}
