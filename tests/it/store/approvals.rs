//! Approvals of access requests: used once, by whom and for what they were given, in time.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use comity::domain::lifecycle::ItemState;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Refusal;
use comity::store::access::Access;
use comity::store::access::ApprovalId;
use comity::store::access::Approved;
use comity::store::access::Asked;
use comity::store::access::Fate;
use comity::store::access::Use;
use comity::store::command::Expected;
use comity::store::command::ScopeDigest;
use comity::store::command::Submit;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::Fault;
use comity::store::embedded::disk::FaultMode;
use comity::store::embedded::disk::FaultyDisk;
use comity::store::embedded::disk::Operation;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::state::KEY_RETENTION_MILLISECONDS;
use proptest::prelude::*;
use uuid::Uuid;

use super::support::Bench;
use super::support::at;
use super::support::commit_all;
use super::support::pending;
use super::support::projected;
use super::support::put;
use super::support::request_id;
use super::support::respond;
use super::support::revoke;
use super::support::state;
use super::support::submit;
use super::support::user;
use super::support::write;

const UNTIL: i64 = 100;

fn approval(number: u128) -> ApprovalId {
    ApprovalId(Uuid::from_u128(number))
}

fn scope(byte: u8) -> ScopeDigest {
    ScopeDigest::from_bytes([byte; 32])
}

fn thing(byte: u8) -> ScopeDigest {
    scope(byte.wrapping_add(100))
}

/// A request for an approval of a scope.
fn asking(number: u64, byte: u8) -> Submit {
    let asked = Asked {
        task: request_id(number),
        bundled: None,
        evaluation: request_id(number + 1_000),
        scope: scope(byte),
        thing: Some(thing(byte)),
        lasts: UNTIL,
        handle_until: None,
        wanted_until: None,
        approval: None,
        callback: false,
    };
    Submit {
        access: Some(Box::new(Access::Approval(asked))),
        ..submit(number, 0, vec![pending(50)])
    }
}

/// Approves it.
fn given(number: u64) -> Command {
    let mut answer = respond(number, 1, vec![(0, ItemState::Granted)]);
    answer.approval = Some(Approved {
        id: approval(u128::from(number)),
        at: at(0),
        until: at(UNTIL),
    });
    Command::Respond(answer)
}

/// An evaluation of a scope that uses the approval of a request.
fn using(number: u64, byte: u8, request: u64) -> Submit {
    let access = Access::Evaluation {
        scope: scope(byte),
        requestable_until: None,
        uses: Some(Use {
            approval: approval(u128::from(request)),
            request: request_id(request),
        }),
    };
    Submit {
        access: Some(Box::new(access)),
        ..submit(number, 0, vec![ItemState::Granted])
    }
}

async fn approved(store: &EmbeddedStore, number: u64) {
    let asked = Command::Submit(asking(number, 1));
    store.commit(asked).await.unwrap();
    store.commit(given(number)).await.unwrap();
}

fn fate(store: &EmbeddedStore, number: u128) -> Option<Fate> {
    store.view(|state| state.approval(approval(number)).map(|kept| kept.fate))
}

#[tokio::test]
async fn an_approval_fits_only_whom_and_what_it_was_given_for_in_time() {
    let bench = Bench::new();
    let store = bench.open();
    approved(&store, 1).await;
    let other_caller = Submit {
        caller: "another".into(),
        ..using(10, 1, 1)
    };
    let late = Submit {
        in_time_at: at(UNTIL),
        ..using(11, 1, 1)
    };
    let mut of_another = using(12, 1, 1);
    if let Some(Access::Evaluation { uses, .. }) = of_another.access.as_deref_mut() {
        *uses = Some(Use {
            approval: approval(1),
            request: request_id(2),
        });
    }
    for refused in [
        other_caller,
        late,
        of_another,
        using(13, 2, 1),
        using(14, 1, 7),
    ] {
        let refused = store.commit(Command::Submit(refused)).await;
        assert!(
            matches!(refused, Err(CommitError::Refused(Refusal::Approval(_)))),
            "{refused:?}"
        );
    }
    assert_eq!(fate(&store, 1), Some(Fate::Open));
    let used = store
        .commit(Command::Submit(using(15, 1, 1)))
        .await
        .unwrap();
    assert_eq!(fate(&store, 1), Some(Fate::Used(used.index)));
}

