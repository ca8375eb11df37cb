//! Starting, stopping, and what a service keeps in its directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use comity::cli::service::Service;
use reqwest::Method;

use super::support::OFFICER;
use super::support::TestService;
use super::support::chain;
use super::support::eventually;
use super::support::membership;
use super::support::send;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_the_service_stops_is_answered_and_kept() {
    let mut service = TestService::start().await;
    let size = service.log_size().await;
    let officers: Vec<String> = (1..=50)
        .map(|number| format!("sip:officer.{number}@mc.nl.example"))
        .collect();
    let officers: Vec<&str> = officers.iter().map(String::as_str).collect();
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let call = service.call(Method::POST, "/v1/requests", "acms");
            let call = call.header("idempotency-key", format!("stop-{number}"));
            let call = call.json(&membership(&officers));
            // Those that find the door closed were not accepted; the others must be answered.
            tokio::spawn(async move {
                let response = call.send().await.ok()?;
                assert_eq!(response.status().as_u16(), 202);
                let body: serde_json::Value = response.json().await.unwrap();
                Some(body["id"].as_str().unwrap().to_owned())
            })
        })
        .collect();
    eventually("the first of them", async || {
        (service.log_size().await > size).then_some(())
    })
    .await;
    service.stop().await;
    let mut answered = Vec::new();
    for call in calls {
        answered.extend(call.await.unwrap());
    }
    assert!(!answered.is_empty());
    service.resume().await.unwrap();
    // Nothing was recorded that was not answered either.
    let kept = service.log_size().await - size;
    assert_eq!(kept, u64::try_from(answered.len()).unwrap());
    for id in answered {
        let read = service.get(&format!("/v1/requests/{id}"), "acms").await;
        assert_eq!(read.status, 200, "{id}");
        assert_eq!(read.items("/state").len(), 50);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_request_is_the_same_after_a_restart() {
    let mut service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let answered = service.respond(&path, &super::support::approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    service.stop().await;
    service.resume().await.unwrap();
    let read = service.get(&path, "auditor").await;
    assert_eq!(read.body, answered.body);
    assert_eq!(read.header("etag"), answered.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_belongs_to_one_service() {
    let service = TestService::start().await;
    let refused = Service::start(service.settings().clone()).await;
    let message = chain(&refused.unwrap_err());
    assert!(
        message.contains("is in use by another process"),
        "{message}"
    );
    let directory = service.settings().data_directory.display().to_string();
    assert!(message.contains(&directory), "{message}");
    // The first is none the worse.
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.status, 202, "{}", held.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_token_is_for_its_owner_alone() {
    let mut service = TestService::start_empty(|_| {}).await;
    let file = service.settings().data_directory.join("operator.token");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = fs::read_to_string(&file).unwrap();
    service.stop().await;
    for widened in [0o640, 0o604, 0o644] {
        fs::set_permissions(&file, fs::Permissions::from_mode(widened)).unwrap();
        let message = chain(&service.resume().await.unwrap_err());
        assert!(message.contains("operator.token"), "{message}");
        assert!(message.contains("chmod 600"), "{message}");
        assert!(!message.contains(token.trim()), "{message}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    service.resume().await.unwrap();
    assert_eq!(service.get("/v1/policies", "operator").await.status, 200);
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_how_it_goes() {
    let service = TestService::start().await;
    let alive = service.get("/livez", "without token").await;
    assert_eq!((alive.status, alive.text.as_str()), (200, "alive\n"));
    let ready = service.get("/readyz", "without token").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    assert_eq!(ready.body["ready"], true);
    for absent in [
        "store",
        "refused_bundle",
        "refused_access_bundle",
        "clock_jump",
    ] {
        assert!(ready.body.get(absent).is_none(), "{}", ready.text);
    }
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.status, 202, "{}", held.text);
    let metrics = service.get("/metrics", "operator").await;
    assert_eq!(metrics.status, 200);
    let content_type = metrics.header("content-type");
    assert!(content_type.starts_with("application/openmetrics-text"));
    assert!(metrics.text.ends_with("# EOF\n"));
    for part in [
        "operation=\"group-membership-update\"",
        "outcome=\"review\"",
        "route=\"/v1/requests\"",
        "status=\"202\"",
        "comity_ready 1",
        "comity_queued_commands 0",
        "comity_bundle_generation 1",
        "comity_projection_whole 1",
        "comity_publication_attempt_succeeded{bundle=\"policies\"} 1",
        "comity_publication_attempt_succeeded{bundle=\"access\"} 1",
    ] {
        assert!(metrics.text.contains(part), "{part}: {}", metrics.text);
    }
    let value = |name: &str| -> f64 {
        let line = metrics
            .text
            .lines()
            .find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}"))
            .trim()
            .parse()
            .unwrap()
    };
    let applied = service.log_size().await;
    assert_eq!(
        value("comity_applied_entries ").to_string(),
        applied.to_string()
    );
    assert!(value("comity_commit_seconds_count ") > 0.0);
    assert!(value("comity_uptime_seconds ") > 0.0);
    assert!(value("comity_resident_memory_bytes ") > 1_000_000.0);
    let attempt = "comity_publication_attempt_timestamp_seconds{bundle=\"policies\"} ";
    assert!(value(attempt) > 1_700_000_000.0);
    // No identity is a label.
    assert!(!metrics.text.contains("officer"), "{}", metrics.text);
    let unknown = send(service.call(Method::GET, "/nowhere", "operator")).await;
    assert_eq!(unknown.status, 404);
}
