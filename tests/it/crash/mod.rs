//! Campaigns against the whole service: it is killed, its disk fills up or loses what was not
//! synced, and its files are damaged. Whatever happens, what was acknowledged is there afterwards.
//!
//! Each campaign has a few rounds; `COMITY_CAMPAIGN=full` makes them many (`scripts/crash-campaign`).

#![cfg(test)]

use std::time::Duration;

mod child;
mod edited;
mod ended;
mod full;
mod home;
mod kill;
mod ledger;
mod lifecycle;
mod load;
mod local;
mod power;
mod projection;
mod random;
mod receiver;
mod refusals;
mod requests;
mod service;
mod transitions;
mod verify;
mod webhooks;

/// Long enough for any machine; only a failing campaign waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// How many rounds a campaign has: a few, or all, or as many as `COMITY_CAMPAIGN_ROUNDS` says.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    if let Some(number) = std::env::var_os("COMITY_CAMPAIGN_ROUNDS") {
        let number = number.to_string_lossy().parse();
        return number.expect("COMITY_CAMPAIGN_ROUNDS is a number");
    }
    match std::env::var_os("COMITY_CAMPAIGN") {
        Some(word) if word == "full" => all,
        Some(word) => panic!("COMITY_CAMPAIGN is {word:?}; it can only be `full`"),
        None => few,
    }
}

/// Says a figure, for those who run a campaign with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a campaign's figures are its result")]
pub(crate) fn tell(figures: &str) {
    println!("{figures}");
}
