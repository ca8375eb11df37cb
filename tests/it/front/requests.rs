//! Submitting, reading and trying out inter-system requests.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::DE;
use super::support::GROUP;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::inbound;
use super::support::membership;
use super::support::send;
use super::support::with;

#[tokio::test(flavor = "multi_thread")]
async fn a_held_request_is_answered_202_in_its_documented_shape() {
    let service = TestService::start().await;
    let call = service.call(Method::POST, "/v1/requests", "acms");
    let call = call.header("idempotency-key", "7b0c");
    let held = send(call.json(&membership(&[OFFICER]))).await;
    assert_eq!(held.status, 202, "{}", held.text);
    let id = held.body["id"].as_str().unwrap().to_owned();
    assert_eq!(held.header("location"), format!("/v1/requests/{id}"));
    assert_eq!(
        held.header("etag"),
        format!("\"r{}\"", held.body["version"])
    );
    assert_eq!(held.body["status"], "pending");
    assert_eq!(held.body["operation"], "group-membership-update");
    assert_eq!(held.body["direction"], "inbound");
    assert_eq!(held.body["correlation_id"], "nl-2026-000917");
    assert_eq!(held.body["items"].as_array().unwrap().len(), 1);
    let item = &held.body["items"][0];
    assert_eq!(item["subject"], OFFICER);
    assert_eq!(item["outcome"], "review");
    assert_eq!(item["reason"], "held");
    assert_eq!(item["state"], "pending");
    assert_eq!(
        item["categories"],
        json!(["group-membership.visiting-officer"])
    );
    let policies = json!([{
        "id": "membership.visiting-officer", "effect": "permit", "response": "manual-review",
        "category": "group-membership.visiting-officer"
    }]);
    assert_eq!(item["policies"], policies);
    assert!(item["limits"].is_object());
    let decided_at = held.body["decided_at"].as_str().unwrap();
    assert!(item["expires_at"].as_str().unwrap() > decided_at);
    assert_eq!(
        item["obligations"][0]["name"], "update-group-membership",
        "{}",
        held.text
    );
    assert_eq!(held.body["bundle"]["generation"], 1);
    let digest = held.body["bundle"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{digest}");
    assert!(held.body["record"]["index"].is_u64());
    assert!(held.body["record"]["leaf_hash"].is_string());

    let read = service.get(held.header("location"), "reviewer").await;
    assert_eq!(read.status, 200);
    let mut body = read.body.clone();
    // Told only to who may answer.
    for told in ["seen", "request"] {
        let removed = body.as_object_mut().unwrap().shift_remove(told);
        assert!(removed.is_some(), "{told}: {}", read.text);
    }
    for item in body["items"].as_array_mut().unwrap() {
        // Told only where a request is read.
        let told = item.as_object_mut().unwrap().shift_remove("answerable_by");
        assert_eq!(told.is_some(), item["state"] == "pending");
    }
    assert_eq!(body, held.body);
    assert_eq!(read.header("etag"), held.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_there_is_not_found() {
    let service = TestService::start_empty(|_| {}).await;
    for id in ["7", "00000000-0000-4000-8000-000000000000"] {
        let path = format!("/v1/requests/{id}");
        let read = service.get(&path, "auditor").await;
        assert_eq!(read.problem(), (404, "not-found"), "{id}");
        let answered = service.respond(&path, &super::support::approval()).await;
        assert_eq!(answered.problem(), (404, "not-found"), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_a_list_gets_its_own_answer() {
    let service = TestService::start().await;
    // German members of a German group are not for the Dutch to add.
    let request = membership(&[OFFICER, "sip:streife.12@mc.de.example"]);
    let held = service.submit(&request).await;
    assert_eq!(held.status, 202, "{}", held.text);
    assert_eq!(held.items("/outcome"), ["review", "reject"]);
    assert_eq!(held.items("/state"), ["pending", "refused"]);
    let path = held.header("location").to_owned();
    let answered = service.respond(&path, &super::support::approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(answered.body["status"], "partial");
    assert_eq!(answered.items("/state"), ["granted", "refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_of_a_migration_gets_its_own_answer() {
    let service = TestService::start().await;
    service.link_is_up().await;
    let request = inbound(json!({
        "operation": "migration-service-authorization",
        "user": OFFICER,
        "services": ["mcptt", "mcvideo", "mcdata"]
    }));
    let answer = service.submit(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["status"], "cleared");
    assert_eq!(answer.items("/service"), ["mcptt", "mcvideo", "mcdata"]);
    assert_eq!(answer.items("/outcome"), ["accept", "reject", "accept"]);
    let refused: Vec<&str> = answer.body["items"][1]["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["id"].as_str().unwrap())
        .collect();
    assert!(refused.contains(&"migration.mcvideo-agreed"), "{refused:?}");
    assert_eq!(answer.body["items"][0]["limits"]["profile"], "nl-visitors");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_an_affiliation() {
    let service = TestService::start_with(|settings| {
        switch(settings, "affiliation.inbound", "manual-review");
    })
    .await;
    let member = |group: &mut Value| group["partners"][0]["members"] = json!([OFFICER]);
    service.change(&format!("/v1/groups/{GROUP}"), member).await;
    let answer = service.submit(&affiliation()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["status"], "rejected");
    assert_eq!(answer.items("/outcome"), ["reject"]);
    assert_eq!(answer.items("/reason"), ["ask-through-acm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_nobody_agreed_with_is_refused_and_not_an_error() {
    let service = TestService::start().await;
    let stranger = "mc.fr.example";
    let mut request = membership(&["sip:agent.1@mc.fr.example"]);
    request["peer"]["system"] = json!(stranger);
    request["requesting_system"] = json!(stranger);
    request["requester"]["mc_service_id"] = json!("sip:control@mc.fr.example");
    let answer = service.submit(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["status"], "rejected");
    assert_eq!(answer.items("/reason"), ["no-agreement"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_speaks_for_another_is_refused_and_not_an_error() {
    let service = TestService::start().await;
    let request = with(&membership(&[OFFICER]), "/peer/system", "mc.be.example");
    let answer = service.submit(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["status"], "rejected");
    assert_eq!(answer.items("/reason"), ["forbidden"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let service = TestService::start().await;
    let before = service.log_size().await;
    let tried = service
        .post("/v1/decisions", "acms", &membership(&[OFFICER]))
        .await;
    assert_eq!(tried.status, 200, "{}", tried.text);
    assert_eq!(tried.items("/outcome"), ["review"]);
    assert_eq!(tried.items("/subject"), [OFFICER]);
    assert_eq!(tried.body["outcomes"], json!({ "review": 1 }));
    assert_eq!(tried.body["bundle"]["generation"], 1);
    for absent in ["id", "record", "status"] {
        assert!(tried.body.get(absent).is_none(), "{absent}");
    }
    assert_eq!(service.log_size().await, before);
    let submitted = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(submitted.body["record"]["index"], before);
    assert_eq!(service.log_size().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_secrets_are_compared_and_never_kept() {
    const SECRET: &str = "correct-horse-battery";
    let service = TestService::start().await;
    let push = |apn: &str| {
        inbound(json!({
            "operation": "ue-configuration-push",
            "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
            "mc_system_id": NL,
            "configuration": {
                "mc_system_id": NL,
                "pdn_connectivity": [
                    { "hplmn": "204-04", "mc_services": { "apn": apn, "credentials": SECRET } }
                ],
                "servers": {
                    "idms": "https://idms.mc.nl.example", "gms": "https://gms.mc.nl.example",
                    "cms": "https://cms.mc.nl.example", "kms": "https://kms.mc.nl.example"
                }
            }
        }))
    };
    let path = service.submit_held(&push("mc.first")).await;
    let answered = service.respond(&path, &super::support::approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    // The same again changes nothing that a person has to see.
    let again = service.submit(&push("mc.first")).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.items("/outcome"), ["accept"]);
    let mut changed = push("mc.first");
    let servers = &mut changed["configuration"]["servers"];
    servers["kms"] = json!("https://kms.elsewhere.example");
    let held = service.submit(&changed).await;
    assert_eq!(held.status, 202, "{}", held.text);
    let decisive = &held.body["items"][0]["policies"];
    assert!(
        decisive
            .to_string()
            .contains("configuration.key-management-changes"),
        "{decisive}"
    );
    // A push that is wrong does not repeat what it holds.
    let mut wrong = push("mc.first");
    wrong["configuration"]["pdn_connectivity"][0]["hplmn"] = json!(SECRET);
    let refused = service.submit(&wrong).await;
    assert_eq!(refused.problem(), (422, "invalid-input"));
    for answer in [&answered, &again, &held, &refused] {
        assert!(!answer.text.contains(SECRET), "{}", answer.text);
    }
    assert_eq!(files_with(&service.settings().data_directory, SECRET), 0);
    assert_ne!(files_with(&service.settings().data_directory, NL), 0);
}

/// How many files beneath a directory hold a text.
fn files_with(directory: &std::path::Path, text: &str) -> usize {
    let entries = std::fs::read_dir(directory).unwrap();
    let count = |path: std::path::PathBuf| {
        if path.is_dir() {
            return files_with(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        usize::from(
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes()),
        )
    };
    entries.map(|entry| count(entry.unwrap().path())).sum()
}

/// Switches a category in the manifest.
pub(super) fn switch(
    settings: &mut comity::cli::service::ServiceSettings,
    category: &str,
    response: &str,
) {
    let manifest = settings.policies.join("bundle.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let line = format!("\"{category}\" = \"{response}\"\n# end\n");
    let switched = text.replace("# end\n", &line);
    assert_ne!(switched, text);
    std::fs::write(&manifest, switched).unwrap();
}

fn affiliation() -> Value {
    let request = inbound(json!({
        "operation": "affiliation",
        "user": OFFICER,
        "group": GROUP,
        "service": "mcptt",
        "serving_system": NL
    }));
    assert_eq!(request["receiving_system"], DE);
    request
}
