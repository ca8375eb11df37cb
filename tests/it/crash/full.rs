//! A disk that is full for a while, and one that fails to sync.

#![cfg(test)]

use std::sync::Arc;

use comity::app::error::AppError;
use comity::app::records::RecordFilter;
use comity::app::replay::replay_all;
use comity::decision_log::LogIndex;
use comity::http::problem::Problem;
use comity::store::embedded::Interrupt;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::Preparation;
use comity::store::embedded::journal::SegmentSizes;
use serde_json::Value;

use super::home::Home;
use super::local::Local;
use super::local::operator;
use super::requests::request;
use super::rounds;
use super::tell;

/// Segments that some tens of requests fill.
fn small() -> JournalSettings {
    let sizes = |bytes| SegmentSizes {
        first_bytes: bytes,
        largest_bytes: bytes,
    };
    JournalSettings {
        leaf_segments: sizes(8 << 10),
        payload_segments: sizes(64 << 10),
        rebuild_anchor: false,
        preparation: Preparation::InTurn,
        interrupt: Interrupt::default(),
    }
}

async fn start() -> (Home, FaultyDisk, Local) {
    let home = Home::new();
    // What was not synced is lost when the disk is opened anew.
    let volatile = VolatileDisk::new(Arc::new(RealDisk::new(home.data())));
    let disk = FaultyDisk::new(Arc::new(volatile));
    let local = reopen(&home, Arc::new(disk.clone())).await;
    local.import().await;
    (home, disk, local)
}

async fn reopen(home: &Home, disk: Arc<dyn Disk>) -> Local {
    Local::open(home, disk, small()).await
}

async fn submit(local: &Local, number: u64) -> Result<Value, AppError> {
    local
        .submit(&format!("key-{number}"), &request(number))
        .await
}

fn problem(error: AppError) -> (u16, String) {
    let problem = Problem::from(error);
    let status = problem.status().as_u16();
    let told = serde_json::to_value(&problem).unwrap();
    (status, told["type"].as_str().unwrap().to_owned())
}

/// Everything acknowledged is there, and each request was decided once.
fn check(local: &Local, answers: &[Value]) {
    for answer in answers {
        assert_eq!(&local.request(answer), answer);
    }
    let report = replay_all(&local.store, &local.archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 0, "{:?}", report.examples);
    assert_eq!(report.decisions, answers.len() as u64);
}

/// Submits until the disk has no room for one more; gives its number and how it was refused.
async fn submit_until_full(local: &Local, answers: &mut Vec<Value>) -> (u64, AppError) {
    loop {
        let number = answers.len() as u64;
        assert!(number < 2_000, "the disk never gets full");
        match submit(local, number).await {
            Ok(answer) => answers.push(answer),
            Err(error) => return (number, error),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_records_nothing_and_loses_nothing() {
    let (home, disk, local) = start().await;
    let mut answers = Vec::new();
    let times = rounds(3, 50);
    for _ in 0..times {
        let fired = disk.fired();
        disk.set_full(true);
        let (refused, error) = submit_until_full(&local, &mut answers).await;
        assert_eq!(
            problem(error),
            (503, "urn:comity:problem:not-recorded".to_owned())
        );
        assert!(disk.fired() > fired);
        assert!(local.app.health().store.is_some());
        submit(&local, refused).await.unwrap_err();
        disk.set_full(false);
        // The same key: nothing was recorded under it.
        answers.push(submit(&local, refused).await.unwrap());
        let health = local.app.health();
        assert!(health.ready && health.store.is_none(), "{health:?}");
    }
    check(&local, &answers);
    local.app.close().await;
    let reopened = reopen(&home, Arc::new(RealDisk::new(home.data()))).await;
    check(&reopened, &answers);
    let fired = disk.fired();
    tell(&format!(
        "disk full: {times} times, {fired} operations refused, {} requests acknowledged",
        answers.len()
    ));
}

/// Nobody is told a record where it cannot be recorded that they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_read_while_that_cannot_be_recorded() {
    let (_home, disk, local) = start().await;
    for number in 0..60 {
        submit(&local, number).await.unwrap();
    }
    let caller = operator();
    let everything = || {
        let filter = RecordFilter::default();
        local.app.search_records(&caller, filter, None, 500)
    };
    disk.set_full(true);
    let (mut read, mut refused) = (0, None);
    for index in (0..60).map(LogIndex) {
        match local.app.record(&operator(), index).await {
            Ok(record) => read += usize::from(record.is_some()),
            Err(error) => {
                refused = Some((index, problem(error)));
                break;
            }
        }
    }
    let not_recorded = (503, "urn:comity:problem:not-recorded".to_owned());
    let (index, problem_told) = refused.unwrap();
    assert_eq!(problem_told, not_recorded);
    assert_eq!(problem(everything().await.unwrap_err()), not_recorded);
    disk.set_full(false);
    assert!(
        local
            .app
            .record(&operator(), index)
            .await
            .unwrap()
            .is_some()
    );
    let found = everything().await.unwrap();
    let noted = found.records.iter();
    let noted = noted.filter(|it| it.kind == "administrative" && it.callers == ["local-operator"]);
    assert_eq!(noted.count(), read + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_stops_the_service_until_a_restart_verifies() {
    let (mut unknown, mut durable) = (0, 0);
    for round in 0..rounds(4, 50) {
        let (home, disk, local) = start().await;
        let mut answers = Vec::new();
        for number in 0..5 {
            answers.push(submit(&local, number).await.unwrap());
        }
        disk.inject(Fault {
            operation: Some(Operation::Sync),
            path_contains: if round % 4 < 2 { "leaf" } else { "anchor" }.to_owned(),
            skip: 0,
            mode: if round % 2 == 0 {
                FaultMode::Failed
            } else {
                FaultMode::FailedButDone
            },
        });
        let error = submit(&local, 5).await.unwrap_err();
        assert_eq!(disk.fired(), 1);
        let expected = "urn:comity:problem:outcome-unknown";
        assert_eq!(problem(error), (503, expected.to_owned()));
        unknown += 1;
        let health = local.app.health();
        assert!(!health.ready && health.store.is_some(), "{health:?}");
        // The disk works again, but nobody knows what it holds.
        submit(&local, 6).await.unwrap_err();
        for answer in &answers {
            assert_eq!(&local.request(answer), answer);
        }
        local.app.close().await;
        let reopened = reopen(&home, Arc::new(RealDisk::new(home.data()))).await;
        let before = reopened.store.view(|state| state.counters().requests);
        answers.push(submit(&reopened, 5).await.unwrap());
        let after = reopened.store.view(|state| state.counters().requests);
        let recorded = before == after;
        // A leaf whose sync did nothing is lost; the anchor comes after the leaf.
        assert_eq!(recorded, round % 4 != 0, "round {round}");
        durable += u64::from(recorded);
        answers.push(submit(&reopened, 6).await.unwrap());
        assert!(reopened.app.health().ready);
        check(&reopened, &answers);
    }
    tell(&format!(
        "failed sync: {unknown} times, of which {durable} requests had become durable"
    ));
}
