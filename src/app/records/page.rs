//! `GET /v1/records`: pages of what was found, and counts of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::filter::RecordFilter;
use super::summary::RecordSummary;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::embedded::search::Bucket;
use crate::store::embedded::search::BucketCount;
use crate::store::embedded::search::BucketCounts;
use crate::store::embedded::search::Dimension;
use crate::store::embedded::search::SearchError;
use crate::store::records_read::ReadWay;

/// How many records are told at once.
pub const PAGE_RECORDS_MAX: usize = 500;

/// How many buckets are told at once.
const BUCKETS_MAX: usize = 1_000;

/// How many values of a dimension are told apart; the others are summed.
const VALUES_MAX: usize = 100;

/// The name under which the others are summed; no operation, system, category or policy is called so.
const OTHERS: &str = "*";

/// When a search is worth another try that came before the index was made.
const RETRY_SECONDS: u64 = 2;

/// Records that were found, the newest first.
#[derive(Clone, Debug, Serialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<RecordSummary>,
    /// `before` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<LogIndex>,
    /// How many entries the log had.
    pub size: TreeSize,
    /// The entry that says who read this.
    pub noted: LogIndex,
}

/// How many records there are, by periods.
#[derive(Clone, Debug, Serialize)]
pub struct CountsAnswer {
    /// The periods in which there are any, in order.
    pub buckets: Vec<BucketAnswer>,
    /// All of them together.
    pub entries: u64,
    /// The entry that says who read this, where it was about somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noted: Option<LogIndex>,
}

/// How many records of a period there are.
#[derive(Clone, Debug, Serialize)]
pub struct BucketAnswer {
    /// When it begins.
    pub from: Timestamp,
    /// All of them.
    pub entries: u64,
    /// Those with at least one item that came out so.
    pub outcomes: OutcomeEntries,
    /// By the values of the dimension that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<BTreeMap<String, u64>>,
}

/// Records with at least one item that came out so; one with several outcomes counts for each.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OutcomeEntries {
    /// Accepted.
    pub accept: u64,
    /// Rejected.
    pub reject: u64,
    /// Held.
    pub review: u64,
}

impl App {
    /// Begins to follow the log with the index by which records are found.
    pub fn index_log(&self) {
        if let Err(error) = self.store().search().start() {
            tracing::error!(%error, "the log is not indexed yet; the first search tries again");
        }
    }

    /// The records that fit, before a place, the newest first.
    pub async fn search_records(
        &self,
        caller: &Caller,
        filter: RecordFilter,
        before: Option<LogIndex>,
        limit: usize,
    ) -> Result<RecordPage, AppError> {
        self.permit(caller, Action::ReadRecords)?;
        let what = filter.what(ReadWay::Search);
        let limit = limit.min(PAGE_RECORDS_MAX);
        let (records, next, size) = self
            .aside(move |app| app.find_records(&filter, before, limit))
            .await?;
        let noted = self.note_read(caller, what, records.len()).await?;
        Ok(RecordPage {
            records,
            next,
            size,
            noted,
        })
    }

    /// How many records fit, by periods and by the values of a dimension.
    pub async fn count_records(
        &self,
        caller: &Caller,
        filter: RecordFilter,
        bucket: Bucket,
        by: Option<Dimension>,
    ) -> Result<CountsAnswer, AppError> {
        self.permit(caller, Action::ReadRecords)?;
        let what = filter.what(ReadWay::Counts);
        let counts = self
            .aside(move |app| {
                let index = app.store().search();
                let counts = index.count(&filter.query(), bucket, by, BUCKETS_MAX);
                counts.map_err(unanswered)
            })
            .await?;
        // Numbers of nobody in particular are what `/metrics` tells too.
        let noted = if what.people.is_empty() {
            None
        } else {
            Some(self.note_read(caller, what, 0).await?)
        };
        let counts = by.map_or(counts.clone(), |_| with_others(counts));
        Ok(CountsAnswer {
            entries: counts.values().map(|count| count.entries).sum(),
            buckets: counts
                .into_iter()
                .map(|(from, count)| BucketAnswer::of(from, count, by.is_some()))
                .collect(),
            noted,
        })
    }

    fn find_records(
        &self,
        filter: &RecordFilter,
        before: Option<LogIndex>,
        limit: usize,
    ) -> Result<(Vec<RecordSummary>, Option<LogIndex>, TreeSize), AppError> {
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| AppError::Broken(error);
        let query = filter.query();
        let found = self.store().search().find(&query, before, limit);
        let found = found.map_err(unanswered)?;
        let next = found.indexes.last().copied().filter(|_| found.has_more);
        let reader = self.store().reader();
        let mut records = Vec::with_capacity(found.indexes.len());
        for index in found.indexes {
            let read = reader.verify(index).map_err(|error| broken(error.into()))?;
            let summary = RecordSummary::of(index, (&read.0, read.1), &query);
            records.extend(summary.map_err(|error| broken(error.into()))?);
        }
        Ok((records, next, found.size))
    }
}

impl BucketAnswer {
    fn of(from: Timestamp, count: BucketCount, is_divided: bool) -> Self {
        Self {
            from,
            entries: count.entries,
            outcomes: OutcomeEntries {
                accept: count.accept,
                reject: count.reject,
                review: count.review,
            },
            by: is_divided.then_some(count.by),
        }
    }
}

/// Sums the values that are seldom: a chart has no room for thousands.
fn with_others(mut counts: BucketCounts) -> BucketCounts {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (value, count) in counts.values().flat_map(|count| &count.by) {
        *sums.entry(value.clone()).or_default() += count;
    }
    if sums.len() <= VALUES_MAX {
        return counts;
    }
    let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
    sums.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let told: std::collections::BTreeSet<String> = sums
        .into_iter()
        .take(VALUES_MAX)
        .map(|(value, _)| value)
        .collect();
    for count in counts.values_mut() {
        let mut others = 0;
        count.by.retain(|value, entries| {
            let is_told = told.contains(value);
            if !is_told {
                others += *entries;
            }
            is_told
        });
        if others > 0 {
            count.by.insert(OTHERS.to_owned(), others);
        }
    }
    counts
}

fn unanswered(error: SearchError) -> AppError {
    match error {
        SearchError::NotReady { .. } => AppError::SearchNotReady {
            detail: error.to_string(),
            retry_after_seconds: RETRY_SECONDS,
        },
        SearchError::TooManyBuckets { most } => AppError::TooManyBuckets { most },
        SearchError::Thread(_) => AppError::Broken(Box::new(error)),
    }
}
