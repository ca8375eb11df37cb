//! Answering what is held.

use comity::cli::service::ServiceSettings;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::NL;
use super::support::OFFICER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use super::support::with;
use super::support::without;

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_grants_and_a_denial_refuses() {
    let service = TestService::start().await;
    for (answer, status, state) in [
        (approval(), "accepted", "granted"),
        (denial(), "rejected", "refused"),
    ] {
        let path = service.submit_held(&membership(&[OFFICER])).await;
        let seen = service.get(&path, "reviewer").await;
        let call = service.call(Method::POST, &format!("{path}/responses"), "reviewer");
        let call = call.header("if-match", seen.header("etag"));
        let answered = send(call.json(&answer)).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        assert_eq!(answered.body["status"], status);
        assert_eq!(answered.items("/state"), [state]);
        assert_ne!(answered.header("etag"), seen.header("etag"));
        let responses = answered.body["responses"].as_array().unwrap();
        assert_eq!(responses.len(), 1);
        assert_eq!(responses[0]["answer"], answer["answer"]);
        assert_eq!(responses[0]["reason"], answer["reason"]);
        assert_eq!(responses[0]["items"], json!([0]));
        assert_eq!(responses[0]["evaluated"][0]["outcome"], "review");
        assert!(
            responses[0]["record"]["index"].as_u64() > answered.body["record"]["index"].as_u64()
        );
        let read = service.get(&path, "auditor").await;
        assert_eq!(read.body, answered.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_must_say_who_what_and_why() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let before = service.log_size().await;
    let wrong = [
        without(&approval(), "/reason"),
        with(&approval(), "/reason", ""),
        with(&approval(), "/reason", "  "),
        with(&approval(), "/reason", "a".repeat(4_097)),
        without(&approval(), "/reviewer"),
        with(&approval(), "/reviewer", "dispatch"),
        without(&approval(), "/answer"),
        with(&approval(), "/answer", "perhaps"),
        with(&approval(), "/items", "all"),
        with(&approval(), "/unheard_of", 1),
    ];
    for body in wrong {
        let refused = service.respond(&path, &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{body}");
    }
    assert_eq!(service.log_size().await, before);
    let refused = service
        .respond(&path, &with(&approval(), "/reason", ""))
        .await;
    assert_eq!(refused.pointers(), ["/reason"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originator_never_answers() {
    let service = TestService::start_with(both_roles).await;
    // Whoever asks, at the other system.
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let own = with(&approval(), "/reviewer", REQUESTER);
    let refused = service.respond(&path, &own).await;
    assert_eq!(refused.problem(), (403, "originator"));
    // Whoever submitted, at ours.
    let responses = format!("{path}/responses");
    let refused = service.post(&responses, "acms", &approval()).await;
    assert_eq!(refused.problem(), (403, "originator"));
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.body["status"], "pending");
    assert!(read.body.get("responses").is_none());
}

/// Lets the ACM server answer too.
fn both_roles(settings: &mut ServiceSettings) {
    let callers = &mut settings.callers.callers;
    let acms = callers.iter_mut().find(|caller| caller.name == "acms");
    acms.unwrap().roles.insert("reviewer".to_owned());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_pending_can_be_answered() {
    let service = TestService::start().await;
    let request = membership(&[OFFICER, "sip:streife.12@mc.de.example"]);
    let path = service.submit_held(&request).await;
    for items in [json!([1]), json!([0, 1]), json!([2])] {
        let body = with(&approval(), "/items", items.clone());
        let refused = service.respond(&path, &body).await;
        assert_eq!(refused.problem(), (409, "not-pending"), "{items}");
    }
    let none = with(&approval(), "/items", json!([]));
    let refused = service.respond(&path, &none).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    assert_eq!(refused.pointers(), ["/items"]);
    let twice = with(&approval(), "/items", json!([0, 0]));
    let refused = service.respond(&path, &twice).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    assert_eq!(refused.pointers(), ["/items/1"]);
    let one = with(&approval(), "/items", json!([0]));
    assert_eq!(service.respond(&path, &one).await.status, 200);
    let again = service.respond(&path, &approval()).await;
    assert_eq!(again.problem(), (409, "not-pending"));
    let again = service.respond(&path, &denial()).await;
    assert_eq!(again.problem(), (409, "not-pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_list_are_answered_one_by_one() {
    let service = TestService::start().await;
    let request = membership(&[OFFICER, "sip:officer.115@mc.nl.example"]);
    let path = service.submit_held(&request).await;
    let second = with(&approval(), "/items", json!([1]));
    let answered = service.respond(&path, &second).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(answered.body["status"], "pending");
    assert_eq!(answered.items("/state"), ["pending", "granted"]);
    let answered = service.respond(&path, &denial()).await;
    assert_eq!(answered.body["status"], "partial");
    assert_eq!(answered.items("/state"), ["refused", "granted"]);
    assert_eq!(answered.body["responses"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_what_has_changed_is_refused() {
    let service = TestService::start().await;
    let request = membership(&[OFFICER, "sip:officer.115@mc.nl.example"]);
    let path = service.submit_held(&request).await;
    let seen = service.get(&path, "reviewer").await;
    let first = with(&approval(), "/items", json!([0]));
    assert_eq!(service.respond(&path, &first).await.status, 200);
    let call = service.call(Method::POST, &format!("{path}/responses"), "reviewer");
    let stale = call.header("if-match", seen.header("etag"));
    let refused = send(stale.json(&approval())).await;
    assert_eq!(refused.problem(), (412, "revision-mismatch"));
    let call = service.call(Method::POST, &format!("{path}/responses"), "reviewer");
    let refused = send(call.header("if-match", "r1").json(&approval())).await;
    assert_eq!(refused.problem(), (400, "invalid-precondition"));
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.items("/state"), ["granted", "pending"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_what_is_agreed_no_longer_is_overruled() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let withdraw = |agreement: &mut Value| agreement["acm"]["group_membership"] = json!(false);
    service
        .change(&format!("/v1/agreements/{NL}"), withdraw)
        .await;
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(answered.body["status"], "rejected");
    assert_eq!(answered.items("/state"), ["refused"]);
    // What policy said at the approval is the last word.
    assert_eq!(answered.items("/outcome"), ["reject"]);
    assert_eq!(answered.items("/reason"), ["forbidden"]);
    assert_eq!(service.get(&path, "auditor").await.body, answered.body);
    let response = &answered.body["responses"][0];
    assert_eq!(response["answer"], "approve");
    let evaluated = &response["evaluated"][0];
    assert_eq!(evaluated["outcome"], "reject");
    assert_eq!(evaluated["reason"], "forbidden");
    assert_eq!(evaluated["policies"][0]["id"], "membership.agreed");
    // And nothing more is granted.
    let next = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(next.status, 200);
    assert_eq!(next.body["status"], "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_in_time_expires() {
    let service = TestService::start_with(|settings| {
        let manifest = settings.policies.join("bundle.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        let hurried = text.replace("\"PT4H\"", "\"PT1S\"");
        assert_ne!(hurried, text);
        std::fs::write(&manifest, hurried).unwrap();
    })
    .await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let expired = eventually("the expiry", async || {
        let read = service.get(&path, "reviewer").await;
        (read.items("/state") == ["expired"]).then_some(read)
    })
    .await;
    assert_eq!(expired.body["status"], "rejected");
    assert_eq!(expired.items("/outcome"), ["review"]);
    for answer in [approval(), denial()] {
        let refused = service.respond(&path, &answer).await;
        assert_eq!(refused.problem(), (409, "not-pending"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_at_once_one_counts_and_the_other_learns_where_it_stands() {
    let service = TestService::start().await;
    for _ in 0..5 {
        let path = service.submit_held(&membership(&[OFFICER])).await;
        let (approval, denial) = (approval(), denial());
        let (one, other) = tokio::join!(
            service.respond(&path, &approval),
            service.respond(&path, &denial)
        );
        let (first, second) = if one.status == 200 {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!(first.status, 200, "{}", first.text);
        assert_eq!(second.problem(), (409, "not-pending"), "{}", second.text);
        let current = &second.body["current"];
        assert_eq!(current["status"], first.body["status"]);
        assert_eq!(current["states"], json!(first.items("/state")));
        assert_eq!(current["version"], first.body["version"]);
    }
    // Answers to different items do not get into each other's way.
    let both = membership(&[OFFICER, "sip:officer.115@mc.nl.example"]);
    let path = service.submit_held(&both).await;
    let answers = [0, 1].map(|item| with(&approval(), "/items", json!([item])));
    let (one, other) = tokio::join!(
        service.respond(&path, &answers[0]),
        service.respond(&path, &answers[1])
    );
    assert_eq!((one.status, other.status), (200, 200));
    let read = service.get(&path, "reviewer").await;
    assert_eq!(read.body["status"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_no_answer() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let answer = json!(["approve", "speaks German", "sip:dispatch.1@mc.de.example"]);
    let refused = service
        .post(&format!("{path}/responses"), "reviewer", &answer)
        .await;
    assert_eq!(
        refused.problem(),
        (422, "invalid-input"),
        "{}",
        refused.text
    );
    let seen = service.get(&path, "reviewer").await;
    assert_eq!(seen.body["status"], "pending");
}

/// What its home took back in the meantime is not granted by the approval of the older request.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_deletion_takes_back_an_addition_that_waits() {
    let mut service = TestService::start().await;
    let other = "sip:officer.115@mc.nl.example";
    let path = service.submit_held(&membership(&[OFFICER, other])).await;
    let deletion = with(&membership(&[OFFICER]), "/change", "delete");
    let deleted = service.submit(&deletion).await;
    assert_eq!(deleted.items("/outcome"), ["accept"], "{}", deleted.text);
    // It is no matter of memory alone.
    service.stop().await;
    service.resume().await.unwrap();
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(
        approved.items("/state"),
        ["refused", "granted"],
        "{}",
        approved.text
    );
    assert_eq!(approved.body["responses"][0]["taken_back"], json!([0]));
    // Who is asked for again afterwards is a matter of its own.
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let approved = service.respond(&path, &approval()).await;
    assert_eq!(approved.items("/state"), ["granted"], "{}", approved.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_deletion_takes_back_an_addition_though_somebody_has_to_agree_to_it() {
    let service = TestService::start().await;
    let reviewed = |change: &str| {
        let group = "sip:sonderlage-1@mc.de.example";
        let update = with(&membership(&[OFFICER]), "/group", group);
        with(&update, "/change", change)
    };
    for deletion_is_answered in [true, false] {
        let addition = service.submit_held(&reviewed("add")).await;
        let deletion = service.submit_held(&reviewed("delete")).await;
        if deletion_is_answered {
            let deleted = service.respond(&deletion, &approval()).await;
            assert_eq!(deleted.items("/state"), ["granted"], "{}", deleted.text);
        }
        let approved = service.respond(&addition, &approval()).await;
        assert_eq!(approved.items("/state"), ["refused"], "{}", approved.text);
        assert_eq!(approved.body["responses"][0]["taken_back"], json!([0]));
        if !deletion_is_answered {
            let denied = service.respond(&deletion, &denial()).await;
            assert_eq!(denied.items("/state"), ["refused"], "{}", denied.text);
        }
    }
    // A deletion that was refused takes nothing back.
    let addition = service.submit_held(&reviewed("add")).await;
    let deletion = service.submit_held(&reviewed("delete")).await;
    service.respond(&deletion, &denial()).await;
    let approved = service.respond(&addition, &approval()).await;
    assert_eq!(approved.items("/state"), ["granted"], "{}", approved.text);
}

/// A group whose additions and deletions are both held.
fn reviewed(change: &str) -> Value {
    let group = "sip:sonderlage-1@mc.de.example";
    let update = with(&membership(&[OFFICER]), "/group", group);
    with(&update, "/change", change)
}

/// The last word is found however long ago the request ended that said it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_away_from_memory_takes_back_all_the_same() {
    let mut service = TestService::start_with(|settings| settings.ended_requests = 0).await;
    let other = "sip:officer.115@mc.nl.example";
    let addition = service.submit_held(&membership(&[OFFICER, other])).await;
    let deletion = with(&membership(&[OFFICER]), "/change", "delete");
    let deleted = service.submit(&deletion).await;
    assert_eq!(deleted.items("/state"), ["granted"], "{}", deleted.text);
    service.stop().await;
    service.resume().await.unwrap();
    let approved = service.respond(&addition, &approval()).await;
    let states = approved.items("/state");
    assert_eq!(states, ["refused", "granted"], "{}", approved.text);
    assert_eq!(approved.body["responses"][0]["taken_back"], json!([0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_waits_is_taken_back_by_a_later_addition_that_was_granted() {
    for ended_requests in [0, 100] {
        let service =
            TestService::start_with(|settings| settings.ended_requests = ended_requests).await;
        let member = "/v1/memberships/sonderlage-1@mc.de.example;officer.114@mc.nl.example";
        let first = service.submit_held(&reviewed("add")).await;
        service.respond(&first, &approval()).await;
        assert_eq!(service.get(member, "auditor").await.status, 200);
        let deletion = service.submit_held(&reviewed("delete")).await;
        let again = service.submit_held(&reviewed("add")).await;
        let added = service.respond(&again, &approval()).await;
        assert_eq!(added.items("/state"), ["granted"], "{}", added.text);
        let late = service.respond(&deletion, &approval()).await;
        assert_eq!(late.items("/state"), ["refused"], "{}", late.text);
        assert_eq!(late.body["responses"][0]["taken_back"], json!([0]));
        assert_eq!(service.get(member, "auditor").await.status, 200);
        // What is only asked gives nothing yet: whoever agrees to the deletion has it, until somebody agrees to the other.
        let deletion = service.submit_held(&reviewed("delete")).await;
        let waiting = service.submit_held(&reviewed("add")).await;
        let deleted = service.respond(&deletion, &approval()).await;
        assert_eq!(deleted.items("/state"), ["granted"], "{}", deleted.text);
        assert_eq!(service.get(member, "auditor").await.status, 404);
        let added = service.respond(&waiting, &approval()).await;
        assert_eq!(added.items("/state"), ["granted"], "{}", added.text);
        assert_eq!(service.get(member, "auditor").await.status, 200);
    }
}
