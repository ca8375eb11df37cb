//! Requests that ended are put away beyond a limit, and nobody can tell.

use comity::domain::lifecycle::ItemState;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::command::CommandOutcome;
use comity::store::command::Expected;
use comity::store::command::Refusal;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Source;
use comity::store::state::RequestEntry;

use super::support::Bench;
use super::support::at;
use super::support::expire;
use super::support::pending;
use super::support::projected;
use super::support::put;
use super::support::request_id;
use super::support::respond;
use super::support::revoke;
use super::support::state;
use super::support::submit;
use super::support::under_key;
use super::support::user;
use super::support::write_at;

const REQUESTS: u64 = 12;

/// Twelve requests, each third of them held; of those, some answered, some expired, two still open.
async fn fill(store: &EmbeddedStore) {
    for number in 0..REQUESTS {
        let items = match number % 3 {
            0 => vec![ItemState::Granted, pending(1_000), pending(1_000)],
            1 => vec![ItemState::Granted],
            _ => vec![ItemState::Refused, ItemState::Granted],
        };
        let mut submit = under_key(submit(number, 0, items), &number.to_string(), "body");
        submit.at = at(i64::try_from(number).unwrap());
        store.commit(Command::Submit(submit)).await.unwrap();
    }
    let first = respond(0, 1, vec![(2, ItemState::Refused)]);
    store.commit(Command::Respond(first)).await.unwrap();
    let second = respond(0, 2, vec![(1, ItemState::Granted)]);
    store.commit(Command::Respond(second)).await.unwrap();
    store.commit(expire(3, vec![1, 2], 2_000)).await.unwrap();
}

fn all_requests(store: &EmbeddedStore) -> Vec<RequestEntry> {
    (0..REQUESTS)
        .map(|number| {
            let entry = store.request(request_id(number)).unwrap().unwrap();
            RequestEntry::clone(&entry)
        })
        .collect()
}

fn in_memory(store: &EmbeddedStore) -> Vec<u64> {
    let there = |number: &u64| store.view(|state| state.request(request_id(*number)).is_some());
    (0..REQUESTS).filter(there).collect()
}

fn bench(ended_requests: usize) -> Bench {
    let mut bench = Bench::new();
    bench.settings.ended_requests = ended_requests;
    bench.settings.snapshot_entries = 7;
    bench
}

#[tokio::test]
async fn a_request_reads_the_same_before_and_after_it_is_put_away_and_after_a_start() {
    let whole = bench(1_000).open();
    fill(&whole).await;
    let expected = all_requests(&whole);
    assert_eq!(in_memory(&whole).len(), 12);
    for (limit, kept) in [(0, &[6, 9][..]), (3, &[0, 3, 6, 9, 11]), (10, &[])] {
        let bench = bench(limit);
        let store = bench.open();
        fill(&store).await;
        assert_eq!(all_requests(&store), expected, "limit {limit}");
        assert!(limit == 10 || in_memory(&store) == kept, "limit {limit}");
        assert!(store.request(request_id(99)).unwrap().is_none());
        projected(&store).await;
        let live = state(&store);
        store.close().await;

        let again = bench.open();
        assert_eq!(again.started().source, Source::Projection);
        assert_eq!(all_requests(&again), expected, "limit {limit}");
        assert_eq!(state(&again), live);
        again.close().await;
        drop(again);
        bench.backend.wipe();
        let again = bench.open();
        assert_eq!(again.started().source, Source::Snapshot);
        assert_eq!(all_requests(&again), expected, "limit {limit}");
        assert_eq!(state(&again), live);
        again.close().await;
        assert_eq!(bench.state_from_log(), live);
    }
}

#[tokio::test]
async fn the_limit_can_change_from_one_start_to_the_next() {
    let mut bench = bench(1_000);
    let store = bench.open();
    fill(&store).await;
    let expected = all_requests(&store);
    projected(&store).await;
    store.close().await;
    for limit in [5, 2, 8] {
        bench.settings.ended_requests = limit;
        let store = bench.open();
        assert_eq!(store.started().source, Source::Projection, "limit {limit}");
        let ended = in_memory(&store).len() - 2;
        assert_eq!(ended, limit.min(if limit == 8 { 2 } else { limit }));
        assert_eq!(all_requests(&store), expected, "limit {limit}");
        projected(&store).await;
        store.close().await;
    }
}

/// What somebody is told who sends a command about a request that ended.
async fn told(store: &EmbeddedStore) -> Vec<Result<Committed, CommitError>> {
    let again = |body: &str| {
        let repeated = submit(50, 0, vec![ItemState::Granted]);
        Command::Submit(under_key(repeated, "1", body))
    };
    let commands = [
        again("body"),
        again("another body"),
        Command::Submit(submit(1, 0, vec![ItemState::Granted])),
        Command::Respond(respond(0, 3, vec![(1, ItemState::Granted)])),
        Command::Respond(respond(0, 1, vec![(1, ItemState::Granted)])),
        Command::Respond(respond(0, 3, Vec::new())),
        Command::Respond(respond(77, 1, vec![(1, ItemState::Granted)])),
        expire(3, vec![1], 9_000),
        expire(77, vec![1], 9_000),
    ];
    let mut told = Vec::new();
    for command in commands {
        let mut answer = store.commit(command).await;
        if let Ok(committed) = &mut answer {
            // Salts are random, so the leaves of two stores differ.
            committed.leaf_hash = comity::decision_log::LeafHash([0; 32]);
        }
        told.push(answer);
    }
    told
}

#[tokio::test]
async fn who_asks_about_a_request_that_was_put_away_is_told_the_same() {
    let (whole, small) = (bench(1_000).open(), bench(0).open());
    fill(&whole).await;
    fill(&small).await;
    let expected = told(&whole).await;
    assert_eq!(told(&small).await, expected);
    let outcome = &expected[0].as_ref().unwrap().outcome;
    let request_id = request_id(1);
    assert_eq!(*outcome, CommandOutcome::Duplicate { request_id });
    assert_eq!(
        expected[4],
        Err(CommitError::Refused(Refusal::Version {
            request_id: super::support::request_id(0),
            current: 3
        }))
    );
    assert_eq!(expected.iter().filter(|answer| answer.is_err()).count(), 8);
}

/// A key that is used again after its day is the later request's, whatever becomes of the earlier one.
#[tokio::test]
async fn a_key_used_again_is_kept_while_the_later_request_waits() {
    const HOUR: i64 = 3_600_000;
    let bench = Bench::new();
    let store = bench.open();
    let submitted = |number, items, hours: i64| {
        let mut submit = under_key(submit(number, 0, items), "key", "body");
        submit.at = at(hours * HOUR);
        Command::Submit(submit)
    };
    let commit = async |command| store.commit(command).await.unwrap().outcome;
    commit(submitted(1, vec![ItemState::Granted], 0)).await;
    commit(write_at(
        vec![put(&user(1, &[1]), Expected::Any)],
        25 * HOUR,
    ))
    .await;
    let again = commit(submitted(2, vec![pending(1_000 * HOUR)], 25)).await;
    assert_eq!(again, CommandOutcome::Sequenced);
    let mut revocation = revoke(1, 1, vec![0]);
    revocation.at = at(26 * HOUR);
    commit(Command::Revoke(revocation)).await;
    commit(write_at(
        vec![put(&user(2, &[2]), Expected::Any)],
        60 * HOUR,
    ))
    .await;
    let duplicate = CommandOutcome::Duplicate {
        request_id: request_id(2),
    };
    assert_eq!(commit(submitted(3, vec![pending(1)], 60)).await, duplicate);
}