#[tokio::test]
async fn of_many_uses_in_one_batch_one_is_taken() {
    let bench = Bench::new();
    let store = bench.open();
    approved(&store, 1).await;
    let commands = (10..30).map(|number| Command::Submit(using(number, 1, 1)));
    let answers = commit_all(&store, commands).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 1);
    for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(matches!(answer, CommitError::Refused(Refusal::Approval(_))));
    }
}

#[tokio::test]
async fn approvals_follow_from_the_log_and_are_forgotten_in_time() {
    let bench = Bench::new();
    {
        let store = bench.open();
        approved(&store, 1).await;
        approved(&store, 2).await;
        store
            .commit(Command::Submit(using(10, 1, 1)))
            .await
            .unwrap();
        projected(&store).await;
        store.close().await;
    }
    let store = bench.open();
    assert!(matches!(fate(&store, 1), Some(Fate::Used(_))));
    assert_eq!(fate(&store, 2), Some(Fate::Open));
    assert_eq!(state(&store), bench.state_from_log());
    let end = UNTIL + KEY_RETENTION_MILLISECONDS;
    for (number, moment, is_kept) in [(20, end - 1, true), (21, end, false)] {
        let later = Submit {
            at: at(moment),
            ..submit(number, 0, Vec::new())
        };
        store.commit(Command::Submit(later)).await.unwrap();
        assert_eq!(fate(&store, 1).is_some(), is_kept);
        assert_eq!(fate(&store, 2).is_some(), is_kept);
    }
    store.close().await;
}

/// Takes back what approvals of a scope would grant.
fn taking_back(byte: u8) -> Command {
    let mut taken = write(vec![put(&user(1, &[1]), Expected::Any)]);
    if let Command::WriteDocuments(taken) = &mut taken {
        taken.ends = vec![thing(byte)];
    }
    taken
}

#[tokio::test]
async fn an_approval_is_superseded_by_what_takes_back_the_same_even_in_its_batch() {
    let bench = Bench::new();
    let store = bench.open();
    approved(&store, 1).await;
    store.commit(taking_back(2)).await.unwrap();
    assert_eq!(fate(&store, 1), Some(Fate::Open));
    let both = [taking_back(1), Command::Submit(using(10, 1, 1))];
    let answers = commit_all(&store, both).await;
    let taken = answers[0].as_ref().unwrap().index;
    assert!(
        matches!(answers[1], Err(CommitError::Refused(Refusal::Approval(_)))),
        "{answers:?}"
    );
    assert_eq!(fate(&store, 1), Some(Fate::Superseded(taken)));
    // What is approved since is another matter, and what was used stays so.
    approved(&store, 2).await;
    let used = Command::Submit(using(11, 1, 2));
    let used = store.commit(used).await.unwrap();
    store.commit(taking_back(1)).await.unwrap();
    assert_eq!(fate(&store, 2), Some(Fate::Used(used.index)));
    projected(&store).await;
    let read = state(&store);
    store.close().await;
    drop(store);
    let store = bench.open();
    assert_eq!(fate(&store, 1), Some(Fate::Superseded(taken)));
    store.close().await;
    drop(store);
    assert_eq!(bench.state_from_log(), read);
}

#[tokio::test]
async fn nothing_is_approved_where_no_approval_was_asked_for() {
    let bench = Bench::new();
    let store = bench.open();
    let ordinary = submit(1, 0, vec![pending(50)]);
    store.commit(Command::Submit(ordinary)).await.unwrap();
    store.commit(given(1)).await.unwrap();
    assert_eq!(fate(&store, 1), None);
}

/// What is done with one of a few approvals.
#[derive(Clone, Debug)]
enum Step {
    Give(u64),
    /// Several uses at once, each by the right caller or not, of the right scope or not, in time or not.
    Use(u64, Vec<(bool, bool, bool)>),
    Revoke(u64),
    /// What all of them would grant is taken back.
    TakeBack,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 1..4_u64;
    let mostly = || proptest::bool::weighted(0.8);
    prop_oneof![
        3 => number().prop_map(Step::Give),
        6 => (number(), proptest::collection::vec((mostly(), mostly(), mostly()), 1..5))
            .prop_map(|(number, uses)| Step::Use(number, uses)),
        1 => number().prop_map(Step::Revoke),
        1 => Just(Step::TakeBack),
        1 => Just(Step::Reopen),
    ]
}

