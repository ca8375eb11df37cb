//! What whoever asked wants no longer.

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
use comity::store::command::Withdraw;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use comity::store::state::RequestEntry;

use super::support::Bench;
use super::support::answered;
use super::support::at;
use super::support::at_partner;
use super::support::commit_all;
use super::support::delete;
use super::support::key;
use super::support::pending;
use super::support::put;
use super::support::request_id;
use super::support::respond;
use super::support::submit;
use super::support::user;
use super::support::withdraw;
use super::support::write;

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

#[tokio::test]
async fn what_waits_is_withdrawn_and_nothing_else() {
    let bench = Bench::new();
    let store = bench.open();
    let items = vec![
        pending(100),
        at_partner(Stage::Cleared, None),
        at_partner(Stage::PartnerPending, Some(100)),
        ItemState::Granted,
        answered(PartnerOutcome::Accept, false),
        pending(0),
    ];
    store
        .commit(Command::Submit(submit(1, 0, items)))
        .await
        .unwrap();
    let not = |item| Some(Refusal::NotPending { item });
    let version = Refusal::Version {
        request_id: request_id(1),
        current: 1,
    };
    let nothing = Refusal::Invalid("it withdraws no item".to_owned());
    let given = [
        (2, vec![0], Some(version)),
        (1, Vec::new(), Some(nothing)),
        (1, vec![0, 3], not(3)),
        (1, vec![4], not(4)),
        // Its time is over, though nobody has written it.
        (1, vec![5], not(5)),
        (1, vec![6], not(6)),
        (1, vec![0, 0], not(0)),
        (1, vec![0, 1], None),
        (2, vec![0], not(0)),
        (2, vec![2], None),
    ];
    let commands = given
        .clone()
        .map(|(version, items, _)| Command::Withdraw(withdraw(1, version, items)));
    let answers = commit_all(&store, commands).await;
    for (number, (answer, (.., expected))) in answers.iter().zip(given).enumerate() {
        assert_eq!(refusal(answer), expected.as_ref(), "{number}");
    }
    let after = entry(&store, 1);
    let gone = ItemState::Withdrawn;
    let accepted = answered(PartnerOutcome::Accept, false);
    assert_eq!(
        after.items,
        [gone, gone, gone, ItemState::Granted, accepted, pending(0)]
    );
    assert_eq!((after.version, after.status()), (3, RequestStatus::Pending));
    // Nothing of it is awaited any longer, but what nobody answered in time.
    assert_eq!(store.due(at(100)), [(request_id(1), vec![5])]);
    let unknown = store
        .commit(Command::Withdraw(withdraw(9, 1, vec![0])))
        .await;
    assert_eq!(
        refusal(&unknown),
        Some(&Refusal::UnknownRequest(request_id(9)))
    );
    let state = store.view(State::clone);
    drop(store);
    assert_eq!(bench.state_from_log(), state);
}

#[tokio::test]
async fn of_an_approval_and_a_withdrawal_at_once_one_wins() {
    for approval_first in [true, false] {
        let store = Bench::new().open();
        let held = submit(1, 0, vec![pending(100)]);
        store.commit(Command::Submit(held)).await.unwrap();
        let approval = Command::Respond(respond(1, 1, vec![(0, ItemState::Granted)]));
        let withdrawal = Command::Withdraw(withdraw(1, 1, vec![0]));
        let commands = if approval_first {
            [approval, withdrawal]
        } else {
            [withdrawal, approval]
        };
        let answers = commit_all(&store, commands).await;
        assert!(answers[0].is_ok());
        let current = Refusal::Version {
            request_id: request_id(1),
            current: 2,
        };
        assert_eq!(refusal(&answers[1]), Some(&current));
        let (state, status) = if approval_first {
            (ItemState::Granted, RequestStatus::Accepted)
        } else {
            (ItemState::Withdrawn, RequestStatus::Withdrawn)
        };
        let after = entry(&store, 1);
        assert_eq!((after.items, after.version), (vec![state], 2));
        assert_eq!(entry(&store, 1).status(), status);
    }
}

