//! Migration through the interface: what is chosen, what is kept of it, and what is never kept.

use std::path::Path;

use comity::domain::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::inbound;
use super::support::send;
use crate::credential::mint::Signer;
use crate::credential::mint::Token;
use crate::credential::mint::claims;

const PATROL: &str = "sip:streife.12@mc.de.example";
const ISSUER: &str = "https://idms.mc.nl.example";
const AUDIENCE: &str = "https://idms.mc.de.example/token";
const ENTRY: &str = "/v1/migrations/mcptt:officer.114@mc.nl.example";
const ACCESS: &str = "/v1/access-grants/mc.nl.example;streife.12@mc.de.example";

async fn create(service: &TestService, path: &str, document: &Value) {
    let put = service.put(path, ("if-none-match", "*"), document).await;
    assert_eq!(put.status, 201, "{}", put.text);
}

/// The Dutch keys are known here, the link to the Dutch system is down, and a reduced profile is agreed.
pub(super) async fn link_is_down(service: &TestService, signer: &Signer) {
    let keys = json!({
        "partner": NL, "issuer": ISSUER, "audiences": [AUDIENCE], "keys": [signer.jwk_entry()]
    });
    create(service, &format!("/v1/partner-keys/{NL}"), &keys).await;
    let profile = json!({
        "id": "nl-reduced", "home_system": NL, "occasion": "link-failure", "enabled": true, "services": ["mcptt"]
    });
    create(service, "/v1/migrated-profiles/nl-reduced", &profile).await;
    service.link_is_up().await;
    let agree = |agreement: &mut Value| {
        agreement["migration"]["link_failure"] =
            json!({ "profile": "nl-reduced", "life_minutes_max": 30 });
    };
    service.change(&format!("/v1/agreements/{NL}"), agree).await;
    let fail = |link: &mut Value| link["status"] = json!("down");
    service.change(&format!("/v1/links/{NL}"), fail).await;
}

pub(super) fn token(signer: &Signer, now: Timestamp) -> String {
    let now = now.as_milliseconds() / 1000;
    let mut claims = claims(
        ISSUER,
        "officer-114",
        &["mc-client", AUDIENCE],
        now - 60,
        now + 600,
    );
    claims["mcptt_id"] = json!(OFFICER);
    Token::new(signer, &claims).signed_by(signer)
}

pub(super) fn presented(token: &str) -> Value {
    inbound(json!({
        "operation": "link-failure-migration",
        "user": OFFICER,
        "services": ["mcptt"],
        "token": token,
        "presented_at": AUDIENCE
    }))
}

fn policies(answer: &Answer) -> String {
    answer.body["items"][0]["policies"].to_string()
}

