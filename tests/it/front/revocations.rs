//! What was granted is so no longer, and what is granted now with a partner.

use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::support::Answer;
use super::support::DE;
use super::support::DISPATCHER;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::inbound;
use super::support::membership;
use super::support::send;
use super::support::with;

const OTHER: &str = "sip:officer.115@mc.nl.example";
const OURS: &str = "sip:streife.12@mc.de.example";
const MEMBER: &str = "/v1/memberships/unfall-07@mc.de.example;officer.114@mc.nl.example";

fn reason() -> Value {
    json!({ "reason": "was seen elsewhere", "revoked_by": DISPATCHER })
}

async fn revoke(service: &TestService, path: &str, body: &Value) -> Answer {
    service
        .post(&format!("{path}/revocation"), "reviewer", body)
        .await
}

fn undone(answer: &Answer, item: usize) -> Vec<&str> {
    let undo = answer.body["items"][item]["undo"].as_array();
    let undo = undo.into_iter().flatten();
    undo.map(|it| it["name"].as_str().unwrap()).collect()
}

fn path_of(answer: &Answer) -> String {
    format!("/v1/requests/{}", answer.body["id"].as_str().unwrap())
}

/// Members that a reviewer let into the group.
pub(crate) async fn members(service: &TestService, members: &[&str]) -> String {
    let path = service.submit_held(&membership(members)).await;
    let granted = service.respond(&path, &approval()).await;
    assert_eq!(granted.body["status"], "accepted", "{}", granted.text);
    path
}

