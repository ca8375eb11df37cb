//! A reviewer answers what they saw: what has changed since in a way that could matter has them look again.

use std::fs;

use comity::app::replay::replay_all;
use comity::cli::service::open_store;
use comity::decision::record::DecisionRecord;
use comity::decision::record::PartClass;
use comity::decision::record::RecordPart;
use comity::decision_log::LogIndex;
use comity::decision_log::PartClass as LeafPartClass;
use comity::decision_log::StoredPart;
use comity::domain::outcome::Outcome;
use comity::store::embedded::StoredEntry;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::DISPATCHER;
use super::support::GROUP;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use super::support::with;

const OTHER_OFFICER: &str = "sip:officer.115@mc.nl.example";
const THE_GROUP: &str = "/v1/groups/sip:unfall-07@mc.de.example";

impl TestService {
    /// The token of what a reviewer sees.
    async fn look(&self, path: &str) -> String {
        let seen = self.get(path, "reviewer").await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        let token = seen.body["seen"].as_str();
        token.unwrap_or_else(|| panic!("{}", seen.text)).to_owned()
    }

    async fn answer_seen(&self, path: &str, token: &str, body: &Value) -> Answer {
        let call = self.call(Method::POST, &format!("{path}/responses"), "reviewer");
        send(call.header("if-match", format!("\"{token}\"")).json(body)).await
    }

    async fn decided_under(&self) -> u64 {
        let policies = self.get("/v1/policies", "security-officer").await;
        policies.body["in_force"]["generation"].as_u64().unwrap()
    }

    async fn publishes(&self, file: &str, text: &str) {
        let before = self.decided_under().await;
        fs::write(self.policy_file(file), text).unwrap();
        eventually("the publication", async || {
            (self.decided_under().await > before).then_some(())
        })
        .await;
    }
}

fn raised(group: &mut Value) {
    group["priority"] = json!(9);
}

