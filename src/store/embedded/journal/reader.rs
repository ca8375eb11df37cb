//! Reading entries, from any thread, while the writer goes on.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::decision_log;
use crate::decision_log::Leaf;
use crate::decision_log::LogIndex;
use crate::decision_log::Payload;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle;
use crate::decision_log::tile::Span;
use crate::store::embedded::disk;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::ReadError;
use crate::store::embedded::journal::VerifyError;
use crate::store::embedded::journal::frame::FrameFault;
use crate::store::embedded::journal::frame::FrameHeader;
use crate::store::embedded::journal::index::Extent;
use crate::store::embedded::journal::index::Shared;
use crate::store::embedded::journal::rewrite::frames_of;

const READ_AHEAD_BYTES: u64 = 1 << 20;

/// Reads a journal; sees durable entries only. Clones read the same journal.
#[derive(Debug, Clone)]
pub struct JournalReader {
    shared: Arc<Shared>,
}

/// One entry as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub index: LogIndex,
    /// The bytes of its leaf.
    pub leaf: Vec<u8>,
    /// The bytes of its payload.
    pub payload: Vec<u8>,
}

/// Entries in their order, read ahead in large pieces; ends with the last durable one, or after an
/// error.
#[derive(Debug)]
pub struct Entries {
    reader: JournalReader,
    next: LogIndex,
    leaves: VecDeque<Vec<u8>>,
    payloads: VecDeque<Vec<u8>>,
    failed: bool,
}

