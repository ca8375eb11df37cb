//! Evaluating again with an approval: exact, own, open, once, and never against policy.

use std::fs;

use comity::app::replay::replay_all;
use comity::cli::service::open_store;
use comity::identity::signing::SignedType;
use comity::identity::signing::SigningKey;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::again;
use super::approved;
use super::evaluate;
use super::part;
use super::question;
use super::question_of;
use super::start;
use super::start_by;
use super::told;
use crate::front::clock::Hands;
use crate::front::support::Answer;
use crate::front::support::NL;
use crate::front::support::TestService;
use crate::front::support::eventually;
use crate::front::support::example_documents;
use crate::front::support::send;
use crate::front::support::with;
use crate::front::support::without;

const UNVERIFIABLE: (&str, &str, bool) = ("approval_unverifiable", "none", false);
const EXPIRED: (&str, &str, bool) = ("approval_expired", "request", true);
const OUT_OF_SCOPE: (&str, &str, bool) = ("out_of_scope", "request", true);

async fn permitted(service: &TestService, question: &Value) {
    let answer = evaluate(service, question).await;
    assert_eq!(answer.body["decision"], true, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_no_bearer_grant() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    // Another caller has it.
    let other = service
        .post(EVALUATION, "operator", &again(&question(), &given))
        .await;
    assert_eq!(told(&other), UNVERIFIABLE, "{}", other.text);
    // It is of something else.
    let other = question_of("sip:officer.115@mc.nl.example");
    let other = evaluate(&service, &again(&other, &given)).await;
    assert_eq!(told(&other), OUT_OF_SCOPE, "{}", other.text);
    for changed in [
        with(&question(), "/subject/properties", json!({ "rank": 1 })),
        with(&question(), "/resource/properties", json!({})),
        with(&question(), "/context/request/justification", "another"),
        without(&question(), "/context/request/urgency"),
    ] {
        let other = evaluate(&service, &again(&changed, &given)).await;
        assert_eq!(told(&other), OUT_OF_SCOPE, "{}", other.text);
    }
    // None of that has used it.
    permitted(&service, &again(&question(), &given)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_is_not_ours_or_not_as_we_gave_it_is_refused() {
    let (service, other) = (start().await, start().await);
    let given = approved(&service, &question()).await;
    let second = approved(&service, &question()).await;
    let foreign = approved(&other, &question()).await;
    let state = given["state"].as_str().unwrap();
    let stranger = SigningKey::from_seed(&[9; 32]).unwrap();
    let seed = fs::read(service.settings().data_directory.join("signing.key")).unwrap();
    let own = SigningKey::from_seed(&seed.try_into().unwrap()).unwrap();
    let signed = |name: &str, value: Value| {
        let claims = with(&part(state, 1), &format!("/{name}"), value);
        own.sign(SignedType::Approval, &claims).unwrap()
    };
    let mut unverifiable = vec![
        json!({}),
        json!("x"),
        json!([given]),
        json!({ "id": "apr_1" }),
        json!({ "id": "00000000-0000-4000-8000-000000000000" }),
        without(&given, "/id"),
        foreign,
        with(&given, "/id", second["id"].clone()),
        with(&given, "/state", second["state"].clone()),
        with(&given, "/state", json!({ "task": 1 })),
        with(&given, "/state", state.trim_end_matches(|it| it != '.')),
    ];
    for state in [
        stranger
            .sign(SignedType::Approval, &part(state, 1))
            .unwrap(),
        own.sign(SignedType::Denial, &part(state, 1)).unwrap(),
        signed("iss", json!("https://pdp.mc.nl.example")),
        signed("aud", json!("https://pdp.mc.nl.example")),
        signed("aud", Value::Null),
        signed("jti", second["id"].clone()),
    ] {
        unverifiable.push(with(&given, "/state", state));
    }
    for presented in unverifiable {
        let answer = evaluate(&service, &again(&question(), &presented)).await;
        assert_eq!(told(&answer), UNVERIFIABLE, "{presented} {}", answer.text);
    }
    permitted(&service, &again(&question(), &given)).await;
    // Where state is shared, the name is enough.
    permitted(
        &service,
        &again(&question(), &json!({ "id": second["id"] })),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_signed_for_this_service_and_says_until_when() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let id: uuid::Uuid = given["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 4, "122 random bits");
    let state = given["state"].as_str().unwrap();
    assert_eq!(part(state, 0)["typ"], "access-approval+jwt");
    let claims = part(state, 1);
    assert_eq!(claims["iss"], super::PUBLIC_URL);
    assert_eq!(claims["aud"], super::PUBLIC_URL);
    assert_eq!(claims["jti"], given["id"]);
    assert_eq!(claims["binding_context_members"], json!(["request"]));
    let until = given["approved_until"].as_str().unwrap();
    let until: comity::domain::time::Timestamp = until.parse().unwrap();
    assert_eq!(claims["exp"], until.as_milliseconds().div_euclid(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_used_once_even_by_many_at_once() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let body = again(&question(), &given);
    let body = &body;
    let one = || service.post(EVALUATION, "acms", body);
    let answers = tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
    let answers = [
        answers.0, answers.1, answers.2, answers.3, answers.4, answers.5, answers.6, answers.7,
    ];
    let permitted = answers.iter().filter(|it| it.body["decision"] == true);
    assert_eq!(permitted.count(), 1);
    for answer in answers.iter().filter(|it| it.body["decision"] == false) {
        assert_eq!(told(answer), EXPIRED, "{}", answer.text);
    }
}

/// An evaluation under always the same key.
async fn under_one_key(service: &TestService, body: &Value) -> Answer {
    let call = service.call(Method::POST, EVALUATION, "acms");
    send(call.header("idempotency-key", "one").json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_under_its_key_is_answered_the_same_and_uses_nothing_more() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let body = again(&question(), &given);
    let call = async || under_one_key(&service, &body).await;
    let first = call().await;
    assert_eq!(first.body["decision"], true, "{}", first.text);
    let size = service.log_size().await;
    let second = call().await;
    assert_eq!(second.body, first.body);
    assert_eq!(service.log_size().await, size);
    let used = &first.body["context"]["evaluation_id"];
    let used = format!("/v1/requests/{}", used.as_str().unwrap());
    let used = service.get(&used, "auditor").await;
    assert!(used.body["access"]["evaluation"]["used"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_whose_time_is_over_is_refused_and_another_can_be_asked_for() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let given = approved(&service, &question()).await;
    hands.pass(3_600_000);
    let late = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&late), EXPIRED, "{}", late.text);
    // Forgotten since, it is still ours, and still over.
    hands.pass(25 * 3_600_000);
    let documents = example_documents();
    let write = service.post("/v1/import", "operator", &documents).await;
    assert_eq!(write.status, 200, "{}", write.text);
    let late = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&late), EXPIRED, "{}", late.text);
    let bare = json!({ "id": given["id"] });
    let bare = evaluate(&service, &again(&question(), &bare)).await;
    assert_eq!(told(&bare), UNVERIFIABLE, "{}", bare.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_never_overrides_policy() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let agreement = format!("/v1/agreements/{NL}");
    service
        .change(&agreement, |it| it["status"] = json!("suspended"))
        .await;
    let before = service.log_size().await;
    let refused = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&refused), ("policy_denied", "none", false));
    assert_eq!(service.log_size().await, before + 1, "it is recorded");
    // It was not used up: what becomes of it is decided when it can be used.
    service
        .change(&agreement, |it| it["status"] = json!("active"))
        .await;
    permitted(&service, &again(&question(), &given)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_outlives_a_suspension_and_cannot_be_used_in_it() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let agreement = format!("/v1/agreements/{NL}");
    let status = async |status: &str| {
        let change = |it: &mut Value| it["status"] = json!(status);
        service.change(&agreement, change).await;
    };
    status("suspended").await;
    for _ in 0..2 {
        let meanwhile = evaluate(&service, &again(&question(), &given)).await;
        let expected = ("policy_denied", "none", false);
        assert_eq!(told(&meanwhile), expected, "{}", meanwhile.text);
    }
    status("active").await;
    permitted(&service, &again(&question(), &given)).await;
    let used = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&used), EXPIRED, "{}", used.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_fewer_persons_than_are_asked_for_now_is_out_of_scope() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let in_force = async || {
        let policies = service.get("/v1/policies", "security-officer").await;
        policies.body["in_force"]["generation"].as_u64().unwrap()
    };
    let before = in_force().await;
    let text = "// For this test.\n@id(\"membership.since\")\n\
         @category(\"review.group-membership\")\n@response(\"manual-review\")\n\
         @reason(\"Somebody looks at these too.\")\n\
         forbid (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
         when { context.direction == \"inbound\" };\n";
    fs::write(service.policy_file("review/since.cedar"), text).unwrap();
    eventually("the publication", async || {
        (in_force().await > before).then_some(())
    })
    .await;
    let refused = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&refused), OUT_OF_SCOPE, "{}", refused.text);
    let anew = approved(&service, &question()).await;
    permitted(&service, &again(&question(), &anew)).await;
}

const PERMIT: &str = "review/one-permit.cedar";

fn permit(response: &str) -> String {
    format!(
        "// For this test.\n@id(\"membership.one-permit\")\n\
         @category(\"group-membership.one-permit\")\n@response(\"{response}\")\n\
         @reason(\"For this test.\")\n\
         permit (principal, action == MCX::Action::\"addGroupMember\", resource);\n"
    )
}

/// Lets policy answer additions in this way, by the one permit that there is for them.
async fn publish_permit(service: &TestService, response: &str) {
    let in_force = async || {
        let policies = service.get("/v1/policies", "security-officer").await;
        policies.body["in_force"]["generation"].as_u64().unwrap()
    };
    let before = in_force().await;
    fs::write(service.policy_file(PERMIT), permit(response)).unwrap();
    eventually("the publication", async || {
        (in_force().await > before).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_approved_by_itself_stands_for_no_person() {
    let service = TestService::start_with(|settings| {
        super::offering(settings);
        let file = settings.policies.join("review/group-membership.cedar");
        let text = fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once("// A visiting officer asks").unwrap();
        let (_, after) = rest.split_once("// The group has additions").unwrap();
        fs::write(&file, format!("{before}// The group has additions{after}")).unwrap();
        fs::write(settings.policies.join(PERMIT), permit("manual-review")).unwrap();
    })
    .await;
    let agreement = format!("/v1/agreements/{NL}");
    service
        .change(&agreement, |it| it["acm"]["members_max"] = json!(10))
        .await;
    let denied = super::denied(&service, &question()).await;
    publish_permit(&service, "automatic").await;
    let asked = super::asking(&question(), &denied);
    let answer = service.post(super::REQUESTS, "acms", &asked).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.body["task"]["status"], "approved");
    let given = answer.body["result"]["approval"].clone();
    publish_permit(&service, "manual-review").await;
    let held = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&held), OUT_OF_SCOPE, "{}", held.text);
    // Where policy permits, no approval is needed, and none is used.
    publish_permit(&service, "automatic").await;
    permitted(&service, &again(&question(), &given)).await;
    permitted(&service, &question()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_since_is_not_approved() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let other = approved(&service, &question()).await;
    permitted(&service, &again(&question(), &other)).await;
    let delete = crate::front::support::membership(&[crate::front::support::OFFICER]);
    let mut delete = with(&delete, "/change", "delete");
    delete["correlation_id"] = json!("nl-2026-000918");
    let deleted = service.submit(&delete).await;
    assert_eq!(deleted.items("/state"), ["granted"], "{}", deleted.text);
    let refused = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&refused), EXPIRED, "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_was_revoked_is_refused() {
    let service = start().await;
    let task = super::asked(&service, &question()).await;
    let held = super::held(&task);
    service
        .respond(&held, &crate::front::support::approval())
        .await;
    let given = service.get(&task, "acms").await.body["result"]["approval"].clone();
    let revoke = json!({
        "reason": "a mistake", "revoked_by": crate::front::support::DISPATCHER
    });
    let path = format!("{held}/revocation");
    let revoked = service.post(&path, "reviewer", &revoke).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert_eq!(revoked.items("/state"), ["revoked"]);
    // It wrote nothing and obliged nobody, so there is nothing to undo.
    assert_eq!(revoked.items("/undo"), [Value::Null]);
    let refused = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&refused), EXPIRED, "{}", refused.text);
    // The task has ended as it did.
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "approved");
    // What was used is revoked where it was granted.
    let task = super::asked(&service, &question()).await;
    let held = super::held(&task);
    service
        .respond(&held, &crate::front::support::approval())
        .await;
    let given = service.get(&task, "acms").await.body["result"]["approval"].clone();
    let used = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(used.body["decision"], true, "{}", used.text);
    let path = format!("{held}/revocation");
    let late = service.post(&path, "reviewer", &revoke).await;
    assert_eq!(late.problem(), (409, "not-granted"), "{}", late.text);
    let evaluation = &used.body["context"]["evaluation_id"];
    let path = format!("/v1/requests/{}/revocation", evaluation.as_str().unwrap());
    let revoked = service.post(&path, "reviewer", &revoke).await;
    assert_eq!(revoked.items("/state"), ["revoked"], "{}", revoked.text);
}

/// Nor what has ended by its time meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_after_the_end_of_its_grant_permits_nothing() {
    let hands = Hands::new();
    let service = start_by(hands.clone()).await;
    let until = hands.moment(60_000);
    let end = |agreement: &mut Value| agreement["valid_until"] = json!(until);
    service.change(&format!("/v1/agreements/{NL}"), end).await;
    let given = approved(&service, &question()).await;
    let body = again(&question(), &given);
    let first = under_one_key(&service, &body).await;
    assert_eq!(first.body["decision"], true, "{}", first.text);
    let limits = &first.body["context"]["urn:comity:decision"]["limits"];
    assert_eq!(limits["end_time"], until, "{}", first.text);
    for _ in 0..15 {
        hands.pass(4_000);
    }
    let second = under_one_key(&service, &body).await;
    assert_eq!(second.body["decision"], false, "{}", second.text);
    // Its time and that of the agreement are over at once: whichever is written first.
    let reason = second.body["context"]["reason"].as_str().unwrap();
    assert!(["revoked", "ended"].contains(&reason), "{}", second.text);
}

