//! What becomes of grants by themselves: their agreement goes out of force, or their time is over. What undoes them is
//! tracked, and what they obliged to has to be done no more.

use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::events::Reader;
use super::revocations::grants;
use super::revocations::members;
use super::support::Answer;
use super::support::DE;
use super::support::DISPATCHER;
use super::support::GROUP;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::eventually;
use super::support::inbound;
use super::support::send;
use super::suspension::change;
use super::suspension::empower;

const AGREEMENT: &str = "/v1/agreements/mc.nl.example";
const REVOCATIONS: &str = "/v1/agreements/mc.nl.example/revocations";
const MEMBER: &str = "/v1/memberships/unfall-07@mc.de.example;officer.114@mc.nl.example";
const OTHER: &str = "sip:officer.115@mc.nl.example";
const MINUTE: i64 = 60_000;

/// What revoking a membership obliges to, in the order of its names.
const UNDONE: [&str; 6] = [
    "end-affiliation",
    "renew-group-keys",
    "undo-update-group-membership",
    "undo-deliver-group-configuration",
    "undo-deliver-group-keys",
    "undo-update-user-profile",
];

async fn set(service: &TestService, member: &str, value: impl Into<Value>) {
    let value = value.into();
    service
        .change(AGREEMENT, |agreement| agreement[member] = value)
        .await;
}

async fn revoked(service: &TestService, path: &str) -> Answer {
    eventually("the revocation", async || {
        let read = service.get(path, "reviewer").await;
        (read.body["status"] == "revoked").then_some(read)
    })
    .await
}

/// Names and states of the obligations of an occasion.
fn obligations<'a>(answer: &'a Answer, occasion: &str) -> Vec<(&'a str, &'a str)> {
    let all = answer.body["obligations"].as_array().unwrap().iter();
    let of = all.filter(|it| it["occasion"] == occasion);
    of.map(|it| (it["name"].as_str().unwrap(), it["state"].as_str().unwrap()))
        .collect()
}

/// The names of what is listed as not done.
async fn listed(service: &TestService) -> Vec<String> {
    let list = service.get("/v1/obligations?limit=1000", "operator").await;
    let list = list.body["obligations"].as_array().unwrap().clone();
    let names = list.iter().map(|it| it["name"].as_str().unwrap());
    names.map(ToOwned::to_owned).collect()
}

/// Whether the member may affiliate to the group.
async fn affiliates(service: &TestService) -> Value {
    let asked = inbound(json!({
        "operation": "affiliation",
        "user": OFFICER,
        "group": GROUP,
        "service": "mcptt",
        "serving_system": NL
    }));
    let answer = service.submit(&asked).await;
    answer.body["items"][0]["outcome"].clone()
}

