//! Who may answer what is held, and how many have to agree.

use std::fs;

use comity::app::replay::replay_all;
use comity::cli::service::open_store;
use comity::decision_log::LogIndex;
use comity::decision_log::PartClass;
use comity::decision_log::StoredPart;
use comity::store::event::EventBody;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::support::Answer;
use super::support::DISPATCHER;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use super::support::with;
use super::support::without;
use crate::crash::rounds;

const OTHER_OFFICER: &str = "sip:officer.115@mc.nl.example";
pub(super) const DUTY: &str = "sip:duty@mc.de.example";
pub(super) const SECURITY: &str = "sip:security@mc.de.example";
const BOTH: &str = "sip:both@mc.de.example";
const OTHER_DISPATCHER: &str = "sip:dispatch.2@mc.de.example";
const LEADER: &str = "sip:leader@mc.de.example";

/// A forbid that holds additions, with what it asks for.
fn hold(id: &str, asked: &str) -> String {
    format!(
        "// For this test.\n@id(\"{id}\")\n@category(\"review.group-membership\")\n\
         @response(\"manual-review\")\n{asked}\n@reason(\"Several persons decide.\")\n\
         forbid (principal, action == MCX::Action::\"addGroupMember\", resource)\n\
         when {{ context.direction == \"inbound\" }};\n"
    )
}

const TWO_GROUPS: &str = "@approvals(\"duty-officer:1, security-officer:1\")";

pub(super) fn by(reviewer: &str) -> Value {
    with(&approval(), "/reviewer", reviewer)
}

pub(super) fn denied_by(reviewer: &str) -> Value {
    with(&denial(), "/reviewer", reviewer)
}

impl TestService {
    /// A service in which additions wait for what is asked for, with people who are on duty.
    pub(super) async fn with_hold(asked: &str) -> Self {
        let service = Self::start_with(|settings| {
            let path = settings.policies.join("review/several.cedar");
            fs::write(path, hold("membership.several", asked)).unwrap();
        })
        .await;
        service.import_people().await;
        service
    }

    /// People who are on duty.
    async fn import_people(&self) {
        let people = [
            ("duty", json!(["duty-officer"])),
            ("security", json!(["security-officer"])),
            ("both", json!(["duty-officer", "security-officer"])),
            ("leader", json!(["shift-leader"])),
        ];
        let documents = people.map(|(name, roles)| {
            let identity = format!("sip:{name}@mc.de.example");
            json!({ "kind": "user", "document": {
                "id": name, "enabled": true, "roles": roles, "identities": { "mcptt": identity },
            }})
        });
        let imported = self.post("/v1/import", "operator", &json!(documents)).await;
        assert_eq!(imported.status, 200, "{}", imported.text);
    }

    pub(super) async fn held(&self) -> String {
        self.submit_held(&membership(&[OFFICER])).await
    }

    /// Answers, and the item is in this state.
    pub(super) async fn answers(&self, path: &str, body: &Value, state: &str) -> Answer {
        let answered = self.respond(path, body).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        assert_eq!(answered.items("/state"), [state], "{}", answered.text);
        answered
    }

    async fn generation_in_force(&self) -> u64 {
        let policies = self.get("/v1/policies", "security-officer").await;
        policies.body["in_force"]["generation"].as_u64().unwrap()
    }

    /// Writes another policy, and waits until it is in force.
    pub(super) async fn publish(&self, file: &str, text: &str) {
        let before = self.generation_in_force().await;
        fs::write(self.policy_file(file), text).unwrap();
        eventually("the publication", async || {
            (self.generation_in_force().await > before).then_some(())
        })
        .await;
    }
}

