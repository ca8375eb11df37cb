//! Reading the two rows of segments, the leaves' and the payloads'.

use std::path::PathBuf;

use super::next_after;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::store::embedded::Interrupt;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::OpenError;
use crate::store::embedded::journal::OpenProgress;
use crate::store::embedded::journal::error::during;
use crate::store::embedded::journal::index::IndexedSegment;
use crate::store::embedded::journal::scan;
use crate::store::embedded::journal::scan::Scanned;
use crate::store::embedded::journal::scan::Tail;
use crate::store::embedded::journal::segment;
use crate::store::embedded::journal::segment::HeaderFault;
use crate::store::embedded::journal::segment::SEGMENT_HEADER_BYTES;
use crate::store::embedded::journal::segment::SegmentHeader;

/// The headers of all segments, in their order.
pub(super) struct Headers {
    pub(super) payload: Vec<SegmentHeader>,
    pub(super) leaf: Vec<SegmentHeader>,
}

impl Headers {
    pub(super) fn is_empty(&self) -> bool {
        self.payload.is_empty() && self.leaf.is_empty()
    }
}

/// One row of segments: continuous, and whole up to the tail of the last one.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) family: Family,
    pub(super) segments: Vec<IndexedSegment>,
    pub(super) tail: Option<Tail>,
    /// The batch of the last whole frame.
    pub(super) newest_batch: Option<LogIndex>,
}

impl Row {
    pub(super) fn size(&self) -> TreeSize {
        TreeSize(self.segments.last().map_or(0, |last| next_after(last).0))
    }

    /// The newest segment and where its frames end.
    pub(super) fn position(&self) -> (LogIndex, u64) {
        self.segments.last().map_or((LogIndex(0), 0), |last| {
            (last.header.first, last.offsets.end())
        })
    }

    /// The file of the newest segment, or the directory, and where the frames end.
    pub(super) fn place(&self) -> (PathBuf, u64) {
        match self.segments.last() {
            Some(last) => (last.header.path(), last.offsets.end()),
            None => (self.family.directory().to_owned(), 0),
        }
    }

    /// Forgets the entries beyond a size; they must lie in the newest segment.
    pub(super) fn truncate(&mut self, size: TreeSize) {
        if let Some(last) = self.segments.last_mut() {
            last.offsets
                .truncate(size.0.saturating_sub(last.header.first.0));
        }
    }

    /// The segments that hold entries beyond a size.
    pub(super) fn segments_beyond(&self, size: TreeSize) -> impl Iterator<Item = &IndexedSegment> {
        self.segments.iter().filter(move |segment| {
            segment.offsets.count() > 0 && next_after(segment) > size.next_index()
        })
    }
}

/// Reading rows of segments, held against what the anchor vouches for.
pub(super) struct Reading<'a> {
    disk: &'a dyn Disk,
    anchored: TreeSize,
    interrupt: &'a Interrupt,
    progress: &'a mut dyn FnMut(OpenProgress),
    state: OpenProgress,
}

pub(super) fn read_headers(disk: &dyn Disk) -> Result<Headers, OpenError> {
    Ok(Headers {
        payload: headers_of(disk, Family::Payload)?,
        leaf: headers_of(disk, Family::Leaf)?,
    })
}

fn headers_of(disk: &dyn Disk, family: Family) -> Result<Vec<SegmentHeader>, OpenError> {
    let directory = family.directory();
    let names = disk.list(directory).map_err(during("list", directory))?;
    let firsts = segment::segments_among(&names);
    firsts
        .into_iter()
        .map(|first| read_header(disk, family, first))
        .collect()
}

