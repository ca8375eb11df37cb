//! The shadow: a bundle that follows what is decided, and decides nothing.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use super::cli::comity_aside;
use super::cli::text;
use super::impact::CHANGED;
use super::impact::LINE;
use super::impact::assert_counted_by_hand;
use super::impact::changed_policies;
use super::impact::live_through;
use super::support::OFFICER;
use super::support::TestService;
use super::support::eventually;
use super::support::membership;

/// A service that the shipped policies with one line changed follow.
async fn followed(directory: &Path) -> (TestService, PathBuf) {
    let shadow = changed_policies(&directory.join("candidate"));
    let named = shadow.clone();
    let service = TestService::start_with(|settings| settings.shadow_policies = Some(named)).await;
    (service, shadow)
}

/// What is told of the shadow once it has come to the end of the log.
async fn caught_up(service: &TestService) -> Value {
    eventually("the shadow has come to the end", async || {
        let told = service.get("/v1/shadow", "security-officer").await;
        assert_eq!(told.status, 200, "{}", told.text);
        (told.body["following"]["behind"] == 0).then_some(told.body)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_is_decided_once_more_and_nothing_comes_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let (service, _) = followed(directory.path()).await;
    // What comes out and what is in force is as if nothing followed: those for the fire group are accepted.
    live_through(&service).await;
    let told = caught_up(&service).await;
    assert_eq!(told["last_attempt"]["outcome"], "published", "{told}");
    let following = &told["following"];
    assert_counted_by_hand(&following["report"]);
    let latest = following["latest"].as_array().unwrap();
    let entries = latest.iter().map(|it| it["index"].as_u64().unwrap());
    let entries: Vec<u64> = entries.collect();
    assert_eq!(entries.len(), 5, "{told}");
    assert!(entries.is_sorted_by(|newer, older| newer >= older));
    let policies = service.get("/v1/policies", "security-officer").await.body;
    let in_force = &policies["in_force"]["digest"];
    assert_ne!(*in_force, following["report"]["tried"]["bundle"]);

    let metrics = service.get("/metrics", "operator").await.text;
    for counted in [
        "comity_shadow_decisions_total 7",
        "comity_shadow_changed_items_total{from=\"accept\",to=\"review\"} 5",
        "comity_publication_attempt_succeeded{bundle=\"shadow\"} 1",
    ] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }

    let page = service.get("/v1/shadow/page", "security-officer").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("4 of 7 would come out otherwise"));
    let token = service.token_file("security-officer");
    let url = service.url();
    let base = ["shadow", "--url", &url, "--token-file", text(&token)];
    let ended = comity_aside(&base).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    for line in ["0 entries behind", "4 of 7 requests and 5 of 8 items"] {
        assert!(ended.out.contains(line), "{}", ended.out);
    }
    let ended = comity_aside(&[&base[..], &["--json"]].concat()).await;
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(json["following"]["report"], following["report"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_shadow_begins_anew_and_a_broken_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (service, shadow) = followed(directory.path()).await;
    service.submit(&membership(&[OFFICER])).await;
    let before = caught_up(&service).await;
    assert_eq!(before["following"]["report"]["decisions"], 1, "{before}");

    let file = shadow.join("automatic/group-membership.cedar");
    let sound = fs::read_to_string(&file).unwrap();
    let broken = sound.replace(CHANGED, "context.asserted.organization == \"x\"");
    fs::write(&file, broken).unwrap();
    let attempted = async |outcome: &str| {
        eventually("the shadow was read", async || {
            let told = service.get("/v1/shadow", "security-officer").await.body;
            (told["last_attempt"]["outcome"] == *outcome).then_some(told)
        })
        .await
    };
    let refused = attempted("refused").await;
    let place = &refused["last_attempt"]["diagnostics"][0]["file"];
    let place = place.as_str().unwrap();
    assert!(place.ends_with("group-membership.cedar"), "{refused}");
    assert_eq!(
        refused["following"]["report"],
        before["following"]["report"]
    );
    let token = service.token_file("security-officer");
    let url = service.url();
    let ended = comity_aside(&["shadow", "--url", &url, "--token-file", text(&token)]).await;
    assert!(ended.out.contains("did not pass the gate"), "{}", ended.out);
    service.submit(&membership(&[OFFICER])).await;
    let on = caught_up(&service).await;
    assert_eq!(on["following"]["report"]["decisions"], 2, "{on}");

    fs::write(&file, sound.replace(CHANGED, LINE)).unwrap();
    let renewed = attempted("published").await;
    assert_eq!(renewed["following"]["report"]["decisions"], 0, "{renewed}");
    service.submit(&membership(&[OFFICER])).await;
    let report = caught_up(&service).await["following"]["report"].clone();
    let counts = (&report["decisions"], &report["changed_items"]);
    assert_eq!(counts, (&json!(1), &json!(0)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_without_a_shadow_and_with_a_broken_one() {
    let mut service = TestService::start().await;
    let none = service.get("/v1/shadow", "security-officer").await;
    assert_eq!(none.problem(), (404, "not-found"));
    assert!(none.text.contains("shadow_policies"), "{}", none.text);
    service.stop().await;
    let nowhere = service.directory().join("nowhere");
    service
        .resume_with(|settings| settings.shadow_policies = Some(nowhere))
        .await;
    let told = service.get("/v1/shadow", "security-officer").await.body;
    assert_eq!(told["last_attempt"]["outcome"], "refused", "{told}");
    assert_eq!(told["following"], Value::Null, "{told}");
    let page = service.get("/v1/shadow/page", "security-officer").await;
    assert_eq!(page.problem(), (404, "not-found"));
    service.submit_held(&membership(&[OFFICER])).await;
}
