//! Reading a segment from its beginning, and telling where it ends from where it is damaged.

use std::io;

use crate::decision_log::LogIndex;
use crate::store::embedded::Interrupt;
use crate::store::embedded::disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::journal::frame;
use crate::store::embedded::journal::frame::FrameFault;
use crate::store::embedded::journal::frame::FrameHeader;
use crate::store::embedded::journal::frame::HEADER_BYTES;
use crate::store::embedded::journal::index::Offsets;
use crate::store::embedded::journal::segment::SEGMENT_HEADER_BYTES;
use crate::store::embedded::journal::segment::SegmentHeader;

const WINDOW_BYTES: usize = 1 << 20;

/// Frames begin at multiples of this.
const WORD_BYTES: usize = 8;

const ZEROS: &[u8] = &[0; 4_096];

/// What a segment holds.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) header: SegmentHeader,
    pub(super) offsets: Offsets,
    /// The batch of the last frame: all entries before its first one were acknowledged or cut
    /// before it was written.
    pub(super) newest_batch: Option<LogIndex>,
    /// What follows the frames, if it is not zeros alone.
    pub(super) tail: Option<Tail>,
}

/// Bytes behind the last good frame that are not zero.
#[derive(Debug)]
pub(super) struct Tail {
    /// What is wrong with the frame that should be there.
    pub(super) fault: FrameFault,
    /// Behind the last byte that is not zero.
    pub(super) end: u64,
    /// How many whole frames there are among the rest, and the newest batch they belong to.
    pub(super) frames: u64,
    pub(super) newest_batch: Option<LogIndex>,
    /// The first whole frame that a torn write of the batch in turn can't have left.
    pub(super) stranger: Option<Stranger>,
}

/// A whole frame where only the remains of one torn batch may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stranger {
    pub(super) offset: u64,
    pub(super) index: LogIndex,
}

/// Reads all frames of a segment and shows each to the visitor.
pub(super) fn scan(
    file: &dyn DiskFile,
    header: SegmentHeader,
    interrupt: &Interrupt,
    visit: &mut dyn FnMut(&[u8]),
) -> io::Result<Scanned> {
    let mut window = Window::new(file, header.capacity_bytes, interrupt);
    let mut offsets = Offsets::new(SEGMENT_HEADER_BYTES as u64);
    let mut newest_batch = None;
    let fault = loop {
        let expected = LogIndex(header.first.0 + offsets.count());
        match read_frame(&mut window, &header, offsets.end())? {
            Ok((found, body)) if found.index == expected => {
                visit(body);
                newest_batch = Some(found.batch_first);
                offsets.push(found.frame_bytes() as u64);
            }
            Ok(_) => break FrameFault::Index,
            Err(fault) => break fault,
        }
    };
    let in_turn = LogIndex(header.first.0 + offsets.count());
    let tail = examine_tail(&mut window, &header, (offsets.end(), in_turn), fault)?;
    Ok(Scanned {
        header,
        offsets,
        newest_batch,
        tail,
    })
}

/// Reads the frame at an offset; zeros, or the end of the segment, are a [`FrameFault::Gap`].
fn read_frame<'a>(
    window: &'a mut Window<'_>,
    segment: &SegmentHeader,
    offset: u64,
) -> io::Result<Result<(FrameHeader, &'a [u8]), FrameFault>> {
    let header = match window.bytes(offset, HEADER_BYTES)? {
        None => return Ok(Err(FrameFault::Gap)),
        Some(bytes) if is_zero(bytes) => return Ok(Err(FrameFault::Gap)),
        Some(bytes) => FrameHeader::parse(bytes, segment.family),
    };
    let header = match header {
        Ok(header) => header,
        Err(fault) => return Ok(Err(fault)),
    };
    let Some(frame) = window.bytes(offset, header.frame_bytes())? else {
        return Ok(Err(FrameFault::Length));
    };
    Ok(header
        .check(frame, segment.nonce)
        .map(|body| (header, body)))
}

