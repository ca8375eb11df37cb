//! What must be true of a service that was started again.

#![cfg(test)]

use super::home::Home;
use super::ledger::Ledger;
use super::load::Operator;
use super::service::Service;
use super::service::replay_identically;

/// Checks that everything acknowledged is there as it was answered, and finds out about the rest.
pub(crate) async fn verify(operator: &Operator, ledger: &mut Ledger) {
    for (key, answer) in &ledger.acknowledged {
        let id = answer["id"].as_str().unwrap();
        let found = operator.get(&format!("/v1/requests/{id}")).await;
        assert_eq!(&found, answer, "{key}");
    }
    for key in ledger.unknown() {
        let body = &ledger.sent[&key];
        let first = operator.submit(&key, body).await.unwrap();
        let second = operator.submit(&key, body).await.unwrap();
        assert_eq!(first, second, "{key}");
        ledger.acknowledged.insert(key, first);
    }
    ledger.check();
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
