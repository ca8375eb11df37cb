//! `comity review` against a running service.

use serde_json::Value;
use serde_json::json;

use super::cli::Ended;
use super::cli::comity_aside;
use super::cli::text;
use super::support::DISPATCHER;
use super::support::GROUP;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::membership;
use super::support::with;

const OTHER_OFFICER: &str = "sip:officer.115@mc.nl.example";

async fn review(service: &TestService, arguments: &[&str]) -> Ended {
    review_as(service, "reviewer", arguments).await
}

async fn review_as(service: &TestService, caller: &str, arguments: &[&str]) -> Ended {
    let (url, token) = (service.url(), service.token_file(caller));
    let connection = ["--url", &url, "--token-file", text(&token)];
    comity_aside(&[&["review"], arguments, &connection].concat()).await
}

async fn held(service: &TestService, members: &[&str]) -> String {
    let path = service.submit_held(&membership(members)).await;
    path.rsplit('/').next().unwrap().to_owned()
}

fn answer<'a>(verdict: &'a str, request: &'a str) -> Vec<&'a str> {
    let reason = "accident on the A3";
    vec![
        verdict,
        request,
        "--reviewer",
        DISPATCHER,
        "--reason",
        reason,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_listed_shown_and_approved() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER]).await;
    let listed = review(&service, &["list", "--reviewer", DISPATCHER]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let lines: Vec<&str> = listed.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", listed.out);
    for word in [&request, "group-membership-update", OFFICER, "0 of 1"] {
        assert!(lines[1].contains(word), "{word}: {}", listed.out);
    }
    let shown = review(&service, &["show", &request]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for word in [
        "item 0: pending",
        "needs: approvals 0 of 1",
        "asked: requester",
        "asked: justification",
        "asked: change add",
    ] {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    let (_, seen) = shown.out.rsplit_once("--seen ").unwrap();
    let mut approve = answer("approve", &request);
    approve.extend(["--seen", seen.trim()]);
    let approved = review(&service, &approve).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(approved.out.contains("item 0: granted"), "{}", approved.out);
    assert!(
        approved.out.contains("accident on the A3"),
        "{}",
        approved.out
    );
    let listed = review(&service, &["list", "--reviewer", DISPATCHER]).await;
    assert_eq!((listed.code, listed.out.as_str()), (0, ""), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_answered_one_by_one_and_as_json() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER, OTHER_OFFICER]).await;
    let mut deny = answer("deny", &request);
    deny.extend(["--item", "1", "--format", "json"]);
    let denied = review(&service, &deny).await;
    assert_eq!(denied.code, 0, "{denied:?}");
    let body: Value = serde_json::from_str(&denied.out).unwrap();
    assert_eq!(body["items"][0]["state"], "pending");
    assert_eq!(body["items"][1]["state"], "refused");
    let list = ["list", "--reviewer", DISPATCHER, "--format", "json"];
    let listed = review(&service, &list).await;
    let items: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    assert_eq!(items[0]["number"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_ends_where_it_is_asked_to() {
    let service = TestService::start().await;
    for _ in 0..3 {
        held(&service, &[OFFICER]).await;
    }
    let list = ["list", "--reviewer", DISPATCHER, "--limit", "2"];
    let listed = review(&service, &list).await;
    assert_eq!(listed.out.lines().count(), 3, "{}", listed.out);
    assert!(listed.err.contains("there are more"), "{}", listed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_1_and_a_mistake_is_2() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER]).await;
    let answered = answer("approve", &request);

    let mut stale = answered.clone();
    stale.extend(["--seen", "r7"]);
    let ended = review(&service, &stale).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("412"), "{}", ended.err);

    let ended = review_as(&service, "auditor", &answered).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("403 forbidden"), "{}", ended.err);

    let mut beyond = answered.clone();
    beyond.extend(["--item", "5"]);
    let ended = review(&service, &beyond).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("item 5 is not pending"), "{}", ended.err);

    let mut twice = answered.clone();
    twice.extend(["--item", "0", "--item", "0"]);
    let ended = review(&service, &twice).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("/items"), "{}", ended.err);

    let unknown = "00000000-0000-4000-8000-000000000001";
    let ended = review(&service, &["show", unknown]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = review(&service, &["show", "1"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");

    for mistake in ["--limit", "--count"] {
        let verb: &[&str] = match mistake {
            "--limit" => &["list", "--reviewer", DISPATCHER],
            _ => &["watch", "--after", "0"],
        };
        let ended = review(&service, &[verb, &[mistake, "0"]].concat()).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(mistake), "{}", ended.err);
        assert_eq!(ended.out, "");
    }
    let mut broken = answered.clone();
    broken.extend(["--seen", "r1\r\nX: y"]);
    let ended = review(&service, &broken).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("--seen"), "{}", ended.err);
    let token = service.token_file("reviewer");
    for url in ["nonsense", "ftp://127.0.0.1", "http://", "127.0.0.1:8470"] {
        let connection = ["--url", url, "--token-file", text(&token)];
        let ended = comity_aside(&[&["review", "show", unknown], &connection[..]].concat()).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains("--url"), "{}", ended.err);
    }

    let url = "http://127.0.0.1:1";
    let token = service.token_file("reviewer");
    let connection = ["--url", url, "--token-file", text(&token)];
    let ended = comity_aside(&[&["review", "show", unknown], &connection[..]].concat()).await;
    assert_eq!(ended.code, 3, "{ended:?}");

    assert_eq!(review(&service, &answered).await.code, 0);
    let again = review(&service, &answered).await;
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("409"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_policy_overrules_is_a_no() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER]).await;
    let disable = |group: &mut Value| group["enabled"] = json!(false);
    service
        .change(&format!("/v1/groups/{GROUP}"), disable)
        .await;
    let ended = review(&service, &answer("approve", &request)).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("item 0: refused"), "{}", ended.out);
}

