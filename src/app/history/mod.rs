//! Any past state of a registry document, and the bundle in force at any time, from the log.

mod diff;
mod documents;
mod entry;
mod index;
mod policies;

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::decision_log::Leaf;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::verify_entry;
use crate::telemetry::chain::chain;

pub use self::diff::Difference;
pub use self::documents::DocumentDiff;
pub use self::documents::DocumentHistory;
pub use self::documents::DocumentVersion;
pub use self::documents::PastDocument;
pub use self::policies::ChangedPolicy;
pub use self::policies::PastPolicies;
pub use self::policies::PastPolicy;
pub use self::policies::PoliciesDiff;
pub use self::policies::PoliciesHistory;
pub use self::policies::Publication;

use self::entry::Changed;
use self::entry::is_of_interest;
use self::index::Changes;

/// How many entries one call reads at the most: some seconds' worth. The rest is read meanwhile.
const ENTRIES_A_CALL: u64 = 100_000;

/// A moment: a time, or the index of an entry, right after which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Moment {
    /// A time.
    Time(Timestamp),
    /// The index of an entry: a revision.
    Index(u64),
}

impl Moment {
    /// Whether an entry was there by then.
    fn includes(self, index: u64, at: Timestamp) -> bool {
        match self {
            Self::Time(time) => at <= time,
            Self::Index(last) => index <= last,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(index) = text.parse() {
            return Ok(Self::Index(index));
        }
        let time = text.parse().map(Self::Time);
        time.map_err(|_| {
            format!("`{text}` is neither a time such as `2026-06-01T12:00:00Z` nor a revision")
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => time.fmt(f),
            Self::Index(index) => write!(f, "entry {index}"),
        }
    }
}

/// What was read of the log for its history.
#[derive(Debug, Default)]
pub(in crate::app) struct History {
    known: Mutex<Known>,
    /// Whether the rest is being read.
    is_reading: AtomicBool,
}

/// Which entry changed what, up to one.
#[derive(Debug, Default)]
struct Known {
    next: u64,
    changes: Changes,
    publications: Vec<u64>,
    /// How many changes were erased, by kind of document, and by which entries.
    erased: Vec<(DocumentKind, u64)>,
}

impl Known {
    /// Reads on, up to so many entries; whether that was all that there was when it was asked for.
    fn read(&mut self, reader: &JournalReader, limit: u64) -> Result<bool, AppError> {
        let size = reader.size().0;
        let end = size.min(self.next.saturating_add(limit));
        while self.next < end {
            for entry in reader.entries(LogIndex(self.next)) {
                let entry = entry.map_err(|error| AppError::Broken(Box::new(error)))?;
                if entry.index.0 >= end {
                    break;
                }
                let leaf =
                    Leaf::parse(&entry.leaf).map_err(|error| AppError::Broken(Box::new(error)))?;
                if is_of_interest(leaf.kind()) {
                    let (leaf, payload) =
                        verify_entry(&entry).map_err(|error| AppError::Broken(Box::new(error)))?;
                    self.take(entry.index.0, &Changed::of(leaf.kind(), payload)?);
                }
                self.next = entry.index.0 + 1;
            }
        }
        Ok(self.next >= size)
    }

    fn take(&mut self, index: u64, changed: &Changed) {
        match changed.kind {
            LeafKind::Publication | LeafKind::Refusal => self.publications.push(index),
            LeafKind::Genesis
            | LeafKind::Registry
            | LeafKind::Request
            | LeafKind::Review
            | LeafKind::Report
            | LeafKind::Withdrawal
            | LeafKind::Revocation
            | LeafKind::Acknowledgement
            | LeafKind::Obligation
            | LeafKind::Expiry
            | LeafKind::Reminder
            | LeafKind::DryRunSummary
            | LeafKind::Administrative => {}
        }
        for change in changed.event.body.changes() {
            self.changes.note(change.key(), index);
        }
        self.erased
            .extend(changed.erased.iter().map(|kind| (*kind, index)));
    }
}

impl App {
    /// Looks something up in what was read of the log, once that is all of it.
    fn known<T>(&self, look: impl FnOnce(&Known) -> T) -> Result<T, AppError> {
        let reader = self.store().reader();
        let history = &self.0.history;
        let mut known = history.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.read(&reader, ENTRIES_A_CALL)? {
            return Ok(look(&known));
        }
        let (read, entries) = (known.next, reader.size().0);
        drop(known);
        self.read_on();
        Err(AppError::HistoryUnread { read, entries })
    }

    /// Reads the rest, so that whoever comes again need not wait.
    fn read_on(&self) {
        if self.0.history.is_reading.swap(true, Ordering::AcqRel) {
            return;
        }
        let app = self.clone();
        tokio::spawn(async move {
            loop {
                let read = app.aside(|app| {
                    let reader = app.store().reader();
                    let known = app.0.history.known.lock();
                    let mut known = known.unwrap_or_else(PoisonError::into_inner);
                    known.read(&reader, ENTRIES_A_CALL)
                });
                match read.await {
                    Ok(false) => {}
                    Ok(true) => break,
                    Err(error) => {
                        let error = chain(&error);
                        tracing::error!(error, "the history cannot be read");
                        break;
                    }
                }
            }
            app.0.history.is_reading.store(false, Ordering::Release);
        });
    }
}