impl JournalReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How many entries are durable.
    pub fn size(&self) -> TreeSize {
        self.shared.read().size
    }

    /// The bytes of a leaf.
    pub fn read_leaf(&self, index: LogIndex) -> Result<Vec<u8>, ReadError> {
        self.read_one(Family::Leaf, index)
    }

    /// The bytes of a payload.
    pub fn read_payload(&self, index: LogIndex) -> Result<Vec<u8>, ReadError> {
        self.read_one(Family::Payload, index)
    }

    /// The entries from one on, in their order; those appended meanwhile are seen too.
    pub fn entries(&self, from: LogIndex) -> Entries {
        Entries {
            reader: self.clone(),
            next: from,
            leaves: VecDeque::new(),
            payloads: VecDeque::new(),
            failed: false,
        }
    }

    /// Reads an entry and checks that its payload is the one that its leaf commits to.
    pub fn verify(&self, index: LogIndex) -> Result<(Leaf, Payload), VerifyError> {
        verify_entry(&Entry {
            index,
            leaf: self.read_leaf(index)?,
            payload: self.read_payload(index)?,
        })
    }

    /// How many entries are durable, and the root of the tree over their leaves.
    pub fn head(&self) -> (TreeSize, RootHash) {
        let directory = self.shared.read();
        (directory.tree.size(), directory.tree.root())
    }

    /// The leaves of a span, in their order.
    pub fn leaves(&self, span: Span) -> Result<Vec<Vec<u8>>, ReadError> {
        let first = span.first().map(LogIndex);
        let first = first.ok_or_else(|| self.absent(LogIndex(u64::MAX)))?;
        let count = usize::from(span.width());
        let mut leaves = Vec::with_capacity(count);
        let mut next = first;
        while leaves.len() < count {
            let run = self.read_run(Family::Leaf, next, READ_AHEAD_BYTES)?;
            next = LogIndex(next.0 + run.len() as u64);
            leaves.extend(run);
        }
        leaves.truncate(count);
        Ok(leaves)
    }

    /// The hashes of a tile.
    pub fn tile(&self, level: u8, span: Span) -> Result<Vec<u8>, ReadError> {
        if level == 0 {
            let leaves = self.leaves(span)?;
            let hashes = leaves.iter().map(|leaf| merkle::leaf_hash(leaf).0);
            return Ok(hashes.flatten().collect());
        }
        let tile = self.shared.read().tree.tile(level, span);
        tile.ok_or_else(|| self.absent(LogIndex(u64::MAX)))
    }

    /// The entries of each segment of leaves that gets no more of them, in order.
    pub(in crate::store::embedded) fn sealed_leaf_segments(&self) -> Vec<Range<u64>> {
        let directory = self.shared.read();
        let firsts = directory.leaf.iter().map(|segment| segment.header.first.0);
        let ends = firsts.clone().skip(1);
        let sealed = firsts.zip(ends).map(|(first, end)| first..end);
        let size = directory.size.0;
        sealed
            .filter(|range| !range.is_empty() && range.end <= size)
            .collect()
    }

    /// Which files hold the payloads of some entries: the first entry and the nonce of each.
    pub(in crate::store::embedded) fn payload_nonces(
        &self,
        entries: &Range<u64>,
    ) -> Vec<(LogIndex, u64)> {
        let directory = self.shared.read();
        let before = |index: u64| {
            let segments = &directory.payload;
            segments.partition_point(|segment| segment.header.first.0 < index)
        };
        let (first, end) = (
            before(entries.start + 1).saturating_sub(1),
            before(entries.end),
        );
        let among = directory.payload.get(first..end).unwrap_or_default();
        let among = among.iter().map(|segment| segment.header);
        among.map(|header| (header.first, header.nonce)).collect()
    }

    fn read_one(&self, family: Family, index: LogIndex) -> Result<Vec<u8>, ReadError> {
        let mut bodies = self.read_run(family, index, 0)?;
        bodies.pop_front().ok_or_else(|| self.absent(index))
    }

    /// Reads the bodies from an entry on: at least one, and no more bytes than the limit beyond it.
    fn read_run(
        &self,
        family: Family,
        from: LogIndex,
        limit_bytes: u64,
    ) -> Result<VecDeque<Vec<u8>>, ReadError> {
        self.read_extent(family, from, limit_bytes, split)
    }

    /// Frames from an entry on, with the batch of each, as they were written.
    pub(super) fn raw_run(
        &self,
        from: LogIndex,
        limit_bytes: u64,
    ) -> Result<Vec<(LogIndex, LogIndex, Vec<u8>)>, ReadError> {
        self.read_extent(Family::Payload, from, limit_bytes, |extent, bytes| {
            let frames = frames_of((bytes, extent.segment.nonce));
            frames.map_err(|fault| ReadError::Damaged {
                index: from,
                path: extent.segment.path(),
                offset: extent.offset,
                fault,
            })
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Reads a run of frames. The segment may be written anew between the look-up and the reading: then it is looked up
    /// again.
    fn read_extent<T>(
        &self,
        family: Family,
        from: LogIndex,
        limit_bytes: u64,
        parse: impl Fn(&Extent, &[u8]) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let look_up = || self.shared.read().extent(family, from, limit_bytes);
        let mut extent = look_up().ok_or_else(|| self.absent(from))?;
        loop {
            let bytes = self.read_bytes(&extent, from);
            let error = match bytes.and_then(|bytes| parse(&extent, &bytes)) {
                Ok(parsed) => return Ok(parsed),
                Err(error) => error,
            };
            // What was opened under the name may be the file that has replaced it.
            self.shared.forget(&extent.segment);
            match look_up() {
                Some(now) if now.segment != extent.segment => extent = now,
                Some(_) | None => return Err(error),
            }
        }
    }

    fn read_bytes(&self, extent: &Extent, from: LogIndex) -> Result<Vec<u8>, ReadError> {
        let read = self.shared.file(&extent.segment).and_then(|file| {
            let mut bytes = vec![0; usize::try_from(extent.bytes).unwrap_or(usize::MAX)];
            disk::read_exact_at(&*file, &mut bytes, extent.offset)?;
            Ok(bytes)
        });
        read.map_err(|source| ReadError::Io {
            index: from,
            path: extent.segment.path(),
            source,
        })
    }

    fn absent(&self, index: LogIndex) -> ReadError {
        ReadError::Absent {
            index,
            size: self.size(),
        }
    }
}

/// Checks that the payload of an entry is the one that its leaf commits to.
pub fn verify_entry(entry: &Entry) -> Result<(Leaf, Payload), VerifyError> {
    let index = entry.index;
    let leaf = Leaf::parse(&entry.leaf).map_err(|source| VerifyError::Leaf { index, source })?;
    let payload =
        Payload::parse(&entry.payload).map_err(|source| VerifyError::Payload { index, source })?;
    decision_log::verify(&leaf, &payload)
        .map_err(|source| VerifyError::Mismatch { index, source })?;
    Ok((leaf, payload))
}

fn split(extent: &Extent, bytes: &[u8]) -> Result<VecDeque<Vec<u8>>, ReadError> {
    let mut bodies = VecDeque::new();
    let mut at = 0;
    for index in (extent.first.0..extent.first.0 + extent.count).map(LogIndex) {
        let rest = bytes.get(at..).unwrap_or_default();
        let (length, body) = frame_of(extent, rest, index).map_err(|fault| ReadError::Damaged {
            index,
            path: extent.segment.path(),
            offset: extent.offset + at as u64,
            fault,
        })?;
        bodies.push_back(body.to_vec());
        at += length;
    }
    Ok(bodies)
}

fn frame_of<'a>(
    extent: &Extent,
    bytes: &'a [u8],
    index: LogIndex,
) -> Result<(usize, &'a [u8]), FrameFault> {
    let header = FrameHeader::parse(bytes, extent.segment.family)?;
    if header.index != index {
        return Err(FrameFault::Index);
    }
    Ok((
        header.frame_bytes(),
        header.check(bytes, extent.segment.nonce)?,
    ))
}

impl Entries {
    fn read_next(&mut self) -> Result<Entry, ReadError> {
        if self.leaves.is_empty() {
            self.leaves = self
                .reader
                .read_run(Family::Leaf, self.next, READ_AHEAD_BYTES)?;
        }
        if self.payloads.is_empty() {
            self.payloads = self
                .reader
                .read_run(Family::Payload, self.next, READ_AHEAD_BYTES)?;
        }
        let entry = Entry {
            index: self.next,
            leaf: self.leaves.pop_front().unwrap_or_default(),
            payload: self.payloads.pop_front().unwrap_or_default(),
        };
        self.next = self.next.next();
        Ok(entry)
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || !self.reader.size().holds(self.next) {
            return None;
        }
        let entry = self.read_next();
        self.failed = entry.is_err();
        Some(entry)
    }
}
