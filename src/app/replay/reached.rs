//! How far a run has come: all that is needed to go on with it after it was broken off.

use std::ops::Range;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::recorded::Selection;
use crate::app::replay::Replay;
use crate::app::replay::report::ReplayReport;
use crate::decision::record::ENGINE_VERSION;
use crate::decision_log::TreeSize;

/// The version of the form in which it is written down.
const VERSION: u32 = 1;

/// Up to where a run has come, and what it found there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    version: u32,
    /// The log.
    origin: Uuid,
    /// The engine that decides again.
    engine_version: String,
    selection: Selection,
    first: u64,
    /// The entry after the last; what the log grows by meanwhile belongs to the next run.
    end: u64,
    next: u64,
    report: ReplayReport,
}

/// Why what is written down is no run that can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It is not what a run looks like.
    #[error("it does not say how far a replay has come")]
    Unreadable(#[from] serde_json::Error),
    /// A later version of the program wrote it.
    #[error("it has version {0}, this program knows version {VERSION}")]
    Version(u32),
    /// It is about another log.
    #[error("it is about another log, `{0}`")]
    Origin(Uuid),
    /// Another engine decided.
    #[error("`{0}` made the first part of it, and this is `{ENGINE_VERSION}`")]
    Engine(String),
    /// Something else was to be replayed.
    #[error("it is about another selection of decisions")]
    Selection,
    /// The log is shorter than it was.
    #[error("it goes up to entry {end}, and the log has {size}")]
    Shorter {
        /// The end.
        end: u64,
        /// How many there are.
        size: TreeSize,
    },
    /// Its numbers contradict each other.
    #[error("its numbers contradict each other")]
    Contradiction,
}

impl Reached {
    pub(super) fn nothing(origin: Uuid, selection: Selection, size: TreeSize) -> Self {
        let Range { start, end } = selection.entries(size);
        Self {
            version: VERSION,
            origin,
            engine_version: ENGINE_VERSION.to_owned(),
            selection,
            first: start,
            end,
            next: start,
            report: ReplayReport::empty(),
        }
    }

    /// What is replayed.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The entries that are to be read in all.
    pub fn entries(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// How many of them were read.
    pub fn done(&self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    /// Whether nothing is left to do.
    pub fn is_whole(&self) -> bool {
        self.next >= self.end
    }

    /// What was found up to here.
    pub fn report(&self) -> &ReplayReport {
        &self.report
    }

    /// The same, for good.
    pub fn into_report(self) -> ReplayReport {
        self.report
    }

    /// As it is written down.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    pub(super) fn left(&self) -> Range<u64> {
        self.next..self.end
    }

    pub(super) fn take(&mut self, end: u64, found: ReplayReport) {
        self.report.add(found);
        self.next = end;
    }
}

impl Replay<'_> {
    /// Reads how far a run over this log has come, to go on with it.
    pub fn resume(&self, written: &[u8], selection: &Selection) -> Result<Reached, ResumeError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let Head { version } = serde_json::from_slice(written)?;
        if version != VERSION {
            return Err(ResumeError::Version(version));
        }
        let reached: Reached = serde_json::from_slice(written)?;
        let size = self.reader.size();
        if reached.origin != self.origin {
            return Err(ResumeError::Origin(reached.origin));
        }
        if reached.engine_version != ENGINE_VERSION {
            return Err(ResumeError::Engine(reached.engine_version));
        }
        if reached.selection != *selection {
            return Err(ResumeError::Selection);
        }
        if reached.end > size.0 {
            let end = reached.end;
            return Err(ResumeError::Shorter { end, size });
        }
        let is_sound = reached.first <= reached.next
            && reached.next <= reached.end
            && reached.report.entries == reached.done();
        if is_sound {
            Ok(reached)
        } else {
            Err(ResumeError::Contradiction)
        }
    }
}
