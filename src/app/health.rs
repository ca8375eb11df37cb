//! Whether the service can do its work, and what is the matter if not.

use serde::Serialize;

use crate::app::App;
use crate::app::clock::ClockJump;
use crate::app::clock::ExpiryPaused;
use crate::app::clock::Unsettled;
use crate::app::publish::Attempt;
use crate::app::publish::AttemptOutcome;
use crate::telemetry::metrics::Measured;

/// What readiness looks at.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Whether requests can be decided and recorded.
    pub ready: bool,
    /// Why the store takes nothing more; absent when it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Why the projection is being made anew; it decides nothing, so the service stays ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<String>,
    /// Entries of the log that the projection holds.
    pub projected: u64,
    /// Commands that wait to be sequenced.
    pub queued: usize,
    /// Entries of the log that are applied.
    pub applied: u64,
    /// Whether approved responses (A12) are not in force yet; nothing is decided until they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub responses_behind: bool,
    /// The last attempt to change the bundle, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_bundle: Option<Attempt>,
    /// The last attempt to change the access bundle, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_access_bundle: Option<Attempt>,
    /// A jump of the clock that has not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_jump: Option<ClockJump>,
}

impl App {
    /// Whether the service can do its work.
    pub fn health(&self) -> Health {
        self.now();
        let found = self.store().health();
        let responses_behind = self.responses_are_behind();
        let ready = found.is_ready() && !responses_behind;
        let store = found.stopped.or(found.not_recording);
        Health {
            ready,
            store,
            projection: found.projection.failure,
            projected: found.projection.applied.0,
            queued: found.queued,
            applied: found.applied.0,
            responses_behind,
            refused_bundle: self
                .last_attempt()
                .filter(|attempt| attempt.outcome == AttemptOutcome::Refused),
            refused_access_bundle: self
                .last_access_attempt()
                .filter(|attempt| attempt.outcome == AttemptOutcome::Refused),
            clock_jump: self.clock().jump(),
        }
    }

    /// That nothing expires, while the clock has just jumped.
    pub fn expiry_paused(&self) -> Option<ExpiryPaused> {
        self.now();
        self.clock().jump().map(Into::into)
    }

    /// What is told of items of which nobody knows whether they are in time.
    pub(in crate::app) fn unsettled(&self) -> Unsettled {
        let jump = self.clock().jump();
        Unsettled {
            milliseconds: jump.map_or(0, |jump| jump.milliseconds),
            retry_after_seconds: self.clock().settles_in_seconds().max(1),
        }
    }

    /// The metrics as text, with what is measured only when somebody asks.
    pub fn metrics_text(&self) -> String {
        let health = self.health();
        let earliest = self.present().earliest;
        let obligations = self.store().view(|state| state.obligation_counts(earliest));
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.metrics().measured(&Measured {
            ready: health.ready,
            queued_commands: u64::try_from(health.queued).unwrap_or(u64::MAX),
            applied_entries: health.applied,
            projected_entries: health.projected,
            projection_whole: health.projection.is_none(),
            migrations_to_decide_again: self
                .store()
                .view(|state| state.to_decide_again().count() as u64),
            clock_settled: health.clock_jump.is_none(),
            obligations_open: wide(obligations.open),
            obligations_failed: wide(obligations.failed),
            obligations_overdue: wide(obligations.overdue),
        });
        self.metrics().encode()
    }

    /// Stops taking work, finishes what was taken, and leaves a clean mark.
    pub async fn close(&self) {
        self.close_jobs();
        self.record_dry_runs().await;
        self.record_reads(true).await;
        self.store().close().await;
    }
}
