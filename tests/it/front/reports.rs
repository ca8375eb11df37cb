//! What becomes of a request at the partner: cleared, sent, held there, answered, delivered (ruling 8).

use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::support::Answer;
use super::support::CERTIFICATE;
use super::support::DE;
use super::support::NL;
use super::support::TestService;
use super::support::eventually;
use super::support::send;
use super::support::with;
use super::support::without;

const GROUP: &str = "sip:grensteam-1@mc.nl.example";
const USER: &str = "sip:streife.12@mc.de.example";
const OTHER: &str = "sip:dispatch.2@mc.de.example";
const OPEN: &str = "/v1/open-deletions/grensteam-1@mc.nl.example;patrol-12";
const CORRELATION: &str = "de-2026-000031";

fn outbound(mut request: Value) -> Value {
    request["direction"] = json!("outbound");
    request["correlation_id"] = json!(CORRELATION);
    request["requesting_system"] = json!(DE);
    request["receiving_system"] = json!(NL);
    request["group"] = json!(GROUP);
    request
}

fn update(change: &str, members: &[&str]) -> Value {
    outbound(json!({
        "operation": "group-membership-update",
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "target": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "members": members,
        "change": change
    }))
}

fn affiliation() -> Value {
    outbound(json!({
        "operation": "affiliation", "user": USER, "service": "mcptt", "serving_system": DE
    }))
}

fn answer(items: &[(&str, &str)]) -> Value {
    let items = items.iter();
    let items = items.map(|(subject, outcome)| json!({ "subject": subject, "outcome": outcome }));
    json!({
        "report": "answered",
        "correlation_id": CORRELATION,
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": items.collect::<Vec<_>>()
    })
}

/// Submits what is cleared, and tells its path.
async fn cleared(service: &TestService, request: &Value) -> String {
    let answer = service.submit(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["status"], "cleared", "{}", answer.text);
    format!("/v1/requests/{}", answer.body["id"].as_str().unwrap())
}

async fn report(service: &TestService, path: &str, body: &Value) -> Answer {
    service.post(&format!("{path}/reports"), "acms", body).await
}

