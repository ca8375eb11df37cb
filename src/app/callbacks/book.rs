//! One receiver: who is called on which hosts, and what waits to be said.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::Url;
use tokio::time::Instant;
use uuid::Uuid;

use super::CallbacksAnswer;
use super::kept::Kept;
use super::shown;
use crate::app::access_request::TaskStatus;
use crate::app::kept_file;
use crate::app::webhooks::Backoff;
use crate::app::webhooks::DeadLetter;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::outbound::address::Network;
use crate::outbound::host::Host;
use crate::outbound::sender::InvalidTarget;
use crate::outbound::sender::Sender;
use crate::outbound::sender::Target;
use crate::outbound::signature::Secret;

/// Who may be called about its tasks, where and how.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Whose tasks.
    pub caller: Caller,
    /// The first moment at which that identity is no longer good.
    pub caller_until: Option<Timestamp>,
    /// The hosts on which it may be called.
    pub hosts: BTreeSet<Host>,
    /// Under which calls are signed; two while one takes the place of the other.
    pub secrets: Vec<Secret>,
    /// Networks inside that may be called.
    pub allowed: Vec<Network>,
    /// The authorities that may vouch for the hosts, in PEM; absent: those of the system.
    pub authorities: Option<Vec<u8>>,
    /// How long one attempt may take in all.
    pub timeout: Duration,
    /// How often and how far apart.
    pub backoff: Backoff,
}

/// What is known of a receiver.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
    file: PathBuf,
    kept: Mutex<Kept>,
    /// When each call that waits is tried again; those that are being tried are not there.
    due: Mutex<BTreeMap<String, Instant>>,
}

impl Book {
    pub(super) fn open(
        receiver: Receiver,
        directory: &Path,
        log: Uuid,
    ) -> Result<Self, InvalidTarget> {
        let mut senders = Vec::new();
        for host in &receiver.hosts {
            let url = Url::parse(&format!("https://{host}/")).map_err(|_| InvalidTarget::Scheme)?;
            senders.push(Sender::new(Target {
                url,
                secrets: receiver.secrets.clone(),
                allowed: receiver.allowed.clone(),
                authorities: receiver.authorities.clone(),
                timeout: receiver.timeout,
            })?);
        }
        let sender = senders.into_iter().next().ok_or(InvalidTarget::NoHost)?;
        let file = directory.join(format!("{}.json", receiver.name));
        let kept = kept_file::read::<Kept>(&file).filter(|kept| {
            let is_ours = kept.log == log;
            if !is_ours {
                let name = &receiver.name;
                tracing::warn!(
                    name,
                    "what was called back is of another log; it begins again"
                );
            }
            is_ours
        });
        let kept = kept.unwrap_or_else(|| Kept::new(log));
        Ok(Self {
            sender,
            file,
            due: Mutex::default(),
            kept: Mutex::new(kept),
            receiver,
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries of the log were looked at.
    pub(super) fn entries(&self) -> u64 {
        self.kept().entries
    }

    /// The log was looked at so far, and these tasks ended there.
    pub(super) fn note(&self, entries: u64, ended: Vec<(String, TaskStatus)>, now: Timestamp) {
        let (mut kept, mut due) = (self.kept(), self.due());
        kept.entries = entries;
        for (task, status) in ended {
            if kept.wait_for(&task, status, now) {
                due.insert(task, Instant::now());
            }
        }
    }

    /// Whatever waits and has no time is due now.
    pub(super) fn take_up(&self) {
        let (kept, mut due) = (self.kept(), self.due());
        for task in kept.waiting.keys() {
            due.entry(task.clone()).or_insert_with(Instant::now);
        }
    }

    /// Takes the calls whose time has come, so many at most.
    pub(super) fn take_due(&self, most: usize) -> Vec<String> {
        let now = Instant::now();
        let mut due = self.due();
        let ready = due.iter().filter(|(_, at)| **at <= now);
        let ready: Vec<String> = ready.map(|(task, _)| task.clone()).take(most).collect();
        for task in &ready {
            due.remove(task);
        }
        ready
    }

    /// When the next call is to be tried.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due().values().min().copied()
    }

    /// A call was taken, or nothing is to be said any more.
    pub(super) fn done(&self, task: &str) {
        self.kept().waiting.remove(task);
    }

    /// One more attempt failed; how many those are.
    pub(super) fn failed(&self, task: &str) -> u32 {
        let mut kept = self.kept();
        let attempts = kept.waiting.entry(task.to_owned()).or_default();
        *attempts = attempts.saturating_add(1);
        *attempts
    }

    /// It is tried again after a while.
    pub(super) fn put_off(&self, task: &str, wait: Duration) {
        self.due().insert(task.to_owned(), Instant::now() + wait);
    }

    pub(super) fn lay_aside(&self, task: &str, letter: DeadLetter) {
        self.kept().lay_aside(task, letter);
    }

    /// A dead letter was taken after all.
    pub(super) fn bury(&self, task: &str) {
        self.kept().dead.remove(task);
    }

    pub(super) fn dead(&self) -> BTreeMap<String, DeadLetter> {
        self.kept().dead.clone()
    }

    /// Writes down how far it has come; durable on return.
    pub(super) fn write(&self) -> io::Result<()> {
        // Under the lock, so that an older one never takes the place of a newer.
        let kept = self.kept();
        kept_file::write(&self.file, &*kept)
    }

    pub(super) fn answer(&self, applied: u64) -> CallbacksAnswer {
        let kept = self.kept();
        CallbacksAnswer {
            name: self.receiver.name.clone(),
            caller: self.receiver.caller.name.clone(),
            hosts: shown(&self.receiver.hosts),
            behind: applied.saturating_sub(kept.entries),
            waiting: kept.waiting.len(),
            dead_letters: kept.dead.len(),
        }
    }
}
