//! Erasing what is recorded of persons: two persons, what is refused, what is left, and what a restored backup comes to.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use comity::app::recorded::Selection;
use comity::app::replay::Replay;
use comity::cli::service::open_store;
use comity::store::State;
use comity::store::embedded::archive::Archive;
use comity::store::embedded::erasure::ORDERS_FILE;
use serde_json::Value;
use serde_json::json;

use super::cli::comity_aside;
use super::cli::text;
use super::clock::Hands;
use super::support::Answer;
use super::support::DISPATCHER;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::copy_tree;
use super::support::denial;
use super::support::eventually;
use super::support::membership;
use super::support::with;

const ASKS: &str = "sip:dpo.1@mc.de.example";
const CONFIRMS: &str = "sip:dpo.2@mc.de.example";

fn officer(number: u8) -> Value {
    json!({
        "kind": "user",
        "document": {
            "id": format!("dpo-{number}"), "enabled": true,
            "identities": { "mcptt": format!("sip:dpo.{number}@mc.de.example") },
        }
    })
}

/// A service with two privacy officers and a request of the officer that was refused; and its path.
async fn decided() -> (TestService, String) {
    let service = TestService::start().await;
    let officers = json!([officer(1), officer(2)]);
    let imported = service.post("/v1/import", "operator", &officers).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let refused = service.respond(&path, &denial()).await;
    assert_eq!(refused.status, 200, "{}", refused.text);
    (service, path)
}

fn order() -> Value {
    json!({
        "subjects": [OFFICER], "ground": "objection", "reason": "asked us in a letter",
        "asked_by": ASKS
    })
}

async fn ask(service: &TestService, order: &Value) -> Answer {
    service.post("/v1/erasures", "privacy-officer", order).await
}

async fn asked(service: &TestService, order: &Value) -> String {
    let asked = ask(service, order).await;
    assert_eq!(asked.status, 201, "{}", asked.text);
    assert_eq!(asked.body["status"], "asked");
    let place = asked.header("location").to_owned();
    assert!(place.ends_with(asked.body["id"].as_str().unwrap()));
    place
}

async fn confirm(service: &TestService, place: &str, by: &str) -> Answer {
    let body = json!({ "approved_by": by });
    let path = format!("{place}/approval");
    service.post(&path, "privacy-officer", &body).await
}

