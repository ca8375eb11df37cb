//! What is granted on a security token (M7, M9, M10), with the profile for link failure beside ordinary ones.

use comity::domain::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use super::migration_operations::link_is_down;
use super::migration_operations::presented;
use super::migration_operations::token;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::inbound;
use crate::credential::mint::Signer;

const ENTRY: &str = "/v1/migrations/mcptt:officer.114@mc.nl.example";

async fn now(service: &TestService) -> Timestamp {
    let asked = service.submit(&presented("a.b.c")).await;
    asked.body["decided_at"].as_str().unwrap().parse().unwrap()
}

fn on_token(operation: &str, token: &str) -> Value {
    let mut request = presented(token);
    request["operation"] = json!(operation);
    request
}

fn profile(id: &str, occasion: Option<&str>, user: Option<&str>) -> Value {
    let mut profile = json!({
        "id": id, "home_system": NL, "enabled": true, "services": ["mcptt"], "life_minutes_max": 5
    });
    if let Some(occasion) = occasion {
        profile["occasion"] = json!(occasion);
    }
    if let Some(user) = user {
        profile["user"] = json!(user);
    }
    profile
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_in_takes_its_own_profile() {
    let service = TestService::start().await;
    let signer = Signer::new("2026-a", "ES256");
    link_is_down(&service, &signer).await;
    let own = profile("nl-officer-114", None, Some(OFFICER));
    let put = service
        .put(
            "/v1/migrated-profiles/nl-officer-114",
            ("if-none-match", "*"),
            &own,
        )
        .await;
    assert_eq!(put.status, 201, "{}", put.text);
    let token = token(&signer, now(&service).await);
    let authorized = service
        .submit(&{
            let mut request = on_token("inter-domain-user-authorization", &token);
            request.as_object_mut().unwrap().remove("location");
            request
        })
        .await;
    assert_eq!(
        authorized.items("/outcome"),
        ["accept"],
        "{}",
        authorized.text
    );
    let during = service.submit(&presented(&token)).await;
    assert_eq!(
        during.items("/limits/profile"),
        ["nl-reduced"],
        "{}",
        during.text
    );
    // There is no interconnection at all.
    let agree = |agreement: &mut Value| agreement["limited_migration"] = json!({ "inbound": true });
    service.change(&format!("/v1/agreements/{NL}"), agree).await;
    let none = |link: &mut Value| link["status"] = json!("none");
    service.change(&format!("/v1/links/{NL}"), none).await;
    let limited = service.submit(&on_token("limited-migration", &token)).await;
    assert_eq!(
        limited.items("/limits/profile"),
        ["nl-officer-114"],
        "{}",
        limited.text
    );
    let entry = service.get(ENTRY, "auditor").await;
    assert_eq!(
        entry.body["verified"], false,
        "nobody asked the home: {}",
        entry.text
    );
    // And with the link up the ordinary one of the user.
    let up = |link: &mut Value| link["status"] = json!("up");
    service.change(&format!("/v1/links/{NL}"), up).await;
    let ordinary = inbound(json!({
        "operation": "migration-service-authorization", "user": OFFICER, "services": ["mcptt"]
    }));
    let ordinary = service.submit(&ordinary).await;
    assert_eq!(
        ordinary.items("/limits/profile"),
        ["nl-officer-114"],
        "{}",
        ordinary.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_presented_again_brings_no_new_time() {
    let service = TestService::start().await;
    let signer = Signer::new("2026-a", "ES256");
    link_is_down(&service, &signer).await;
    let shorter = |agreement: &mut Value| {
        agreement["migration"]["link_failure"]["life_minutes_max"] = json!(5);
    };
    service
        .change(&format!("/v1/agreements/{NL}"), shorter)
        .await;
    let token = token(&signer, now(&service).await);
    let first = service.submit(&presented(&token)).await;
    let granted = service.get(ENTRY, "auditor").await.body["credential"].clone();
    assert_eq!(granted["first_granted_at"], first.body["decided_at"]);
    let again = service.submit(&presented(&token)).await;
    assert_eq!(again.items("/outcome"), ["accept"], "{}", again.text);
    assert_eq!(
        again.items("/limits/end_time"),
        first.items("/limits/end_time")
    );
    let entry = service.get(ENTRY, "auditor").await;
    assert_eq!(entry.body["credential"], granted, "{}", entry.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_names_a_profile_that_fits_or_is_refused() {
    let service = TestService::start().await;
    let path = format!("/v1/agreements/{NL}");
    let found = service.get(&path, "operator").await;
    let mut agreement = found.body.clone();
    let terms = |name: &str| json!({ "profile": name, "life_minutes_max": 30 });
    let if_match = found.header("etag").to_owned();
    for (name, told) in [
        ("nobodys", "there is no"),
        ("nl-visitors", "an ordinary one"),
    ] {
        agreement["migration"]["link_failure"] = terms(name);
        let put = service
            .put(&path, ("if-match", &if_match), &agreement)
            .await;
        assert_eq!(put.status, 422, "{}", put.text);
        assert_eq!(put.pointers(), ["/migration/link_failure/profile"]);
        assert!(put.text.contains(told), "{}", put.text);
    }
    // In one import both are there, whichever stands first.
    agreement["migration"]["link_failure"] = terms("nl-reduced");
    let reduced = profile("nl-reduced", Some("link-failure"), None);
    let together = json!([
        { "kind": "agreement", "document": agreement },
        { "kind": "migrated-profile", "document": reduced }
    ]);
    let imported = service.post("/v1/import", "operator", &together).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    // What is named stays what it is named for.
    let ordinary = json!([
        { "kind": "migrated-profile", "document": profile("nl-reduced", None, Some(OFFICER)) }
    ]);
    let refused = service.post("/v1/import", "operator", &ordinary).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.pointers(), ["/0/occasion"]);
    // There is one for link failure, as there is one ordinary.
    let second = json!([
        { "kind": "migrated-profile", "document": profile("second", Some("link-failure"), None) }
    ]);
    let refused = service.post("/v1/import", "operator", &second).await;
    assert!(
        refused
            .text
            .contains("the general profile for link failure"),
        "{}",
        refused.text
    );
}
