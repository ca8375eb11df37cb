use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use comity::domain::registry::DocumentKind;
use comity::store::CommitError;
use comity::store::State;
use comity::store::command::Expected;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Interrupt;
use comity::store::embedded::OpenError;
use comity::store::embedded::Source;
use comity::store::embedded::Stage;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::journal;

use super::support::Bench;
use super::support::MemoryBackend;
use super::support::at;
use super::support::mixed;
use super::support::projected;
use super::support::publish;
use super::support::put;
use super::support::state;
use super::support::user;
use super::support::write;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;
type Damage<'a> = &'a dyn Fn(&mut Rows);

async fn fill(bench: &Bench, numbers: std::ops::Range<u64>) -> State {
    let store = bench.open();
    for number in numbers {
        store.commit(mixed(number)).await.unwrap();
    }
    projected(&store).await;
    let state = state(&store);
    store.close().await;
    state
}

fn with_backend(bench: &Bench, backend: MemoryBackend) -> Bench {
    let mut bench = bench.clone();
    bench.settings.projection = Arc::new(backend.clone());
    bench.backend = backend;
    bench
}

#[tokio::test]
async fn a_new_log_begins_with_its_genesis_and_keeps_its_name() {
    let bench = Bench::new();
    let store = bench.open();
    let origin = store.started().origin;
    assert_eq!(store.view(|state| state.applied().0), 1);
    assert_eq!(store.view(State::time), at(0));
    store.close().await;
    assert_eq!(bench.open().started().origin, origin);
    bench.disk.remove(Path::new("meta.json")).unwrap();
    let store = bench.open();
    assert_eq!(store.started().origin, origin, "it stands in the log too");
    assert_eq!(store.view(|state| state.applied().0), 1);
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let bench = Bench::new();
    let store = bench.open();
    let second = bench.try_open();
    assert!(matches!(
        second,
        Err(OpenError::Journal(journal::OpenError::InUse { .. }))
    ));
    drop(store);
    bench.open();
}

#[tokio::test]
async fn a_directory_of_a_newer_program_or_another_log_is_refused() {
    let bench = Bench::new();
    drop(bench.open());
    let edit = |from: &str, to: &str| {
        bench.disk.edit("meta.json", |bytes| {
            let text = str::from_utf8(bytes).unwrap().replace(from, to);
            *bytes = text.into_bytes();
        });
    };
    edit("\"format_version\": 1", "\"format_version\": 2");
    let newer = bench.try_open().unwrap_err();
    assert!(matches!(newer, OpenError::NewerFormat { found: 2 }));
    assert!(newer.to_string().contains("newer version"), "{newer}");
    edit("\"format_version\": 2", "\"format_version\": 1");
    let origin = bench.open().started().origin.to_string();
    edit(&origin, "00000000-0000-4000-8000-000000000000");
    let other = bench.try_open();
    assert!(matches!(other, Err(OpenError::OriginMismatch { .. })));
    bench.disk.edit("meta.json", |bytes| bytes.truncate(9));
    let damaged = bench.try_open();
    assert!(matches!(damaged, Err(OpenError::MetaDamaged(_))));
}

#[tokio::test]
async fn every_way_to_start_leads_to_the_same_state() {
    let mut bench = Bench::new();
    bench.settings.snapshot_entries = 10;
    let live = fill(&bench, 0..60).await;
    assert_eq!(bench.state_from_log(), live);

    let clean = with_backend(&bench, bench.backend.copy());
    let clean = Bench {
        disk: bench.disk.copy(),
        ..clean
    };
    let store = clean.open();
    assert_eq!(store.started().source, Source::Projection);
    assert_eq!(state(&store), live);
    drop(store);

    let wiped = with_backend(&bench, MemoryBackend::default());
    let disk = bench.disk.copy();
    let wiped = Bench { disk, ..wiped };
    let store = wiped.open();
    assert_eq!(store.started().source, Source::Snapshot);
    assert_eq!(state(&store), live);
    projected(&store).await;
    drop(store);
    assert_eq!(wiped.open().started().source, Source::Projection);

    let bare = with_backend(&bench, MemoryBackend::default());
    let disk = bench.disk.copy();
    for path in disk.paths() {
        if path.starts_with("snapshots") {
            disk.remove(&path).unwrap();
        }
    }
    let bare = Bench { disk, ..bare };
    let store = bare.open();
    assert_eq!(store.started().source, Source::Log);
    assert_eq!(state(&store), live);
}

