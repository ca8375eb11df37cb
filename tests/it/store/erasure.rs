//! Erasing parts: they are in no file any more, and everything else is as before, whatever fails meanwhile.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use comity::decision_log::LogIndex;
use comity::decision_log::TreeSize;
use comity::domain::registry::DocumentKind;
use comity::store::State;
use comity::store::command::Command;
use comity::store::command::Expected;
use comity::store::command::NoteErasure;
use comity::store::command::PersonDigest;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::embedded::erasure::Candidate;
use comity::store::embedded::erasure::Mode;
use comity::store::embedded::erasure::Obstacle;
use comity::store::embedded::erasure::Plan;
use comity::store::embedded::erasure::Selection;
use comity::store::erasure::ErasureGround;
use comity::store::erasure::ErasureId;
use comity::store::erasure::ErasureScope;
use comity::store::erasure::ErasureStep;
use comity::store::erasure::SubjectDigest;
use proptest::prelude::*;
use uuid::Uuid;

use super::support::Bench;
use super::support::at;
use super::support::delete;
use super::support::document;
use super::support::key;
use super::support::projected;
use super::support::put;
use super::support::state;
use super::support::user;
use super::support::write;

const SUBJECT: &str = "users/u1";

/// What stands in the parts of `users/u1` and nowhere else.
const SECRET: &str = "sip:i1@mc.nl.example";

fn plan_in(store: &EmbeddedStore, mode: Mode, takes: &dyn Fn(&Candidate<'_>) -> bool) -> Plan {
    let selection = Selection {
        first: LogIndex(0),
        before: store.reader().size(),
        reaches: &|_| true,
        takes,
        mode,
    };
    store.plan_erasure(&selection).unwrap()
}

fn plan_of(store: &EmbeddedStore, subject: &str, mode: Mode) -> Plan {
    plan_in(store, mode, &|candidate| candidate.subject == subject)
}

/// Erases where waiting keeps nobody from working.
async fn erase(store: &EmbeddedStore, plan: Plan) -> Result<(), String> {
    let store = store.clone();
    let work = tokio::task::spawn_blocking(move || store.erase(&plan));
    work.await.unwrap().map_err(|error| error.to_string())
}

/// A store in which `users/u1` was written, changed and deleted, among others.
async fn fill(store: &EmbeddedStore) {
    let one = |identities: &[u8]| put(&user(1, identities), Expected::Any);
    let two = || put(&user(2, &[7]), Expected::Any);
    for command in [
        write(vec![one(&[1])]),
        write(vec![two()]),
        write(vec![one(&[1, 4])]),
        write(vec![two()]),
        write(vec![delete(key(DocumentKind::User, "u1"), Expected::Any)]),
    ] {
        store.commit(command).await.unwrap();
    }
    for _ in 0..10 {
        store.commit(write(vec![two()])).await.unwrap();
    }
}

/// Waits until so many snapshots were written.
async fn snapshots(store: &EmbeddedStore, count: u64) {
    projected(store).await;
    for _ in 0..3_000 {
        if store.health().projection.snapshots >= count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no snapshot came: {:?}", store.health());
}

fn files_with(disk: &MemoryDisk, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let file = disk.open(path).unwrap();
        let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
        file.read_at(&mut bytes, 0).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    disk.paths().into_iter().filter(holds).collect()
}

/// Every entry still holds what its leaf commits to.
fn check_whole(store: &EmbeddedStore) {
    for index in 0..store.reader().size().0 {
        store.reader().verify(LogIndex(index)).unwrap();
    }
}

#[tokio::test]
async fn what_was_erased_is_in_no_file_and_the_log_leads_to_the_same_state() {
    let mut bench = Bench::new();
    bench.settings.snapshot_entries = 3;
    let store = bench.open();
    fill(&store).await;
    projected(&store).await;
    let (before, head) = (state(&store), store.reader().head());
    let other = store.reader().read_payload(LogIndex(2)).unwrap();
    assert!(!files_with(&bench.disk, SECRET).is_empty());

    let plan = plan_of(&store, SUBJECT, Mode::Asked);
    assert_eq!(plan.obstacles, []);
    let erased = plan.erased();
    assert_eq!((erased.entries, erased.parts), (3, 3));
    let ranges = [(1, 1), (3, 3), (5, 5)];
    assert_eq!(
        erased.ranges,
        ranges.map(|(first, last)| (LogIndex(first), LogIndex(last)))
    );
    erase(&store, plan).await.unwrap();

    assert_eq!(files_with(&bench.disk, SECRET), Vec::<PathBuf>::new());
    assert_eq!(files_with(&bench.disk, SUBJECT), Vec::<PathBuf>::new());
    assert_eq!(store.reader().head(), head);
    assert_eq!(store.reader().read_payload(LogIndex(2)).unwrap(), other);
    check_whole(&store);
    assert!(plan_of(&store, SUBJECT, Mode::Asked).is_empty());
    assert_eq!(state(&store), before);
    assert_eq!(bench.state_from_log(), before);
    // What is appended goes on where the log ends.
    store
        .commit(write(vec![put(&user(3, &[3]), Expected::Absent)]))
        .await
        .unwrap();
    let live = state(&store);
    store.close().await;
    drop(store);
    assert_eq!(state(&bench.open()), live);
}

#[tokio::test]
async fn what_is_live_or_would_come_back_is_in_the_way() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store).await;
    let live = plan_of(&store, "users/u2", Mode::Asked);
    let two = key(DocumentKind::User, "u2");
    assert!(live.obstacles.contains(&Obstacle::Live(LogIndex(2), two)));
    assert!(live.is_empty());
    // The deletion alone: the document would come back.
    let deletion = plan_in(&store, Mode::Asked, &|it| it.index == LogIndex(5));
    let one = key(DocumentKind::User, "u1");
    assert_eq!(
        deletion.obstacles,
        [Obstacle::Deletion(LogIndex(5), one, LogIndex(1))]
    );
    // Members of a group as it is now are live by their own names.
    let group = document(
        DocumentKind::Group,
        serde_json::json!({
            "id": "sip:g1@mc.de.example", "enabled": true, "interconnection": true, "services": ["mcptt"],
            "members": ["sip:m1@mc.de.example"],
        }),
    );
    let written = put(&group, Expected::Absent);
    let committed = store.commit(write(vec![written])).await.unwrap();
    let member = plan_of(&store, "sip:m1@mc.de.example", Mode::Asked);
    let expected = Obstacle::Live(committed.index, group.key().unwrap());
    assert_eq!(member.obstacles, [expected]);
    // An order that is in force leaves what the state follows from.
    let ordered = plan_of(&store, "sip:m1@mc.de.example", Mode::Ordered);
    assert!(ordered.is_empty() && ordered.left == 1);
}

