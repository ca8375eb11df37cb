//! Writing a payload segment anew with other bodies, so that what was taken out is in no file any more.
//!
//! The new file is written whole beside the old one, synced, and given its name: at any moment one of the two is in
//! place, and both are whole. Its nonce is another one, so that whoever keeps account of what was erased in which file
//! notices an older file that was put back.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decision_log::LogIndex;
use crate::store::embedded::Interrupt;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::TEMPORARY_EXTENSION;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::ReadError;
use crate::store::embedded::journal::frame;
use crate::store::embedded::journal::frame::FrameHeader;
use crate::store::embedded::journal::index::IndexedSegment;
use crate::store::embedded::journal::index::LARGEST_SEGMENT_BYTES;
use crate::store::embedded::journal::index::Offsets;
use crate::store::embedded::journal::scan;
use crate::store::embedded::journal::segment::SEGMENT_HEADER_BYTES;
use crate::store::embedded::journal::segment::SegmentHeader;

/// How many bytes are written at once.
const PIECE_BYTES: usize = 1 << 20;

/// What a payload segment holds, as far as others tell it from another file of the same entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentName {
    /// Its first entry.
    pub first: LogIndex,
    /// Behind its last durable entry.
    pub end: LogIndex,
    /// The random number that no other file has.
    pub nonce: u64,
}

/// Why a segment was not written anew.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// There is no such segment, or it is still appended to.
    #[error("there is no finished payload segment that begins with entry {0}")]
    NotFinished(LogIndex),
    /// What it holds can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A body can't be made.
    #[error("entry {index} can't be written anew: {reason}")]
    Body {
        /// The entry.
        index: LogIndex,
        /// Why.
        reason: String,
    },
    /// The segment before is in place, or the new one is; both are whole, and it can be tried again.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

/// What becomes of the body of an entry; nothing leaves it as it is.
pub type NewBody<'a> = dyn FnMut(LogIndex, &[u8]) -> Result<Option<Vec<u8>>, String> + 'a;

impl JournalReader {
    /// The payload segments, in their order.
    pub fn payload_segments(&self) -> Vec<SegmentName> {
        let directory = self.shared().read();
        let segments = directory.payload.iter().map(|segment| {
            let first = segment.header.first;
            let count = segment.offsets.count();
            let end = LogIndex((first.0 + count).min(directory.size.0.max(first.0)));
            SegmentName {
                first,
                end,
                nonce: segment.header.nonce,
            }
        });
        segments.collect()
    }

    /// Writes a payload segment anew that nothing is appended to any more; on return it is durable.
    ///
    /// On an error the one or the other is in place. Only one caller may do this at a time.
    pub fn rewrite(&self, first: LogIndex, new_body: &mut NewBody<'_>) -> Result<(), RewriteError> {
        let old = self.settle(first)?;
        let path = old.header.path();
        let temporary = path.with_added_extension(TEMPORARY_EXTENSION);
        let disk = Arc::clone(self.shared().disk());
        let written = write_aside(self, &*disk, &old, (&temporary, new_body));
        let new = match written {
            Ok(new) => new,
            Err(error) => {
                // Opening removes it too.
                drop(disk.remove(&temporary));
                return Err(error);
            }
        };
        self.put_in_place(&*disk, &old.header, new, &temporary)?;
        let directory = Family::Payload.directory();
        disk.sync_directory(directory)
            .map_err(failed("sync", directory.to_owned()))
    }

    /// A segment as the disk has it: an earlier attempt may have put another in place without being told so.
    fn settle(&self, first: LogIndex) -> Result<IndexedSegment, RewriteError> {
        let known = {
            let directory = self.shared().read();
            let finished = directory.payload.split_last().map(|(_, finished)| finished);
            let found = finished.unwrap_or_default().iter();
            let mut found = found.filter(|segment| segment.header.first == first);
            found.next().cloned()
        };
        let known = known.ok_or(RewriteError::NotFinished(first))?;
        let path = known.header.path();
        let disk = self.shared().disk();
        let header = read_header(&**disk, first).map_err(failed("read", path.clone()))?;
        if header == known.header {
            return Ok(known);
        }
        let file = disk.open(&path).map_err(failed("open", path.clone()))?;
        let scanned = scan::scan(&*file, header, &Interrupt::default(), &mut |_| {})
            .map_err(failed("read", path.clone()))?;
        if scanned.offsets.count() != known.offsets.count() {
            let error = io::Error::other("it holds other entries than before");
            return Err(failed("read", path)(error));
        }
        let found = IndexedSegment {
            header,
            offsets: scanned.offsets,
        };
        self.shared().replace(&known.header, found.clone());
        Ok(found)
    }

