//! The durable journal of one node: the truth that everything else is a projection of.
//!
//! An entry is a leaf and a payload, for the journal only bytes. They lie in two rows of segments,
//! `leaf/` and `payload/`, files of checksummed frames that were written full of zeros beforehand.
//! One writer appends batches: payloads, sync; leaves, sync; anchor, sync. Then the entries are
//! durable, and readers see them. An entry exists when its leaf is durable; a payload without a leaf
//! never happened.
//!
//! What a crash leaves, and what opening makes of it:
//!
//! - Part of a batch that nobody was told of. The whole batch is cut off: of what is appended together,
//!   all stands or nothing.
//! - A whole batch that nobody was told of. It stays, and [`Recovery::unacknowledged`] counts it.
//! - One damaged slot of the anchor. It is written anew.
//! - A file that was not yet in place (`*.tmp`), such as the spare. It is removed.
//!
//! Whatever else is wrong was not left by a crash, and [`Journal::open`] refuses with an
//! [`OpenError`] that names the place and what to do. It changes no segment then, so that the files
//! can be looked at.
//!
//! While it runs: an error from a write, or from making a new segment, is undone and answered
//! [`AppendError::NotRecorded`]; the journal goes on, and takes entries again when a full disk has
//! room again. A failed sync is never tried again, since the operating system forgets what it could
//! not write: the journal stops, and every append from then on is answered
//! [`AppendError::OutcomeUnknown`].
//!
//! Once half of a segment is used, the zeros of the next one are written beside the work (the *spare*),
//! so that no append waits for them.
//!
//! A payload segment that is finished can be written anew with other bodies (`rewrite`), which is how parts are erased.
//!
//! Not supported: two writers; giving up old segments; opening without reading everything.

use std::fmt;
use std::io;
use std::ops::Range;

use std::path::PathBuf;
use std::sync::Arc;

use crate::decision_log::LEAF_LIMIT_BYTES;
use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::DiskLock;

mod anchor;
mod error;
mod frame;
mod index;
mod reader;
mod recovery;
mod rewrite;
mod scan;
mod segment;
mod settings;
mod spare;
mod writer;

use anchor::Anchor;
pub use anchor::ChainHash;
pub use error::AppendError;
pub use error::OpenError;
pub use error::ReadError;
pub use error::VerifyError;
use error::during;
pub use frame::FrameFault;
use index::Directory;
use index::IndexedSegment;
use index::Offsets;
use index::Shared;
pub use reader::Entries;
pub use reader::Entry;
pub use reader::JournalReader;
pub use reader::verify_entry;
pub use recovery::AnchorRepair;
pub use recovery::Cut;
pub use recovery::Recovery;
pub use rewrite::NewBody;
pub use rewrite::RewriteError;
pub use rewrite::SegmentName;
use segment::CreateError;
pub use segment::FORMAT_VERSION;
pub use segment::Family;
use segment::SEGMENT_HEADER_BYTES;
pub use settings::JournalSettings;
pub use settings::Preparation;
pub use settings::SEGMENT_LEAST_BYTES;
pub use settings::SegmentSizes;
use writer::Making;
use writer::Writer;

/// The most bytes that the payload of one entry may have.
pub const PAYLOAD_LIMIT_BYTES: usize = 64 << 20;

/// The most bytes that the leaves and payloads of one batch may have together.
pub const BATCH_LIMIT_BYTES: usize = 256 << 20;

const LOCK_NAME: &str = "lock";

/// The bytes of an entry to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryBytes {
    /// The leaf, no more than [`LEAF_LIMIT_BYTES`].
    pub leaf: Vec<u8>,
    /// The payload, no more than [`PAYLOAD_LIMIT_BYTES`].
    pub payload: Vec<u8>,
}

/// How far opening has come; told after each segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenProgress {
    /// How many bytes were read.
    pub done_bytes: u64,
    /// How many there are to read.
    pub total_bytes: u64,
}

/// The one writer of a data directory, which it keeps locked.
#[derive(Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    shared: Arc<Shared>,
    payload: Writer,
    leaf: Writer,
    anchor: Anchor,
    anchor_file: Arc<dyn DiskFile>,
    stopped: Option<Stop>,
    _lock: Box<dyn DiskLock>,
}

/// What stopped the journal.
#[derive(Debug, Clone)]
struct Stop {
    action: &'static str,
    source: Arc<io::Error>,
}

