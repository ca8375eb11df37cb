//! What is told of a task, to whom, and how long.

use std::fs;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::REQUESTS;
use super::asked;
use super::asking;
use super::denied;
use super::held;
use super::offering;
use super::problem;
use super::question;
use super::start;
use super::start_by;
use crate::front::clock::Hands;
use crate::front::support::OFFICER;
use crate::front::support::REQUESTER;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::denial;
use crate::front::support::membership;
use crate::front::support::send;
use crate::front::support::with;

const UNKNOWN: (u16, &str) = (404, "unknown_task");
const HOUR: i64 = 3_600_000;

/// Lets time go on, a little at a time: nothing here is a jump.
pub(super) fn pass(hands: &Hands, milliseconds: i64) {
    for _ in 0..=milliseconds.div_euclid(4_000) {
        hands.pass(4_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_opaque_and_told_only_to_whoever_may_read_it() {
    let service = start().await;
    let (one, other) = (
        asked(&service, &question()).await,
        asked(&service, &question()).await,
    );
    assert_ne!(one, other);
    let (_, id) = one.rsplit_once('/').unwrap();
    let id: uuid::Uuid = id.parse().unwrap();
    assert_eq!(id.get_version_num(), 4, "122 random bits");
    let without_token = service.get(&one, "without token").await;
    assert_eq!(without_token.problem(), (401, "unauthenticated"));
    for caller in ["nobody", "peer", "configuration-manager"] {
        assert_eq!(
            problem(&service.get(&one, caller).await),
            UNKNOWN,
            "{caller}"
        );
    }
    for unknown in [
        format!("{REQUESTS}/arq_01HX4Y3AJZ7Y56W2F9H8Q8C1V4"),
        format!("{REQUESTS}/00000000-0000-4000-8000-000000000000"),
    ] {
        assert_eq!(problem(&service.get(&unknown, "acms").await), UNKNOWN);
    }
    // Neither an evaluation nor an ordinary request is a task.
    let denied = denied(&service, &question()).await;
    let evaluation = denied.body["context"]["evaluation_id"].as_str().unwrap();
    let ordinary = service.submit_held(&membership(&[OFFICER])).await;
    for id in [evaluation, ordinary.rsplit_once('/').unwrap().1] {
        let read = service.get(&format!("{REQUESTS}/{id}"), "acms").await;
        assert_eq!(problem(&read), UNKNOWN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_a_task_gets_no_approval_of_it() {
    let service = start().await;
    let task = asked(&service, &question()).await;
    service.respond(&held(&task), &approval()).await;
    let own = service.get(&task, "acms").await;
    assert_eq!(own.body["result"]["mode"], "reevaluate");
    for caller in ["auditor", "reviewer"] {
        let read = service.get(&task, caller).await;
        assert_eq!(read.body["task"]["status"], "approved", "{}", read.text);
        assert_eq!(read.body["result"], Value::Null);
    }
    // Nobody is told who approved, or by which policies it waited.
    for secret in [crate::front::support::DISPATCHER, "membership."] {
        assert!(!own.text.contains(secret), "{}", own.text);
    }
    let read = service.get(&held(&task), "auditor").await;
    let approval = own.body["result"]["approval"]["id"].as_str().unwrap();
    assert!(!read.text.contains(approval), "{}", read.text);
    let told = &read.body["access"]["approval"];
    assert_eq!(
        told["approved_until"],
        own.body["result"]["approval"]["approved_until"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_task_has_no_result() {
    let service = start().await;
    let task = asked(&service, &question()).await;
    let answered = service.respond(&held(&task), &denial()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "denied");
    assert_eq!(read.body["result"], Value::Null);
    // It ended: nobody approves it any more.
    let late = service.respond(&held(&task), &approval()).await;
    assert_eq!(late.problem(), (409, "not-pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_nobody_answered_has_expired_and_is_gone_later() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let task = asked(&service, &question()).await;
    let pending = service.get(&task, "acms").await;
    let until = pending.body["task"]["expires_at"]
        .as_str()
        .unwrap()
        .to_owned();
    pass(&hands, 5 * HOUR);
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "expired", "{}", read.text);
    assert_eq!(read.body["result"], Value::Null);
    assert_eq!(read.body["task"]["expires_at"], until);
    let late = service.respond(&held(&task), &approval()).await;
    assert_eq!(late.problem(), (409, "not-pending"));
    assert!(until.as_str() > hands.moment(20 * HOUR).as_str());
    assert!(until.as_str() < hands.moment(26 * HOUR).as_str());
    hands.jump(26 * HOUR);
    let gone = service.get(&task, "acms").await;
    assert_eq!(problem(&gone), (410, "task_expired"), "{}", gone.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_lasts_no_longer_than_it_is_wanted() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    for (wanted, until) in [(600_000, 600_000), (50 * HOUR, HOUR)] {
        let denied = denied(&service, &question()).await;
        let wanted = json!({ "requested_until": hands.moment(wanted) });
        let asked = with(&asking(&question(), &denied), "/requested_access", wanted);
        let answer = service.post(REQUESTS, "acms", &asked).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let task = super::path(&answer);
        service.respond(&held(&task), &approval()).await;
        let read = service.get(&task, "acms").await;
        let given = &read.body["result"]["approval"];
        assert_eq!(given["approved_until"], hands.moment(until));
        assert_eq!(given["approved_at"], hands.moment(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_no_longer_expires_and_is_not_approved() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let denied = denied(&service, &question()).await;
    let wanted = json!({ "requested_until": hands.moment(600_000) });
    let asked = with(&asking(&question(), &denied), "/requested_access", wanted);
    let answer = service.post(REQUESTS, "acms", &asked).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let task = super::path(&answer);
    // The hold alone would last for hours.
    let waiting = service.get(&held(&task), "reviewer").await;
    assert_eq!(
        waiting.body["items"][0]["expires_at"],
        hands.moment(600_000)
    );
    pass(&hands, 600_000);
    let late = service.respond(&held(&task), &approval()).await;
    assert_eq!(late.problem(), (409, "not-pending"), "{}", late.text);
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "expired", "{}", read.text);
    assert_eq!(read.body["result"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_approve_approves_and_only_all_of_them_together() {
    let service = TestService::start_with(|settings| {
        offering(settings);
        let text = "// For this test.\n@id(\"membership.two\")\n\
             @category(\"review.group-membership\")\n@response(\"manual-review\")\n\
             @approvals(\"2\")\n@reason(\"Two persons decide.\")\n\
             forbid (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
             when { context.direction == \"inbound\" };\n";
        fs::write(settings.policies.join("review/two.cedar"), text).unwrap();
    })
    .await;
    let task = asked(&service, &question()).await;
    // Whoever asks does not approve, be it the account or the person.
    let own = format!("{}/responses", held(&task));
    let own = service.post(&own, "operator", &approval()).await;
    assert_eq!(own.problem(), (403, "forbidden"));
    let requester = with(&approval(), "/reviewer", REQUESTER);
    let requester = service.respond(&held(&task), &requester).await;
    assert_eq!(requester.problem(), (403, "originator"));
    let first = service.respond(&held(&task), &approval()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let twice = service.respond(&held(&task), &approval()).await;
    assert_eq!(twice.problem(), (409, "already-answered"));
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "pending");
    assert_eq!(read.body["result"], Value::Null);
    let second = with(&approval(), "/reviewer", "sip:dispatch.2@mc.de.example");
    let second = service.respond(&held(&task), &second).await;
    assert_eq!(second.status, 200, "{}", second.text);
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_refuses_what_waits() {
    let service = start().await;
    let task = asked(&service, &question()).await;
    let agreement = format!("/v1/agreements/{}", crate::front::support::NL);
    service
        .change(&agreement, |it| it["status"] = json!("suspended"))
        .await;
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "denied", "{}", read.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waits_is_cancelled_by_whoever_may_and_only_once() {
    let service = start().await;
    for (method, body) in [
        (
            Method::POST,
            json!({ "reason": "no_longer_needed", "comment": "over" }),
        ),
        (Method::POST, Value::Null),
        (Method::DELETE, Value::Null),
    ] {
        let task = asked(&service, &question()).await;
        let read = service.get(&task, "acms").await;
        let cancel = read.body["task"]["links"]["cancel"].as_str().unwrap();
        let cancel = cancel.strip_prefix(super::PUBLIC_URL).unwrap();
        assert_eq!(cancel, format!("{task}/cancel"));
        // Reading a task is not cancelling it, and who may not read it learns nothing.
        let auditor = service.get(&task, "auditor").await;
        assert_eq!(auditor.body["task"]["links"], Value::Null);
        let auditor = service.post(cancel, "auditor", &json!({})).await;
        assert_eq!(auditor.problem(), (403, "forbidden"));
        let nobody = service.post(cancel, "nobody", &json!({})).await;
        assert_eq!(problem(&nobody), UNKNOWN);
        let call = service.call(method.clone(), cancel, "acms");
        let call = if body.is_null() {
            call
        } else {
            call.json(&body)
        };
        let cancelled = send(call).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.text);
        assert_eq!(cancelled.body["task"]["status"], "cancelled");
        assert_eq!(cancelled.body["task"]["links"], Value::Null);
        let again = service.post(cancel, "acms", &json!({})).await;
        assert_eq!(problem(&again), (409, "invalid_task_state"));
        let late = service.respond(&held(&task), &approval()).await;
        assert_eq!(late.problem(), (409, "not-pending"));
    }
    let task = asked(&service, &question()).await;
    for body in [json!([]), json!({ "reason": 1 })] {
        let wrong = service.post(&format!("{task}/cancel"), "acms", &body).await;
        assert_eq!(wrong.problem(), (400, "invalid-access-body"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_not_cancelled() {
    let service = start().await;
    let task = asked(&service, &question()).await;
    service.respond(&held(&task), &approval()).await;
    let cancel = format!("{task}/cancel");
    let cancelled = service.post(&cancel, "acms", &json!({})).await;
    assert_eq!(problem(&cancelled), (409, "invalid_task_state"));
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "approved");
}

/// Whoever asked takes it back in the moment in which a reviewer approves.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_cancellation_and_an_approval_at_once_one_counts() {
    let service = start().await;
    for _ in 0..20 {
        let task = asked(&service, &question()).await;
        let cancel = format!("{task}/cancel");
        let (request, nothing) = (held(&task), json!({}));
        let answer = approval();
        let (cancelled, approved) = tokio::join!(
            service.post(&cancel, "acms", &nothing),
            service.respond(&request, &answer),
        );
        let read = service.get(&task, "acms").await;
        match (cancelled.status, approved.status) {
            (200, 409) => {
                assert_eq!(read.body["task"]["status"], "cancelled", "{}", read.text);
                assert_eq!(read.body["result"], Value::Null);
            }
            (409, 200) => {
                assert_eq!(problem(&cancelled), (409, "invalid_task_state"));
                assert_eq!(read.body["task"]["status"], "approved", "{}", read.text);
                assert!(read.body["result"]["approval"].is_object());
            }
            other => panic!("{other:?}: {} {}", cancelled.text, approved.text),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_cancellations_at_once_one_is_told_that_it_cancelled() {
    let service = start().await;
    for _ in 0..20 {
        let cancel = format!("{}/cancel", asked(&service, &question()).await);
        let nothing = json!({});
        let one = || service.post(&cancel, "acms", &nothing);
        let answers = tokio::join!(one(), one(), one());
        let mut statuses = [answers.0.status, answers.1.status, answers.2.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409], "{}", answers.0.text);
    }
}
