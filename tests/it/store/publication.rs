//! The published checkpoint: durable before it is served, never ahead of the log, never taken back.

use std::io;
use std::path::Path;
use std::sync::Arc;

use comity::decision_log::LogSource;
use comity::decision_log::TreeSize;
use comity::decision_log::audit::audit;
use comity::decision_log::checkpoint::Checkpoint;
use comity::decision_log::checkpoint::LogKey;
use comity::decision_log::checkpoint::SignedCheckpoint;
use comity::decision_log::checkpoint::Trust;
use comity::decision_log::tile::Resource;
use comity::store::embedded::CHECKPOINT_FILE;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::OpenError;
use comity::store::embedded::PublishError;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;

use super::support::Bench;
use super::support::mixed;

fn key() -> LogKey {
    LogKey::from_seed(&"mc.nl.example/log".parse().unwrap(), &[7; 32]).unwrap()
}

fn trust() -> Trust {
    Trust {
        log_keys: vec![key().public().clone()],
        ..Trust::default()
    }
}

/// Signs what is durable.
fn signed(store: &EmbeddedStore) -> SignedCheckpoint {
    let (log, root) = store.durable_log();
    let head = Checkpoint {
        origin: "mc.nl.example/log".parse().unwrap(),
        size: log.size(),
        root,
    };
    SignedCheckpoint::sign(head, &[key()]).unwrap()
}

async fn append(store: &EmbeddedStore, numbers: std::ops::Range<u64>) {
    for number in numbers {
        store.commit(mixed(number)).await.unwrap();
    }
}

fn published(store: &EmbeddedStore) -> Option<TreeSize> {
    store
        .published_log()
        .map(|(_, published)| published.head().size)
}

#[tokio::test]
async fn what_is_published_is_in_order_at_every_size_and_after_every_start() {
    let bench = Bench::new();
    let mut older: Option<SignedCheckpoint> = None;
    for round in 0..9 {
        let store = bench.open();
        assert_eq!(
            published(&store),
            older.as_ref().map(|older| older.unverified().size)
        );
        for number in 0..40 {
            store.commit(mixed(round * 40 + number)).await.unwrap();
            if number % 11 == 0 {
                store.publish(&signed(&store)).unwrap();
                let (log, now) = store.published_log().unwrap();
                let audited = audit(&log, &trust(), older.as_ref(), &mut |_, _| {}).unwrap();
                assert_eq!(audited.head.checkpoint, *now.head());
                older = Some(SignedCheckpoint::parse(now.text()).unwrap());
            }
        }
        // What is durable and not published is not shown.
        let (log, now) = store.published_log().unwrap();
        assert!(now.head().size < store.reader().size());
        let beyond = Resource::Tile {
            level: 0,
            span: comity::decision_log::tile::Span::full(2),
        };
        assert!(log.read(beyond).is_err());
    }
}

#[tokio::test]
async fn a_checkpoint_of_something_else_is_not_published() {
    let bench = Bench::new();
    let store = bench.open();
    append(&store, 0..20).await;
    let early = signed(&store);
    append(&store, 20..30).await;
    store.publish(&signed(&store)).unwrap();
    let behind = store.publish(&early);
    assert!(
        matches!(behind, Err(PublishError::Behind { .. })),
        "{behind:?}"
    );
    let other = Bench::new();
    let other = other.open();
    append(&other, 50..90).await;
    let foreign = store.publish(&signed(&other));
    assert!(matches!(foreign, Err(PublishError::NotOurs)), "{foreign:?}");
    assert_eq!(published(&store), Some(store.reader().size()));
}