pub(crate) async fn grants(service: &TestService) -> Vec<Value> {
    let listed = service
        .get(&format!("/v1/grants?partner={NL}"), "auditor")
        .await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    assert_eq!(listed.body["next"], Value::Null);
    listed.body["grants"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_grant_wrote_goes_with_it_and_the_rest_is_to_be_undone() {
    let mut service = TestService::start().await;
    let path = members(&service, &[OFFICER, OTHER]).await;
    assert_eq!(service.get(MEMBER, "auditor").await.status, 200);
    // Whatever becomes of the agreement, access can be reduced (ruling 14).
    let end = |agreement: &mut Value| agreement["status"] = json!("ended");
    service.change(&format!("/v1/agreements/{NL}"), end).await;
    let size = service.log_size().await;
    let one = revoke(&service, &path, &with(&reason(), "/items", json!([0]))).await;
    assert_eq!(one.status, 200, "{}", one.text);
    assert_eq!(one.items("/state"), ["revoked", "granted"]);
    assert_eq!(one.body["status"], "partial");
    assert_eq!(one.items("/partner_reason/code")[0], "revoked");
    assert_eq!(service.log_size().await, size + 1);
    let told = &one.body["revocations"][0];
    assert_eq!(told["items"], json!([0]));
    assert_eq!(told["reason"], "was seen elsewhere");
    assert_eq!(told["never_cut"], json!(["emergency", "imminent-peril"]));
    assert_eq!(
        undone(&one, 0),
        [
            "end-affiliation",
            "renew-group-keys",
            "undo-update-group-membership",
            "undo-deliver-group-configuration",
            "undo-deliver-group-keys",
            "undo-update-user-profile",
        ]
    );
    let parameters = &one.body["items"][0]["undo"][0]["parameters"];
    assert_eq!(parameters["subject"], OFFICER);
    assert_eq!(service.get(MEMBER, "auditor").await.status, 404);
    let again = revoke(&service, &path, &with(&reason(), "/items", json!([0]))).await;
    assert_eq!(again.body, one.body);
    assert_eq!(service.log_size().await, size + 1);
    let all = revoke(&service, &path, &reason()).await;
    assert_eq!(all.body["status"], "revoked", "{}", all.text);
    assert_eq!(revoke(&service, &path, &reason()).await.body, all.body);
    let view = service.get(&format!("{path}?view=partner"), "acms").await;
    assert_eq!(view.body["status"], "revoked");
    assert_eq!(view.items("/outcome"), ["reject", "reject"]);
    assert!(
        !all.text.contains(DISPATCHER),
        "who revoked stands in the record"
    );
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(service.get(&path, "acms").await.body, all.body);
}

/// What a request obliges to, by name: where it stands.
fn obligations(answer: &Answer) -> Vec<(&str, &str)> {
    let obligations = answer.body["obligations"].as_array().unwrap();
    let found = obligations.iter();
    let found = found.map(|it| (it["id"].as_str().unwrap(), it["state"].as_str().unwrap()));
    found.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_undoes_a_grant_that_was_put_away_is_tracked_and_reported() {
    let service = TestService::start_with(|settings| settings.ended_requests = 0).await;
    let path = members(&service, &[OFFICER]).await;
    let report = json!({ "outcome": "done" });
    let done = format!("{path}/obligations/0-0");
    assert_eq!(service.post(&done, "acms", &report).await.status, 200);
    let revoked = revoke(&service, &path, &reason()).await;
    assert_eq!(revoked.body["status"], "revoked", "{}", revoked.text);
    let states = obligations(&revoked);
    let of = |wanted: &str| states.iter().filter(|(_, it)| *it == wanted).count();
    assert_eq!(states[0], ("0-0", "done"));
    assert!(of("overtaken") > 0 && of("open") > 0, "{states:?}");
    assert_eq!(of("failed"), 0);
    let to_undo: Vec<String> = states
        .iter()
        .filter(|(_, it)| *it == "open")
        .map(|(id, _)| (*id).to_owned())
        .collect();
    assert!(to_undo.iter().all(|id| id.starts_with("0-revoked-")));
    let undoing = revoked.body["obligations"].as_array().unwrap();
    let undoing = undoing.iter().find(|it| it["id"] == to_undo[0]).unwrap();
    assert_eq!(undoing["parameters"]["subject"], OFFICER);
    let listed = service.get("/v1/obligations?state=open", "acms").await;
    let listed = listed.body["obligations"].as_array().unwrap().len();
    assert_eq!(listed, to_undo.len());
    for id in &to_undo {
        let reported = service
            .post(&format!("{path}/obligations/{id}"), "acms", &report)
            .await;
        assert_eq!(reported.status, 200, "{}", reported.text);
        assert_eq!(reported.body["state"], "done");
    }
    let listed = service.get("/v1/obligations", "acms").await;
    assert_eq!(listed.body["obligations"], json!([]));
    // What was done all the same is said so; nobody has to.
    let overtaken = states.iter().find(|(_, it)| *it == "overtaken").unwrap().0;
    let late = format!("{path}/obligations/{overtaken}");
    let failed = json!({ "outcome": "failed" });
    let failed = service.post(&late, "acms", &failed).await;
    assert_eq!(failed.body["state"], "overtaken", "{}", failed.text);
    let late = service.post(&late, "acms", &report).await;
    assert_eq!(late.body["state"], "done", "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_cannot_be_revoked() {
    let service = TestService::start().await;
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let none = with(&reason(), "/items", json!([]));
    let none = revoke(&service, &held, &none).await;
    assert_eq!(none.problem(), (422, "invalid-input"), "{}", none.text);
    assert_eq!(none.pointers(), ["/items"]);
    let none = with(&approval(), "/items", json!([]));
    let none = service.respond(&held, &none).await;
    assert_eq!(none.problem(), (422, "invalid-input"), "{}", none.text);
    assert_eq!(none.pointers(), ["/items"]);
    for body in [reason(), with(&reason(), "/items", json!([0]))] {
        let refused = revoke(&service, &held, &body).await;
        assert_eq!(refused.problem(), (409, "not-granted"), "{}", refused.text);
        assert_eq!(refused.body["current"]["states"], json!(["pending"]));
    }
    let path = members(&service, &[OFFICER]).await;
    let size = service.log_size().await;
    for (body, pointer) in [
        (with(&reason(), "/reason", json!("")), "/reason"),
        (with(&reason(), "/items", json!([0, 0])), "/items/1"),
        (
            with(&reason(), "/revoked_by", json!(OFFICER)),
            "/revoked_by",
        ),
    ] {
        let refused = revoke(&service, &path, &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{body}");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let none = revoke(&service, &path, &with(&reason(), "/items", json!([3]))).await;
    assert_eq!(none.problem(), (409, "not-granted"));
    let foreign = service
        .post(&format!("{path}/revocation"), "acms", &reason())
        .await;
    assert_eq!(foreign.problem(), (403, "forbidden"));
    assert_eq!(service.log_size().await, size);
    // A later grant in its place stays, and what was taken away otherwise is over.
    let later = members(&service, &[OFFICER]).await;
    let refused = revoke(&service, &path, &reason()).await;
    assert_eq!(refused.problem(), (409, "not-granted"), "{}", refused.text);
    assert!(
        refused.text.contains("has ended by now"),
        "{}",
        refused.text
    );
    assert_eq!(service.get(MEMBER, "auditor").await.status, 200);
    assert_eq!(revoke(&service, &later, &reason()).await.status, 200);
    // What only took away is not given back by revoking it.
    members(&service, &[OFFICER]).await;
    let deletion = with(&membership(&[OFFICER]), "/change", "delete");
    let mut deleted = service.submit(&deletion).await;
    if deleted.status == 202 {
        deleted = service.respond(&path_of(&deleted), &approval()).await;
    }
    assert_eq!(deleted.items("/state"), ["granted"], "{}", deleted.text);
    let refused = revoke(&service, &path_of(&deleted), &reason()).await;
    assert_eq!(refused.problem(), (409, "not-granted"), "{}", refused.text);
    assert!(refused.text.contains("only took access away"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_granted_is_undone_there_too() {
    let service = TestService::start().await;
    let asked = service
        .submit(&json!({
            "operation": "group-membership-update", "direction": "outbound",
            "correlation_id": "de-2026-000031", "requesting_system": DE, "receiving_system": NL,
            "group": "sip:grensteam-1@mc.nl.example",
            "requester": { "mc_service_id": DISPATCHER },
            "target": { "mc_service_id": "sip:control.3@mc.nl.example" },
            "members": [OURS], "change": "add"
        }))
        .await;
    let agreed = service.home_answers(&asked, "accept").await;
    assert_eq!(agreed.items("/state"), ["partner-accepted"]);
    let path = path_of(&asked);
    let gone = revoke(&service, &path, &reason()).await;
    assert_eq!(gone.body["status"], "revoked", "{}", gone.text);
    assert_eq!(
        undone(&gone, 0),
        [
            "undo-forward-request",
            "undo-update-user-profile",
            "notify-acm-client"
        ]
    );
    let late = json!({ "report": "delivered" });
    let late = service
        .post(&format!("{path}/reports"), "acms", &late)
        .await;
    assert_eq!(late.problem(), (409, "not-at-partner"), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_served_no_longer() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let asked = service
        .submit(&inbound(json!({
            "operation": "migration-service-authorization", "user": OFFICER, "services": ["mcptt"]
        })))
        .await;
    // A place is no grant.
    assert!(grants(&service).await.is_empty());
    service.home_answers(&asked, "accept").await;
    let entry = "/v1/migrations/mcptt:officer.114@mc.nl.example";
    assert_eq!(service.get(entry, "auditor").await.status, 200);
    let listed = grants(&service).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["kind"], "migration");
    assert_eq!(listed[0]["service"], "mcptt");
    let gone = revoke(&service, &path_of(&asked), &reason()).await;
    assert_eq!(gone.body["status"], "revoked", "{}", gone.text);
    assert_eq!(undone(&gone, 0)[0], "end-migration");
    assert_eq!(service.get(entry, "auditor").await.status, 404);
    assert!(grants(&service).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_emergency_is_left_to_a_person() {
    let service = TestService::start().await;
    let call = |state: &str| {
        json!({
            "operation": "interconnection-group-call", "direction": "outbound",
            "correlation_id": "de-1", "requesting_system": DE, "receiving_system": NL,
            "caller": OURS, "group": "sip:grensteam-1@mc.nl.example", "service": "mcptt",
            "call_state": state, "affiliated": true
        })
    };
    for (state, status) in [("imminent-peril", 409), ("emergency", 409), ("normal", 200)] {
        let granted = service.submit(&call(state)).await;
        assert_eq!(granted.items("/state"), ["granted"], "{}", granted.text);
        let answer = revoke(&service, &path_of(&granted), &reason()).await;
        assert_eq!(answer.status, status, "{state}: {}", answer.text);
        if status == 409 {
            assert_eq!(answer.problem().1, "not-granted");
            assert!(answer.text.contains("a person ends it"), "{}", answer.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_in_force_are_listed_and_end_by_themselves() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    assert!(grants(&service).await.is_empty());
    let path = members(&service, &[OTHER, OFFICER]).await;
    let listed = grants(&service).await;
    let keys: Vec<&str> = listed
        .iter()
        .map(|it| it["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "memberships/unfall-07@mc.de.example;officer.114@mc.nl.example",
            "memberships/unfall-07@mc.de.example;officer.115@mc.nl.example"
        ]
    );
    let first = &listed[0];
    assert_eq!(first["subject"], OFFICER);
    assert_eq!(first["item"], 1);
    assert_eq!(
        format!("/v1/requests/{}", first["request_id"].as_str().unwrap()),
        path
    );
    assert_eq!(first["since"], hands.moment(0));
    assert_eq!(first["until"], Value::Null);
    let page = |rest: &str| format!("/v1/grants?partner={NL}&limit=1{rest}");
    let one = service.get(&page(""), "auditor").await;
    assert_eq!(one.body["next"], keys[0]);
    let other = service
        .get(&page(&format!("&after={}", keys[0])), "auditor")
        .await;
    assert_eq!(other.body["grants"][0]["key"], keys[1]);
    assert_eq!(other.body["next"], Value::Null);
    for (path, parameter) in [
        ("/v1/grants?partner=x y".to_owned(), "partner"),
        (page("&after=nowhere"), "after"),
        (page("0x"), "limit"),
    ] {
        let refused = service.get(&path, "auditor").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{path}");
        assert_eq!(refused.body["errors"][0]["parameter"], parameter);
    }
    let unnamed = service.get("/v1/grants", "auditor").await;
    assert_eq!(unnamed.problem(), (400, "invalid-request"));
    let end = |membership: &mut Value| membership["expires_at"] = json!(hands.moment(4_000));
    service.change(MEMBER, end).await;
    assert_eq!(grants(&service).await[0]["until"], hands.moment(4_000));
    hands.pass(3_999);
    assert_eq!(grants(&service).await.len(), 2);
    hands.pass(1);
    let left = grants(&service).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["subject"], OTHER);
    let noted = eventually("that the end is written down", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/ended")[1] != Value::Null).then_some(read)
    })
    .await;
    assert_eq!(noted.items("/state"), ["granted", "granted"]);
    // What ended by itself is revoked no more.
    let over = revoke(&service, &path, &with(&reason(), "/items", json!([1]))).await;
    assert_eq!(over.problem(), (409, "not-granted"), "{}", over.text);
    let rest = revoke(&service, &path, &reason()).await;
    assert_eq!(
        rest.items("/state"),
        ["revoked", "granted"],
        "{}",
        rest.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_lists_what_has_to_be_undone() {
    let service = TestService::start().await;
    let agreement = format!("/v1/agreements/{NL}");
    let listed = format!("{agreement}/revocations");
    // In force, nothing has to be.
    let none = service.get(&listed, "auditor").await;
    assert_eq!(none.problem(), (404, "not-found"), "{}", none.text);
    let path = members(&service, &[OFFICER, OTHER]).await;
    let suspend = |agreement: &mut Value| agreement["status"] = json!("suspended");
    service.change(&agreement, suspend).await;
    let lapsed = service.get(&listed, "auditor").await;
    assert_eq!(lapsed.status, 200, "{}", lapsed.text);
    assert_eq!(lapsed.body["lapse"], "agreement-suspended");
    assert_eq!(lapsed.body["in_force"], 2);
    assert_eq!(lapsed.body["complete"], true);
    let first = &lapsed.body["revocations"][0];
    assert_eq!(first["subject"], OFFICER);
    assert_eq!(
        format!("/v1/requests/{}", first["request_id"].as_str().unwrap()),
        path
    );
    let due = first["obligations"].as_array().unwrap();
    let due: Vec<&str> = due.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(due, ["end-affiliation", "renew-group-keys"]);
    assert_eq!(
        first["obligations"][0]["never_cut"],
        json!(["emergency", "imminent-peril"])
    );
    // What is undone stands no longer.
    let index = lapsed.body["record"]["index"].as_u64().unwrap();
    let page = eventually("that nothing stands", async || {
        let page = service
            .get(&format!("{listed}?entry={index}&limit=1"), "auditor")
            .await;
        (page.body["revocations"][0]["stands"] == false).then_some(page)
    })
    .await;
    assert_eq!(service.get(MEMBER, "auditor").await.status, 404);
    let next = page.body["next"].as_str().unwrap();
    let rest = service
        .get(&format!("{listed}?entry={index}&after={next}"), "auditor")
        .await;
    assert_eq!(rest.body["revocations"][0]["subject"], OTHER);
    assert_eq!(rest.body["revocations"][0]["stands"], false);
    assert_eq!(rest.body["next"], Value::Null);
    for (entry, status) in [("0", 404), ("999999", 404), ("x", 400)] {
        let refused = service
            .get(&format!("{listed}?entry={entry}"), "auditor")
            .await;
        assert_eq!(refused.status, status, "{entry}: {}", refused.text);
    }
    let foreign = service.get(&listed, "acms").await;
    assert_eq!(foreign.problem(), (403, "forbidden"));
    // A deletion lists what stands too, and is found without being named.
    let tag = service.get(&agreement, "operator").await;
    let delete = service.call(reqwest::Method::DELETE, &agreement, "operator");
    let deleted = send(delete.header("if-match", tag.header("etag"))).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    let ended = service.get(&listed, "auditor").await;
    assert_eq!(ended.body["lapse"], "no-agreement", "{}", ended.text);
    assert_eq!(ended.body["in_force"], 0);
}

/// The membership and the item are read one after the other; between them another revocation may be written.
#[tokio::test(flavor = "multi_thread")]
async fn of_equal_revocations_at_once_one_is_written_and_all_are_answered_alike() {
    let service = TestService::start().await;
    for _ in 0..12 {
        let path = members(&service, &[OFFICER]).await;
        let size = service.log_size().await;
        let body = reason();
        let one = || revoke(&service, &path, &body);
        let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
        for answer in [a, b, c, d] {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.items("/state"), ["revoked"]);
            assert_eq!(answer.body["version"], 3);
        }
        assert_eq!(service.log_size().await, size + 1);
    }
}
