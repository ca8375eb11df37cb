//! Every operation of a workload fails once, in every way.

#![cfg(test)]

use std::sync::Arc;

use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::journal::AppendError;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::OpenError;

use super::support::assert_survived;
use super::support::contents;
use super::support::entries;
use super::support::entry;
use super::support::open;
use super::support::roomy_journal_with;
use super::support::try_open;

const MODES: [FaultMode; 3] = [
    FaultMode::Failed,
    FaultMode::Short,
    FaultMode::FailedButDone,
];

/// What a run of the workload saw.
#[derive(Default)]
struct Seen {
    opened: bool,
    acknowledged: Vec<EntryBytes>,
    unknown: Vec<EntryBytes>,
    not_recorded: u64,
}

/// Appends batches of changing sizes until the disk makes the journal stop. Entries that were not
/// recorded are given up, never repeated, so that they would be noticed if they turned up.
fn work(disk: &FaultyDisk, before: &[EntryBytes]) -> Seen {
    let mut seen = Seen::default();
    let Ok((mut journal, _)) = try_open(disk) else {
        return seen;
    };
    seen.opened = true;
    seen.acknowledged = contents_despite_faults(&journal).unwrap_or_else(|| before.to_vec());
    let mut number = 1_000;
    for length in [3, 1, 4, 1, 2, 6, 1, 1, 5, 2] {
        let batch = entries(number..number + length);
        number += length;
        match journal.append(&batch) {
            Ok(_) => seen.acknowledged.extend(batch),
            Err(AppendError::NotRecorded { .. }) => seen.not_recorded += 1,
            Err(AppendError::OutcomeUnknown { .. }) => {
                seen.unknown = batch;
                assert!(journal.is_stopped());
                let again = journal.append(&[entry(0)]).unwrap_err();
                assert!(
                    matches!(again, AppendError::OutcomeUnknown { .. }),
                    "{again}"
                );
                break;
            }
            Err(error @ AppendError::TooLarge { .. }) => panic!("{error}"),
        }
    }
    seen
}

fn contents_despite_faults(
    journal: &comity::store::embedded::journal::Journal,
) -> Option<Vec<EntryBytes>> {
    let reader = journal.reader();
    let all: Result<Vec<_>, _> = reader.entries(comity::decision_log::LogIndex(0)).collect();
    let all = all.ok()?.into_iter();
    Some(
        all.map(|entry| EntryBytes {
            leaf: entry.leaf,
            payload: entry.payload,
        })
        .collect(),
    )
}

/// Starts from a disk, lets one operation fail after so many, and looks at what is left.
fn run(
    start: &MemoryDisk,
    before: (&[EntryBytes], &[EntryBytes]),
    skip: u64,
    mode: FaultMode,
) -> Option<Seen> {
    let inner = start.copy();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    disk.inject(Fault {
        operation: None,
        path_contains: String::new(),
        skip,
        mode,
    });
    let (certain, possible) = before;
    let everything: Vec<_> = certain.iter().chain(possible).cloned().collect();
    let mut seen = work(&disk, &everything);
    if disk.fired() == 0 {
        return None;
    }
    assert_eq!(disk.fired(), 1);
    if !seen.opened {
        seen.acknowledged = certain.to_vec();
        seen.unknown = possible.to_vec();
    }

    let operation = disk.performed()[usize::try_from(skip).unwrap()].clone();
    let (mut journal, _) =
        try_open(&inner).unwrap_or_else(|error| panic!("{operation:?} {mode:?}: {error}"));
    let found = contents(&journal);
    assert_survived(&found, &seen.acknowledged, &seen.unknown);
    journal.append(&entries(5_000..5_003)).unwrap();
    drop(journal);
    let expected = [found, entries(5_000..5_003)].concat();
    assert_eq!(contents(&open(&inner).0), expected);
    Some(seen)
}

fn run_all(start: &MemoryDisk, certain: &[EntryBytes], possible: &[EntryBytes]) -> (u64, u64, u64) {
    let (mut rows, mut not_recorded, mut unknown) = (0, 0, 0);
    for mode in MODES {
        for skip in 0.. {
            let Some(seen) = run(start, (certain, possible), skip, mode) else {
                break;
            };
            rows += 1;
            not_recorded += seen.not_recorded;
            unknown += u64::from(seen.opened && !seen.unknown.is_empty());
        }
    }
    (rows, not_recorded, unknown)
}

#[test]
fn from_nothing_every_operation_can_fail() {
    let (rows, not_recorded, unknown) = run_all(&MemoryDisk::default(), &[], &[]);
    assert!(rows > 300, "{rows} operations failed");
    assert!(
        not_recorded > 50 && unknown > 50,
        "{not_recorded} not recorded, {unknown} unknown"
    );
}