/// Why a batch was not recorded, before it is known to the journal.
enum Failure {
    Undone(&'static str, io::Error),
    Unknown(&'static str, io::Error),
}

impl Journal {
    /// Opens the journal at the root of a disk, and makes it if there is none.
    ///
    /// Reads all segments, cuts what a crash left unfinished, and tells what it did. On return
    /// every entry is durable, those too that nobody was told of.
    pub fn open(
        disk: Arc<dyn Disk>,
        settings: &JournalSettings,
        progress: &mut dyn FnMut(OpenProgress),
    ) -> Result<(Self, Recovery), OpenError> {
        settings.check()?;
        let lock = prepare_directories(&*disk)?;
        let recovered = recovery::recover(&*disk, settings, progress)?;
        let next = recovered.recovery.size.next_index();
        let mut directory = Directory {
            payload: recovered.payload,
            leaf: recovered.leaf,
            size: recovered.recovery.size,
            tree: recovered.tree,
        };
        let payload = writer(&*disk, &mut directory, Family::Payload, settings, next)?;
        let leaf = writer(&*disk, &mut directory, Family::Leaf, settings, next)?;
        let journal = Self {
            shared: Arc::new(Shared::new(Arc::clone(&disk), directory)),
            disk,
            payload,
            leaf,
            anchor: recovered.anchor,
            anchor_file: recovered.anchor_file,
            stopped: None,
            _lock: lock,
        };
        Ok((journal, recovered.recovery))
    }

    /// Appends a batch of entries in their order; on return all of them are durable.
    ///
    /// Either all entries are recorded, or [`AppendError`] says what is known. After
    /// [`AppendError::OutcomeUnknown`] any first part of the batch can turn up when the journal is
    /// opened again.
    pub fn append(&mut self, batch: &[EntryBytes]) -> Result<Range<LogIndex>, AppendError> {
        if let Some(stop) = &self.stopped {
            return Err(stop.clone().into());
        }
        check_limits(batch)?;
        let first = self.size().next_index();
        if !batch.is_empty() {
            self.record(batch).map_err(|failure| self.note(failure))?;
        }
        Ok(first..self.size().next_index())
    }

    /// Begins another payload segment, so that nothing is appended any more to the present one.
    ///
    /// One without entries stays as it is.
    pub fn finish_payload_segment(&mut self) -> Result<(), AppendError> {
        if let Some(stop) = &self.stopped {
            return Err(stop.clone().into());
        }
        if self.payload.end() == SEGMENT_HEADER_BYTES as u64 {
            return Ok(());
        }
        self.payload.begin_next();
        self.make_room(Family::Payload, std::iter::empty())
            .map_err(|failure| self.note(failure))
    }

    /// How many entries are durable.
    pub fn size(&self) -> TreeSize {
        self.anchor.size
    }

    /// The running hash over all leaves.
    pub fn chain(&self) -> ChainHash {
        self.anchor.chain
    }

    /// Whether the journal stopped because it is unknown what is durable.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// A handle to read entries with, for any thread.
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(Arc::clone(&self.shared))
    }

    fn record(&mut self, batch: &[EntryBytes]) -> Result<(), Failure> {
        let first = self.size().next_index();
        self.make_room(
            Family::Payload,
            batch.iter().map(|entry| entry.payload.len()),
        )?;
        self.make_room(Family::Leaf, batch.iter().map(|entry| entry.leaf.len()))?;
        let payloads = self
            .payload
            .frames(first, batch.iter().map(|entry| entry.payload.as_slice()));
        let leaves = self
            .leaf
            .frames(first, batch.iter().map(|entry| entry.leaf.as_slice()));

        if let Err(error) = self.payload.write(&payloads) {
            self.payload
                .undo(payloads.len())
                .map_err(unknown("clear a payload segment"))?;
            return Err(Failure::Undone("write to a payload segment", error));
        }
        self.payload
            .sync()
            .map_err(unknown("sync a payload segment"))?;
        if let Err(error) = self.leaf.write(&leaves) {
            self.leaf
                .undo(leaves.len())
                .map_err(unknown("clear a leaf segment"))?;
            self.payload
                .undo(payloads.len())
                .map_err(unknown("clear a payload segment"))?;
            return Err(Failure::Undone("write to a leaf segment", error));
        }
        self.leaf.sync().map_err(unknown("sync a leaf segment"))?;

        self.payload.advance(payloads.len());
        self.leaf.advance(leaves.len());
        let hashes: Vec<LeafHash> = batch
            .iter()
            .map(|entry| merkle::leaf_hash(&entry.leaf))
            .collect();
        let anchor = self.anchor_after(&hashes);
        anchor
            .write(&*self.anchor_file)
            .map_err(unknown("write the anchor"))?;
        self.anchor = anchor;
        self.publish(batch, hashes);
        self.payload.prepare_next(&self.disk);
        self.leaf.prepare_next(&self.disk);
        Ok(())
    }

    fn make_room(
        &mut self,
        family: Family,
        lengths: impl Iterator<Item = usize>,
    ) -> Result<(), Failure> {
        let bytes = lengths.map(frame::frame_bytes).sum();
        let first = self.size().next_index();
        let writer = match family {
            Family::Payload => &mut self.payload,
            Family::Leaf => &mut self.leaf,
        };
        match writer.make_room(&*self.disk, first, bytes) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.shared.write().add(IndexedSegment {
                    header: *writer.header(),
                    offsets: Offsets::new(SEGMENT_HEADER_BYTES as u64),
                });
                Ok(())
            }
            Err(CreateError::NotInPlace(error) | CreateError::PerhapsInPlace(error)) => {
                Err(Failure::Undone("make a segment", error))
            }
            Err(CreateError::DirectorySync(error)) => {
                Err(Failure::Unknown("sync a directory", error))
            }
        }
    }

    fn anchor_after(&self, leaves: &[LeafHash]) -> Anchor {
        let chain = self.anchor.chain;
        Anchor {
            size: TreeSize(self.anchor.size.0 + leaves.len() as u64),
            chain: leaves.iter().fold(chain, ChainHash::with),
            leaf_segment: self.leaf.header().first,
            leaf_end: self.leaf.end(),
            ..self.anchor.next()
        }
    }

    /// Lets readers see the batch.
    fn publish(&self, batch: &[EntryBytes], leaves: Vec<LeafHash>) {
        let mut directory = self.shared.write();
        for (family, length) in [
            (
                Family::Payload,
                (|entry| entry.payload.len()) as fn(&EntryBytes) -> usize,
            ),
            (Family::Leaf, |entry| entry.leaf.len()),
        ] {
            if let Some(newest) = directory.family_mut(family).last_mut() {
                for entry in batch {
                    newest
                        .offsets
                        .push(frame::frame_bytes(length(entry)) as u64);
                }
            }
        }
        for leaf in leaves {
            directory.tree.push(leaf);
        }
        directory.size = self.anchor.size;
    }

    fn note(&mut self, failure: Failure) -> AppendError {
        match failure {
            Failure::Undone(action, source) => AppendError::NotRecorded { action, source },
            Failure::Unknown(action, source) => {
                let stop = Stop {
                    action,
                    source: Arc::new(source),
                };
                self.stopped = Some(stop.clone());
                stop.into()
            }
        }
    }
}