/// Who was told that something changed looks again, and sees what.
#[tokio::test(flavor = "multi_thread")]
async fn what_policy_says_by_now_is_shown_with_its_limits() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER]).await;
    let shown = review(&service, &["show", &request]).await;
    assert!(shown.out.contains("limit: priority_cap"), "{}", shown.out);
    assert!(!shown.out.contains("now policy says"), "{}", shown.out);
    let disable = |group: &mut Value| group["enabled"] = json!(false);
    service
        .change(&format!("/v1/groups/{GROUP}"), disable)
        .await;
    let shown = review(&service, &["show", &request]).await;
    let line = "now policy says otherwise: reject";
    assert!(shown.out.contains(line), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_an_approval_alone_is_told_as_such() {
    let service = crate::arap::start().await;
    let task = crate::arap::asked(&service, &crate::arap::question()).await;
    let request = crate::arap::held(&task)
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let shown = review(&service, &["show", &request]).await;
    let line = "asks for an approval that is good for one evaluation";
    assert!(shown.out.contains(line), "{shown:?}");
    let listed = review(&service, &["list", "--reviewer", DISPATCHER]).await;
    assert!(listed.out.contains("(single-use approval)"), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_does_not_steer_the_terminal() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER]).await;
    let body = with(&approval(), "/reason", "a\u{1b}[2J\u{202e}b");
    let answered = service
        .respond(&format!("/v1/requests/{request}"), &body)
        .await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let shown = review(&service, &["show", &request]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.out.contains("a\\u{1b}[2J\\u{202e}b"), "{}", shown.out);
    assert!(!shown.out.contains('\u{1b}'), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_withdraws() {
    let service = TestService::start().await;
    let request = held(&service, &[OFFICER]).await;
    let withdraw = ["withdraw", &request, "--reason", "resolved"];
    let refused = review(&service, &withdraw).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let withdrawn = review_as(&service, "acms", &withdraw).await;
    assert_eq!(withdrawn.code, 0, "{withdrawn:?}");
    let shown = review_as(&service, "acms", &["show", &request]).await;
    assert!(shown.out.contains("items 0: resolved"), "{}", shown.out);
    // Who cannot answer is told no token to answer with.
    let waits = held(&service, &[OTHER_OFFICER]).await;
    let shown = review_as(&service, "acms", &["show", &waits]).await;
    assert!(shown.out.contains("item 0: pending"), "{}", shown.out);
    assert!(!shown.out.contains("--seen"), "{}", shown.out);
    assert!(
        withdrawn.out.contains("item 0: withdrawn"),
        "{}",
        withdrawn.out
    );
    let late = review(&service, &answer("approve", &request)).await;
    assert_eq!(late.code, 1, "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_watched_over_a_restart_of_the_service() {
    let mut service = TestService::start().await;
    let before = held(&service, &[OFFICER]).await;
    let types = "request.submitted,request.answered";
    let watch = ["watch", "--after", "0", "--types", types];
    let first = review(&service, &[&watch[..], &["--count", "1"]].concat()).await;
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("request.submitted"), "{}", first.out);
    assert!(first.out.contains(&before), "{}", first.out);
    review(&service, &answer("approve", &before)).await;
    service.stop().await;
    service.resume().await.unwrap();
    let all = [&watch[..], &["--count", "2", "--format", "json"]].concat();
    let both = review(&service, &all).await;
    let told: Vec<Value> = both
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<&Value> = told.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["request.submitted", "request.answered"]);
    let ahead = review(&service, &["watch", "--after", "100000"]).await;
    assert_eq!(ahead.code, 1, "{ahead:?}");
    assert!(ahead.err.contains("410 unknown-event"), "{}", ahead.err);
}
