//! Callbacks: whoever asked for an approval is called when the task has ended, at the address that they named.
//!
//! Who may name one, and on which hosts, is for the settings. What was named stands in the record of the task's first
//! request; that a task has ended is read from the log. Each receiver keeps one place, and what was not taken yet.

mod book;
mod call;
mod kept;
mod run;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use reqwest::Url;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use book::Receiver;

use book::Book;

use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::TaskStatus;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::webhooks::DeadLetter;
use crate::app::webhooks::Redelivery;
use crate::identity::caller::Caller;
use crate::outbound::host::Host;
use crate::outbound::sender::InvalidTarget;
use crate::outbound::sender::Sender;

/// Where a caller wants to be called when a task has ended, as it stands in the record; it may name people and hold
/// what is not for everybody, so it is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename = "access-callback")]
pub struct Callback {
    /// Where.
    pub endpoint: String,
    /// With which ends of the task.
    pub events: Vec<TaskStatus>,
    /// What is given back as it was: the member `state`, if there is one.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub returned: Map<String, Value>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// Who may be called, by the name of the receiver.
#[derive(Debug, Default)]
pub struct Callbacks(BTreeMap<String, Arc<Book>>);

/// A receiver that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the callbacks `{name}` cannot be set up")]
pub struct InvalidReceiver {
    /// Its name.
    pub name: String,
    /// Why.
    #[source]
    pub source: InvalidTarget,
}

/// The callbacks of one caller as they stand.
#[derive(Clone, Debug, Serialize)]
pub struct CallbacksAnswer {
    /// The name of the receiver.
    pub name: String,
    /// Whose tasks they are of.
    pub caller: String,
    /// The hosts that may be called.
    pub hosts: Vec<String>,
    /// Entries of the log that were not looked at yet.
    pub behind: u64,
    /// How many calls were not taken yet, and are tried again.
    pub waiting: usize,
    /// How many never were.
    pub dead_letters: usize,
}

impl Callbacks {
    /// Takes up each receiver where it was; `log` is the log of which they are told.
    pub fn new(
        receivers: Vec<Receiver>,
        directory: &Path,
        log: Uuid,
    ) -> Result<Self, InvalidReceiver> {
        let mut books = BTreeMap::new();
        for receiver in receivers {
            let name = receiver.name.clone();
            let book = Book::open(receiver, directory, log);
            let book = book.map_err(|source| InvalidReceiver {
                name: name.clone(),
                source,
            })?;
            books.insert(name, Arc::new(book));
        }
        Ok(Self(books))
    }
}

fn refused(detail: impl Into<String>) -> AppError {
    AccessProblem::CallbackRefused.with(detail)
}

impl App {
    /// Whether anybody may be called.
    pub fn takes_callbacks(&self) -> bool {
        !self.0.callbacks.0.is_empty()
    }

    /// Calls whoever is to be called, until the returned tasks are aborted.
    pub fn run_callbacks(&self) -> Vec<JoinHandle<()>> {
        let books = self.0.callbacks.0.values();
        let running = books.map(|book| {
            let (app, book) = (self.clone(), Arc::clone(book));
            tokio::spawn(async move { app.run_callbacks_of(&book).await })
        });
        running.collect()
    }

    /// Checks that a caller may be called where it wants to be: before anything is recorded, and again before each call.
    pub(in crate::app) async fn check_callback(
        &self,
        caller: &Caller,
        callback: &Callback,
    ) -> Result<(), AppError> {
        let mut books = self.0.callbacks.0.values();
        let book = books.find(|book| book.receiver.caller.name == caller.name);
        let book = book.ok_or_else(|| {
            refused(
                "no callbacks are set up for the caller; leave `callback` out and read the task",
            )
        })?;
        let sender = sender_to(book, &callback.endpoint).map_err(refused)?;
        let checked = sender.check_address().await;
        checked.map_err(|error| refused(format!("`callback.endpoint`: {error}")))
    }

    /// All receivers, as they stand.
    pub fn callbacks(&self, caller: &Caller) -> Result<Vec<CallbacksAnswer>, AppError> {
        self.permit(caller, Action::ReadWebhooks)?;
        let applied = self.store().view(|state| state.applied().0);
        let books = self.0.callbacks.0.values();
        Ok(books.map(|book| book.answer(applied)).collect())
    }

    /// What was never taken by one, by the name of the task.
    pub fn dead_callbacks(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<BTreeMap<String, DeadLetter>, AppError> {
        self.permit(caller, Action::ReadWebhooks)?;
        Ok(self.book(name)?.dead())
    }

    /// Calls again, once, about a task of which nobody took it.
    pub async fn call_again(
        &self,
        caller: &Caller,
        name: &str,
        task: &str,
    ) -> Result<Redelivery, AppError> {
        self.permit(caller, Action::ManageWebhooks)?;
        let book = self.book(name)?;
        if !book.dead().contains_key(task) {
            let detail = format!("`{task}` is no dead letter of `{name}`");
            return Err(AppError::NoWebhook(detail));
        }
        let error = match self.call(&book, task).await? {
            call::Called::Taken => {
                book.bury(task);
                self.keep_book(&book).await;
                None
            }
            call::Called::Failed(error) => Some(error.to_string()),
            call::Called::Barred(detail) => Some(detail),
            call::Called::Hidden => {
                Some("the caller may no longer read it, or it is told of no longer".to_owned())
            }
        };
        Ok(Redelivery {
            event: task.to_owned(),
            delivered: error.is_none(),
            error,
        })
    }

    fn book(&self, name: &str) -> Result<Arc<Book>, AppError> {
        let book = self.0.callbacks.0.get(name);
        let unknown = || AppError::NoWebhook(format!("there are no callbacks `{name}`"));
        book.map(Arc::clone).ok_or_else(unknown)
    }
}

/// What sends to an address that a caller named; says why not.
fn sender_to(book: &Book, endpoint: &str) -> Result<Sender, String> {
    let url = Url::parse(endpoint).map_err(|error| format!("`callback.endpoint`: {error}"))?;
    let host = Host::of(&url).ok_or("`callback.endpoint` is no HTTPS address")?;
    if !book.receiver.hosts.contains(&host) {
        return Err(format!(
            "`callback.endpoint`: no calls are made to `{host}` for the caller; have it added to its `hosts`"
        ));
    }
    let sender = book.sender.to(url);
    sender.map_err(|error| format!("`callback.endpoint`: {error}"))
}

/// The names of hosts, in order.
fn shown(hosts: &BTreeSet<Host>) -> Vec<String> {
    hosts.iter().map(ToString::to_string).collect()
}
