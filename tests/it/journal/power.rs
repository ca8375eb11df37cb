//! The power is cut at any moment, and the disk keeps any of what was not synced.

#![cfg(test)]

use std::sync::Arc;

use comity::store::embedded::disk::MemoryDisk;
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
    let mut served_entries = 0;
    for syncs_before in 0..6 {
        let durable = roomy_journal_with(&[entries(0..2)]);
        let disk = VolatileDisk::new(Arc::new(durable.clone()));
        let (mut journal, _) = open(&disk);
        for number in 0..syncs_before / 3 {
            journal.append(&entries(10 + number..11 + number)).unwrap();
        }
        let before = contents(&journal);
        // Payload, leaf or anchor: the first syncs of the append pass.
        disk.let_syncs_pass(syncs_before % 3);
        disk.fail_next_syncs(1);
        let error = journal.append(&entries(20..23)).unwrap_err();
        assert!(
            matches!(error, AppendError::OutcomeUnknown { .. }),
            "{error}"
        );
        drop(journal);

        let (mut journal, _) = open(&disk);
        let served = contents(&journal);
        assert_survived(&served, &before, &entries(20..23));
        served_entries += served.len() - before.len();
        journal.append(&entries(30..31)).unwrap();
        drop(journal);
        disk.cut_power(PowerCut::DropUnsynced);
        let found = contents(&open(&durable).0);
        assert_eq!(found, [served, entries(30..31)].concat());
    }
    assert!(served_entries >= 6, "{served_entries}");
}
