//! Every write to the journal's disk and every call of the projection, failed, failed but done, and
//! (the projection's) panicked.

use std::sync::Arc;
use std::time::Duration;

use comity::decision_log::LogIndex;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::State;
use comity::store::command::Expected;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Source;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::Preparation;

use super::support::Bench;
use super::support::Call;
use super::support::Failing;
use super::support::commit_all;
use super::support::mixed;
use super::support::projected;
use super::support::put;
use super::support::state;
use super::support::user;
use super::support::write;

fn check_all_there(store: &EmbeddedStore, acknowledged: &[Committed]) {
    for committed in acknowledged {
        let entry = store.record(committed.index).unwrap();
        assert_eq!(entry.leaf.hash(), committed.leaf_hash);
    }
}

/// Where in the journal which operations happen while it runs, when segments are made as needed.
const JOURNAL_ROWS: [(&str, Operation); 10] = [
    ("payload", Operation::Write),
    ("payload", Operation::Sync),
    ("payload", Operation::Create),
    ("payload", Operation::Rename),
    ("payload", Operation::SyncDirectory),
    ("leaf", Operation::Write),
    ("leaf", Operation::Sync),
    ("leaf", Operation::Create),
    ("anchor", Operation::Write),
    ("anchor", Operation::Sync),
];

/// What happens when they are prepared before.
const SPARE_ROWS: [(&str, Operation); 7] = [
    ("payload/spare", Operation::Create),
    ("payload/spare", Operation::Write),
    ("payload/spare", Operation::Sync),
    ("payload/0", Operation::Rename),
    ("payload", Operation::SyncDirectory),
    ("leaf/spare", Operation::Write),
    ("leaf/spare", Operation::Sync),
];

const MODES: [FaultMode; 3] = [
    FaultMode::Failed,
    FaultMode::Short,
    FaultMode::FailedButDone,
];

#[tokio::test]
async fn no_fault_of_the_journals_disk_loses_what_was_acknowledged() {
    for (rows, preparation) in [
        (&JOURNAL_ROWS[..], Preparation::WhenNeeded),
        (&SPARE_ROWS[..], Preparation::InTurn),
    ] {
        for (path, operation) in rows {
            for mode in MODES {
                let mut fired = 0;
                for skip in 0..3 {
                    let fault = Fault {
                        operation: Some(*operation),
                        path_contains: (*path).to_owned(),
                        skip,
                        mode,
                    };
                    fired += run_with_fault(fault, preparation).await;
                }
                assert!(fired > 0, "{operation:?} of {path} never failed {mode:?}");
            }
        }
    }
}

async fn run_with_fault(fault: Fault, preparation: Preparation) -> u64 {
    let row = format!("{fault:?}");
    let mut bench = Bench::new();
    bench.settings.journal.preparation = preparation;
    // A spare that fails costs nobody anything.
    let told = !fault.path_contains.contains("spare");
    let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
    let store = bench.open_on(Arc::new(disk.clone())).unwrap();
    disk.inject(fault);
    let (mut acknowledged, mut refused, mut unknown) = (Vec::new(), 0, 0);
    for number in 0..60 {
        match store.commit(mixed(number)).await {
            Ok(committed) => acknowledged.push(committed),
            Err(CommitError::NotRecorded(_) | CommitError::NoSpace(_)) => refused += 1,
            Err(CommitError::OutcomeUnknown(_)) => unknown += 1,
            Err(error) => panic!("{row}: {error}"),
        }
    }
    let health = store.health();
    if unknown > 0 {
        assert!(!health.is_ready() && health.stopped.is_some(), "{row}");
        let last = store.commit(mixed(1)).await;
        assert!(matches!(last, Err(CommitError::OutcomeUnknown(_))), "{row}");
        assert_eq!(acknowledged.len() + refused + unknown, 60, "{row}");
    } else {
        assert!(health.is_ready(), "{row}");
        assert_eq!(health.applied.0, acknowledged.len() as u64 + 1, "{row}");
        assert_eq!(
            health.not_recording, None,
            "{row}: later ones were recorded"
        );
    }
    if disk.fired() > 0 && told {
        assert!(refused + unknown > 0, "{row}: nobody was told");
    }
    let live = state(&store);
    drop(store);
    let again = bench.open();
    check_all_there(&again, &acknowledged);
    assert_eq!(state(&again), bench_state(&bench, again), "{row}");
    if unknown == 0 {
        assert_eq!(bench.state_from_log(), live, "{row}");
    }
    disk.fired()
}

/// The state from the log, once the store is gone.
fn bench_state(bench: &Bench, store: EmbeddedStore) -> State {
    let applied = store.view(State::applied);
    drop(store);
    let state = bench.state_from_log();
    assert_eq!(state.applied(), applied);
    state
}

