//! Search over the log: an index of each sealed segment of leaves in a file, and of the rest in memory.
//!
//! An index says of which entries a term holds, and when each was made; entries themselves are read from the log. It is
//! derived: lost, damaged or foreign it is made anew. One thread follows the log, away from the sequencer and from those who
//! wait for answers. What was erased is found no longer once [`SearchIndex::rebuild`] was called: at once nothing is found in
//! the segment, then what is left of it.
//!
//! A search opens the files that it needs, and reads a few blocks of each. So memory holds what is of the last segment, and
//! about 200 bytes for each sealed one.

mod buckets;
mod catalog;
mod describe;
mod fault;
mod file;
mod follow;
mod gathered;
mod query;
mod term;

#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::journal::JournalReader;

pub use buckets::Bucket;
pub use buckets::InvalidBucket;
use catalog::Catalog;
use catalog::Slot;
use catalog::SlotState;
pub use describe::DescribeError;
pub use describe::Described;
pub use describe::describe;
pub use describe::describe_entry;
use fault::Fault;
pub use file::FORMAT_VERSION;
pub use query::BucketCount;
pub use query::BucketCounts;
use query::Indexed;
pub use query::Query;
pub use term::Dimension;
pub use term::Term;

/// How often the log is looked at while nobody searches.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a search waits for the newest entries to be indexed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The index of a log. Its thread ends with it.
#[derive(Debug)]
pub struct SearchIndex {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and those who search share.
#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    reader: JournalReader,
    origin: Uuid,
    catalog: RwLock<Catalog>,
    duty: Mutex<Duty>,
    /// Told to the thread when somebody waits, and when it is to stop.
    woken: Condvar,
    /// Told to those who wait when more is indexed.
    advanced: Condvar,
}

#[derive(Debug, Default)]
struct Duty {
    is_stopping: bool,
    is_wanted: bool,
    trouble: Option<String>,
}

/// Some of the entries that are wanted, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Their places.
    pub indexes: Vec<LogIndex>,
    /// Whether there are others before them.
    pub has_more: bool,
    /// How many entries the log had.
    pub size: TreeSize,
}

/// How far the index has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexStatus {
    /// Up to which entry everything is indexed.
    pub indexed: TreeSize,
    /// How many entries are durable.
    pub durable: TreeSize,
    /// Why it goes no further, if it does not.
    pub trouble: Option<String>,
}

/// Why a search is not answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Not all of the log is indexed.
    #[error(
        "{} of {} entries are indexed{}",
        status.indexed, status.durable,
        status.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default()
    )]
    NotReady {
        /// How far it has come.
        status: IndexStatus,
    },
    /// There are more buckets than can be told.
    #[error("there are entries in more than {most} buckets")]
    TooManyBuckets {
        /// How many can be.
        most: usize,
    },
    /// The thread can't be started.
    #[error("the thread that indexes the log can't be started")]
    Thread(#[source] io::Error),
}

impl SearchIndex {
    /// The index of a log; nothing is read before it is started.
    pub(super) fn new(disk: Arc<dyn Disk>, reader: JournalReader, origin: Uuid) -> Self {
        Self {
            shared: Arc::new(Shared {
                disk,
                reader,
                origin,
                catalog: RwLock::new(Catalog::new()),
                duty: Mutex::default(),
                woken: Condvar::new(),
                advanced: Condvar::new(),
            }),
            thread: Mutex::default(),
        }
    }

    /// Starts following the log, unless it does already; the first search does it too.
    pub fn start(&self) -> Result<(), SearchError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() || self.shared.is_stopping() {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new()
            .name("search-index".to_owned())
            .spawn(move || shared.follow());
        *thread = Some(started.map_err(SearchError::Thread)?);
        Ok(())
    }

