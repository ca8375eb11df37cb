//! Grants whose time is over, and those that stand under an agreement when it goes out of force.

use std::sync::Arc;

use comity::domain::document::Document;
use comity::domain::given::ended;
use comity::domain::identity::McSystemId;
use comity::domain::lapse::Interrupted;
use comity::domain::lapse::Lapse;
use comity::domain::lifecycle::ItemState;
use comity::domain::outcome::RequestStatus;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Refusal;
use comity::store::State;
use comity::store::command::Expected;
use comity::store::command::Interrupt;
use comity::store::command::RequestId;
use comity::store::command::Revoke;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use serde_json::json;

use super::support::Bench;
use super::support::PARTNER;
use super::support::agreement;
use super::support::at;
use super::support::delete;
use super::support::document;
use super::support::projected;
use super::support::put;
use super::support::request_id;
use super::support::revoke;
use super::support::state;
use super::support::submit;
use super::support::write;
use super::support::write_at;

const END: i64 = 100;
/// After the validity of the agreement.
const LATE: i64 = 96 * 60 * 60 * 1_000;

fn partner() -> McSystemId {
    PARTNER.parse().unwrap()
}

/// A membership that a request granted.
fn member(request: u64, until: Option<i64>) -> Arc<Document> {
    let mut json = json!({
        "group": "sip:fire@mc.nl.example", "group_home": "mc.nl.example",
        "member": format!("sip:m{request}@mc.de.example"), "member_home": PARTNER,
        "since": at(0), "request_id": request_id(request).0
    });
    if let Some(until) = until {
        json["expires_at"] = json!(at(until));
    }
    document(DocumentKind::Membership, json)
}

/// A request that granted a membership.
async fn grant(store: &EmbeddedStore, number: u64, until: Option<i64>) {
    let mut granting = submit(number, 0, vec![ItemState::Granted, ItemState::Granted]);
    granting.writes = vec![put(&member(number, until), Expected::Any)];
    store.commit(Command::Submit(granting)).await.unwrap();
}

/// That the first item of a request has ended.
fn ending(store: &EmbeddedStore, number: u64) -> Revoke {
    let before = member(number, Some(END));
    let key = before.key().unwrap();
    let revision = store.view(|state| state.revision(&key)).unwrap();
    let marked = Arc::new(ended(&before, at(END)).unwrap());
    let mut command = revoke(number, 1, vec![0]);
    command.ended = true;
    command.at = at(END);
    command.writes = vec![put(&marked, Expected::Revision(revision))];
    command
}

fn over(store: &EmbeddedStore, now: i64) -> Vec<DocumentKey> {
    store.view(|state| state.ended_grants(at(now)).cloned().collect())
}

