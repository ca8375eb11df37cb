//! The writing end of one family: its newest segment and where the next frame goes.

use std::io;
use std::sync::Arc;

use crate::decision_log::LogIndex;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::Preparation;
use crate::store::embedded::journal::SegmentSizes;
use crate::store::embedded::journal::frame;
use crate::store::embedded::journal::segment;
use crate::store::embedded::journal::segment::CreateError;
use crate::store::embedded::journal::segment::SEGMENT_HEADER_BYTES;
use crate::store::embedded::journal::segment::SegmentHeader;
use crate::store::embedded::journal::spare::Spare;

#[derive(Debug)]
pub(super) struct Writer {
    sizes: SegmentSizes,
    header: SegmentHeader,
    file: Arc<dyn DiskFile>,
    /// INVARIANT (zeros ahead): from here to the end of the segment there are durable zeros, unless
    /// the journal has stopped.
    end: u64,
    spare: Spare,
    /// A segment may stand behind this one, so the next batch must replace it, however small it is.
    must_begin: bool,
}

/// How the segments of a family are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Making {
    pub(super) sizes: SegmentSizes,
    pub(super) preparation: Preparation,
}

impl Writer {
    /// Goes on in a segment that is there.
    pub(super) fn resume(
        making: Making,
        header: SegmentHeader,
        file: Arc<dyn DiskFile>,
        end: u64,
    ) -> Self {
        Self {
            sizes: making.sizes,
            header,
            file,
            end,
            spare: Spare::new(header.family, making.preparation),
            must_begin: false,
        }
    }

    /// Begins the first segment of a family.
    pub(super) fn begin(
        disk: &dyn Disk,
        making: Making,
        family: Family,
        first: LogIndex,
    ) -> Result<Self, CreateError> {
        let header = new_header(family, first, making.sizes.next_bytes(None, 0))?;
        let file = segment::create(disk, &header)?;
        Ok(Self::resume(
            making,
            header,
            file,
            SEGMENT_HEADER_BYTES as u64,
        ))
    }

    pub(super) fn header(&self) -> &SegmentHeader {
        &self.header
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Sees to it that the segment has room for so many bytes; says whether a new one was begun.
    pub(super) fn make_room(
        &mut self,
        disk: &dyn Disk,
        first: LogIndex,
        bytes: usize,
    ) -> Result<bool, CreateError> {
        let bytes = bytes as u64;
        if self.end + bytes <= self.header.capacity_bytes && !self.must_begin {
            return Ok(false);
        }
        let needed = SEGMENT_HEADER_BYTES as u64 + bytes;
        let begun = if let Some(spare) = self.spare.take(needed) {
            let header = new_header(self.header.family, first, spare.capacity_bytes)?;
            segment::create_from(disk, &header, spare).map(|file| (header, file))
        } else {
            let previous = Some(self.header.capacity_bytes);
            let capacity = self.sizes.next_bytes(previous, needed);
            let header = new_header(self.header.family, first, capacity)?;
            segment::create(disk, &header).map(|file| (header, file))
        };
        self.must_begin |= matches!(begun, Err(CreateError::PerhapsInPlace(_)));
        (self.header, self.file) = begun?;
        self.end = SEGMENT_HEADER_BYTES as u64;
        self.must_begin = false;
        Ok(true)
    }

    /// The next batch goes into another segment.
    pub(super) fn begin_next(&mut self) {
        self.must_begin = true;
    }

    /// Has the next segment prepared once half of this one is used.
    pub(super) fn prepare_next(&mut self, disk: &Arc<dyn Disk>) {
        if self.end >= self.header.capacity_bytes / 2 {
            let capacity = self.sizes.next_bytes(Some(self.header.capacity_bytes), 0);
            self.spare.begin(disk, capacity);
        }
    }

    /// Lays out the frames of a batch, for this segment and no other.
    pub(super) fn frames<'a>(
        &self,
        first: LogIndex,
        bodies: impl Iterator<Item = &'a [u8]>,
    ) -> Vec<u8> {
        let mut frames = Vec::new();
        for (index, body) in (first.0..).map(LogIndex).zip(bodies) {
            frame::write_frame(
                &mut frames,
                (self.header.family, self.header.nonce),
                first,
                index,
                body,
            );
        }
        frames
    }

    pub(super) fn write(&self, frames: &[u8]) -> io::Result<()> {
        self.file.write_all_at(frames, self.end)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Clears what a write may have left, durably: whole frames left there would come back to life
    /// behind shorter ones.
    pub(super) fn undo(&self, bytes: usize) -> io::Result<()> {
        segment::write_zeros(&*self.file, self.end, self.end + bytes as u64)?;
        self.file.sync_data()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.end += bytes as u64;
    }
}

fn new_header(
    family: Family,
    first: LogIndex,
    capacity_bytes: u64,
) -> Result<SegmentHeader, CreateError> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce)
        .map_err(|error| CreateError::NotInPlace(io::Error::other(error.to_string())))?;
    Ok(SegmentHeader {
        family,
        first,
        capacity_bytes,
        nonce: u64::from_be_bytes(nonce),
    })
}
