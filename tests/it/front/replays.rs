//! Replay: what is chosen, what is found, and that it can be broken off.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use comity::app::recorded::Selection;
use comity::app::replay::MismatchKind;
use comity::app::replay::Replay;
use comity::app::replay::ReplayReport;
use comity::cli::service::open_store;
use comity::decision::record::ENGINE_VERSION;
use comity::decision_log::Leaf;
use comity::decision_log::Payload;
use comity::decision_log::StoredPart;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::archive::Archive;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::journal::Entry;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::verify_entry;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use super::cli::comity_aside;
use super::support::GROUP;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::inbound;
use super::support::membership;
use super::support::with;

const OTHERS: [&str; 3] = [
    "sip:officer.115@mc.nl.example",
    "sip:officer.116@mc.nl.example",
    "sip:officer.117@mc.nl.example",
];

fn affiliation() -> Value {
    inbound(json!({
        "operation": "affiliation", "user": OFFICER, "group": GROUP,
        "service": "mcptt", "serving_system": "mc.nl.example"
    }))
}

/// A service that has decided: four held requests, one of them answered, and two affiliations.
async fn decided() -> TestService {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    for other in OTHERS {
        service.submit_held(&membership(&[other])).await;
    }
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    for _ in 0..2 {
        assert_eq!(service.submit(&affiliation()).await.status, 200);
    }
    service
}

async fn stopped() -> (TestService, EmbeddedStore, Archive) {
    let mut service = decided().await;
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    (service, store, archive)
}

fn replayed(replay: &Replay<'_>, selection: Selection) -> ReplayReport {
    let reached = replay.go_on(replay.begin(selection), |_| ControlFlow::Continue(()));
    let reached = reached.unwrap();
    assert!(reached.is_whole());
    reached.into_report()
}