#[tokio::test]
async fn a_full_disk_records_nothing_until_there_is_room() {
    let bench = Bench::new();
    let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
    let store = bench.open_on(Arc::new(disk.clone())).unwrap();
    let mut acknowledged = Vec::new();
    disk.set_full(true);
    let mut not_recorded = 0;
    for number in 0..60 {
        match store.commit(mixed(number)).await {
            Ok(committed) => acknowledged.push(committed),
            Err(CommitError::NoSpace(reason)) => {
                assert!(!reason.is_empty());
                not_recorded += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(not_recorded > 0 && disk.fired() > 0);
    let health = store.health();
    assert!(health.not_recording.is_some() && health.is_ready());
    let before = state(&store);
    assert_eq!(before.applied().0, acknowledged.len() as u64 + 1);
    disk.set_full(false);
    for number in 60..120 {
        acknowledged.push(store.commit(mixed(number)).await.unwrap());
    }
    assert_eq!(store.health().not_recording, None);
    let live = state(&store);
    drop(store);
    let again = bench.open();
    check_all_there(&again, &acknowledged);
    assert_eq!(state(&again), live);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_more_is_taken() {
    let mut bench = Bench::new();
    // Large segments, so that the sync that fails is that of entries.
    bench.settings.journal = JournalSettings::default();
    let disk = VolatileDisk::new(Arc::new(bench.disk.clone()));
    let store = bench.open_on(Arc::new(disk.clone())).unwrap();
    let first = store.commit(mixed(0)).await.unwrap();
    // What is noted of the projection beside the work is synced too.
    projected(&store).await;
    disk.fail_next_syncs(1);
    let commands = (1..=8).map(mixed);
    let answers = commit_all(&store, commands).await;
    for answer in &answers {
        assert!(
            matches!(answer, Err(CommitError::OutcomeUnknown(_))),
            "{answer:?}"
        );
    }
    let create = write(vec![put(&user(250, &[]), Expected::Absent)]);
    let later = store.commit(create).await;
    assert!(matches!(later, Err(CommitError::OutcomeUnknown(_))));
    let reason = store.health().stopped.unwrap();
    assert!(reason.contains("sync"), "{reason}");
    assert_eq!(
        store.view(|state| state.applied().0),
        2,
        "what is unknown is not shown"
    );
    store.close().await;
    drop(store);
    let again = bench.open();
    check_all_there(&again, &[first]);
    again.commit(mixed(9)).await.unwrap();
}

const CALLS: [Call; 7] = [
    Call::Generations,
    Call::Open,
    Call::Remove,
    Call::Get,
    Call::ApplyBatch,
    Call::Flush,
    Call::Scan,
];

const FAILINGS: [Failing; 3] = [Failing::Failed, Failing::FailedButDone, Failing::Panicked];

/// The calls are made at the first start (`Open`, …), while running, and at a later start (`Scan`, …).
#[tokio::test]
async fn no_failure_of_the_projection_is_noticed_by_anybody_who_commits() {
    for call in CALLS {
        for failing in FAILINGS {
            let mut fired = 0;
            for skip in [0, 1, 5] {
                fired += run_with_broken_projection(call, failing, skip).await;
            }
            assert!(fired > 0, "{call:?} was never {failing:?}");
        }
    }
}

async fn run_with_broken_projection(call: Call, failing: Failing, skip: u64) -> u64 {
    let row = format!("{call:?} {failing:?} after {skip}");
    let mut bench = Bench::new();
    bench.settings.snapshot_entries = 7;
    let mut live = None;
    for round in 0..3 {
        if round != 1 {
            bench.backend.inject(call, skip, failing);
        }
        let store = bench.open();
        if let Some(live) = live {
            assert_eq!(state(&store), live, "{row}");
        }
        for number in round * 20..round * 20 + 20 {
            store.commit(mixed(number)).await.unwrap();
        }
        projected(&store).await;
        let health = store.health();
        assert!(
            health.is_ready() && health.projection.failure.is_none(),
            "{row}"
        );
        live = Some(state(&store));
        if round == 1 {
            drop(store);
            // After a power cut the projection is begun anew, and the old one removed.
            bench.settings.boot_id = "another boot".to_owned();
        } else {
            store.close().await;
        }
    }
    let fired = bench.backend.fired();
    let unaffected = bench.backend.copy();
    bench.settings.projection = Arc::new(unaffected);
    let store = bench.open();
    assert_eq!(Some(state(&store)), live, "{row}");
    assert_eq!(Some(bench_state(&bench, store)), live, "{row}");
    fired
}

#[tokio::test]
async fn a_projection_that_always_fails_costs_nothing_but_a_longer_start() {
    let bench = Bench::new();
    for _ in 0..1_000 {
        bench.backend.inject(Call::Open, 0, Failing::Panicked);
    }
    let store = bench.open();
    for number in 0..40 {
        store.commit(mixed(number)).await.unwrap();
    }
    while store.health().projection.failures == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let failure = store.health().projection.failure.unwrap();
    assert!(failure.contains("injected panic"), "{failure}");
    assert!(store.health().is_ready());
    let live = state(&store);
    store.close().await;
    let again = bench.open();
    assert_eq!(again.started().source, Source::Log);
    assert_eq!(state(&again), live);
    assert!(again.record(LogIndex(40)).is_ok());
}

#[tokio::test]
async fn faults_at_the_start_refuse_it_and_leave_it_possible() {
    let bench = Bench::new();
    let store = bench.open();
    let acknowledged = commit_all(&store, (0..20).map(mixed)).await;
    let acknowledged: Vec<Committed> = acknowledged.into_iter().map(Result::unwrap).collect();
    drop(store);
    let (mut refused, mut fired) = (0, 0);
    for skip in 0..60 {
        for mode in [FaultMode::Failed, FaultMode::FailedButDone] {
            let copy = Bench {
                disk: bench.disk.copy(),
                ..bench.clone()
            };
            let disk = FaultyDisk::new(Arc::new(copy.disk.clone()));
            disk.inject(Fault {
                operation: None,
                path_contains: String::new(),
                skip,
                mode,
            });
            match copy.open_on(Arc::new(disk.clone())) {
                Ok(store) => check_all_there(&store, &acknowledged),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
            fired += disk.fired();
            check_all_there(&copy.open(), &acknowledged);
        }
    }
    assert!(refused > 0 && fired > 0);
}