#[tokio::test]
async fn the_projection_is_followed_by_the_rest_of_the_log() {
    let bench = Bench::new();
    fill(&bench, 0..20).await;
    let behind = bench.backend.copy();
    let live = fill(&bench, 20..50).await;
    let bench = with_backend(&bench, behind);
    let store = bench.open();
    assert_eq!(store.started().source, Source::Projection);
    assert_eq!(state(&store), live);
    projected(&store).await;
    let after = bench.backend.copy();
    drop(store);
    let store = with_backend(&bench, after).open();
    assert_eq!(store.started().source, Source::Projection);
    assert_eq!(state(&store), live);
}

#[tokio::test]
async fn a_projection_ahead_of_the_log_or_of_another_one_is_not_used() {
    let bench = Bench::new();
    let before = fill(&bench, 0..20).await;
    let earlier = bench.disk.copy();
    fill(&bench, 20..40).await;
    let ahead = Bench {
        disk: earlier,
        ..bench.clone()
    };
    let store = ahead.open();
    assert_eq!(store.started().source, Source::Log);
    assert!(store.started().passed_over[0].contains("ahead of the log"));
    assert_eq!(state(&store), before);
    projected(&store).await;
    drop(store);

    let other = Bench::new();
    let live = fill(&other, 0..40).await;
    let mixed_up = with_backend(&other, bench.backend.copy());
    let generation = mixed_up.backend.present()[0];
    mixed_up.disk.edit("run.json", |bytes| {
        let text = str::from_utf8(bytes).unwrap();
        let text = text.replace(
            "\"projection\": 1",
            &format!("\"projection\": {generation}"),
        );
        *bytes = text.into_bytes();
    });
    let store = mixed_up.open();
    assert_eq!(store.started().source, Source::Log);
    assert!(store.started().passed_over[0].contains("another log"));
    assert_eq!(state(&store), live);
}

#[tokio::test]
async fn after_a_power_cut_the_projection_is_not_believed() {
    let mut bench = Bench::new();
    let store = bench.open();
    store.commit(publish(1)).await.unwrap();
    projected(&store).await;
    let live = state(&store);
    drop(store);
    let same_boot = Bench {
        disk: bench.disk.copy(),
        ..with_backend(&bench, bench.backend.copy())
    };
    assert_eq!(same_boot.open().started().source, Source::Projection);
    bench.settings.boot_id = "another boot".to_owned();
    let store = bench.open();
    assert_eq!(store.started().source, Source::Log);
    assert_eq!(state(&store), live);
    projected(&store).await;
    assert_eq!(bench.backend.present(), [2], "the old one is gone");
    store.close().await;
    bench.settings.boot_id = "a third boot".to_owned();
    assert_eq!(
        bench.open().started().source,
        Source::Projection,
        "it was closed"
    );
}

#[tokio::test]
async fn changed_missing_and_added_rows_are_noticed() {
    let bench = Bench::new();
    let live = fill(&bench, 0..40).await;
    let row = |rows: &Rows, tag| {
        let key = rows.keys().find(|key| key.first() == Some(&tag));
        key.unwrap().clone()
    };
    let damages: [Damage<'_>; 6] = [
        &|rows| drop(rows.remove(&row(rows, b'd'))),
        &|rows| drop(rows.remove(&row(rows, b'm'))),
        &|rows| drop(rows.remove(&row(rows, b'h'))),
        &|rows| {
            let key = row(rows, b'r');
            let value = rows.get_mut(&key).unwrap();
            let text = str::from_utf8(value).unwrap().replace("granted", "refused");
            *value = text.into_bytes();
        },
        &|rows| {
            let mut key = row(rows, b'd');
            let value = rows[&key].clone();
            key.push(b'x');
            rows.insert(key, value);
        },
        &|rows| rows.clear(),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let bench = with_backend(&bench, bench.backend.copy());
        let disk = bench.disk.copy();
        let bench = Bench { disk, ..bench };
        bench.backend.edit(damage);
        let store = bench.open();
        assert_eq!(store.started().source, Source::Log, "damage {number}");
        assert_eq!(state(&store), live);
        projected(&store).await;
        assert_eq!(bench.backend.present(), [2]);
    }
}

