//! What became of a request is told until its caller acknowledges it.

use std::sync::Arc;

use comity::domain::lifecycle::ItemState;
use comity::domain::lifecycle::Stage;
use comity::domain::outcome::PartnerOutcome;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::Refusal;
use comity::store::State;
use comity::store::command::Submit;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;

use super::support::Bench;
use super::support::CALLER;
use super::support::acknowledge;
use super::support::answered;
use super::support::at_partner;
use super::support::expire;
use super::support::pending;
use super::support::projected;
use super::support::report;
use super::support::request_id;
use super::support::respond;
use super::support::revoke;
use super::support::state;
use super::support::submit;
use super::support::withdraw;

fn refusal(answer: &Result<Committed, CommitError>) -> Option<&Refusal> {
    match answer {
        Err(CommitError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// The numbers of the caller's requests with an answer that was not acknowledged.
fn due(store: &EmbeddedStore) -> Vec<u64> {
    store.view(|state| {
        let due = state.undelivered(CALLER, None).map(|(_, id)| id);
        let numbers = due.map(|id| (0..20).find(|number| request_id(*number) == id).unwrap());
        numbers.collect()
    })
}

async fn commit(store: &EmbeddedStore, command: Command) {
    store.commit(command).await.unwrap();
}

#[tokio::test]
async fn what_others_settle_is_due_until_it_is_acknowledged() {
    for ended_requests in [100, 0] {
        let mut bench = Bench::new();
        bench.settings.ended_requests = ended_requests;
        bench.settings.snapshot_entries = 3;
        let store = bench.open();
        // What was settled with the submission was told with it.
        commit(
            &store,
            Command::Submit(submit(1, 0, vec![ItemState::Granted])),
        )
        .await;
        for number in [2, 3, 4] {
            let held = submit(number, 0, vec![pending(100), pending(100)]);
            commit(&store, Command::Submit(held)).await;
        }
        let asked = submit(5, 0, vec![at_partner(Stage::Cleared, None)]);
        commit(&store, Command::Submit(asked)).await;
        let foreign = Submit {
            caller: "another".into(),
            ..submit(6, 0, vec![pending(100)])
        };
        commit(&store, Command::Submit(foreign)).await;
        assert!(due(&store).is_empty());
        let some = respond(2, 1, vec![(0, ItemState::Granted), (1, pending(100))]);
        commit(&store, Command::Respond(some)).await;
        // What the caller did or reported itself is no news to it.
        commit(&store, Command::Withdraw(withdraw(3, 1, vec![0, 1]))).await;
        let theirs = report(5, 1, vec![(0, answered(PartnerOutcome::Accept, false))]);
        commit(&store, Command::Report(theirs)).await;
        commit(&store, expire(4, vec![0, 1], 100)).await;
        let others = respond(6, 1, vec![(0, ItemState::Refused)]);
        commit(&store, Command::Respond(others)).await;
        assert_eq!(due(&store), [2, 4]);
        // That somebody counts for what waits on is none either.
        let ahead = store.commit(acknowledge(2, 3)).await;
        let current = Refusal::Version {
            request_id: request_id(2),
            current: 2,
        };
        assert_eq!(refusal(&ahead), Some(&current));
        commit(&store, acknowledge(2, 1)).await;
        assert_eq!(due(&store), [2, 4]);
        commit(&store, acknowledge(2, 2)).await;
        commit(&store, acknowledge(4, 2)).await;
        assert!(due(&store).is_empty());
        for version in [1, 2] {
            let again = store.commit(acknowledge(2, version)).await;
            let known = Refusal::Acknowledged { acknowledged: 2 };
            assert_eq!(refusal(&again), Some(&known));
        }
        let unknown = store.commit(acknowledge(9, 1)).await;
        let expected = Refusal::UnknownRequest(request_id(9));
        assert_eq!(refusal(&unknown), Some(&expected));
        // It makes no version.
        let entry = store.request(request_id(4)).unwrap().unwrap();
        assert_eq!((entry.version, entry.delivery.acknowledged), (2, 2));
        // What is revoked afterwards is due anew, wherever the request is.
        commit(&store, Command::Revoke(revoke(1, 1, vec![0]))).await;
        assert_eq!(due(&store), [1]);
        let live = state(&store);
        projected(&store).await;
        store.close().await;
        drop(store);
        due_after_every_start(&bench, &live).await;
    }
}

/// Only the revocation of the first is due, from whatever the state is had.
async fn due_after_every_start(bench: &Bench, before: &State) {
    let again = bench.open();
    assert_eq!((&state(&again), due(&again)), (before, vec![1]));
    commit(&again, acknowledge(1, 2)).await;
    assert!(due(&again).is_empty());
    let live = state(&again);
    again.close().await;
    drop(again);
    bench.backend.wipe();
    let again = bench.open();
    assert_eq!(state(&again), live);
    again.close().await;
    drop(again);
    assert_eq!(bench.state_from_log(), live);
}

/// Each write of the entry fails, or fails but is done: the answer is told again, or was acknowledged.
#[tokio::test]
async fn no_fault_loses_an_answer() {
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
            commit(&store, Command::Submit(submit(1, 0, vec![pending(100)]))).await;
            let answer = respond(1, 1, vec![(0, ItemState::Granted)]);
            commit(&store, Command::Respond(answer)).await;
            disk.inject(Fault {
                operation: Some(operation),
                path_contains: path.to_owned(),
                skip: 0,
                mode,
            });
            let answer = store.commit(acknowledge(1, 2)).await;
            fired += disk.fired();
            drop(store);
            let again = bench.open();
            let row = format!("{path} {operation:?} {mode:?}: {answer:?}");
            let repeated = again.commit(acknowledge(1, 2)).await;
            if let Some(refused) = refusal(&repeated) {
                let known = Refusal::Acknowledged { acknowledged: 2 };
                assert_eq!(*refused, known, "{row}");
                assert!(!matches!(answer, Err(CommitError::NotRecorded(_))), "{row}");
            } else {
                assert!(answer.is_err() && repeated.is_ok(), "{row}");
            }
            assert!(due(&again).is_empty(), "{row}");
        }
    }
    assert!(fired >= 12, "{fired} faults fired");
}
