//! Who read which records: an entry of the log before the answer is given.
//!
//! An entry covers the same reading by the same account for a while, so that a page that asks every few seconds does not fill
//! the log; how often it was done is told by another entry afterwards. What is written down is never less than what was read.

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::app::App;
use crate::app::error::AppError;
use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::NoteRecordsRead;
use crate::store::records_read::RecordsRead;
use crate::store::records_read::WhatRead;

const HOUR: i64 = 60 * 60 * 1_000;

/// How long an entry covers the same reading.
const COVERS_MILLISECONDS: i64 = HOUR / 4;

/// How many readings are covered at once; beyond, the oldest is not any more.
const COVERS_MAX: usize = 1_000;

/// How many sums wait to be written down.
const SUMS_MAX: usize = 4_096;

/// How many sums one entry tells.
const SUMS_AT_ONCE: usize = 256;

/// What was read lately, and under which entries.
#[derive(Debug, Default)]
pub(in crate::app) struct Reads {
    /// By account and by what was read, its period left out.
    covers: BTreeMap<(String, WhatRead), Cover>,
    /// How often something was read, that no entry tells yet.
    sums: Vec<(String, RecordsRead)>,
}

#[derive(Clone, Debug)]
struct Cover {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    ends: Timestamp,
    under: LogIndex,
    /// How often the same was read since.
    answers: u64,
    records: u64,
}

impl App {
    /// Writes down that records were read; on return that is durable, and the answer can be given.
    pub(in crate::app) async fn note_read(
        &self,
        caller: &Caller,
        what: WhatRead,
        records: usize,
    ) -> Result<LogIndex, AppError> {
        let now = self.now();
        let records = records as u64;
        let covered = self.reads().cover(&caller.name, &what, records, now);
        if let Some(under) = covered {
            return Ok(under);
        }
        let what = widened(what, now);
        let ends = now.plus_milliseconds(COVERS_MILLISECONDS);
        let command = Command::NoteRecordsRead(NoteRecordsRead {
            reads: vec![RecordsRead {
                what: what.clone(),
                answers: 1,
                records,
                covers_until: Some(ends),
                under: None,
            }],
            actor: caller.name.clone(),
            at: now,
        });
        let under = self.commit(command).await?.index;
        let (from, until) = (what.from, what.until);
        let cover = Cover {
            from,
            until,
            ends,
            under,
            answers: 0,
            records: 0,
        };
        self.reads().begin(&caller.name, what, cover);
        Ok(under)
    }

    /// Writes down how often was read what entries covered that cover it no longer; at the end, all of them.
    pub async fn record_reads(&self, is_end: bool) {
        let now = self.now();
        let sums = self.reads().take_sums(!is_end, now);
        let mut by_caller: BTreeMap<String, Vec<RecordsRead>> = BTreeMap::new();
        for (caller, sum) in sums {
            by_caller.entry(caller).or_default().push(sum);
        }
        for (actor, sums) in by_caller {
            for reads in sums.chunks(SUMS_AT_ONCE) {
                let command = Command::NoteRecordsRead(NoteRecordsRead {
                    reads: reads.to_vec(),
                    actor: actor.clone(),
                    at: now,
                });
                if let Err(error) = self.commit(command).await {
                    tracing::warn!(%error, "how often records were read was not recorded yet");
                    let mut book = self.reads();
                    for read in reads {
                        book.keep(actor.clone(), read.clone());
                    }
                }
            }
        }
    }

    fn reads(&self) -> MutexGuard<'_, Reads> {
        self.0.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reads {
    /// The entry that covers a reading, if one does; it is counted.
    fn cover(
        &mut self,
        caller: &str,
        what: &WhatRead,
        records: u64,
        now: Timestamp,
    ) -> Option<LogIndex> {
        let cover = self.covers.get_mut(&key(caller, what.clone()))?;
        let begins = match (cover.from, what.from) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(covered), Some(from)) => covered <= from,
        };
        let ends = match (cover.until, what.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(covered), Some(until)) => until <= covered,
        };
        if now >= cover.ends || !begins || !ends {
            return None;
        }
        cover.answers += 1;
        cover.records += records;
        Some(cover.under)
    }

    fn begin(&mut self, caller: &str, what: WhatRead, cover: Cover) {
        if self.covers.len() >= COVERS_MAX {
            let covers = self.covers.iter();
            let oldest = covers.min_by_key(|(_, cover)| cover.ends);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.end(&key);
            }
        }
        let key = key(caller, what);
        self.end(&key);
        self.covers.insert(key, cover);
    }

    fn end(&mut self, key: &(String, WhatRead)) {
        let Some(cover) = self.covers.remove(key) else {
            return;
        };
        if cover.answers == 0 {
            return;
        }
        let (caller, what) = key.clone();
        let what = WhatRead {
            from: cover.from,
            until: cover.until,
            ..what
        };
        let sum = RecordsRead {
            what,
            answers: cover.answers,
            records: cover.records,
            covers_until: None,
            under: Some(cover.under),
        };
        self.keep(caller, sum);
    }

    fn keep(&mut self, caller: String, sum: RecordsRead) {
        if self.sums.len() < SUMS_MAX {
            self.sums.push((caller, sum));
        } else {
            tracing::warn!("how often records were read is not recorded: too much of it waits");
        }
    }

    /// What is to be written down; of what is still covered only where nothing is to be left.
    fn take_sums(&mut self, leaves_covered: bool, now: Timestamp) -> Vec<(String, RecordsRead)> {
        let covers = self.covers.iter();
        let over = covers.filter(|(_, cover)| !leaves_covered || cover.ends <= now);
        let over: Vec<_> = over.map(|(key, _)| key.clone()).collect();
        for key in over {
            self.end(&key);
        }
        std::mem::take(&mut self.sums)
    }
}

fn key(caller: &str, what: WhatRead) -> (String, WhatRead) {
    let timeless = WhatRead {
        from: None,
        until: None,
        ..what
    };
    (caller.to_owned(), timeless)
}

/// The same over whole hours, and without an end where that is about now: what is asked again a little later is within it.
fn widened(what: WhatRead, now: Timestamp) -> WhatRead {
    let hour = |time: Timestamp| time.as_milliseconds().div_euclid(HOUR) * HOUR;
    let recent = now.plus_milliseconds(-HOUR);
    WhatRead {
        from: what
            .from
            .map(|from| Timestamp::from_milliseconds(hour(from))),
        until: what
            .until
            .filter(|until| *until < recent)
            .map(|until| Timestamp::from_milliseconds(hour(until) + HOUR)),
        ..what
    }
}
