//! `kill -9` of a process whose unsynced writes are lost with it, as in a power cut.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::settings::Settings;
use comity::store::state::State;

use super::child::kill_over_volatile_disk;
use super::home::Home;
use super::kill::Figures;
use super::ledger::Ledger;
use super::load::Plan;
use super::local::open_store;
use super::local::store_settings;
use super::random::Random;
use super::rounds;
use super::verify::restart_and_verify;
use super::verify::verify_log;

/// So often one data directory is killed.
const ROUNDS_A_HOME: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_its_unsynced_writes_loses_nothing_acknowledged() {
    let mut random = Random::new();
    let all = rounds(3, 50);
    let mut figures = Figures::default();
    let mut done = 0;
    while done < all {
        let home = Home::new();
        let mut ledgers: Vec<Ledger> = Vec::new();
        for round in 0..ROUNDS_A_HOME.min(all - done) {
            let plan = Plan::random(round as u64, &mut random);
            let mut ledger = tokio::task::block_in_place(|| kill_over_volatile_disk(&home, &plan));
            tokio::task::block_in_place(|| compare_states(&home));
            add_service_files(&home);
            let acknowledged = ledger.acknowledged.len();
            let unknown = restart_and_verify(&home, &mut ledger).await;
            figures.add(&ledger, acknowledged, unknown);
            ledgers.push(ledger);
        }
        verify_log(&home, &ledgers);
        done += ledgers.len();
    }
    figures.tell("kill -9 with unsynced writes dropped");
}

/// What a service syncs before it publishes anything, and the child does without.
fn add_service_files(home: &Home) {
    for (name, content) in [
        ("system", &b"mc.de.example\n"[..]),
        ("sealing.key", &[7; 32]),
    ] {
        let file = home.data().join(name);
        if !file.exists() {
            fs::write(&file, content).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// The state is the same whether the projection helps or the log alone gives it.
fn compare_states(home: &Home) {
    let usual = store_settings(home);
    let distrustful = Settings {
        boot_id: String::new(),
        ..usual.clone()
    };
    let projected = state(home, &usual);
    assert_eq!(projected, state(home, &distrustful));
}

fn state(home: &Home, settings: &Settings) -> State {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(home.data()));
    open_store(&disk, settings).view(State::clone)
}