#[tokio::test]
async fn documents_go_with_it_or_nothing_happens() {
    let store = Bench::new().open();
    let there = vec![put(&user(1, &[1]), Expected::Any)];
    let written = store.commit(write(there)).await.unwrap();
    let held = submit(1, 0, vec![pending(100)]);
    store.commit(Command::Submit(held)).await.unwrap();
    let ending = |expected| Withdraw {
        writes: vec![delete(key(DocumentKind::User, "u1"), expected)],
        ..withdraw(1, 1, vec![0])
    };
    let stale = store
        .commit(Command::Withdraw(ending(Expected::Absent)))
        .await;
    assert!(matches!(refusal(&stale), Some(Refusal::Revision { .. })));
    assert!(entry(&store, 1).is_open());
    let revision = comity::domain::registry::Revision(written.index.0);
    store
        .commit(Command::Withdraw(ending(Expected::Revision(revision))))
        .await
        .unwrap();
    assert_eq!(store.view(|state| state.count(DocumentKind::User)), 0);
    assert!(entry(&store, 1).has_ended());
}

#[tokio::test]
async fn of_one_that_was_put_away_nothing_waits() {
    let mut bench = Bench::new();
    bench.settings.ended_requests = 0;
    let store = bench.open();
    let held = submit(1, 0, vec![pending(100), ItemState::Granted]);
    store.commit(Command::Submit(held)).await.unwrap();
    let withdrawal = Command::Withdraw(withdraw(1, 1, vec![0]));
    store.commit(withdrawal.clone()).await.unwrap();
    assert!(store.view(|state| state.request(request_id(1)).is_none()));
    assert_eq!(entry(&store, 1).status(), RequestStatus::Partial);
    let old = store.commit(withdrawal).await;
    assert!(matches!(refusal(&old), Some(Refusal::Version { .. })));
    let again = store
        .commit(Command::Withdraw(withdraw(1, 2, vec![0])))
        .await;
    assert_eq!(refusal(&again), Some(&Refusal::NotPending { item: 0 }));
}

/// Each write of the entry fails, or fails but is done: it is there whole or not at all, and the same command after
/// the start says which.
#[tokio::test]
async fn no_fault_leaves_half_a_withdrawal() {
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
            let bench = Bench::new();
            let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
            let store = bench.open_on(Arc::new(disk.clone())).unwrap();
            let there = vec![put(&user(1, &[1]), Expected::Any)];
            store.commit(write(there)).await.unwrap();
            let held = submit(1, 0, vec![pending(100)]);
            store.commit(Command::Submit(held)).await.unwrap();
            let mut command = withdraw(1, 1, vec![0]);
            let gone = delete(key(DocumentKind::User, "u1"), Expected::Any);
            command.writes = vec![gone];
            disk.inject(Fault {
                operation: Some(operation),
                path_contains: path.to_owned(),
                skip: 0,
                mode,
            });
            let answer = store.commit(Command::Withdraw(command.clone())).await;
            fired += disk.fired();
            drop(store);
            let again = bench.open();
            let after = entry(&again, 1);
            let row = format!("{path} {operation:?} {mode:?}: {answer:?}");
            let users = again.view(|state| state.count(DocumentKind::User));
            let repeated = again.commit(Command::Withdraw(command)).await;
            if after.items == [ItemState::Withdrawn] {
                assert_eq!(users, 0, "{row}");
                assert!(matches!(refusal(&repeated), Some(Refusal::Version { .. })));
                assert!(!matches!(answer, Err(CommitError::NotRecorded(_))), "{row}");
            } else {
                assert_eq!((after.items, users), (vec![pending(100)], 1), "{row}");
                assert!(answer.is_err(), "{row}");
                repeated.unwrap();
            }
        }
    }
    assert!(fired >= 12, "{fired} faults fired");
}