fn read_header(
    disk: &dyn Disk,
    family: Family,
    first: LogIndex,
) -> Result<SegmentHeader, OpenError> {
    let path = family.path(first);
    let damaged = |problem| OpenError::SegmentDamaged {
        path: path.clone(),
        first,
        problem,
    };
    let file = disk.open(&path).map_err(during("open", &path))?;
    let length = file.length().map_err(during("read", &path))?;
    if length < SEGMENT_HEADER_BYTES as u64 {
        return Err(damaged("is shorter than it was made"));
    }
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    disk::read_exact_at(&*file, &mut bytes, 0).map_err(during("read", &path))?;
    match SegmentHeader::parse(&bytes, family, first) {
        Ok(header) if length < header.capacity_bytes => Err(damaged("is shorter than it was made")),
        Ok(header) if length > header.capacity_bytes => Err(damaged("is longer than it was made")),
        Ok(header) => Ok(header),
        Err(HeaderFault::Damaged) => Err(damaged("does not begin as it should")),
        Err(HeaderFault::Newer(found)) => Err(OpenError::NewerFormat { path, found }),
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        disk: &'a dyn Disk,
        headers: &Headers,
        (anchored, interrupt): (TreeSize, &'a Interrupt),
        progress: &'a mut dyn FnMut(OpenProgress),
    ) -> Self {
        let all = headers.leaf.iter().chain(&headers.payload);
        let total_bytes = all.map(|header| header.capacity_bytes).sum();
        Self {
            disk,
            anchored,
            interrupt,
            progress,
            state: OpenProgress {
                done_bytes: 0,
                total_bytes,
            },
        }
    }

    /// Reads a row of segments; refuses whatever can't be the remains of the newest batch.
    pub(super) fn row(
        &mut self,
        family: Family,
        headers: &[SegmentHeader],
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<Row, OpenError> {
        let mut row = Row {
            family,
            segments: Vec::new(),
            tail: None,
            newest_batch: None,
        };
        for (number, header) in headers.iter().enumerate() {
            check_continues(&row, header)?;
            let path = header.path();
            let file = self.disk.open(&path).map_err(during("open", &path))?;
            let scanned = scan::scan(&*file, *header, self.interrupt, visit);
            let scanned = scanned.map_err(|error| {
                if self.interrupt.is_raised() {
                    OpenError::Interrupted
                } else {
                    during("read", &path)(error)
                }
            })?;
            check_tail(&scanned, headers.get(number + 1), self.anchored, path)?;
            row.newest_batch = scanned.newest_batch.or(row.newest_batch);
            row.tail = scanned.tail;
            row.segments.push(IndexedSegment {
                header: scanned.header,
                offsets: scanned.offsets,
            });
            self.state.done_bytes += header.capacity_bytes;
            (self.progress)(self.state);
        }
        Ok(row)
    }
}

fn check_continues(row: &Row, header: &SegmentHeader) -> Result<(), OpenError> {
    let expected = row.size().next_index();
    if header.first > expected {
        return Err(OpenError::SegmentMissing {
            family: row.family,
            index: expected,
        });
    }
    if header.first < expected {
        return Err(OpenError::SegmentDamaged {
            path: header.path(),
            first: header.first,
            problem: "repeats entries of the segment before it",
        });
    }
    Ok(())
}

fn check_tail(
    scanned: &Scanned,
    next: Option<&SegmentHeader>,
    anchored: TreeSize,
    path: PathBuf,
) -> Result<(), OpenError> {
    let Some(tail) = &scanned.tail else {
        return Ok(());
    };
    let index = LogIndex(scanned.header.first.0 + scanned.offsets.count());
    let offset = scanned.offsets.end();
    if next.is_some_and(|next| next.first == index) {
        return Err(OpenError::SegmentDamaged {
            path,
            first: scanned.header.first,
            problem: "has bytes that are not zero behind its last entry",
        });
    }
    if next.is_some() || anchored.holds(index) {
        return Err(OpenError::Damaged {
            path,
            offset,
            index,
            fault: tail.fault,
            anchored,
        });
    }
    if let Some(stranger) = tail.stranger {
        return Err(OpenError::FollowedByWhole {
            path,
            offset,
            index,
            fault: tail.fault,
            later_offset: stranger.offset,
            later_index: stranger.index,
        });
    }
    Ok(())
}
