//! Discovery.

use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::UnparsedPublicKey;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::PUBLIC_URL;
use super::REQUESTS;
use super::asking;
use super::denied;
use super::part;
use super::question;
use super::start;
use super::told;
use crate::front::support::TestService;

const CONFIGURATION: &str = "/.well-known/authzen-configuration";

#[tokio::test(flavor = "multi_thread")]
async fn discovery_names_https_endpoints_and_the_capability() {
    let service = start().await;
    let found = service.get(CONFIGURATION, "without token").await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.header("content-type"), "application/json");
    let expected = json!({
        "policy_decision_point": PUBLIC_URL,
        "access_evaluation_endpoint": format!("{PUBLIC_URL}{EVALUATION}"),
        "access_request_endpoint": format!("{PUBLIC_URL}{REQUESTS}"),
        "jwks_uri": format!("{PUBLIC_URL}/access/v1/jwks"),
        "capabilities": ["urn:openid:authzen:capability:access-request"],
    });
    assert_eq!(found.body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_publishes_the_key_that_verifies_what_is_signed() {
    let mut service = start().await;
    let keys = service.get("/access/v1/jwks", "without token").await;
    assert_eq!(keys.status, 200);
    assert!(keys.header("cache-control").contains("max-age"));
    let key = &keys.body["keys"][0];
    assert_eq!((&key["use"], &key["d"]), (&json!("sig"), &Value::Null));
    let denied = denied(&service, &question()).await;
    let token = &denied.body["context"]["access_request"]["binding_token"];
    let token = token.as_str().unwrap();
    assert_eq!(part(token, 0)["kid"], key["kid"]);
    let decoded = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
    let public = decoded(key["x"].as_str().unwrap());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&ED25519, &public)
        .verify(signed.as_bytes(), &decoded(signature))
        .unwrap();
    // The key is kept, readable by its owner alone.
    let file = service.settings().data_directory.join("signing.key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    service.stop().await;
    service.resume().await.unwrap();
    let after = service.get("/access/v1/jwks", "without token").await;
    assert_eq!(after.body, keys.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_requestable_where_no_endpoint_can_be_named() {
    let service = TestService::start().await;
    for path in [CONFIGURATION, "/access/v1/jwks"] {
        let found = service.get(path, "without token").await;
        assert_eq!(found.problem(), (404, "not-found"), "{path}");
    }
    let held = service.post(EVALUATION, "acms", &question()).await;
    assert_eq!(told(&held), ("held", "not told", false));
    let asked = service
        .post(REQUESTS, "acms", &asking(&question(), &held))
        .await;
    assert_eq!(asked.problem(), (404, "not-found"), "{}", asked.text);
}