#[tokio::test]
async fn a_damaged_snapshot_gives_way_to_the_one_before() {
    let mut bench = Bench::new();
    bench.settings.snapshot_entries = 10;
    let live = fill(&bench, 0..10).await;
    let live = if live.applied().0 < 60 {
        fill(&bench, 10..60).await
    } else {
        live
    };
    let snapshots = |bench: &Bench| {
        let paths = bench.disk.paths();
        let snapshots = paths
            .into_iter()
            .filter(|path| path.starts_with("snapshots"));
        snapshots.collect::<Vec<_>>()
    };
    let kept = snapshots(&bench);
    assert_eq!(kept.len(), 2, "{kept:?}");
    let newest = kept.last().unwrap();
    let length = bench.disk.edit(newest, |bytes| bytes.len()).unwrap();
    for offset in (0..length).step_by(length / 23) {
        let bench = Bench {
            disk: bench.disk.copy(),
            ..with_backend(&bench, MemoryBackend::default())
        };
        bench.disk.edit(newest, |bytes| bytes[offset] ^= 0x10);
        let store = bench.open();
        assert_eq!(store.started().source, Source::Snapshot, "byte {offset}");
        assert_eq!(store.started().passed_over.len(), 2, "byte {offset}");
        assert_eq!(state(&store), live);
    }
    for length in [0, 5, length / 2, length - 1] {
        let bench = Bench {
            disk: bench.disk.copy(),
            ..with_backend(&bench, MemoryBackend::default())
        };
        for path in snapshots(&bench) {
            bench.disk.edit(path, |bytes| bytes.truncate(length));
        }
        let store = bench.open();
        assert_eq!(state(&store), live, "cut to {length}");
        assert!(store.started().passed_over.len() >= 2);
    }
}

#[tokio::test]
async fn the_start_tells_how_far_it_is() {
    let bench = Bench::new();
    fill(&bench, 0..30).await;
    bench.backend.wipe();
    let mut told = Vec::new();
    let disk = Arc::new(bench.disk.clone());
    let opened = EmbeddedStore::open(disk, &bench.settings, &mut |progress| {
        told.push(progress);
    });
    drop(opened.unwrap());
    let last = told.iter().rfind(|progress| progress.stage == Stage::Log);
    assert_eq!(
        last.map(|progress| (progress.done, progress.total)),
        Some((31, 31))
    );
    assert!(told.iter().any(|progress| progress.stage == Stage::Journal));
}

/// Opens a store that is interrupted when it tells of this stage; gives what came of it.
fn interrupted_at(bench: &Bench, stage: Stage) -> Result<EmbeddedStore, OpenError> {
    let mut settings = bench.settings.clone();
    settings.journal.interrupt = Interrupt::default();
    let interrupt = settings.journal.interrupt.clone();
    EmbeddedStore::open(Arc::new(bench.disk.clone()), &settings, &mut |progress| {
        if progress.stage == stage {
            interrupt.raise();
        }
    })
}

#[tokio::test]
async fn a_start_can_be_interrupted_and_changes_nothing() {
    let bench = Bench::new();
    let live = fill(&bench, 0..200).await;
    let files = |bench: &Bench| -> Vec<_> {
        let paths = bench.disk.paths().into_iter();
        // Temporary files are worth nothing and go first.
        paths
            .filter(|path| path.extension().is_none_or(|extension| extension != "tmp"))
            .map(|path| (bench.disk.edit(&path, |bytes| bytes.clone()), path))
            .collect()
    };
    let before = files(&bench);
    let error = interrupted_at(&bench, Stage::Journal).unwrap_err();
    assert!(error.is_interruption(), "{error}");
    assert!(matches!(error, OpenError::Journal(_)), "{error:?}");
    assert!(files(&bench) == before, "a file was changed");

    let raised = Interrupt::default();
    raised.raise();
    let mut settings = bench.settings.clone();
    settings.journal.interrupt = raised;
    let disk = Arc::new(bench.disk.clone());
    let error = EmbeddedStore::open(disk, &settings, &mut |_| {}).unwrap_err();
    assert!(error.is_interruption(), "{error}");

    // Too late, it does nothing.
    bench.backend.wipe();
    drop(interrupted_at(&bench, Stage::Log).unwrap());
    assert_eq!(state(&bench.open()), live);
}

#[tokio::test]
async fn documents_are_listed_in_pages() {
    let store = Bench::new().open();
    let users = (1..=9).map(|number| put(&user(number, &[number]), Expected::Any));
    store.commit(write(users.collect())).await.unwrap();
    let ids = store.view(|state| {
        let after = "u4".parse().unwrap();
        let page = state.documents(DocumentKind::User, Some(&after));
        page.take(2)
            .map(|(id, _)| id.as_str().to_owned())
            .collect::<Vec<_>>()
    });
    assert_eq!(ids, ["u5", "u6"]);
    store.close().await;
    assert_eq!(store.commit(publish(1)).await, Err(CommitError::Closed));
}
