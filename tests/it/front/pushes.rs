//! Two first pushes of UE configuration side by side: the second is compared with what the first left.

use std::fs;

use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::NL;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::inbound;
use super::support::send;

const STORED: &str = "/v1/ue-configurations/mc.nl.example";

fn push(apn: &str, kms: &str) -> Value {
    inbound(json!({
        "operation": "ue-configuration-push",
        "requester": { "mc_service_id": REQUESTER },
        "mc_system_id": NL,
        "configuration": {
            "mc_system_id": NL,
            "pdn_connectivity": [{ "hplmn": "204-04", "mc_services": { "apn": apn } }],
            "servers": {
                "idms": "https://idms.mc.nl.example", "gms": "https://gms.mc.nl.example",
                "cms": "https://cms.mc.nl.example", "kms": kms
            }
        }
    }))
}

const KMS: &str = "https://kms.mc.nl.example";

fn evaluated(answer: &Answer) -> Vec<String> {
    let responses = answer.body["responses"].as_array().unwrap();
    let policies = responses.last().unwrap()["evaluated"][0]["policies"].as_array();
    let ids = policies.unwrap().iter().map(|policy| policy["id"].as_str());
    ids.map(|id| id.unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_is_compared_with_the_first() {
    let service = TestService::start().await;
    let first = service.submit_held(&push("mc.first", KMS)).await;
    let second = service
        .submit_held(&push("mc.first", "https://kms.elsewhere.example"))
        .await;
    let answered = service.respond(&first, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    assert!(evaluated(&answered).contains(&"configuration.first-push".to_owned()));
    let answered = service.respond(&second, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    // Of all that counted as changed when it was held, one element is changed now; its reviewer saw that hold.
    assert_eq!(
        evaluated(&answered),
        ["configuration.key-management-changes"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_the_reviewer_could_not_see_keeps_the_second_pending() {
    let service = TestService::start_with(|settings| {
        let policy = r#"
// Whoever changes an access point after the first push tells why.
@id("configuration.later-apn-change")
@category("review.ue-configuration")
@response("manual-review")
forbid (principal, action == MCX::Action::"pushUeConfiguration", resource)
when { context.direction == "inbound" && !context.first_push && context.changes.contains("apn") };
"#;
        let path = settings.policies.join("review/later.cedar");
        fs::write(path, policy).unwrap();
    })
    .await;
    let first = service.submit_held(&push("mc.first", KMS)).await;
    let second = service.submit_held(&push("mc.second", KMS)).await;
    let answered = service.respond(&first, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    let stored = service.get(STORED, "auditor").await;
    let answered = service.respond(&second, &approval()).await;
    assert_eq!(answered.body["status"], "pending", "{}", answered.text);
    assert!(evaluated(&answered).contains(&"configuration.later-apn-change".to_owned()));
    let kept = service.get(STORED, "auditor").await;
    assert_eq!(kept.header("etag"), stored.header("etag"));
    // Now it has been seen.
    let answered = service.respond(&second, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    let replaced = service.get(STORED, "auditor").await;
    assert_ne!(replaced.header("etag"), stored.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_at_once_the_later_sees_what_the_earlier_left() {
    let service = TestService::start().await;
    let mut calls = Vec::new();
    for kms in [KMS, "https://kms.elsewhere.example"] {
        let path = service.submit_held(&push("mc.first", kms)).await;
        let path = format!("{path}/responses");
        let call = service.call(reqwest::Method::POST, &path, "reviewer");
        calls.push(tokio::spawn(send(call.json(&approval()))));
    }
    let mut firsts = 0;
    for call in calls {
        let answered = call.await.unwrap();
        assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
        firsts +=
            usize::from(evaluated(&answered).contains(&"configuration.first-push".to_owned()));
    }
    assert_eq!(firsts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_no_room_for_a_secret() {
    let service = TestService::start().await;
    for address in [
        "https://user:hidden@kms.mc.nl.example/keys",
        "https://hidden@kms.mc.nl.example",
        "https://kms.mc.nl.example/?key=hidden",
        "https://kms.mc.nl.example/#hidden",
        "sip:kms:hidden@mc.nl.example",
        "hidden@kms.mc.nl.example",
    ] {
        let refused = service.submit(&push("mc.nl", address)).await;
        assert_eq!(
            refused.problem(),
            (422, "invalid-input"),
            "{}",
            refused.text
        );
        assert_eq!(refused.pointers(), ["/configuration/servers/kms"]);
        assert!(!refused.text.contains("hidden"), "{}", refused.text);
    }
    for address in [
        "https://kms.mc.nl.example:8443/keys/@now",
        "sip:kms@mc.nl.example;transport=tls",
        "kms.mc.nl.example",
    ] {
        service.submit_held(&push("mc.nl", address)).await;
    }
    let mut servers = push("mc.nl", KMS);
    servers["configuration"]["servers"]["mc_service_servers"] =
        json!({ "mcptt": "sip:mcptt:hidden@mc.nl.example" });
    let refused = service.submit(&servers).await;
    let place = "/configuration/servers/mc_service_servers/mcptt";
    assert_eq!(refused.pointers(), [place], "{}", refused.text);
}
