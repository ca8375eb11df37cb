//! Registry documents over HTTP.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::GROUP;
use super::support::NL;
use super::support::TestService;
use super::support::example_documents;
use super::support::send;
use super::support::with;
use super::support::without;

const SYSTEM: &str = "/v1/systems/mc.fr.example";
const NEW: (&str, &str) = ("if-none-match", "*");

fn system() -> Value {
    json!({ "mc_system_id": "mc.fr.example", "name": "France" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_lives_under_conditions() {
    let service = TestService::start_empty(|_| {}).await;
    let call = service.call(Method::PUT, SYSTEM, "operator");
    let refused = send(call.json(&system())).await;
    assert_eq!(refused.problem(), (428, "precondition-required"));
    let absent = service.get(SYSTEM, "auditor").await;
    assert_eq!(absent.problem(), (404, "not-found"));

    let created = service.put(SYSTEM, NEW, &system()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let first = created.header("etag").to_owned();
    let read = service.get(SYSTEM, "auditor").await;
    assert_eq!(read.status, 200);
    assert_eq!(read.header("etag"), first);
    assert_eq!(read.body["name"], "France");

    let refused = service.put(SYSTEM, NEW, &system()).await;
    assert_eq!(refused.problem(), (412, "revision-mismatch"));
    let renamed = with(&system(), "/name", "France, at home");
    let updated = service.put(SYSTEM, ("if-match", &first), &renamed).await;
    assert_eq!(updated.status, 200, "{}", updated.text);
    assert_ne!(updated.header("etag"), first);
    let refused = service.put(SYSTEM, ("if-match", &first), &system()).await;
    assert_eq!(refused.problem(), (412, "revision-mismatch"));
    let read = service.get(SYSTEM, "auditor").await;
    assert_eq!(read.body["name"], "France, at home");
    assert_eq!(read.header("etag"), updated.header("etag"));

    let delete = |tag: &str| {
        let call = service.call(Method::DELETE, SYSTEM, "operator");
        send(call.header("if-match", tag))
    };
    let call = service.call(Method::DELETE, SYSTEM, "operator");
    assert_eq!(send(call).await.problem(), (428, "precondition-required"));
    assert_eq!(delete(&first).await.problem(), (412, "revision-mismatch"));
    assert_eq!(delete(updated.header("etag")).await.status, 204);
    assert_eq!(service.get(SYSTEM, "auditor").await.status, 404);
    let gone = delete(updated.header("etag")).await;
    assert_eq!(gone.problem(), (404, "not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_conditions_are_refused() {
    let service = TestService::start_empty(|_| {}).await;
    for condition in [
        ("if-match", "r1"),
        ("if-match", "W/\"r1\""),
        ("if-match", "*"),
        ("if-none-match", "\"r1\""),
    ] {
        let refused = service.put(SYSTEM, condition, &system()).await;
        assert_eq!(refused.problem(), (400, "invalid-precondition"));
    }
    let call = service.call(Method::PUT, SYSTEM, "operator");
    let call = call
        .header("if-match", "\"r1\"")
        .header("if-none-match", "*");
    let refused = send(call.json(&system())).await;
    assert_eq!(refused.problem(), (400, "invalid-precondition"));
    assert_eq!(service.get(SYSTEM, "operator").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_document_cannot_say_is_refused() {
    let service = TestService::start().await;
    let size = service.log_size().await;
    let agreement = service
        .get(&format!("/v1/agreements/{NL}"), "operator")
        .await;
    let group = service
        .get(&format!("/v1/groups/{GROUP}"), "operator")
        .await;
    let user = service.get("/v1/users/dispatch-1", "operator").await;
    let tag = agreement.header("etag").to_owned();
    let cases = [
        (SYSTEM.to_owned(), with(&system(), "/mc_system_id", NL)),
        (SYSTEM.to_owned(), with(&system(), "/colour", "red")),
        (SYSTEM.to_owned(), without(&system(), "/mc_system_id")),
        (SYSTEM.to_owned(), with(&system(), "/tel_prefixes", "+33")),
        (SYSTEM.to_owned(), json!([])),
        (
            format!("/v1/agreements/{NL}"),
            with(&agreement.body, "/status", "sleepy"),
        ),
        (
            format!("/v1/agreements/{NL}"),
            with(&agreement.body, "/valid_until", "2025-01-01T00:00:00.000Z"),
        ),
        (
            "/v1/groups/sip:here@mc.nl.example".to_owned(),
            with(&group.body, "/id", "sip:here@mc.nl.example"),
        ),
        (
            "/v1/users/dispatch-1".to_owned(),
            with(&user.body, "/identities", json!({})),
        ),
        (
            "/v1/users/dispatch-1".to_owned(),
            with(
                &user.body,
                "/identities/mcptt",
                "sip:dispatch.1@mc.nl.example",
            ),
        ),
        (
            "/v1/links/mc.de.example".to_owned(),
            json!({ "system": "mc.de.example", "status": "up", "measured_at": "2026-11-01T06:00:00.000Z" }),
        ),
    ];
    for (path, document) in cases {
        let refused = service.put(&path, ("if-match", &tag), &document).await;
        assert_eq!(
            refused.problem(),
            (422, "invalid-input"),
            "{path} {document}"
        );
        assert!(!refused.pointers().is_empty(), "{}", refused.text);
    }
    assert_eq!(service.log_size().await, size);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_configuration_is_never_written_by_hand() {
    let service = TestService::start().await;
    let digest = format!("hmac-sha256:{}", "00".repeat(32));
    let names = [
        "apn",
        "apn-credentials",
        "server-uri",
        "idms-uri",
        "gms-uri",
        "cms-uri",
        "kms-uri",
        "default-user-profile",
    ];
    let digests: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(digest)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let document = json!({ "provider": NL, "digests": digests });
    let path = format!("/v1/ue-configurations/{NL}");
    let refused = service.put(&path, NEW, &document).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    assert!(refused.text.contains("never by hand"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let service = TestService::start().await;
    let ids = |answer: &super::support::Answer| -> Vec<String> {
        let documents = answer.body["documents"].as_array().unwrap();
        let ids = documents.iter().map(|entry| entry["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    };
    let all = service.get("/v1/groups", "operator").await;
    let all_ids = ids(&all);
    assert_eq!(all_ids.len(), 4, "{}", all.text);
    assert!(all_ids.is_sorted());
    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/groups?limit=3&after={after}");
        let page = ids(&service.get(&path, "operator").await);
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        paged.extend(page);
    }
    assert_eq!(paged, all_ids);
    for entry in all.body["documents"].as_array().unwrap() {
        let path = format!("/v1/groups/{}", entry["id"].as_str().unwrap());
        let read = service.get(&path, "operator").await;
        assert_eq!(read.body, entry["document"]);
        assert_eq!(read.header("etag"), format!("\"r{}\"", entry["revision"]));
    }
    for query in ["limit=many", "limit=-1", "before=a"] {
        let refused = service
            .get(&format!("/v1/groups?{query}"), "operator")
            .await;
        assert_eq!(refused.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_written_whole_or_not_at_all() {
    let service = TestService::start_empty(|_| {}).await;
    let size = service.log_size().await;
    let good = example_documents();
    let broken = with(&good, "/3/document/colour", "red");
    for (body, pointer) in [
        (json!([]), ""),
        (json!({}), ""),
        (broken, "/3/document/colour"),
        (with(&good, "/0/kind", "unicorn"), "/0/kind"),
    ] {
        let refused = service.post("/v1/import", "operator", &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"));
        assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
    }
    assert_eq!(service.log_size().await, size);
    let listed = service.get("/v1/systems", "operator").await;
    assert_eq!(listed.body["documents"], json!([]));
    let imported = service.post("/v1/import", "operator", &good).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    assert_eq!(imported.body["documents"], good.as_array().unwrap().len());
    // Again is no conflict.
    let again = service.post("/v1/import", "operator", &good).await;
    assert_eq!(again.status, 200, "{}", again.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_do_not_agree_with_each_other_are_refused() {
    let service = TestService::start().await;
    let user = service.get("/v1/users/dispatch-1", "operator").await;
    // One identity is one person.
    let double = with(&user.body, "/id", "dispatch-9");
    let refused = service.put("/v1/users/dispatch-9", NEW, &double).await;
    assert_eq!(
        refused.problem(),
        (422, "invalid-input"),
        "{}",
        refused.text
    );
    assert_eq!(
        service.get("/v1/users/dispatch-9", "operator").await.status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_by_its_place() {
    let service = TestService::start().await;
    let path = format!("/v1/agreements/{NL}");
    let agreement = service.get(&path, "operator").await;
    let tag = agreement.header("etag").to_owned();
    for (pointer, wrong) in [
        ("/status", json!("sleepy")),
        ("/interconnection/mcptt", json!("yes")),
        // By position every flag would be set.
        ("/interconnection", Value::from(vec![true; 14])),
        ("/migration", Value::from(vec![true; 8])),
    ] {
        let document = with(&agreement.body, pointer, wrong);
        let refused = service.put(&path, ("if-match", &tag), &document).await;
        assert_eq!(
            refused.problem(),
            (422, "invalid-input"),
            "{}",
            refused.text
        );
        assert_eq!(refused.pointers(), [pointer]);
        let import = json!([{ "kind": "agreement", "document": document }]);
        let refused = service.post("/v1/import", "operator", &import).await;
        assert_eq!(refused.pointers(), [format!("/0/document{pointer}")]);
    }
    let refused = service.get("/v1/agreements?limit=many", "operator").await;
    assert_eq!(refused.problem(), (400, "invalid-request"));
    assert_eq!(refused.body["errors"][0]["parameter"], "limit");
    let refused = service.get("/v1/agreements?page=2", "operator").await;
    assert_eq!(refused.problem(), (400, "invalid-request"));
    let refused = service
        .put(&path, ("if-match", "r1"), &agreement.body)
        .await;
    assert_eq!(refused.body["errors"][0]["header"], "if-match");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_one_thing() {
    let service = TestService::start().await;
    let seen = service.get("/v1/users/patrol-12", "operator").await;
    let tag = seen.header("etag").to_owned();
    let condition = ("if-match", tag.as_str());
    let taken = [
        ("/identities/mcdata", json!("sip:unfall-07@mc.de.example")),
        ("/identities/mcdata", json!("sip:leitstelle@mc.de.example")),
        (
            "/functional_aliases",
            json!(["sip:unfall-07@mc.de.example"]),
        ),
        (
            "/functional_aliases",
            json!(["sip:dispatch.1@mc.de.example"]),
        ),
    ];
    for (pointer, name) in taken {
        let document = with(&seen.body, pointer, name.clone());
        let path = "/v1/users/patrol-12";
        let refused = service.put(path, condition, &document).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{name}");
        assert!(
            refused.pointers()[0].starts_with(pointer),
            "{}",
            refused.text
        );
    }
}