const ROWS: [(&str, Operation); 8] = [
    ("payload", Operation::Create),
    ("payload", Operation::Write),
    ("payload", Operation::Sync),
    ("payload", Operation::Rename),
    ("payload", Operation::SyncDirectory),
    ("snapshots", Operation::Create),
    ("snapshots", Operation::Rename),
    ("snapshots", Operation::Remove),
];

#[tokio::test]
async fn no_fault_leaves_anything_but_the_old_or_the_new() {
    for (path, operation) in ROWS {
        for mode in [FaultMode::Failed, FaultMode::FailedButDone] {
            let mut fired = 0;
            for skip in 0..3 {
                let fault = Fault {
                    operation: Some(operation),
                    path_contains: path.to_owned(),
                    skip,
                    mode,
                };
                fired += erase_with_fault(fault).await;
            }
            assert!(fired > 0, "{operation:?} of {path} never failed {mode:?}");
        }
    }
}

async fn erase_with_fault(fault: Fault) -> u64 {
    let row = format!("{fault:?}");
    let mut bench = Bench::new();
    bench.settings.snapshot_entries = 1;
    let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
    let store = bench.open_on(Arc::new(disk.clone())).unwrap();
    fill(&store).await;
    snapshots(&store, 1).await;
    let another = put(&user(2, &[7]), Expected::Any);
    store.commit(write(vec![another])).await.unwrap();
    snapshots(&store, 2).await;
    let before = state(&store);
    disk.inject(fault);
    let plan = plan_of(&store, SUBJECT, Mode::Ordered);
    let first = erase(&store, plan.clone()).await;
    disk.clear();
    check_whole(&store);
    assert_eq!(bench.state_from_log(), before, "{row}");
    if first.is_ok() {
        let left = files_with(&bench.disk, SECRET);
        assert_eq!(left, Vec::<PathBuf>::new(), "{row}");
    } else if store.health().is_ready() {
        // The same again, as whoever carries the order out does.
        erase(&store, plan).await.unwrap();
        let left = files_with(&bench.disk, SECRET);
        assert_eq!(left, Vec::<PathBuf>::new(), "{row}");
        check_whole(&store);
    }
    drop(store);
    let again = bench.open();
    assert_eq!(state(&again), before, "{row}");
    let plan = plan_of(&again, SUBJECT, Mode::Ordered);
    erase(&again, plan).await.unwrap();
    assert_eq!(
        files_with(&bench.disk, SECRET),
        Vec::<PathBuf>::new(),
        "{row}"
    );
    check_whole(&again);
    disk.fired()
}

