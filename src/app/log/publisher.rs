//! Publishing: whenever entries were appended, a checkpoint over all that is durable.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::CheckpointError;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::store::embedded::PublishError;

/// How long the next checkpoint waits for more entries: several a second are enough for everybody.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait after a checkpoint could not be published.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Why a checkpoint was not published.
#[derive(Debug, thiserror::Error)]
pub(in crate::app) enum Unpublished {
    /// It was not signed.
    #[error(transparent)]
    Sign(#[from] CheckpointError),
    /// It was not made durable.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The thread that works on the disk is gone.
    #[error("it was interrupted")]
    Interrupted,
}

impl App {
    /// Publishes a checkpoint soon after each entry, until it is aborted.
    pub fn publish_log(&self) -> JoinHandle<()> {
        let app = self.clone();
        tokio::spawn(async move {
            let mut appended = app.store().appended();
            loop {
                // Seen before it is read, so that no entry falls between.
                appended.borrow_and_update();
                let pause = match app.publish_checkpoint().await {
                    Ok(()) => PAUSE,
                    Err(error) => {
                        tracing::error!(%error, "no checkpoint was published");
                        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                        continue;
                    }
                };
                if appended.changed().await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
        })
    }

    /// Publishes what was appended before the service stopped.
    pub async fn publish_last_checkpoint(&self) {
        if let Err(error) = self.publish_checkpoint().await {
            tracing::error!(%error, "the last checkpoint was not published");
        }
    }

    /// Publishes a checkpoint over all that is durable, unless that is published.
    pub(in crate::app) async fn publish_checkpoint(&self) -> Result<(), Unpublished> {
        let app = self.clone();
        let published = tokio::task::spawn_blocking(move || app.publish_durable())
            .await
            .unwrap_or(Err(Unpublished::Interrupted));
        let trouble = published.as_ref().err().map(ToString::to_string);
        self.note_log_trouble(trouble);
        published
    }

    fn publish_durable(&self) -> Result<(), Unpublished> {
        let (log, root) = self.store().durable_log();
        let signer = &self.0.log_signer;
        let head = Checkpoint {
            origin: signer.origin.clone(),
            size: log.size(),
            root,
        };
        let is_published = self
            .store()
            .published_log()
            .is_some_and(|(_, published)| *published.head() == head);
        if is_published {
            return Ok(());
        }
        let checkpoint = SignedCheckpoint::sign(head, &signer.keys)?;
        self.store().publish(&checkpoint)?;
        Ok(())
    }

    pub(in crate::app) fn log_trouble(&self) -> Option<String> {
        let trouble = self.0.log_trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_log_trouble(&self, trouble: Option<String>) {
        let kept = self.0.log_trouble.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}
