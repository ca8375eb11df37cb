//! Small journals whose entries can be told apart.

#![cfg(test)]

use std::sync::Arc;

use comity::decision_log::LogIndex;
use comity::store::embedded::Interrupt;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::OpenError;
use comity::store::embedded::journal::Preparation;
use comity::store::embedded::journal::Recovery;
use comity::store::embedded::journal::SegmentSizes;

/// Segments so small that a few batches fill them.
pub(crate) fn settings() -> JournalSettings {
    JournalSettings {
        leaf_segments: SegmentSizes {
            first_bytes: 512,
            largest_bytes: 1024,
        },
        payload_segments: SegmentSizes {
            first_bytes: 512,
            largest_bytes: 2048,
        },
        rebuild_anchor: false,
        preparation: Preparation::InTurn,
        interrupt: Interrupt::default(),
    }
}

/// Segments that a whole test fits into, so that no new one is made.
pub(crate) fn roomy() -> JournalSettings {
    let sizes = SegmentSizes {
        first_bytes: 4096,
        largest_bytes: 4096,
    };
    JournalSettings {
        leaf_segments: sizes,
        payload_segments: sizes,
        ..settings()
    }
}

pub(crate) fn try_open(
    disk: &(impl Disk + Clone + 'static),
) -> Result<(Journal, Recovery), OpenError> {
    Journal::open(Arc::new(disk.clone()), &settings(), &mut |_| {})
}

pub(crate) fn open(disk: &(impl Disk + Clone + 'static)) -> (Journal, Recovery) {
    try_open(disk).unwrap()
}

/// An entry that no other number gives; lengths vary with the number.
pub(crate) fn entry(number: u64) -> EntryBytes {
    let length = usize::try_from(number * 37 % 150).unwrap();
    EntryBytes {
        leaf: format!("leaf {number}").into_bytes(),
        payload: format!("payload {number} ")
            .into_bytes()
            .into_iter()
            .cycle()
            .take(length)
            .collect(),
    }
}

pub(crate) fn entries(numbers: std::ops::Range<u64>) -> Vec<EntryBytes> {
    numbers.map(entry).collect()
}

/// Everything that readers of the journal see, read in both ways.
pub(crate) fn contents(journal: &Journal) -> Vec<EntryBytes> {
    let reader = journal.reader();
    let streamed: Vec<EntryBytes> = reader
        .entries(LogIndex(0))
        .map(|entry| entry.unwrap())
        .map(|entry| EntryBytes {
            leaf: entry.leaf,
            payload: entry.payload,
        })
        .collect();
    for (index, entry) in (0..).map(LogIndex).zip(&streamed) {
        assert_eq!(reader.read_leaf(index).unwrap(), entry.leaf);
        assert_eq!(reader.read_payload(index).unwrap(), entry.payload);
    }
    assert_eq!(streamed.len() as u64, journal.size().0);
    streamed
}

/// A closed journal with these batches in it.
pub(crate) fn journal_with(batches: &[Vec<EntryBytes>]) -> MemoryDisk {
    journal_of(&settings(), batches)
}

/// A closed journal of roomy segments.
pub(crate) fn roomy_journal_with(batches: &[Vec<EntryBytes>]) -> MemoryDisk {
    journal_of(&roomy(), batches)
}

fn journal_of(settings: &JournalSettings, batches: &[Vec<EntryBytes>]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let (mut journal, _) = Journal::open(Arc::new(disk.clone()), settings, &mut |_| {}).unwrap();
    for batch in batches {
        journal.append(batch).unwrap();
    }
    drop(journal);
    disk
}

/// What survived must be what was acknowledged and then, at most, a first part of what nobody
/// knows about.
pub(crate) fn assert_survived(
    found: &[EntryBytes],
    acknowledged: &[EntryBytes],
    unknown: &[EntryBytes],
) {
    assert!(
        found.len() >= acknowledged.len(),
        "{} of {} left",
        found.len(),
        acknowledged.len()
    );
    let (kept, more) = found.split_at(acknowledged.len());
    assert_eq!(kept, acknowledged);
    assert!(
        unknown.starts_with(more),
        "{more:?} is no first part of {unknown:?}"
    );
    assert!(
        more.is_empty() || more.len() == unknown.len(),
        "{} of a batch of {}",
        more.len(),
        unknown.len()
    );
}