#[tokio::test]
async fn a_power_cut_leaves_the_old_or_the_new() {
    let mut cuts = 0;
    for changes in 0..40 {
        for cut in [PowerCut::DropUnsynced, PowerCut::Tear { seed: changes }] {
            let bench = Bench::new();
            let disk = VolatileDisk::new(Arc::new(bench.disk.clone()));
            let store = bench.open_on(Arc::new(disk.clone())).unwrap();
            fill(&store).await;
            let before = state(&store);
            let plan = plan_of(&store, SUBJECT, Mode::Ordered);
            disk.cut_power_after(changes, cut);
            let done = erase(&store, plan).await;
            let was_cut = disk.is_cut();
            drop(store);
            cuts += u32::from(was_cut);
            if !was_cut {
                done.unwrap();
                disk.cut_power(cut);
            }
            let again = bench.open();
            check_whole(&again);
            assert_eq!(state(&again), before, "{changes} {cut:?}");
            let plan = plan_of(&again, SUBJECT, Mode::Ordered);
            assert!(was_cut || plan.is_empty(), "{changes} {cut:?}");
            erase(&again, plan).await.unwrap();
            let left = files_with(&bench.disk, SECRET);
            assert_eq!(left, Vec::<PathBuf>::new(), "{changes} {cut:?}");
        }
    }
    assert!(cuts > 10, "only {cuts} cuts came in the middle");
}

#[tokio::test]
async fn readers_go_on_meanwhile() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store).await;
    let ended = Arc::new(AtomicBool::new(false));
    let reading = {
        let (store, ended) = (store.clone(), Arc::clone(&ended));
        std::thread::spawn(move || {
            let mut rounds = 0;
            while !ended.load(Ordering::Relaxed) || rounds == 0 {
                check_whole(&store);
                rounds += 1;
            }
        })
    };
    for number in 1..=15 {
        let mut plan = plan_in(&store, Mode::Ordered, &|it| it.index == LogIndex(number));
        plan.obstacles.clear();
        erase(&store, plan).await.unwrap();
        store
            .commit(write(vec![put(&user(2, &[7]), Expected::Any)]))
            .await
            .unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    reading.join().unwrap();
}

fn digest(number: u8) -> SubjectDigest {
    SubjectDigest::from_bytes([number; 32])
}

fn person(number: u8) -> comity::store::command::Person {
    PersonDigest::from_bytes([number; 32]).into()
}

fn step(step: ErasureStep) -> Command {
    Command::Erasure(NoteErasure {
        id: ErasureId(Uuid::from_u128(1)),
        step,
        actor: "sip:dpo@mc.nl.example".to_owned(),
        reason: None,
        subjects: Vec::new(),
        at: at(1),
    })
}

fn asked() -> Command {
    step(ErasureStep::Asked {
        scope: ErasureScope::Subjects(vec![digest(1)]),
        ground: ErasureGround::Objection,
        by: person(1).into(),
    })
}

fn confirmed(by: u8, before: u64) -> Command {
    step(ErasureStep::Confirmed {
        by: person(by).into(),
        before: TreeSize(before),
    })
}

