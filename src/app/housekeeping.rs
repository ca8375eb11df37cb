//! What happens by itself: held items expire, dry runs are summed up for the log.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::App;
use crate::decision::decide::ItemDecision;
use crate::domain::outcome::Outcome;
use crate::identity::caller::Caller;
use crate::store::command::Command;

const EXPIRY_PERIOD: Duration = Duration::from_secs(1);
const SUMMARY_PERIOD: Duration = Duration::from_mins(1);

/// Dry runs that no entry of the log accounts for yet, by caller.
pub(in crate::app) type DryRunCounts = BTreeMap<String, BTreeMap<Outcome, u64>>;

impl App {
    /// Runs until the returned task is aborted.
    pub fn keep_house(&self) -> tokio::task::JoinHandle<()> {
        let app = self.clone();
        tokio::spawn(async move {
            let mut expiry = tokio::time::interval(EXPIRY_PERIOD);
            let mut summary = tokio::time::interval(SUMMARY_PERIOD);
            loop {
                tokio::select! {
                    _ = expiry.tick() => app.expire_overdue().await,
                    _ = summary.tick() => app.record_dry_runs().await,
                }
            }
        })
    }

    /// Expires what is overdue; while the clock has just jumped, nothing.
    pub async fn expire_overdue(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        for (request_id, items) in self.store().due(now) {
            if let Err(error) = self.store().commit(Command::Expire { request_id, items, at: now }).await {
                tracing::warn!(%error, "an overdue item could not be expired yet");
                return;
            }
        }
    }

    pub(in crate::app) fn count_dry_run(&self, caller: &Caller, items: &[ItemDecision]) {
        let mut counts = self.dry_runs();
        let outcomes = counts.entry(caller.name.clone()).or_default();
        for item in items {
            *outcomes.entry(item.outcome).or_default() += 1;
        }
    }

    /// Writes one entry for each caller that asked without consequence since the last time.
    pub async fn record_dry_runs(&self) {
        let counts = std::mem::take(&mut *self.dry_runs());
        for (caller, outcomes) in counts {
            let command = Command::DryRuns { caller, outcomes: outcomes.into_iter().collect(), at: self.now() };
            if let Err(error) = self.store().commit(command).await {
                tracing::warn!(%error, "a summary of dry runs was not recorded");
            }
        }
    }
}
