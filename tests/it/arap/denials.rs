//! The requestable denial.

use serde_json::json;

use super::EVALUATION;
use super::PUBLIC_URL;
use super::REQUESTS;
use super::denied;
use super::part;
use super::question;
use super::start_by;
use crate::front::clock::Hands;
use crate::front::support::OFFICER;
use crate::front::support::TestService;
use crate::front::support::membership;

const HOUR: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_requestable_denial_says_until_when_and_where() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let denied = denied(&service, &question()).await;
    let context = &denied.body["context"];
    let requestable = &context["access_request"];
    assert_eq!(requestable["endpoint"], format!("{PUBLIC_URL}{REQUESTS}"));
    let template = "group-membership.visiting-officer";
    assert_eq!(requestable["template"], template);
    let expires_at = requestable["expires_at"].as_str().unwrap();
    assert!(expires_at <= hands.moment(600_000).as_str(), "{expires_at}");
    assert!(expires_at > hands.moment(598_000).as_str(), "{expires_at}");
    assert_eq!(context["evaluated_at"], hands.moment(0));
    // Nothing of our policies is told.
    assert!(!denied.text.contains("membership.group-reviews-additions"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requestable_denial_is_bound_by_a_signed_token() {
    let service = start_by(Hands::new()).await;
    let question = question();
    let denied = denied(&service, &question).await;
    let context = &denied.body["context"];
    let requestable = &context["access_request"];
    let token = requestable["binding_token"].as_str().unwrap();
    let header = part(token, 0);
    assert_eq!(header["alg"], "EdDSA");
    assert_eq!(header["typ"], "access-request-binding+jwt");
    let claims = part(token, 1);
    assert_eq!(claims["iss"], PUBLIC_URL);
    assert_eq!(claims["aud"], format!("{PUBLIC_URL}{REQUESTS}"));
    assert_eq!(claims["evaluation_id"], context["evaluation_id"]);
    assert_eq!(claims["jti"], context["evaluation_id"]);
    assert_eq!(claims["denial_expires_at"], requestable["expires_at"]);
    assert_eq!(claims["binding_context_members"], json!(["request"]));
    let until: comity::domain::time::Timestamp =
        requestable["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(claims["exp"], until.as_milliseconds() / 1_000);
    // The digest as the profile builds it.
    let bound = json!({
        "subject": question["subject"], "resource": question["resource"],
        "action": question["action"],
        "context": { "request": question["context"]["request"] },
    });
    let bound = comity::domain::wire::canonical_json(&bound);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(bound.as_bytes());
    let digest = data_encoding::BASE64URL_NOPAD.encode(&digest);
    assert_eq!(claims["binding_hash"], digest);
    // It says nothing of whom it is about.
    assert!(!claims.to_string().contains("officer.114"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_ends_earlier_ends_the_denial() {
    let service = TestService::start_with(|settings| {
        super::offering(settings);
        if let Some(offer) = &mut settings.access_offer {
            offer.denial_seconds = 86_400;
        }
    })
    .await;
    let held = service.submit(&membership(&[OFFICER])).await;
    let ends_at: comity::domain::time::Timestamp = held.body["items"][0]["expires_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let denied = denied(&service, &question()).await;
    let requestable = &denied.body["context"]["access_request"];
    let until: comity::domain::time::Timestamp =
        requestable["expires_at"].as_str().unwrap().parse().unwrap();
    let later = until.as_milliseconds() - ends_at.as_milliseconds();
    assert!((-1_000..HOUR / 4).contains(&later), "{}", denied.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_with_its_approval_is_not_requestable_here() {
    let service = start_by(Hands::new()).await;
    let authorise = |user: &mut serde_json::Value| {
        let operations = user["acm_operations"].as_array_mut().unwrap();
        operations.push(json!("automatic-response-change"));
    };
    service.change("/v1/users/dispatch-1", authorise).await;
    let answer = service
        .post(
            EVALUATION,
            "acms",
            &json!({
                "subject": { "type": "user", "id": "sip:dispatch.1@mc.de.example" },
                "action": { "name": "automatic-response-change" },
                "resource": { "type": "system", "id": "mc.de.example" },
                "context": { "request": {
                    "direction": "outbound", "correlation_id": "de-2",
                    "requesting_system": "mc.de.example",
                    "responses": [{
                        "category": "group-membership.visiting-officer", "response": "reject"
                    }],
                }}
            }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(super::told(&answer), ("held", "not told", false));
}
