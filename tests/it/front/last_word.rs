//! The last word of whoever asks stands, by its place in the log: an older wish to go on does not undo a later
//! interruption, and of two requests that set the same thing the newer one counts.

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
use super::support::denial;
use super::support::inbound;
use super::support::with;

const AGREEMENT: &str = "/v1/agreements/mc.nl.example";
const LATER: &str = "2199-01-01T00:00:00Z";

async fn service() -> TestService {
    let service = TestService::start().await;
    service
        .change("/v1/users/dispatch-1", |user| {
            user["acm_operations"] =
                json!(["cooperation-status-change", "group-membership-update"]);
        })
        .await;
    service
}

/// What we ask about the cooperation.
fn ours(word: &str) -> Value {
    json!({
        "operation": "cooperation-status-change",
        "direction": "outbound",
        "correlation_id": "de-2026-000044",
        "requesting_system": DE,
        "receiving_system": NL,
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "change": word,
        "reason": "an intrusion is being looked into"
    })
}

/// The same, asked by the partner.
fn theirs(word: &str) -> Value {
    let mut request = inbound(ours(word));
    request["requester"] = json!({ "mc_service_id": REQUESTER });
    request
}

fn later(request: &Value) -> Value {
    with(request, "/effective_at", LATER)
}

async fn status(service: &TestService) -> Value {
    service.get(AGREEMENT, "auditor").await.body["status"].clone()
}

async fn is_now(service: &TestService, status: &str) {
    let put = |agreement: &mut Value| agreement["status"] = json!(status);
    service.change(AGREEMENT, put).await;
}

async fn accepted(service: &TestService, request: &Value) -> Answer {
    let answer = service.submit(request).await;
    assert_eq!(answer.items("/outcome"), ["accept"], "{}", answer.text);
    answer
}

/// What is granted for later, by the statuses.
async fn scheduled(service: &TestService) -> Vec<Value> {
    let found = service.get("/v1/scheduled-changes", "auditor").await;
    let documents = found.body["documents"].as_array().unwrap().iter();
    let statuses = documents.map(|it| it["document"]["status"].clone());
    statuses.collect()
}

