//! Submitting an access request: bound to a denial of ours, in time, once.

use comity::identity::signing::SignedType;
use comity::identity::signing::SigningKey;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::PUBLIC_URL;
use super::REQUESTS;
use super::asking;
use super::denied;
use super::evaluate;
use super::held;
use super::part;
use super::path;
use super::problem;
use super::question;
use super::start;
use super::start_by;
use super::submit_under;
use crate::front::clock::Hands;
use crate::front::support::Answer;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::send;
use crate::front::support::with;
use crate::front::support::without;

const UNBOUND: (u16, &str) = (400, "invalid_denial_binding");
const TOKEN: &str = "/denial/binding_token";

async fn submit(service: &TestService, body: &Value) -> Answer {
    service.post(REQUESTS, "acms", body).await
}

/// Refused, and nothing was recorded.
async fn refused(service: &TestService, body: &Value, expected: (u16, &str)) {
    let before = service.log_size().await;
    let answer = submit(service, body).await;
    assert_eq!(problem(&answer), expected, "{body} {}", answer.text);
    assert_eq!(service.log_size().await, before);
}

/// A token with other claims, signed by another key than ours unless it is left as it was.
fn forged(token: &str, change: impl FnOnce(&mut Value), key: Option<&SigningKey>) -> String {
    let mut claims = part(token, 1);
    change(&mut claims);
    if let Some(key) = key {
        return key.sign(SignedType::Denial, &claims).unwrap();
    }
    let claims = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{claims}.{}", parts[0], parts[2])
}

