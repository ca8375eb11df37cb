//! The process that loses what it did not sync: use cases over a disk that keeps it in memory.

#![cfg(test)]

use std::env;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use comity::domain::document::Document;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::store::command::Expected;
use comity::store::embedded::Interrupt;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::Preparation;
use comity::store::embedded::journal::SegmentSizes;
use serde_json::Value;
use serde_json::json;

use super::home::Home;
use super::ledger::Ledger;
use super::load::Plan;
use super::local::Local;
use super::local::operator;
use super::requests::agreement_in_status;
use super::requests::request;

const HOME: &str = "CRASH_CHILD_HOME";
const ROUND: &str = "CRASH_CHILD_ROUND";
const SUSPEND_AT: &str = "CRASH_CHILD_SUSPEND_AT";
const WRITERS: u64 = 6;

/// Not a test of its own: what the other process does, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_process() {
    let Some(home) = env::var_os(HOME) else {
        return;
    };
    let home = Home::existing(PathBuf::from(home));
    let local = open(&home).await;
    if number(ROUND) == 0 {
        local.import().await;
    }
    set_agreement(&local, "active").await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let first = number(ROUND) * 1_000_000 + writer * 100_000;
        writers.spawn(submit_for_ever(
            local.clone(),
            first,
            Arc::clone(&acknowledged),
        ));
    }
    writers.join_all().await;
}

async fn open(home: &Home) -> Local {
    let disk = VolatileDisk::new(Arc::new(RealDisk::new(home.data())));
    let small = |first_bytes| SegmentSizes {
        first_bytes,
        largest_bytes: first_bytes * 4,
    };
    // Small segments, so that new ones are made in the midst of it.
    let journal = JournalSettings {
        leaf_segments: small(2 << 10),
        payload_segments: small(32 << 10),
        rebuild_anchor: false,
        preparation: Preparation::Beside,
        interrupt: Interrupt::default(),
    };
    Local::open(home, Arc::new(disk), journal).await
}

async fn submit_for_ever(local: Local, first: u64, acknowledged: Arc<AtomicU64>) {
    let suspend_at = number(SUSPEND_AT);
    for number in first.. {
        let (key, body) = (format!("key-{number}"), request(number));
        say(&json!({ "sent": key, "body": body }));
        let answer = local.submit(&key, &body).await.unwrap();
        say(&json!({ "acknowledged": key, "answer": answer }));
        if acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == suspend_at {
            let suspended = set_agreement(&local, "suspended").await;
            say(&json!({ "suspended": suspended }));
        }
    }
}

async fn set_agreement(local: &Local, status: &str) -> u64 {
    let key = DocumentKey {
        kind: DocumentKind::Agreement,
        id: "mc.nl.example".parse().unwrap(),
    };
    let found = local.app.document(&operator(), &key).unwrap();
    let agreement = agreement_in_status(found.value.to_json().unwrap(), status);
    let agreement = Document::from_json(key.kind, agreement).unwrap();
    let expected = Expected::Revision(found.revision);
    let put = local
        .app
        .put_document(&operator(), key, agreement, expected)
        .await;
    put.unwrap().0
}

/// One write, so that what is told is told whole.
fn say(line: &Value) {
    let text = format!("\n{line}\n");
    std::io::stdout().lock().write_all(text.as_bytes()).unwrap();
}

fn number(name: &str) -> u64 {
    let text = env::var_os(name).unwrap().into_string().unwrap();
    text.parse().unwrap()
}

/// Starts the other process, and kills it when it has acknowledged as much as planned.
pub(crate) fn kill_over_volatile_disk(home: &Home, plan: &Plan) -> Ledger {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child::other_process", "--nocapture"])
        .env(HOME, home.path())
        .env(ROUND, plan.round.to_string())
        .env(SUSPEND_AT, plan.suspend_at.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (kill_at, kill_delay) = (plan.kill_at, plan.kill_delay);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut killing: Option<JoinHandle<()>> = None;
    let mut child = Some(child);
    let mut ledger = Ledger::default();
    for line in lines.map_while(Result::ok) {
        // The last line may be torn.
        let Ok(told) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        note(&mut ledger, &told);
        if ledger.acknowledged.len() as u64 >= kill_at
            && let Some(child) = child.take()
        {
            killing = Some(thread::spawn(move || kill(child, kill_delay)));
        }
    }
    killing
        .expect("the other process goes on until it is killed")
        .join()
        .unwrap();
    ledger
}

fn kill(mut child: Child, delay: Duration) {
    thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn note(ledger: &mut Ledger, told: &Value) {
    if let Some(key) = told["sent"].as_str() {
        ledger.sent.insert(key.to_owned(), told["body"].clone());
    } else if let Some(key) = told["acknowledged"].as_str() {
        let answer = told["answer"].clone();
        ledger.acknowledged.insert(key.to_owned(), answer);
    } else if let Some(revision) = told["suspended"].as_u64() {
        ledger.suspended = Some(revision);
    }
}
