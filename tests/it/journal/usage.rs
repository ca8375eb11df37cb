//! Appending and reading as the program does it.

#![cfg(test)]

use std::sync::Arc;
use std::thread;

use comity::decision_log::LEAF_LIMIT_BYTES;
use comity::decision_log::Leaf;
use comity::decision_log::LeafKind;
use comity::decision_log::LogIndex;
use comity::decision_log::OutcomeCounts;
use comity::decision_log::Part;
use comity::decision_log::PartClass;
use comity::decision_log::Payload;
use comity::decision_log::TreeSize;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::journal::AppendError;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::PAYLOAD_LIMIT_BYTES;
use comity::store::embedded::journal::ReadError;
use comity::store::embedded::journal::Recovery;
use comity::store::embedded::journal::VerifyError;
use jiff::Timestamp;

use super::support::contents;
use super::support::entries;
use super::support::entry;
use super::support::open;

#[test]
fn entries_are_there_after_reopening_on_a_real_disk() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(directory.path().join("data"));
    let (mut journal, recovery) = open(&disk);
    assert_eq!(recovery.size, TreeSize(0));
    for first in 0..40 {
        let range = journal.append(&entries(first * 3..first * 3 + 3)).unwrap();
        assert_eq!(range, LogIndex(first * 3)..LogIndex(first * 3 + 3));
    }
    let chain = journal.chain();
    assert_eq!(contents(&journal), entries(0..120));
    drop(journal);

    let (journal, recovery) = open(&disk);
    let untouched = Recovery {
        size: TreeSize(120),
        ..Recovery::default()
    };
    assert_eq!(recovery, untouched);
    assert_eq!(contents(&journal), entries(0..120));
    assert_eq!(journal.chain(), chain);
    let segments = std::fs::read_dir(directory.path().join("data/leaf"))
        .unwrap()
        .count();
    assert!(segments > 3, "the journal went through {segments} segments");
}

#[test]
fn default_settings_begin_small_and_tell_their_progress() {
    let directory = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory.path()));
    let settings = JournalSettings::default();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), &settings, &mut |_| {}).unwrap();
    journal.append(&entries(0..5)).unwrap();
    drop(journal);
    let mut seen = Vec::new();
    Journal::open(disk, &settings, &mut |progress| seen.push(progress)).unwrap();
    let last = seen.last().unwrap();
    assert_eq!(last.done_bytes, last.total_bytes);
    assert_eq!(last.total_bytes, 5 << 20);
}

#[test]
fn an_empty_batch_is_nothing() {
    let (mut journal, _) = open(&MemoryDisk::default());
    assert_eq!(journal.append(&[]).unwrap(), LogIndex(0)..LogIndex(0));
    assert_eq!(journal.size(), TreeSize(0));
}

#[test]
fn entries_can_be_empty_and_as_large_as_the_limits() {
    let disk = MemoryDisk::default();
    let (mut journal, _) = open(&disk);
    let sized = |leaf: usize, payload: usize| EntryBytes {
        leaf: vec![b'l'; leaf],
        payload: vec![b'p'; payload],
    };
    let batch = [
        sized(0, 0),
        sized(LEAF_LIMIT_BYTES, PAYLOAD_LIMIT_BYTES),
        sized(1, 1),
    ];
    journal.append(&batch).unwrap();
    assert_eq!(contents(&journal), batch);

    for (large, limit) in [
        (sized(LEAF_LIMIT_BYTES + 1, 0), LEAF_LIMIT_BYTES),
        (sized(0, PAYLOAD_LIMIT_BYTES + 1), PAYLOAD_LIMIT_BYTES),
    ] {
        let error = journal.append(&[sized(3, 3), large]).unwrap_err();
        assert!(matches!(error, AppendError::TooLarge { limit_bytes, .. } if limit_bytes == limit));
    }
    let many = vec![sized(0, PAYLOAD_LIMIT_BYTES); 5];
    assert!(matches!(
        journal.append(&many),
        Err(AppendError::TooLarge { what: "batch", .. })
    ));
    assert_eq!(journal.append(&[sized(2, 2)]).unwrap().start, LogIndex(3));
}

#[test]
fn an_absent_entry_is_said_to_be_absent() {
    let (mut journal, _) = open(&MemoryDisk::default());
    let reader = journal.reader();
    assert!(matches!(
        reader.read_leaf(LogIndex(0)),
        Err(ReadError::Absent { .. })
    ));
    journal.append(&entries(0..2)).unwrap();
    assert_eq!(reader.read_leaf(LogIndex(1)).unwrap(), entry(1).leaf);
    let error = reader.read_payload(LogIndex(2)).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Absent {
                size: TreeSize(2),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(reader.entries(LogIndex(7)).count(), 0);
}

#[test]
fn readers_see_whole_entries_while_the_writer_goes_on() {
    const TOTAL: u64 = 2_000;
    let (mut journal, _) = open(&MemoryDisk::default());
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let reader = journal.reader();
            thread::spawn(move || {
                let mut next = LogIndex(0);
                while next.0 < TOTAL {
                    for found in reader.entries(next) {
                        let found = found.unwrap();
                        let expected = entry(found.index.0);
                        assert_eq!(
                            (found.index, found.leaf, found.payload),
                            (next, expected.leaf, expected.payload)
                        );
                        next = next.next();
                    }
                    thread::yield_now();
                }
            })
        })
        .collect();
    for first in (0..TOTAL).step_by(4) {
        journal.append(&entries(first..first + 4)).unwrap();
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn an_entry_is_verified_against_what_its_leaf_commits_to() {
    let (mut journal, _) = open(&MemoryDisk::default());
    let payload = |salt| {
        let class = PartClass::Personal {
            subject_key: "subject".to_owned(),
        };
        let body = b"body".to_vec();
        Payload::of([Part {
            class,
            salt: [salt; 16],
            body,
        }])
        .unwrap()
    };
    let leaf = Leaf::new(
        LeafKind::Request,
        Timestamp::UNIX_EPOCH,
        OutcomeCounts::default(),
        &payload(1),
    )
    .unwrap();
    let with = |payload: &[u8]| EntryBytes {
        leaf: leaf.encode(),
        payload: payload.to_vec(),
    };
    let batch = [
        with(&payload(1).encode()),
        with(&payload(2).encode()),
        with(b"?"),
        entry(0),
    ];
    journal.append(&batch).unwrap();
    let reader = journal.reader();
    assert_eq!(reader.verify(LogIndex(0)).unwrap(), (leaf, payload(1)));
    assert!(matches!(
        reader.verify(LogIndex(1)),
        Err(VerifyError::Mismatch { .. })
    ));
    assert!(matches!(
        reader.verify(LogIndex(2)),
        Err(VerifyError::Payload { .. })
    ));
    assert!(matches!(
        reader.verify(LogIndex(3)),
        Err(VerifyError::Leaf { .. })
    ));
    assert!(matches!(
        reader.verify(LogIndex(4)),
        Err(VerifyError::Read(_))
    ));
}
