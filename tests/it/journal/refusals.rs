//! Each refusal names the place and says what to do.

#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use comity::decision_log::LogIndex;
use comity::decision_log::TreeSize;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::journal::AnchorRepair;
use comity::store::embedded::journal::Family;
use comity::store::embedded::journal::FrameFault;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::OpenError;
use comity::store::embedded::journal::ReadError;

use super::support::contents;
use super::support::entries;
use super::support::journal_with;
use super::support::open;
use super::support::settings;
use super::support::try_open;

const LEAVES: &str = "leaf/00000000000000000000.segment";
const PAYLOADS: &str = "payload/00000000000000000000.segment";

/// Where in the first leaf segment the leaves of `entries` begin.
const FIRST: usize = 64;
const SECOND: usize = FIRST + 40;
const THIRD: usize = SECOND + 40;

fn small() -> MemoryDisk {
    journal_with(&[entries(0..1), entries(1..2), entries(2..3)])
}

fn refusal(disk: &MemoryDisk) -> OpenError {
    try_open(disk).map(|_| "opened").unwrap_err()
}

fn bytes(disk: &MemoryDisk, path: &str) -> Vec<u8> {
    disk.edit(path, |bytes| bytes.clone()).unwrap()
}

#[test]
fn damage_below_the_anchor() {
    let disk = small();
    disk.edit(LEAVES, |bytes| bytes[SECOND + 33] ^= 1);
    let error = refusal(&disk);
    assert!(
        matches!(
            &error,
            OpenError::Damaged { path, offset: 104, index: LogIndex(1), fault: FrameFault::Checksum, anchored: TreeSize(3) }
                if path == Path::new(LEAVES)
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "entry 1 in `leaf/00000000000000000000.segment` at byte 104 is damaged (its checksum is wrong), \
         and 3 entries were acknowledged: restore this file from a backup"
    );
}

/// An anchor that was restored from earlier vouches for the first entry only.
#[test]
fn damage_above_an_old_anchor_that_no_crash_can_leave() {
    let disk = journal_with(&[entries(0..1)]);
    let anchor = bytes(&disk, "anchor");
    let (mut journal, _) = open(&disk);
    journal.append(&entries(1..2)).unwrap();
    journal.append(&entries(2..3)).unwrap();
    drop(journal);
    disk.edit("anchor", |bytes| *bytes = anchor);

    let whole = disk.copy();
    let (journal, recovery) = open(&whole);
    assert_eq!(
        (contents(&journal), recovery.unacknowledged),
        (entries(0..3), 2)
    );

    disk.edit(LEAVES, |bytes| bytes[SECOND + 33] ^= 1);
    let error = refusal(&disk);
    let expected_offset = THIRD as u64;
    assert!(
        matches!(
            &error,
            OpenError::FollowedByWhole { index: LogIndex(1), offset: 104, later_index: LogIndex(2), later_offset, .. }
                if *later_offset == expected_offset
        ),
        "{error:?}"
    );

    disk.edit(LEAVES, |bytes| bytes[SECOND..].fill(0));
    let error = refusal(&disk);
    assert!(
        matches!(
            error,
            OpenError::PayloadWithoutLeaf {
                index: LogIndex(1),
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_lost_tail() {
    let disk = small();
    disk.edit(LEAVES, |bytes| bytes[THIRD..].fill(0));
    let error = refusal(&disk);
    assert!(
        matches!(
            &error,
            OpenError::ShorterThanAnchor { path, offset: 144, found: TreeSize(2), anchored: TreeSize(3) }
                if path == Path::new(LEAVES)
        ),
        "{error:?}"
    );
}

#[test]
fn a_leaf_without_its_payload() {
    let disk = small();
    // Entry 0 has no payload bytes, entry 1 has 37 of them.
    let third_payload = FIRST + 32 + 72;
    disk.edit(PAYLOADS, |bytes| bytes[third_payload..].fill(0));
    let error = refusal(&disk);
    assert!(
        matches!(
            error,
            OpenError::LeafWithoutPayload {
                index: LogIndex(2),
                offset: 168,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn segments_without_an_anchor_need_the_operators_word() {
    let disk = small();
    disk.edit("anchor", |bytes| bytes.fill(7));
    assert!(matches!(refusal(&disk), OpenError::AnchorLost { .. }));
    disk.remove(Path::new("anchor")).unwrap();
    assert!(matches!(refusal(&disk), OpenError::AnchorLost { .. }));

    let rebuild = JournalSettings {
        rebuild_anchor: true,
        ..settings()
    };
    let unclean = disk.copy();
    unclean.edit(LEAVES, |bytes| bytes[THIRD + 33] ^= 1);
    let opened = Journal::open(Arc::new(unclean), &rebuild, &mut |_| {});
    assert!(
        matches!(
            opened,
            Err(OpenError::Damaged {
                index: LogIndex(2),
                ..
            })
        ),
        "nothing is cut then"
    );

    let (journal, recovery) = Journal::open(Arc::new(disk.clone()), &rebuild, &mut |_| {}).unwrap();
    assert_eq!(
        (recovery.anchor, recovery.unacknowledged),
        (AnchorRepair::Rebuilt, 0)
    );
    drop(journal);
    let (journal, recovery) = open(&disk);
    assert_eq!(
        (contents(&journal), recovery.anchor),
        (entries(0..3), AnchorRepair::None)
    );
}

#[test]
fn one_damaged_slot_of_the_anchor_is_mended() {
    for slot in [0, 4096] {
        let disk = small();
        disk.edit("anchor", |bytes| bytes[slot + 20] ^= 1);
        let (journal, recovery) = open(&disk);
        assert_eq!(recovery.anchor, AnchorRepair::SlotRewritten);
        assert_eq!(contents(&journal), entries(0..3));
        drop(journal);
        assert_eq!(open(&disk).1.anchor, AnchorRepair::None);
    }
}

#[test]
fn an_anchor_of_other_leaves() {
    let disk = small();
    let other = journal_with(&[entries(5..6), entries(1..2), entries(2..3)]);
    disk.edit("anchor", |mine| *mine = bytes(&other, "anchor"));
    let error = refusal(&disk);
    assert!(
        matches!(
            error,
            OpenError::AnchorMismatch {
                anchored: TreeSize(3),
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn an_anchor_that_stands_elsewhere() {
    let disk = small();
    for slot in [0, 4096] {
        disk.edit("anchor", |bytes| {
            bytes[slot + 79] ^= 8;
            let checksum = crc32c::crc32c(&bytes[slot..slot + 92]);
            bytes[slot + 92..slot + 96].copy_from_slice(&checksum.to_be_bytes());
        });
    }
    let error = refusal(&disk);
    assert!(
        matches!(error, OpenError::AnchorMismatch { .. }),
        "{error:?}"
    );
}

#[test]
fn bytes_behind_the_last_entry_of_a_full_segment() {
    let disk = journal_with(&[entries(0..9), entries(9..20), entries(20..30)]);
    disk.edit(LEAVES, |bytes| *bytes.last_mut().unwrap() = 1);
    let error = refusal(&disk);
    assert!(
        matches!(&error, OpenError::SegmentDamaged { path, .. } if path == Path::new(LEAVES)),
        "{error:?}"
    );
}

#[test]
fn a_missing_and_a_repeated_segment() {
    let disk = journal_with(&[entries(0..9), entries(9..20), entries(20..30)]);
    let leaves: Vec<_> = disk
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("leaf"))
        .collect();
    let [first, second, ..] = leaves.as_slice() else {
        panic!("two segments are needed");
    };
    let missing = disk.copy();
    missing.remove(first).unwrap();
    let error = refusal(&missing);
    assert!(
        matches!(
            error,
            OpenError::SegmentMissing {
                family: Family::Leaf,
                index: LogIndex(0)
            }
        ),
        "{error:?}"
    );

    let repeated = disk.copy();
    let copy = bytes(&disk, second.to_str().unwrap());
    let path = Path::new("leaf/00000000000000000001.segment");
    repeated
        .create(path)
        .unwrap()
        .write_all_at(&copy, 0)
        .unwrap();
    assert!(
        matches!(refusal(&repeated), OpenError::SegmentDamaged { .. }),
        "its name is not its own"
    );
}

#[test]
fn a_newer_version_of_the_format() {
    let seal = |bytes: &mut [u8], end: usize| {
        bytes[9] = 2;
        let checksum = crc32c::crc32c(&bytes[..end]);
        bytes[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
    };
    for (path, end) in [("anchor", 92), (LEAVES, 60), (PAYLOADS, 60)] {
        let disk = small();
        disk.edit(path, |bytes| seal(bytes, end));
        let error = refusal(&disk);
        assert!(
            matches!(&error, OpenError::NewerFormat { path: named, found: 2 } if named == Path::new(path)),
            "{error:?}"
        );
        let expected = format!(
            "`{path}` has format version 2, this program knows 1: start a newer version of the program"
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn sizes_of_segments_outside_the_limits() {
    for bytes in [0, 255, 1 << 40] {
        let mut settings = settings();
        settings.payload_segments.largest_bytes = bytes;
        let error =
            Journal::open(Arc::new(MemoryDisk::default()), &settings, &mut |_| {}).unwrap_err();
        assert!(matches!(error, OpenError::SegmentSize { .. }), "{error}");
    }
}

#[test]
fn a_second_opening_while_the_first_goes_on() {
    let disk = small();
    let (journal, _) = open(&disk);
    assert!(matches!(refusal(&disk), OpenError::InUse { .. }));
    drop(journal);
    open(&disk);
}

#[test]
fn damage_that_comes_while_the_journal_is_open() {
    let disk = small();
    let (journal, _) = open(&disk);
    disk.edit(PAYLOADS, |bytes| bytes[FIRST + 32 + 40] ^= 1);
    let error = journal.reader().read_payload(LogIndex(1)).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Damaged {
                index: LogIndex(1),
                offset: 96,
                ..
            }
        ),
        "{error:?}"
    );
    let mut streamed = journal.reader().entries(LogIndex(0));
    assert!(streamed.any(|entry| entry.is_err()));
    assert!(streamed.next().is_none(), "nothing comes after an error");
}
