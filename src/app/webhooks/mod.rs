//! Webhooks: events that are sent to receivers, each at least once and in order, from the log.
//!
//! Each endpoint reads a [`Feed`](crate::app::events::Feed) under a caller of its own and keeps one place; what waits
//! waits in the log.

mod backoff;
mod kept;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use backoff::Backoff;
pub use kept::DEAD_LETTERS_MAX;
pub use kept::DeadLetter;
pub(in crate::app) use run::chance;

use kept::Kept;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::events::EventId;
use crate::app::events::EventKind;
use crate::app::events::Wanted;
use crate::app::permission::Action;
use crate::domain::identity::McSystemId;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::outbound::sender::InvalidTarget;
use crate::outbound::sender::Sender;
use crate::outbound::sender::Target;

/// Where events are sent, which, and by whose right.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// What the caller of this identity may see is sent.
    pub caller: Caller,
    /// The first moment at which that identity is no longer good.
    pub caller_until: Option<Timestamp>,
    /// Which events.
    pub wanted: Wanted,
    /// After which event it begins, if it was never there or what it had sent is lost.
    pub begin_after: EventId,
    /// Where and how.
    pub target: Target,
    /// How often and how far apart.
    pub backoff: Backoff,
}

impl Endpoint {
    /// Whether it can be sent to, as far as that can be seen without sending.
    pub fn check(&self) -> Result<(), InvalidTarget> {
        Sender::new(self.target.clone()).map(drop)
    }
}

/// An endpoint that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the webhook `{name}` cannot be set up")]
pub struct InvalidEndpoint {
    /// Its name.
    pub name: String,
    /// Why.
    #[source]
    pub source: InvalidTarget,
}

/// All webhooks, by name.
#[derive(Debug, Default)]
pub struct Webhooks(BTreeMap<String, Arc<Hook>>);

/// One webhook.
#[derive(Debug)]
struct Hook {
    endpoint: Endpoint,
    sender: Sender,
    file: PathBuf,
    kept: Mutex<Kept>,
    standing: Mutex<Standing>,
    resumed: Notify,
}

/// How a webhook does since the start.
#[derive(Clone, Debug, Default)]
struct Standing {
    last_success_at: Option<Timestamp>,
    last_error: Option<LastError>,
}

/// What went wrong last.
#[derive(Clone, Debug, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What.
    pub detail: String,
    /// The event that was to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// How often it was tried by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}

/// A webhook as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct WebhookAnswer {
    /// Its name.
    pub name: String,
    /// Where it sends, without what stands behind the path.
    pub url: String,
    /// Which types of events; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<EventKind>>,
    /// Of requests with which partner; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<McSystemId>,
    /// By whose right.
    pub caller: String,
    /// The last event that is done with.
    pub cursor: String,
    /// Entries of the log behind it.
    pub behind: u64,
    /// When something arrived last, since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// What went wrong last, since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// Why nothing is sent until somebody says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// How many messages did not arrive.
    pub dead_letters: usize,
}

/// What became of a message that was sent again.
#[derive(Clone, Debug, Serialize)]
pub struct Redelivery {
    /// The event.
    pub event: String,
    /// Whether it arrived; then it lies aside no more.
    pub delivered: bool,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Webhooks {
    /// Takes up each endpoint where it was; `log` is the log of which they tell.
    pub fn new(
        endpoints: Vec<Endpoint>,
        directory: &std::path::Path,
        log: Uuid,
    ) -> Result<Self, InvalidEndpoint> {
        let mut hooks = BTreeMap::new();
        for endpoint in endpoints {
            let name = endpoint.name.clone();
            let sender = Sender::new(endpoint.target.clone());
            let sender = sender.map_err(|source| InvalidEndpoint {
                name: name.clone(),
                source,
            })?;
            let file = directory.join(format!("{name}.json"));
            let kept = Kept::read(&file).filter(|kept| {
                let is_ours = kept.log == log && kept.after.parse::<EventId>().is_ok();
                if !is_ours {
                    tracing::warn!(
                        name,
                        "what a webhook had sent is of another log; it begins again"
                    );
                }
                is_ours
            });
            let kept = kept.unwrap_or_else(|| Kept {
                log,
                after: endpoint.begin_after.to_string(),
                dead: BTreeMap::new(),
                paused: None,
            });
            let hook = Hook {
                endpoint,
                sender,
                file,
                kept: Mutex::new(kept),
                standing: Mutex::default(),
                resumed: Notify::new(),
            };
            hooks.insert(name, Arc::new(hook));
        }
        Ok(Self(hooks))
    }
}

impl Hook {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, applied: u64) -> WebhookAnswer {
        let kept = self.kept().clone();
        let standing = self.standing().clone();
        let after: Option<EventId> = kept.after.parse().ok();
        let behind = after.map_or(applied, |after| applied.saturating_sub(after.index.0 + 1));
        let wanted = &self.endpoint.wanted;
        WebhookAnswer {
            name: self.endpoint.name.clone(),
            url: self.sender.shown(),
            types: wanted.kinds.as_ref().map(|it| it.iter().copied().collect()),
            partner: wanted.partner.clone(),
            caller: self.endpoint.caller.name.clone(),
            cursor: kept.after,
            behind,
            last_success_at: standing.last_success_at,
            last_error: standing.last_error,
            paused: kept.paused,
            dead_letters: kept.dead.len(),
        }
    }
}

