//! Access to a partner through the interface: to whom it belongs, from which UE, under which identities, and until when.

use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::inbound;

const BE: &str = "mc.be.example";
const PATROL: &str = "sip:streife.12@mc.de.example";
const DISPATCHER: &str = "sip:dispatch.1@mc.de.example";

fn grant(serving: &str, user: &str) -> String {
    format!(
        "/v1/access-grants/{serving};{}",
        user.trim_start_matches("sip:")
    )
}

/// Both users may migrate to either partner, and any place will do.
async fn furnish(service: &TestService) {
    for user in ["patrol-12", "dispatch-1"] {
        let may_go = |user: &mut Value| {
            user["partners"] = json!([
                { "system": NL, "migration": ["mcptt"] }, { "system": BE, "migration": ["mcptt"] }
            ]);
        };
        service.change(&format!("/v1/users/{user}"), may_go).await;
    }
    for partner in [NL, BE] {
        let outbound = |agreement: &mut Value| {
            agreement["status"] = json!("active");
            agreement["migration"]["outbound"] = json!(true);
        };
        service
            .change(&format!("/v1/agreements/{partner}"), outbound)
            .await;
    }
}

async fn details(service: &TestService, user: &str, partner: &str, ue: &str) -> Answer {
    let answer = service
        .submit(&json!({
            "operation": "partner-connection-details",
            "direction": "outbound",
            "correlation_id": "de-2026-000051",
            "requesting_system": DE,
            "receiving_system": DE,
            "user": user,
            "partner": partner,
            "location": { "plmn": "204-08" },
            "services": ["mcptt"],
            "ue": ue
        }))
        .await;
    assert_eq!(
        answer.body["selection"]["system"], partner,
        "{}",
        answer.text
    );
    answer
}

async fn is_there(service: &TestService, serving: &str, user: &str) -> bool {
    let found = service.get(&grant(serving, user), "auditor").await;
    assert!([200, 404].contains(&found.status), "{}", found.text);
    found.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn access_ends_with_another_partner_with_another_user_and_in_time() {
    let service = TestService::start().await;
    furnish(&service).await;
    let first = details(&service, PATROL, NL, "ue-7").await;
    let kept = service.get(&grant(NL, PATROL), "auditor").await;
    assert!(kept.body["expires_at"].is_string(), "{}", kept.text);
    assert_ne!(kept.body["expires_at"], first.body["decided_at"]);
    // What they have from another UE is another matter.
    details(&service, PATROL, BE, "ue-8").await;
    assert!(is_there(&service, NL, PATROL).await);
    details(&service, PATROL, BE, "ue-7").await;
    assert!(!is_there(&service, NL, PATROL).await);
    assert!(is_there(&service, BE, PATROL).await);
    let size = service.log_size().await;
    let next = details(&service, DISPATCHER, NL, "ue-7").await;
    assert!(!is_there(&service, BE, PATROL).await);
    assert!(is_there(&service, NL, DISPATCHER).await);
    assert_eq!(service.log_size().await, size + 1, "one entry of the log");
    assert!(
        next.text.contains("release-previous-outbound-identities"),
        "{}",
        next.text
    );
    assert!(!next.text.contains("streife"), "{}", next.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_knows_again_what_it_bound() {
    let service = TestService::start().await;
    furnish(&service).await;
    details(&service, PATROL, NL, "ue-7").await;
    let bind = |user: &str, private: &str| {
        json!({
            "operation": "outbound-migration-identities", "direction": "outbound",
            "correlation_id": "de-2026-000052", "requesting_system": DE, "receiving_system": NL,
            "user": user, "sip_private_identity": private,
            "sip_public_identity": "sip:x7f3@ims.de.example"
        })
    };
    let bound = service.submit(&bind(PATROL, "x7f3@ims.de.example")).await;
    assert_eq!(bound.items("/outcome"), ["accept"], "{}", bound.text);
    let kept = service.get(&grant(NL, PATROL), "auditor").await;
    assert_eq!(
        kept.body["sip"]["sip_private_identity"],
        "x7f3@ims.de.example"
    );
    assert_eq!(kept.body["aliased"], true, "{}", kept.text);
    let mut register = inbound(json!({
        "operation": "sip-registration", "user": PATROL, "ue": "ue-7",
        "sip_private_identity": "x7f3@ims.de.example",
        "sip_public_identity": "sip:x7f3@ims.de.example"
    }));
    register["direction"] = json!("home-consent");
    let registered = service.submit(&register).await;
    assert_eq!(
        registered.items("/outcome"),
        ["accept"],
        "{}",
        registered.text
    );
    // Where to go is asked again: what was bound stays.
    details(&service, PATROL, NL, "ue-7").await;
    register["sip_private_identity"] = json!("other@ims.de.example");
    let refused = service.submit(&register).await;
    assert_eq!(refused.items("/outcome"), ["reject"], "{}", refused.text);
    assert!(refused.text.contains("access.bound-identities"));
    // Nobody else gets them.
    details(&service, DISPATCHER, NL, "ue-9").await;
    let taken = service.submit(&bind(DISPATCHER, "y1@ims.de.example")).await;
    assert!(
        taken.text.contains("access.identity-free"),
        "{}",
        taken.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gives_a_ue_to_its_next_user() {
    let service = TestService::start().await;
    let ask = |user: &str, name: &str| {
        inbound(json!({
            "operation": "partner-system-access", "user": user, "ue": "ue-7",
            "home_sip_database": "slf.nl.example",
            "sip_private_identity": format!("{name}@ims.nl.example"),
            "sip_public_identity": format!("sip:{name}@ims.nl.example"),
            "services": ["mcptt"]
        }))
    };
    let other = "sip:officer.116@mc.nl.example";
    let first = service.submit(&ask(OFFICER, "a1")).await;
    assert_eq!(first.items("/outcome"), ["accept"], "{}", first.text);
    assert!(is_there(&service, DE, OFFICER).await);
    let next = service.submit(&ask(other, "b2")).await;
    assert_eq!(next.items("/outcome"), ["accept"], "{}", next.text);
    let obligations = next.body["items"][0]["obligations"].as_array().unwrap();
    let release = obligations
        .iter()
        .find(|it| it["name"] == "release-previous-inbound-identities")
        .unwrap();
    assert_eq!(release["parameters"]["ue"], "ue-7");
    assert!(!is_there(&service, DE, OFFICER).await);
    assert!(is_there(&service, DE, other).await);
    // An identity of ours makes nobody native.
    let native = service.submit(&ask(OFFICER, "c3")).await;
    assert_eq!(native.items("/outcome"), ["accept"], "{}", native.text);
    let mut native = ask(OFFICER, "c3");
    native["sip_public_identity"] = json!(PATROL);
    let refused = service.submit(&native).await;
    assert_eq!(refused.items("/outcome"), ["reject"], "{}", refused.text);
    assert!(refused.text.contains("access.identity-system"));
}
