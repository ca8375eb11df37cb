//! Logs as each version of the format wrote them: they are read, verified and replayed for ever.
//!
//! `tests/data/records/README.md` says how one is added.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use comity::app::export::ExportSettings;
use comity::app::export::Format;
use comity::app::export::LINE_VERSION;
use comity::app::export::export;
use comity::app::replay::replay_all;
use comity::app::sealing::SealingKey;
use comity::cli::service::open_store;
use comity::decision_log::Leaf;
use comity::decision_log::Part;
use comity::decision_log::PartClass;
use comity::decision_log::Payload;
use comity::decision_log::StoredPart;
use comity::domain::registry::DocumentKind;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use data_encoding::HEXLOWER;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use tempfile::TempDir;

use super::exports::lines;
use super::kinds::KINDS;
use super::kinds::every_kind;
use super::schema::RecordSchema;
use super::schema::all_fit;
use crate::front::cli::comity;
use crate::front::cli::text;
use crate::front::support::TestService;
use crate::front::support::chain;

const GOLDEN: &str = "tests/data/records";

/// Tells what should come out, beside the files.
const MANIFEST: &str = "golden.json";

/// With this variable set, the log of the present version is written anew.
const WRITE: &str = "COMITY_WRITE_GOLDEN";

/// Of a data directory, what the log is; neither keys, nor what can be made anew.
const KEPT: [&str; 7] = [
    "leaf",
    "payload",
    "bundles",
    "anchor",
    "checkpoint",
    "meta.json",
    "system",
];

fn files(directory: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            files(directory, &path, found);
        } else {
            found.push(path);
        }
    }
}

/// The zeros with which segments are written beforehand are left out.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..end.map_or(0, |end| end + 1)]
}

fn write(data: &Path, golden: &Path, key: &str) {
    let mut paths = Vec::new();
    for kept in KEPT {
        let path = data.join(kept);
        if path.is_dir() {
            files(data, Path::new(kept), &mut paths);
        } else if path.exists() {
            paths.push(PathBuf::from(kept));
        }
    }
    let mut lengths = BTreeMap::new();
    for path in paths {
        let bytes = fs::read(data.join(&path)).unwrap();
        let to = golden.join("data").join(&path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, trimmed(&bytes)).unwrap();
        lengths.insert(path.to_str().unwrap().to_owned(), bytes.len());
    }
    let (store, archive) = open_store(data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    let manifest = json!({
        "key": key,
        "entries": report.entries,
        "decisions": report.decisions,
        "state": state(&store),
        "lengths": lengths,
    });
    fs::write(golden.join(MANIFEST), format!("{manifest:#}\n")).unwrap();
}

/// What the log leads to, in one hash.
fn state(store: &EmbeddedStore) -> String {
    let mut hash = Sha256::new();
    store.view(|state| {
        for kind in DocumentKind::ALL {
            for (id, found) in state.documents(kind, None) {
                let document = found.value.to_json().unwrap();
                let line = json!([kind, id, found.revision, document]);
                hash.update(format!("{line}\n"));
            }
        }
        for entry in state.open_requests(None) {
            hash.update(format!("{:?} {:?}\n", entry.id, entry.items));
        }
    });
    HEXLOWER.encode(&hash.finalize())
}

/// The data directory as it was.
fn restored(golden: &Path) -> (TempDir, Value) {
    let directory = tempfile::tempdir().unwrap();
    let manifest = fs::read(golden.join(MANIFEST)).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    for (path, length) in manifest["lengths"].as_object().unwrap() {
        let to = directory.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(golden.join("data").join(path), &to).unwrap();
        let file = fs::File::options().write(true).open(&to).unwrap();
        file.set_len(length.as_u64().unwrap()).unwrap();
    }
    (directory, manifest)
}

fn goldens() -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(GOLDEN)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let named = entries.filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_prefix('v')?.to_owned();
        Some((name.parse().ok()?, path))
    });
    let mut named: Vec<(u64, PathBuf)> = named.collect();
    named.sort();
    named
}