/// Looks for anything but zeros behind the frames.
fn examine_tail(
    window: &mut Window<'_>,
    segment: &SegmentHeader,
    (start, in_turn): (u64, LogIndex),
    fault: FrameFault,
) -> io::Result<Option<Tail>> {
    let mut tail = Tail {
        fault,
        end: start,
        frames: 0,
        newest_batch: None,
        stranger: None,
    };
    let mut offset = start;
    loop {
        let bytes = window.rest(offset)?;
        if bytes.is_empty() {
            break;
        }
        let Some((at, word)) = first_word_not_zero(bytes) else {
            offset += bytes.len() as u64;
            continue;
        };
        let position = offset + at as u64;
        offset = position + word.len() as u64;
        tail.end = offset;
        if !frame::looks_like_frame(word) {
            continue;
        }
        if let Ok((found, _)) = read_frame(window, segment, position)? {
            tail.note(position, &found, in_turn);
            offset = position + found.frame_bytes() as u64;
            tail.end = offset;
        }
    }
    Ok((tail.end > start).then_some(tail))
}

impl Tail {
    fn note(&mut self, offset: u64, found: &FrameHeader, in_turn: LogIndex) {
        self.frames += 1;
        self.newest_batch = self.newest_batch.max(Some(found.batch_first));
        // A later batch is written only when the one before it is durable.
        let same_batch = found.index > in_turn && found.batch_first <= in_turn;
        let torn = same_batch && self.fault != FrameFault::Index;
        if !torn && self.stranger.is_none() {
            self.stranger = Some(Stranger {
                offset,
                index: found.index,
            });
        }
    }
}

fn first_word_not_zero(bytes: &[u8]) -> Option<(usize, &[u8])> {
    // Whole pages first: most of a tail is zeros.
    let page = bytes.chunks(ZEROS.len()).position(|page| !is_zero(page))? * ZEROS.len();
    let words = bytes.get(page..)?.chunks(WORD_BYTES);
    words
        .enumerate()
        .find(|(_, word)| !is_zero(word))
        .map(|(number, word)| (page + number * WORD_BYTES, word))
}

/// Whether the bytes, a page at most, are zeros. Compared as a whole, which is fast in every build.
fn is_zero(bytes: &[u8]) -> bool {
    ZEROS.get(..bytes.len()) == Some(bytes)
}

/// A stretch of a file in memory that moves on as it is read.
struct Window<'a> {
    file: &'a dyn DiskFile,
    interrupt: &'a Interrupt,
    length: u64,
    start: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a dyn DiskFile, length: u64, interrupt: &'a Interrupt) -> Self {
        Self {
            file,
            interrupt,
            length,
            start: 0,
            buffer: Vec::new(),
        }
    }

    /// The bytes of a range; `None` if it reaches beyond the end.
    fn bytes(&mut self, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        let Some(left) = self.length.checked_sub(offset) else {
            return Ok(None);
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        if left < count {
            return Ok(None);
        }
        if self.held(offset, count).is_none() {
            self.interrupt.check()?;
            self.start = offset;
            self.buffer.resize(count.max(WINDOW_BYTES).min(left), 0);
            disk::read_exact_at(self.file, &mut self.buffer, offset)?;
        }
        Ok(self.held(offset, count))
    }

    /// What is in memory from an offset on, at least one byte unless that is the end.
    ///
    /// Whoever goes through it in small steps reads each byte of the file once: the window moves on
    /// only when its end is reached.
    fn rest(&mut self, offset: u64) -> io::Result<&[u8]> {
        let buffered = self.start + self.buffer.len() as u64;
        let count = if (self.start..buffered).contains(&offset) {
            buffered - offset
        } else {
            self.length.saturating_sub(offset).min(WINDOW_BYTES as u64)
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(self.bytes(offset, count)?.unwrap_or_default())
    }

    fn held(&self, offset: u64, count: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.buffer.get(from..from.checked_add(count)?)
    }
}
