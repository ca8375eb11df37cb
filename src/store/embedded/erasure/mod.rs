//! Erasing parts: finding them, writing their segments anew, and taking them out of everything that was made from the log.
//!
//! A part is erased only where the state does not follow from it any more, so that a log that is read from its beginning
//! leads to the same state as before: not the present version of a document, and not the deletion of a document of which
//! an earlier version would come back. Both stay so for good, which is why a plan stays right while entries are added.

mod kept;
mod plan;

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

pub use self::kept::FILE as ORDERS_FILE;
pub use self::kept::KeptOrder;
pub use self::kept::KeptOrders;
pub use self::plan::Candidate;
pub use self::plan::Mode;
pub use self::plan::Obstacle;
pub use self::plan::Plan;
pub use self::plan::Selection;
use crate::decision_log::LogIndex;
use crate::decision_log::Payload;
use crate::decision_log::StoredPart;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::journal::NewBody;
use crate::store::embedded::journal::ReadError;
use crate::store::embedded::journal::RewriteError;
use crate::store::embedded::journal::SegmentName;
use crate::store::embedded::sequencer::Message;
use crate::store::event::DecodeError;

const CLOSING: &str = "the store is being closed";

/// Why nothing, or not everything, was erased; it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// An entry can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry is not understood.
    #[error("entry {index} can't be understood: {reason}")]
    Entry {
        /// The entry.
        index: LogIndex,
        /// Why.
        reason: String,
    },
    /// A segment was not written anew.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The segment in use could not be finished.
    #[error("no other segment could be begun: {0}")]
    Segment(String),
    /// The index of entries could not be forgotten.
    #[error("the index by which entries are found could not be made anew: {0}")]
    Index(#[source] io::Error),
    /// The copies of the state could not be made anew.
    #[error("the projection and the snapshots could not be made anew: {0}")]
    Projection(String),
    /// The file of orders can't be read or written.
    #[error(
        "`{}`: {source}; put the newest copy there is in its place, or remove it if there is none: orders in the log are carried out without it",
        kept::FILE
    )]
    Orders {
        /// What the disk said.
        #[from]
        source: io::Error,
    },
}

impl EraseError {
    fn entry(index: LogIndex) -> impl FnOnce(DecodeError) -> Self {
        move |error| Self::Entry {
            index,
            reason: error.to_string(),
        }
    }
}

/// Sees to it that one erasure goes on at a time, and remembers what one left in doubt.
#[derive(Debug, Default)]
pub(super) struct Erasing {
    /// Segments of which it is unknown which file a power cut would leave.
    doubtful: Mutex<BTreeSet<LogIndex>>,
    /// Whether the copies of the state may hold what was erased from the log.
    stale_copies: AtomicBool,
    /// Whether the store is being closed: then nothing more is written anew.
    closing: AtomicBool,
    /// Held while the file of orders is read and written.
    file: Mutex<()>,
}

impl Erasing {
    /// Ends an erasure that goes on, and waits until no file is written any more. It blocks.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        drop(self.lock());
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn file(&self) -> MutexGuard<'_, ()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<LogIndex>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EmbeddedStore {
    /// Finds what is to be erased. Reads the log; takes long.
    pub fn plan_erasure(&self, selection: &Selection<'_>) -> Result<Plan, EraseError> {
        plan::plan(self, selection)
    }

    /// Erases what was found. On return it is in no file of the store; on an error, some of it may be, and the same can be
    /// called again. Takes long, and waits for the sequencer: not for asynchronous threads.
    pub fn erase(&self, plan: &Plan) -> Result<(), EraseError> {
        let erasing = self.erasing();
        let mut doubtful = erasing.lock();
        if erasing.is_closing() {
            return Err(EraseError::Segment(CLOSING.to_owned()));
        }
        let reader = self.reader();
        let is_meant = |segment: &SegmentName, doubtful: &BTreeSet<LogIndex>| {
            plan.holds_any(segment.first, segment.end) || doubtful.contains(&segment.first)
        };
        let mut rewritten = Vec::new();
        let last = reader.payload_segments().last().copied();
        if last.is_some_and(|last| is_meant(&last, &doubtful)) {
            self.finish_segment()?;
        }
        for segment in reader.payload_segments() {
            if !is_meant(&segment, &doubtful) {
                continue;
            }
            doubtful.insert(segment.first);
            erasing.stale_copies.store(true, Ordering::Release);
            let mut new_body = |index, body: &[u8]| {
                if erasing.is_closing() {
                    return Err(CLOSING.to_owned());
                }
                without(plan, index, body)
            };
            let new_body: &mut NewBody<'_> = &mut new_body;
            reader.rewrite(segment.first, new_body)?;
            self.search()
                .rebuild(segment.first..segment.end)
                .map_err(EraseError::Index)?;
            doubtful.remove(&segment.first);
            rewritten.push(segment);
        }
        self.note_rewritten(&rewritten)?;
        drop(doubtful);
        self.renew_copies().map_err(EraseError::Projection)?;
        erasing.stale_copies.store(false, Ordering::Release);
        Ok(())
    }

    /// Whether the copies of the state may still hold what was erased from the log; erasing nothing makes them anew.
    pub fn has_stale_copies(&self) -> bool {
        self.erasing().stale_copies.load(Ordering::Acquire)
    }

    fn finish_segment(&self) -> Result<(), EraseError> {
        let closed = || EraseError::Segment("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        let queue = self.queue().ok_or_else(closed)?;
        let sent = queue.blocking_send(Message::FinishSegment(reply));
        sent.map_err(|_| closed())?;
        let answer = answer.blocking_recv().map_err(|_| closed())?;
        answer.map_err(EraseError::Segment)
    }
}

/// The payload of an entry without the parts that a plan names; nothing if it names none.
fn without(plan: &Plan, index: LogIndex, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some(numbers) = plan.parts_of(index) else {
        return Ok(None);
    };
    let payload = Payload::parse(body).map_err(|error| error.to_string())?;
    let root = payload.root();
    let parts = (0_u32..).zip(payload.into_parts());
    let parts = parts.map(|(number, part)| {
        if numbers.contains(&number) {
            StoredPart::erased(part)
        } else {
            part
        }
    });
    let erased = Payload::new(parts.collect()).map_err(|error| error.to_string())?;
    if erased.root() != root {
        return Err("its parts would be other ones".to_owned());
    }
    Ok(Some(erased.encode()))
}