fn refusal<T>(answer: Result<T, CommitError>) -> Option<Refusal> {
    match answer {
        Err(CommitError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// Whether the request is in memory or put away makes no difference.
#[tokio::test]
async fn what_has_ended_stays_granted_and_is_revoked_no_more() {
    for ended_requests in [100, 0] {
        let mut bench = Bench::new();
        bench.settings.ended_requests = ended_requests;
        let store = bench.open();
        grant(&store, 1, Some(END)).await;
        assert!(over(&store, END - 1).is_empty());
        assert_eq!(over(&store, END), [member(1, None).key().unwrap()]);
        let command = ending(&store, 1);
        store.commit(Command::Revoke(command)).await.unwrap();
        assert!(over(&store, LATE).is_empty());
        let entry = store.request(request_id(1)).unwrap().unwrap();
        assert_eq!(entry.items, [ItemState::Granted; 2]);
        assert_eq!(entry.status(), RequestStatus::Accepted);
        assert_eq!(entry.ended.get(&0), Some(&at(END)));
        let undelivered = |state: &State| state.undelivered(super::support::CALLER, None).count();
        assert_eq!(
            store.view(undelivered),
            0,
            "it was known when it was granted"
        );
        for ended in [true, false] {
            let mut again = revoke(1, 2, vec![0]);
            again.ended = ended;
            let answer = store.commit(Command::Revoke(again)).await;
            assert_eq!(refusal(answer), Some(Refusal::NotGranted { item: 0 }));
        }
        let other = revoke(1, 2, vec![1]);
        store.commit(Command::Revoke(other)).await.unwrap();
        projected(&store).await;
        let live = state(&store);
        store.close().await;
        let again = bench.open();
        assert_eq!(state(&again), live);
        let entry = again.request(request_id(1)).unwrap().unwrap();
        assert_eq!(entry.items, [ItemState::Granted, ItemState::Revoked]);
        assert_eq!(entry.ended.len(), 1);
        drop(again);
        assert_eq!(bench.state_from_log(), live);
    }
}

#[tokio::test]
async fn an_end_is_written_whole_or_is_still_to_be_written() {
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
            grant(&store, 1, Some(END)).await;
            let command = ending(&store, 1);
            disk.inject(Fault {
                operation: Some(operation),
                path_contains: path.to_owned(),
                skip: 0,
                mode,
            });
            let answer = store.commit(Command::Revoke(command)).await;
            fired += disk.fired();
            drop(store);
            let again = bench.open();
            let row = format!("{path} {operation:?} {mode:?}: {answer:?}");
            let is_noted = |store: &EmbeddedStore| {
                let entry = store.request(request_id(1)).unwrap().unwrap();
                entry.ended.contains_key(&0)
            };
            assert_eq!(over(&again, END).is_empty(), is_noted(&again), "{row}");
            if !is_noted(&again) {
                assert!(answer.is_err(), "{row}");
                let command = ending(&again, 1);
                again.commit(Command::Revoke(command)).await.unwrap();
                assert!(is_noted(&again), "{row}");
            }
        }
    }
    assert!(fired >= 12, "{fired} faults fired");
}

/// The requests of grants that are over with their agreement.
fn lapsed(state: &State) -> Vec<RequestId> {
    let partner = partner();
    let Some(interrupted) = state.interrupted(&partner) else {
        return Vec::new();
    };
    let granted = state.granted_under(&partner, at(0), None);
    let before = granted.filter(|(_, revision, _)| revision.0 < interrupted.index);
    before.map(|(.., id)| id).collect()
}

#[tokio::test]
async fn a_suspension_ends_what_was_granted_before_it_whatever_comes_after() {
    let bench = Bench::new();
    let store = bench.open();
    let active = vec![put(&agreement("active"), Expected::Any)];
    store.commit(write(active.clone())).await.unwrap();
    grant(&store, 1, None).await;
    grant(&store, 2, None).await;
    // By hand, for a request that nobody knows.
    let by_hand = vec![put(&member(9, None), Expected::Any)];
    store.commit(write(by_hand)).await.unwrap();
    assert!(store.view(lapsed).is_empty());
    let suspended = vec![put(&agreement("suspended"), Expected::Any)];
    let entry = store.commit(write(suspended)).await.unwrap();
    store.commit(write(active)).await.unwrap();
    grant(&store, 3, None).await;
    let expected = Interrupted {
        index: entry.index.0,
        lapse: Lapse::Suspended,
    };
    assert_eq!(
        store.view(|state| state.interrupted(&partner())),
        Some(expected)
    );
    assert_eq!(store.view(lapsed), [request_id(1), request_id(2)]);
    let mut command = revoke(1, 1, vec![0]);
    let key = member(1, None).key().unwrap();
    command.writes = vec![delete(key, Expected::Any)];
    store.commit(Command::Revoke(command)).await.unwrap();
    assert_eq!(store.view(lapsed), [request_id(2)]);
    projected(&store).await;
    let live = state(&store);
    // As if the process had been killed.
    drop(store);
    let again = bench.open();
    assert_eq!(state(&again), live);
    drop(again);
    assert_eq!(bench.state_from_log(), live);
}

#[tokio::test]
async fn an_agreement_that_is_over_is_interrupted_once_for_what_stands_under_it() {
    let store = Bench::new().open();
    let active = vec![put(&agreement("active"), Expected::Any)];
    store.commit(write(active)).await.unwrap();
    let interrupt = |now: i64| {
        Command::Interrupt(Interrupt {
            partners: vec![partner()],
            actor: "comity".to_owned(),
            at: at(now),
        })
    };
    let by_hand = vec![put(&member(9, None), Expected::Any)];
    store.commit(write(by_hand)).await.unwrap();
    let nothing = store.commit(interrupt(LATE)).await;
    assert_eq!(refusal(nothing), Some(Refusal::NothingDue), "by hand");
    grant(&store, 1, None).await;
    let early = store.commit(interrupt(LATE - 1)).await;
    assert_eq!(refusal(early), Some(Refusal::NothingDue), "in force");
    let entry = store.commit(interrupt(LATE)).await.unwrap();
    let expected = Interrupted {
        index: entry.index.0,
        lapse: Lapse::Ended,
    };
    assert_eq!(
        store.view(|state| state.interrupted(&partner())),
        Some(expected)
    );
    assert_eq!(store.view(lapsed), [request_id(1)]);
    let again = store.commit(interrupt(LATE)).await;
    assert_eq!(refusal(again), Some(Refusal::NothingDue), "it was");
    // What somebody puts there since is another matter.
    let later = vec![put(&member(1, None), Expected::Any)];
    store.commit(write_at(later, LATE)).await.unwrap();
    store.commit(interrupt(LATE)).await.unwrap();
}