    /// Ends the thread, and waits for its end.
    pub(super) fn stop(&self) {
        self.shared.duty().is_stopping = true;
        self.shared.woken.notify_all();
        self.shared.advanced.notify_all();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(_)) = thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that indexes the log panicked");
        }
    }

    /// How far the index has come.
    pub fn status(&self) -> IndexStatus {
        self.shared.status()
    }

    /// The wanted entries before a place, the newest first, and no more than a limit.
    ///
    /// Everything is found that was durable before. Keep it off the threads that answer others.
    pub fn find(
        &self,
        query: &Query,
        before: Option<LogIndex>,
        limit: usize,
    ) -> Result<Found, SearchError> {
        let size = self.reached()?;
        let end = before.map_or(u64::MAX, |before| before.0);
        let mut indexes = Vec::new();
        let mut take = |index: &dyn Indexed| -> Result<bool, Fault> {
            let first = index.range().start;
            let found = query.matches(index)?;
            let places = found.iter().rev().map(|number| first + u64::from(number));
            let room = (limit + 1).saturating_sub(indexes.len());
            let places = places.skip_while(|place| *place >= end);
            indexes.extend(places.take(room).map(LogIndex));
            Ok(indexes.len() > limit)
        };
        let (slots, is_enough) = self.with_tail(&mut take)?;
        if !is_enough {
            for slot in slots.iter().rev().filter(|slot| slot.range.start < end) {
                if self.on_slot(slot, query, &mut take)? == Some(true) {
                    break;
                }
            }
        }
        let has_more = indexes.len() > limit;
        indexes.truncate(limit);
        Ok(Found {
            indexes,
            has_more,
            size,
        })
    }

    /// How many of the wanted entries there are, by the period and, if asked for, by the values of a dimension.
    pub fn count(
        &self,
        query: &Query,
        bucket: Bucket,
        by: Option<Dimension>,
        most: usize,
    ) -> Result<BucketCounts, SearchError> {
        self.reached()?;
        let mut counts = BucketCounts::new();
        let mut take = |index: &dyn Indexed| {
            query.count(index, bucket, by, &mut counts)?;
            Ok(counts.len() > most)
        };
        let (slots, is_too_much) = self.with_tail(&mut take)?;
        if !is_too_much {
            for slot in slots.iter().rev() {
                if self.on_slot(slot, query, &mut take)? == Some(true) {
                    break;
                }
            }
        }
        if counts.len() > most {
            return Err(SearchError::TooManyBuckets { most });
        }
        Ok(counts)
    }

    /// Has entries indexed anew, because parts of them were erased. On return nothing of the segments that hold them is
    /// kept, in memory or in a file; a search that needs them waits until they are indexed again.
    pub fn rebuild(&self, entries: Range<LogIndex>) -> io::Result<()> {
        let entries = entries.start.0..entries.end.0;
        self.shared.catalog_mut().forget(&entries);
        for range in self.shared.reader.sealed_leaf_segments() {
            if range.start < entries.end && entries.start < range.end {
                self.shared.remove(range.start)?;
            }
        }
        self.shared.wake();
        Ok(())
    }

    /// Waits until everything is indexed that is durable now.
    fn reached(&self) -> Result<TreeSize, SearchError> {
        self.start()?;
        let size = self.shared.reader.size();
        if self.shared.wait_for(size) {
            return Ok(size);
        }
        Err(self.shared.not_ready())
    }

    /// The indexes of the sealed segments, and what came of asking the one in memory.
    fn with_tail<T>(
        &self,
        ask: impl FnOnce(&dyn Indexed) -> Result<T, Fault>,
    ) -> Result<(Vec<Slot>, T), SearchError> {
        let catalog = self.shared.catalog();
        let slots = catalog.slots.clone();
        let answer = ask(&catalog.tail);
        drop(catalog);
        Ok((slots, answer.map_err(|_| self.shared.not_ready())?))
    }

    /// What comes of asking the index of a segment; nothing where its times say that it has none of the entries.
    fn on_slot<T>(
        &self,
        slot: &Slot,
        query: &Query,
        ask: impl FnOnce(&dyn Indexed) -> Result<T, Fault>,
    ) -> Result<Option<T>, SearchError> {
        let answer = match &slot.state {
            SlotState::Missing => return Err(self.shared.not_ready()),
            SlotState::Kept(gathered) => ask(&**gathered),
            SlotState::File(file) if !query.can_be_in(file.span()) => return Ok(None),
            SlotState::File(file) => file.open(&*self.shared.disk).and_then(|index| ask(&index)),
        };
        answer.map(Some).map_err(|fault| {
            self.shared.distrust(&slot.range, &fault);
            self.shared.not_ready()
        })
    }
}

impl Drop for SearchIndex {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn duty(&self) -> MutexGuard<'_, Duty> {
        self.duty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.duty().is_stopping
    }

    fn status(&self) -> IndexStatus {
        // One lock at a time: others take them in the other order.
        let indexed = self.catalog().indexed();
        let trouble = self.duty().trouble.clone();
        IndexStatus {
            indexed: TreeSize(indexed),
            durable: self.reader.size(),
            trouble,
        }
    }

    fn not_ready(&self) -> SearchError {
        SearchError::NotReady {
            status: self.status(),
        }
    }

    fn note_trouble(&self, trouble: Option<String>) {
        let mut duty = self.duty();
        if trouble != duty.trouble {
            if let Some(reason) = &trouble {
                tracing::warn!(reason, "the log is not indexed");
            }
            duty.trouble = trouble;
        }
    }

    /// The file of an index is not what it was when it was read whole: it is made anew.
    fn distrust(&self, range: &Range<u64>, fault: &Fault) {
        let reason = crate::telemetry::chain::chain(fault);
        tracing::warn!(first = range.start, reason, "an index is made anew");
        self.catalog_mut().forget(range);
        self.wake();
    }

    fn remove(&self, first: u64) -> io::Result<()> {
        match self.disk.remove(&file::path(first)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn wake(&self) {
        self.duty().is_wanted = true;
        self.woken.notify_all();
    }

    /// Lets the thread rest until somebody wants something, or for a while.
    fn rest(&self) {
        let duty = self.duty();
        let idle = |duty: &mut Duty| !duty.is_stopping && !duty.is_wanted;
        let waited = self.woken.wait_timeout_while(duty, PAUSE, idle);
        let (mut duty, _) = waited.unwrap_or_else(PoisonError::into_inner);
        duty.is_wanted = false;
    }

    fn tell_progress(&self) {
        // Whoever waits holds the lock until it waits, and so misses nothing.
        drop(self.duty());
        self.advanced.notify_all();
    }

    fn wait_for(&self, size: TreeSize) -> bool {
        if self.catalog().indexed() >= size.0 {
            return true;
        }
        self.wake();
        let lacks = |duty: &mut Duty| !duty.is_stopping && self.catalog().indexed() < size.0;
        let duty = self.duty();
        let waited = self.advanced.wait_timeout_while(duty, PATIENCE, lacks);
        drop(waited);
        self.catalog().indexed() >= size.0
    }
}