#[tokio::test]
async fn every_write_of_a_checkpoint_can_fail() {
    let writes = [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
        Operation::SyncDirectory,
    ];
    for operation in writes {
        for mode in [
            FaultMode::Failed,
            FaultMode::Short,
            FaultMode::FailedButDone,
        ] {
            let bench = Bench::new();
            let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
            let store = bench.open_on(Arc::new(disk.clone())).unwrap();
            append(&store, 0..10).await;
            store.publish(&signed(&store)).unwrap();
            let before = published(&store);
            append(&store, 10..20).await;
            let path_contains = if operation == Operation::SyncDirectory {
                ""
            } else {
                CHECKPOINT_FILE
            };
            disk.inject(Fault {
                operation: Some(operation),
                path_contains: path_contains.to_owned(),
                skip: 0,
                mode,
            });
            let failed = store.publish(&signed(&store));
            let row = format!("{operation:?} {mode:?}");
            assert!(
                matches!(failed, Err(PublishError::Io(_))),
                "{row}: {failed:?}"
            );
            assert_eq!(published(&store), before, "{row}");
            assert!(store.health().is_ready(), "{row}");
            drop(store);
            // Whether it was done or not: the start finds a checkpoint that the log bears out, and the next is published.
            let store = bench.open();
            assert!(published(&store) >= before, "{row}");
            append(&store, 20..25).await;
            store.publish(&signed(&store)).unwrap();
            let (log, _) = store.published_log().unwrap();
            audit(&log, &trust(), None, &mut |_, _| {}).unwrap();
        }
    }
}

/// A checkpoint that was served is there after the power is gone, and so is everything that it covers.
#[tokio::test]
async fn a_power_cut_takes_no_published_checkpoint_back() {
    for changes in 1..40 {
        let cut = match changes % 2 {
            0 => PowerCut::DropUnsynced,
            _ => PowerCut::Tear { seed: changes },
        };
        let bench = Bench::new();
        let disk = VolatileDisk::new(Arc::new(bench.disk.clone()));
        let store = bench.open_on(Arc::new(disk.clone())).unwrap();
        disk.cut_power_after(changes, cut);
        let mut served = None;
        for number in 0..12 {
            if store.commit(mixed(number)).await.is_err() {
                break;
            }
            if store.publish(&signed(&store)).is_ok() {
                served = published(&store);
            }
        }
        drop(store);
        let store = bench.open();
        assert!(published(&store) >= served, "{changes}");
        assert!(store.reader().size() >= published(&store).unwrap_or_default());
    }
}

fn edit(disk: &MemoryDisk, text: &[u8]) {
    let file = disk.create(Path::new(CHECKPOINT_FILE)).unwrap();
    file.write_all_at(text, 0).unwrap();
}

#[tokio::test]
async fn a_log_that_is_shorter_than_published_does_not_start() {
    let bench = Bench::new();
    let store = bench.open();
    append(&store, 0..10).await;
    drop(store);
    let backup = Bench {
        disk: bench.disk.copy(),
        ..Bench::new()
    };
    let store = bench.open();
    append(&store, 10..20).await;
    let newest = signed(&store);
    edit(&backup.disk, &newest.to_text());
    let error = backup.try_open().unwrap_err();
    assert!(
        matches!(error, OpenError::ShorterThanPublished { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("newer backup"), "{error}");
}

#[tokio::test]
async fn a_log_that_is_not_what_was_published_does_not_start() {
    let (bench, other) = (Bench::new(), Bench::new());
    for (bench, numbers) in [(&bench, 0..10), (&other, 5..15)] {
        append(&bench.open(), numbers).await;
    }
    let theirs = signed(&other.open());
    edit(&bench.disk, &theirs.to_text());
    let error = bench.try_open().unwrap_err();
    assert!(
        matches!(error, OpenError::NotWhatWasPublished { .. }),
        "{error}"
    );
    edit(&bench.disk, b"nonsense");
    let error = bench.try_open().unwrap_err();
    assert!(matches!(error, OpenError::CheckpointDamaged(_)), "{error}");
    bench.disk.remove(Path::new(CHECKPOINT_FILE)).unwrap();
    let there = bench.disk.open(Path::new(CHECKPOINT_FILE));
    assert_eq!(there.unwrap_err().kind(), io::ErrorKind::NotFound);
    bench.open();
}
