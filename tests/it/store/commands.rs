use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::task::Waker;

use comity::decision::facts::Lookup;
use comity::decision::facts::ReadKey;
use comity::decision::record::PartClass;
use comity::decision::record::RecordPart;
use comity::decision_log::LogIndex;
use comity::domain::identity::McSystemId;
use comity::domain::lifecycle::ItemState;
use comity::domain::registry::DocumentKind;
use comity::domain::registry::Revision;
use comity::store::Command;
use comity::store::CommandOutcome;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::Refusal;
use comity::store::command::Expected;
use comity::store::command::Interrupt;
use comity::store::command::StaleRead;
use comity::store::state::Claim;
use comity::store::state::KEY_RETENTION_MILLISECONDS;

use super::support::Bench;
use super::support::PARTNER;
use super::support::agreement;
use super::support::at;
use super::support::commit_all;
use super::support::delete;
use super::support::expire;
use super::support::key;
use super::support::migration;
use super::support::pending;
use super::support::publish;
use super::support::put;
use super::support::request_id;
use super::support::respond;
use super::support::submit;
use super::support::submit_on;
use super::support::system;
use super::support::under_key;
use super::support::user;
use super::support::write;
use super::support::write_at;

const HOUR: i64 = 60 * 60 * 1_000;

type Answer = Result<Committed, CommitError>;