/// An order, once it is carried out.
async fn carried_out(service: &TestService, place: &str) -> Value {
    eventually("the erasure is carried out", async || {
        let order = service.get(place, "privacy-officer").await;
        (order.body["status"] == "done").then_some(order.body)
    })
    .await
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    files(directory).into_iter().filter(holds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_erase_a_subject_and_everything_else_stands() {
    let (mut service, path) = decided().await;
    let place = asked(&service, &order()).await;
    let waiting = service.get(&place, "auditor").await;
    assert_eq!(waiting.body["subjects"], json!([OFFICER]));
    assert_eq!(waiting.body["asked_by"], ASKS);

    let alone = confirm(&service, &place, ASKS).await;
    assert_eq!(alone.problem(), (403, "erasure-same-person"));
    let stranger = confirm(&service, &place, "sip:nobody@mc.de.example").await;
    assert_eq!(stranger.problem(), (403, "unknown-reviewer"));
    let body = json!({ "approved_by": CONFIRMS });
    let operator = service
        .post(&format!("{place}/approval"), "operator", &body)
        .await;
    assert_eq!(operator.problem(), (403, "forbidden"));
    let confirmed = confirm(&service, &place, CONFIRMS).await;
    assert_eq!(confirmed.status, 202, "{}", confirmed.text);
    let done = carried_out(&service, &place).await;
    assert!(done["erased_parts"].as_u64().unwrap() > 2, "{done}");
    assert_eq!(done["ground"], "objection");
    assert_eq!((done.get("subjects"), done.get("reason")), (None, None));
    let late = confirm(&service, &place, CONFIRMS).await;
    assert_eq!(late.problem(), (409, "erasure-not-asked"));

    // The order itself names the subject no longer, and says which entries have lost parts.
    let asked_at = done["asked"].as_u64().unwrap();
    let record = service
        .get(&format!("/v1/records/{asked_at}"), "auditor")
        .await;
    let parts = record.body["parts"].as_array().unwrap();
    assert!(
        parts.iter().any(|part| part["erased"] == true),
        "{record:?}"
    );
    let last = done["record"].as_u64().unwrap();
    let record = service.get(&format!("/v1/records/{last}"), "auditor").await;
    assert!(record.text.contains("ranges"), "{}", record.text);
    assert!(!record.text.contains(OFFICER));

    // The request stands, without whom it was about.
    let request = service.get(&path, "auditor").await;
    assert_eq!(request.status, 200, "{}", request.text);
    assert_eq!(request.body["erased"], true, "{}", request.text);
    assert_eq!(request.body["status"], "rejected", "{}", request.text);
    assert!(!request.text.contains(OFFICER));
    let everything = service.get("/v1/requests", "auditor").await;
    assert_eq!(everything.status, 200, "{}", everything.text);
    assert!(!everything.text.contains(OFFICER));

    let before = service.log_size().await;
    service.stop().await;
    let data = service.settings().data_directory.clone();
    assert_eq!(files_with(&data, OFFICER), Vec::<PathBuf>::new());
    replays_as_erased(&data).await;
    service.resume().await.unwrap();
    assert!(service.log_size().await >= before);
    let again = service.get(&path, "auditor").await;
    assert_eq!(again.body, request.body);
    // Nothing is erased twice.
    let order = service.get(&place, "auditor").await;
    assert_eq!(order.body, done);
}

/// The log replays with what was erased told as that, proofs hold, and a rebuild leads to the same state.
async fn replays_as_erased(data: &Path) {
    let data = data.to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let (store, archive): (_, Archive) = open_store(&data, |_| {}).unwrap();
        let replay = Replay::of(&store, &archive, 2);
        let begun = replay.begin(Selection::default());
        let report = replay.go_on(begun, |_| ControlFlow::Continue(()));
        let report = report.unwrap().into_report();
        assert_eq!(report.mismatches, 0, "{report:?}");
        assert!(report.erased > 0, "{report:?}");
        let state = store.view(State::clone);
        drop(store);
        for copy in ["snapshots", "run.json"] {
            let path = data.join(copy);
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else if path.exists() {
                fs::remove_file(path).unwrap();
            }
        }
        let (rebuilt, _) = open_store(&data, |_| {}).unwrap();
        assert_eq!(rebuilt.view(State::clone), state);
    });
    work.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_needed_is_refused_with_place_and_remedy() {
    let (service, _) = decided().await;
    let blocked = async |order: Value, said: &str| {
        let refused = ask(&service, &order).await;
        assert_eq!(refused.problem(), (409, "erasure-blocked"));
        let detail = refused.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{detail}");
    };
    // A live document, by its key and by an identity.
    let document = with(&order(), "/subjects", json!(["users/dpo-1"]));
    blocked(document, "`users/dpo-1`").await;
    let identity = with(&order(), "/subjects", json!([DISPATCHER]));
    blocked(identity, "is an identity of `users/dispatch-1`").await;
    // A request that waits.
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    blocked(order(), &format!("`{id}`, which waits")).await;
    // What it gives when it is granted, is there then.
    let granted = service.respond(&path, &approval()).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    blocked(order(), "`memberships/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_at_its_place() {
    let (service, _) = decided().await;
    let both = with(&order(), "/records", json!({ "first": 1, "last": 2 }));
    let none = with(&order(), "/subjects", json!([]));
    let text = with(&order(), "/subjects", json!(["text"]));
    let nobody = with(
        &order(),
        "/subjects",
        json!(["sip:unheard.of@mc.nl.example"]),
    );
    let backwards = with(&none, "/records", json!({ "first": 3, "last": 2 }));
    let beyond = with(&none, "/records", json!({ "first": 3, "last": 1_000_000 }));
    let silent = with(&order(), "/reason", " ");
    for (order, pointer) in [
        (both, "/records"),
        (none, ""),
        (text, "/subjects/0"),
        (nobody, "/subjects"),
        (backwards, "/records"),
        (beyond, "/records"),
        (silent, "/reason"),
    ] {
        let refused = ask(&service, &order).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{order}");
        assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
    }
    let ground = with(&order(), "/ground", "because");
    assert_eq!(ask(&service, &ground).await.status, 422);
    let unknown = service.get("/v1/erasures/none", "auditor").await;
    assert_eq!(unknown.problem(), (404, "not-found"));
    // An order that is refused is carried out by nobody.
    let place = asked(&service, &order()).await;
    let refusal = json!({ "refused_by": CONFIRMS });
    let path = format!("{place}/refusal");
    let refused = service.post(&path, "privacy-officer", &refusal).await;
    assert_eq!(refused.body["status"], "dropped", "{}", refused.text);
    let late = confirm(&service, &place, CONFIRMS).await;
    assert_eq!(late.problem(), (409, "erasure-not-asked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_erased_again() {
    let (mut service, path) = decided().await;
    let place = asked(&service, &order()).await;
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let backup = service.directory().join("backup");
    copy_tree(&data, &backup);
    service.resume().await.unwrap();
    assert_eq!(confirm(&service, &place, CONFIRMS).await.status, 202);
    let done = carried_out(&service, &place).await;
    service.stop().await;
    let newest = service.directory().join("newest-erasures.json");
    fs::copy(data.join(ORDERS_FILE), &newest).unwrap();
    assert_eq!(
        files_with(&newest.parent().unwrap().join("data"), OFFICER),
        Vec::<PathBuf>::new()
    );

    // All of an older backup, in which the order waits.
    fs::remove_dir_all(&data).unwrap();
    copy_tree(&backup, &data);
    assert!(!files_with(&data, OFFICER).is_empty());
    let arguments = [
        "log",
        "erase",
        "--from-orders",
        text(&newest),
        "--data-dir",
        text(&data),
    ];
    let ended = comity_aside(&arguments).await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    service.resume().await.unwrap();
    let again = service.get(&place, "auditor").await;
    assert_eq!(again.body["status"], "done", "{}", again.text);
    assert_eq!(again.body["erased_parts"], done["erased_parts"]);
    assert_eq!(service.get(&path, "auditor").await.body["erased"], true);
    service.stop().await;
    assert_eq!(files_with(&data, OFFICER), Vec::<PathBuf>::new());

    // A file of something else is refused, and so is that of another log.
    let other = service.directory().join("other.json");
    fs::write(&other, "{}").unwrap();
    let with_other = [
        "log",
        "erase",
        "--from-orders",
        text(&other),
        "--data-dir",
        text(&data),
    ];
    assert_eq!(comity_aside(&with_other).await.code, 2);
    let orders = fs::read_to_string(&newest).unwrap();
    let mut orders: Value = serde_json::from_str(&orders).unwrap();
    orders["log"] = json!("00000000-0000-4000-8000-000000000000");
    fs::write(&other, orders.to_string()).unwrap();
    let ended = comity_aside(&with_other).await;
    assert_eq!(ended.code, 2, "{}", ended.out);
    assert!(ended.err.contains("another log"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_no_longer_is_erased_by_itself() {
    let day = 24 * 60 * 60 * 1_000;
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let refused = service.respond(&path, &denial()).await;
    assert_eq!(refused.status, 200, "{}", refused.text);
    service.stop().await;
    service.change_settings(|settings| {
        settings.retention.add("request", "P30D").unwrap();
    });
    hands.pass(29 * day);
    service.resume_by(hands.clone()).await;
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let early = service.get(&path, "auditor").await;
    assert!(early.text.contains(OFFICER), "{}", early.text);
    service.stop().await;
    hands.pass(2 * day);
    service.resume_by(hands.clone()).await;
    eventually("the old request is erased", async || {
        let request = service.get(&path, "auditor").await;
        (request.body["erased"] == true).then_some(())
    })
    .await;
    // What is younger stands.
    let younger = service.get(&held, "auditor").await;
    assert!(younger.text.contains(OFFICER), "{}", younger.text);
    let size = service.log_size().await;
    let record = service
        .get(&format!("/v1/records/{}", size - 1), "auditor")
        .await;
    assert!(record.text.contains("kept_since"), "{}", record.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_confirms_and_shows() {
    let (service, _) = decided().await;
    let (url, token) = (service.url(), service.token_file("privacy-officer"));
    let call = async |more: &[&str]| {
        let common = ["log", "erase", "--url", &url, "--token-file", text(&token)];
        comity_aside(&[&common[..], more].concat()).await
    };
    let order = [
        "--subject",
        OFFICER,
        "--ground",
        "objection",
        "--reason",
        "asked",
        "--by",
    ];
    let asked = call(&[&order[..], &[ASKS]].concat()).await;
    assert_eq!(asked.code, 0, "{}{}", asked.out, asked.err);
    let shown: Value = serde_json::from_str(&asked.out).unwrap();
    let id = shown["id"].as_str().unwrap();
    let alone = call(&["--approve", id, "--by", ASKS]).await;
    assert_eq!(alone.code, 1, "{}{}", alone.out, alone.err);
    let confirmed = call(&["--approve", id, "--by", CONFIRMS]).await;
    assert_eq!(confirmed.code, 0, "{}{}", confirmed.out, confirmed.err);
    carried_out(&service, &format!("/v1/erasures/{id}")).await;
    // By record: of one entry, all that is about persons.
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let denied = service.respond(&path, &denial()).await;
    assert_eq!(denied.status, 200, "{}", denied.text);
    let index = denied.body["record"]["index"].to_string();
    let order = [
        "--record", &index, "--ground", "unlawful", "--reason", "asked", "--by",
    ];
    let asked = call(&[&order[..], &[ASKS]].concat()).await;
    assert_eq!(asked.code, 0, "{}{}", asked.out, asked.err);
    let shown: Value = serde_json::from_str(&asked.out).unwrap();
    let place = format!("/v1/erasures/{}", shown["id"].as_str().unwrap());
    assert_eq!(confirm(&service, &place, CONFIRMS).await.status, 202);
    let done = carried_out(&service, &place).await;
    assert_eq!(done["erased_entries"], 1, "{done}");
    let left = service.get(&path, "auditor").await;
    assert_eq!(left.body["erased"], true, "{}", left.text);
    let list = call(&["--list"]).await;
    assert!(list.out.contains(id), "{}{}", list.out, list.err);
    for wrong in [
        &["--list", "--approve", id, "--by", ASKS][..],
        &["--record", "five", "--by", ASKS],
        &["--subject", OFFICER],
        &["--subject", OFFICER, "--by", ASKS],
    ] {
        assert_eq!(call(wrong).await.code, 2, "{wrong:?}");
    }
}
