//! Obligations: each arises once, is noted once, is told once when it is overdue, and is not forgotten while it is not done.

use std::sync::Arc;

use comity::domain::lifecycle::ItemState;
use comity::domain::lifecycle::Stage;
use comity::domain::obligation::Due;
use comity::domain::obligation::Duty;
use comity::domain::obligation::ObligationId;
use comity::domain::obligation::ObligationOutcome;
use comity::domain::obligation::Occasion;
use comity::domain::outcome::PartnerOutcome;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::Refusal;
use comity::store::command::Arising;
use comity::store::command::Expected;
use comity::store::command::NoteObligation;
use comity::store::command::Submit;
use comity::store::command::TellOverdue;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Source;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use comity::store::event::EventBody;
use comity::store::state::ObligationState;

use super::support::Bench;
use super::support::CALLER;
use super::support::PARTNER;
use super::support::agreement;
use super::support::answered;
use super::support::at;
use super::support::at_partner;
use super::support::commit_all;
use super::support::pending;
use super::support::projected;
use super::support::put;
use super::support::report;
use super::support::request_id;
use super::support::respond;
use super::support::revoke;
use super::support::state;
use super::support::submit;
use super::support::write;

/// A start from the projection and one from the log lead where the store is.
async fn assert_read_back_alike(bench: &Bench, store: EmbeddedStore) {
    let live = state(&store);
    projected(&store).await;
    store.close().await;
    drop(store);
    let again = bench.open();
    assert_eq!(again.started().source, Source::Projection);
    assert_eq!(state(&again), live);
    drop(again);
    assert_eq!(bench.state_from_log(), live);
}

fn arising(number: u64, occasion: Occasion, due: Due, of: Vec<(Option<u32>, u32)>) -> Arising {
    Arising {
        request_id: request_id(number),
        occasion,
        duty: Duty {
            name: "deliver-group-keys".to_owned(),
            system: Some(PARTNER.parse().unwrap()),
            function: "KMS".to_owned(),
            partner: Some(PARTNER.parse().unwrap()),
        },
        due,
        of,
    }
}

fn granted(number: u64, due: i64) -> Vec<Arising> {
    let of = vec![(Some(0), 0), (Some(0), 1)];
    vec![arising(number, Occasion::Grant, Due::At(at(due)), of)]
}

/// A request that was granted, and obliges to two things.
fn obliging(number: u64, due: i64) -> Submit {
    let mut submit = submit(number, 0, vec![ItemState::Granted]);
    submit.obligations = granted(number, due);
    submit
}

fn id(text: &str) -> ObligationId {
    text.parse().unwrap()
}

fn note(number: u64, obligation: &str, outcome: ObligationOutcome) -> Command {
    Command::NoteObligation(NoteObligation {
        request_id: request_id(number),
        expected_version: None,
        obligation: id(obligation),
        outcome,
        caller: CALLER.into(),
        parts: Vec::new(),
        at: at(50),
    })
}

fn tell(milliseconds: i64, limit: usize) -> Command {
    Command::TellOverdue(TellOverdue {
        at: at(milliseconds),
        limit,
    })
}

