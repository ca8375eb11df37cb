//! What must be true of a service that was started again.

#![cfg(test)]

use serde_json::Value;

use super::home::Home;
use super::ledger::Ledger;
use super::ledger::record_index;
use super::load::Operator;
use super::service::Service;
use super::service::replay_identically;

/// Checks that everything acknowledged is there as it was answered, and finds out about the rest.
pub(crate) async fn verify(operator: &Operator, ledger: &mut Ledger) {
    for (key, answer) in &ledger.acknowledged {
        let id = answer["id"].as_str().unwrap();
        let mut found = operator.get(&format!("/v1/requests/{id}")).await;
        for item in found["items"].as_array_mut().unwrap() {
            // Told only where a request is read.
            item.as_object_mut().unwrap().remove("answerable_by");
        }
        if found["status"] == "revoked" {
            check_revoked(ledger, (answer, &found), ledger.noted.get(key).copied());
        } else if let Some(acknowledged) = ledger.noted.get(key) {
            check_noted(operator, (answer, &found), *acknowledged).await;
        } else if answer["status"] == "pending" {
            check_waiting(ledger, answer, &found);
        } else {
            assert_eq!(&found, answer, "{key}");
        }
    }
    for key in ledger.unknown() {
        let body = &ledger.sent[&key];
        let first = operator.submit(&key, body).await.unwrap();
        let second = operator.submit(&key, body).await.unwrap();
        // Between the two it may have been revoked with the agreement.
        let is_revoked = second["status"] == "revoked" && first["record"] == second["record"];
        assert!(is_revoked || first == second, "{key}: {first}, {second}");
        ledger.acknowledged.insert(key, first);
    }
    ledger.check();
}

/// What was reported as done is done, whatever else is known of it; reported again it is known, and counts once.
async fn check_noted(operator: &Operator, (answer, found): (&Value, &Value), acknowledged: bool) {
    let state = found["obligations"][0]["state"].as_str().unwrap();
    assert!(
        state == "done" || (state == "open" && !acknowledged),
        "{found}"
    );
    let again = operator.note(answer).await.unwrap();
    assert_eq!(again["state"], "done");
    let id = answer["id"].as_str().unwrap();
    let read = operator.get(&format!("/v1/requests/{id}")).await;
    assert!(
        read["version"] == 2 || read["status"] == "revoked",
        "{read}"
    );
    assert_eq!(plain(found), plain(answer));
}

/// What was granted is revoked because the agreement was suspended after it; what was done of it stays done.
fn check_revoked(ledger: &Ledger, (answer, found): (&Value, &Value), noted: Option<bool>) {
    assert_eq!(answer["status"], "accepted", "{found}");
    let because = &found["revocations"][0]["because"];
    assert_eq!(because, "agreement-suspended", "{found}");
    assert_eq!(found["record"], answer["record"]);
    if let Some(suspended) = ledger.suspended {
        assert!(record_index(answer) < suspended, "{found}");
    }
    if noted == Some(true) {
        assert_eq!(found["obligations"][0]["state"], "done", "{found}");
    }
}

/// A request without what a report of an obligation changes.
fn plain(request: &Value) -> Value {
    let mut request = request.clone();
    let members = request.as_object_mut().unwrap();
    for changed in ["version", "summary", "obligations"] {
        assert!(members.remove(changed).is_some(), "{changed}");
    }
    request
}

/// What waited still waits, unless the agreement was suspended: then the suspension refused it, and nothing else.
fn check_waiting(ledger: &Ledger, answer: &Value, found: &Value) {
    let refused_by = found["items"][0]["refusal"]["record"]["index"].as_u64();
    let waited = |suspended: &u64| record_index(answer) < *suspended;
    match ledger.suspended.filter(waited) {
        Some(suspended) => assert_eq!(refused_by, Some(suspended), "{found}"),
        None if refused_by.is_none() => assert_eq!(found, answer),
        // That of a suspension nobody was told of.
        None => assert_eq!(found["status"], "rejected", "{found}"),
    }
    assert_eq!(found["record"], answer["record"]);
}

/// Starts a service again, checks it against a round, and kills it; gives how many were unknown.
pub(crate) async fn restart_and_verify(home: &Home, ledger: &mut Ledger) -> usize {
    let unknown = ledger.unknown().len();
    let service = Service::start(home);
    verify(&Operator::of(&service), ledger).await;
    service.kill();
    unknown
}

/// Replays the whole log: each request of all rounds was decided once.
pub(crate) fn verify_log(home: &Home, ledgers: &[Ledger]) {
    let report = replay_identically(&home.data());
    let sent: usize = ledgers.iter().map(|ledger| ledger.sent.len()).sum();
    assert_eq!(report["decisions"], sent, "{report}");
}