fn kinds(answer: &Answer) -> Vec<&str> {
    let changed = answer.body["changed"].as_array().unwrap().iter();
    changed.map(|it| it["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_answer_gets_a_token_and_answers_with_it() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let token = service.look(&path).await;
    for other in ["acms", "auditor"] {
        let read = service.get(&path, other).await;
        assert!(read.body.get("seen").is_none(), "{other}: {}", read.text);
    }
    let list = format!("/v1/reviews?can=answer&reviewer={DISPATCHER}");
    let listed = service.get(&list, "reviewer").await;
    assert_eq!(listed.items("/seen"), [json!(token)]);
    // Nothing was written since, and looking writes nothing.
    assert_eq!(service.look(&path).await, token);
    for wrong in ["s1", "s1.2.3.4.5", &token.to_uppercase()] {
        let refused = service.answer_seen(&path, wrong, &approval()).await;
        assert_eq!(refused.problem(), (400, "invalid-precondition"), "{wrong}");
    }
    let answered = service.answer_seen(&path, &token, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    assert!(answered.body.get("seen").is_none());
    let late = service.answer_seen(&path, &token, &approval()).await;
    assert_eq!(late.problem(), (409, "not-pending"), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_is_said_and_has_them_look_again() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let before = service.get(THE_GROUP, "operator").await;
    let token = service.look(&path).await;
    service.change(THE_GROUP, raised).await;
    let after = service.get(THE_GROUP, "operator").await;
    let size = service.log_size().await;
    let refused = service.answer_seen(&path, &token, &approval()).await;
    assert_eq!(
        refused.problem(),
        (412, "facts-changed"),
        "{}",
        refused.text
    );
    let revision = |answer: &Answer| -> u64 {
        let tag = answer.header("etag").trim_matches('"');
        tag.trim_start_matches('r').parse().unwrap()
    };
    let change = json!({
        "kind": "groups", "id": GROUP, "old": revision(&before), "new": revision(&after)
    });
    assert_eq!(refused.body["changed"], json!([change]));
    assert_eq!(refused.body["current"]["status"], "pending");
    assert_eq!(service.log_size().await, size);
    // A denial is an answer to what was seen too.
    let denied = with(&approval(), "/answer", "deny");
    let refused = service.answer_seen(&path, &token, &denied).await;
    assert_eq!(refused.problem(), (412, "facts-changed"));
    let again = refused.body["seen"].as_str().unwrap();
    assert_ne!(again, token);
    let answered = service.answer_seen(&path, again, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    // Who names a version, or nothing, is asked for nothing more.
    for tag in [Some("\"r1\""), None] {
        let path = service.submit_held(&membership(&[OTHER_OFFICER])).await;
        service.look(&path).await;
        service
            .change(THE_GROUP, |group| {
                let priority = group["priority"].as_u64().unwrap();
                group["priority"] = json!(priority - 1);
            })
            .await;
        let call = service.call(Method::POST, &format!("{path}/responses"), "reviewer");
        let call = match tag {
            Some(tag) => call.header("if-match", tag),
            None => call,
        };
        let answered = send(call.json(&approval())).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_again_for_nothing() {
    let service = TestService::start().await;
    let members = membership(&[OFFICER, OTHER_OFFICER]);
    let path = service.submit_held(&members).await;
    let token = service.look(&path).await;
    // The same group, written again; its other members; a measurement; somebody else.
    service.change(THE_GROUP, |_| {}).await;
    service
        .change(THE_GROUP, |group| {
            group["members"] = json!(["sip:dispatch.2@mc.de.example"]);
        })
        .await;
    service
        .change(&format!("/v1/links/{NL}"), |link| {
            link["measured_at"] = json!("2026-11-21T12:00:00.000Z");
        })
        .await;
    service
        .change("/v1/users/patrol-12", |user| {
            user["organisation"] = json!("another");
        })
        .await;
    // A publication that concerns something else.
    let unrelated = "// For this test.\n@id(\"calls.unrelated\")\n@category(\"review.unrelated\")\n\
                     forbid (principal, action == MCX::Action::\"affiliate\", resource)\n\
                     when { context.direction == \"unheard-of\" };\n";
    service.publishes("review/unrelated.cedar", unrelated).await;
    let one = with(&approval(), "/items", json!([0]));
    let answered = service.answer_seen(&path, &token, &one).await;
    assert_eq!(
        answered.items("/state"),
        ["granted", "pending"],
        "{}",
        answered.text
    );
    // What of the request changed is another matter: somebody answered.
    let refused = service.answer_seen(&path, &token, &approval()).await;
    assert_eq!(
        refused.problem(),
        (412, "revision-mismatch"),
        "{}",
        refused.text
    );
    // What becomes of the obligations of another item is none of theirs.
    let token = service.look(&path).await;
    let done = json!({ "outcome": "done" });
    let noted = service
        .post(&format!("{path}/obligations/0-0"), "acms", &done)
        .await;
    assert_eq!(noted.status, 200, "{}", noted.text);
    let answered = service.answer_seen(&path, &token, &approval()).await;
    assert_eq!(
        answered.items("/state"),
        ["granted", "granted"],
        "{}",
        answered.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_would_decide_otherwise_shows_and_has_them_look_again() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let token = service.look(&path).await;
    let seen = service.get(&path, "reviewer").await;
    assert!(seen.body["items"][0].get("now").is_none(), "{}", seen.text);
    let generation = service.decided_under().await;
    let hold = "// For this test.\n@id(\"membership.fresh\")\n@category(\"review.group-membership\")\n\
                @response(\"manual-review\")\n@approvals(\"2\")\n@reason(\"Two decide.\")\n\
                forbid (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
                when { context.direction == \"inbound\" };\n";
    service.publishes("review/fresh.cedar", hold).await;
    let refused = service.answer_seen(&path, &token, &approval()).await;
    assert_eq!(
        refused.problem(),
        (412, "facts-changed"),
        "{}",
        refused.text
    );
    let change = json!({ "kind": "policies", "old": generation, "new": generation + 1 });
    assert_eq!(refused.body["changed"], json!([change]));
    // Looking again, they see it.
    let seen = service.get(&path, "reviewer").await;
    let now = &seen.body["items"][0]["now"];
    assert_eq!(now["outcome"], "review");
    let policies = now["policies"].as_array().unwrap();
    assert!(policies.iter().any(|it| it["id"] == "membership.fresh"));
    assert_eq!(seen.body["seen"], refused.body["seen"]);
    let list = format!("/v1/reviews?can=answer&reviewer={DISPATCHER}");
    let listed = service.get(&list, "reviewer").await;
    assert_eq!(listed.items("/item/now"), std::slice::from_ref(now));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_token_still_counts_and_people_are_not_named() {
    let mut service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let (kept, lost) = (service.look(&path).await, service.look(&path).await);
    assert_eq!(kept, lost);
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(
        service.look(&path).await.split('.').nth(3),
        kept.split('.').nth(3)
    );
    // The addressed alias is nobody's any more.
    service
        .change("/v1/users/dispatch-1", |user| {
            user["functional_aliases"] = json!([]);
        })
        .await;
    service.change(THE_GROUP, raised).await;
    let refused = service.answer_seen(&path, &kept, &approval()).await;
    assert_eq!(
        refused.problem(),
        (412, "facts-changed"),
        "{}",
        refused.text
    );
    assert!(kinds(&refused).contains(&"groups"), "{}", refused.text);
    assert!(!refused.text.contains("dispatch-1"), "{}", refused.text);
    let group = refused.body["changed"].as_array().unwrap().iter();
    let group = group.clone().find(|it| it["kind"] == "groups").unwrap();
    assert_eq!(group["id"], GROUP);
    assert!(group["new"].as_u64().is_some());
}

/// The decision that an entry records.
/// What became of the reviewer's own document since is no change of what they saw.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_that_they_themselves_are_what_changed() {
    let mut service = TestService::start().await;
    let identity = "sip:late@mc.de.example";
    let late = json!({
        "id": "late", "enabled": true, "roles": ["duty-officer"], "identities": { "mcptt": identity },
    });
    let made = service.put("/v1/users/late", ("if-none-match", "*"), &late);
    assert_eq!(made.await.status, 201);
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let seen = service.look(&path).await;
    // What was read for the view is forgotten.
    service.stop().await;
    service.resume().await.unwrap();
    let own = |user: &mut Value| user["roles"] = json!(["duty-officer", "shift-leader"]);
    service.change("/v1/users/late", own).await;
    service.change(THE_GROUP, raised).await;
    let by = with(&approval(), "/reviewer", identity);
    let refused = service.answer_seen(&path, &seen, &by).await;
    assert_eq!(
        refused.problem(),
        (412, "facts-changed"),
        "{}",
        refused.text
    );
    assert_eq!(kinds(&refused), ["groups"], "{}", refused.text);
}

fn decided(stored: &StoredEntry) -> DecisionRecord {
    let present = stored.record.iter().filter_map(StoredPart::present);
    let parts: Vec<RecordPart> = present
        .map(|part| RecordPart {
            class: match &part.class {
                LeafPartClass::State => PartClass::State,
                LeafPartClass::Personal { subject_key } => PartClass::Personal(subject_key.clone()),
            },
            body: part.body.clone(),
        })
        .filter(|part| {
            let body: Value = serde_json::from_slice(&part.body).unwrap();
            let attached = ["review", "reviewer"];
            !attached.iter().any(|it| body["part"] == *it)
        })
        .collect();
    DecisionRecord::from_parts(&parts).unwrap()
}

/// What was decided at the submission and what at the approval: both stand in the log, each with its facts.
#[tokio::test(flavor = "multi_thread")]
async fn both_evaluations_are_in_the_record() {
    let mut service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    service
        .change(THE_GROUP, |group| group["enabled"] = json!(false))
        .await;
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.items("/state"), ["refused"], "{}", answered.text);
    assert_eq!(answered.items("/outcome"), ["reject"]);
    let index = |pointer: &str| {
        let index = answered.body.pointer(pointer).and_then(Value::as_u64);
        LogIndex(index.unwrap())
    };
    let (submitted, approved) = (index("/record/index"), index("/responses/0/record/index"));
    service.stop().await;
    let (store, archive) = open_store(&service.settings().data_directory, |_| {}).unwrap();
    let before = decided(&store.record(submitted).unwrap());
    let after = decided(&store.record(approved).unwrap());
    assert_eq!(before.items[0].outcome, Outcome::Review);
    assert_eq!(after.items[0].outcome, Outcome::Reject);
    let group = |record: &DecisionRecord| record.facts.shared.group.clone().unwrap();
    assert!(group(&before).value.enabled && !group(&after).value.enabled);
    assert!(group(&before).revision < group(&after).revision);
    assert_eq!(before.request, after.request);
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!((report.decisions, report.mismatches), (2, 0), "{report:?}");
    store.close().await;
}