/// Who repeats an evaluation is told how things stand: nobody takes up what was revoked or withdrawn meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_after_a_revocation_permits_nothing() {
    let service = start().await;
    let given = approved(&service, &question()).await;
    let body = again(&question(), &given);
    let call = async || under_one_key(&service, &body).await;
    let first = call().await;
    assert_eq!(first.body["decision"], true, "{}", first.text);
    let id = first.body["context"]["evaluation_id"].as_str().unwrap();
    let revoke = json!({
        "reason": "a mistake", "revoked_by": crate::front::support::DISPATCHER
    });
    let path = format!("/v1/requests/{id}/revocation");
    let revoked = service.post(&path, "reviewer", &revoke).await;
    assert_eq!(revoked.items("/state"), ["revoked"], "{}", revoked.text);
    let second = call().await;
    assert_eq!(second.body["decision"], false, "{}", second.text);
    assert_eq!(second.body["context"]["reason"], "revoked");
    let ours = &second.body["context"]["urn:comity:decision"];
    assert_eq!(ours["obligations"], json!([]), "{}", second.text);
    assert_eq!(ours["limits"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_survive_a_start_and_every_decision_replays() {
    let mut service = start().await;
    let given = approved(&service, &question()).await;
    let second = approved(&service, &question()).await;
    service.stop().await;
    service.resume().await.unwrap();
    permitted(&service, &again(&question(), &given)).await;
    service.stop().await;
    service.resume().await.unwrap();
    let used = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&used), EXPIRED, "{}", used.text);
    // What is lost of the projection follows from the log.
    service.stop().await;
    let data = service.settings().data_directory.clone();
    for found in fs::read_dir(&data).unwrap() {
        let path = found.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains("projection") || name.contains("snapshot") {
            let _gone = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
    service.resume().await.unwrap();
    let used = evaluate(&service, &again(&question(), &given)).await;
    assert_eq!(told(&used), EXPIRED, "{}", used.text);
    permitted(&service, &again(&question(), &second)).await;
    service.stop().await;
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 0, "{report:?}");
    assert!(report.decisions >= 8, "{report:?}");
}