fn check(version: u64, golden: &Path) {
    let (directory, manifest) = restored(golden);
    let data = directory.path();
    let out = data.join("records.ndjson");
    let from = ["--data-dir", text(data)];
    let export = [
        &["log", "export", text(&out), "--format", "ndjson"],
        &from[..],
    ]
    .concat();
    let ended = comity(&export);
    assert_eq!(ended.code, 0, "{ended:?}");
    let records = lines(&fs::read_to_string(&out).unwrap());
    assert_eq!(
        records.len() as u64,
        manifest["entries"].as_u64().unwrap() + 1
    );
    all_fit(&RecordSchema::of_version(version), &records);
    for kind in KINDS {
        assert!(records.iter().any(|line| line["kind"] == kind), "{kind}");
    }

    let replay = comity(&[&["replay", "--json"], &from[..]].concat());
    assert_eq!(replay.code, 0, "{replay:?}");
    let report: Value = serde_json::from_str(&replay.out).unwrap();
    assert_eq!(report["decisions"], manifest["decisions"]);
    assert_eq!(report["identical"], manifest["decisions"]);

    let published = data.join("published");
    let ended = comity(&[&["log", "export", text(&published)], &from[..]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let key = manifest["key"].as_str().unwrap();
    let verified = comity(&["log", "verify", text(&published), "--key", key]);
    assert_eq!(verified.code, 0, "{verified:?}");

    let (store, _) = open_store(data, |_| {}).unwrap();
    assert_eq!(state(&store), manifest["state"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_every_version_there_was_is_read_verified_and_replayed() {
    let present = Path::new(GOLDEN).join(format!("v{LINE_VERSION}"));
    if std::env::var_os(WRITE).is_some() {
        let mut service: TestService = every_kind().await;
        let log = service.get("/v1/log", "auditor").await;
        service.stop().await;
        let key = log.body["keys"][0].as_str().unwrap();
        let data = service.settings().data_directory.clone();
        write(&data, &present, key);
    }
    let goldens = goldens();
    let versions: Vec<u64> = goldens.iter().map(|(version, _)| *version).collect();
    let all: Vec<u64> = (1..=u64::from(LINE_VERSION)).collect();
    assert_eq!(versions, all, "see {GOLDEN}/README.md");
    let checked = tokio::task::spawn_blocking(move || {
        for (version, golden) in &goldens {
            check(*version, golden);
        }
    });
    checked.await.unwrap();
}

/// An entry whose parts are changed, at the end of a log.
fn append(data: &Path, change: impl Fn(usize, &mut Value)) {
    let disk = Arc::new(RealDisk::new(data));
    let settings = JournalSettings::default();
    let (mut journal, _) = Journal::open(disk, &settings, &mut |_| {}).unwrap();
    let reader = journal.reader();
    let is_request = |index: &u64| {
        let leaf = reader
            .read_leaf(comity::decision_log::LogIndex(*index))
            .unwrap();
        Leaf::parse(&leaf).unwrap().outcomes().review == 1
    };
    let index = (0..reader.size().0).find(is_request).unwrap();
    let (leaf, payload) = reader
        .verify(comity::decision_log::LogIndex(index))
        .unwrap();
    let parts = payload
        .into_parts()
        .into_iter()
        .enumerate()
        .map(|(number, part)| {
            let StoredPart::Present(Part { class, salt, body }) = part else {
                panic!("nothing is erased")
            };
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            change(number, &mut body);
            assert!(number > 0 || class == PartClass::State);
            let body = serde_json::to_vec(&body).unwrap();
            StoredPart::Present(Part { class, salt, body })
        });
    let payload = Payload::new(parts.collect()).unwrap();
    let leaf = Leaf::new(leaf.kind(), leaf.time(), leaf.outcomes(), &payload).unwrap();
    let bytes = EntryBytes {
        leaf: leaf.encode(),
        payload: payload.encode(),
    };
    journal.append(&[bytes]).unwrap();
}

#[test]
fn a_newer_event_is_refused_and_the_error_says_so() {
    let (directory, _) = restored(&goldens()[0].1);
    append(directory.path(), |number, body| {
        if number == 0 {
            body["v"] = json!(2);
            body["what_is_new"] = json!("and nobody here knows");
        }
    });
    let refused = open_store(directory.path(), |_| {}).unwrap_err();
    let told = chain(&refused);
    let expected = "event has version 2, this program knows version 1";
    assert!(told.contains(expected), "{told}");
    let replay = comity(&["replay", "--data-dir", text(directory.path())]);
    assert_eq!(replay.code, 3, "{replay:?}");
    assert!(replay.err.contains(expected), "{replay:?}");
}

#[test]
fn a_newer_decision_is_a_mismatch_that_names_the_format() {
    let (directory, manifest) = restored(&goldens()[0].1);
    let is_decision = |body: &Value| body.get("engine_version").is_some();
    append(directory.path(), |_, body| {
        if is_decision(body) {
            body["version"] = json!(2);
            body["what_is_new"] = json!("and nobody here knows");
        }
        if let Some(request) = body.pointer_mut("/event/submitted/request") {
            *request = json!("00000000-0000-4000-8000-000000000000");
        }
    });
    let (store, archive) = open_store(directory.path(), |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 1);
    assert_eq!(report.identical, manifest["decisions"].as_u64().unwrap());
    let told = serde_json::to_string(&report.examples).unwrap();
    assert!(told.contains("format 2, newer than the 1"), "{told}");
    // Who only hands records on need not understand them.
    let key = SealingKey::from_bytes([0; 32]);
    let whole = export(&store, &key, ExportSettings::whole(Format::Ndjson)).unwrap();
    assert_eq!(
        whole.count() as u64,
        manifest["entries"].as_u64().unwrap() + 2
    );
}
