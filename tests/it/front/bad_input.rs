//! What cannot be understood is refused, says where, and leaves no trace.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::OFFICER;
use super::support::TestService;
use super::support::membership;
use super::support::send;
use super::support::with;
use super::support::without;

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_member_is_named_by_its_place() {
    let service = TestService::start().await;
    let size = service.log_size().await;
    let good = membership(&[OFFICER]);
    let cases: [(Value, &[&str]); 21] = [
        (with(&good, "/operation", "group-call"), &["/operation"]),
        (with(&good, "/direction", "sideways"), &["/direction"]),
        (with(&good, "/direction", "home-consent"), &["/direction"]),
        (with(&good, "/group", "unfall-07"), &["/group"]),
        (with(&good, "/group", 7), &["/group"]),
        (with(&good, "/members", json!([])), &["/members"]),
        (with(&good, "/members", OFFICER), &["/members"]),
        (
            with(&good, "/members", json!([OFFICER, 1])),
            &["/members/1"],
        ),
        (with(&good, "/members", json!(["sip:"])), &["/members/0"]),
        (
            with(&good, "/members", json!([OFFICER, OFFICER])),
            &["/members/1"],
        ),
        (with(&good, "/change", "replace"), &["/change"]),
        (with(&good, "/target", json!({})), &["/target"]),
        (with(&good, "/peer", Value::Null), &["/peer"]),
        (
            with(&good, "/peer/certificate", "sha256:12"),
            &["/peer/certificate"],
        ),
        (with(&good, "/peer/host", "x"), &["/peer/host"]),
        (
            with(&good, "/requesting_system", "mc..nl"),
            &["/requesting_system"],
        ),
        (with(&good, "/urgency", "utmost"), &["/urgency"]),
        (with(&good, "/correlation_id", "a b"), &["/correlation_id"]),
        (with(&good, "/colour", "red"), &["/colour"]),
        (without(&good, "/members"), &["/members"]),
        (
            without(&without(&good, "/peer"), "/group"),
            &["/peer", "/group"],
        ),
    ];
    for (request, pointers) in cases {
        for path in ["/v1/requests", "/v1/decisions"] {
            let refused = service.post(path, "acms", &request).await;
            assert_eq!(refused.problem(), (422, "invalid-input"), "{request}");
            assert_eq!(refused.pointers(), pointers, "{}", refused.text);
        }
    }
    let misspelt = without(&with(&good, "/grup", "x"), "/group");
    let refused = service.submit(&misspelt).await;
    assert_eq!(refused.pointers(), ["/grup", "/group"]);
    assert!(
        refused.text.contains("did you mean `group`"),
        "{}",
        refused.text
    );
    assert_eq!(service.log_size().await, size);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_is_needed_but_two() {
    let service = TestService::start().await;
    let good = membership(&[OFFICER]);
    for name in good.as_object().unwrap().keys() {
        let pointer = format!("/{name}");
        let answer = service.submit(&without(&good, &pointer)).await;
        if ["urgency", "justification"].contains(&name.as_str()) {
            assert_eq!(answer.status, 202, "{name}: {}", answer.text);
        } else {
            assert_eq!(answer.problem(), (422, "invalid-input"), "{name}");
            assert!(answer.pointers().contains(&pointer.as_str()), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_strict_json_is_refused() {
    let service = TestService::start().await;
    let good = membership(&[OFFICER]).to_string();
    let doubled = good.replacen('{', "{\"change\":\"delete\",", 1);
    let nested = format!("{{\"a\":{}1{}}}", "[".repeat(33), "]".repeat(33));
    let bottomless = "[".repeat(100_000);
    for text in [
        "",
        "{",
        "nonsense",
        "[]",
        "null",
        &format!("{good} x"),
        &doubled,
        &nested,
        &bottomless,
    ] {
        for path in ["/v1/requests", "/v1/decisions"] {
            let refused = service.post_text(path, "acms", text).await;
            // JSON that is no request is read, and then refused.
            let expected = match text {
                "[]" | "null" => (422, "invalid-input"),
                _ => (400, "malformed-body"),
            };
            let start: String = text.chars().take(40).collect();
            assert_eq!(refused.problem(), expected, "{start}");
        }
    }
    let refused = service.post_text("/v1/requests", "acms", &doubled).await;
    assert_eq!(refused.pointers(), ["/change"]);
    assert!(refused.text.contains("appears twice"), "{}", refused.text);
    let call = service.call(Method::POST, "/v1/requests", "acms");
    let call = call.header("content-type", "application/json");
    let refused = send(call.body(vec![b'"', 0xff, b'"'])).await;
    assert_eq!(refused.problem(), (400, "malformed-body"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_lists_have_limits() {
    let service = TestService::start_with(|settings| {
        settings.http.body_bytes_max = 16_384;
        settings.http.wire.members = 3;
    })
    .await;
    let officers: Vec<String> = (1..=4)
        .map(|number| format!("sip:officer.{number}@mc.nl.example"))
        .collect();
    let officers: Vec<&str> = officers.iter().map(String::as_str).collect();
    let most = service.submit(&membership(&officers[..3])).await;
    assert_eq!(most.status, 202, "{}", most.text);
    let refused = service.submit(&membership(&officers)).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    assert_eq!(refused.pointers(), ["/members"]);

    let good = membership(&[OFFICER]).to_string();
    let longest = format!("{good}{}", " ".repeat(16_384 - good.len()));
    let accepted = service.post_text("/v1/requests", "acms", &longest).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let too_long = format!("{longest} ");
    let refused = service.post_text("/v1/requests", "acms", &too_long).await;
    assert_eq!(refused.problem(), (413, "body-too-large"));
    let refused = service.post_text("/v1/import", "operator", &too_long).await;
    assert_eq!(refused.problem(), (413, "body-too-large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_is_taken() {
    let service = TestService::start().await;
    let body = membership(&[OFFICER]).to_string();
    let taken = ["application/json", "Application/JSON; charset=utf-8"];
    for content_type in taken {
        let call = service.call(Method::POST, "/v1/requests", "acms");
        let call = call.header("content-type", content_type).body(body.clone());
        assert_eq!(send(call).await.status, 202, "{content_type}");
    }
    let others = [
        "text/plain",
        "application/xml",
        "application/jsonp",
        "",
        "application/json; charset=utf-16",
        "application/json; charset=\"iso-8859-1\"",
    ];
    for content_type in others {
        let call = service.call(Method::POST, "/v1/requests", "acms");
        let call = call.header("content-type", content_type).body(body.clone());
        let refused = send(call).await;
        assert_eq!(refused.problem(), (415, "unsupported-media-type"));
    }
    let call = service.call(Method::POST, "/v1/requests", "acms");
    let refused = send(call.body(body.clone().into_bytes())).await;
    assert_eq!(refused.problem(), (415, "unsupported-media-type"));
    for (coding, status) in [("identity", 202), ("gzip", 415), ("identity, br", 415)] {
        let call = service.call(Method::POST, "/v1/requests", "acms");
        let call = call.header("content-type", "application/json");
        let call = call.header("content-encoding", coding).body(body.clone());
        assert_eq!(send(call).await.status, status, "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_nobody_reads_is_refused() {
    let service = TestService::start().await;
    for path in [
        "/v1/policies?x=1",
        "/v1/agreements/mc.nl.example?revision=1",
        "/v1/requests/7b0c?full",
        "/v1/users?pages=2",
    ] {
        let refused = service.get(path, "operator").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{path}");
    }
    let refused = service.get("/v1/policies?x=1", "operator").await;
    assert_eq!(refused.body["errors"][0]["parameter"], "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_nothing_or_of_more_than_there_may_be_is_refused() {
    let service = TestService::start().await;
    for (path, caller, most) in [
        ("/v1/requests?status=pending&", "auditor", 100),
        ("/v1/requests?undelivered=true&", "acms", 100),
        (
            "/v1/reviews?can=answer&reviewer=sip:dispatch.1@mc.de.example&",
            "reviewer",
            1_000,
        ),
        ("/v1/obligations?", "acms", 1_000),
        (
            "/v1/pending-acm-data?mc_service_id=sip:dispatch.1@mc.de.example&",
            "acms",
            100,
        ),
        ("/v1/grants?partner=mc.nl.example&", "auditor", 1_000),
        ("/v1/agreements/mc.nl.example/affected?", "auditor", 1_000),
        ("/v1/migrations?decide_again=true&", "auditor", 1_000),
        ("/v1/users?", "auditor", 1_000),
    ] {
        let address = |limit: &str| format!("{path}limit={limit}");
        let taken = service.get(&address(&most.to_string()), caller).await;
        assert_eq!(taken.status, 200, "{path} {}", taken.text);
        for wrong in ["0", &(most + 1).to_string(), "-1", "x"] {
            let refused = service.get(&address(wrong), caller).await;
            assert_eq!(refused.problem(), (400, "invalid-request"), "{path}");
            assert_eq!(refused.body["errors"][0]["parameter"], "limit", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_methods_that_are_not_there_are_problems_too() {
    let service = TestService::start_empty(|_| {}).await;
    for path in ["/", "/v1", "/v2/requests", "/v1/unicorns", "/v1/unicorns/1"] {
        let refused = service.get(path, "operator").await;
        assert_eq!(refused.problem(), (404, "not-found"), "{path}");
    }
    for (method, path) in [
        (Method::DELETE, "/v1/requests"),
        (Method::PUT, "/v1/decisions"),
        (Method::POST, "/v1/policies"),
        (Method::PATCH, "/v1/agreements/mc.nl.example"),
        (Method::POST, "/livez"),
    ] {
        let refused = send(service.call(method, path, "operator")).await;
        assert_eq!(refused.problem(), (405, "method-not-allowed"), "{path}");
        assert_ne!(refused.header("allow"), "", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_request_id_is_kept_and_a_bad_one_replaced() {
    let service = TestService::start_empty(|_| {}).await;
    let long = "a".repeat(129);
    for (given, kept) in [
        ("nl-2026.917_a", true),
        ("a b", false),
        (long.as_str(), false),
    ] {
        for path in ["/v1/policies", "/v1/unicorns"] {
            let call = service.call(Method::GET, path, "operator");
            let answer = send(call.header("x-request-id", given)).await;
            assert_eq!(answer.header("x-request-id") == given, kept, "{given}");
        }
    }
}
