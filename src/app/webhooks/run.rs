//! The work of one webhook: the next event, as often as it takes, then the one after it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::events::EventId;
use crate::app::events::EventKind;
use crate::app::events::EventMessage;
use crate::app::events::Feed;
use crate::app::events::Place;
use crate::app::webhooks::DEAD_LETTERS_MAX;
use crate::app::webhooks::DeadLetter;
use crate::app::webhooks::Hook;
use crate::app::webhooks::LastError;
use crate::domain::time::Timestamp;
use crate::outbound::sender::SendError;

/// How long nothing is tried after the log could not be read, or the endpoint's caller may see nothing.
const RECOVERY: Duration = Duration::from_secs(5);

/// What is not wanted is passed over without a note, up to so many entries: they would be looked at again.
const UNNOTED_ENTRIES_MAX: u64 = 1_000;

/// What became of one attempt.
pub(super) enum Sent {
    Arrived,
    Failed(SendError),
    /// The endpoint's caller may not see it any more.
    Hidden,
}

/// The body of a message, as the Standard Webhooks specification recommends.
#[derive(Serialize)]
struct Message<'a> {
    r#type: EventKind,
    timestamp: Timestamp,
    data: &'a EventMessage,
}

impl App {
    pub(super) async fn run_webhook(&self, hook: &Arc<Hook>) {
        loop {
            self.until_resumed(hook).await;
            match self.open_feed(hook).await {
                Ok(feed) => {
                    if let Err(error) = self.send_from(hook, feed).await {
                        self.note_trouble(hook, &error);
                    }
                }
                Err(error) => self.note_trouble(hook, &error),
            }
            tokio::time::sleep(RECOVERY).await;
        }
    }

    fn note_trouble(&self, hook: &Hook, error: &AppError) {
        let name = &hook.endpoint.name;
        tracing::warn!(webhook = %name, %error, "a webhook cannot go on yet");
        hook.standing().last_error = Some(LastError {
            at: self.now(),
            detail: error.to_string(),
            event: None,
            attempts: None,
        });
    }

    async fn until_resumed(&self, hook: &Hook) {
        while hook.kept().paused.is_some() {
            hook.resumed.notified().await;
        }
    }

    /// Where the webhook was; where the log has no such place any more, from where the settings say.
    async fn open_feed(&self, hook: &Arc<Hook>) -> Result<Feed, AppError> {
        let kept = hook.kept().clone();
        let after = kept
            .after
            .parse()
            .map_err(|_| AppError::UnknownEvent(kept.after.clone()))?;
        let place = |id: EventId| Place {
            id,
            log: Some(kept.log),
        };
        match self.feed_after(hook, place(after)).await {
            Err(AppError::UnknownEvent(event)) => {
                let name = &hook.endpoint.name;
                tracing::warn!(webhook = %name, event, "the log is shorter than what a webhook had sent; it begins again");
                self.feed_after(hook, place(hook.endpoint.begin_after))
                    .await
            }
            opened => opened,
        }
    }

    async fn feed_after(&self, hook: &Arc<Hook>, place: Place) -> Result<Feed, AppError> {
        let endpoint = hook.endpoint.clone();
        self.aside(move |app| app.events(&endpoint.caller, endpoint.wanted, Some(&place)))
            .await
    }

    /// Sends page by page; ends when the webhook is paused.
    async fn send_from(&self, hook: &Arc<Hook>, mut feed: Feed) -> Result<(), AppError> {
        let mut appended = self.appended();
        loop {
            appended.borrow_and_update();
            self.check_identity(hook)?;
            let caller = hook.endpoint.caller.clone();
            let page;
            (feed, page) = self
                .aside(move |_| {
                    let page = feed.page(&caller)?;
                    Ok((feed, page))
                })
                .await?;
            for (place, message) in page {
                if !self.deliver(hook, place.id, &message).await? {
                    return Ok(());
                }
            }
            self.note_progress(hook, feed.place().id).await;
            if !feed.is_behind() && appended.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    fn check_identity(&self, hook: &Hook) -> Result<(), AppError> {
        let until = hook.endpoint.caller_until;
        if until.is_some_and(|until| self.now() >= until) {
            let name = &hook.endpoint.caller.name;
            let detail = format!("the token of `{name}`, by whose right it is sent, has ended");
            return Err(AppError::NoWebhook(detail));
        }
        Ok(())
    }

    /// Sends one event until it arrives or is laid aside; tells whether the webhook goes on.
    async fn deliver(
        &self,
        hook: &Arc<Hook>,
        id: EventId,
        message: &EventMessage,
    ) -> Result<bool, AppError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            // What may be seen can have changed since the page was read, and so can who sends it.
            self.check_identity(hook)?;
            let sent = self.send_once(hook, id).await?;
            let error = match sent {
                Sent::Arrived | Sent::Hidden => {
                    self.move_on(hook, id, None).await;
                    return Ok(true);
                }
                Sent::Failed(error) => error,
            };
            self.note_failure(hook, id, (&error, attempts));
            if error == SendError::Gone {
                self.pause(hook, error.to_string()).await;
                return Ok(false);
            }
            if attempts >= hook.endpoint.backoff.attempts_max {
                return Ok(self.lay_aside(hook, id, (message, &error, attempts)).await);
            }
            let wait = hook.endpoint.backoff.after(attempts, chance());
            tokio::time::sleep(wait).await;
        }
    }

