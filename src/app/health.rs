//! Whether the service can do its work, and what is the matter if not.

use serde::Serialize;

use crate::app::App;
use crate::app::clock::ClockJump;
use crate::app::publish::Attempt;
use crate::app::publish::AttemptOutcome;

/// What readiness looks at.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Whether requests can be decided and recorded.
    pub ready: bool,
    /// Why the store takes nothing more; absent when it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Whether the projection is in order; a broken one is rebuilt and decides nothing.
    pub projection: String,
    /// The last attempt to change the bundle, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_bundle: Option<Attempt>,
    /// A jump of the clock that has not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_jump: Option<ClockJump>,
}

impl App {
    /// Whether the service can do its work.
    pub fn health(&self) -> Health {
        self.now();
        let store = self.store().failure();
        Health {
            ready: store.is_none(),
            store,
            projection: "none".to_owned(),
            refused_bundle: self
                .last_attempt()
                .filter(|attempt| attempt.outcome == AttemptOutcome::Refused),
            clock_jump: self.clock().jump(),
        }
    }

    /// Stops taking work, finishes what was taken, and leaves a clean mark.
    pub async fn close(&self) {
        self.record_dry_runs().await;
        let store = self.store().clone();
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::error!(%error, "the store could not be closed");
        }
    }
}
