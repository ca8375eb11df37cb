//! Every byte is damaged once: the journal refuses or is whole, it never says something else.

#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::OpenError;
use comity::store::embedded::journal::SegmentSizes;

use super::support::assert_survived;
use super::support::contents;
use super::support::entries;
use super::support::journal_with;
use super::support::open;
use super::support::settings;
use super::support::try_open;

fn acknowledged() -> MemoryDisk {
    journal_with(&[entries(0..3), entries(3..4), entries(4..9), entries(9..12)])
}

/// The same with one batch behind it that is whole but was never acknowledged.
fn with_unacknowledged() -> MemoryDisk {
    let inner = acknowledged();
    let disk = FaultyDisk::new(Arc::new(inner.clone()));
    let (mut journal, _) = open(&disk);
    disk.inject(Fault {
        operation: Some(Operation::Write),
        path_contains: "anchor".to_owned(),
        skip: 0,
        mode: FaultMode::Failed,
    });
    journal.append(&entries(12..15)).unwrap_err();
    assert_eq!(disk.fired(), 1);
    inner
}

/// Damages every byte of every file and tells how often the journal opened and how often not.
fn damage_everywhere(
    start: &MemoryDisk,
    certain: &[EntryBytes],
    possible: &[EntryBytes],
    step: usize,
    damage: impl Fn(&mut Vec<u8>, usize),
) -> (u64, u64, u64) {
    let (mut opened, mut cut, mut refused) = (0, 0, 0);
    for path in start.paths() {
        let length = start.edit(&path, |bytes| bytes.len()).unwrap();
        for at in (0..length).step_by(step) {
            let disk = start.copy();
            disk.edit(&path, |bytes| damage(bytes, at));
            match try_open(&disk) {
                Ok((journal, recovery)) => {
                    let found = contents(&journal);
                    assert_survived(&found, certain, possible);
                    let lost = certain.len() + possible.len() - found.len();
                    assert!(
                        lost == 0 || !recovery.cuts.is_empty(),
                        "`{}` at {at}: lost silently",
                        path.display()
                    );
                    cut += u64::from(!recovery.cuts.is_empty());
                    opened += 1;
                }
                Err(OpenError::Io { source, .. }) => {
                    panic!("`{}` at {at}: {source}", path.display())
                }
                Err(_) => refused += 1,
            }
        }
    }
    (opened, cut, refused)
}

#[test]
fn a_flipped_byte_is_refused_or_changes_nothing() {
    let all = entries(0..12);
    let (opened, cut, refused) =
        damage_everywhere(&acknowledged(), &all, &[], 1, |bytes, at| bytes[at] ^= 0x40);
    assert!(
        opened > 1_000 && cut > 100 && refused > 1_000,
        "{opened} {cut} {refused}"
    );
}

#[test]
fn a_flipped_byte_above_the_anchor_costs_unacknowledged_entries_only() {
    let (certain, possible) = (entries(0..12), entries(12..15));
    let (_, cut, refused) = damage_everywhere(
        &with_unacknowledged(),
        &certain,
        &possible,
        1,
        |bytes, at| bytes[at] ^= 1,
    );
    assert!(cut > 100 && refused > 1_000, "{cut} {refused}");
}

#[test]
fn a_zeroed_stretch_is_refused_or_changes_nothing() {
    for length in [8, 64, 512] {
        let zero = |bytes: &mut Vec<u8>, at: usize| {
            let end = bytes.len().min(at + length);
            bytes[at..end].fill(0);
        };
        damage_everywhere(&acknowledged(), &entries(0..12), &[], 8, zero);
        damage_everywhere(
            &with_unacknowledged(),
            &entries(0..12),
            &entries(12..15),
            8,
            zero,
        );
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let start = acknowledged();
    let truncate = |bytes: &mut Vec<u8>, at: usize| bytes.truncate(at);
    let (opened, _, refused) = damage_everywhere(&start, &entries(0..12), &[], 3, truncate);
    assert!(refused > 700, "{refused}");
    // Of the anchor, the slot in force may be left.
    let anchor = start.edit("anchor", |bytes| bytes.len()).unwrap();
    assert!(opened < anchor as u64, "{opened}");
}

#[test]
fn a_missing_file_is_refused_or_was_empty() {
    let start = acknowledged();
    let mut refused = 0;
    for path in start.paths() {
        let disk = start.copy();
        disk.remove(&path).unwrap();
        match try_open(&disk) {
            Ok((journal, _)) => assert_eq!(contents(&journal), entries(0..12)),
            Err(error) => {
                assert!(
                    !matches!(error, OpenError::Io { .. }),
                    "`{}`: {error}",
                    path.display()
                );
                refused += 1;
            }
        }
    }
    assert_eq!(refused, start.paths().len());
}

#[test]
fn files_of_another_journal_are_refused() {
    let (start, other) = (
        acknowledged(),
        journal_with(&[entries(20..23), entries(23..24), entries(24..32)]),
    );
    let mut exchanged = 0;
    for path in start.paths() {
        let Some(bytes) = other.edit(&path, |bytes| bytes.clone()) else {
            continue;
        };
        let disk = start.copy();
        disk.edit(&path, |mine| *mine = bytes);
        match try_open(&disk) {
            // The journal does not know what a payload must be: that is for the deep check.
            Ok(_) => assert!(path.starts_with("payload"), "`{}`", path.display()),
            Err(_) => exchanged += 1,
        }
    }
    assert!(exchanged >= 3, "{exchanged}");
}

#[test]
fn a_refusal_changes_nothing_on_disk() {
    let start = acknowledged();
    start.edit(Path::new("leaf/00000000000000000000.segment"), |bytes| {
        bytes[100] ^= 1;
    });
    let before: Vec<_> = start
        .paths()
        .into_iter()
        .map(|path| start.edit(path, |bytes| bytes.clone()))
        .collect();
    assert!(try_open(&start).is_err());
    let after: Vec<_> = start
        .paths()
        .into_iter()
        .map(|path| start.edit(path, |bytes| bytes.clone()))
        .collect();
    assert_eq!(before, after);
}

/// However much lies behind the damage: looking through it reads each byte about once.
#[test]
fn damage_in_a_large_segment_is_refused_without_reading_it_again_and_again() {
    const ENTRIES: usize = 2_000;
    let sizes = SegmentSizes {
        first_bytes: 4 << 20,
        largest_bytes: 4 << 20,
    };
    let settings = JournalSettings {
        payload_segments: sizes,
        leaf_segments: sizes,
        ..settings()
    };
    let inner = MemoryDisk::default();
    let (mut journal, _) = Journal::open(Arc::new(inner.clone()), &settings, &mut |_| {}).unwrap();
    let entry = EntryBytes {
        leaf: vec![b'l'; 40],
        payload: vec![b'p'; 1_500],
    };
    for _ in 0..ENTRIES / 50 {
        journal.append(&vec![entry.clone(); 50]).unwrap();
    }
    drop(journal);
    let path = Path::new("payload/00000000000000000000.segment");
    inner.edit(path, |bytes| bytes[200] ^= 1);
    let disk = FaultyDisk::new(Arc::new(inner));
    let error = Journal::open(Arc::new(disk.clone()), &settings, &mut |_| {}).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    let performed = disk.performed();
    let reads = performed
        .iter()
        .filter(|(operation, of)| *operation == Operation::Read && of == path);
    let reads = reads.count();
    assert!((4..=12).contains(&reads), "{reads} reads of four mebibytes");
}
