//! Publishing: whenever entries were appended, a checkpoint over all that is durable.

use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::log::witnesses::Ahead;
use crate::app::log::witnesses::Uncosigned;
use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::CheckpointError;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::store::embedded::PublishError;

/// How long the next checkpoint waits for more entries: several a second are enough for everybody.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait after a checkpoint could not be published.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How long until witnesses are asked again who did not cosign.
const PAUSE_FOR_WITNESSES: Duration = Duration::from_secs(10);

/// Why a checkpoint was not published.
#[derive(Debug, thiserror::Error)]
pub(in crate::app) enum Unpublished {
    /// It was not signed.
    #[error(transparent)]
    Sign(#[from] CheckpointError),
    /// A witness has seen more than there is.
    #[error(transparent)]
    Ahead(#[from] Ahead),
    /// It was not made durable.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The thread that works on the disk is gone.
    #[error("it was interrupted")]
    Interrupted,
}

/// How publishing does.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Publishing {
    /// Why the last checkpoint was not published.
    pub(in crate::app) trouble: Option<String>,
    /// Who did not cosign the last one.
    pub(in crate::app) uncosigned: Vec<Uncosigned>,
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
                match app.publish_checkpoint().await {
                    Ok(Witnessed::Enough) => {
                        if appended.changed().await.is_err() {
                            return;
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                    Ok(Witnessed::TooFew) => {
                        let more = tokio::time::timeout(PAUSE_FOR_WITNESSES, appended.changed());
                        if let Ok(Err(_)) = more.await {
                            return;
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(error) => {
                        tracing::error!(%error, "no checkpoint was published");
                        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                    }
                }
            }
        })
    }

    /// Publishes what was appended before the service stopped.
    pub async fn publish_last_checkpoint(&self) {
        if let Err(error) = self.publish_checkpoint().await {
            tracing::error!(%error, "the last checkpoint was not published");
        }
    }

    /// Publishes a checkpoint over all that is durable, unless that is published with all the cosignatures that are wanted.
    async fn publish_checkpoint(&self) -> Result<Witnessed, Unpublished> {
        let published = self.try_publish().await;
        let mut publishing = self.publishing_of_log();
        publishing.trouble = published.as_ref().err().map(ToString::to_string);
        published
    }

    async fn try_publish(&self) -> Result<Witnessed, Unpublished> {
        let (log, root) = self.store().durable_log();
        let (signer, witnesses) = (&self.0.log_signer, &self.0.witnesses);
        let head = Checkpoint {
            origin: signer.origin.clone(),
            size: log.size(),
            root,
        };
        let there = self.published_as(&head)?;
        let cosigned = there.as_ref().map(|there| witnesses.cosigned(there).len());
        if cosigned.is_some_and(|cosigned| cosigned >= witnesses.wanted()) {
            return Ok(Witnessed::Enough);
        }
        let checkpoint = match there {
            Some(there) => there,
            None => SignedCheckpoint::sign(head, &signer.keys)?,
        };
        let gathered = witnesses.gather(&log, root, checkpoint).await?;
        let found = witnesses.cosigned(&gathered.checkpoint).len();
        for Uncosigned { witness, reason } in &gathered.uncosigned {
            tracing::warn!(%witness, %reason, "a witness did not cosign");
        }
        self.publishing_of_log().uncosigned = gathered.uncosigned;
        if cosigned != Some(found) {
            let app = self.clone();
            tokio::task::spawn_blocking(move || app.store().publish(&gathered.checkpoint))
                .await
                .map_err(|_| Unpublished::Interrupted)??;
        }
        Ok(if found >= witnesses.wanted() {
            Witnessed::Enough
        } else {
            Witnessed::TooFew
        })
    }

    /// The published checkpoint, if it says just this.
    fn published_as(&self, head: &Checkpoint) -> Result<Option<SignedCheckpoint>, Unpublished> {
        match self.store().published_log() {
            Some((_, published)) if published.head() == head => {
                Ok(Some(SignedCheckpoint::parse(published.text())?))
            }
            Some(_) | None => Ok(None),
        }
    }

    pub(in crate::app) fn publishing_of_log(&self) -> MutexGuard<'_, Publishing> {
        let publishing = self.0.log_publishing.lock();
        publishing.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether as many witnesses cosigned what is published as are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Witnessed {
    Enough,
    TooFew,
}
