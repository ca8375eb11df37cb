//! What becomes of items at the partner.

use comity::decision::facts::ReadKey;
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
use comity::store::command::StaleRead;

use super::support::Bench;
use super::support::agreement;
use super::support::answered;
use super::support::at;
use super::support::at_partner;
use super::support::commit_all;
use super::support::delete;
use super::support::expire;
use super::support::key;
use super::support::pending;
use super::support::put;
use super::support::report;
use super::support::request_id;
use super::support::submit;
use super::support::user;
use super::support::write;

const SENT: ItemState = ItemState::AtPartner {
    stage: Stage::Sent,
    expires_at: None,
};

fn refusal(answer: &Result<Committed, CommitError>) -> Option<&Refusal> {
    match answer {
        Err(CommitError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

fn reported(version: u64, items: Vec<(u32, ItemState)>) -> Command {
    Command::Report(report(1, version, items))
}

#[tokio::test]
async fn reports_go_forth_and_nowhere_else() {
    let bench = Bench::new();
    let store = bench.open();
    let cleared = at_partner(Stage::Cleared, None);
    let items = vec![cleared, cleared, pending(100), ItemState::Granted];
    store
        .commit(Command::Submit(submit(1, 0, items)))
        .await
        .unwrap();
    let accepted = answered(PartnerOutcome::Accept, false);
    let delivered = answered(PartnerOutcome::Accept, true);
    let not_at = |item| Some(Refusal::NotAtPartner { item });
    let version = Refusal::Version {
        request_id: request_id(1),
        current: 1,
    };
    let nothing = Refusal::Invalid("it reports on no item".to_owned());
    let refused = answered(PartnerOutcome::Reject, true);
    let given = [
        (2, vec![(0, SENT)], Some(version)),
        (1, vec![(0, delivered)], not_at(0)),
        (1, vec![(0, cleared)], not_at(0)),
        (1, vec![(0, ItemState::Granted)], not_at(0)),
        (1, vec![(2, accepted)], not_at(2)),
        (1, vec![(3, SENT)], not_at(3)),
        (1, vec![(9, SENT)], not_at(9)),
        (1, vec![(0, SENT), (0, accepted)], not_at(0)),
        (1, Vec::new(), Some(nothing)),
        (1, vec![(0, SENT)], None),
        (2, vec![(0, accepted), (1, ItemState::Refused)], None),
        (3, vec![(0, refused)], not_at(0)),
        (3, vec![(0, accepted)], not_at(0)),
        (3, vec![(1, accepted)], not_at(1)),
        (3, vec![(0, delivered)], None),
        (4, vec![(0, delivered)], not_at(0)),
    ];
    let commands = given
        .clone()
        .map(|(version, items, _)| reported(version, items));
    let answers = commit_all(&store, commands).await;
    let expected = given.map(|(.., expected)| expected);
    for (number, (answer, expected)) in answers.iter().zip(expected).enumerate() {
        assert_eq!(refusal(answer), expected.as_ref(), "{number}");
    }
    let entry = store.request(request_id(1)).unwrap().unwrap();
    let after = [
        delivered,
        ItemState::Refused,
        pending(100),
        ItemState::Granted,
    ];
    assert_eq!(entry.items, after);
    assert_eq!(entry.version, 4);
    let mut unknown = report(5, 1, vec![(0, SENT)]);
    unknown.at = at(1);
    let unknown = store.commit(Command::Report(unknown)).await;
    assert_eq!(
        refusal(&unknown),
        Some(&Refusal::UnknownRequest(request_id(5)))
    );
    let state = store.view(State::clone);
    drop(store);
    assert_eq!(bench.state_from_log(), state);
}

#[tokio::test]
async fn what_was_read_must_still_be_so_and_writes_come_with_the_report() {
    let store = Bench::new().open();
    let cleared = at_partner(Stage::Cleared, None);
    let first = vec![
        put(&agreement("active"), Expected::Any),
        put(&user(1, &[1]), Expected::Any),
    ];
    store.commit(write(first)).await.unwrap();
    store
        .commit(Command::Submit(submit(1, 0, vec![cleared])))
        .await
        .unwrap();
    let read = ReadKey::Document(key(DocumentKind::Agreement, "mc.de.example"));
    let mut answer = report(1, 1, vec![(0, answered(PartnerOutcome::Accept, false))]);
    let revision = store.view(|state| state.read(&read));
    answer.read_set.entries = vec![(read.clone(), revision)];
    answer.writes = vec![delete(key(DocumentKind::User, "u1"), Expected::Any)];
    // A suspension that is sequenced first, in one batch with the answer.
    let suspension = write(vec![put(&agreement("suspended"), Expected::Any)]);
    let answers = commit_all(&store, [suspension, Command::Report(answer.clone())]).await;
    let stale = Refusal::Stale(StaleRead::Key(read.clone()));
    assert_eq!(refusal(&answers[1]), Some(&stale));
    assert_eq!(store.view(|state| state.count(DocumentKind::User)), 1);
    let revision = store.view(|state| state.read(&read));
    answer.read_set.entries = vec![(read, revision)];
    store.commit(Command::Report(answer)).await.unwrap();
    assert_eq!(store.view(|state| state.count(DocumentKind::User)), 0);
}

#[tokio::test]
async fn what_is_at_a_partner_is_kept_and_perhaps_for_a_time() {
    let mut bench = Bench::new();
    bench.settings.ended_requests = 1;
    let store = bench.open();
    let cleared = at_partner(Stage::Cleared, None);
    let awaited = at_partner(Stage::Cleared, Some(100));
    store
        .commit(Command::Submit(submit(1, 0, vec![cleared])))
        .await
        .unwrap();
    store
        .commit(Command::Submit(submit(2, 0, vec![awaited])))
        .await
        .unwrap();
    for number in 3..9 {
        let ended = submit(number, 0, vec![ItemState::Granted]);
        store.commit(Command::Submit(ended)).await.unwrap();
    }
    let status = |number| store.request(request_id(number)).unwrap().unwrap().status();
    assert!(store.view(|state| state.request(request_id(1)).is_some()));
    assert_eq!(
        (status(1), status(2)),
        (RequestStatus::Cleared, RequestStatus::Cleared)
    );
    // None of them waits for a person here.
    assert!(store.open_requests(None, 10).is_empty());
    assert_eq!(store.due(at(100)), [(request_id(2), vec![0])]);
    let mut late = report(2, 1, vec![(0, answered(PartnerOutcome::Accept, false))]);
    late.in_time_at = at(100);
    late.at = at(7);
    let late = store.commit(Command::Report(late)).await;
    assert_eq!(refusal(&late), Some(&Refusal::NotAtPartner { item: 0 }));
    store.commit(expire(2, vec![0], 100)).await.unwrap();
    assert_eq!(status(2), RequestStatus::Rejected);
    let early = reported(1, vec![(0, SENT)]);
    store.commit(early).await.unwrap();
    assert_eq!(status(1), RequestStatus::Sent);
    let refused = vec![(0, answered(PartnerOutcome::Reject, false))];
    store.commit(reported(2, refused)).await.unwrap();
    // It ended by now, as the others did; of one that was put away nothing is reported.
    let last = submit(9, 0, vec![ItemState::Granted]);
    store.commit(Command::Submit(last)).await.unwrap();
    assert!(store.view(|state| state.request(request_id(1)).is_none()));
    let delivered = vec![(0, answered(PartnerOutcome::Reject, true))];
    let put_away = store.commit(reported(3, delivered)).await;
    assert_eq!(refusal(&put_away), Some(&Refusal::NotAtPartner { item: 0 }));
    assert_eq!(status(1), RequestStatus::Rejected);
}