async fn reported(service: &TestService, path: &str, body: &Value) -> Answer {
    let answer = report(service, path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

fn obligations(answer: &Answer, pointer: &str) -> Vec<String> {
    let listed = answer.body.pointer(pointer).and_then(Value::as_array);
    let listed = listed.into_iter().flatten();
    listed
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn affiliates(service: &TestService) -> bool {
    let answer = service.submit(&affiliation()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["items"][0]["outcome"] == "accept"
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_goes_its_way_and_is_granted_by_the_partner_alone() {
    let mut service = TestService::start().await;
    let path = cleared(&service, &update("add", &[USER])).await;
    let clear = service.get(&path, "acms").await;
    assert_eq!(clear.items("/state"), ["cleared"]);
    assert_eq!(
        obligations(&clear, "/items/0/obligations"),
        ["forward-request"]
    );
    assert_eq!(clear.body["items"][0]["when_accepted"], Value::Null);
    let steps = [
        (
            json!({ "report": "sent", "at": "2020-11-21T10:00:00.000Z" }),
            "sent",
            "sent",
        ),
        (
            json!({ "report": "partner-pending", "expires_at": "2999-01-01T00:00:00.000Z" }),
            "partner-pending",
            "partner-pending",
        ),
        (
            with(
                &answer(&[(USER, "accept")]),
                "/items/0/limits",
                json!({ "priority_cap": 3 }),
            ),
            "accepted",
            "partner-accepted",
        ),
        (json!({ "report": "delivered" }), "accepted", "delivered"),
    ];
    for (number, (body, status, state)) in (2..).zip(steps) {
        let size = service.log_size().await;
        let first = reported(&service, &path, &body).await;
        assert_eq!(first.body["status"], status, "{}", first.text);
        assert_eq!(first.items("/state"), [state]);
        assert_eq!(first.body["version"], number);
        assert_eq!(first.header("etag"), format!("\"r{number}\""));
        assert_eq!(service.log_size().await, size + 1);
        // Said twice, it is written once.
        let again = reported(&service, &path, &body).await;
        assert_eq!(again.body, first.body);
        assert_eq!(service.log_size().await, size + 1);
    }
    // A report that comes late says nothing new.
    let late = reported(&service, &path, &json!({ "report": "sent" })).await;
    assert_eq!(late.body["version"], 5);
    let partner = &late.body["items"][0]["partner"];
    assert_eq!(partner["outcome"], "accept");
    assert_eq!(partner["limits"]["priority_cap"], 3);
    let due = obligations(&late, "/items/0/partner/obligations");
    assert_eq!(due, ["update-user-profile", "notify-acm-client"]);
    let kinds = late.body["reports"].as_array().unwrap();
    let kinds: Vec<&Value> = kinds.iter().map(|report| &report["report"]).collect();
    assert_eq!(kinds, ["sent", "partner-pending", "answered", "delivered"]);
    assert_eq!(
        late.body["reports"][1]["expires_at"],
        "2999-01-01T00:00:00.000Z"
    );
    // It is no matter of memory alone.
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(service.get(&path, "acms").await.body, late.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_refusal_and_its_reason_are_shown() {
    let service = TestService::start().await;
    let path = cleared(&service, &update("add", &[USER, OTHER])).await;
    let mut body = answer(&[(OTHER, "reject")]);
    body["items"][0]["reason"] = json!("not trained for this group");
    // What is not in the answer stays as it is.
    let some = reported(&service, &path, &body).await;
    assert_eq!(some.body["status"], "cleared");
    assert_eq!(some.items("/state"), ["cleared", "partner-refused"]);
    let partner = &some.body["items"][1]["partner"];
    assert_eq!(partner["reason"], "not trained for this group");
    assert_eq!(
        obligations(&some, "/items/1/partner/obligations"),
        ["notify-acm-client"]
    );
    let all = reported(&service, &path, &answer(&[(USER, "accept")])).await;
    assert_eq!(all.body["status"], "partial");
    assert_eq!(all.items("/state"), ["partner-accepted", "partner-refused"]);
    // Both in one answer are known by now; otherwise than before is a contradiction.
    let size = service.log_size().await;
    let both = answer(&[(USER, "accept"), (OTHER, "reject")]);
    assert_eq!(reported(&service, &path, &both).await.body, all.body);
    let other = report(&service, &path, &answer(&[(USER, "reject")])).await;
    assert_eq!(other.problem(), (409, "not-at-partner"), "{}", other.text);
    assert_eq!(other.body["current"]["status"], "partial");
    assert_eq!(service.log_size().await, size);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_joins_by_its_correlation_id_and_comes_from_whom_was_asked() {
    let service = TestService::start().await;
    let path = cleared(&service, &update("add", &[USER])).await;
    let good = answer(&[(USER, "accept")]);
    let size = service.log_size().await;
    let unknown = format!("sha256:{}", "0".repeat(64));
    for (pointer, value) in [
        ("/correlation_id", json!("nl-2026-000917")),
        ("/peer/system", json!("mc.be.example")),
        ("/peer/certificate", json!(unknown)),
        // Known, and another's.
        (
            "/peer/certificate",
            json!("sha256:0d40f891adcdc2df2162dce77080f745db5ba5f7eb4351559a4b7ae0a6c0b9cd"),
        ),
    ] {
        let refused = report(&service, &path, &with(&good, pointer, value)).await;
        assert_eq!(refused.problem(), (403, "peer-refused"), "{pointer}");
    }
    for (body, pointer) in [
        (json!({ "report": "answering" }), "/report"),
        (json!({}), "/report"),
        (json!({ "report": "sent", "items": [] }), "/items"),
        (
            json!({ "report": "delivered", "at": "2020-11-21T10:00:00.000Z" }),
            "/at",
        ),
        (without(&good, "/peer"), "/peer"),
        (with(&good, "/items", json!([])), "/items"),
        (
            with(&good, "/items/0/outcome", "review"),
            "/items/0/outcome",
        ),
        (with(&good, "/items/0/subject", OTHER), "/items/0"),
        (with(&good, "/items/0/service", "mcptt"), "/items/0"),
        (answer(&[(USER, "accept"), (USER, "accept")]), "/items/1"),
    ] {
        let refused = report(&service, &path, &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{body}");
        assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
    }
    let early = report(&service, &path, &json!({ "report": "delivered" })).await;
    assert_eq!(early.problem(), (409, "not-at-partner"), "{}", early.text);
    assert_eq!(service.log_size().await, size);
    let call = service.call(reqwest::Method::POST, &format!("{path}/reports"), "acms");
    let stale = send(call.header("if-match", "\"r7\"").json(&good)).await;
    assert_eq!(stale.problem(), (412, "revision-mismatch"));
    reported(&service, &path, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_cleared_is_nobodys_to_report() {
    let service = TestService::start().await;
    let mut refused = update("delete", &[USER]);
    refused["requester"]["mc_service_id"] = json!(USER);
    let refused = service.submit(&refused).await;
    assert_eq!(refused.body["status"], "rejected", "{}", refused.text);
    let affiliation = service.submit(&affiliation()).await;
    assert_eq!(affiliation.items("/state"), ["granted"]);
    for answer_to in [refused, affiliation] {
        let path = format!("/v1/requests/{}", answer_to.body["id"].as_str().unwrap());
        for body in [
            json!({ "report": "sent" }),
            json!({ "report": "partner-pending" }),
            json!({ "report": "delivered" }),
        ] {
            let answer = report(&service, &path, &body).await;
            assert_eq!(answer.problem(), (409, "not-at-partner"), "{}", answer.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_refuses_by_then_is_not_granted_whatever_the_partner_says() {
    let service = TestService::start().await;
    let path = cleared(&service, &update("add", &[USER])).await;
    let withdraw = |agreement: &mut Value| agreement["acm"]["group_membership"] = json!(false);
    service
        .change(&format!("/v1/agreements/{NL}"), withdraw)
        .await;
    let late = reported(&service, &path, &answer(&[(USER, "accept")])).await;
    assert_eq!(late.body["status"], "rejected", "{}", late.text);
    assert_eq!(late.items("/state"), ["refused"]);
    assert_eq!(late.items("/partner/outcome"), ["accept"]);
    assert_eq!(
        obligations(&late, "/items/0/partner/obligations"),
        ["notify-acm-client"]
    );
    let by = late.body["reports"][0]["evaluated"][0]["policies"].to_string();
    assert!(by.contains("membership.agreed"), "{by}");
    let again = reported(&service, &path, &answer(&[(USER, "accept")])).await;
    assert_eq!(again.body, late.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_open_until_the_partner_answers_it() {
    for (outcome, state, due) in [
        (
            "accept",
            "partner-accepted",
            vec![
                "end-affiliation",
                "remove-group-configuration",
                "notify-acm-client",
            ],
        ),
        (
            "reject",
            "partner-refused",
            vec!["permit-affiliation", "notify-acm-client"],
        ),
    ] {
        let service = TestService::start().await;
        let path = cleared(&service, &update("delete", &[USER])).await;
        let clear = service.get(&path, "acms").await;
        let at_once = obligations(&clear, "/items/0/obligations");
        assert_eq!(at_once, ["forward-request", "refuse-affiliation"]);
        reported(&service, &path, &json!({ "report": "partner-pending" })).await;
        assert_eq!(service.get(OPEN, "auditor").await.status, 200);
        assert!(!affiliates(&service).await);
        let answered = reported(&service, &path, &answer(&[(USER, outcome)])).await;
        assert_eq!(answered.items("/state"), [state]);
        assert_eq!(obligations(&answered, "/items/0/partner/obligations"), due);
        assert_eq!(service.get(OPEN, "auditor").await.status, 404);
        assert!(affiliates(&service).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_the_deletion_that_it_answers_and_no_other() {
    let service = TestService::start().await;
    let first = cleared(&service, &update("delete", &[USER])).await;
    let second = cleared(&service, &update("delete", &[USER])).await;
    reported(&service, &first, &answer(&[(USER, "reject")])).await;
    assert!(!affiliates(&service).await);
    reported(&service, &second, &answer(&[(USER, "reject")])).await;
    assert!(affiliates(&service).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_found_by_their_correlation_id() {
    let mut service = TestService::start().await;
    let path = cleared(&service, &update("add", &[USER])).await;
    let affiliation = service.submit(&affiliation()).await;
    let mut other = update("add", &[USER]);
    other["correlation_id"] = json!("de-2026-000032");
    cleared(&service, &other).await;
    let search = format!("/v1/requests?correlation_id={CORRELATION}");
    let ids = |found: &Answer| -> Vec<String> {
        let found = found.body["requests"].as_array().unwrap().iter();
        let ids = found.map(|it| format!("/v1/requests/{}", it["id"].as_str().unwrap()));
        ids.collect()
    };
    let both = [
        path.clone(),
        format!("/v1/requests/{}", affiliation.body["id"].as_str().unwrap()),
    ];
    assert_eq!(ids(&service.get(&search, "acms").await), both);
    assert_eq!(ids(&service.get(&search, "auditor").await), both);
    // It is found in whatever state it is, and after a restart.
    reported(&service, &path, &answer(&[(USER, "reject")])).await;
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(ids(&service.get(&search, "acms").await), both);
    let nothing = service
        .get("/v1/requests?correlation_id=none", "acms")
        .await;
    assert_eq!(nothing.body["requests"], json!([]));
    let peer = service.get(&search, "peer").await;
    assert_eq!(peer.problem(), (403, "forbidden"));
    let wrong = "/v1/requests?correlation_id=a&by=b";
    let refused = service.get(wrong, "acms").await;
    assert_eq!(refused.problem(), (400, "invalid-request"));
}

/// What ended long ago stands in the log alone: a delivery is no longer noted, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn of_what_ended_long_ago_nothing_more_is_noted() {
    let service = TestService::start_with(|settings| settings.ended_requests = 1).await;
    let mut paths = Vec::new();
    for member in [USER, OTHER, USER] {
        let path = cleared(&service, &update("add", &[member])).await;
        reported(&service, &path, &answer(&[(member, "accept")])).await;
        paths.push(path);
    }
    let delivered = json!({ "report": "delivered" });
    let late = report(&service, &paths[0], &delivered).await;
    assert_eq!(late.problem(), (409, "not-at-partner"), "{}", late.text);
    assert!(late.text.contains("long ago"), "{}", late.text);
    let last = reported(&service, &paths[2], &delivered).await;
    assert_eq!(last.items("/state"), ["delivered"]);
}

/// The first of them ends the request, and it is put away at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_equal_reports_at_once_one_is_written_and_all_are_answered_alike() {
    let service = TestService::start_with(|settings| settings.ended_requests = 0).await;
    for _ in 0..12 {
        let path = cleared(&service, &update("add", &[USER])).await;
        let size = service.log_size().await;
        let body = answer(&[(USER, "accept")]);
        let one = || report(&service, &path, &body);
        let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
        for answer in [a, b, c, d] {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.items("/state"), ["partner-accepted"]);
        }
        assert_eq!(service.log_size().await, size + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_cannot_be_are_refused_with_their_place() {
    let service = TestService::start().await;
    let path = cleared(&service, &update("add", &[USER])).await;
    let size = service.log_size().await;
    let over = with(
        &answer(&[(USER, "accept")]),
        "/items/0/limits",
        json!({ "end_time": "2000-01-01T00:00:00.000Z" }),
    );
    for (body, place) in [
        (
            json!({ "report": "sent", "at": "2999-01-01T00:00:00.000Z" }),
            "/at",
        ),
        (
            json!({ "report": "partner-pending", "expires_at": "2020-01-01T00:00:00.000Z" }),
            "/expires_at",
        ),
        (over, "/items/0/limits/end_time"),
    ] {
        let refused = report(&service, &path, &body).await;
        assert_eq!(
            refused.problem(),
            (422, "invalid-input"),
            "{}",
            refused.text
        );
        assert_eq!(refused.pointers(), [place], "{}", refused.text);
    }
    assert_eq!(service.log_size().await, size);
}

/// As long as the partner says that it holds it, and no longer; only an earlier end is taken.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_partner_holds_expires_when_it_says_also_over_a_restart() {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    let path = cleared(&service, &update("add", &[USER])).await;
    let held =
        |ahead: i64| json!({ "report": "partner-pending", "expires_at": hands.moment(ahead) });
    let (hour, earlier) = (held(3_600_000), held(6_000));
    for (body, shown) in [(&hour, &hour), (&earlier, &earlier), (&hour, &earlier)] {
        let answered = reported(&service, &path, body).await;
        assert_eq!(answered.items("/state"), ["partner-pending"]);
        assert_eq!(answered.items("/expires_at"), [shown["expires_at"].clone()]);
    }
    service.stop().await;
    service.resume_by(hands.clone()).await;
    let read = service.get(&path, "acms").await;
    assert_eq!(read.items("/expires_at"), [earlier["expires_at"].clone()]);
    let size = service.log_size().await;
    hands.pass(4_000);
    hands.pass(4_000);
    let late = report(&service, &path, &answer(&[(USER, "accept")])).await;
    assert_eq!(late.problem(), (409, "not-at-partner"), "{}", late.text);
    eventually("the expiry", async || {
        (service.log_size().await > size).then_some(())
    })
    .await;
    service.stop().await;
    service.resume_by(hands).await;
    let read = service.get(&path, "acms").await;
    assert_eq!(read.items("/state"), ["expired"]);
    assert_eq!(service.log_size().await, size + 1);
}

/// What only takes access away waits for the partner's answer however late it comes (ruling 15).
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_the_partner_holds_does_not_expire() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = cleared(&service, &update("delete", &[USER])).await;
    let held = json!({ "report": "partner-pending", "expires_at": hands.moment(6_000) });
    let answered = reported(&service, &path, &held).await;
    assert_eq!(answered.items("/state"), ["partner-pending"]);
    assert_eq!(answered.items("/expires_at"), [Value::Null]);
    assert_eq!(
        answered.body["reports"][0]["expires_at"],
        held["expires_at"]
    );
    hands.pass(4_000);
    hands.pass(4_000);
    // Said again, it says nothing new, though it is over by now.
    assert_eq!(reported(&service, &path, &held).await.body["version"], 2);
    let late = reported(&service, &path, &answer(&[(USER, "accept")])).await;
    assert_eq!(late.items("/state"), ["partner-accepted"]);
}