fn refusal(answer: &Answer) -> Option<&Refusal> {
    match answer {
        Err(CommitError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

fn is_stale(answer: &Answer) -> bool {
    matches!(refusal(answer), Some(Refusal::Stale(_)))
}

#[tokio::test]
async fn concurrent_duplicates_become_one_request() {
    let store = Bench::new().open();
    let command = |number| {
        let submit = submit(number, 0, vec![ItemState::Granted]);
        Command::Submit(under_key(submit, "key", "body"))
    };
    let answers = commit_all(&store, (1..=64).map(command)).await;
    let answers: Vec<Committed> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0].outcome, CommandOutcome::Sequenced);
    let request_id = request_id(1);
    for duplicate in &answers[1..] {
        assert_eq!(duplicate.outcome, CommandOutcome::Duplicate { request_id });
        assert_eq!(duplicate.index, answers[0].index);
        assert_eq!(duplicate.leaf_hash, answers[0].leaf_hash);
    }
    assert_eq!(store.view(|state| state.counters().requests), 1);
    assert_eq!(store.view(|state| state.applied().0), 2);

    let other_body = under_key(submit(70, 0, vec![]), "key", "other body");
    let reused = store.commit(Command::Submit(other_body)).await;
    assert_eq!(refusal(&reused), Some(&Refusal::KeyReused { request_id }));
    let mut other_caller = submit(71, 0, vec![]);
    other_caller.caller = "another".into();
    let other_caller = under_key(other_caller, "key", "other body");
    let sequenced = store.commit(Command::Submit(other_caller)).await.unwrap();
    assert_eq!(sequenced.outcome, CommandOutcome::Sequenced);
}

#[tokio::test]
async fn a_duplicate_is_known_whatever_has_changed_since() {
    let store = Bench::new().open();
    let first = under_key(submit(1, 0, vec![]), "key", "body");
    let again = under_key(submit(2, 0, vec![]), "key", "body");
    store.commit(Command::Submit(first)).await.unwrap();
    store.commit(publish(1)).await.unwrap();
    let answer = store.commit(Command::Submit(again)).await.unwrap();
    let request_id = request_id(1);
    assert_eq!(answer.outcome, CommandOutcome::Duplicate { request_id });
}

#[tokio::test]
async fn a_key_is_kept_for_a_day_after_the_end() {
    let store = Bench::new().open();
    let again = |number| Command::Submit(under_key(submit(number, 0, vec![]), "key", "body"));
    store.commit(again(1)).await.unwrap();
    let clock =
        |milliseconds| write_at(vec![put(&agreement("active"), Expected::Any)], milliseconds);
    store
        .commit(clock(KEY_RETENTION_MILLISECONDS - 1))
        .await
        .unwrap();
    let request_id = request_id(1);
    let answer = store.commit(again(2)).await.unwrap();
    assert_eq!(answer.outcome, CommandOutcome::Duplicate { request_id });
    store
        .commit(clock(KEY_RETENTION_MILLISECONDS))
        .await
        .unwrap();
    let answer = store.commit(again(3)).await.unwrap();
    assert_eq!(answer.outcome, CommandOutcome::Sequenced);
}

#[tokio::test]
async fn nothing_is_sequenced_after_the_suspension_that_forbids_it() {
    let store = Bench::new().open();
    let active = write(vec![put(&agreement("active"), Expected::Absent)]);
    store.commit(active).await.unwrap();
    let reads = vec![ReadKey::Document(key(
        DocumentKind::Agreement,
        "mc.de.example",
    ))];
    let decided = submit_on(&store, 1, reads.clone());
    let suspend = write(vec![put(&agreement("suspended"), Expected::Any)]);
    // Both wait at once, so they would fit one batch.
    let answers = commit_all(&store, [suspend, Command::Submit(decided)]).await;
    assert!(answers[0].is_ok() && is_stale(&answers[1]), "{answers:?}");
    assert!(store.request(request_id(1)).unwrap().is_none());

    let decided = submit_on(&store, 2, reads);
    let delete = delete(key(DocumentKind::Agreement, "mc.de.example"), Expected::Any);
    let answers = commit_all(&store, [Command::Submit(decided), write(vec![delete])]).await;
    assert!(answers.iter().all(Result::is_ok), "before it, it may");
}

#[tokio::test]
async fn what_was_absent_must_still_be_absent() {
    let store = Bench::new().open();
    let identity = "sip:i1@mc.nl.example".parse().unwrap();
    let reads = [
        ReadKey::Identity(identity),
        ReadKey::Number("+49123".to_owned()),
        ReadKey::Document(key(DocumentKind::User, "u1")),
    ];
    let commands = [
        write(vec![put(&user(1, &[1]), Expected::Absent)]),
        write(vec![put(&system("mc.de.example", "+49"), Expected::Absent)]),
    ];
    let submits: Vec<_> = (1..)
        .zip(&reads)
        .map(|(number, read)| submit_on(&store, number, vec![read.clone()]))
        .collect();
    let all = commands
        .into_iter()
        .chain(submits.into_iter().map(Command::Submit));
    let answers = commit_all(&store, all).await;
    assert!(answers[..2].iter().all(Result::is_ok));
    for (answer, read) in answers[2..].iter().zip(reads) {
        let expected = Refusal::Stale(StaleRead::Key(read));
        assert_eq!(refusal(answer), Some(&expected));
    }
}

#[tokio::test]
async fn a_decision_under_an_older_bundle_is_stale() {
    let store = Bench::new().open();
    let decided = Command::Submit(submit_on(&store, 1, vec![]));
    let answers = commit_all(&store, [publish(1), decided, publish(1), publish(3)]).await;
    let stale = Refusal::Stale(StaleRead::Bundle { current: 1 });
    assert_eq!(refusal(&answers[1]), Some(&stale));
    let conflict = Refusal::Generation { current: 1 };
    assert_eq!(refusal(&answers[2]), Some(&conflict));
    assert_eq!(refusal(&answers[3]), Some(&conflict));
    let bundle = store.view(|state| state.bundle().cloned()).unwrap();
    assert_eq!((bundle.generation, bundle.index), (1, LogIndex(1)));
}

#[tokio::test]
async fn of_two_writers_of_one_revision_one_wins() {
    let store = Bench::new().open();
    let create = || write(vec![put(&user(1, &[1]), Expected::Absent)]);
    let answers = commit_all(&store, [create(), create()]).await;
    let revision = Revision(answers[0].as_ref().unwrap().index.0);
    let conflict = Refusal::Revision {
        key: key(DocumentKind::User, "u1"),
        current: Some(revision),
    };
    assert_eq!(refusal(&answers[1]), Some(&conflict));
    let change = || write(vec![put(&user(1, &[1, 2]), Expected::Revision(revision))]);
    let answers = commit_all(&store, [change(), change()]).await;
    assert!(answers[0].is_ok() && refusal(&answers[1]).is_some());
    let remove = || write(vec![delete(key(DocumentKind::User, "u1"), Expected::Any)]);
    let answers = commit_all(&store, [remove(), remove()]).await;
    let gone = Refusal::Revision {
        key: key(DocumentKind::User, "u1"),
        current: None,
    };
    assert_eq!(refusal(&answers[1]), Some(&gone));
}

#[tokio::test]
async fn one_identity_belongs_to_one_user() {
    let store = Bench::new().open();
    let one = write(vec![put(&user(1, &[1, 2]), Expected::Any)]);
    let two = || write(vec![put(&user(2, &[2, 3]), Expected::Any)]);
    let answers = commit_all(&store, [one, two()]).await;
    let taken = Refusal::Taken {
        claim: Box::new(Claim::Identity("sip:i2@mc.nl.example".parse().unwrap())),
        holder: key(DocumentKind::User, "u1"),
        wanted: key(DocumentKind::User, "u2"),
    };
    assert_eq!(refusal(&answers[1]), Some(&taken));
    // Given up and taken in one command, or in two that follow each other.
    let swap = write(vec![
        put(&user(2, &[1]), Expected::Absent),
        put(&user(1, &[2]), Expected::Any),
    ]);
    let give_up = write(vec![put(&user(1, &[4]), Expected::Any)]);
    let answers = commit_all(&store, [swap, two(), give_up, two()]).await;
    let kinds: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(kinds, [true, false, true, true]);
    let both = write(vec![
        put(&user(5, &[9]), Expected::Any),
        put(&user(6, &[9]), Expected::Any),
    ]);
    let answer = store.commit(both).await;
    assert!(matches!(refusal(&answer), Some(Refusal::Taken { .. })));
}

#[tokio::test]
async fn commands_are_all_or_nothing() {
    let store = Bench::new().open();
    let answer = store
        .commit(write(vec![
            put(&user(1, &[1]), Expected::Any),
            put(&user(2, &[2]), Expected::Revision(Revision(77))),
        ]))
        .await;
    assert!(refusal(&answer).is_some());
    for invalid in [
        vec![],
        vec![
            put(&user(1, &[1]), Expected::Any),
            put(&user(1, &[2]), Expected::Any),
        ],
        vec![{
            let mut other = put(&user(1, &[1]), Expected::Any);
            other.key = key(DocumentKind::User, "u2");
            other
        }],
    ] {
        let answer = store.commit(write(invalid)).await;
        assert!(matches!(refusal(&answer), Some(Refusal::Invalid(_))));
    }
    assert_eq!(store.view(|state| state.count(DocumentKind::User)), 0);
    assert_eq!(store.view(|state| state.applied().0), 1, "only the genesis");
}

#[tokio::test]
async fn an_item_is_answered_once_and_in_time() {
    let store = Bench::new().open();
    let held = submit(1, 0, vec![pending(100), pending(100), ItemState::Granted]);
    store.commit(Command::Submit(held)).await.unwrap();
    let grant = |version, item| {
        let items = vec![(item, ItemState::Granted)];
        Command::Respond(respond(1, version, items))
    };
    let answers = commit_all(
        &store,
        [
            grant(2, 0),
            grant(1, 2),
            grant(1, 9),
            grant(1, 0),
            grant(1, 1),
            grant(2, 0),
        ],
    )
    .await;
    let version = |current| Refusal::Version {
        request_id: request_id(1),
        current,
    };
    assert_eq!(refusal(&answers[0]), Some(&version(1)));
    assert_eq!(refusal(&answers[1]), Some(&Refusal::NotPending { item: 2 }));
    assert_eq!(refusal(&answers[2]), Some(&Refusal::NotPending { item: 9 }));
    assert!(answers[3].is_ok());
    assert_eq!(refusal(&answers[4]), Some(&version(2)), "another was first");
    assert_eq!(refusal(&answers[5]), Some(&Refusal::NotPending { item: 0 }));
    let mut late = respond(1, 2, vec![(1, ItemState::Granted)]);
    late.in_time_at = at(100);
    // By when it is judged, not when it is written: a clock that jumped may tell them apart.
    late.at = at(7);
    let late = store.commit(Command::Respond(late)).await;
    assert_eq!(refusal(&late), Some(&Refusal::NotPending { item: 1 }));
    let unknown = Command::Respond(respond(5, 1, vec![(0, ItemState::Granted)]));
    let unknown = store.commit(unknown).await;
    assert_eq!(
        refusal(&unknown),
        Some(&Refusal::UnknownRequest(request_id(5)))
    );
}

#[tokio::test]
async fn only_overdue_items_expire() {
    let store = Bench::new().open();
    let held = submit(1, 0, vec![pending(100), pending(200), ItemState::Granted]);
    store.commit(Command::Submit(held)).await.unwrap();
    assert_eq!(store.due(at(100)), [(request_id(1), vec![0])]);
    let early = store.commit(expire(1, vec![0, 1], 99)).await;
    assert_eq!(refusal(&early), Some(&Refusal::NothingDue));
    let committed = store
        .commit(expire(1, vec![0, 0, 1, 2, 7], 150))
        .await
        .unwrap();
    let entry = store.request(request_id(1)).unwrap().unwrap();
    assert_eq!(
        entry.items,
        [ItemState::Expired, pending(200), ItemState::Granted]
    );
    assert_eq!(entry.further, [committed.index]);
    let again = store.commit(expire(1, vec![0], 150)).await;
    assert_eq!(refusal(&again), Some(&Refusal::NothingDue));
    assert_eq!(store.due(at(199)), []);
    assert_eq!(store.open_requests(None, 10).len(), 1);
    assert_eq!(store.open_requests(Some(entry.submitted), 10).len(), 0);
}

#[tokio::test]
async fn writes_of_a_request_come_with_it_or_not_at_all() {
    let store = Bench::new().open();
    let mut with_write = submit(1, 0, vec![ItemState::Granted]);
    with_write.writes = vec![put(&agreement("active"), Expected::Absent)];
    let mut second = with_write.clone();
    second.request_id = request_id(2);
    let answers = commit_all(&store, [with_write, second].map(Command::Submit)).await;
    assert!(answers[0].is_ok());
    assert!(matches!(
        refusal(&answers[1]),
        Some(Refusal::Revision { .. })
    ));
    assert!(store.request(request_id(2)).unwrap().is_none());
}

#[tokio::test]
async fn the_record_of_a_decision_is_kept_with_its_entry() {
    let store = Bench::new().open();
    let mut decided = submit(1, 0, vec![ItemState::Granted]);
    decided.parts = vec![
        RecordPart {
            class: PartClass::State,
            body: b"1".to_vec(),
        },
        RecordPart {
            class: PartClass::Personal("sip:jan@mc.nl.example".to_owned()),
            body: b"2".to_vec(),
        },
    ];
    let committed = store.commit(Command::Submit(decided)).await.unwrap();
    let entry = store.record(committed.index).unwrap();
    assert_eq!(entry.leaf.hash(), committed.leaf_hash);
    let bodies: Vec<&[u8]> = entry
        .record
        .iter()
        .map(|part| part.present().unwrap().body.as_slice())
        .collect();
    assert_eq!(bodies, [b"1", b"2"]);
    assert!(store.record(committed.index.next()).is_err());
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_nothing() {
    let store = Bench::new().open();
    {
        let command = Command::Submit(submit(1, 0, vec![ItemState::Granted]));
        let mut gone = pin!(store.commit(command));
        // While the state is being read nothing is applied, so the answer cannot be there yet.
        let polled = store.view(|_| gone.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        assert!(polled.is_pending());
    }
    // What came before in the queue was carried out when this is answered.
    store.commit(publish(1)).await.unwrap();
    assert!(store.request(request_id(1)).unwrap().is_some());
}

#[tokio::test]
async fn a_full_queue_says_so_and_takes_nothing() {
    let mut bench = Bench::new();
    bench.settings.queue_commands = 2;
    bench.settings.batch_commands = 4;
    let store = bench.open();
    let mut waiting = Vec::new();
    // While the state is being read nothing is applied, so at most one batch leaves the queue.
    let (taken, full) = store.view(|_| {
        for number in 1..=100 {
            let command = Command::Submit(submit(number, 0, vec![]));
            let mut future = Box::pin(store.commit(command));
            let polled = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            match polled {
                std::task::Poll::Pending => waiting.push((number, future)),
                std::task::Poll::Ready(answer) => return (number - 1, answer),
            }
        }
        panic!("the queue was never full");
    });
    assert_eq!(full, Err(CommitError::QueueFull));
    assert!((2..=6).contains(&taken), "{taken} fit");
    for (_, future) in waiting {
        future.await.unwrap();
    }
    assert!(store.request(request_id(taken)).unwrap().is_some());
    assert!(store.request(request_id(taken + 1)).unwrap().is_none());
}

#[tokio::test]
async fn closing_carries_out_what_waits_and_takes_nothing_more() {
    let bench = Bench::new();
    let store = bench.open();
    let commands = (1..=50).map(|number| Command::Submit(submit(number, 0, vec![])));
    let (answers, (), ()) =
        tokio::join!(commit_all(&store, commands), store.close(), store.close());
    assert!(answers.iter().all(Result::is_ok));
    let late = store.commit(publish(1)).await;
    assert_eq!(late, Err(CommitError::Closed));
    assert!(!store.health().is_ready());
    let again = bench.open();
    assert_eq!(again.view(|state| state.counters().requests), 50);
}

#[tokio::test]
async fn one_number_prefix_belongs_to_one_system() {
    let store = Bench::new().open();
    let one = write(vec![put(&system("mc.be.example", "+32"), Expected::Any)]);
    let two = || write(vec![put(&system("mc.fr.example", "+32"), Expected::Any)]);
    let answers = commit_all(&store, [one, two()]).await;
    let refused = refusal(&answers[1]).unwrap().to_string();
    assert_eq!(
        refused,
        "`systems/mc.fr.example` cannot have the number prefix `+32`: it belongs to `systems/mc.be.example`"
    );
    // A longer prefix is another one; and what was given up can be taken.
    let longer = write(vec![put(&system("mc.fr.example", "+321"), Expected::Any)]);
    let give_up = write(vec![put(&system("mc.be.example", "+33"), Expected::Any)]);
    let answers = commit_all(&store, [longer, give_up, two()]).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn of_two_that_saw_the_last_place_one_gets_it() {
    let store = Bench::new().open();
    let counted = ReadKey::Visitors("mc.nl.example".parse().unwrap());
    let take = |number: u8, seen: Option<Revision>| {
        let mut submit = submit(u64::from(number), 0, vec![ItemState::Granted]);
        submit.read_set.entries = vec![(counted.clone(), seen)];
        submit.writes = vec![put(&migration(number, "mcptt"), Expected::Any)];
        Command::Submit(submit)
    };
    let answers = commit_all(&store, [take(1, None), take(2, None)]).await;
    let first = answers[0].as_ref().unwrap().index;
    let stale = Refusal::Stale(StaleRead::Key(counted.clone()));
    assert_eq!(refusal(&answers[1]), Some(&stale));
    let visitors = |user: &str| {
        let (home, user) = ("mc.nl.example".parse().unwrap(), user.parse().unwrap());
        store.view(|state| state.visitors(&home, &user))
    };
    assert_eq!(visitors("sip:v2@mc.nl.example").count, 1);
    assert_eq!(visitors("sips:v1@mc.nl.example").count, 0);
    // Who leaves takes nobody's place away, and who comes next is seen.
    let revision = visitors("sip:v2@mc.nl.example").revision;
    assert_eq!(revision, Some(Revision(first.0)));
    let answers = commit_all(&store, [take(2, revision), take(3, revision)]).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_eq!(refusal(&answers[1]), Some(&stale));
}

/// A suspension refuses whatever waits under the agreement, however much that is, in an entry of its own size.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_refuses_ten_thousand_requests_in_one_small_entry() {
    const REQUESTS: u64 = 10_000;
    let bench = Bench::new();
    let store = bench.open();
    let active = put(&agreement("active"), Expected::Any);
    store.commit(write(vec![active])).await.unwrap();
    for first in (1..=REQUESTS).step_by(500) {
        let commands = (first..first + 500).map(|number| {
            let items = vec![ItemState::Granted, pending(HOUR)];
            let mut submit = submit(number, 0, items);
            // One in a thousand only takes away, and waits under no agreement.
            submit.bound_to = (number % 1_000 != 0).then(|| PARTNER.parse().unwrap());
            Command::Submit(submit)
        });
        for answer in commit_all(&store, commands.collect::<Vec<_>>()).await {
            answer.unwrap();
        }
    }
    let suspended = put(&agreement("suspended"), Expected::Any);
    let committed = store.commit(write(vec![suspended])).await.unwrap();
    let swept = store.view(|state| {
        let partner: McSystemId = PARTNER.parse().unwrap();
        assert_eq!(state.waiting_under(&partner).count(), 0);
        assert_eq!(state.open_count(), 10);
        let entry = state.request(request_id(1)).unwrap();
        assert_eq!(entry.items, [ItemState::Granted, ItemState::Refused]);
        assert_eq!(entry.further, [committed.index]);
        state.clone()
    });
    let entry = store.record(committed.index).unwrap();
    assert_eq!(entry.event.interrupted.len(), 1);
    assert!(entry.event.interrupted[0].lapse.as_str() == "agreement-suspended");
    store.close().await;
    drop(store);
    assert_eq!(bench.state_from_log(), swept);
}

#[tokio::test]
async fn an_interruption_of_what_is_in_force_or_awaited_by_nobody_is_refused() {
    let bench = Bench::new();
    let store = bench.open();
    let interrupt = |hours| {
        Command::Interrupt(Interrupt {
            partners: vec![PARTNER.parse().unwrap()],
            actor: "comity".to_owned(),
            at: at(hours * HOUR),
        })
    };
    let active = put(&agreement("active"), Expected::Any);
    store.commit(write(vec![active])).await.unwrap();
    let nothing = || Err(CommitError::Refused(Refusal::NothingDue));
    assert_eq!(store.commit(interrupt(96)).await, nothing());
    let mut submit = submit(1, 0, vec![pending(200 * HOUR)]);
    submit.bound_to = Some(PARTNER.parse().unwrap());
    store.commit(Command::Submit(submit)).await.unwrap();
    assert_eq!(store.commit(interrupt(95)).await, nothing());
    store.commit(interrupt(96)).await.unwrap();
    let items = store.view(|state| state.request(request_id(1)).unwrap().items.clone());
    assert_eq!(items, [ItemState::Refused]);
    assert_eq!(store.commit(interrupt(96)).await, nothing());
}
