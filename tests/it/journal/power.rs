//! The power is cut at any moment, and the disk keeps any of what was not synced.

#![cfg(test)]

use std::sync::Arc;

use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::journal::AppendError;
use comity::store::embedded::journal::EntryBytes;

use super::support::assert_survived;
use super::support::contents;
use super::support::entries;
use super::support::journal_with;
use super::support::open;
use super::support::roomy_journal_with;
use super::support::try_open;

/// Entries of several sectors, so that a tear goes through frames and not only between them.
fn wide_batch(first: u64, count: u64) -> Vec<EntryBytes> {
    let widen = |entry: EntryBytes, number: u64| EntryBytes {
        payload: entry
            .payload
            .repeat(usize::try_from(number % 7).unwrap() * 3),
        leaf: entry.leaf.repeat(usize::try_from(number % 5).unwrap() * 10),
    };
    entries(first..first + count)
        .into_iter()
        .zip(first..)
        .map(|(entry, number)| widen(entry, number))
        .collect()
}

/// Works until the power goes; tells what was acknowledged and what nobody knows about.
fn work(disk: &VolatileDisk, seed: u64) -> Option<(Vec<EntryBytes>, Vec<EntryBytes>)> {
    let (mut journal, _) = try_open(disk).ok()?;
    let mut acknowledged = contents(&journal);
    for round in 0.. {
        let batch = wide_batch(round * 10, 1 + (seed / 3 + round * 5) % 9);
        match journal.append(&batch) {
            Ok(_) => acknowledged.extend(batch),
            // Undoing needs power too, so nothing is ever known to be not recorded, except when it
            // went while a segment was made.
            Err(AppendError::NotRecorded { .. }) => return Some((acknowledged, Vec::new())),
            Err(AppendError::OutcomeUnknown { .. }) => return Some((acknowledged, batch)),
            Err(error @ AppendError::TooLarge { .. }) => panic!("{error}"),
        }
    }
    None
}

fn cut_during_work(seed: u64, cut: PowerCut) -> (MemoryDisk, Vec<EntryBytes>, Vec<EntryBytes>) {
    let durable = journal_with(&[entries(500..502)]);
    let disk = VolatileDisk::new(Arc::new(durable.clone()));
    disk.cut_power_after(seed % 61, cut);
    let outcome = work(&disk, seed);
    assert!(disk.is_cut());
    let (acknowledged, unknown) = outcome.unwrap_or_else(|| (entries(500..502), Vec::new()));
    (durable, acknowledged, unknown)
}

#[test]
fn what_was_acknowledged_outlives_any_tear() {
    let (mut torn, mut whole, mut acknowledged_entries) = (0, 0, 0);
    for seed in 0..600 {
        let (durable, acknowledged, unknown) = cut_during_work(seed, PowerCut::Tear { seed });
        let (mut journal, recovery) =
            try_open(&durable).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = contents(&journal);
        assert_survived(&found, &acknowledged, &unknown);
        torn += u64::from(!recovery.cuts.is_empty());
        whole += u64::from(recovery.unacknowledged > 0);
        acknowledged_entries += acknowledged.len();
        journal.append(&wide_batch(9_000, 3)).unwrap();
        drop(journal);
        assert_eq!(
            contents(&open(&durable).0),
            [found, wide_batch(9_000, 3)].concat()
        );
    }
    assert!(
        torn > 50 && whole > 30,
        "{torn} cut, {whole} with unacknowledged entries"
    );
    assert!(
        acknowledged_entries > 4_000,
        "{acknowledged_entries} acknowledged"
    );
}

#[test]
fn what_was_not_synced_is_gone_and_never_half_there() {
    for seed in 0..150 {
        let (durable, acknowledged, unknown) = cut_during_work(seed, PowerCut::DropUnsynced);
        let (journal, _) =
            try_open(&durable).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_survived(&contents(&journal), &acknowledged, &unknown);
    }
}

#[test]
fn recovery_can_be_cut_as_well() {
    let mut cut_again = 0;
    for seed in 0..200 {
        let (durable, acknowledged, unknown) = cut_during_work(seed, PowerCut::Tear { seed });
        for after in 0..12 {
            let durable = durable.copy();
            let disk = VolatileDisk::new(Arc::new(durable.clone()));
            disk.cut_power_after(after, PowerCut::Tear { seed: seed + after });
            let opened = try_open(&disk).map(|(journal, _)| contents_if_powered(&journal, &disk));
            disk.cut_power(PowerCut::Tear { seed: after });
            cut_again += u64::from(opened.is_err());
            let (journal, _) = try_open(&durable)
                .unwrap_or_else(|error| panic!("seed {seed} after {after}: {error}"));
            let found = contents(&journal);
            assert_survived(&found, &acknowledged, &unknown);
            if let Ok(Some(served)) = opened {
                assert_eq!(found, served, "what was served after recovery must stay");
            }
        }
    }
    assert!(cut_again > 500, "{cut_again} recoveries were cut");
}

