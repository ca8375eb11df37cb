//! Answers that do not settle an item: who counts, and what the state keeps of it.

use comity::domain::lifecycle::ItemState;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Refusal;
use comity::store::State;
use comity::store::command::PersonDigest;
use comity::store::command::Respond;
use comity::store::command::Vote;
use comity::store::command::Votes;

use super::support::Bench;
use super::support::expire;
use super::support::pending;
use super::support::request_id;
use super::support::respond;
use super::support::submit;

const ONE: PersonDigest = PersonDigest::from_bytes([1; 32]);
const OTHER: PersonDigest = PersonDigest::from_bytes([2; 32]);

fn approval(role: &str) -> Vote {
    Vote::Approval {
        roles: [role.parse().unwrap()].into(),
    }
}

fn counted(version: u64, person: PersonDigest, votes: Vec<(u32, Vote)>) -> Respond {
    let items = votes.iter().map(|(item, _)| (*item, pending(100)));
    let mut respond = respond(1, version, items.collect());
    respond.votes = Some(Votes::new(person.into(), votes));
    respond
}

#[tokio::test]
async fn nobody_is_counted_twice_or_for_what_is_settled() {
    let store = Bench::new().open();
    let held = submit(1, 0, vec![pending(100), pending(100), ItemState::Granted]);
    store.commit(Command::Submit(held)).await.unwrap();
    let first = counted(1, ONE, vec![(0, approval("duty-officer"))]);
    store.commit(Command::Respond(first)).await.unwrap();
    let mut settled = counted(2, OTHER, vec![(0, approval("duty-officer"))]);
    settled.items = vec![(0, ItemState::Granted)];
    let twice_over = vec![(1, approval("a")), (1, approval("a"))];
    let mut other_item = counted(2, OTHER, vec![(1, Vote::Afresh)]);
    other_item.items = vec![(0, pending(100))];
    let refused = [
        (
            counted(2, ONE, vec![(1, approval("a")), (0, approval("a"))]),
            Refusal::AnsweredBefore { item: 0 },
        ),
        (
            counted(2, OTHER, vec![(2, approval("a"))]),
            Refusal::NotPending { item: 2 },
        ),
        (
            counted(2, OTHER, twice_over),
            Refusal::NotPending { item: 1 },
        ),
        (
            settled,
            Refusal::Invalid(
                "it counts for item 0, which it settles, or does not answer".to_owned(),
            ),
        ),
        (
            other_item,
            Refusal::Invalid(
                "it counts for item 1, which it settles, or does not answer".to_owned(),
            ),
        ),
    ];
    for (command, refusal) in refused {
        let answer = store.commit(Command::Respond(command)).await;
        assert_eq!(answer, Err(CommitError::Refused(refusal)));
    }
    let tally = store.view(|state| state.request(request_id(1)).unwrap().tally(0));
    assert_eq!(tally.approvals.len(), 1);
}

#[tokio::test]
async fn what_was_approved_survives_every_kind_of_start_and_ends_with_the_item() {
    let mut bench = Bench::new();
    bench.settings.snapshot_entries = 2;
    bench.settings.ended_requests = 0;
    let store = bench.open();
    let held = submit(1, 0, vec![pending(100), pending(100)]);
    store.commit(Command::Submit(held)).await.unwrap();
    for (version, person, role) in [(1, ONE, "duty-officer"), (2, OTHER, "security-officer")] {
        let votes = vec![(0, approval(role)), (1, approval(role))];
        let command = Command::Respond(counted(version, person, votes));
        store.commit(command).await.unwrap();
    }
    let kept = store.view(State::clone);
    let tally = kept.request(request_id(1)).unwrap().tally(1);
    assert_eq!(tally.given().len(), 2);
    store.close().await;
    drop(store);
    assert_eq!(bench.state_from_log(), kept);
    let store = bench.open();
    assert_eq!(store.view(State::clone), kept);
    // What is settled needs no count, and what ended is put away without one.
    let settled = respond(1, 3, vec![(0, ItemState::Granted)]);
    store.commit(Command::Respond(settled)).await.unwrap();
    let entry = store.request(request_id(1)).unwrap().unwrap();
    let numbers: Vec<&u32> = entry.tallies.keys().collect();
    assert_eq!(numbers, [&1]);
    store.commit(expire(1, vec![1], 100)).await.unwrap();
    assert!(store.view(|state| state.request(request_id(1)).is_none()));
    let read = store.request(request_id(1)).unwrap().unwrap();
    assert!(read.tallies.is_empty());
    assert_eq!(read.items, [ItemState::Granted, ItemState::Expired]);
}
