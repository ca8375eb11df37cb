//! That records of the log were read: who read what is an entry of the log too.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;

/// How records were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadWay {
    /// One, by its place.
    Record,
    /// Those that a search found.
    Search,
    /// How many a search would find.
    Counts,
    /// Many at once, to be taken away.
    Export,
}

impl ReadWay {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Search => "search",
            Self::Counts => "counts",
            Self::Export => "export",
        }
    }
}

/// What was read: at least that, and perhaps more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WhatRead {
    /// How.
    pub way: ReadWay,
    /// The record, where it was asked for by its place.
    pub index: Option<LogIndex>,
    /// Of no earlier time.
    pub from: Option<Timestamp>,
    /// Of an earlier time.
    pub until: Option<Timestamp>,
    /// What they were found by that names nobody.
    pub terms: BTreeMap<String, String>,
    /// What they were found by that names people; what was erased is missing.
    pub people: BTreeMap<String, String>,
}

impl WhatRead {
    /// One record, by its place.
    pub fn record(index: LogIndex) -> Self {
        Self {
            way: ReadWay::Record,
            index: Some(index),
            from: None,
            until: None,
            terms: BTreeMap::new(),
            people: BTreeMap::new(),
        }
    }
}

/// That something was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsRead {
    /// What.
    pub what: WhatRead,
    /// How often it was answered.
    pub answers: u64,
    /// How many records were told, in all answers together.
    pub records: u64,
    /// Until when the same account may read the same under this entry; how often it did is told afterwards.
    pub covers_until: Option<Timestamp>,
    /// The entry under which it was read, where this only tells how often.
    pub under: Option<LogIndex>,
}

/// What of a read names nobody, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenRead {
    way: ReadWay,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<LogIndex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    terms: BTreeMap<String, String>,
    answers: u64,
    records: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covers_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    under: Option<LogIndex>,
}

impl OpenRead {
    pub(super) fn of(read: &RecordsRead) -> Self {
        Self {
            way: read.what.way,
            index: read.what.index,
            from: read.what.from,
            until: read.what.until,
            terms: read.what.terms.clone(),
            answers: read.answers,
            records: read.records,
            covers_until: read.covers_until,
            under: read.under,
        }
    }

    pub(super) fn close(self) -> RecordsRead {
        RecordsRead {
            what: WhatRead {
                way: self.way,
                index: self.index,
                from: self.from,
                until: self.until,
                terms: self.terms,
                people: BTreeMap::new(),
            },
            answers: self.answers,
            records: self.records,
            covers_until: self.covers_until,
            under: self.under,
        }
    }
}