/// In which requests there is an event of a kind, from the beginning on.
async fn told(service: &TestService, kind: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/events?after=0&types={kind}");
    let mut reader = Reader::open(service, "reviewer", &path, None).await;
    let told = reader.take(count).await;
    told.into_iter().map(|told| told.data).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_revokes_and_what_undoes_it_is_tracked() {
    let service = TestService::start().await;
    empower(&service).await;
    let path = members(&service, &[OFFICER, OTHER]).await;
    assert!(
        listed(&service)
            .await
            .contains(&"deliver-group-keys".to_owned())
    );
    let suspended = service.submit(&change("suspend")).await;
    assert_eq!(suspended.items("/outcome"), ["accept"]);
    let read = revoked(&service, &path).await;
    assert_eq!(read.items("/state"), ["revoked", "revoked"]);
    let revocation = &read.body["revocations"][0];
    assert_eq!(
        revocation["because"], "agreement-suspended",
        "{}",
        read.text
    );
    assert_eq!(revocation["reason"], "The agreement was suspended.");
    assert_eq!(revocation["items"], json!([0, 1]));
    assert_eq!(
        revocation["never_cut"],
        json!(["emergency", "imminent-peril"])
    );
    // What the grant obliged to has to be done no more; what undoes it is due like anything else.
    for (name, state) in obligations(&read, "grant") {
        assert_eq!(state, "overtaken", "{name}");
    }
    let undo = obligations(&read, "revocation");
    assert_eq!(undo[..6], UNDONE.map(|name| (name, "open")));
    assert_eq!(undo.len(), 12);
    let first = |it: &&Value| it["id"] == "0-revoked-0";
    let all = read.body["obligations"].as_array().unwrap();
    let first = all.iter().find(first).unwrap();
    assert_eq!(first["parameters"]["subject"], OFFICER);
    assert!(first["due_at"].is_string());
    let names = listed(&service).await;
    assert!(
        !names.contains(&"deliver-group-keys".to_owned()),
        "{names:?}"
    );
    assert!(names.contains(&"renew-group-keys".to_owned()), "{names:?}");
    for (id, outcome) in [("0-revoked-0", "done"), ("0-revoked-1", "failed")] {
        let report = format!("{path}/obligations/{id}");
        let reported = service
            .post(&report, "acms", &json!({ "outcome": outcome }))
            .await;
        assert_eq!(reported.body["state"], outcome, "{}", reported.text);
    }
    let id = path.strip_prefix("/v1/requests/").unwrap();
    for (kind, name) in [
        ("request.revoked", Value::Null),
        ("obligation.failed", json!("renew-group-keys")),
    ] {
        let event = told(&service, kind, 1).await.remove(0);
        assert_eq!(event["request_id"], id);
        assert_eq!(event["obligation"]["name"], name, "{event}");
    }
    let none = service
        .get(&format!("/v1/grants?partner={NL}"), "auditor")
        .await;
    assert_eq!(none.body["grants"], json!([]), "{}", none.text);
    assert_eq!(none.body["lapse"], "agreement-suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_on_again_gives_nothing_back() {
    let mut service = TestService::start().await;
    let path = members(&service, &[OFFICER]).await;
    assert_eq!(affiliates(&service).await, "accept");
    set(&service, "status", "suspended").await;
    set(&service, "status", "active").await;
    service.stop().await;
    service.resume().await.unwrap();
    let read = revoked(&service, &path).await;
    let size = service.log_size().await;
    assert_eq!(affiliates(&service).await, "reject");
    assert!(grants(&service).await.is_empty());
    // Whoever is to be in again is asked for again, and stays.
    let again = members(&service, &[OFFICER]).await;
    assert_eq!(affiliates(&service).await, "accept");
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(grants(&service).await.len(), 1);
    assert_eq!(
        service.get(&again, "reviewer").await.body["status"],
        "accepted"
    );
    let same = service.get(&path, "reviewer").await;
    assert_eq!(same.body["version"], read.body["version"]);
    // Two affiliations, the request and its answer, and nothing else.
    assert_eq!(service.log_size().await, size + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_takes_an_agreement_out_of_force_revokes_what_stood() {
    let service = TestService::start().await;
    let active = service.get(AGREEMENT, "operator").await.body;
    for (status, because) in [
        ("ended", "agreement-ended"),
        ("draft", "agreement-not-begun"),
        ("deleted", "no-agreement"),
    ] {
        let path = members(&service, &[OFFICER]).await;
        let tag = service.get(AGREEMENT, "operator").await;
        let tag = tag.header("etag").to_owned();
        if status == "deleted" {
            let delete = service.call(reqwest::Method::DELETE, AGREEMENT, "operator");
            let deleted = send(delete.header("if-match", &tag)).await;
            assert_eq!(deleted.status, 204, "{}", deleted.text);
        } else {
            set(&service, "status", status).await;
        }
        let read = revoked(&service, &path).await;
        assert_eq!(read.body["revocations"][0]["because"], because);
        let lapsed = service.get(REVOCATIONS, "auditor").await;
        assert_eq!(lapsed.body["lapse"], because, "{}", lapsed.text);
        assert_eq!(lapsed.body["revocations"][0]["subject"], OFFICER);
        if status == "deleted" {
            let put = service
                .put(AGREEMENT, ("if-none-match", "*"), &active)
                .await;
            assert_eq!(put.status, 201, "{}", put.text);
        } else {
            set(&service, "status", "active").await;
        }
    }
}

/// Nothing waits under it, and nobody writes it: the service notices by itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_agreements_validity_revokes_and_is_found() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = members(&service, &[OFFICER]).await;
    let until = hands.moment(MINUTE);
    set(&service, "valid_until", until.as_str()).await;
    let size = service.log_size().await;
    for _ in 0..15 {
        hands.pass(4_000);
    }
    let read = revoked(&service, &path).await;
    assert_eq!(read.body["revocations"][0]["because"], "agreement-ended");
    let lapsed = service.get(REVOCATIONS, "auditor").await;
    assert_eq!(lapsed.status, 200, "{}", lapsed.text);
    assert_eq!(lapsed.body["lapse"], "agreement-ended");
    assert_eq!(lapsed.body["record"]["index"], size);
    assert_eq!(lapsed.body["in_force"], 1);
    // One entry says so, one revokes.
    hands.pass(4_000);
    assert_eq!(service.log_size().await, size + 2);
}

/// A membership that ends a minute from now, while the agreement goes on.
async fn ending(service: &TestService, hands: &Hands) -> String {
    let agreement = service.get(AGREEMENT, "operator").await.body;
    let until = hands.moment(MINUTE);
    set(service, "valid_until", until.as_str()).await;
    let path = members(service, &[OFFICER]).await;
    service
        .change(AGREEMENT, |changed| *changed = agreement)
        .await;
    let member = service.get(MEMBER, "operator").await;
    assert_eq!(member.body["expires_at"], until, "{}", member.text);
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_by_its_time_is_written_down_once_and_undone() {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    let path = ending(&service, &hands).await;
    let stays = members(&service, &[OTHER]).await;
    let size = service.log_size().await;
    for _ in 0..15 {
        hands.pass(4_000);
    }
    let read = eventually("that the grant has ended", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/ended")[0] != Value::Null).then_some(read)
    })
    .await;
    assert_eq!(read.items("/state"), ["granted"]);
    assert_eq!(read.body["status"], "accepted");
    let summary = read.body["summary"].as_str().unwrap();
    assert!(
        summary.contains("1 grant has ended by its time"),
        "{summary}"
    );
    assert_eq!(read.items("/ended/record/index"), [json!(size)]);
    assert_eq!(
        read.items("/ended/never_cut"),
        [json!(["emergency", "imminent-peril"])]
    );
    assert_eq!(read.body["revocations"], Value::Null);
    let undo = obligations(&read, "revocation");
    assert_eq!(undo, UNDONE.map(|name| (name, "open")));
    for (name, state) in obligations(&read, "grant") {
        assert_eq!(state, "overtaken", "{name}");
    }
    let event = told(&service, "request.ended", 1).await.remove(0);
    assert_eq!(event["status"], "accepted", "{event}");
    assert_eq!(event["items"], json!([{ "number": 0, "state": "granted" }]));
    let member = service.get(MEMBER, "operator").await;
    assert_eq!(member.body["ended_at"], read.items("/ended/ended_at")[0]);
    let report = format!("{path}/obligations/0-revoked-1");
    let done = json!({ "outcome": "done" });
    let reported = service.post(&report, "acms", &done).await;
    assert_eq!(reported.body["state"], "done", "{}", reported.text);
    assert_eq!(affiliates(&service).await, "reject");
    // It is told once, also over a restart; and who is in still stays.
    let size = service.log_size().await;
    service.stop().await;
    service.resume_by(hands.clone()).await;
    for _ in 0..20 {
        hands.pass(4_000);
    }
    let again = members(&service, &[OFFICER]).await;
    assert_eq!(affiliates(&service).await, "accept");
    assert_eq!(service.log_size().await, size + 3);
    for (path, ended) in [(&stays, Value::Null), (&again, Value::Null)] {
        assert_eq!(service.get(path, "reviewer").await.items("/ended"), [ended]);
    }
}

/// Neither a person nor a suspension undoes it a second time.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_revoked_no_more() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = ending(&service, &hands).await;
    let other = members(&service, &[OTHER]).await;
    for _ in 0..15 {
        hands.pass(4_000);
    }
    let read = eventually("that the grant has ended", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/ended")[0] != Value::Null).then_some(read)
    })
    .await;
    let body = json!({ "reason": "late", "revoked_by": DISPATCHER });
    let revocation = format!("{path}/revocation");
    let late = service.post(&revocation, "reviewer", &body).await;
    assert_eq!(late.problem(), (409, "not-granted"), "{}", late.text);
    set(&service, "status", "suspended").await;
    revoked(&service, &other).await;
    let same = service.get(&path, "reviewer").await;
    assert_eq!(same.body["version"], read.body["version"]);
    assert_eq!(same.items("/state"), ["granted"]);
    assert_eq!(service.get(MEMBER, "operator").await.status, 200);
}

/// While the clock has just jumped nothing ends: it may be a glitch.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ends_no_grant() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = ending(&service, &hands).await;
    hands.jump(60 * MINUTE);
    // A suspension needs no clock: it is an entry of the log, and so is what it revokes.
    let other = members(&service, &[OTHER]).await;
    let size = service.log_size().await;
    set(&service, "status", "suspended").await;
    revoked(&service, &other).await;
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/ended"), [Value::Null], "{}", read.text);
    assert_eq!(service.log_size().await, size + 2);
    hands.jump(-60 * MINUTE);
}

/// It has no request of which anything could be undone.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_by_hand_outlasts_a_suspension_and_is_marked_at_its_end() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let by_hand = json!({
        "group": GROUP, "group_home": DE,
        "member": OFFICER, "member_home": NL,
        "since": hands.moment(0), "expires_at": hands.moment(MINUTE),
        "request_id": "00000000-0000-4000-8000-000000000007"
    });
    let put = service.put(MEMBER, ("if-none-match", "*"), &by_hand).await;
    assert_eq!(put.status, 201, "{}", put.text);
    set(&service, "status", "suspended").await;
    let listed = grants(&service).await;
    assert_eq!(listed[0]["interrupted"], "agreement-suspended");
    set(&service, "status", "active").await;
    assert_eq!(grants(&service).await[0]["interrupted"], Value::Null);
    let size = service.log_size().await;
    for _ in 0..15 {
        hands.pass(4_000);
    }
    let ended = eventually("that it is marked", async || {
        let read = service.get(MEMBER, "operator").await;
        (read.body["ended_at"] != Value::Null).then_some(read)
    })
    .await;
    assert_eq!(ended.body["expires_at"], by_hand["expires_at"]);
    assert!(grants(&service).await.is_empty());
    assert_eq!(service.log_size().await, size + 1);
}
