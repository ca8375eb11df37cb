//! Where each entry lies: eight bytes an entry in memory, shared by the writer and its readers.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;

use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle::LogTree;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::segment::SegmentHeader;

const UNIT_BYTES: u64 = 8;

/// The largest segment whose offsets fit their four bytes.
pub(super) const LARGEST_SEGMENT_BYTES: u64 = u32::MAX as u64 * UNIT_BYTES;

const OPEN_FILES: usize = 64;

/// Where the frames of a segment begin, and where the next one goes.
#[derive(Debug, Clone)]
pub(super) struct Offsets {
    /// In units of eight bytes. INVARIANT: no segment is larger than `LARGEST_SEGMENT_BYTES`.
    starts: Vec<u32>,
    end: u64,
}

impl Offsets {
    pub(super) fn new(end: u64) -> Self {
        Self {
            starts: Vec::new(),
            end,
        }
    }

    pub(super) fn push(&mut self, frame_bytes: u64) {
        self.starts
            .push(u32::try_from(self.end / UNIT_BYTES).unwrap_or(u32::MAX));
        self.end += frame_bytes;
    }

    pub(super) fn count(&self) -> u64 {
        self.starts.len() as u64
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Where a frame begins; for the one after the last, where it would.
    pub(super) fn start(&self, number: u64) -> Option<u64> {
        let number = usize::try_from(number).ok()?;
        match self.starts.get(number) {
            Some(start) => Some(u64::from(*start) * UNIT_BYTES),
            None => (number == self.starts.len()).then_some(self.end),
        }
    }

    /// Forgets all frames from this one on.
    pub(super) fn truncate(&mut self, count: u64) {
        if let Some(end) = self.start(count) {
            self.end = end;
            self.starts
                .truncate(usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
}

/// A segment and where its frames are.
#[derive(Debug, Clone)]
pub(super) struct IndexedSegment {
    pub(super) header: SegmentHeader,
    pub(super) offsets: Offsets,
}

/// A run of frames that lie behind one another in one segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) segment: SegmentHeader,
    pub(super) first: LogIndex,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) count: u64,
}

/// The segments of both families and how many entries are durable.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) payload: Vec<IndexedSegment>,
    pub(super) leaf: Vec<IndexedSegment>,
    pub(super) size: TreeSize,
    /// The Merkle tree over the durable leaves. INVARIANT: as many of them as `size` says.
    pub(super) tree: LogTree,
}

impl Directory {
    pub(super) fn family(&self, family: Family) -> &Vec<IndexedSegment> {
        match family {
            Family::Payload => &self.payload,
            Family::Leaf => &self.leaf,
        }
    }

    pub(super) fn family_mut(&mut self, family: Family) -> &mut Vec<IndexedSegment> {
        match family {
            Family::Payload => &mut self.payload,
            Family::Leaf => &mut self.leaf,
        }
    }

    /// Adds a segment; an empty one that begins with the same entry goes.
    pub(super) fn add(&mut self, segment: IndexedSegment) {
        let segments = self.family_mut(segment.header.family);
        if segments
            .last()
            .is_some_and(|last| last.header.first == segment.header.first)
        {
            segments.pop();
        }
        segments.push(segment);
    }

    /// Puts a payload segment in the place of another that holds the same entries.
    pub(super) fn replace_payload(&mut self, old: &SegmentHeader, new: IndexedSegment) {
        if let Some(segment) = self
            .payload
            .iter_mut()
            .find(|segment| segment.header == *old)
        {
            *segment = new;
        }
    }

    /// The frames from an entry on, as far as one segment and the limit go, but at least one.
    pub(super) fn extent(
        &self,
        family: Family,
        from: LogIndex,
        limit_bytes: u64,
    ) -> Option<Extent> {
        if !self.size.holds(from) {
            return None;
        }
        let segments = self.family(family);
        let after = segments.partition_point(|segment| segment.header.first <= from);
        let segment = segments.get(after.checked_sub(1)?)?;
        let number = from.0 - segment.header.first.0;
        let offset = segment.offsets.start(number)?;
        let durable = self.size.0 - segment.header.first.0;
        let available = segment.offsets.count().min(durable);
        let mut end = number + 1;
        while end < available && segment.offsets.start(end + 1)? - offset <= limit_bytes {
            end += 1;
        }
        Some(Extent {
            segment: segment.header,
            first: from,
            offset,
            bytes: segment.offsets.start(end)? - offset,
            count: end - number,
        })
    }
}

/// What the writer and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    disk: Arc<dyn Disk>,
    directory: RwLock<Directory>,
    open: Mutex<VecDeque<(SegmentHeader, Arc<dyn DiskFile>)>>,
}

impl Shared {
    pub(super) fn new(disk: Arc<dyn Disk>, directory: Directory) -> Self {
        Self {
            disk,
            directory: RwLock::new(directory),
            open: Mutex::default(),
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Puts a payload segment in the place of another that holds the same entries.
    pub(super) fn replace(&self, old: &SegmentHeader, new: IndexedSegment) {
        self.write().replace_payload(old, new);
        self.forget(old);
    }

    /// Closes the file of a segment that is in place no longer, so that the disk gives it up.
    pub(super) fn forget(&self, old: &SegmentHeader) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(header, _)| header != old);
    }

    /// The file of a segment; the last few are kept open.
    pub(super) fn file(&self, segment: &SegmentHeader) -> io::Result<Arc<dyn DiskFile>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = open.iter().find(|(header, _)| header == segment) {
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open(&segment.path())?;
        if open.len() == OPEN_FILES {
            open.pop_front();
        }
        open.push_back((*segment, Arc::clone(&file)));
        Ok(file)
    }
}
