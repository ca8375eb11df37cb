//! The last word about a cooperation, and about what requests give, set and take away: found by its place in the log, after
//! a start and from the log alone.

use comity::decision_log::LogIndex;
use comity::domain::document::Document;
use comity::domain::identity::McSystemId;
use comity::domain::lifecycle::ItemState;
use comity::domain::registry::DocumentKind;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::Refusal;
use comity::store::command::Expected;
use comity::store::command::Respond;
use comity::store::command::StaleRead;
use comity::store::command::Submit;
use comity::store::command::Turn;
use comity::store::command::Turned;
use comity::store::embedded::EmbeddedStore;

use super::support::Bench;
use super::support::PARTNER;
use super::support::agreement;
use super::support::commit_all;
use super::support::delete;
use super::support::key;
use super::support::pending;
use super::support::projected;
use super::support::put;
use super::support::respond;
use super::support::state;
use super::support::submit;
use super::support::user;
use super::support::write;

fn partner() -> McSystemId {
    PARTNER.parse().unwrap()
}

fn interrupted(store: &EmbeddedStore) -> Option<LogIndex> {
    store.view(|state| state.last_interruption(&partner()))
}

fn last(store: &EmbeddedStore, turn: Turn) -> Option<LogIndex> {
    store.view(|state| state.last_turn(&partner(), turn))
}

async fn written(store: &EmbeddedStore, document: &std::sync::Arc<Document>) -> Committed {
    let written = write(vec![put(document, Expected::Any)]);
    store.commit(written).await.unwrap()
}

#[tokio::test]
async fn the_last_interruption_is_known_whatever_was_written_since() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(interrupted(&store), None);
    written(&store, &agreement("active")).await;
    written(&store, &user(1, &[1])).await;
    assert_eq!(interrupted(&store), None);
    for status in ["suspended", "suspended", "ended"] {
        let committed = written(&store, &agreement(status)).await;
        assert_eq!(interrupted(&store), Some(committed.index), "{status}");
    }
    let deleted = delete(key(DocumentKind::Agreement, PARTNER), Expected::Any);
    let deleted = store.commit(write(vec![deleted])).await.unwrap();
    assert_eq!(interrupted(&store), Some(deleted.index));
    written(&store, &agreement("active")).await;
    assert_eq!(interrupted(&store), Some(deleted.index));
    projected(&store).await;
    store.close().await;
    drop(store);
    // From the projection, and from the log alone.
    let store = bench.open();
    assert_eq!(interrupted(&store), Some(deleted.index));
    let read = state(&store);
    store.close().await;
    drop(store);
    assert_eq!(bench.state_from_log(), read);
}

/// A request that waits and gives.
fn giving(number: u64) -> Submit {
    Submit {
        adds: Some(partner()),
        ..submit(number, 0, vec![pending(100)])
    }
}

/// An answer that looked at what gives up to an entry.
fn looking(number: u64, seen: Option<LogIndex>) -> Respond {
    let mut answer = respond(number, 1, vec![(0, ItemState::Granted)]);
    answer.turned = vec![Turned {
        partner: partner(),
        turn: Turn::Adds,
        last: seen,
    }];
    answer
}

fn is_stale(answer: &Result<Committed, CommitError>) -> bool {
    matches!(
        answer,
        Err(CommitError::Refused(Refusal::Stale(StaleRead::Turns)))
    )
}

#[tokio::test]
async fn an_answer_is_stale_once_another_was_given_to_what_it_looked_at() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 1..=3 {
        let submitted = Command::Submit(giving(number));
        store.commit(submitted).await.unwrap();
    }
    let seen = last(&store, Turn::Adds);
    assert_eq!(
        seen,
        Some(LogIndex(3)),
        "the log begins with an entry of its own"
    );
    assert_eq!(last(&store, Turn::Reduces), None);
    // Both looked at the same, and the first to be sequenced changed it, in one batch or in two.
    let answers = [1, 2].map(|number| Command::Respond(looking(number, seen)));
    let answers = commit_all(&store, answers).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert!(is_stale(&answers[1]), "{answers:?}");
    let late = store.commit(Command::Respond(looking(2, seen))).await;
    assert!(is_stale(&late), "{late:?}");
    let seen = last(&store, Turn::Adds);
    let anew = store.commit(Command::Respond(looking(2, seen))).await;
    assert!(anew.is_ok(), "{anew:?}");
    // However few are kept in memory, and wherever it is read from.
    let seen = last(&store, Turn::Adds);
    assert_eq!(seen, anew.ok().map(|committed| committed.index));
    projected(&store).await;
    store.close().await;
    drop(store);
    let store = bench.open();
    assert_eq!(last(&store, Turn::Adds), seen);
    let read = state(&store);
    store.close().await;
    drop(store);
    assert_eq!(bench.state_from_log(), read);
}