#[tokio::test]
async fn an_order_takes_two_persons_and_is_due_in_every_file_put_back() {
    let bench = Bench::new();
    let store = bench.open();
    fill(&store).await;
    let older = bench.disk.copy();
    assert!(store.commit(confirmed(2, 3)).await.is_err(), "of nothing");
    store.commit(asked()).await.unwrap();
    assert!(store.commit(asked()).await.is_err(), "twice");
    assert!(store.commit(confirmed(1, 3)).await.is_err(), "one person");
    assert!(store.commit(confirmed(2, 99)).await.is_err(), "beyond");
    assert_eq!(store.erasures_to_carry_out().unwrap(), []);
    let committed = store.commit(confirmed(2, 17)).await.unwrap();
    let dropped = store.commit(step(ErasureStep::Dropped)).await;
    assert!(dropped.is_err(), "once it is confirmed");
    let due = |store: &EmbeddedStore| store.erasures_to_carry_out().unwrap().len();
    assert_eq!(due(&store), 1);
    let plan = plan_of(&store, SUBJECT, Mode::Ordered);
    let done = step(ErasureStep::Done(plan.erased()));
    erase(&store, plan).await.unwrap();
    store.note_carried_out(committed.index).unwrap();
    store.commit(done).await.unwrap();
    assert_eq!(due(&store), 0);
    let (before, parts) = store.view(|state| {
        let kept = state.erasure(ErasureId(Uuid::from_u128(1))).unwrap();
        (state.clone(), kept.parts)
    });
    assert_eq!(parts, 3);
    store.close().await;
    drop(store);
    // The state is read from the projection, and from the log.
    let again = bench.open();
    assert_eq!((state(&again), due(&again)), (before.clone(), 0));
    drop(again);
    assert_eq!(bench.state_from_log(), before);
    // A payload segment from before is put back.
    let restored = Bench {
        disk: bench.disk.copy(),
        ..Bench::new()
    };
    let path = PathBuf::from("payload/00000000000000000000.segment");
    let old = older.open(&path).unwrap();
    let mut bytes = vec![0; usize::try_from(old.length().unwrap()).unwrap()];
    old.read_at(&mut bytes, 0).unwrap();
    let file = restored.disk.create(&path).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    let opened = restored.open();
    assert_eq!(due(&opened), 1);
    assert!(!plan_of(&opened, SUBJECT, Mode::Ordered).is_empty());
}

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u8),
    Delete(u8),
    Group(Vec<u8>),
    EraseSubject(u8),
    EraseMember(u8),
    EraseRange(u64, u64),
    Retain(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (0..3_u8, 0..3_u8).prop_map(|(user, identity)| Op::Put(user, identity)),
        3 => (0..3_u8).prop_map(Op::Delete),
        2 => proptest::collection::vec(0..3_u8, 0..3).prop_map(Op::Group),
        2 => (0..3_u8).prop_map(Op::EraseSubject),
        1 => (0..3_u8).prop_map(Op::EraseMember),
        2 => (0..20_u64, 0..6_u64).prop_map(|(first, more)| Op::EraseRange(first, first + more)),
        1 => (0..20_u64).prop_map(Op::Retain),
    ];
    proptest::collection::vec(op, 1..40)
}

type Taken = Box<dyn Fn(&Candidate<'_>) -> bool>;

fn group(members: &[u8]) -> Command {
    let members: Vec<String> = members
        .iter()
        .map(|member| format!("sip:m{member}@mc.de.example"))
        .collect();
    let json = serde_json::json!({
        "id": "sip:g1@mc.de.example", "enabled": true, "interconnection": true, "services": ["mcptt"],
        "members": members,
    });
    write(vec![put(
        &document(DocumentKind::Group, json),
        Expected::Any,
    )])
}

async fn run(store: &EmbeddedStore, op: Op) -> u64 {
    let (mode, taken): (Mode, Taken) = match op {
        Op::Put(number, identity) => {
            let number = number + 1;
            let write = write(vec![put(
                &user(number, &[number * 10 + identity]),
                Expected::Any,
            )]);
            store.commit(write).await.unwrap();
            return 0;
        }
        Op::Delete(number) => {
            let key = key(DocumentKind::User, &format!("u{}", number + 1));
            // One that is not there cannot be deleted.
            let deleted = store.commit(write(vec![delete(key, Expected::Any)])).await;
            drop(deleted);
            return 0;
        }
        Op::Group(members) => {
            store.commit(group(&members)).await.unwrap();
            return 0;
        }
        Op::EraseSubject(number) => {
            let subject = format!("users/u{}", number + 1);
            (Mode::Ordered, Box::new(move |it| it.subject == subject))
        }
        Op::EraseMember(number) => {
            let subject = format!("sip:m{number}@mc.de.example");
            (Mode::Ordered, Box::new(move |it| it.subject == subject))
        }
        Op::EraseRange(first, last) => (
            Mode::Ordered,
            Box::new(move |it| (first..=last).contains(&it.index.0)),
        ),
        Op::Retain(before) => (Mode::Retention, Box::new(move |it| it.index.0 < before)),
    };
    let plan = plan_in(store, mode, &*taken);
    let parts = plan.erased().parts;
    erase(store, plan).await.unwrap();
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_erased_a_rebuild_leads_to_the_same_state(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let store = bench.open();
            for op in ops {
                let row = format!("{op:?}");
                let before: State = state(&store);
                if run(&store, op).await > 0 {
                    assert_eq!(state(&store), before, "{row}");
                    assert_eq!(bench.state_from_log(), before, "{row}");
                }
            }
            check_whole(&store);
            assert_eq!(bench.state_from_log(), state(&store));
        });
    }
}
