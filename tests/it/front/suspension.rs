//! What waits under an agreement is refused by the very entry that takes the agreement out of force.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use super::support::with;

const AGREEMENT: &str = "/v1/agreements/mc.nl.example";
const REVIEWED_GROUP: &str = "sip:sonderlage-1@mc.de.example";
const HOUR: i64 = 3_600_000;

/// Our own change of the status of the cooperation.
pub(crate) fn change(word: &str) -> Value {
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

/// A dispatcher of ours may change the status of the cooperation.
pub(crate) async fn empower(service: &TestService) {
    let change = |user: &mut Value| {
        user["acm_operations"] = json!(["cooperation-status-change", "group-membership-update"]);
    };
    service.change("/v1/users/dispatch-1", change).await;
}

/// The partner wants a member of its own out of a group that reviews that.
fn held_deletion() -> Value {
    let deletion = with(&membership(&[OFFICER]), "/group", REVIEWED_GROUP);
    with(&deletion, "/change", "delete")
}

async fn entity_tag(service: &TestService) -> String {
    let agreement = service.get(AGREEMENT, "operator").await;
    agreement.header("etag").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_refuses_what_widens_and_leaves_what_takes_away() {
    let mut service = TestService::start().await;
    empower(&service).await;
    let addition = service.submit_held(&membership(&[OFFICER])).await;
    let deletion = service.submit_held(&held_deletion()).await;
    let suspended = service.submit(&change("suspend")).await;
    assert_eq!(
        suspended.items("/outcome"),
        ["accept"],
        "{}",
        suspended.text
    );
    for _ in 0..2 {
        let refused = service.get(&addition, "reviewer").await;
        assert_eq!(refused.body["status"], "rejected", "{}", refused.text);
        assert_eq!(refused.items("/state"), ["refused"]);
        assert_eq!(refused.items("/refusal/reason"), ["agreement-suspended"]);
        assert_eq!(
            refused.items("/refusal/record"),
            [suspended.body["record"].clone()]
        );
        assert_eq!(refused.body["responses"], Value::Null, "nobody answered");
        assert_eq!(refused.body["version"], 2);
        let kept = service.get(&deletion, "reviewer").await;
        assert_eq!(kept.items("/state"), ["pending"], "{}", kept.text);
        assert_eq!(kept.items("/refusal"), [Value::Null]);
        let late = service.respond(&addition, &approval()).await;
        assert_eq!(late.problem(), (409, "not-pending"), "{}", late.text);
        // It is no matter of memory alone.
        service.stop().await;
        service.resume().await.unwrap();
    }
    let approved = service.respond(&deletion, &approval()).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    assert_eq!(approved.items("/state"), ["granted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_way_an_agreement_goes_what_waits_under_it_goes_too() {
    let service = TestService::start().await;
    let active = service.get(AGREEMENT, "operator").await.body;
    let ways = [
        (
            "put",
            json!({ "status": "suspended" }),
            "agreement-suspended",
        ),
        ("put", json!({ "status": "ended" }), "agreement-ended"),
        ("put", json!({ "status": "draft" }), "agreement-not-begun"),
        (
            "put",
            json!({ "valid_until": "2026-01-02T00:00:00.000Z" }),
            "agreement-ended",
        ),
        (
            "put",
            json!({ "valid_from": "2199-01-01T00:00:00.000Z" }),
            "agreement-not-begun",
        ),
        (
            "import",
            json!({ "status": "suspended" }),
            "agreement-suspended",
        ),
        ("delete", json!({}), "no-agreement"),
    ];
    for (way, changed, reason) in ways {
        let held = service.submit_held(&membership(&[OFFICER])).await;
        let mut document = active.clone();
        for (name, value) in changed.as_object().unwrap() {
            document[name] = value.clone();
        }
        let tag = entity_tag(&service).await;
        let answer = match way {
            "put" => service.put(AGREEMENT, ("if-match", &tag), &document).await,
            "import" => {
                let import = json!([{ "kind": "agreement", "document": document }]);
                service.post("/v1/import", "operator", &import).await
            }
            _ => {
                let delete = service.call(Method::DELETE, AGREEMENT, "operator");
                send(delete.header("if-match", tag)).await
            }
        };
        assert!(answer.status < 300, "{way}: {}", answer.text);
        let refused = service.get(&held, "reviewer").await;
        assert_eq!(refused.items("/state"), ["refused"], "{way}: {changed}");
        assert_eq!(
            refused.items("/refusal/reason"),
            [reason],
            "{way}: {changed}"
        );
        let import = json!([{ "kind": "agreement", "document": active }]);
        let restored = service.post("/v1/import", "operator", &import).await;
        assert_eq!(restored.status, 200, "{}", restored.text);
        let still = service.get(&held, "reviewer").await;
        assert_eq!(
            still.items("/state"),
            ["refused"],
            "resuming revives nothing"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_terms_refuses_nothing() {
    let service = TestService::start().await;
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let change = |agreement: &mut Value| agreement["priority_ceiling"] = json!(4);
    service.change(AGREEMENT, change).await;
    let kept = service.get(&held, "reviewer").await;
    assert_eq!(kept.items("/state"), ["pending"]);
    let approved = service.respond(&held, &approval()).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_when_the_time_of_an_agreement_is_over_is_refused() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let until = hands.moment(HOUR);
    let change = |agreement: &mut Value| agreement["valid_until"] = json!(until);
    service.change(AGREEMENT, change).await;
    let addition = service.submit_held(&membership(&[OFFICER])).await;
    let deletion = service.submit_held(&held_deletion()).await;
    for _ in 0..(HOUR / 4_000) {
        hands.pass(4_000);
    }
    let refused = eventually("the refusal", async || {
        let read = service.get(&addition, "reviewer").await;
        (read.items("/state") == ["refused"]).then_some(read)
    })
    .await;
    assert_eq!(refused.items("/refusal/reason"), ["agreement-ended"]);
    let kept = service.get(&deletion, "reviewer").await;
    assert_eq!(kept.items("/state"), ["pending"], "{}", kept.text);
}