impl From<Stop> for AppendError {
    fn from(stop: Stop) -> Self {
        Self::OutcomeUnknown {
            action: stop.action,
            source: stop.source,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directory().display().fmt(f)
    }
}

fn unknown(action: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::Unknown(action, error)
}

fn check_limits(batch: &[EntryBytes]) -> Result<(), AppendError> {
    let check = |what, bytes, limit_bytes| {
        if bytes > limit_bytes {
            return Err(AppendError::TooLarge {
                what,
                bytes,
                limit_bytes,
            });
        }
        Ok(())
    };
    for entry in batch {
        check("leaf", entry.leaf.len(), LEAF_LIMIT_BYTES)?;
        check("payload", entry.payload.len(), PAYLOAD_LIMIT_BYTES)?;
    }
    let whole = batch
        .iter()
        .map(|entry| entry.leaf.len() + entry.payload.len())
        .sum();
    check("batch", whole, BATCH_LIMIT_BYTES)
}

/// Makes the directories and takes the lock of the whole data directory.
fn prepare_directories(disk: &dyn Disk) -> Result<Box<dyn DiskLock>, OpenError> {
    for family in [Family::Payload, Family::Leaf] {
        let directory = family.directory();
        disk.create_directories(directory)
            .map_err(during("create", directory))?;
    }
    let path = PathBuf::from(LOCK_NAME);
    match disk.lock(&path) {
        Ok(lock) => Ok(lock),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(OpenError::InUse { path }),
        Err(error) => Err(during("lock", &path)(error)),
    }
}

/// Goes on where a family ends, or begins it.
fn writer(
    disk: &dyn Disk,
    directory: &mut Directory,
    family: Family,
    settings: &JournalSettings,
    next: LogIndex,
) -> Result<Writer, OpenError> {
    let making = Making {
        sizes: match family {
            Family::Payload => settings.payload_segments,
            Family::Leaf => settings.leaf_segments,
        },
        preparation: settings.preparation,
    };
    if let Some(newest) = directory.family(family).last() {
        let path = newest.header.path();
        let file = disk.open(&path).map_err(during("open", &path))?;
        return Ok(Writer::resume(
            making,
            newest.header,
            file,
            newest.offsets.end(),
        ));
    }
    let begun = Writer::begin(disk, making, family, next).map_err(|error| match error {
        CreateError::NotInPlace(error)
        | CreateError::PerhapsInPlace(error)
        | CreateError::DirectorySync(error) => {
            during("make the first segment of", family.directory())(error)
        }
    })?;
    directory.add(IndexedSegment {
        header: *begun.header(),
        offsets: Offsets::new(SEGMENT_HEADER_BYTES as u64),
    });
    Ok(begun)
}
