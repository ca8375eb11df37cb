//! Accepted UE configuration is kept, versioned and served; its secrets are sealed and told only on purpose.

use std::fs;
use std::path::Path;

use comity::app::replay::replay_all;
use comity::cli::service::open_store;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::DISPATCHER;
use super::support::NL;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::inbound;
use super::support::with;

const PATH: &str = "/v1/ue-configurations/mc.nl.example";
const MANAGER: &str = "configuration-manager";
const POINTER: &str = "/pdn_connectivity/0/mc_services/credentials";
const KMS: &str = "https://kms-7.mc.nl.example";

fn push(apn: &str, credentials: &str) -> Value {
    inbound(json!({
        "operation": "ue-configuration-push",
        "requester": { "mc_service_id": REQUESTER },
        "mc_system_id": NL,
        "configuration": {
            "mc_system_id": NL,
            "pdn_connectivity": [{
                "hplmn": "204-04", "mc_services": { "apn": apn, "credentials": credentials }
            }],
            "servers": {
                "idms": "https://idms.mc.nl.example", "gms": "https://gms.mc.nl.example",
                "cms": "https://cms.mc.nl.example", "kms": KMS
            }
        }
    }))
}

impl TestService {
    async fn configuration(&self, query: &str) -> Answer {
        let found = self.get(&format!("{PATH}{query}"), MANAGER).await;
        assert_eq!(found.status, 200, "{}", found.text);
        found
    }

    async fn secret(&self, query: &str) -> Value {
        let found = self.get(&format!("{PATH}/secrets{query}"), MANAGER).await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert_eq!(found.header("cache-control"), "no-store");
        found.body["secrets"][POINTER].clone()
    }

    async fn pushed(&self, push: &Value) {
        let path = self.submit_held(push).await;
        let answered = self.respond(&path, &approval()).await;
        assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    }
}