fn given(answer: &Answer, group: &str) -> Value {
    let quorum = &answer.body["items"][0]["quorum"];
    quorum["approvals"][0]["groups"][group].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_each_group_has_to_approve() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    let path = service.held().await;
    let seen = service.get(&path, "auditor").await;
    assert_eq!(
        given(&seen, "duty-officer"),
        json!({ "needed": 1, "given": 0 })
    );
    let quorum = &seen.body["items"][0]["quorum"];
    assert_eq!(
        quorum["approvals"][0]["persons"],
        json!({ "needed": 2, "given": 0 })
    );
    assert_eq!(quorum["denials"], json!({ "needed": 1, "given": 0 }));
    // Who is in no group that is asked for is told so, and nothing is recorded.
    let size = service.log_size().await;
    let refused = service.respond(&path, &by(LEADER)).await;
    assert_eq!(
        refused.problem(),
        (403, "reviewer-forbidden"),
        "{}",
        refused.text
    );
    assert!(
        refused
            .text
            .contains("`duty-officer` or `security-officer`"),
        "{}",
        refused.text
    );
    assert_eq!(service.log_size().await, size);
    let first = service.answers(&path, &by(DUTY), "pending").await;
    assert_eq!(first.body["status"], "pending");
    assert_eq!(
        given(&first, "duty-officer"),
        json!({ "needed": 1, "given": 1 })
    );
    assert_eq!(
        given(&first, "security-officer"),
        json!({ "needed": 1, "given": 0 })
    );
    let waiting = &first.body["responses"][0]["waiting"];
    assert_eq!(
        *waiting,
        json!([{ "item": 0, "counts": true, "roles": ["duty-officer"] }])
    );
    let done = service.answers(&path, &by(SECURITY), "granted").await;
    assert_eq!(done.body["status"], "accepted");
    assert!(done.body["items"][0].get("quorum").is_none());
    let responses = done.body["responses"].as_array().unwrap();
    assert_eq!(responses.len(), 2);
    assert!(responses[1].get("waiting").is_none());
    // The front-end that submitted it and partners learn no reviewer.
    assert!(
        !done.text.contains(DUTY) && !done.text.contains(SECURITY),
        "{}",
        done.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_counts_twice() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    let path = service.held().await;
    service.answers(&path, &by(BOTH), "pending").await;
    let size = service.log_size().await;
    for again in [by(BOTH), with(&by(BOTH), "/items", json!([0]))] {
        let refused = service.respond(&path, &again).await;
        assert_eq!(
            refused.problem(),
            (409, "already-answered"),
            "{}",
            refused.text
        );
    }
    assert_eq!(service.log_size().await, size);
    // Whoever is in both groups makes room for whoever comes next, whichever group that is.
    service.answers(&path, &by(DUTY), "granted").await;
    let path = service.held().await;
    service.answers(&path, &by(DUTY), "pending").await;
    service.answers(&path, &by(BOTH), "granted").await;
    // A second of the same group adds nothing.
    let path = service.held().await;
    service.answers(&path, &by(SECURITY), "pending").await;
    let extra = with(
        &example_user("security-2"),
        "/roles",
        json!(["security-officer"]),
    );
    let imported = json!([{ "kind": "user", "document": extra }]);
    service.post("/v1/import", "operator", &imported).await;
    let refused = service
        .respond(&path, &by("sip:security-2@mc.de.example"))
        .await;
    assert_eq!(
        refused.problem(),
        (403, "reviewer-forbidden"),
        "{}",
        refused.text
    );
}

fn example_user(id: &str) -> Value {
    let identity = format!("sip:{id}@mc.de.example");
    json!({ "id": id, "enabled": true, "identities": { "mcptt": identity } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_refuses_whatever_was_approved() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    let path = service.held().await;
    service.answers(&path, &by(DUTY), "pending").await;
    // Nobody needs a group to deny; who approved may think better of it.
    service.answers(&path, &denied_by(LEADER), "refused").await;
    let path = service.held().await;
    service.answers(&path, &by(DUTY), "pending").await;
    service.answers(&path, &denied_by(DUTY), "refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_have_to_deny_as_every_hold_says() {
    let service = TestService::with_hold("@denials(\"2\")").await;
    // The manual permit says nothing, so one denial refuses.
    let path = service.held().await;
    service.answers(&path, &denied_by(DUTY), "refused").await;
    let file = service.policy_file("review/group-membership.cedar");
    let text = fs::read_to_string(&file).unwrap();
    let both = text.replace(
        "@response(\"manual-review\")",
        "@response(\"manual-review\")\n@denials(\"2\")",
    );
    service
        .publish("review/group-membership.cedar", &both)
        .await;
    let path = service.held().await;
    let first = service.answers(&path, &denied_by(DUTY), "pending").await;
    let quorum = &first.body["items"][0]["quorum"];
    assert_eq!(quorum["denials"], json!({ "needed": 2, "given": 1 }));
    for again in [denied_by(DUTY), by(DUTY)] {
        let refused = service.respond(&path, &again).await;
        assert_eq!(
            refused.problem(),
            (409, "already-answered"),
            "{}",
            refused.text
        );
    }
    service.answers(&path, &denied_by(LEADER), "refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_it_anew_asks_everybody_again() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    let path = service.held().await;
    service.answers(&path, &by(DUTY), "pending").await;
    let expires = service.get(&path, "auditor").await.items("/expires_at");
    let later = hold(
        "membership.later",
        "@approvals(\"shift-leader:1\")\n@expires(\"PT10M\")",
    );
    service.publish("review/later.cedar", &later).await;
    // It would have been the last, had it not been held by what nobody had seen.
    let asked = service.answers(&path, &by(SECURITY), "pending").await;
    for group in ["duty-officer", "security-officer", "shift-leader"] {
        assert_eq!(
            given(&asked, group),
            json!({ "needed": 1, "given": 0 }),
            "{group}"
        );
    }
    let waiting = &asked.body["responses"][1]["waiting"];
    assert_eq!(
        *waiting,
        json!([{ "item": 0, "counts": false, "afresh": true }])
    );
    // The shorter time counts, and is what the list shows.
    assert!(asked.items("/expires_at")[0].as_str() < expires[0].as_str());
    service.answers(&path, &by(DUTY), "pending").await;
    service.answers(&path, &by(LEADER), "pending").await;
    // What was asked for once stays asked for, even where the policy is gone by then.
    service
        .publish("review/several.cedar", &hold("membership.several", ""))
        .await;
    let asked = service.get(&path, "auditor").await;
    assert_eq!(
        given(&asked, "security-officer"),
        json!({ "needed": 1, "given": 0 })
    );
    service.answers(&path, &by(SECURITY), "granted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_after_a_restart_and_replays_the_same() {
    let mut service = TestService::with_hold(TWO_GROUPS).await;
    let path = service.held().await;
    let before = service.answers(&path, &by(DUTY), "pending").await;
    service.stop().await;
    service.resume().await.unwrap();
    let mut read = service.get(&path, "auditor").await.body;
    let by_whom = read["items"][0].as_object_mut().unwrap();
    assert!(by_whom.shift_remove("answerable_by").is_some());
    assert_eq!(read, before.body);
    let refused = service.respond(&path, &by(DUTY)).await;
    assert_eq!(refused.problem(), (409, "already-answered"));
    service.answers(&path, &by(SECURITY), "granted").await;
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 0, "{report:?}");
    // Neither the state nor what is nobody's in the log names who approved.
    let mut answers = 0;
    for index in (0..store.view(|state| state.applied().0)).map(LogIndex) {
        let stored = store.record(index).unwrap();
        if !matches!(&stored.event.body, EventBody::Responded { .. }) {
            continue;
        }
        answers += 1;
        let event = format!("{:?}", stored.event);
        for name in ["duty@", "security@"] {
            assert!(!event.contains(name), "{event}");
        }
        for part in stored.record.iter().filter_map(StoredPart::present) {
            let text = String::from_utf8_lossy(&part.body);
            let names = text.contains("duty@") || text.contains("security@");
            let is_personal = matches!(&part.class, PartClass::Personal { .. });
            assert!(!names || is_personal, "{text}");
        }
    }
    assert_eq!(answers, 2);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_approvals_at_once_one_completes_the_other() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    for round in 0..rounds(25, 1_000) {
        let path = service.held().await;
        let size = service.log_size().await;
        let (duty, security, both) = (by(DUTY), by(SECURITY), by(DUTY));
        let (one, other, again) = tokio::join!(
            service.respond(&path, &duty),
            service.respond(&path, &security),
            service.respond(&path, &both),
        );
        let read = service.get(&path, "auditor").await;
        assert_eq!(read.body["status"], "accepted", "{round}: {}", read.text);
        assert_eq!(other.status, 200, "{}", other.text);
        // The same person at the same moment counts once.
        let duties = [one.status, again.status];
        assert!(duties.contains(&200) && duties.contains(&409), "{duties:?}");
        assert_eq!(
            service.log_size().await,
            size + 2,
            "one entry for each approval"
        );
        let states = [&one, &other, &again].map(|answer| answer.body["status"].clone());
        let accepted = states.iter().filter(|it| **it == "accepted").count();
        assert!(accepted >= 1, "{states:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_answers_items_differently() {
    let service = TestService::start().await;
    let members = [OFFICER, OTHER_OFFICER, "sip:officer.116@mc.nl.example"];
    let path = service.submit_held(&membership(&members)).await;
    let size = service.log_size().await;
    let body = json!({ "reviewer": DISPATCHER, "answers": [
        { "items": [0, 2], "answer": "approve", "reason": "at the scene" },
        { "items": [1], "answer": "deny", "reason": "not needed" },
    ]});
    let wrong = [
        (with(&body, "/answer", "approve"), "/answer"),
        (
            with(&body, "/answers/1/items", json!([0])),
            "/answers/1/items/0",
        ),
        (with(&body, "/answers/0/reason", ""), "/answers/0/reason"),
        (without(&body, "/answers/1/answer"), "/answers/1/answer"),
        (with(&body, "/answers", json!([])), "/answers"),
    ];
    for (wrong, pointer) in wrong {
        let refused = service.respond(&path, &wrong).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{wrong}");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let beyond = with(&body, "/answers/1/items", json!([1, 7]));
    let refused = service.respond(&path, &beyond).await;
    assert_eq!(refused.problem(), (409, "not-pending"));
    assert_eq!(service.log_size().await, size);
    let answered = service.respond(&path, &body).await;
    assert_eq!(answered.body["status"], "partial", "{}", answered.text);
    assert_eq!(answered.items("/state"), ["granted", "refused", "granted"]);
    assert_eq!(service.log_size().await, size + 1);
    let responses = answered.body["responses"].as_array().unwrap();
    assert_eq!(responses.len(), 2);
    assert_eq!(responses[0]["items"], json!([0, 2]));
    assert_eq!(responses[1]["answer"], "deny");
    assert_eq!(responses[1]["reason"], "not needed");
    assert_eq!(responses[0]["record"], responses[1]["record"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_bundle_says_who_may_answer() {
    let service = TestService::with_hold("").await;
    let path = service.held().await;
    let file = service.policy_file("access/respond.cedar");
    let text = fs::read_to_string(&file).unwrap();
    for (condition, nobody, somebody) in [
        ("principal.roles.contains(\"duty-officer\")", LEADER, DUTY),
        ("context.is_addressee", DUTY, DISPATCHER),
        (
            "resource.categories.contains(\"group-membership.visiting-officer\") && \
             resource.operation == \"group-membership-update\" && \
             resource.urgency == \"high\" && principal has organisation",
            DUTY,
            DISPATCHER,
        ),
    ] {
        let before = service.get("/v1/policies", "security-officer").await;
        let before = before.body["access"]["digest"].clone();
        let narrowed = text.replace("\n);\n", &format!("\n)\nwhen {{ {condition} }};\n"));
        fs::write(&file, narrowed).unwrap();
        eventually("the access bundle", async || {
            let now = service.get("/v1/policies", "security-officer").await;
            (now.body["access"]["digest"] != before).then_some(())
        })
        .await;
        for body in [by(nobody), denied_by(nobody)] {
            let refused = service.respond(&path, &body).await;
            assert_eq!(
                refused.problem(),
                (403, "reviewer-forbidden"),
                "{condition}"
            );
            assert!(refused.text.contains("`respond`"), "{}", refused.text);
        }
        let path = service.held().await;
        service.answers(&path, &by(somebody), "granted").await;
    }
    // A policy that errs refuses, whatever another one permits.
    let before = service.get("/v1/policies", "security-officer").await;
    let before = before.body["access"]["digest"].clone();
    let erring = "\n@id(\"access.err\")\n@category(\"access.respond\")\n@response(\"automatic\")\n\
                  permit (principal is ACCESS::Reviewer, action == ACCESS::Action::\"respond\", resource)\n\
                  when { 9223372036854775807 + 1 > 0 };\n";
    fs::write(&file, format!("{text}{erring}")).unwrap();
    eventually("the access bundle", async || {
        let now = service.get("/v1/policies", "security-officer").await;
        (now.body["access"]["digest"] != before).then_some(())
    })
    .await;
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(
        refused.problem(),
        (403, "reviewer-forbidden"),
        "{}",
        refused.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originator_answers_under_no_name() {
    let service = TestService::start().await;
    let path = service.held().await;
    // Who asks, is the subject, or bears one of their names, whatever the scheme.
    let twin = |identity: &str| identity.replace("sip:", "sips:");
    for name in [
        twin(super::support::REQUESTER),
        twin(OFFICER),
        OFFICER.to_owned(),
    ] {
        let refused = service.respond(&path, &by(&name)).await;
        assert_eq!(refused.problem(), (403, "originator"), "{name}");
    }
    let refused = service
        .respond(&path, &by("sip:leitstelle@mc.de.example"))
        .await;
    assert_eq!(refused.problem(), (403, "unknown-reviewer"));
    let disable = |user: &mut Value| user["enabled"] = json!(false);
    service.change("/v1/users/dispatch-1", disable).await;
    let refused = service.respond(&path, &approval()).await;
    assert_eq!(refused.problem(), (403, "unknown-reviewer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_reviewer_is_listed_by_urgency_and_age() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    let urgent = with(
        &membership(&[OFFICER, OTHER_OFFICER]),
        "/urgency",
        "critical",
    );
    let (old, first, new) = (
        service.held().await,
        service.submit_held(&urgent).await,
        service.held().await,
    );
    let list = async |reviewer: &str, more: &str| {
        let path = format!("/v1/reviews?can=answer&reviewer={reviewer}{more}");
        let listed = service.get(&path, "reviewer").await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        listed.body
    };
    let places = |listed: &Value| -> Vec<(String, u64)> {
        let items = listed["items"].as_array().unwrap().iter();
        let place = |item: &Value| {
            let id = item["request_id"].as_str().unwrap();
            (
                format!("/v1/requests/{id}"),
                item["number"].as_u64().unwrap(),
            )
        };
        items.map(place).collect()
    };
    let all = [
        (first.clone(), 0),
        (first.clone(), 1),
        (old.clone(), 0),
        (new.clone(), 0),
    ];
    let listed = list(DUTY, "").await;
    assert_eq!(places(&listed), all);
    assert!(listed["next"].is_null());
    assert_eq!(listed["items"][0]["can"], json!(["approve", "deny"]));
    assert_eq!(listed["items"][0]["urgency"], "critical");
    assert_eq!(listed["items"][0]["item"]["subject"], OFFICER);
    // Page by page.
    let page = list(DUTY, "&limit=3").await;
    assert_eq!(places(&page), all[..3]);
    let next = format!("&after={}", page["next"].as_str().unwrap());
    assert_eq!(places(&list(DUTY, &next).await), all[3..]);
    // Who is in no group can only deny; who has approved can do so no more.
    assert_eq!(list(LEADER, "").await["items"][0]["can"], json!(["deny"]));
    service.respond(&old, &by(DUTY)).await;
    let listed = list(DUTY, "").await;
    assert_eq!(listed["items"][2]["can"], json!(["deny"]));
    assert_eq!(listed["items"][2]["version"], 2);
    service.respond(&old, &by(SECURITY)).await;
    assert_eq!(
        places(&list(DUTY, "").await),
        [&all[..2], &all[3..]].concat()
    );
    for wrong in [
        "",
        "?can=answer",
        "?can=read&reviewer=sip:duty@mc.de.example",
        "?can=answer&reviewer=duty",
        "?can=answer&reviewer=sip:duty@mc.de.example&after=7",
        "?can=answer&reviewer=sip:duty@mc.de.example&wish=1",
    ] {
        let refused = service
            .get(&format!("/v1/reviews{wrong}"), "reviewer")
            .await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{wrong}");
    }
    let unknown = "/v1/reviews?can=answer&reviewer=sip:nobody@mc.de.example";
    let refused = service.get(unknown, "reviewer").await;
    assert_eq!(refused.problem(), (403, "unknown-reviewer"));
}

/// Who tries a request out is told whom it would wait for, and what would be done meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_who_would_have_to_agree() {
    let asked = format!("{TWO_GROUPS}\n@remind(\"PT30M\")\n@escalate(\"PT1H: shift-leader\")");
    let service = TestService::with_hold(&asked).await;
    let tried = service
        .post("/v1/decisions", "acms", &membership(&[OFFICER]))
        .await;
    assert_eq!(tried.status, 200, "{}", tried.text);
    let item = &tried.body["items"][0];
    assert_eq!(item["outcome"], "review", "{}", tried.text);
    let groups = &item["quorum"]["approvals"][0]["groups"];
    assert_eq!(
        groups["security-officer"],
        json!({ "needed": 1, "given": 0 })
    );
    assert_eq!(item["attention"]["remind"], "PT30M");
    assert_eq!(item["attention"]["escalate"]["shift-leader"], "PT1H");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_tells_who_can_approve_it() {
    let service = TestService::with_hold(TWO_GROUPS).await;
    let path = service.held().await;
    let read = service.get(&path, "auditor").await;
    let by_whom = &read.body["items"][0]["answerable_by"];
    assert_eq!(
        *by_whom,
        json!({ "count": 5, "complete": true, "users": [BOTH, DISPATCHER, OTHER_DISPATCHER, DUTY, SECURITY] })
    );
    service.answers(&path, &by(DUTY), "pending").await;
    let read = service.get(&path, "auditor").await;
    let by_whom = &read.body["items"][0]["answerable_by"];
    assert_eq!(by_whom["users"], json!([BOTH, OTHER_DISPATCHER, SECURITY]));
    // Who answers sees whom to ask.
    let read = service.get(&path, "reviewer").await;
    let by_whom = &read.body["items"][0]["answerable_by"];
    assert_eq!(by_whom["users"], json!([BOTH, OTHER_DISPATCHER, SECURITY]));
    // Whom access policy lets see neither them nor the registry learns how many, and no name.
    let read = service.get(&path, "acms").await;
    let by_whom = &read.body["items"][0]["answerable_by"];
    assert_eq!(*by_whom, json!({ "count": 3, "complete": true }));
    // The version seen is the one that is answered.
    let stale = service.call(Method::POST, &format!("{path}/responses"), "reviewer");
    let stale = stale.header("if-match", "\"r1\"").json(&by(SECURITY));
    assert_eq!(send(stale).await.problem(), (412, "revision-mismatch"));
}

async fn write_user(service: &TestService, id: &str, change: impl FnOnce(&mut Value)) {
    service.change(&format!("/v1/users/{id}"), change).await;
}

/// Who approved and may not answer any more when the quorum would be complete does not count; who lost the role neither.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_as_long_as_its_person_may_give_it() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 2] = [
        ("disabled", |user| user["enabled"] = json!(false)),
        ("of another role", |user| {
            user["roles"] = json!(["shift-leader"]);
        }),
    ];
    for (what, change) in changes {
        let service = TestService::with_hold(TWO_GROUPS).await;
        let path = service.held().await;
        service.answers(&path, &by(DUTY), "pending").await;
        write_user(&service, "duty", change).await;
        let seen = service.get(&path, "auditor").await;
        assert_eq!(given(&seen, "duty-officer")["given"], 0, "{what}");
        assert_eq!(seen.body["responses"][0]["waiting"][0]["lapsed"], true);
        let waits = service.answers(&path, &by(SECURITY), "pending").await;
        let [first, last] = [0, 1].map(|it| waits.body["responses"][it]["waiting"][0].clone());
        assert_eq!(first["counts"], false, "{what}: {}", waits.text);
        assert_eq!(first["lapsed"], true, "{what}");
        assert_eq!(
            (&last["counts"], &last["lapsed"]),
            (&json!(true), &Value::Null)
        );
        assert_eq!(given(&waits, "security-officer")["given"], 1, "{what}");
        // It was written down: whoever is on duty again is asked again.
        write_user(&service, "duty", |user| {
            user["enabled"] = json!(true);
            user["roles"] = json!(["duty-officer"]);
        })
        .await;
        let seen = service.get(&path, "auditor").await;
        assert_eq!(given(&seen, "duty-officer")["given"], 0, "{what}");
        let done = service.answers(&path, &by(DUTY), "granted").await;
        let first = &done.body["responses"][0]["waiting"][0];
        assert_eq!(first["lapsed"], true, "{what}: {}", done.text);
    }
}

/// The same MC service ID in another document is the same person: deleted and written anew, they do not make two.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_under_another_document_is_no_second_one() {
    let service = TestService::with_hold("@approvals(\"2\")").await;
    let path = service.held().await;
    service.answers(&path, &by(DUTY), "pending").await;
    let etag = service.get("/v1/users/duty", "operator").await;
    let mut again = etag.body.clone();
    let etag = etag.header("etag").to_owned();
    let deleted = service.call(Method::DELETE, "/v1/users/duty", "operator");
    let deleted = send(deleted.header("if-match", etag)).await;
    assert!(deleted.status < 300, "{}", deleted.text);
    again["id"] = json!("duty-anew");
    again["identities"]["mcdata"] = json!("sip:duty.data@mc.de.example");
    let anew = service
        .put("/v1/users/duty-anew", ("if-none-match", "*"), &again)
        .await;
    assert!(anew.status < 300, "{}", anew.text);
    // Their approval was of a document that is gone: they may approve again, under any name, and count once.
    let waits = service
        .answers(&path, &by("sip:duty.data@mc.de.example"), "pending")
        .await;
    assert_eq!(
        waits.body["items"][0]["quorum"]["approvals"][0]["persons"]["given"],
        1
    );
    let twice = service.respond(&path, &by(DUTY)).await;
    assert_eq!(twice.problem(), (409, "already-answered"), "{}", twice.text);
    service.answers(&path, &by(SECURITY), "granted").await;
}

/// Of the policies that hold, those of now bind the completing approval too: the shortest time, from when it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_shortened_binds_the_approval_that_would_complete_it() {
    let hands = Hands::new();
    let asked = |time: &str| {
        hold(
            "membership.several",
            &format!("{TWO_GROUPS}\n@expires(\"{time}\")"),
        )
    };
    let service = TestService::start_with_clock(hands.clone(), |settings| {
        let path = settings.policies.join("review/several.cedar");
        fs::write(path, asked("PT4H")).unwrap();
    })
    .await;
    service.import_people().await;
    let [late, early] = [service.held().await, service.held().await];
    service.answers(&late, &by(DUTY), "pending").await;
    service.answers(&early, &by(DUTY), "pending").await;
    service
        .publish("review/several.cedar", &asked("PT1H"))
        .await;
    hands.pass(30 * 60_000);
    service.answers(&early, &by(SECURITY), "granted").await;
    hands.pass(31 * 60_000);
    service.answers(&late, &by(SECURITY), "expired").await;
    let read = service.get(&late, "auditor").await;
    assert_eq!(read.body["status"], "rejected", "{}", read.text);
}
