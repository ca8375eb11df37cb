//! What waits under an agreement is refused by the very entry that takes the agreement out of force.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::support::CERTIFICATE;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use super::support::with;
use super::support::without;

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

/// An officer of the partner is a member of the group that reviews deletions.
async fn enlist(service: &TestService) {
    let change = |group: &mut Value| group["partners"][0]["members"] = json!([OFFICER]);
    let group = format!("/v1/groups/{REVIEWED_GROUP}");
    service.change(&group, change).await;
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
    enlist(&service).await;
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
    enlist(&service).await;
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

const AFFECTED: &str = "/v1/agreements/mc.nl.example/affected";
const FIRE_GROUP: &str = "sip:loeschzug-3@mc.de.example";
const FIREMAN: &str = "sip:brandweer.1@mc.nl.example";

async fn status(service: &TestService) -> Value {
    service.get(AGREEMENT, "auditor").await.body["status"].clone()
}

async fn scheduled(service: &TestService) -> Vec<Value> {
    let listed = service.get("/v1/scheduled-changes", "auditor").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.body["documents"].as_array().unwrap().clone()
}

/// A Dutch fire fighter for a German group, which takes them without review.
fn fireman(change: &str) -> Value {
    let update = with(&membership(&[FIREMAN]), "/group", FIRE_GROUP);
    with(&update, "/change", change)
}

fn fire_affiliation() -> Value {
    super::support::inbound(json!({
        "operation": "affiliation",
        "user": FIREMAN,
        "group": FIRE_GROUP,
        "service": "mcptt",
        "serving_system": NL
    }))
}

/// Makes the fire fighter a member, by a person where policy wants one.
async fn update_fireman(service: &TestService, change: &str) {
    let answer = service.submit(&fireman(change)).await;
    let path = format!("/v1/requests/{}", answer.body["id"].as_str().unwrap());
    if answer.status == 202 {
        let approved = service.respond(&path, &approval()).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
    }
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["granted"], "{}", read.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_update_makes_and_unmakes_members_in_the_same_entry() {
    let service = TestService::start().await;
    let key = "/v1/memberships/loeschzug-3@mc.de.example;brandweer.1@mc.nl.example";
    let outside = service.submit(&fire_affiliation()).await;
    assert_eq!(outside.items("/outcome"), ["reject"], "{}", outside.text);
    update_fireman(&service, "add").await;
    let found = service.get(key, "auditor").await;
    assert_eq!(found.body["member_home"], NL, "{}", found.text);
    let inside = service.submit(&fire_affiliation()).await;
    assert_eq!(inside.items("/outcome"), ["accept"], "{}", inside.text);
    update_fireman(&service, "delete").await;
    assert_eq!(service.get(key, "auditor").await.status, 404);
    let outside = service.submit(&fire_affiliation()).await;
    assert_eq!(outside.items("/outcome"), ["reject"], "{}", outside.text);
    // A member whom the group's own document lists goes as well.
    let list = |group: &mut Value| group["partners"][0]["members"] = json!([FIREMAN]);
    let path = format!("/v1/groups/{FIRE_GROUP}");
    service.change(&path, list).await;
    update_fireman(&service, "delete").await;
    let group = service.get(&path, "auditor").await;
    assert_eq!(
        group.body["partners"][0]["members"],
        Value::Null,
        "{}",
        group.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_affected_is_counted_and_listed_page_by_page() {
    let service = TestService::start().await;
    empower(&service).await;
    update_fireman(&service, "add").await;
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let before = service.get(AFFECTED, "auditor").await;
    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(before.body["pending_requests"], 1);
    assert_eq!(before.body["lapse"], Value::Null);
    let answer = service.submit(&change("suspend")).await;
    let affected = &answer.body["affected"];
    assert_eq!(affected["lapse"], "agreement-suspended", "{}", answer.text);
    assert_eq!(affected["pending_requests"], 0, "{held} is refused");
    assert_eq!(affected["counts"]["memberships"], 1);
    let groups = affected["counts"]["groups"].as_u64().unwrap();
    assert!(groups >= 3, "{affected}");
    let mut seen = Vec::new();
    let mut path = format!("{AFFECTED}?limit=1");
    loop {
        let page = service.get(&path, "auditor").await;
        assert_eq!(page.status, 200, "{}", page.text);
        let things = page.body["affected"].as_array().unwrap();
        assert_eq!(things.len(), 1);
        for obligation in things[0]["obligations"].as_array().unwrap() {
            assert_eq!(
                obligation["never_cut"],
                json!(["emergency", "imminent-peril"])
            );
            assert_eq!(obligation["system"], DE);
        }
        assert_ne!(things[0]["obligations"], json!([]));
        seen.push(things[0]["key"].clone());
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        path = format!("{AFFECTED}?limit=1&after={next}");
    }
    // What was granted is revoked meanwhile.
    let stays = |key: &Value| !key.as_str().unwrap().starts_with("memberships/");
    let all = affected["affected"].as_array().unwrap();
    let mut all: Vec<Value> = all.iter().map(|thing| thing["key"].clone()).collect();
    for keys in [&mut seen, &mut all] {
        keys.retain(stays);
    }
    assert_eq!(seen, all);
    let wrong = service
        .get(&format!("{AFFECTED}?after=nothing"), "auditor")
        .await;
    assert_eq!(wrong.problem().0, 400, "{}", wrong.text);
    assert_eq!(service.get(AFFECTED, "peer").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_for_later_is_carried_out_once_after_a_restart() {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    empower(&service).await;
    let at = hands.moment(HOUR);
    let later = with(&change("suspend"), "/effective_at", at.clone());
    let granted = service.submit(&later).await;
    assert_eq!(granted.items("/outcome"), ["accept"], "{}", granted.text);
    let listed = scheduled(&service).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["document"]["effective_at"], at, "{}", listed[0]);
    assert_eq!(
        granted.body["affected"]["scheduled"][0]["change"],
        "suspend"
    );
    let held = service.submit_held(&membership(&[OFFICER])).await;
    service.stop().await;
    // Over the moment while nothing runs, and a jump of the clock at the start.
    hands.pass(2 * HOUR);
    service.resume_by(hands.clone()).await;
    let path = held.as_str();
    eventually("the suspension", async || {
        hands.pass(1_000);
        (status(&service).await == "suspended").then_some(())
    })
    .await;
    let refused = service.get(path, "reviewer").await;
    assert_eq!(refused.items("/state"), ["refused"], "{}", refused.text);
    assert!(scheduled(&service).await.is_empty(), "once");
    // Whoever sets it in force again is not overruled.
    service
        .change(AGREEMENT, |agreement| agreement["status"] = json!("active"))
        .await;
    for _ in 0..5 {
        hands.pass(2_000);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert_eq!(status(&service).await, "active");
}

/// Who was a member of a group is no member of another that gets its name.
#[tokio::test(flavor = "multi_thread")]
async fn memberships_go_with_their_group() {
    let service = TestService::start().await;
    empower(&service).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.body["status"], "accepted", "{}", approved.text);
    let listed = async || {
        let listed = service.get("/v1/memberships", "auditor").await;
        listed.body["documents"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 1);
    let group = "/v1/groups/sip:unfall-07@mc.de.example";
    let found = service.get(group, "operator").await;
    let delete = service.call(Method::DELETE, group, "operator");
    let deleted = send(delete.header("if-match", found.header("etag"))).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert_eq!(listed().await, 0);
}

/// The moment counts, not when the entry of the log is written that carries it out.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_from_the_moment_of_an_interruption_on() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    empower(&service).await;
    let later = with(&change("suspend"), "/effective_at", hands.moment(HOUR));
    service.submit(&later).await;
    let asked = membership(&[OFFICER]);
    hands.pass(HOUR - 1);
    let before = service.post("/v1/decisions", "acms", &asked).await;
    assert_eq!(before.items("/outcome"), ["review"], "{}", before.text);
    hands.pass(1);
    // The clock has just jumped, so that nothing happens by itself yet.
    let then = service.submit(&asked).await;
    assert_eq!(then.items("/outcome"), ["reject"], "{}", then.text);
    assert!(then.text.contains("agreement."), "{}", then.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_suspension_or_resumption_leaves_an_earlier_suspension() {
    let service = TestService::start().await;
    empower(&service).await;
    let at = |request: Value, moment: &str| with(&request, "/effective_at", moment);
    let first = "2199-01-01T00:00:00.000Z";
    service.submit(&at(change("suspend"), first)).await;
    service
        .submit(&at(change("suspend"), "2199-02-01T00:00:00Z"))
        .await;
    let listed = scheduled(&service).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["document"]["effective_at"], first);
    let mut resume = super::support::inbound(change("resume"));
    resume["requester"] = json!({ "mc_service_id": "sip:control.3@mc.nl.example" });
    let path = service
        .submit_held(&at(resume, "2199-01-01T00:00:01Z"))
        .await;
    service.respond(&path, &approval()).await;
    let listed = scheduled(&service).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    // One that comes before takes its place.
    let earlier = "2198-01-01T00:00:00.000Z";
    service.submit(&at(change("suspend"), earlier)).await;
    let listed = scheduled(&service).await;
    assert!(
        listed
            .iter()
            .any(|it| it["document"]["effective_at"] == earlier),
        "{listed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn going_on_calls_off_a_later_suspension_and_an_interruption_a_later_resumption() {
    let service = TestService::start().await;
    empower(&service).await;
    let later = |request: Value| with(&request, "/effective_at", "2199-01-01T00:00:00Z");
    let asked = |word: &str| {
        let mut request = super::support::inbound(change(word));
        request["requester"] = json!({ "mc_service_id": "sip:control.3@mc.nl.example" });
        request
    };
    service.submit(&later(change("suspend"))).await;
    let end = with(&change("end"), "/effective_at", "2199-06-01T00:00:00Z");
    service.submit(&end).await;
    assert_eq!(scheduled(&service).await.len(), 2);
    let path = service.submit_held(&asked("resume")).await;
    service.respond(&path, &approval()).await;
    let left = scheduled(&service).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        left[0]["document"]["change"], "end",
        "only an administrator calls that off"
    );
    let path = service.submit_held(&later(asked("activate"))).await;
    service.respond(&path, &approval()).await;
    assert_eq!(scheduled(&service).await.len(), 2);
    service.submit(&change("suspend")).await;
    let left = scheduled(&service).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(status(&service).await, "suspended");
    let key = "/v1/scheduled-changes/mc.nl.example;end";
    let tag = service.get(key, "operator").await.header("etag").to_owned();
    let put = service
        .put(key, ("if-match", &tag), &left[0]["document"])
        .await;
    assert_eq!(put.status, 422, "never by hand: {}", put.text);
    let delete = service.call(Method::DELETE, key, "operator");
    let deleted = send(delete.header("if-match", tag)).await;
    assert!(deleted.status < 300, "{}", deleted.text);
    assert!(scheduled(&service).await.is_empty());
}

/// What we ask the partner: a user of ours into a group of its own.
fn asked(word: &str) -> Value {
    let mut request = without(&membership(&["sip:streife.12@mc.de.example"]), "/peer");
    request["direction"] = json!("outbound");
    request["requesting_system"] = json!(DE);
    request["receiving_system"] = json!(NL);
    request["requester"] = json!({ "mc_service_id": "sip:dispatch.1@mc.de.example" });
    request["target"] = json!({ "mc_service_id": "sip:control.3@mc.nl.example" });
    request["group"] = json!("sip:grensteam-1@mc.nl.example");
    request["change"] = json!(word);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_at_the_partner_is_refused_too_and_its_late_answer_changes_nothing() {
    let mut service = TestService::start().await;
    empower(&service).await;
    let mut paths = Vec::new();
    for report in [None, Some("sent"), Some("partner-pending")] {
        let cleared = service.submit(&asked("add")).await;
        assert_eq!(cleared.items("/state"), ["cleared"], "{}", cleared.text);
        let path = format!("/v1/requests/{}", cleared.body["id"].as_str().unwrap());
        if let Some(report) = report {
            let body = json!({ "report": report });
            let answer = service
                .post(&format!("{path}/reports"), "acms", &body)
                .await;
            assert_eq!(answer.items("/state"), [report], "{}", answer.text);
        }
        paths.push(path);
    }
    let deletion = service.submit(&asked("delete")).await;
    let deletion = format!("/v1/requests/{}", deletion.body["id"].as_str().unwrap());
    let before = service
        .get(&format!("{AGREEMENT}/affected"), "auditor")
        .await;
    assert_eq!(before.body["requests_at_partner"], 3, "{}", before.text);
    assert_eq!(before.body["pending_requests"], 0);
    let suspended = service.submit(&change("suspend")).await;
    assert_eq!(suspended.body["affected"]["requests_at_partner"], 0);
    for _ in 0..2 {
        for path in &paths {
            let refused = service.get(path, "acms").await;
            assert_eq!(refused.items("/state"), ["refused"], "{}", refused.text);
            assert_eq!(refused.items("/refusal/reason"), ["agreement-suspended"]);
            let entry = [suspended.body["record"].clone()];
            assert_eq!(refused.items("/refusal/record"), entry);
            let due = refused.items("/refusal/obligations/0/name");
            assert_eq!(due, ["notify-acm-client"]);
        }
        let kept = service.get(&deletion, "acms").await;
        assert_eq!(kept.items("/state"), ["cleared"], "{}", kept.text);
        // It is no matter of memory alone.
        service.stop().await;
        service.resume().await.unwrap();
    }
    let late = json!({
        "report": "answered", "correlation_id": asked("add")["correlation_id"],
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [{ "subject": "sip:streife.12@mc.de.example", "outcome": "accept" }]
    });
    let reports = format!("{}/reports", paths[0]);
    let late = service.post(&reports, "acms", &late).await;
    assert_eq!(late.problem(), (409, "not-at-partner"), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partner_is_told_that_the_agreement_lapsed_and_not_that_somebody_refused() {
    for (word, code, text) in [
        (
            "suspend",
            "agreement-suspended",
            "The agreement was suspended before this was answered.",
        ),
        (
            "end",
            "agreement-ended",
            "The agreement ended before this was answered.",
        ),
    ] {
        let service = TestService::start().await;
        empower(&service).await;
        let held = service.submit_held(&membership(&[OFFICER])).await;
        service.submit(&change(word)).await;
        let told = service.get(&format!("{held}?view=partner"), "acms").await;
        let reason = json!({ "code": code, "text": text });
        assert_eq!(
            told.items("/reason"),
            std::slice::from_ref(&reason),
            "{}",
            told.text
        );
        let ours = service.get(&held, "acms").await;
        assert_eq!(ours.items("/partner_reason"), [reason]);
    }
}
