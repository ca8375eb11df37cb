//! Automatic responses are changed by a request that a second person approves (A12, ruling 25).

use std::fs;

use comity::app::replay::replay_all;
use comity::cli::service::open_store;
use serde_json::Value;
use serde_json::json;

use super::support::DE;
use super::support::DISPATCHER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::eventually;
use super::support::inbound;
use super::support::with;

const GROUPS: &str = "configuration-information.groups";
const SETTINGS: &str = "/v1/response-settings/mc.de.example";
const SECOND: &str = "sip:dispatch.2@mc.de.example";
const FILE: &str = "automatic/configuration-information.cedar";

fn change(lines: &[(&str, &str)]) -> Value {
    let responses = lines
        .iter()
        .map(|(category, response)| json!({ "category": category, "response": response }));
    json!({
        "direction": "outbound",
        "correlation_id": "de-2026-000301",
        "requesting_system": DE,
        "receiving_system": DE,
        "operation": "automatic-response-change",
        "requester": { "mc_service_id": DISPATCHER },
        "responses": responses.collect::<Vec<_>>()
    })
}

/// Asks for the groups that the partner may know of.
fn pull() -> Value {
    inbound(json!({
        "operation": "configuration-information",
        "requester": { "mc_service_id": REQUESTER },
        "kinds": ["groups"]
    }))
}

fn by_second(answer: &Value) -> Value {
    with(answer, "/reviewer", SECOND)
}

impl TestService {
    async fn with_author(change: impl FnOnce(&TestService)) -> Self {
        let service = Self::start().await;
        change(&service);
        let authorise = |user: &mut Value| {
            let operations = user["acm_operations"].as_array_mut().unwrap();
            operations.push(json!("automatic-response-change"));
        };
        service.change("/v1/users/dispatch-1", authorise).await;
        service.change("/v1/users/dispatch-2", authorise).await;
        service
    }

    async fn approved(&self, change: &Value) {
        let held = self.submit_held(change).await;
        let answered = self.respond(&held, &by_second(&approval())).await;
        assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    }

    async fn in_force(&self) -> Value {
        self.get("/v1/policies", "security-officer").await.body
    }

    async fn generation(&self) -> u64 {
        let policies = self.in_force().await;
        policies["in_force"]["generation"].as_u64().unwrap()
    }

    async fn pull_is(&self, status: &str) {
        let answered = self.submit(&pull()).await;
        assert_eq!(answered.body["status"], status, "{}", answered.text);
    }

