//! What waits is not forgotten: people are reminded, and others turned to.

use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::events::Reader;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::with;

const MINUTE: i64 = 60_000;
const STREAM: &str = "/v1/events?types=request.reminded,request.escalated";

/// A little at a time, as time goes: nothing here is a jump.
fn pass(hands: &Hands, milliseconds: i64) {
    for _ in 0..milliseconds / 4_000 {
        hands.pass(4_000);
    }
}

async fn seen(service: &TestService, path: &str, pointer: &str) -> Value {
    let read = service.get(path, "reviewer").await;
    read.items(pointer)[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_reminded_and_others_turned_to_once_each_time_over_restarts() {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    let mut reader = Reader::open(&service, "reviewer", STREAM, None).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let before = service.get(&path, "reviewer").await;
    assert!(before.body["items"][0].get("reminded_at").is_none());
    // `membership.visiting-officer` reminds every half hour, and turns to the shift leader after one.
    pass(&hands, 30 * MINUTE);
    let reminded = reader.next().await.unwrap();
    assert_eq!(reminded.kind, "request.reminded");
    let id = path.strip_prefix("/v1/requests/").unwrap();
    assert_eq!(reminded.data["request_id"], id);
    assert_eq!(reminded.data["status"], "pending");
    let items = json!([{ "number": 0, "state": "pending" }]);
    assert_eq!(reminded.data["items"], items);
    let after = service.get(&path, "reviewer").await;
    assert_eq!(after.items("/reminded_at"), [reminded.data["time"].clone()]);
    // Whoever was about to answer has seen all there is.
    assert_eq!(after.header("etag"), before.header("etag"));
    let last = reader.last.clone();
    service.stop().await;
    service.resume_by(hands.clone()).await;
    let mut reader = Reader::open(&service, "reviewer", STREAM, Some(&last)).await;
    assert_eq!(
        seen(&service, &path, "/reminded_at").await,
        reminded.data["time"]
    );
    pass(&hands, 31 * MINUTE);
    // One entry or two, as the rounds fall.
    let mut next = [reader.next().await.unwrap(), reader.next().await.unwrap()];
    next.sort_by(|one, other| other.kind.cmp(&one.kind));
    assert_eq!(next[0].kind, "request.reminded");
    assert_eq!(next[1].kind, "request.escalated");
    assert_eq!(next[1].data["roles"], json!(["shift-leader"]));
    let escalated_to = json!({ "shift-leader": next[1].data["time"] });
    assert_eq!(seen(&service, &path, "/escalated_to").await, escalated_to);
    let waiting = "/v1/reviews?can=answer&reviewer=sip:dispatch.1@mc.de.example";
    let listed = service.get(waiting, "reviewer").await;
    let item = &listed.body["items"][0]["item"];
    assert_eq!(item["escalated_to"], escalated_to);
    assert_eq!(item["reminded_at"], next[0].data["time"]);
    // What was missed meanwhile is not made up for: one reminder, and nobody is turned to twice.
    service.stop().await;
    pass(&hands, 91 * MINUTE);
    let last = reader.last.clone();
    service.resume_by(hands.clone()).await;
    let mut reader = Reader::open(&service, "reviewer", STREAM, Some(&last)).await;
    assert_eq!(reader.next().await.unwrap().kind, "request.reminded");
    // The quorum is what it was, and nobody is reminded of what was answered.
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    assert!(answered.body["items"][0].get("reminded_at").is_none());
    let other = service.submit_held(&membership(&[OFFICER])).await;
    pass(&hands, 30 * MINUTE);
    let of_other = reader.next().await.unwrap();
    let id = other.strip_prefix("/v1/requests/").unwrap();
    assert_eq!(of_other.data["request_id"], id);
    assert_eq!(of_other.kind, "request.reminded");
    service.stop().await;
    service.resume_by(hands).await;
    let replayed = service.get(&path, "reviewer").await;
    assert_eq!(replayed.body, answered.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_turned_to_may_answer_where_the_access_bundle_says_so() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    service
        .change("/v1/users/dispatch-1", |user| {
            user["roles"] = json!(["shift-leader"]);
        })
        .await;
    let respond = service.policy_file("access/respond.cedar");
    let text = std::fs::read_to_string(&respond).unwrap();
    let text = text.replace(
        "  resource\n);",
        "  resource\n) when { context.escalated_to.containsAny(principal.roles) };",
    );
    std::fs::write(&respond, text).unwrap();
    let path = service.submit_held(&membership(&[OFFICER])).await;
    eventually("an access bundle by which nobody answers yet", async || {
        let read = service.get(&path, "operator").await;
        let by = read.body.pointer("/items/0/answerable_by/count").cloned();
        (by == Some(json!(0))).then_some(())
    })
    .await;
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(refused.problem(), (403, "reviewer-forbidden"));
    pass(&hands, 61 * MINUTE);
    eventually("somebody who was turned to", async || {
        let to = seen(&service, &path, "/escalated_to/shift-leader").await;
        to.is_string().then_some(())
    })
    .await;
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_clock_has_just_jumped_nobody_is_reminded() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    hands.jump(90 * MINUTE);
    let ready = service.get("/readyz", "without token").await;
    assert_eq!(ready.body["clock_jump"]["milliseconds"], 90 * MINUTE);
    let size = service.log_size().await;
    let other = service.submit_held(&membership(&[OFFICER])).await;
    service.respond(&other, &approval()).await;
    assert_eq!(service.log_size().await, size + 2);
    assert_eq!(seen(&service, &path, "/reminded_at").await, Value::Null);
    // Once it has settled, they are.
    pass(&hands, 2 * MINUTE);
    eventually("a reminder", async || {
        let at = seen(&service, &path, "/reminded_at").await;
        at.is_string().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_deletion_is_turned_to_others_and_never_expires() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let group = format!("/v1/groups/{}", super::support::GROUP);
    service
        .change(&group, |group| {
            for partner in group["partners"].as_array_mut().unwrap() {
                partner["review_deletions"] = json!(true);
                if partner["system"] == NL {
                    partner["members"] = json!([OFFICER]);
                }
            }
        })
        .await;
    let deletion = with(&membership(&[OFFICER]), "/change", "delete");
    let path = service.submit_held(&deletion).await;
    for (minutes, role) in [(241, "shift-leader"), (1_200, "security-officer")] {
        pass(&hands, minutes * MINUTE);
        eventually("who is turned to", async || {
            let to = seen(&service, &path, &format!("/escalated_to/{role}")).await;
            to.is_string().then_some(())
        })
        .await;
    }
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["pending"]);
    assert_eq!(read.items("/quorum/approvals/0/persons/needed"), [json!(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_is_sorted_by_urgency_then_by_expiry() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let expiry = |hours: u32| {
        let policy = service.policy_file("review/group-membership.cedar");
        let text = std::fs::read_to_string(&policy).unwrap();
        let (before, rest) = text
            .split_once("@id(\"membership.visiting-officer\")")
            .unwrap();
        let rest = rest.replacen(
            "@response(\"manual-review\")\n",
            "@response(\"manual-review\")\n@expires(\"PT_H\")\n",
            1,
        );
        let rest = rest.replacen("PT_H", &format!("PT{hours}H"), 1);
        format!(
            "{before}@id(\"membership.visiting-officer\")\n{}",
            rest.trim_start()
        )
    };
    let urgent = |urgency: &str| with(&membership(&[OFFICER]), "/urgency", urgency);
    let late = service.submit_held(&urgent("high")).await;
    let critical = service.submit_held(&urgent("critical")).await;
    let text = expiry(1);
    let generation =
        service.get("/v1/policies", "operator").await.body["in_force"]["generation"].clone();
    std::fs::write(service.policy_file("review/group-membership.cedar"), text).unwrap();
    eventually("the other bundle", async || {
        let read = service.get("/v1/policies", "operator").await;
        (read.body["in_force"]["generation"] != generation).then_some(())
    })
    .await;
    let soon = service.submit_held(&urgent("high")).await;
    let waiting = "/v1/reviews?can=answer&reviewer=sip:dispatch.1@mc.de.example&limit=1";
    let mut listed = Vec::new();
    let mut after = String::new();
    for _ in 0..3 {
        let page = service.get(&format!("{waiting}{after}"), "reviewer").await;
        assert_eq!(page.status, 200, "{}", page.text);
        let id = page.body["items"][0]["request_id"].as_str().unwrap();
        listed.push(format!("/v1/requests/{id}"));
        after = format!("&after={}", page.body["next"].as_str().unwrap());
    }
    assert_eq!(listed, [critical, soon, late]);
}