/// What is believed of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Believed {
    Open,
    Used,
    Revoked,
    Superseded,
}

async fn use_at_once(
    store: &EmbeddedStore,
    (number, first): (u64, u64),
    uses: &[(bool, bool, bool)],
) -> usize {
    let uses = (first..).zip(uses);
    let commands = uses.map(|(name, (caller, of_scope, in_time))| {
        let mut submit = using(name, if *of_scope { 1 } else { 2 }, number);
        if !caller {
            submit.caller = "another".into();
        }
        submit.in_time_at = at(if *in_time { UNTIL - 1 } else { UNTIL });
        Command::Submit(submit)
    });
    let answers = commit_all(store, commands).await;
    answers.iter().filter(|answer| answer.is_ok()).count()
}

async fn play(steps: Vec<Step>) {
    let bench = Bench::new();
    let mut store = bench.open();
    let mut believed: BTreeMap<u64, Believed> = BTreeMap::new();
    let mut named = 100;
    for step in steps {
        match step {
            Step::Give(number) => {
                if let Entry::Vacant(unknown) = believed.entry(number) {
                    approved(&store, number).await;
                    unknown.insert(Believed::Open);
                }
            }
            Step::Use(number, uses) => {
                let taken = use_at_once(&store, (number, named), &uses).await;
                named += u64::try_from(uses.len()).unwrap();
                let right = uses.contains(&(true, true, true));
                let open = believed.get(&number) == Some(&Believed::Open);
                assert_eq!(taken, usize::from(right && open), "{number} {uses:?}");
                if right && open {
                    believed.insert(number, Believed::Used);
                }
            }
            Step::Revoke(number) => {
                let answer = store.commit(Command::Revoke(revoke(number, 2, vec![0])));
                let revoked = answer.await.is_ok();
                if revoked && believed.get(&number) == Some(&Believed::Open) {
                    believed.insert(number, Believed::Revoked);
                }
            }
            Step::TakeBack => {
                store.commit(taking_back(1)).await.unwrap();
                for believed in believed.values_mut() {
                    if *believed == Believed::Open {
                        *believed = Believed::Superseded;
                    }
                }
            }
            Step::Reopen => {
                store.close().await;
                store = bench.open();
            }
        }
        for (number, believed) in &believed {
            let found = match fate(&store, u128::from(*number)) {
                Some(Fate::Open) => Believed::Open,
                Some(Fate::Used(_)) => Believed::Used,
                Some(Fate::Revoked) => Believed::Revoked,
                Some(Fate::Superseded(_)) => Believed::Superseded,
                None => panic!("approval {number} is forgotten"),
            };
            assert_eq!(found, *believed, "approval {number}");
        }
    }
    projected(&store).await;
    let ended = state(&store);
    store.close().await;
    assert_eq!(ended, bench.state_from_log());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_approval_is_used_once_whatever_happens(steps in proptest::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}

/// Requests for approvals that are asked for together; the first is the task of all.
fn together(first: u64, count: u64) -> Command {
    let one = |number: u64| {
        let mut submit = asking(number, 1);
        if let Some(Access::Approval(asked)) = submit.access.as_deref_mut() {
            asked.task = request_id(first);
        }
        submit
    };
    Command::SubmitTogether((first..first + count).map(one).collect())
}

fn held(state: &comity::store::State, first: u64, count: u64) -> u64 {
    let held = (first..first + count).filter(|it| state.request(request_id(*it)).is_some());
    held.count() as u64
}

#[tokio::test]
async fn what_is_asked_for_together_is_held_together_or_not_at_all() {
    let bench = Bench::new();
    let store = bench.open();
    let committed = store.commit(together(1, 5)).await.unwrap();
    store.view(|state| {
        assert_eq!(held(state, 1, 5), 5);
        let first = state.request(request_id(1)).unwrap();
        assert_eq!(
            first.submitted, committed.index,
            "the first answers for all"
        );
    });
    // One of them is there already, in the middle of others.
    for (first, count) in [(3, 5), (4, 2), (1, 1)] {
        let refused = store.commit(together(first, count)).await;
        let expected = Refusal::RequestExists(request_id(first));
        assert_eq!(refused, Err(CommitError::Refused(expected)));
    }
    let alone = Command::Submit(asking(13, 1));
    let answers = commit_all(&store, [alone, together(11, 5), together(21, 2)]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    let lost = Refusal::RequestExists(request_id(13));
    assert_eq!(answers[1], Err(CommitError::Refused(lost)));
    store.view(|state| assert_eq!((held(state, 11, 5), held(state, 21, 2)), (1, 2)));
}

#[tokio::test]
async fn only_requests_for_approvals_that_touch_nothing_are_submitted_together() {
    let store = Bench::new().open();
    let keyed = |submit| super::support::under_key(submit, "key", "body");
    for wrong in [
        vec![],
        vec![asking(1, 1), asking(1, 1)],
        vec![asking(1, 1), submit(2, 0, vec![pending(50)])],
        vec![asking(1, 1), using(2, 1, 1)],
        vec![asking(1, 1), keyed(asking(2, 1))],
    ] {
        let refused = store.commit(Command::SubmitTogether(wrong)).await;
        let is_invalid = matches!(refused, Err(CommitError::Refused(Refusal::Invalid(_))));
        assert!(is_invalid, "{refused:?}");
    }
    let first = || Command::SubmitTogether(vec![keyed(asking(1, 1)), asking(2, 1)]);
    let sequenced = store.commit(first()).await.unwrap();
    let again = store.commit(first()).await.unwrap();
    assert_eq!(again.index, sequenced.index);
    assert_eq!(store.view(|state| held(state, 1, 2)), 2);
}

/// The power is cut at every operation of the disk, and the disk keeps any of what was not synced.
#[tokio::test]
async fn no_power_cut_leaves_a_part_of_what_is_asked_for_together() {
    let (mut none, mut all, mut within) = (0, 0, 0);
    for seed in 0..240 {
        let bench = Bench::new();
        let disk = VolatileDisk::new(Arc::new(bench.disk.clone()));
        let store = bench.open_on(Arc::new(disk.clone())).unwrap();
        store.commit(together(1, 3)).await.unwrap();
        disk.cut_power_after(seed % 12, PowerCut::Tear { seed });
        let answered = store.commit(together(11, 5)).await;
        disk.cut_power(PowerCut::Tear { seed });
        drop(store);
        let store = bench.open();
        let (before, found) = store.view(|state| (held(state, 1, 3), held(state, 11, 5)));
        assert_eq!(before, 3, "seed {seed}");
        assert!(found == 0 || found == 5, "seed {seed}: {found} of 5");
        if answered.is_ok() {
            assert_eq!(found, 5, "seed {seed}: it was acknowledged");
        }
        none += u64::from(found == 0);
        all += u64::from(found == 5);
        within += u64::from(answered.is_err());
    }
    let seen = (none > 20, all > 20, within > 40);
    assert_eq!(seen, (true, true, true), "{none} {all} {within}");
}

#[tokio::test]
async fn no_fault_of_the_disk_leaves_a_part_of_what_is_asked_for_together() {
    let mut failed = 0;
    for path in ["payload", "leaf", "anchor"] {
        for operation in [Operation::Write, Operation::Sync] {
            for mode in [
                FaultMode::Failed,
                FaultMode::Short,
                FaultMode::FailedButDone,
            ] {
                let bench = Bench::new();
                let disk = FaultyDisk::new(Arc::new(bench.disk.clone()));
                let store = bench.open_on(Arc::new(disk.clone())).unwrap();
                disk.inject(Fault {
                    operation: Some(operation),
                    path_contains: path.to_owned(),
                    skip: 0,
                    mode,
                });
                let answered = store.commit(together(11, 5)).await;
                let at_once = store.view(|state| held(state, 11, 5));
                assert_eq!(at_once, if answered.is_ok() { 5 } else { 0 });
                failed += u64::from(answered.is_err());
                store.close().await;
                drop(store);
                let found = bench.open().view(|state| held(state, 11, 5));
                let row = format!("{path} {operation:?} {mode:?}");
                assert!(found == 0 || found == 5, "{row}: {found} of 5");
                assert!(answered.is_err() || found == 5, "{row}");
            }
        }
    }
    assert!(failed >= 12, "{failed} failed");
}