    /// Puts a message among those that did not arrive, if there is room; else nothing more is sent, so that none is
    /// lost.
    async fn lay_aside(
        &self,
        hook: &Arc<Hook>,
        id: EventId,
        (message, error, attempts): (&EventMessage, &SendError, u32),
    ) -> bool {
        if hook.kept().dead.len() >= DEAD_LETTERS_MAX {
            let reason = format!("{DEAD_LETTERS_MAX} messages did not arrive");
            self.pause(hook, reason).await;
            return false;
        }
        tracing::warn!(webhook = %hook.endpoint.name, event = %id, %error, "a message did not arrive and is laid aside");
        let letter = DeadLetter {
            r#type: message.r#type.to_string(),
            failed_at: self.now(),
            attempts,
            error: error.to_string(),
        };
        self.move_on(hook, id, Some(letter)).await;
        true
    }

    async fn pause(&self, hook: &Arc<Hook>, reason: String) {
        tracing::warn!(webhook = %hook.endpoint.name, reason, "a webhook is paused");
        hook.kept().paused = Some(reason);
        self.keep(hook).await;
    }

    /// Sends one event once, as it may be seen now.
    pub(super) async fn send_once(&self, hook: &Arc<Hook>, id: EventId) -> Result<Sent, AppError> {
        let endpoint = hook.endpoint.clone();
        let message = self
            .aside(move |app| app.event(&endpoint.caller, &endpoint.wanted, id))
            .await?;
        match message {
            Some(message) => self.send(hook, id, &message).await,
            None => Ok(Sent::Hidden),
        }
    }

    async fn send(
        &self,
        hook: &Hook,
        id: EventId,
        message: &EventMessage,
    ) -> Result<Sent, AppError> {
        let body = Message {
            r#type: message.r#type,
            timestamp: message.time,
            data: message,
        };
        let body = serde_json::to_vec(&body).map_err(|error| AppError::Broken(Box::new(error)))?;
        let name = Place {
            id,
            log: Some(self.store().started().origin),
        };
        let seconds = self.now().as_milliseconds().div_euclid(1_000);
        let sent = hook.sender.send(&name.to_string(), seconds, body).await;
        Ok(match sent {
            Ok(()) => {
                hook.standing().last_success_at = Some(self.now());
                Sent::Arrived
            }
            Err(error) => Sent::Failed(error),
        })
    }

    fn note_failure(&self, hook: &Hook, id: EventId, (error, attempts): (&SendError, u32)) {
        tracing::debug!(webhook = %hook.endpoint.name, event = %id, attempts, %error, "not arrived yet");
        hook.standing().last_error = Some(LastError {
            at: self.now(),
            detail: error.to_string(),
            event: Some(id.to_string()),
            attempts: Some(attempts),
        });
    }

    /// An event is done with: it is told of no more.
    async fn move_on(&self, hook: &Arc<Hook>, id: EventId, letter: Option<DeadLetter>) {
        {
            let mut kept = hook.kept();
            kept.after = id.to_string();
            kept.dead
                .extend(letter.map(|letter| (id.to_string(), letter)));
        }
        self.keep(hook).await;
    }

    /// Nothing up to here was wanted.
    async fn note_progress(&self, hook: &Arc<Hook>, id: EventId) {
        let noted: Option<EventId> = hook.kept().after.parse().ok();
        let since = noted.map_or(u64::MAX, |noted| id.index.0.saturating_sub(noted.index.0));
        if since >= UNNOTED_ENTRIES_MAX {
            self.move_on(hook, id, None).await;
        }
    }

    /// Writes down how far a webhook has come. Where that fails, events are repeated after the next start.
    pub(super) async fn keep(&self, hook: &Arc<Hook>) {
        let kept = Arc::clone(hook);
        let written = tokio::task::spawn_blocking(move || {
            // Under the lock, so that an older one never takes the place of a newer.
            let state = kept.kept();
            state.write(&kept.file)
        });
        let name = &hook.endpoint.name;
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(webhook = %name, %error, "how far a webhook has come cannot be written");
            }
            Err(error) => {
                tracing::error!(webhook = %name, %error, "a webhook's note was not written");
            }
        }
    }
}

/// Something between nothing and all; without randomness, half.
pub(in crate::app) fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
