//! `kill -9` at random moments under load.

#![cfg(test)]

use super::home::Home;
use super::ledger::Ledger;
use super::load::Plan;
use super::load::kill_under_load;
use super::random::Random;
use super::rounds;
use super::service::Service;
use super::tell;
use super::verify::restart_and_verify;
use super::verify::verify_log;

/// So often one data directory is killed.
const ROUNDS_A_HOME: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_service_loses_nothing_acknowledged() {
    let mut random = Random::new();
    let all = rounds(3, 50);
    let mut figures = Figures::default();
    let mut done = 0;
    while done < all {
        let home = Home::new();
        let mut ledgers: Vec<Ledger> = Vec::new();
        for round in 0..ROUNDS_A_HOME.min(all - done) {
            let service = Service::start(&home);
            if round == 0 {
                service.import(&home);
            }
            let plan = Plan::random(round as u64, &mut random);
            let mut ledger = kill_under_load(service, plan).await;
            let acknowledged = ledger.acknowledged.len();
            let unknown = restart_and_verify(&home, &mut ledger).await;
            figures.add(&ledger, acknowledged, unknown);
            ledgers.push(ledger);
        }
        verify_log(&home, &ledgers);
        done += ledgers.len();
    }
    figures.tell("kill -9 under load");
}

/// What a campaign did.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    rounds: usize,
    acknowledged: usize,
    unknown: usize,
    accepted: usize,
    pending: usize,
    suspended: usize,
    after_suspension: usize,
}

impl Figures {
    pub(crate) fn add(&mut self, ledger: &Ledger, acknowledged: usize, unknown: usize) {
        self.rounds += 1;
        self.acknowledged += acknowledged;
        self.unknown += unknown;
        self.accepted += ledger.count("accepted") + ledger.count("cleared");
        self.pending += ledger.count("pending");
        self.suspended += usize::from(ledger.suspended.is_some());
        self.after_suspension += ledger.after_suspension();
    }

    pub(crate) fn tell(&self, campaign: &str) {
        assert!(self.acknowledged > 0 && self.accepted > 0, "{self:?}");
        tell(&format!("{campaign}: {self:?}"));
    }
}