fn token(asked: &Value) -> String {
    asked["denial"]["binding_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The key of a service, to sign what it never signed.
fn key_of(service: &TestService) -> SigningKey {
    let seed = std::fs::read(service.settings().data_directory.join("signing.key")).unwrap();
    SigningKey::from_seed(&seed.try_into().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_without_verifiable_binding_is_refused() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    for unbound in [
        without(&asked, "/denial"),
        with(&asked, "/denial", "x"),
        with(&asked, "/denial", json!({})),
        without(&asked, "/denial/expires_at"),
        with(&asked, "/denial/expires_at", "soon"),
        without(&without(&asked, TOKEN), "/denial/evaluation_id"),
        with(&without(&asked, TOKEN), "/denial/evaluation_id", "eval_1"),
        with(
            &without(&asked, TOKEN),
            "/denial/evaluation_id",
            "00000000-0000-4000-8000-000000000000",
        ),
        with(&asked, TOKEN, "x"),
        with(&asked, TOKEN, "a.b.c"),
    ] {
        refused(&service, &unbound, UNBOUND).await;
    }
    assert_eq!(submit(&service, &asked).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_token_that_we_did_not_sign_as_it_is_is_refused() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let genuine = token(&asked);
    let other = SigningKey::from_seed(&[9; 32]).unwrap();
    let none = json!({ "alg": "none", "typ": "access-request-binding+jwt", "kid": part(&genuine, 0)["kid"] });
    let none = BASE64URL_NOPAD.encode(none.to_string().as_bytes());
    let payload = genuine.split('.').nth(1).unwrap();
    let later = |claims: &mut Value| claims["exp"] = json!(i64::MAX / 2);
    for token in [
        forged(&genuine, later, None),
        forged(&genuine, |_| {}, Some(&other)),
        format!("{none}.{payload}."),
        genuine.trim_end_matches(|it| it != '.').to_owned(),
    ] {
        refused(&service, &with(&asked, TOKEN, token), UNBOUND).await;
    }
    // The key alone is not enough: it is for this service, and for this use.
    let own = key_of(&service);
    let claim = |name: &'static str, value: Value| {
        let forged = forged(&genuine, |claims| claims[name] = value, Some(&own));
        with(&asked, TOKEN, forged)
    };
    for body in [
        claim("iss", json!("https://pdp.mc.nl.example")),
        claim("aud", json!(PUBLIC_URL)),
        claim("aud", json!([])),
        claim("aud", Value::Null),
        claim("binding_context_members", json!([])),
        claim("binding_hash", json!("AAAA")),
        claim("client_id", json!("operator")),
        claim(
            "evaluation_id",
            json!("00000000-0000-4000-8000-000000000000"),
        ),
        claim("denial_expires_at", json!("2999-01-01T00:00:00.000Z")),
        claim("exp", Value::Null),
    ] {
        refused(&service, &body, UNBOUND).await;
    }
    let approval = own.sign(SignedType::Approval, &part(&genuine, 1)).unwrap();
    refused(&service, &with(&asked, TOKEN, approval), UNBOUND).await;
    // One audience among several is enough.
    let several = json!([
        "https://elsewhere.example",
        format!("{PUBLIC_URL}{REQUESTS}")
    ]);
    let answer = submit(&service, &claim("aud", several)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_service_is_refused() {
    let (one, other) = (start().await, start().await);
    let asked = asking(&question(), &denied(&one, &question()).await);
    refused(&other, &asked, UNBOUND).await;
    refused(&other, &without(&asked, TOKEN), UNBOUND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_subject_resource_action_or_context_is_refused() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let by_id = without(&asked, TOKEN);
    for whole in [&asked, &by_id] {
        for body in [
            with(whole, "/subject/id", "sip:control.4@mc.nl.example"),
            with(whole, "/subject/properties", json!({ "rank": 1 })),
            with(whole, "/resource/id", "sip:other@mc.de.example"),
            with(whole, "/action/name", "affiliation"),
            with(
                whole,
                "/context/request/members",
                json!(["sip:officer.115@mc.nl.example"]),
            ),
            with(whole, "/context/request/change", "delete"),
            with(whole, "/context/request/justification", "another"),
            without(whole, "/context/request/urgency"),
            without(whole, "/context/request"),
            without(whole, "/context"),
        ] {
            refused(&service, &body, UNBOUND).await;
        }
    }
    // What does not count may be said otherwise: an actor, and all other context.
    let mut other = asked.clone();
    other["context"]["time"] = json!("2026-11-21T12:00:00Z");
    assert_eq!(submit(&service, &other).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_in_the_evaluation_may_be_left_out() {
    let service = start().await;
    let properties = json!({ "act": { "sub": "agent" } });
    let acting = with(&question(), "/subject/properties", properties);
    let asked = asking(&acting, &denied(&service, &acting).await);
    let plain = with(&asked, "/subject/properties", json!({}));
    assert_eq!(submit(&service, &plain).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_told_to_another_caller_is_refused() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    for body in [&asked, &without(&asked, TOKEN)] {
        let answer = service.post(REQUESTS, "operator", body).await;
        assert_eq!(problem(&answer), UNBOUND, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evaluation_identifier_alone_binds_too() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let by_id = without(&asked, TOKEN);
    // What is told of the time is not believed, where it is later.
    let later = with(&by_id, "/denial/expires_at", "2999-01-01T00:00:00Z");
    let answer = submit(&service, &later).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_requestable_is_refused() {
    let service = start().await;
    let mut unheld = question();
    let elements = &mut unheld["context"]["request"];
    elements["peer"]["system"] = json!("mc.fr.example");
    elements["requesting_system"] = json!("mc.fr.example");
    let rejected = evaluate(&service, &unheld).await;
    let mut asked = asking(&unheld, &rejected);
    asked["denial"] = json!({
        "evaluation_id": rejected.body["context"]["evaluation_id"],
        "expires_at": "2999-01-01T00:00:00Z",
    });
    refused(&service, &asked, (400, "not_requestable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_is_too_old_is_gone() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let told = part(&token(&asked), 1)["exp"].as_i64().unwrap() * 1_000;
    let now = comity::app::clock::WallClock::wall_milliseconds(&hands);
    hands.pass(told - now);
    let gone = (410, "expired_denial");
    refused(&service, &asked, gone).await;
    let by_id = without(&asked, TOKEN);
    refused(&service, &by_id, gone).await;
    let later = with(&by_id, "/denial/expires_at", "2999-01-01T00:00:00Z");
    refused(&service, &later, gone).await;
    // The protected time is compared before it is relied on.
    let later = with(&asked, "/denial/expires_at", "2999-01-01T00:00:00Z");
    refused(&service, &later, UNBOUND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_earlier_of_both_times_counts() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    // A token of ours that ends earlier than the denial.
    let soon = |claims: &mut Value| claims["exp"] = json!(claims["exp"].as_i64().unwrap() - 590);
    let token = forged(&token(&asked), soon, Some(&key_of(&service)));
    let asked = with(&asked, TOKEN, token);
    hands.pass(11_000);
    refused(&service, &asked, (410, "expired_denial")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_submission_is_the_same_task() {
    let mut service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let first = submit_under(&service, "one", &asked).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let size = service.log_size().await;
    // The same body, its members in another order.
    let mut members: Vec<(String, Value)> =
        asked.as_object().unwrap().clone().into_iter().collect();
    members.reverse();
    let reordered = Value::Object(members.into_iter().collect());
    assert_ne!(reordered.to_string(), asked.to_string());
    let second = submit_under(&service, "one", &reordered).await;
    assert_eq!((second.status, &second.body), (202, &first.body));
    assert_eq!(service.log_size().await, size);
    let other = with(&asked, "/context/business_justification", "another");
    let other = submit_under(&service, "one", &other).await;
    assert_eq!(problem(&other), (409, "duplicate_request"));
    // It is still the same after a start, after the answer, and when the denial is too old.
    service.stop().await;
    service.resume().await.unwrap();
    let answered = service.respond(&held(&path(&first)), &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let third = submit_under(&service, "one", &asked).await;
    assert_eq!(third.status, 201, "{}", third.text);
    assert_eq!(third.body["task"]["id"], first.body["task"]["id"]);
    assert_eq!(third.body["task"]["status"], "approved");
    // Keys of other calls are others.
    let call = service.call(Method::POST, EVALUATION, "acms");
    let call = call.header("idempotency-key", "one");
    assert_eq!(send(call.json(&question())).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_known_under_its_key_as_long_as_its_task_is_told_of() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let first = submit_under(&service, "one", &asked).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let answered = service.respond(&held(&path(&first)), &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    // A day after the end the store forgets the key.
    hands.pass(26 * 3_600_000);
    let documents = crate::front::support::example_documents();
    let write = service.post("/v1/import", "operator", &documents).await;
    assert_eq!(write.status, 200, "{}", write.text);
    for repeated in [asked.clone(), without(&asked, "/denial/evaluation_id")] {
        let again = submit_under(&service, "one", &repeated).await;
        let expected = if repeated == asked {
            (201, first.body["task"]["id"].as_str())
        } else {
            (409, None)
        };
        let found = (again.status, again.body["task"]["id"].as_str());
        assert_eq!(found, expected, "{}", again.text);
    }
    let other = submit_under(&service, "other", &asked).await;
    assert_eq!(problem(&other), (410, "expired_denial"), "{}", other.text);
    hands.pass(26 * 3_600_000);
    let late = submit_under(&service, "one", &asked).await;
    assert_eq!(problem(&late), (410, "task_expired"), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_good_for_one_access_request() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    assert_eq!(submit(&service, &asked).await.status, 202);
    refused(&service, &asked, UNBOUND).await;
    refused(&service, &without(&asked, TOKEN), UNBOUND).await;
    let other_key = submit_under(&service, "other", &asked).await;
    assert_eq!(problem(&other_key), UNBOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_submissions_at_once_one_is_taken() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let calls = (0..8).map(|_| submit(&service, &asked));
    let mut taken = 0;
    for answer in futures(calls).await {
        if answer.status == 202 {
            taken += 1;
        } else {
            assert_eq!(problem(&answer), UNBOUND, "{}", answer.text);
        }
    }
    assert_eq!(taken, 1);
}

/// All at once.
async fn futures<F: Future<Output = Answer>>(calls: impl Iterator<Item = F>) -> Vec<Answer> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut answers: Vec<Option<Answer>> = calls.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        let mut waits = false;
        for (call, answer) in calls.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match call.as_mut().poll(context) {
                    std::task::Poll::Ready(told) => *answer = Some(told),
                    std::task::Poll::Pending => waits = true,
                }
            }
        }
        if waits {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(answers.iter_mut().filter_map(Option::take).collect())
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_nothing_proves_is_refused() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let client =
        json!({ "id": "pep-1", "actor": { "id": "agent", "issuer": "https://agents.example" } });
    let acting = with(&asked, "/client", client);
    let answer = submit(&service, &acting).await;
    assert_eq!(answer.problem(), (403, "actor-not-verified"));
    // Where it comes from may be said, for the record.
    let client = json!({ "id": "pep-1", "source": { "session_id": "s" } });
    let answer = submit(&service, &with(&asked, "/client", client)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_nobody_registered_is_refused() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    for endpoint in ["https://pep.example/callback", "https://127.0.0.1/callback"] {
        let callback = json!({ "endpoint": endpoint });
        let answer = submit(&service, &with(&asked, "/callback", callback)).await;
        assert_eq!(answer.problem(), (400, "callback-refused"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn template_and_requested_access_grant_nothing() {
    let service = start().await;
    let mut asked = asking(&question(), &denied(&service, &question()).await);
    asked["denial"]["template"] = json!("automatic");
    asked["requested_access"] = json!({ "emergency": true, "role": "administrator", "x": 1 });
    asked["display"] = json!({ "title": "approved" });
    let answer = submit(&service, &asked).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.body["task"]["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_bad_request_with_its_places() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    for (body, place) in [
        (json!(7), ""),
        (without(&asked, "/subject"), "/subject"),
        (without(&asked, "/resource"), "/resource"),
        (without(&asked, "/action"), "/action"),
        (with(&asked, "/items", json!([])), "/items"),
        (with(&asked, "/items", json!([1])), "/items/0"),
        (with(&asked, "/requested_access", 1), "/requested_access"),
        (
            with(
                &asked,
                "/requested_access",
                json!({ "requested_until": "soon" }),
            ),
            "/requested_access/requested_until",
        ),
        (
            with(
                &asked,
                "/requested_access",
                json!({ "requested_until": "2020-01-01T00:00:00Z" }),
            ),
            "/requested_access/requested_until",
        ),
    ] {
        let answer = submit(&service, &body).await;
        assert_eq!(answer.problem(), (400, "invalid-access-body"), "{body}");
        assert!(answer.pointers().contains(&place), "{body} {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_refuses_meanwhile_is_denied_and_what_it_permits_is_approved() {
    let service = start().await;
    let asked = asking(&question(), &denied(&service, &question()).await);
    let agreement = format!("/v1/agreements/{}", crate::front::support::NL);
    service
        .change(&agreement, |it| it["status"] = json!("suspended"))
        .await;
    let answer = submit(&service, &asked).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.body["task"]["status"], "denied");
    assert_eq!(answer.body["result"], Value::Null);
}