fn chosen(selection: &Value) -> Selection {
    serde_json::from_value(selection.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replayed_can_be_chosen() {
    let (_service, store, archive) = stopped().await;
    let replay = Replay::of(&store, &archive, 2);
    let all = replayed(&replay, Selection::default());
    assert_eq!((all.decisions, all.identical, all.mismatches), (7, 7, 0));
    assert_eq!(all.engines[ENGINE_VERSION].identical, 7);
    let bundle = all.bundles.keys().next().unwrap();
    let held = store.view(|state| state.open_requests(None).next().unwrap().id.0);
    let at = |index: u64| {
        let leaf = store
            .reader()
            .read_leaf(comity::decision_log::LogIndex(index));
        Leaf::parse(&leaf.unwrap()).unwrap().time().to_string()
    };
    let last = all.entries - 1;
    for (selection, decisions) in [
        (json!({}), 7),
        (json!({ "operation": "affiliation" }), 2),
        (json!({ "operation": "group-membership-update" }), 5),
        // An approval is decided again like what it approves.
        (json!({ "outcome": "review" }), 5),
        (json!({ "partner": "mc.nl.example" }), 7),
        (json!({ "partner": "mc.fr.example" }), 0),
        (json!({ "category": "no.such" }), 0),
        (json!({ "request": held }), 1),
        (json!({ "request": Uuid::nil() }), 0),
        (json!({ "bundle": bundle }), 7),
        (json!({ "bundle": format!("sha256:{}", "0".repeat(64)) }), 0),
        (json!({ "first": last }), 1),
        (json!({ "last": last - 1 }), 6),
        (json!({ "first": last, "last": u64::MAX }), 1),
        (json!({ "first": u64::MAX }), 0),
        (json!({ "from": "2999-01-01T00:00:00Z" }), 0),
        (json!({ "until": at(0) }), 0),
        (json!({ "from": at(0), "until": "2999-01-01T00:00:00Z" }), 7),
        (
            json!({ "operation": "affiliation", "outcome": "review" }),
            0,
        ),
    ] {
        let report = replayed(&replay, chosen(&selection));
        assert_eq!(report.decisions, decisions, "{selection}");
        assert_eq!(report.identical, decisions, "{selection}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_broken_off_ends_with_the_same_report() {
    let (_service, store, archive) = stopped().await;
    let whole = replayed(&Replay::of(&store, &archive, 1), Selection::default());
    for workers in [1, 3] {
        let replay = Replay::of(&store, &archive, workers).by_pieces_of(2);
        assert_eq!(replayed(&replay, Selection::default()), whole);
        // Each time it comes one piece further.
        let mut reached = replay.begin(Selection::default());
        let mut turns = 0;
        while !reached.is_whole() {
            let before = reached.done();
            let broken_off = replay.go_on(reached, |_| ControlFlow::Break(())).unwrap();
            assert_eq!(broken_off.done(), (before + 2).min(whole.entries));
            let written = broken_off.to_json().unwrap();
            reached = replay.resume(&written, &Selection::default()).unwrap();
            turns += 1;
        }
        assert_eq!(turns, whole.entries.div_ceil(2));
        assert_eq!(reached.into_report(), whole);
    }
    let replay = Replay::of(&store, &archive, 1);
    let written = replay.begin(Selection::default()).to_json().unwrap();
    let other = chosen(&json!({ "operation": "affiliation" }));
    assert!(replay.resume(&written, &other).is_err());
    let of_another_log = Replay::new(store.reader(), (Uuid::nil(), &archive), 1);
    assert!(
        of_another_log
            .resume(&written, &Selection::default())
            .is_err()
    );
    let mut edited: Value = serde_json::from_slice(&written).unwrap();
    for (member, value) in [
        ("version", json!(99)),
        ("engine_version", json!("comity 0.0.1 cedar 1.0.0")),
        ("next", json!(u64::MAX)),
        ("end", json!(1_000_000)),
    ] {
        let kept = edited[member].take();
        edited[member] = value;
        let resumed = replay.resume(edited.to_string().as_bytes(), &Selection::default());
        assert!(resumed.is_err(), "{member}");
        edited[member] = kept;
    }
}

/// The entries of a log, each perhaps changed, in a log of their own.
fn rewritten(
    store: &EmbeddedStore,
    directory: &Path,
    mut change: impl FnMut(u64, Vec<StoredPart>) -> Vec<StoredPart>,
) -> Journal {
    let disk = Arc::new(RealDisk::new(directory));
    let settings = JournalSettings::default();
    let (mut journal, _) = Journal::open(disk, &settings, &mut |_| {}).unwrap();
    for entry in store.reader().entries(comity::decision_log::LogIndex(0)) {
        let entry: Entry = entry.unwrap();
        let (leaf, payload) = verify_entry(&entry).unwrap();
        let payload = Payload::new(change(entry.index.0, payload.into_parts())).unwrap();
        let leaf = Leaf::new(leaf.kind(), leaf.time(), leaf.outcomes(), &payload).unwrap();
        let bytes = EntryBytes {
            leaf: leaf.encode(),
            payload: payload.encode(),
        };
        journal.append(&[bytes]).unwrap();
    }
    journal
}

/// Changes the first part that says something; says whether there is one.
fn edit(parts: &mut [StoredPart], from: &str, to: &str) -> bool {
    for part in parts {
        if let StoredPart::Present(part) = part {
            let text = String::from_utf8(part.body.clone()).unwrap();
            if text.contains(from) {
                part.body = text.replacen(from, to, 1).into_bytes();
                return true;
            }
        }
    }
    false
}

/// An engine that there never was.
const OLD_ENGINE: &str = "comity 0.0.9 cedar 4.0.0";

/// Names a bundle that is not in the archive instead of the one that decided.
fn forget_bundle(parts: &mut [StoredPart]) {
    let digest = "\"digest\":\"sha256:";
    for part in parts {
        if let StoredPart::Present(part) = part {
            let text = String::from_utf8(part.body.clone()).unwrap();
            if let Some((head, rest)) = text.split_once(digest) {
                let rest: String = rest.chars().skip(64).collect();
                part.body = format!("{head}{digest}{}{rest}", "0".repeat(64)).into_bytes();
                return;
            }
        }
    }
    panic!("no part names a bundle");
}

/// What is done to the decisions of the log, each in another way.
fn tamper(decision: usize, parts: &mut Vec<StoredPart>) {
    let mut edited = |from: &str, to: &str| assert!(edit(parts, from, to), "{from}");
    match decision {
        // An older engine that decided the same.
        0 => edited(ENGINE_VERSION, OLD_ENGINE),
        // One that decided otherwise.
        1 => {
            edited(ENGINE_VERSION, OLD_ENGINE);
            edited("\"outcome\":\"review\"", "\"outcome\":\"accept\"");
        }
        // This engine, of which something else was written down.
        2 => {
            edited("\"policies\":[{\"id\":\"", "\"policies\":[{\"id\":\"no-");
            edited("\"errors\":[]", "\"errors\":[{\"message\":\"no\"}]");
        }
        3 => forget_bundle(parts),
        // People who were erased.
        5 => *parts = parts.drain(..).map(StoredPart::erased).collect(),
        // What is no record.
        6 => edited("\"listed_count\":", "\"counted\":"),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_was_is_named() {
    let (_service, store, archive) = stopped().await;
    let replay = Replay::of(&store, &archive, 1);
    let holds_one = |index: &u64| {
        let only = json!({ "first": index, "last": index });
        replayed(&replay, chosen(&only)).decisions == 1
    };
    let decisions: Vec<u64> = (0..store.reader().size().0).filter(holds_one).collect();
    let directory = tempfile::tempdir().unwrap();
    let journal = rewritten(&store, directory.path(), |index, mut parts| {
        if let Some(decision) = decisions.iter().position(|known| *known == index) {
            tamper(decision, &mut parts);
        }
        parts
    });
    let replay = Replay::new(journal.reader(), (Uuid::nil(), &archive), 2).by_pieces_of(1);
    let report = replayed(&replay, Selection::default());
    let named = report.examples.iter().map(|it| (it.index, it.kind));
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            (decisions[1], MismatchKind::Engine),
            (decisions[2], MismatchKind::Decision),
            (decisions[3], MismatchKind::Bundle),
            (decisions[6], MismatchKind::Record),
        ],
        "{report:#?}"
    );
    assert_eq!((report.mismatches, report.erased), (4, 1));
    assert_eq!((report.decisions, report.identical), (5, 2));
    let old = report.engines[OLD_ENGINE];
    assert_eq!((old.decisions, old.identical), (2, 1));
    for member in ["outcome", "policies", "errors"] {
        assert_eq!(report.differing[member], 1, "{report:#?}");
    }
    let by_another = &report.examples[0];
    assert!(by_another.other_engine);
    let engines = format!("engine: {OLD_ENGINE} then, {ENGINE_VERSION} now");
    assert_eq!(by_another.differences[0], engines);
    let outcome = "outcome: \"accept\" then, \"review\" now";
    let mut told = by_another.differences.iter();
    assert!(told.any(|it| it.contains(outcome)), "{by_another:#?}");
    assert_eq!(report.examples[1].differs, ["policies", "errors"]);
    // What is left of an erased decision still says whether it is wanted.
    let wanted = |selection| replayed(&replay, chosen(&selection)).erased;
    assert_eq!(wanted(json!({ "operation": "affiliation" })), 1);
    assert_eq!(wanted(json!({ "operation": "ue-configuration-push" })), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_goes_on_where_its_file_says() {
    let (service, store, archive) = stopped().await;
    let replay = Replay::of(&store, &archive, 1).by_pieces_of(3);
    let begun = replay.begin(Selection::default());
    let reached = replay.go_on(begun, |_| ControlFlow::Break(())).unwrap();
    let file = service.directory().join("reached.json");
    fs::write(&file, reached.to_json().unwrap()).unwrap();
    drop((store, archive));
    let data = service
        .settings()
        .data_directory
        .to_str()
        .unwrap()
        .to_owned();
    let file = file.to_str().unwrap().to_owned();
    let plain = ["replay", "--json", "--data-dir", &data];
    let resumed = [&plain[..], &["--resume", &file]].concat();
    let whole = comity_aside(&plain).await;
    assert_eq!(whole.code, 0, "{whole:?}");
    for _ in 0..2 {
        let ended = comity_aside(&resumed).await;
        assert_eq!((ended.code, &ended.out), (0, &whole.out), "{ended:?}");
    }
    for (arguments, remedy) in [
        (vec!["--resume", &file, "--outcome", "review"], "remove it"),
        (vec!["--first", "5", "--last", "4"], "before the first"),
        (vec!["--bundle", "sha256:12"], "64 lower-case"),
        (vec!["--outcome", "maybe"], "--outcome"),
    ] {
        let ended = comity_aside(&[&plain[..], &arguments[..]].concat()).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(remedy), "{ended:?}");
    }
    fs::write(&file, "{").unwrap();
    let ended = comity_aside(&resumed).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let chosen = comity_aside(&[&plain[..], &["--operation", "affiliation"]].concat()).await;
    let report: Value = serde_json::from_str(&chosen.out).unwrap();
    assert_eq!(report["decisions"], 2, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_replays_for_an_auditor() {
    let service = decided().await;
    let wanted = json!({ "operation": "affiliation" });
    let begun = service.post("/v1/replays", "auditor", &wanted).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let place = begun.header("location").to_owned();
    assert_eq!(begun.body["asked_by"], "auditor");
    let done = eventually("the replay ends", async || {
        let answer = service.get(&place, "auditor").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (answer.body["status"] != "running").then_some(answer)
    })
    .await;
    assert_eq!(done.body["status"], "done", "{}", done.text);
    assert_eq!(done.body["report"]["identical"], 2, "{}", done.text);
    assert_eq!(done.body["done"], done.body["entries"]);
    for (body, pointer) in [
        (json!({ "outcome": "maybe" }), "/outcome"),
        (json!({ "first": 3, "last": 2 }), "/last"),
        (json!({ "bundle": "sha256:0" }), "/bundle"),
        (with(&wanted, "/operation", 4), "/operation"),
    ] {
        let refused = service.post("/v1/replays", "auditor", &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"));
        assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
    }
    let unknown = format!("/v1/replays/{}", Uuid::nil());
    assert_eq!(
        service.get(&unknown, "auditor").await.problem(),
        (404, "not-found")
    );
    let answer = service.get("/v1/replays/nothing", "auditor").await;
    assert_eq!(answer.problem(), (404, "not-found"));
}