    fn edit_policy(&self, from: &str, to: &str) {
        let path = self.policy_file(FILE);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_change_is_in_force_and_stays_so() {
    let mut service = TestService::with_author(|_| {}).await;
    service.pull_is("accepted").await;
    let held = service
        .submit_held(&change(&[(GROUPS, "manual-review")]))
        .await;
    service.pull_is("accepted").await;
    // Its author never approves it.
    let own = service.respond(&held, &approval()).await;
    assert_eq!(own.problem(), (403, "originator"));
    let before = service.in_force().await;
    assert!(before["response_settings"].is_null());
    let answered = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    service.pull_is("pending").await;
    let after = service.in_force().await;
    assert_eq!(after["in_force"]["generation"], 2);
    assert_ne!(after["in_force"]["digest"], before["in_force"]["digest"]);
    assert_eq!(after["last_attempt"]["outcome"], "published");
    let settings = &after["response_settings"];
    assert_eq!(settings["responses"], json!({ GROUPS: "manual-review" }));
    assert!(held.ends_with(settings["request_id"].as_str().unwrap()));
    // A later change of another category adds to it.
    service
        .approved(&change(&[("call.inbound", "reject")]))
        .await;
    let both = service.in_force().await["response_settings"]["responses"].clone();
    assert_eq!(
        both,
        json!({ GROUPS: "manual-review", "call.inbound": "reject" })
    );
    service.stop().await;
    service.resume().await.unwrap();
    let digest = service.in_force().await["in_force"]["digest"].clone();
    assert_eq!(service.generation().await, 3);
    service.pull_is("pending").await;
    // Files that are changed later come into force under it.
    service.edit_policy("ruling 8.", "ruling eight.");
    eventually("published", async || {
        (service.generation().await == 4).then_some(())
    })
    .await;
    assert_ne!(service.in_force().await["in_force"]["digest"], digest);
    service.pull_is("pending").await;
    // And a request can take a line back to what it was.
    service.approved(&change(&[(GROUPS, "automatic")])).await;
    service.pull_is("accepted").await;
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 0, "{report:?}");
    assert_eq!(report.bundles.len(), 5, "{report:?}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_never_be_in_force_is_refused_at_its_place() {
    let service = TestService::with_author(|_| {}).await;
    let size = service.log_size().await;
    for (category, said) in [
        ("configuration-information.group", "did you mean"),
        ("automatic-responses.change", "is locked"),
        ("ceiling.agreement", "only forbids have"),
        ("group-membership.deletion", "takes access away"),
        ("no\"such\ncategory", "no policy has"),
    ] {
        let lines = [(GROUPS, "manual-review"), (category, "reject")];
        let refused = service.submit(&change(&lines)).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{category}");
        assert_eq!(
            refused.pointers(),
            ["/responses/1/category"],
            "{}",
            refused.text
        );
        assert!(refused.text.contains(said), "{}", refused.text);
    }
    assert_eq!(service.log_size().await, size);
    assert_eq!(service.generation().await, 1);
    let denied = service.submit_held(&change(&[(GROUPS, "reject")])).await;
    let denied = service.respond(&denied, &by_second(&denial())).await;
    assert_eq!(denied.body["status"], "rejected");
    assert_eq!(service.generation().await, 1);
    service.pull_is("accepted").await;
    // Nobody writes it by hand.
    let settings = json!({
        "system": DE, "responses": { GROUPS: "automatic" },
        "request_id": "00000000-0000-4000-8000-000000000000", "changed_at": "2026-01-01T00:00:00.000Z"
    });
    let put = service
        .put(SETTINGS, ("if-none-match", "*"), &settings)
        .await;
    assert_eq!(put.problem(), (422, "invalid-input"), "{}", put.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_no_longer_be_in_force_is_refused_at_the_approval() {
    let service = TestService::with_author(|_| {}).await;
    let held = service
        .submit_held(&change(&[(GROUPS, "manual-review")]))
        .await;
    let renamed = "configuration-information.overview";
    service.edit_policy(GROUPS, renamed);
    eventually("published", async || {
        (service.generation().await == 2).then_some(())
    })
    .await;
    let refused = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(
        refused.problem(),
        (422, "bundle-refused"),
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("response-settings.toml:2:1"),
        "{}",
        refused.text
    );
    assert_eq!(service.generation().await, 2);
    let attempt = service.in_force().await["last_attempt"].clone();
    assert_eq!(attempt["outcome"], "refused");
    let waits = service.get(&held, "acms").await;
    assert_eq!(waits.body["status"], "pending");
    assert!(service.in_force().await["response_settings"].is_null());
    service.pull_is("accepted").await;
    // Files that lack a category of the settings do not come into force: nobody knows what is meant.
    service.approved(&change(&[(renamed, "reject")])).await;
    assert_eq!(service.generation().await, 3);
    service.edit_policy(renamed, GROUPS);
    eventually("refused", async || {
        let attempt = service.in_force().await["last_attempt"].clone();
        (attempt["outcome"] == "refused").then_some(())
    })
    .await;
    service.pull_is("rejected").await;
    // Without the settings, they do.
    let found = service.get(SETTINGS, "operator").await;
    let delete = service.call(reqwest::Method::DELETE, SETTINGS, "operator");
    let delete = delete.header("if-match", found.header("etag"));
    assert_eq!(super::support::send(delete).await.status, 204);
    assert_eq!(service.generation().await, 4);
    service.pull_is("accepted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_policy_makes_it_automatic() {
    let service = TestService::with_author(|service| {
        let policy = r#"
// An officer in a hurry.
@id("automatic-responses.at-once")
@category("automatic-responses.at-once")
@response("automatic")
permit (principal, action == MCX::Action::"changeAutomaticResponses", resource);
"#;
        fs::write(service.policy_file("automatic/hurry.cedar"), policy).unwrap();
    })
    .await;
    eventually("published", async || {
        (service.generation().await == 2).then_some(())
    })
    .await;
    let held = service.submit_held(&change(&[(GROUPS, "reject")])).await;
    assert_eq!(service.generation().await, 2);
    service.pull_is("accepted").await;
    let answered = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    service.pull_is("rejected").await;
}

/// What was approved holds from the approval on: while it cannot be put in force, nothing is decided by what was before.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_while_an_approved_change_is_not_in_force() {
    let service = TestService::with_author(|_| {}).await;
    service
        .approved(&change(&[(GROUPS, "manual-review")]))
        .await;
    let digest = service.in_force().await["in_force"]["digest"].clone();
    service.approved(&change(&[(GROUPS, "automatic")])).await;
    service.pull_is("accepted").await;
    let archived = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    let archived = service
        .settings()
        .data_directory
        .join("bundles")
        .join(archived);
    fs::remove_file(&archived).unwrap();
    fs::create_dir(&archived).unwrap();
    service
        .approved(&change(&[(GROUPS, "manual-review")]))
        .await;
    let size = service.log_size().await;
    let refused = service.submit(&pull()).await;
    assert_eq!(refused.problem(), (503, "not-recorded"), "{}", refused.text);
    assert!(refused.text.contains("A12"), "{}", refused.text);
    assert_eq!(service.log_size().await, size);
    let ready = service.get("/readyz", "operator").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.body["responses_behind"], true);
    fs::remove_dir(&archived).unwrap();
    eventually("the approved change is in force", async || {
        let ready = service.get("/readyz", "operator").await;
        (ready.status == 200).then_some(())
    })
    .await;
    service.pull_is("pending").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_policy_administrator_approves() {
    let service = TestService::with_author(|_| {}).await;
    let held = service
        .submit_held(&change(&[(GROUPS, "manual-review")]))
        .await;
    let dismiss = |user: &mut Value| user["acm_operations"] = json!(["group-membership-update"]);
    service.change("/v1/users/dispatch-2", dismiss).await;
    let refused = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(refused.problem(), (403, "no-policy-administrator"));
    assert_eq!(refused.pointers(), ["/reviewer"]);
    service.pull_is("accepted").await;
    let appoint = |user: &mut Value| user["acm_operations"] = json!(["automatic-response-change"]);
    service.change("/v1/users/dispatch-2", appoint).await;
    let answered = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
}

/// An identity that was moved to another document is the person it was when they asked.
#[tokio::test(flavor = "multi_thread")]
async fn the_originator_does_not_answer_under_an_identity_that_was_moved_since() {
    const OTHER: &str = "sip:dispatch.1.data@mc.de.example";
    let service = TestService::with_author(|_| {}).await;
    let user = "/v1/users/dispatch-1";
    let with_two = |user: &mut Value| user["identities"]["mcdata"] = json!(OTHER);
    service.change(user, with_two).await;
    let held = service
        .submit_held(&change(&[(GROUPS, "manual-review")]))
        .await;
    let before = service.get(user, "operator").await.body;
    let with_one = |user: &mut Value| {
        user["identities"] = json!({ "mcptt": DISPATCHER });
    };
    service.change(user, with_one).await;
    let mut split = before;
    split["id"] = json!("dispatch-1-data");
    split["identities"] = json!({ "mcdata": OTHER });
    split["functional_aliases"] = json!([]);
    let made = service
        .put("/v1/users/dispatch-1-data", ("if-none-match", "*"), &split)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let moved = with(&approval(), "/reviewer", OTHER);
    let refused = service.respond(&held, &moved).await;
    assert_eq!(refused.problem(), (403, "originator"), "{}", refused.text);
    let second = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(second.body["status"], "accepted", "{}", second.text);
}

/// The originator is a person: their document answers under no name, and whoever is listed could answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_the_originator_does_not_answer_whatever_it_is_called_since() {
    const RENAMED: &str = "sip:dispatch.1b@mc.de.example";
    let service = TestService::with_author(|_| {}).await;
    let held = service
        .submit_held(&change(&[(GROUPS, "manual-review")]))
        .await;
    let mut own = service.get("/v1/users/dispatch-1", "operator").await.body;
    let mut other = own.clone();
    own["identities"] = json!({ "mcptt": RENAMED });
    other["id"] = json!("dummy");
    other["identities"] = json!({ "mcptt": DISPATCHER });
    other["functional_aliases"] = json!([]);
    let documents = [own, other].map(|it| json!({ "kind": "user", "document": it }));
    let moved = service
        .post("/v1/import", "operator", &json!(documents))
        .await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let read = service.get(&held, "auditor").await;
    assert_eq!(
        read.body["items"][0]["answerable_by"]["users"],
        json!([SECOND]),
        "{}",
        read.text
    );
    for name in [RENAMED, DISPATCHER] {
        let listed = format!("/v1/reviews?can=answer&reviewer={name}");
        let listed = service.get(&listed, "reviewer").await;
        assert_eq!(listed.body["items"], json!([]), "{}", listed.text);
        let answer = with(&approval(), "/reviewer", name);
        let refused = service.respond(&held, &answer).await;
        assert_eq!(refused.problem(), (403, "originator"), "{}", refused.text);
    }
    let second = service.respond(&held, &by_second(&approval())).await;
    assert_eq!(second.body["status"], "accepted", "{}", second.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_policy_administrators_are_told_as_those_who_can_approve() {
    let service = TestService::with_author(|_| {}).await;
    let held = service
        .submit_held(&change(&[(GROUPS, "manual-review")]))
        .await;
    let answerable = async || {
        let read = service.get(&held, "auditor").await;
        read.body["items"][0]["answerable_by"].clone()
    };
    let one = json!({ "count": 1, "complete": true, "users": [SECOND] });
    assert_eq!(answerable().await, one);
    let dismiss = |user: &mut Value| user["acm_operations"] = json!(["group-membership-update"]);
    service.change("/v1/users/dispatch-2", dismiss).await;
    let nobody = json!({ "count": 0, "complete": true, "users": [] });
    assert_eq!(answerable().await, nobody);
    let listed = format!("/v1/reviews?can=answer&reviewer={SECOND}");
    let listed = service.get(&listed, "reviewer").await;
    assert_eq!(listed.body["items"], json!([]), "{}", listed.text);
}