fn contents_if_powered(
    journal: &comity::store::embedded::journal::Journal,
    disk: &VolatileDisk,
) -> Option<Vec<EntryBytes>> {
    (!disk.is_cut()).then(|| contents(journal))
}

/// Linux takes pages for clean after it failed to write them. A restart without a reboot reads them
/// as if they were durable.
#[test]
fn entries_served_after_a_failed_sync_are_brought_to_the_disk_first() {
    for (syncs_before, then_append) in (0..3).flat_map(|syncs| [(syncs, false), (syncs, true)]) {
        let durable = roomy_journal_with(&[wide_batch(0, 2)]);
        let disk = VolatileDisk::new(Arc::new(durable.clone()));
        let (mut journal, _) = open(&disk);
        // Payload, leaf or anchor: the first syncs of the append pass.
        disk.let_syncs_pass(syncs_before);
        disk.fail_next_syncs(1);
        let error = journal.append(&wide_batch(23, 3)).unwrap_err();
        assert!(
            matches!(error, AppendError::OutcomeUnknown { .. }),
            "{error}"
        );
        drop(journal);

        let (mut journal, recovery) = open(&disk);
        let mut served = contents(&journal);
        assert_survived(&served, &wide_batch(0, 2), &wide_batch(23, 3));
        assert_eq!(served.len(), if syncs_before > 0 { 5 } else { 2 });
        assert_eq!(
            recovery.unacknowledged,
            if syncs_before == 1 { 3 } else { 0 }
        );
        if then_append {
            journal.append(&entries(30..31)).unwrap();
            served.extend(entries(30..31));
        }
        drop(journal);
        disk.cut_power(PowerCut::DropUnsynced);
        assert_eq!(contents(&open(&durable).0), served);
    }
}

#[test]
fn what_was_not_recorded_never_turns_up_whatever_reached_the_disk() {
    for seed in 0..60 {
        for path in ["payload/", "leaf/"] {
            let durable = roomy_journal_with(&[wide_batch(0, 2)]);
            let volatile = VolatileDisk::new(Arc::new(durable.clone()));
            let disk = FaultyDisk::new(Arc::new(volatile.clone()));
            let (mut journal, _) = open(&disk);
            disk.inject(Fault {
                operation: Some(Operation::Write),
                path_contains: path.to_owned(),
                skip: 0,
                mode: FaultMode::FailedButDone,
            });
            let error = journal.append(&wide_batch(20, 3)).unwrap_err();
            assert!(matches!(error, AppendError::NotRecorded { .. }), "{error}");
            assert_eq!(disk.fired(), 1);
            volatile.cut_power(PowerCut::Tear { seed });
            drop(journal);
            assert_eq!(contents(&open(&durable).0), wide_batch(0, 2), "seed {seed}");
        }
    }
}

/// Entries whose leaf frames end with a sector, so that an old frame can stay behind a new one.
fn equal_batch(label: u8, count: usize) -> Vec<EntryBytes> {
    let entry = |number: usize| EntryBytes {
        leaf: [vec![label; 408], number.to_be_bytes().to_vec()].concat(),
        payload: vec![label; 200],
    };
    (0..count).map(entry).collect()
}

#[test]
fn what_recovery_cut_never_turns_up_behind_later_entries() {
    let mut served_entries = 0;
    for seed in 0..300 {
        let durable = roomy_journal_with(&[]);
        let disk = VolatileDisk::new(Arc::new(durable.clone()));
        let (mut journal, _) = open(&disk);
        disk.cut_power_after(3, PowerCut::Tear { seed });
        journal.append(&equal_batch(b'a', 3)).unwrap_err();
        drop(journal);

        let disk = VolatileDisk::new(Arc::new(durable.clone()));
        let (mut journal, _) = open(&disk);
        let served = contents(&journal);
        served_entries += served.len();
        disk.cut_power_after(3, PowerCut::Tear { seed: seed + 1 });
        journal.append(&equal_batch(b'b', 1)).unwrap_err();
        drop(journal);
        let found = contents(&open(&durable).0);
        assert_survived(&found, &served, &equal_batch(b'b', 1));
    }
    assert!(served_entries > 100, "{served_entries}");
}