fn is_in_a_file(directory: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return is_in_a_file(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_a_visitor_in_while_the_link_is_down_and_is_kept_nowhere() {
    let mut service = TestService::start().await;
    let signer = Signer::new("2026-a", "ES256");
    link_is_down(&service, &signer).await;
    let forged = service.submit(&presented("a.b.c")).await;
    assert_eq!(forged.items("/outcome"), ["reject"]);
    assert!(policies(&forged).contains("credential.verified"));
    let now: Timestamp = forged.body["decided_at"].as_str().unwrap().parse().unwrap();
    let token = token(&signer, now);
    let accepted = service.submit(&presented(&token)).await;
    assert_eq!(accepted.items("/outcome"), ["accept"], "{}", accepted.text);
    let limits = &accepted.body["items"][0]["limits"];
    assert_eq!(limits["profile"], "nl-reduced");
    let expires = Timestamp::from_milliseconds((now.as_milliseconds() / 1000 + 600) * 1000);
    assert_eq!(limits["end_time"], json!(expires), "the token's own end");
    let entry = service.get(ENTRY, "auditor").await;
    assert_eq!(entry.body["verified"], false, "{}", entry.text);
    assert_eq!(entry.body["interconnection"], "down");
    assert_eq!(entry.body["expires_at"], limits["end_time"]);
    // Another key of the same name signs nothing for them.
    let other = Signer::new("2026-a", "ES256");
    let refused = service.submit(&presented(&self::token(&other, now))).await;
    assert_eq!(refused.items("/outcome"), ["reject"]);
    service.stop().await;
    let signature = token.rsplit('.').next().unwrap();
    assert!(!accepted.text.contains(signature));
    assert!(!is_in_a_file(service.directory(), signature));
    assert!(is_in_a_file(service.directory(), "credential.verified"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_sent_again_under_one_key_is_one_request() {
    let service = TestService::start().await;
    let signer = Signer::new("2026-a", "EdDSA");
    link_is_down(&service, &signer).await;
    let now = service.submit(&presented("a.b.c")).await.body["decided_at"].clone();
    let now: Timestamp = now.as_str().unwrap().parse().unwrap();
    let request = presented(&token(&signer, now));
    let sent = async |request: &Value| {
        let call = service.call(reqwest::Method::POST, "/v1/requests", "acms");
        send(call.header("idempotency-key", "\"k-1\"").json(request)).await
    };
    let first = sent(&request).await;
    let again = sent(&request).await;
    assert_eq!(first.body["id"], again.body["id"], "{}", again.text);
    let other = sent(&presented("a.b.c")).await;
    assert_eq!(other.status, 409, "{}", other.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_returns_is_in_the_register_no_longer() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let arrive = inbound(json!({
        "operation": "migration-service-authorization", "user": OFFICER, "services": ["mcptt"]
    }));
    let arrived = service.submit(&arrive).await;
    service.home_answers(&arrived, "accept").await;
    assert_eq!(service.get(ENTRY, "auditor").await.status, 200);
    let leave = inbound(json!({
        "operation": "migration-return", "user": OFFICER, "serving_system": DE
    }));
    let left = service.submit(&leave).await;
    assert_eq!(left.items("/outcome"), ["accept"; 3], "{}", left.text);
    assert_eq!(service.get(ENTRY, "auditor").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_details_say_what_was_chosen_and_a_release_takes_them_back() {
    let service = TestService::start().await;
    let map = json!({
        "id": DE,
        "areas": [{ "id": "nl", "shapes": [{ "type": "plmns", "plmns": ["204-08"] }], "preference": [NL] }]
    });
    create(&service, &format!("/v1/area-maps/{DE}"), &map).await;
    let mut ask = json!({
        "operation": "partner-connection-details",
        "direction": "outbound",
        "correlation_id": "de-2026-000041",
        "requesting_system": DE,
        "receiving_system": DE,
        "user": PATROL,
        "location": { "plmn": "204-08" },
        "services": ["mcptt"],
        "ue": "ue-7"
    });
    let chosen = service.submit(&ask).await;
    let selection = json!({ "result": "chosen", "system": NL, "because": "preferred-in nl" });
    assert_eq!(chosen.body["selection"], selection, "{}", chosen.text);
    assert_eq!(chosen.body["items"][0]["system"], NL);
    let path = format!("/v1/requests/{}", chosen.body["id"].as_str().unwrap());
    assert_eq!(
        service.get(&path, "auditor").await.body["selection"],
        selection
    );
    assert_eq!(service.get(ACCESS, "auditor").await.body["ue"], "ue-7");
    // Elsewhere there is no choice.
    ask["location"]["plmn"] = json!("262-01");
    let none = service.submit(&ask).await;
    assert_eq!(none.body["selection"], json!({ "result": "none" }));
    assert_eq!(none.items("/reason"), ["not-selected"]);
    for (ue, left) in [("ue-8", 200), ("ue-7", 404)] {
        let release = json!({
            "operation": "ue-release",
            "direction": "outbound",
            "correlation_id": "de-2026-000042",
            "requesting_system": DE,
            "receiving_system": NL,
            "user": PATROL,
            "ue": ue,
            "serving_system": NL
        });
        assert_eq!(service.submit(&release).await.items("/outcome"), ["accept"]);
        assert_eq!(service.get(ACCESS, "auditor").await.status, left, "{ue}");
    }
}