/// Whether any file below a directory holds a text.
fn holds(directory: &Path, text: &str) -> bool {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_push_is_a_version() {
    let service = TestService::start().await;
    let nothing = service.get(PATH, MANAGER).await;
    assert_eq!(nothing.problem(), (404, "not-found"));
    service.pushed(&push("mc.first", "first-credentials")).await;
    let first = service.configuration("").await;
    assert_eq!(first.body["version"], 1);
    assert_eq!(first.body["provider"], NL);
    assert_eq!(first.body["requester"], REQUESTER);
    assert_eq!(first.body["submitted_by"], "acms");
    assert_eq!(first.body["approved_by"], DISPATCHER);
    assert_eq!(first.body["withheld"], json!([POINTER]));
    let record = first.body["record"].as_u64().unwrap();
    assert_eq!(first.header("etag"), format!("\"r{record}\""));
    // An access point changes: accepted at once.
    let update = service
        .submit(&push("mc.second", "first-credentials"))
        .await;
    assert_eq!(update.body["status"], "accepted", "{}", update.text);
    let second = service.configuration("").await;
    assert_eq!(second.body["version"], 2);
    assert_eq!(second.body["request_id"], update.body["id"]);
    assert_eq!(second.body["record"], update.body["record"]["index"]);
    assert!(second.body["approved_by"].is_null());
    let pdn = "/configuration/pdn_connectivity/0";
    assert_eq!(
        second.body.pointer(pdn).unwrap(),
        &json!({ "hplmn": "204-04", "mc_services": { "apn": "mc.second" } })
    );
    let again = service.configuration("?version=1").await;
    assert_eq!((again.text, again.status), (first.text.clone(), 200));
    let versions = service.configuration("/versions").await;
    let numbers = |answer: &Answer| -> Vec<Value> {
        let versions = answer.body["versions"].as_array().unwrap();
        versions.iter().map(|it| it["version"].clone()).collect()
    };
    assert_eq!(numbers(&versions), [2, 1]);
    assert_eq!(
        numbers(&service.configuration("/versions?limit=1").await),
        [2]
    );
    assert_eq!(
        numbers(&service.configuration("/versions?before=2").await),
        [1]
    );
    let changes = service.configuration("/changes").await;
    let expected = json!({ "provider": NL, "from": 1, "to": 2, "changes": ["apn"] });
    assert_eq!(changes.body, expected);
    let all = service.configuration("/changes?from=0&to=1").await;
    assert_eq!(all.body["changes"].as_array().unwrap().len(), 8);
    for (query, problem) in [
        ("?version=0", (404, "not-found")),
        ("?version=3", (404, "not-found")),
        ("?version=x", (400, "invalid-request")),
        ("?reveal=true", (400, "invalid-request")),
    ] {
        let refused = service.get(&format!("{PATH}{query}"), MANAGER).await;
        assert_eq!(refused.problem(), problem, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_to_whom_it_may_be_and_that_is_recorded() {
    let service = TestService::start().await;
    service.pushed(&push("mc.first", "first-credentials")).await;
    let path = format!("{PATH}/secrets");
    let before = service.log_size().await;
    for caller in [
        "operator",
        "auditor",
        "security-officer",
        "acms",
        "reviewer",
    ] {
        let refused = service.get(&path, caller).await;
        assert_eq!(refused.problem(), (403, "forbidden"), "{caller}");
    }
    assert_eq!(service.log_size().await, before);
    let told = service.get(&path, MANAGER).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(
        told.body["secrets"],
        json!({ POINTER: "first-credentials" })
    );
    assert_eq!(told.body["record"], before);
    assert_eq!(service.log_size().await, before + 1);
    // What there is not is neither told nor recorded.
    let missing = service.get(&format!("{path}?version=2"), MANAGER).await;
    assert_eq!(missing.problem(), (404, "not-found"));
    assert_eq!(service.log_size().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_file_or_an_answer_and_a_rebuild_gives_the_same() {
    const SECRETS: [&str; 4] = [
        "kept-by-hand-1",
        "kept-at-once-2",
        "denied-secret-3",
        "waits-4",
    ];
    let mut service = TestService::start().await;
    service.pushed(&push("mc.first", SECRETS[0])).await;
    service.pushed(&push("mc.first", SECRETS[1])).await;
    let denied = service.submit_held(&push("mc.first", SECRETS[2])).await;
    let answered = service.respond(&denied, &denial()).await;
    assert_eq!(answered.body["status"], "rejected");
    let waits = service.submit_held(&push("mc.first", SECRETS[3])).await;
    // A spoofed one is refused; nothing of it is kept.
    let spoofed = with(
        &push("mc.first", "spoofed-5"),
        "/mc_system_id",
        "mc.be.example",
    );
    assert_eq!(service.submit(&spoofed).await.body["status"], "rejected");
    assert_eq!(service.secret("?version=1").await, SECRETS[0]);
    let mut answers = Vec::new();
    for path in [
        PATH.to_owned(),
        format!("{PATH}/versions"),
        format!("{PATH}/changes"),
        "/v1/ue-configurations".to_owned(),
        denied,
        waits.clone(),
    ] {
        let answer = service.get(&path, "operator").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answers.push((path, answer.text));
    }
    service.stop().await;
    let data = service.settings().data_directory.clone();
    // That it is searched at all.
    assert!(holds(&data, "mc.nl.example"));
    for clear in SECRETS.iter().chain(&["spoofed-5", KMS, "mc.first"]) {
        assert!(!holds(&data, clear), "{clear}");
        let said = answers.iter().filter(|(_, text)| text.contains(clear));
        // Addresses are told to whom may read, secrets are not.
        let is_address = *clear == KMS || *clear == "mc.first";
        assert_eq!(said.count(), usize::from(is_address), "{clear}");
    }
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!((report.mismatches, report.erased), (0, 0), "{report:?}");
    assert!(report.identical >= 7);
    store.close().await;
    drop(store);
    // Everything but the log is made anew.
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("projection") || name.starts_with("snapshot") {
            fs::remove_dir_all(&path)
                .or_else(|_| fs::remove_file(&path))
                .unwrap();
        }
    }
    service.resume().await.unwrap();
    for (path, text) in answers {
        assert_eq!(service.get(&path, "operator").await.text, text, "{path}");
    }
    // What waited is stored as it was reviewed.
    let answered = service.respond(&waits, &approval()).await;
    assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    assert_eq!(service.secret("").await, SECRETS[3]);
    assert_eq!(service.secret("?version=2").await, SECRETS[1]);
    assert_eq!(service.configuration("").await.body["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_wait_each_keeps_its_own_data() {
    let service = TestService::start().await;
    let first = service
        .submit_held(&push("mc.one", "one-credentials"))
        .await;
    let second = service
        .submit_held(&push("mc.two", "two-credentials"))
        .await;
    for path in [&first, &second] {
        let answered = service.respond(path, &approval()).await;
        assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
    }
    assert_eq!(service.secret("?version=1").await, "one-credentials");
    assert_eq!(service.secret("?version=2").await, "two-credentials");
    let pointer = "/configuration/pdn_connectivity/0/mc_services/apn";
    let newest = service.configuration("").await;
    assert_eq!(newest.body.pointer(pointer).unwrap(), "mc.two");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_a_version_is_refused_and_decisions_go_on() {
    let mut service = TestService::start().await;
    service.pushed(&push("mc.first", "first-credentials")).await;
    let key_id = service.configuration("").await.body["key_id"].clone();
    service.stop().await;
    let keys = service.settings().data_directory.join("configuration-keys");
    let lost = fs::read(keys.join("0001.key")).unwrap();
    fs::remove_file(keys.join("0001.key")).unwrap();
    service.resume().await.unwrap();
    for path in [PATH.to_owned(), format!("{PATH}/secrets")] {
        let refused = service.get(&path, MANAGER).await;
        assert_eq!(refused.problem(), (503, "configuration-unreadable"));
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(key_id.as_str().unwrap()), "{detail}");
    }
    // Digests need no such key: an unchanged element is known.
    let update = service
        .submit(&push("mc.second", "first-credentials"))
        .await;
    assert_eq!(update.body["status"], "accepted", "{}", update.text);
    let second = service.configuration("").await;
    assert_ne!(second.body["key_id"], key_id);
    assert_eq!(
        service.configuration("/changes").await.body["changes"],
        json!(["apn"])
    );
    service.stop().await;
    // The old key beside the new one: the last by name seals, both open.
    let file = keys.join("0000.key");
    fs::write(&file, &lost).unwrap();
    assert!(service.resume().await.is_err(), "others can read the key");
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file, owner_only).unwrap();
    service.resume().await.unwrap();
    assert_eq!(service.secret("?version=1").await, "first-credentials");
    assert_eq!(
        service.configuration("?version=1").await.body["key_id"],
        key_id
    );
    let third = service.submit(&push("mc.third", "first-credentials")).await;
    assert_eq!(third.body["status"], "accepted", "{}", third.text);
    let third = service.configuration("").await;
    assert_eq!(third.body["key_id"], second.body["key_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_directory_of_keys_is_never_filled_in() {
    let mut directory = None;
    let mut service = TestService::start_with(|settings| {
        let keys = settings.policies.with_file_name("keys");
        fs::create_dir(&keys).unwrap();
        let file = keys.join("0001.key");
        fs::write(&file, [9; 32]).unwrap();
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&file, owner_only).unwrap();
        settings.configuration_keys = Some(keys.clone());
        directory = Some(keys);
    })
    .await;
    service.pushed(&push("mc.first", "first-credentials")).await;
    assert_eq!(service.secret("").await, "first-credentials");
    service.stop().await;
    let keys = directory.unwrap();
    assert!(
        !service
            .settings()
            .data_directory
            .join("configuration-keys")
            .exists()
    );
    fs::rename(keys.join("0001.key"), keys.join("away")).unwrap();
    let refused = service.resume().await.unwrap_err().to_string();
    assert!(refused.contains("holds no configuration key"), "{refused}");
    fs::rename(keys.join("away"), keys.join("0001.key")).unwrap();
    service.resume().await.unwrap();
    assert_eq!(service.secret("").await, "first-credentials");
}