    fn put_in_place(
        &self,
        disk: &dyn Disk,
        old: &SegmentHeader,
        new: IndexedSegment,
        temporary: &std::path::Path,
    ) -> Result<(), RewriteError> {
        let (path, header) = (old.path(), new.header);
        // Whoever looks up a place sees the file that it is in.
        let mut directory = self.shared().write();
        let renamed = disk.rename(temporary, &path);
        if let Err(error) = renamed {
            let is_in_place = read_header(disk, old.first).is_ok_and(|found| found == header);
            if !is_in_place {
                drop(directory);
                drop(disk.remove(temporary));
                return Err(failed("rename", path)(error));
            }
        }
        directory.replace_payload(old, new);
        drop(directory);
        self.shared().forget(old);
        Ok(())
    }
}

/// Writes the new file; synced, and not in place.
fn write_aside(
    reader: &JournalReader,
    disk: &dyn Disk,
    old: &IndexedSegment,
    (temporary, new_body): (&std::path::Path, &mut NewBody<'_>),
) -> Result<IndexedSegment, RewriteError> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| {
        let error = io::Error::other(error.to_string());
        failed("draw random bytes for", temporary.to_owned())(error)
    })?;
    let nonce = u64::from_be_bytes(nonce);
    let file = disk
        .create(temporary)
        .map_err(failed("create", temporary.to_owned()))?;
    let mut output = Output {
        file,
        path: temporary.to_owned(),
        buffer: Vec::new(),
        written: SEGMENT_HEADER_BYTES as u64,
    };
    let mut offsets = Offsets::new(SEGMENT_HEADER_BYTES as u64);
    let first = old.header.first;
    let mut next = first;
    while next.0 < first.0 + old.offsets.count() {
        for (index, batch_first, body) in reader.raw_run(next, PIECE_BYTES as u64)? {
            let changed =
                new_body(index, &body).map_err(|reason| RewriteError::Body { index, reason })?;
            let body = changed.unwrap_or(body);
            frame::write_frame(
                &mut output.buffer,
                (Family::Payload, nonce),
                batch_first,
                index,
                &body,
            );
            offsets.push(frame::frame_bytes(body.len()) as u64);
            next = index.next();
        }
        output.flush()?;
    }
    let header = SegmentHeader {
        capacity_bytes: offsets.end(),
        nonce,
        ..old.header
    };
    if header.capacity_bytes > LARGEST_SEGMENT_BYTES {
        let error = io::Error::other("the segment would become too large");
        return Err(failed("write", temporary.to_owned())(error));
    }
    output.finish(&header)?;
    Ok(IndexedSegment { header, offsets })
}

struct Output {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    buffer: Vec<u8>,
    written: u64,
}

impl Output {
    fn flush(&mut self) -> Result<(), RewriteError> {
        self.file
            .write_all_at(&self.buffer, self.written)
            .map_err(failed("write", self.path.clone()))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(self, header: &SegmentHeader) -> Result<(), RewriteError> {
        self.file
            .write_all_at(&header.encode(), 0)
            .map_err(failed("write", self.path.clone()))?;
        self.file
            .sync_data()
            .map_err(failed("sync", self.path.clone()))
    }
}

/// The frames among the bytes of a run, as they were written.
pub(super) fn frames_of(
    (bytes, nonce): (&[u8], u64),
) -> Result<Vec<(LogIndex, LogIndex, Vec<u8>)>, frame::FrameFault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let header = FrameHeader::parse(rest, Family::Payload)?;
        let body = header.check(rest, nonce)?.to_vec();
        found.push((header.index, header.batch_first, body));
        at += header.frame_bytes();
    }
    Ok(found)
}

fn read_header(disk: &dyn Disk, first: LogIndex) -> io::Result<SegmentHeader> {
    let file = disk.open(&Family::Payload.path(first))?;
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    disk::read_exact_at(&*file, &mut bytes, 0)?;
    SegmentHeader::parse(&bytes, Family::Payload, first)
        .map_err(|_| io::Error::other("it does not begin as a segment"))
}

fn failed(action: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> RewriteError {
    move |source| RewriteError::Io {
        action,
        path,
        source,
    }
}
