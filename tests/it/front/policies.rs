//! Policies that change under a running service.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::Answer;
use super::support::OFFICER;
use super::support::TestService;
use super::support::chain;
use super::support::copy_tree;
use super::support::eventually;
use super::support::membership;

const AUTOMATIC: &str = "automatic/group-membership.cedar";

async fn policies(service: &TestService) -> Answer {
    let answer = service.get("/v1/policies", "security-officer").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

async fn await_attempt(service: &TestService, outcome: &str) -> Value {
    eventually(outcome, async || {
        let now = policies(service).await.body;
        (now["last_attempt"]["outcome"] == outcome).then_some(now)
    })
    .await
}

/// Replaces a text that occurs once in a file.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    fs::write(file, text.replace(from, to)).unwrap();
}

/// Makes the visiting officer's category automatic.
fn answer_at_once(service: &TestService) {
    let manifest = service.policy_file("bundle.toml");
    let mut text = fs::read_to_string(&manifest).unwrap();
    text.push_str("\"group-membership.visiting-officer\" = \"automatic\"\n");
    fs::write(manifest, text).unwrap();
}

/// Misspells an attribute.
fn break_bundle(service: &TestService) {
    edit(
        &service.policy_file(AUTOMATIC),
        "context.asserted.organisation == \"fire.nl.example\")",
        "context.asserted.organization == \"fire.nl.example\")",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_can_be_read() {
    let service = TestService::start().await;
    let answer = policies(&service).await.body;
    assert_eq!(answer["in_force"]["generation"], 1);
    let digest = answer["in_force"]["digest"].as_str().unwrap();
    assert_eq!(digest.len(), "sha256:".len() + 64, "{digest}");
    assert_eq!(answer["last_attempt"]["outcome"], "unchanged");
    assert_eq!(answer["last_attempt"]["digest"], digest);
    let listed = answer["policies"].as_array().unwrap();
    let policy = listed
        .iter()
        .find(|policy| policy["id"] == "membership.visiting-officer")
        .unwrap();
    assert_eq!(policy["effect"], "permit");
    assert_eq!(policy["category"], "group-membership.visiting-officer");
    assert_eq!(policy["response"], "manual-review");
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.body["bundle"], answer["in_force"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_comes_into_force_and_a_broken_one_does_not() {
    let service = TestService::start().await;
    let first = policies(&service).await.body;
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.body["status"], "pending");

    answer_at_once(&service);
    let second = await_attempt(&service, "published").await;
    assert_eq!(second["in_force"]["generation"], 2);
    assert_ne!(second["in_force"]["digest"], first["in_force"]["digest"]);
    let granted = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(granted.body["status"], "accepted", "{}", granted.text);
    assert_eq!(granted.body["bundle"], second["in_force"]);

    break_bundle(&service);
    let refused = await_attempt(&service, "refused").await;
    assert_eq!(refused["in_force"], second["in_force"]);
    let diagnostic = &refused["last_attempt"]["diagnostics"][0];
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["code"], "validation");
    let file = diagnostic["file"].as_str().unwrap();
    assert!(file.ends_with(AUTOMATIC), "{file}");
    let text = fs::read_to_string(service.policy_file(AUTOMATIC)).unwrap();
    let line = usize::try_from(diagnostic["line"].as_u64().unwrap()).unwrap();
    let column = usize::try_from(diagnostic["column"].as_u64().unwrap()).unwrap();
    let place: String = text
        .lines()
        .nth(line - 1)
        .unwrap()
        .chars()
        .skip(column - 1)
        .collect();
    assert!(
        place.starts_with("context.asserted.organization"),
        "{diagnostic}"
    );
    let hint = diagnostic["help"].as_str().unwrap();
    assert!(hint.contains("did you mean `organisation`"), "{hint}");

    // Ready all the same, and saying what is the matter.
    let ready = service.get("/readyz", "without token").await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.body["refused_bundle"]["diagnostics"],
        refused["last_attempt"]["diagnostics"]
    );
    let still = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(still.body["bundle"], second["in_force"]);

    edit(
        &service.policy_file(AUTOMATIC),
        "organization",
        "organisation",
    );
    let mended = await_attempt(&service, "unchanged").await;
    assert_eq!(mended["in_force"], second["in_force"]);
    let ready = service.get("/readyz", "without token").await;
    assert!(ready.body.get("refused_bundle").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_policy_is_refused_where_it_breaks() {
    let service = TestService::start().await;
    let file = service.policy_file("automatic/half-written.cedar");
    fs::write(file, "@id(\"half\")\npermit (principal,\n").unwrap();
    let refused = await_attempt(&service, "refused").await;
    let diagnostic = &refused["last_attempt"]["diagnostics"][0];
    assert_eq!(diagnostic["code"], "syntax", "{diagnostic}");
    let file = diagnostic["file"].as_str().unwrap();
    assert!(file.ends_with("automatic/half-written.cedar"), "{file}");
    assert_eq!(refused["in_force"]["generation"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_directory_that_vanishes_changes_nothing() {
    let service = TestService::start().await;
    let before = policies(&service).await.body;
    let away = service.directory().join("away");
    fs::rename(service.policy_file(""), &away).unwrap();
    let refused = await_attempt(&service, "refused").await;
    assert_eq!(refused["in_force"], before["in_force"]);
    assert!(
        !refused["last_attempt"]["diagnostics"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // Callers are still known, and requests are still decided.
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.status, 202, "{}", held.text);
    fs::rename(&away, service.policy_file("")).unwrap();
    let back = await_attempt(&service, "unchanged").await;
    assert_eq!(back["in_force"], before["in_force"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_broken_files_brings_the_last_good_bundle() {
    let mut service = TestService::start().await;
    answer_at_once(&service);
    let good = await_attempt(&service, "published").await;
    service.stop().await;
    break_bundle(&service);
    service.resume().await.unwrap();
    let after = policies(&service).await.body;
    assert_eq!(after["in_force"], good["in_force"]);
    assert_eq!(after["last_attempt"]["outcome"], "refused");
    let granted = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(granted.body["status"], "accepted", "{}", granted.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_access_bundle_locks_nobody_out() {
    let service = TestService::start().await;
    let reviewer = service.policy_file("access/reviewer.cedar");
    // First a change that can be seen: reviewers may no longer read.
    edit(&reviewer, "    ACCESS::Action::\"readRequest\",\n", "");
    let path = service.submit_held(&membership(&[OFFICER])).await;
    eventually("the access bundle", async || {
        let read = service.get(&path, "reviewer").await;
        (read.problem() == (403, "forbidden")).then_some(())
    })
    .await;
    fs::write(&reviewer, "permit (principal").unwrap();
    let seen = eventually("the refusal", async || {
        let now = policies(&service).await.body;
        (now["access"]["last_attempt"]["outcome"] == "refused").then_some(now)
    })
    .await;
    let diagnostic = &seen["access"]["last_attempt"]["diagnostics"][0];
    let file = diagnostic["file"].as_str().unwrap();
    assert!(file.ends_with("reviewer.cedar"), "{diagnostic}");
    assert_eq!(service.get(&path, "auditor").await.status, 200);
    assert_eq!(service.get(&path, "reviewer").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_bundle_that_locks_out_the_operator_is_refused() {
    let service = TestService::start().await;
    let digest = policies(&service).await.body["access"]["digest"].clone();
    for action in ["writeRegistry", "readPolicies"] {
        let operator = service.policy_file("access/operator.cedar");
        let good = fs::read_to_string(&operator).unwrap();
        edit(
            &operator,
            &format!("    ACCESS::Action::\"{action}\",\n"),
            "",
        );
        let seen = eventually("the refusal", async || {
            let now = policies(&service).await.body["access"].clone();
            let diagnostic = now["last_attempt"]["diagnostics"][0].clone();
            let help = diagnostic["help"].as_str().unwrap_or_default();
            help.contains(action).then_some(now)
        })
        .await;
        assert_eq!(seen["digest"], digest);
        assert_eq!(seen["last_attempt"]["diagnostics"][0]["code"], "locked-out");
        fs::write(&operator, good).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_a_broken_access_bundle_brings_the_last_good_one() {
    let mut service = TestService::start().await;
    let reviewer = service.policy_file("access/reviewer.cedar");
    edit(&reviewer, "    ACCESS::Action::\"readRequest\",\n", "");
    let before = policies(&service).await.body["access"]["digest"].clone();
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let changed = eventually("the access bundle", async || {
        let now = policies(&service).await.body["access"].clone();
        (now["digest"] != before).then_some(now)
    })
    .await;
    assert_eq!(changed["last_attempt"]["outcome"], "published");
    service.stop().await;
    fs::write(&reviewer, "permit (principal").unwrap();
    // Twice: a start on broken files does not forget the good one either.
    for _ in 0..2 {
        service.resume().await.unwrap();
        let after = policies(&service).await.body["access"].clone();
        assert_eq!(after["digest"], changed["digest"]);
        assert_eq!(after["last_attempt"]["outcome"], "refused");
        assert_eq!(service.get(&path, "auditor").await.status, 200);
        assert_eq!(service.get(&path, "reviewer").await.status, 403);
        let ready = service.get("/readyz", "without token").await;
        assert_eq!(ready.status, 200);
        assert_eq!(ready.body["refused_access_bundle"]["outcome"], "refused");
        let metrics = service.get("/metrics", "operator").await.text;
        let refused = "comity_publication_attempt_succeeded{bundle=\"access\"} 0";
        assert!(metrics.contains(refused), "{metrics}");
        service.stop().await;
    }
    // Mended, it comes into force again.
    copy_tree(Path::new("policies/access"), &service.policy_file("access"));
    service.resume().await.unwrap();
    assert_eq!(service.get(&path, "reviewer").await.status, 200);
    let ready = service.get("/readyz", "without token").await;
    assert!(
        ready.body.get("refused_access_bundle").is_none(),
        "{}",
        ready.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_needs_an_access_bundle() {
    let mut service = TestService::start_empty(|_| {}).await;
    service.stop().await;
    fs::write(
        service.policy_file("access/reviewer.cedar"),
        "permit (principal",
    )
    .unwrap();
    fs::remove_file(service.settings().data_directory.join("access-bundle")).unwrap();
    let message = chain(&service.resume().await.unwrap_err());
    assert!(message.contains("reviewer.cedar"), "{message}");
}
