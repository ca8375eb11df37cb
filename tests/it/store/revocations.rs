//! What was granted, and is so no longer.

use std::sync::Arc;

use comity::domain::lifecycle::ItemState;
use comity::domain::lifecycle::Stage;
use comity::domain::outcome::PartnerOutcome;
use comity::domain::outcome::RequestStatus;
use comity::domain::registry::DocumentKind;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::Refusal;
use comity::store::State;
use comity::store::command::Expected;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use comity::store::in_force::InForcePart;
use comity::store::in_force::LapsePart;
use comity::store::state::RequestEntry;
use serde_json::json;

use super::support::Bench;
use super::support::PARTNER;
use super::support::agreement;
use super::support::answered;
use super::support::at;
use super::support::at_partner;
use super::support::commit_all;
use super::support::delete;
use super::support::document;
use super::support::key;
use super::support::pending;
use super::support::projected;
use super::support::put;
use super::support::request_id;
use super::support::revoke;
use super::support::state;
use super::support::submit;
use super::support::user;
use super::support::write;
use super::support::write_at;

fn refusal(answer: &Result<Committed, CommitError>) -> Option<&Refusal> {
    match answer {
        Err(CommitError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

fn entry(store: &EmbeddedStore, number: u64) -> RequestEntry {
    let found = store.request(request_id(number)).unwrap().unwrap();
    RequestEntry::clone(&found)
}

fn revoked(number: u64, version: u64, items: Vec<u32>) -> Command {
    Command::Revoke(revoke(number, version, items))
}

/// Whether the request is in memory or put away makes no difference.
#[tokio::test]
async fn what_is_granted_is_revoked_and_nothing_else() {
    for ended_requests in [100, 0] {
        let mut bench = Bench::new();
        bench.settings.ended_requests = ended_requests;
        let store = bench.open();
        let items = vec![
            ItemState::Granted,
            answered(PartnerOutcome::Accept, false),
            answered(PartnerOutcome::Accept, true),
            answered(PartnerOutcome::Reject, true),
            ItemState::Refused,
            ItemState::Granted,
        ];
        store
            .commit(Command::Submit(submit(1, 0, items)))
            .await
            .unwrap();
        let is_here = store.view(|state| state.request(request_id(1)).is_some());
        assert_eq!(is_here, ended_requests > 0);
        let not = |item| Some(Refusal::NotGranted { item });
        let version = Refusal::Version {
            request_id: request_id(1),
            current: 1,
        };
        let nothing = Refusal::Invalid("it revokes no item".to_owned());
        let given = [
            (2, vec![0], Some(version)),
            (1, Vec::new(), Some(nothing)),
            (1, vec![0, 3], not(3)),
            (1, vec![4], not(4)),
            (1, vec![6], not(6)),
            (1, vec![0, 0], not(0)),
            (1, vec![0, 1], None),
            (2, vec![0], not(0)),
            (2, vec![2], None),
        ];
        let commands = given
            .clone()
            .map(|(version, items, _)| revoked(1, version, items));
        let answers = commit_all(&store, commands).await;
        for (number, (answer, (.., expected))) in answers.iter().zip(given).enumerate() {
            assert_eq!(refusal(answer), expected.as_ref(), "{number}");
        }
        let after = entry(&store, 1);
        let gone = ItemState::Revoked;
        let rejected = answered(PartnerOutcome::Reject, true);
        assert_eq!(
            after.items,
            [
                gone,
                gone,
                gone,
                rejected,
                ItemState::Refused,
                ItemState::Granted
            ]
        );
        assert_eq!((after.version, after.status()), (3, RequestStatus::Partial));
        store.commit(revoked(1, 3, vec![5])).await.unwrap();
        assert_eq!(entry(&store, 1).status(), RequestStatus::Revoked);
        let unknown = store.commit(revoked(9, 1, vec![0])).await;
        let expected = Refusal::UnknownRequest(request_id(9));
        assert_eq!(refusal(&unknown), Some(&expected));
        let (live, expected) = (store.view(State::clone), entry(&store, 1));
        store.close().await;
        let again = bench.open();
        assert_eq!((state(&again), entry(&again, 1)), (live.clone(), expected));
        drop(again);
        assert_eq!(bench.state_from_log(), live);
    }
}

#[tokio::test]
async fn what_waits_is_answered_or_withdrawn_before_anything_is_revoked() {
    let store = Bench::new().open();
    let open = vec![
        pending(100),
        at_partner(Stage::Sent, None),
        ItemState::Granted,
    ];
    store
        .commit(Command::Submit(submit(1, 0, open)))
        .await
        .unwrap();
    for item in [0, 1] {
        let refused = store.commit(revoked(1, 1, vec![item])).await;
        assert_eq!(refusal(&refused), Some(&Refusal::NotGranted { item }));
    }
    // What else was granted can be, and the others go on.
    store.commit(revoked(1, 1, vec![2])).await.unwrap();
    assert_eq!(entry(&store, 1).status(), RequestStatus::Pending);
}

/// What was put away and changed since reads the same after every start, from whatever the state is had.
#[tokio::test]
async fn a_request_that_was_put_away_and_revoked_is_read_back_the_same() {
    let mut bench = Bench::new();
    bench.settings.ended_requests = 1;
    bench.settings.snapshot_entries = 3;
    let store = bench.open();
    for number in 0..5 {
        let granted = submit(number, 0, vec![ItemState::Granted, ItemState::Granted]);
        store.commit(Command::Submit(granted)).await.unwrap();
    }
    for (version, item) in [(1, 0), (2, 1)] {
        store.commit(revoked(0, version, vec![item])).await.unwrap();
        store.commit(revoked(2, version, vec![item])).await.unwrap();
    }
    let all = |store: &EmbeddedStore| (0..5).map(|it| entry(store, it)).collect::<Vec<_>>();
    let (expected, live) = (all(&store), state(&store));
    assert_eq!(expected[0].further.len(), 2);
    projected(&store).await;
    store.close().await;
    let again = bench.open();
    assert_eq!(
        (all(&again), state(&again)),
        (expected.clone(), live.clone())
    );
    again.close().await;
    drop(again);
    bench.backend.wipe();
    let again = bench.open();
    assert_eq!((all(&again), state(&again)), (expected, live.clone()));
    again.close().await;
    drop(again);
    assert_eq!(bench.state_from_log(), live);
}

/// Each write of the entry fails, or fails but is done: it is there whole or not at all, and the same command after
/// the start says which.
#[tokio::test]
async fn no_fault_leaves_half_a_revocation() {
    let mut fired = 0;
    for (path, operation) in [
        ("payload", Operation::Write),
        ("payload", Operation::Sync),
        ("leaf", Operation::Write),
        ("leaf", Operation::Sync),
        ("anchor", Operation::Write),
        ("anchor", Operation::Sync),
    ] {
        for mode in [
            FaultMode::Failed,
            FaultMode::Short,
            FaultMode::FailedButDone,
        ] {
            let mut bench = Bench::new();
            bench.settings.ended_requests = 0;
            let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
            let store = bench.open_on(Arc::new(disk.clone())).unwrap();
            let there = vec![put(&user(1, &[1]), Expected::Any)];
            store.commit(write(there)).await.unwrap();
            let granted = submit(1, 0, vec![ItemState::Granted]);
            store.commit(Command::Submit(granted)).await.unwrap();
            let mut command = revoke(1, 1, vec![0]);
            command.writes = vec![delete(key(DocumentKind::User, "u1"), Expected::Any)];
            disk.inject(Fault {
                operation: Some(operation),
                path_contains: path.to_owned(),
                skip: 0,
                mode,
            });
            let answer = store.commit(Command::Revoke(command.clone())).await;
            fired += disk.fired();
            drop(store);
            let again = bench.open();
            let after = entry(&again, 1);
            let row = format!("{path} {operation:?} {mode:?}: {answer:?}");
            let users = again.view(|state| state.count(DocumentKind::User));
            let repeated = again.commit(Command::Revoke(command)).await;
            if after.items == [ItemState::Revoked] {
                assert_eq!(users, 0, "{row}");
                assert!(matches!(refusal(&repeated), Some(Refusal::Version { .. })));
                assert!(!matches!(answer, Err(CommitError::NotRecorded(_))), "{row}");
            } else {
                assert_eq!((after.items, users), (vec![ItemState::Granted], 1), "{row}");
                assert!(answer.is_err(), "{row}");
                repeated.unwrap();
            }
        }
    }
    assert!(fired >= 12, "{fired} faults fired");
}

/// A request of which nothing can be read cannot be judged, and nothing is written.
#[tokio::test]
async fn a_disk_that_cannot_be_read_revokes_nothing() {
    let mut bench = Bench::new();
    bench.settings.ended_requests = 0;
    let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
    let store = bench.open_on(Arc::new(disk.clone())).unwrap();
    let granted = submit(1, 0, vec![ItemState::Granted]);
    store.commit(Command::Submit(granted)).await.unwrap();
    // Others read beside it: no read succeeds until the disk is whole again.
    for _ in 0..1_000 {
        disk.inject(Fault {
            operation: Some(Operation::Read),
            path_contains: String::new(),
            skip: 0,
            mode: FaultMode::Failed,
        });
    }
    let before = store.view(State::applied);
    let answer = store.commit(revoked(1, 1, vec![0])).await;
    assert!(
        matches!(answer, Err(CommitError::NotRecorded(_))),
        "{answer:?}"
    );
    assert!(disk.fired() > 0);
    disk.clear();
    assert_eq!(store.view(State::applied), before);
    store.commit(revoked(1, 1, vec![0])).await.unwrap();
    assert_eq!(entry(&store, 1).items, [ItemState::Revoked]);
}

/// The entry that takes an agreement out of force lists what stands under it, what was sequenced in the same batch too.
#[tokio::test]
async fn a_lapse_lists_what_was_granted_before_it() {
    let bench = Bench::new();
    let store = bench.open();
    let member = |number: u8, until: i64| {
        document(
            DocumentKind::Membership,
            json!({
                "group": "sip:fire@mc.nl.example", "group_home": "mc.nl.example",
                "member": format!("sip:m{number}@mc.de.example"), "member_home": PARTNER,
                "since": at(0), "expires_at": at(until),
                "request_id": "00000000-0000-4000-8000-000000000007"
            }),
        )
    };
    let documents = [agreement("active"), member(1, 100), member(2, 5)];
    let documents = documents.iter().map(|it| put(it, Expected::Any));
    store.commit(write(documents.collect())).await.unwrap();
    let mut granting = submit(1, 0, vec![ItemState::Granted]);
    granting.writes = vec![put(&member(3, 100), Expected::Any)];
    let suspended = vec![put(&agreement("suspended"), Expected::Any)];
    let commands = [Command::Submit(granting), write_at(suspended, 10)];
    let answers = commit_all(&store, commands).await;
    let lapsed = answers[1].as_ref().unwrap().index;
    let stored = store.record(lapsed).unwrap();
    let parts = || stored.record.iter().filter_map(|part| part.present());
    let lapse: Vec<LapsePart> = parts()
        .filter_map(|part| serde_json::from_slice(&part.body).ok())
        .collect();
    assert_eq!((lapse[0].in_force, lapse[0].listed), (2, 2));
    let listed: Vec<InForcePart> = parts()
        .filter_map(|part| serde_json::from_slice(&part.body).ok())
        .collect();
    let listed: Vec<&str> = listed
        .iter()
        .flat_map(|part| &part.grants)
        .map(|grant| grant.subject.as_ref().unwrap().as_str())
        .collect();
    // One of them was over by then.
    assert_eq!(listed, ["sip:m1@mc.de.example", "sip:m3@mc.de.example"]);
    let live = state(&store);
    drop(store);
    assert_eq!(bench.state_from_log(), live);
}