fn refusal(answer: Result<Committed, CommitError>) -> Option<Refusal> {
    match answer {
        Err(CommitError::Refused(refusal)) => Some(refusal),
        Ok(_) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Where the obligations of a request stand that have arisen.
fn standing(store: &EmbeddedStore, number: u64) -> Vec<(String, ObligationState)> {
    let entry = store.request(request_id(number)).unwrap().unwrap();
    let arisen = entry.obligations.arisen();
    arisen
        .map(|(id, tracked)| (id.to_string(), tracked.state()))
        .collect()
}

const DONE: ObligationOutcome = ObligationOutcome::Done;
const FAILED: ObligationOutcome = ObligationOutcome::Failed;

#[tokio::test]
async fn what_failed_may_be_done_and_what_was_done_stays_so() {
    let bench = Bench::new();
    let store = bench.open();
    store
        .commit(Command::Submit(obliging(1, 100)))
        .await
        .unwrap();
    let unknown = Refusal::UnknownObligation(id("0-2"));
    let done = Refusal::ObligationDone(id("0-0"));
    let given = [
        (note(1, "0-2", DONE), Some(unknown)),
        (
            note(2, "0-0", DONE),
            Some(Refusal::UnknownRequest(request_id(2))),
        ),
        (note(1, "0-0", FAILED), None),
        (note(1, "0-0", FAILED), Some(Refusal::NothingDue)),
        (note(1, "0-0", DONE), None),
        (note(1, "0-0", DONE), Some(done.clone())),
        (note(1, "0-0", FAILED), Some(done)),
    ];
    for (number, (command, expected)) in given.into_iter().enumerate() {
        assert_eq!(refusal(store.commit(command).await), expected, "{number}");
    }
    let open = ("0-1".to_owned(), ObligationState::Open);
    assert_eq!(
        standing(&store, 1),
        [("0-0".to_owned(), ObligationState::Done), open]
    );
    let entry = store.request(request_id(1)).unwrap().unwrap();
    assert_eq!(entry.version, 3);
    let noted = entry.obligations.get(id("0-0")).unwrap();
    let noted = noted.report.as_ref().unwrap();
    assert_eq!((&*noted.by, noted.at), (CALLER, at(50)));
    let mut seen = NoteObligation {
        request_id: request_id(1),
        expected_version: Some(2),
        obligation: id("0-1"),
        outcome: DONE,
        caller: CALLER.into(),
        parts: Vec::new(),
        at: at(60),
    };
    let stale = store.commit(Command::NoteObligation(seen.clone())).await;
    let version = Refusal::Version {
        request_id: request_id(1),
        current: 3,
    };
    assert_eq!(refusal(stale), Some(version));
    seen.expected_version = Some(3);
    store.commit(Command::NoteObligation(seen)).await.unwrap();
    let live = state(&store);
    drop(store);
    assert_eq!(bench.state_from_log(), live);
}

#[tokio::test]
async fn of_two_that_report_the_same_at_once_one_is_noted() {
    let store = Bench::new().open();
    store
        .commit(Command::Submit(obliging(1, 100)))
        .await
        .unwrap();
    let answers = commit_all(&store, [(); 20].map(|()| note(1, "0-0", DONE))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(store.request(request_id(1)).unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn of_two_approvals_at_once_one_obliges() {
    let store = Bench::new().open();
    store
        .commit(Command::Submit(submit(1, 0, vec![pending(1_000)])))
        .await
        .unwrap();
    let approve = || {
        let mut respond = respond(1, 1, vec![(0, ItemState::Granted)]);
        respond.obligations = granted(1, 100);
        Command::Respond(respond)
    };
    let answers = commit_all(&store, [(); 8].map(|()| approve())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(standing(&store, 1).len(), 2);
    let unfinished = store.view(|state| state.unfinished_obligations(None).count());
    assert_eq!(unfinished, 2);
}

#[tokio::test]
async fn what_a_refusal_obliges_to_arises_with_it() {
    let bench = Bench::new();
    let store = bench.open();
    let active = write(vec![put(&agreement("active"), Expected::Any)]);
    store.commit(active).await.unwrap();
    let cleared = at_partner(Stage::Cleared, None);
    let accepted = answered(PartnerOutcome::Accept, false);
    for number in 1..=4 {
        let mut submit = submit(number, 0, vec![cleared]);
        submit.bound_to = Some(PARTNER.parse().unwrap());
        let of = vec![(Some(0), 0)];
        submit.obligations = vec![arising(
            number,
            Occasion::PartnerRefused,
            Due::Within(10),
            of,
        )];
        store.commit(Command::Submit(submit)).await.unwrap();
    }
    assert!(standing(&store, 1).is_empty());
    let early = store.commit(note(1, "0-refused-0", DONE)).await;
    let unknown = Refusal::UnknownObligation(id("0-refused-0"));
    assert_eq!(refusal(early), Some(unknown));
    let refused = answered(PartnerOutcome::Reject, false);
    for (number, to) in [(1, refused), (2, accepted), (3, ItemState::Refused)] {
        let mut report = report(number, 1, vec![(0, to)]);
        report.at = at(30);
        store.commit(Command::Report(report)).await.unwrap();
    }
    // The fourth is still at the partner, and lapses.
    let suspended = write(vec![put(&agreement("suspended"), Expected::Any)]);
    store.commit(suspended).await.unwrap();
    for (number, due) in [(1, Some(40)), (2, None), (3, Some(40)), (4, Some(10))] {
        let entry = store.request(request_id(number)).unwrap().unwrap();
        let due_at = entry.obligations.get(id("0-refused-0"));
        let due_at = due_at.and_then(comity::store::state::Tracked::due_at);
        assert_eq!(due_at, due.map(at), "{number}");
    }
    let live = state(&store);
    projected(&store).await;
    store.close().await;
    let again = bench.open();
    assert_eq!(again.started().source, Source::Projection);
    assert_eq!(state(&again), live);
    drop(again);
    assert_eq!(bench.state_from_log(), live);
}

#[tokio::test]
async fn each_is_told_once_as_overdue_also_across_a_start() {
    let bench = Bench::new();
    let store = bench.open();
    for (number, due) in [(1, 100), (2, 50)] {
        store
            .commit(Command::Submit(obliging(number, due)))
            .await
            .unwrap();
    }
    assert_eq!(
        refusal(store.commit(tell(49, 10)).await),
        Some(Refusal::NothingDue)
    );
    store.commit(note(2, "0-1", DONE)).await.unwrap();
    store.commit(note(1, "0-1", FAILED)).await.unwrap();
    let told = store.commit(tell(100, 1)).await.unwrap();
    let told = store.record(told.index).unwrap().event.body;
    let EventBody::ObligationsOverdue { obligations } = told else {
        panic!("{told:?}");
    };
    assert_eq!(obligations.len(), 1);
    let first = &obligations[0];
    assert_eq!(
        (first.request_id, first.obligation),
        (request_id(2), id("0-0"))
    );
    assert_eq!(
        (first.due_at, first.duty.function.as_str()),
        (at(50), "KMS")
    );
    store.close().await;
    drop(store);
    let store = bench.open();
    store.commit(tell(100, 10)).await.unwrap();
    // Of what failed it was told as it did.
    assert_eq!(
        refusal(store.commit(tell(900, 10)).await),
        Some(Refusal::NothingDue)
    );
    assert_eq!(
        store.request(request_id(2)).unwrap().unwrap().version,
        2,
        "time changes no version"
    );
    let counts = store.view(|state| state.obligation_counts(at(100)));
    assert_eq!((counts.open, counts.failed, counts.overdue), (2, 1, 2));
    let live = state(&store);
    drop(store);
    assert_eq!(bench.state_from_log(), live);
}

#[tokio::test]
async fn what_is_not_done_keeps_a_request_in_memory_as_long_as_there_is_room_and_is_tracked_beyond()
{
    let mut bench = Bench::new();
    bench.settings.ended_requests = 2;
    let store = bench.open();
    for number in 1..=2 {
        store
            .commit(Command::Submit(obliging(number, 100)))
            .await
            .unwrap();
    }
    for number in 3..9 {
        let ended = submit(number, 0, vec![ItemState::Granted]);
        store.commit(Command::Submit(ended)).await.unwrap();
    }
    let in_memory = |store: &EmbeddedStore| -> Vec<u64> {
        let is_there =
            |number: &u64| store.view(|state| state.request(request_id(*number)).is_some());
        (1..12).filter(is_there).collect()
    };
    assert_eq!(in_memory(&store), [1, 2, 7, 8]);
    store.commit(note(1, "0-0", DONE)).await.unwrap();
    store.commit(note(1, "0-1", DONE)).await.unwrap();
    assert_eq!(
        in_memory(&store),
        [1, 2, 8],
        "the first is among the others now"
    );
    for number in 9..=10 {
        store
            .commit(Command::Submit(obliging(number, 100)))
            .await
            .unwrap();
    }
    assert_eq!(in_memory(&store), [1, 8, 9, 10]);
    let unfinished = |store: &EmbeddedStore| store.view(|state| state.obligation_counts(at(100)));
    let before = unfinished(&store);
    assert_eq!(
        (before.open, before.overdue),
        (6, 6),
        "nothing is forgotten"
    );
    store.commit(tell(100, 10)).await.unwrap();
    let nothing = refusal(store.commit(tell(100, 10)).await);
    assert_eq!(nothing, Some(Refusal::NothingDue), "each was told once");
    store.commit(note(2, "0-0", DONE)).await.unwrap();
    store.commit(note(2, "0-1", FAILED)).await.unwrap();
    let read_back = standing(&store, 2);
    assert_eq!(read_back[0].1, ObligationState::Done);
    assert_eq!(read_back[1].1, ObligationState::Failed);
    let after = unfinished(&store);
    assert_eq!((after.open, after.failed, after.overdue), (4, 1, 4));
    assert_read_back_alike(&bench, store).await;
    // With room for fewer, a report that was taken then counts as an entry of it all the same.
    bench.settings.ended_requests = 0;
    let state = bench.state_from_log();
    assert_eq!(state.put_away(request_id(1)).unwrap().version(), 3);
}

/// What was open or failed when its grant was revoked is not owed any more, but can still be said to have been done.
#[tokio::test]
async fn what_was_overtaken_is_reportable_and_owed_no_more() {
    for limit in [0, 100] {
        let mut bench = Bench::new();
        bench.settings.ended_requests = limit;
        let store = bench.open();
        let mut submit = obliging(1, 100);
        submit.obligations[0].of.push((Some(0), 2));
        store.commit(Command::Submit(submit)).await.unwrap();
        store.commit(note(1, "0-0", DONE)).await.unwrap();
        store.commit(note(1, "0-1", FAILED)).await.unwrap();
        let mut revoke = revoke(1, 3, vec![0]);
        let of = vec![(Some(0), 0)];
        let due = Due::At(at(200));
        revoke.obligations = vec![arising(1, Occasion::Revocation, due, of)];
        store.commit(Command::Revoke(revoke)).await.unwrap();
        let states = |store: &EmbeddedStore| -> Vec<ObligationState> {
            standing(store, 1).into_iter().map(|(_, it)| it).collect()
        };
        let [open, over] = [ObligationState::Open, ObligationState::Overtaken];
        let expected = [ObligationState::Done, over, over, open];
        assert_eq!(states(&store), expected, "limit {limit}");
        let listed: Vec<_> = store.view(|state| state.unfinished_obligations(None).collect());
        let to_undo = (at(200), request_id(1), id("0-revoked-0"));
        assert_eq!(listed, [to_undo], "limit {limit}");
        assert_eq!(
            store.view(|state| state.failed_obligations(None).count()),
            0
        );
        store.commit(note(1, "0-2", FAILED)).await.unwrap();
        assert_eq!(states(&store), expected, "nobody has to do it: {limit}");
        store.commit(note(1, "0-2", DONE)).await.unwrap();
        let done = store.commit(note(1, "0-2", FAILED)).await;
        assert_eq!(refusal(done), Some(Refusal::ObligationDone(id("0-2"))));
        store.commit(tell(200, 10)).await.unwrap();
        store.commit(note(1, "0-revoked-0", DONE)).await.unwrap();
        let done = ObligationState::Done;
        assert_eq!(states(&store), [done, over, done, done], "limit {limit}");
        let counts = store.view(|state| state.obligation_counts(at(900)));
        assert_eq!((counts.open, counts.failed, counts.overdue), (0, 0, 0));
        assert_read_back_alike(&bench, store).await;
    }
}

#[tokio::test]
async fn what_arises_for_another_request_is_its_own() {
    let bench = Bench::new();
    let store = bench.open();
    store
        .commit(Command::Submit(submit(1, 0, vec![ItemState::Granted])))
        .await
        .unwrap();
    let mut revoking = submit(2, 0, vec![ItemState::Granted]);
    let due = Due::At(at(10));
    let of = vec![(Some(0), 0), (None, 0)];
    revoking.obligations = vec![arising(1, Occasion::Revocation, due, of)];
    store.commit(Command::Submit(revoking)).await.unwrap();
    let names: Vec<String> = standing(&store, 1).into_iter().map(|(id, _)| id).collect();
    assert_eq!(names, ["r-revoked-0", "0-revoked-0"]);
    assert!(standing(&store, 2).is_empty());
    let entry = store.request(request_id(1)).unwrap().unwrap();
    assert_eq!((entry.version, entry.further.len()), (2, 1));
    let live = state(&store);
    drop(store);
    assert_eq!(bench.state_from_log(), live);
}

/// Every write to the journal's disk, failed and failed but done, while obligations are noted and told.
#[tokio::test]
async fn no_fault_notes_twice_or_loses_what_was_noted() {
    let rows = [
        ("payload", Operation::Write),
        ("payload", Operation::Sync),
        ("leaf", Operation::Write),
        ("leaf", Operation::Sync),
        ("anchor", Operation::Write),
        ("anchor", Operation::Sync),
    ];
    for (path, operation) in rows {
        for mode in [FaultMode::Failed, FaultMode::FailedButDone] {
            let mut fired = 0;
            for skip in 0..3 {
                let fault = Fault {
                    operation: Some(operation),
                    path_contains: path.to_owned(),
                    skip,
                    mode,
                };
                fired += noted_with_fault(fault).await;
            }
            assert!(fired > 0, "{operation:?} of {path} never failed {mode:?}");
        }
    }
}

async fn noted_with_fault(fault: Fault) -> u64 {
    let row = format!("{fault:?}");
    let bench = Bench::new();
    let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
    let store = bench.open_on(Arc::new(disk.clone())).unwrap();
    for number in 1..=2 {
        store
            .commit(Command::Submit(obliging(number, 10)))
            .await
            .unwrap();
    }
    disk.inject(fault);
    let commands = [
        note(1, "0-0", FAILED),
        tell(100, 2),
        note(1, "0-0", DONE),
        note(2, "0-1", DONE),
        tell(100, 9),
    ];
    let mut acknowledged = Vec::new();
    for command in commands.clone() {
        acknowledged.push(store.commit(command).await.is_ok());
    }
    drop(store);
    let again = bench.open();
    let live = state(&again);
    // Sent again, each is noted or known, and nothing is told twice.
    for (command, was_acknowledged) in commands.into_iter().zip(acknowledged) {
        let is_tell = matches!(command, Command::TellOverdue(_));
        let answer = again.commit(command).await;
        assert!(!was_acknowledged || is_tell || answer.is_err(), "{row}");
    }
    let all = standing(&again, 1).into_iter().chain(standing(&again, 2));
    let done = all.filter(|(_, state)| *state == ObligationState::Done);
    assert_eq!(done.count(), 2, "{row}");
    let mut told = Vec::new();
    for index in 0..again.view(comity::store::State::applied).0 {
        let stored = again.record(comity::decision_log::LogIndex(index)).unwrap();
        if let EventBody::ObligationsOverdue { obligations } = stored.event.body {
            told.extend(
                obligations
                    .into_iter()
                    .map(|it| (it.request_id, it.obligation)),
            );
        }
    }
    let count = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), count, "{row}: told twice");
    assert!(live.applied() <= again.view(comity::store::State::applied));
    let after = state(&again);
    drop(again);
    assert_eq!(bench.state_from_log(), after, "{row}");
    disk.fired()
}