/// A journal that crashed inside an append: all payloads and so many bytes of leaves are there.
fn crashed(operation: Operation, path_contains: &str, mode: FaultMode) -> MemoryDisk {
    let inner = roomy_journal_with(&[entries(0..2), entries(2..5), entries(5..6)]);
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let (mut journal, _) = open(&disk);
    for (operation, mode) in [(operation, mode), (Operation::Write, FaultMode::Failed)] {
        disk.inject(Fault {
            operation: Some(operation),
            path_contains: path_contains.to_owned(),
            skip: 0,
            mode,
        });
    }
    let error = journal.append(&entries(6..10)).unwrap_err();
    assert!(
        matches!(error, AppendError::OutcomeUnknown { .. }),
        "{error}"
    );
    inner
}

#[test]
fn from_a_crash_every_operation_of_recovery_can_fail() {
    for (operation, path, mode, survivors) in [
        (Operation::Write, "payload/", FaultMode::Short, 0),
        (Operation::Write, "payload/", FaultMode::FailedButDone, 0),
        (Operation::Write, "leaf/", FaultMode::Short, 0),
        (Operation::Write, "leaf/", FaultMode::FailedButDone, 4),
        (Operation::Write, "anchor", FaultMode::Short, 4),
        (Operation::Sync, "anchor", FaultMode::Failed, 4),
    ] {
        let start = crashed(operation, path, mode);
        let (journal, recovery) = open(&start.copy());
        assert_eq!(
            contents(&journal),
            entries(0..6 + survivors),
            "{path} {mode:?}"
        );
        assert_eq!(recovery.cuts.is_empty(), survivors == 4, "{path} {mode:?}");
        let (rows, ..) = run_all(&start, &entries(0..6), &entries(6..6 + survivors));
        assert!(rows > 250, "{rows} operations failed");
    }
}

#[test]
fn a_failed_sync_stops_the_journal_and_a_failed_write_does_not() {
    for (operation, path, stops) in [
        (Operation::Sync, "payload/", true),
        (Operation::Sync, "leaf/", true),
        (Operation::Sync, "anchor", true),
        (Operation::Write, "anchor", true),
        (Operation::Write, "payload/", false),
        (Operation::Write, "leaf/", false),
    ] {
        for mode in MODES {
            let disk = FaultyDisk::new(Arc::new(roomy_journal_with(&[entries(0..3)])));
            let (mut journal, _) = open(&disk);
            disk.inject(Fault {
                operation: Some(operation),
                path_contains: path.to_owned(),
                skip: 0,
                mode,
            });
            let error = journal.append(&entries(3..5)).unwrap_err();
            assert_eq!(disk.fired(), 1);
            let unknown = matches!(error, AppendError::OutcomeUnknown { .. });
            assert_eq!(
                (unknown, journal.is_stopped()),
                (stops, stops),
                "{operation:?} {path} {mode:?}"
            );
            assert_eq!(
                contents(&journal),
                entries(0..3),
                "readers see durable entries only"
            );
        }
    }
}

#[test]
fn frames_of_a_failed_batch_do_not_come_back_behind_a_shorter_one() {
    let inner = roomy_journal_with(&[]);
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let (mut journal, _) = open(&disk);
    disk.inject(Fault {
        operation: Some(Operation::Write),
        path_contains: "leaf/".to_owned(),
        skip: 0,
        mode: FaultMode::FailedButDone,
    });
    assert!(matches!(
        journal.append(&entries(10..14)),
        Err(AppendError::NotRecorded { .. })
    ));
    journal.append(&entries(0..1)).unwrap();
    drop(journal);
    assert_eq!(disk.fired(), 1);
    let (journal, recovery) = open(&inner);
    assert_eq!(contents(&journal), entries(0..1));
    assert!(recovery.cuts.is_empty());
}

#[test]
fn a_full_disk_is_waited_out() {
    let inner = MemoryDisk::default();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    disk.set_full(true);
    assert!(matches!(try_open(&disk), Err(OpenError::Io { .. })));
    disk.set_full(false);
    let (mut journal, _) = open(&disk);
    disk.set_full(true);
    let mut acknowledged = 0;
    let mut refusals = 0;
    while refusals < 5 {
        match journal.append(&entries(acknowledged..acknowledged + 1)) {
            Ok(_) => acknowledged += 1,
            Err(AppendError::NotRecorded { source, .. }) => {
                assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
                refusals += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(acknowledged > 0 && disk.fired() > 5);
    assert_eq!(contents(&journal), entries(0..acknowledged));
    let temporary = |disk: &MemoryDisk| {
        let mut paths = disk.paths().into_iter();
        paths.any(|path| path.to_string_lossy().contains("tmp"))
    };
    assert!(!temporary(&inner), "a full disk is not filled further");
    disk.set_full(false);
    journal
        .append(&entries(acknowledged..acknowledged + 20))
        .unwrap();
    assert_eq!(contents(&journal), entries(0..acknowledged + 20));
    drop(journal);
    assert_eq!(contents(&open(&inner).0), entries(0..acknowledged + 20));
}
