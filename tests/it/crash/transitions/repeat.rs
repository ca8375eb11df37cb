//! What clients do after a restart: they ask again, under the same key or with the same words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ledger::Kind;
use super::ledger::Said;
use super::load::Load;
use super::load::post;
use super::load::submit;
use super::verify::Seen;
use super::verify::assert_same;

/// What became of operations of which nobody was told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unknown {
    pub(super) there: usize,
    pub(super) not_there: usize,
}

/// Repeats every submission: one that was answered is answered with the same request and the same decision.
pub(super) async fn submissions(load: &Load, seen: &BTreeMap<usize, Seen<'_>>) -> Unknown {
    let mut unknown = Unknown::default();
    let asked = load.ledger.lock().unwrap().requests.clone();
    for (place, asked) in asked.into_iter().enumerate() {
        let said = submit(&load.accounts.acms, &asked.key, &asked.body).await;
        let Said::Done(answer) = said else {
            panic!("{said:?}");
        };
        match &asked.answer {
            Some(original) => assert_same(original, &answer),
            None if seen.contains_key(&place) => unknown.there += 1,
            None => unknown.not_there += 1,
        }
        if let Some(seen) = seen.get(&place) {
            // With what became of it since, and nothing else.
            assert_eq!(answer, plain(&seen.request));
        } else {
            let again = submit(&load.accounts.acms, &asked.key, &asked.body).await;
            let Said::Done(again) = again else {
                panic!("{again:?}");
            };
            assert_same(&answer, &again);
        }
        load.ledger.lock().unwrap().requests[place].answer = Some(answer);
    }
    unknown
}

/// A request as the answer to its submission shows it.
fn plain(request: &Value) -> Value {
    let mut request = request.clone();
    for item in request["items"].as_array_mut().unwrap() {
        // Told only where a request is read.
        item.as_object_mut().unwrap().remove("answerable_by");
    }
    request
}

/// Repeats what nobody knows of: what is there by then is not done again.
pub(super) async fn operations(load: &Load, seen: &BTreeMap<usize, Seen<'_>>) -> Unknown {
    let mut unknown = Unknown::default();
    let operations = load.ledger.lock().unwrap().operations.clone();
    for (place, operation) in operations.into_iter().enumerate() {
        if operation.said != Said::Nothing {
            continue;
        }
        let Some(seen) = seen.get(&operation.request) else {
            panic!("{operation:?} is about nothing");
        };
        let is_there = match operation.kind {
            Kind::Acknowledgement => {
                seen.request["acknowledged"].as_u64() >= operation.body["version"].as_u64()
            }
            Kind::Submission
            | Kind::Answer
            | Kind::Withdrawal
            | Kind::Revocation
            | Kind::Report
            | Kind::Obligation => operation.kind.tags(&seen.request).contains(&operation.tag),
        };
        let account = load.account(operation.kind);
        let said = post(account, &operation.path, &operation.body, None).await;
        assert_ne!(said, Said::Nothing);
        // What is there was not refused, whatever is said to a second one.
        let said = if is_there {
            assert_is_no_news(operation.kind, &said);
            unknown.there += 1;
            Said::Done(seen.request.clone())
        } else {
            unknown.not_there += 1;
            said
        };
        load.ledger.lock().unwrap().operations[place].said = said;
    }
    unknown
}

/// An answer given twice is refused; all else is done already, which is no error.
fn assert_is_no_news(kind: Kind, said: &Said) {
    let is_refused = matches!(said, Said::Refused(_));
    match kind {
        Kind::Answer => assert!(is_refused, "{said:?}"),
        Kind::Submission
        | Kind::Withdrawal
        | Kind::Revocation
        | Kind::Report
        | Kind::Obligation
        | Kind::Acknowledgement => {}
    }
}
