//! The next segment is prepared before it is needed, and whatever fails there costs no entry.

#![cfg(test)]

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::journal::AppendError;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::Preparation;

use super::support::assert_survived;
use super::support::contents;
use super::support::entries;
use super::support::entry;
use super::support::open;
use super::support::settings;

const SPARES: [&str; 2] = ["payload/spare.tmp", "leaf/spare.tmp"];

fn open_with(disk: &FaultyDisk, preparation: Preparation) -> Journal {
    let settings = JournalSettings {
        preparation,
        ..settings()
    };
    Journal::open(Arc::new(disk.clone()), &settings, &mut |_| {})
        .unwrap()
        .0
}

fn counted(disk: &FaultyDisk, operation: Operation, ending: &str) -> usize {
    let ends = |path: &PathBuf| path.to_string_lossy().ends_with(ending);
    let performed = disk.performed();
    performed
        .iter()
        .filter(|(found, path)| *found == operation && ends(path))
        .count()
}

#[test]
fn segments_are_made_of_spares_unless_one_is_made_when_needed() {
    for (preparation, spares) in [
        (Preparation::Beside, true),
        (Preparation::InTurn, true),
        (Preparation::WhenNeeded, false),
    ] {
        let disk = FaultyDisk::new(Arc::new(MemoryDisk::default()));
        let mut journal = open_with(&disk, preparation);
        for number in 0..40 {
            journal.append(&[entry(number)]).unwrap();
        }
        assert_eq!(contents(&journal), entries(0..40));
        drop(journal);
        let made = counted(&disk, Operation::Rename, ".segment");
        assert!(made >= 6, "{preparation:?}: {made} segments");
        let made_aside = counted(&disk, Operation::Create, ".segment.tmp");
        let expected = if spares { 2 } else { made };
        assert_eq!(made_aside, expected, "{preparation:?}");
        assert_eq!(contents(&open(&disk).0), entries(0..40));
    }
}

/// Appends one entry at a time over several segments while one operation fails.
fn work_with_fault(operation: Operation, path: &str, skip: u64, mode: FaultMode) -> (u64, u64) {
    let row = format!("{operation:?} of `{path}` after {skip}, {mode:?}");
    let inner = MemoryDisk::default();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let mut journal = open_with(&disk, Preparation::InTurn);
    disk.inject(Fault {
        operation: Some(operation),
        path_contains: path.to_owned(),
        skip,
        mode,
    });
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for number in 0..60 {
        match journal.append(&[entry(number)]) {
            Ok(_) => acknowledged.push(entry(number)),
            Err(AppendError::NotRecorded { .. }) => refused += 1,
            Err(error) => panic!("{row}: {error}"),
        }
    }
    assert!(refused <= disk.fired(), "{row}: {refused} refused");
    assert_eq!(contents(&journal), acknowledged, "{row}");
    drop(journal);
    assert_eq!(contents(&open(&inner).0), acknowledged, "{row}");
    let left = |path: &&str| inner.paths().contains(&PathBuf::from(path));
    assert!(!SPARES.iter().any(left), "{row}: a spare outlives opening");
    (disk.fired(), refused)
}

#[test]
fn no_fault_of_a_spare_stops_the_journal_or_costs_an_entry() {
    let (mut rows, mut refused_rows) = (0, 0);
    for path in SPARES {
        for operation in [
            Operation::Create,
            Operation::Write,
            Operation::Sync,
            Operation::Remove,
        ] {
            for mode in [
                FaultMode::Failed,
                FaultMode::Short,
                FaultMode::FailedButDone,
            ] {
                for skip in 0.. {
                    let (fired, refused) = work_with_fault(operation, path, skip, mode);
                    rows += fired;
                    refused_rows += refused;
                    if fired == 0 {
                        break;
                    }
                }
            }
        }
    }
    // What fails while a spare is prepared is told to nobody; while it becomes a segment, it is.
    assert!(rows > 100, "{rows} operations failed");
    assert!(refused_rows > 20, "{refused_rows} refused");
    assert!(refused_rows < rows, "{refused_rows} of {rows} refused");
}

#[test]
fn a_segment_that_may_be_in_place_is_replaced_before_anything_else_is_written() {
    for preparation in [Preparation::InTurn, Preparation::WhenNeeded] {
        for family in ["payload/0", "leaf/0"] {
            let inner = MemoryDisk::default();
            let disk = FaultyDisk::new(Arc::new(inner.clone()));
            let mut journal = open_with(&disk, preparation);
            disk.inject(Fault {
                operation: Some(Operation::Rename),
                path_contains: family.to_owned(),
                skip: 0,
                mode: FaultMode::FailedButDone,
            });
            let mut next = 0;
            while journal.append(&entries(next..next + 6)).is_ok() {
                next += 6;
            }
            assert_eq!(disk.fired(), 1);
            // Small enough for what is left of the segment before.
            journal.append(&entries(next..next + 1)).unwrap();
            journal.append(&entries(next + 1..next + 9)).unwrap();
            drop(journal);
            let (journal, _) = open(&inner);
            assert_eq!(
                contents(&journal),
                entries(0..next + 9),
                "{preparation:?} {family}"
            );
        }
    }
}

/// A crash can leave a spare in any state; even one that holds a whole segment is nothing.
#[test]
fn a_spare_that_a_crash_left_is_never_taken_for_data() {
    let inner = MemoryDisk::default();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let mut journal = open_with(&disk, Preparation::WhenNeeded);
    journal.append(&entries(0..3)).unwrap();
    drop(journal);
    let segment = |family: &str| format!("{family}/{:020}.segment", 0);
    for family in ["payload", "leaf"] {
        let whole = inner.edit(segment(family), |bytes| bytes.clone()).unwrap();
        for left in [Vec::new(), vec![0; 100], vec![7; 700], whole] {
            let spare = Path::new(family).join("spare.tmp");
            let file = inner.create(&spare).unwrap();
            file.write_all_at(&left, 0).unwrap();
            let (journal, recovery) = open(&inner);
            assert_survived(&contents(&journal), &entries(0..3), &[]);
            assert!(recovery.cuts.is_empty());
            assert!(!inner.paths().contains(&spare));
        }
    }
}