impl App {
    /// Sends what happens to every webhook, until the returned tasks are aborted.
    pub fn run_webhooks(&self) -> Vec<JoinHandle<()>> {
        let hooks = self.0.webhooks.0.values();
        let running = hooks.map(|hook| {
            let (app, hook) = (self.clone(), Arc::clone(hook));
            tokio::spawn(async move { app.run_webhook(&hook).await })
        });
        running.collect()
    }

    /// All webhooks, as they stand.
    pub fn webhooks(&self, caller: &Caller) -> Result<Vec<WebhookAnswer>, AppError> {
        self.permit(caller, Action::ReadWebhooks)?;
        let applied = self.store().view(|state| state.applied().0);
        let hooks = self.0.webhooks.0.values();
        Ok(hooks.map(|hook| hook.answer(applied)).collect())
    }

    /// What did not arrive at one, by the name of the event.
    pub fn dead_letters(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Vec<(EventId, DeadLetter)>, AppError> {
        self.permit(caller, Action::ReadWebhooks)?;
        let kept = self.hook(name)?.kept().dead.clone();
        let mut dead: Vec<(EventId, DeadLetter)> = kept
            .into_iter()
            .filter_map(|(event, letter)| Some((event.parse().ok()?, letter)))
            .collect();
        dead.sort_by_key(|(event, _)| *event);
        Ok(dead)
    }

    /// Sends again, once, what did not arrive. What the endpoint's caller may no longer see is not sent.
    pub async fn redeliver(
        &self,
        caller: &Caller,
        name: &str,
        event: &str,
    ) -> Result<Redelivery, AppError> {
        self.permit(caller, Action::ManageWebhooks)?;
        let hook = self.hook(name)?;
        let unknown = || AppError::NoWebhook(format!("`{event}` is no dead letter of `{name}`"));
        let id: EventId = event.parse().map_err(|_| unknown())?;
        if !hook.kept().dead.contains_key(event) {
            return Err(unknown());
        }
        let sent = self.send_once(&hook, id).await?;
        let answer = |error: Option<String>| Redelivery {
            event: event.to_owned(),
            delivered: error.is_none(),
            error,
        };
        match sent {
            run::Sent::Arrived => {
                hook.kept().dead.remove(event);
                self.keep(&hook).await;
                Ok(answer(None))
            }
            run::Sent::Failed(error) => Ok(answer(Some(error.to_string()))),
            run::Sent::Hidden => {
                let detail = "the endpoint's caller may no longer see it, or does not want it";
                Ok(answer(Some(detail.to_owned())))
            }
        }
    }

    /// Lets a webhook that was paused go on.
    pub async fn resume_webhook(&self, caller: &Caller, name: &str) -> Result<(), AppError> {
        self.permit(caller, Action::ManageWebhooks)?;
        let hook = self.hook(name)?;
        hook.kept().paused = None;
        self.keep(&hook).await;
        hook.resumed.notify_one();
        Ok(())
    }

    fn hook(&self, name: &str) -> Result<Arc<Hook>, AppError> {
        let hook = self.0.webhooks.0.get(name);
        let unknown = || AppError::NoWebhook(format!("there is no webhook `{name}`"));
        hook.map(Arc::clone).ok_or_else(unknown)
    }
}