/// Approves a request late: it is refused, by the entry that is named.
async fn overtaken(service: &TestService, path: &str) -> Value {
    let late = service.respond(path, &approval()).await;
    assert_eq!(late.items("/state"), ["refused"], "{}", late.text);
    let response = &late.body["responses"][0];
    assert_eq!(response["taken_back"], json!([0]), "{}", late.text);
    response["taken_back_by"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_second_suspension_outlives_an_older_wish_to_go_on() {
    let mut service = service().await;
    for word in ["resume", "activate"] {
        accepted(&service, &ours("suspend")).await;
        let path = service.submit_held(&theirs(word)).await;
        // It is suspended as it was, and said again to be.
        let again = accepted(&service, &ours("suspend")).await;
        service.stop().await;
        service.resume().await.unwrap();
        let by = overtaken(&service, &path).await;
        assert_eq!(by["item"], 0);
        assert_eq!(by["record"], again.body["record"]["index"]);
        assert_eq!(by["request_id"], again.body["id"]);
        assert_eq!(status(&service).await, "suspended");
        let path = service.submit_held(&theirs("resume")).await;
        service.respond(&path, &approval()).await;
        assert_eq!(status(&service).await, "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_in_the_registry_is_not_resumed_by_what_was_asked_before() {
    for writes in [
        &["suspended", "active", "suspended"][..],
        &["suspended", "active"],
        &["draft", "suspended"],
    ] {
        let mut service = service().await;
        let path = service.submit_held(&theirs("resume")).await;
        for status in writes {
            is_now(&service, status).await;
        }
        service.stop().await;
        service.resume().await.unwrap();
        let by = overtaken(&service, &path).await;
        assert!(by["record"].is_u64(), "{by}");
        assert_eq!(json!(writes.last()), status(&service).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_wish_to_go_on_leaves_our_later_scheduled_suspension() {
    let service = service().await;
    for word in ["resume", "activate"] {
        let path = service.submit_held(&theirs(word)).await;
        accepted(&service, &later(&ours("suspend"))).await;
        overtaken(&service, &path).await;
        assert_eq!(scheduled(&service).await, ["suspended"]);
        // Asked afterwards, it calls the suspension off.
        let path = service.submit_held(&theirs(word)).await;
        let answered = service.respond(&path, &approval()).await;
        assert_eq!(answered.items("/state"), ["granted"], "{}", answered.text);
        assert_eq!(scheduled(&service).await, Vec::<Value>::new());
    }
    // Ours waits for the partner, and is overtaken while it does.
    let asked = accepted(&service, &ours("resume")).await;
    accepted(&service, &later(&ours("suspend"))).await;
    let id = asked.body["id"].as_str().unwrap();
    let report = json!({
        "report": "answered", "correlation_id": "de-2026-000044",
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [{ "subject": asked.body["items"][0]["subject"], "outcome": "accept" }]
    });
    let path = format!("/v1/requests/{id}/reports");
    let answer = service.post(&path, "acms", &report).await;
    assert_eq!(answer.items("/state"), ["refused"], "{}", answer.text);
    assert_eq!(scheduled(&service).await, ["suspended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_interrupts_calls_off_its_own_later_resumption() {
    for word in ["suspend", "end"] {
        let service = service().await;
        is_now(&service, "suspended").await;
        let path = service.submit_held(&later(&theirs("resume"))).await;
        let answered = service.respond(&path, &approval()).await;
        assert_eq!(answered.items("/state"), ["granted"], "{}", answered.text);
        assert_eq!(scheduled(&service).await, ["active"]);
        accepted(&service, &theirs(word)).await;
        assert_eq!(scheduled(&service).await, Vec::<Value>::new(), "{word}");
        assert_eq!(status(&service).await, "suspended");
    }
    // What is ours to interrupt later, it leaves.
    let service = service().await;
    accepted(&service, &later(&ours("suspend"))).await;
    accepted(&service, &theirs("end")).await;
    assert_eq!(scheduled(&service).await, ["suspended"]);
}

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

/// What is said of users at once, more or less.
fn profile(services: &Value, priority: u8) -> Value {
    inbound(json!({
        "operation": "user-configuration-change",
        "requester": { "mc_service_id": REQUESTER },
        "changes": [{ "user": OFFICER, "services": services, "priority": priority }]
    }))
}

fn listing(services: &Value) -> Value {
    inbound(json!({
        "operation": "migration-users-update",
        "requester": { "mc_service_id": REQUESTER },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "users": [OFFICER], "change": "add", "services": services
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_set_the_same_the_newer_one_counts_however_late_the_older_is_approved() {
    let agree = |agreement: &mut Value| {
        agreement["acm"]["migration_users"] = json!(true);
        agreement["acm"]["user_configuration"] = json!(true);
    };
    let (wide, narrow) = (json!(["mcptt", "mcdata"]), json!(["mcptt"]));
    for [older, newer] in [
        [
            push("https://old.mc.nl.example"),
            push("https://new.mc.nl.example"),
        ],
        [profile(&wide, 5), profile(&narrow, 1)],
        [listing(&wide), listing(&narrow)],
    ] {
        for ended_requests in [0, 100] {
            let mut service =
                TestService::start_with(|settings| settings.ended_requests = ended_requests).await;
            service.change(AGREEMENT, agree).await;
            let denied = service.submit_held(&older).await;
            let first = service.submit_held(&older).await;
            let second = service.submit_held(&newer).await;
            // One that is refused overtakes nothing.
            let other = service.submit_held(&newer).await;
            service.respond(&other, &denial()).await;
            service.respond(&denied, &denial()).await;
            let granted = service.respond(&second, &approval()).await;
            assert_eq!(granted.items("/state"), ["granted"], "{}", granted.text);
            service.stop().await;
            service.resume().await.unwrap();
            let by = overtaken(&service, &first).await;
            assert_eq!(by["request_id"], granted.body["id"]);
            assert_eq!(by["record"], granted.body["record"]["index"]);
            // Asked again, it is the newest.
            let again = service.submit_held(&older).await;
            let granted = service.respond(&again, &approval()).await;
            assert_eq!(granted.items("/state"), ["granted"], "{}", granted.text);
        }
    }
}

/// Nobody is refused because the same was asked twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_says_the_same_overtakes_nothing() {
    let service = TestService::start().await;
    let agree = |agreement: &mut Value| agreement["acm"]["migration_users"] = json!(true);
    service.change(AGREEMENT, agree).await;
    let services = json!(["mcptt"]);
    let first = service.submit_held(&listing(&services)).await;
    let second = service.submit_held(&listing(&services)).await;
    for path in [second, first] {
        let granted = service.respond(&path, &approval()).await;
        assert_eq!(granted.items("/state"), ["granted"], "{}", granted.text);
    }
}
