//! The frame: how one leaf or payload lies in a segment.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–3 | `CMFR` |
//! | 4 | family: 1 payload, 2 leaf |
//! | 5–7 | zero |
//! | 8–11 | length of the body |
//! | 12–19 | index of the entry |
//! | 20–27 | index of the first entry of the batch that the frame was written with |
//! | 28–31 | CRC-32C over the segment's nonce, bytes 0–27 and the body |
//! | 32– | the body, then zeros up to a multiple of eight |
//!
//! Numbers are big-endian. A frame never starts with a zero byte, so zeros mean the end. The nonce
//! keeps apart what is a frame from what only looks like one: an old block of the disk, or bytes
//! that a caller put into a body.

use std::fmt;
use std::ops::Range;

use crate::decision_log::LogIndex;
use crate::store::embedded::journal::Family;

pub(super) const HEADER_BYTES: usize = 32;

const MAGIC: [u8; 4] = *b"CMFR";
const ALIGNMENT: usize = 8;

/// What is wrong with the bytes where a frame should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFault {
    /// They do not begin as a frame does.
    Magic,
    /// It is a frame of the other family, or of none.
    Family,
    /// Bytes that must be zero are not.
    Reserved,
    /// The frame would reach beyond its segment.
    Length,
    /// The checksum is not that of the bytes.
    Checksum,
    /// The frame is whole, but of another entry than the one whose turn it is.
    Index,
    /// There are zeros, and bytes that are not zero after them.
    Gap,
}

/// What the header of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) index: LogIndex,
    pub(super) batch_first: LogIndex,
    length: usize,
    checksum: u32,
}

impl FrameHeader {
    pub(super) fn parse(bytes: &[u8], family: Family) -> Result<Self, FrameFault> {
        if field(bytes, 0) != Some(MAGIC) {
            return Err(FrameFault::Magic);
        }
        let number = |at| {
            field(bytes, at)
                .map(u64::from_be_bytes)
                .ok_or(FrameFault::Length)
        };
        let word = |at| {
            field(bytes, at)
                .map(u32::from_be_bytes)
                .ok_or(FrameFault::Length)
        };
        match field(bytes, 4) {
            Some([tag, 0, 0, 0]) if tag == family.tag() => {}
            Some([_, 0, 0, 0]) => return Err(FrameFault::Family),
            _ => return Err(FrameFault::Reserved),
        }
        Ok(Self {
            index: LogIndex(number(12)?),
            batch_first: LogIndex(number(20)?),
            length: usize::try_from(word(8)?).map_err(|_| FrameFault::Length)?,
            checksum: word(28)?,
        })
    }

    /// How many bytes the frame takes up in its segment.
    pub(super) fn frame_bytes(&self) -> usize {
        frame_bytes(self.length)
    }

    /// Where in the frame the body lies.
    pub(super) fn body(&self) -> Range<usize> {
        HEADER_BYTES..HEADER_BYTES + self.length
    }

    /// Checks a whole frame that begins with this header, and gives its body.
    pub(super) fn check<'a>(&self, frame: &'a [u8], nonce: u64) -> Result<&'a [u8], FrameFault> {
        let body = frame.get(self.body()).ok_or(FrameFault::Length)?;
        let padding = frame
            .get(self.body().end..self.frame_bytes())
            .ok_or(FrameFault::Length)?;
        let start = frame.get(..HEADER_BYTES - 4).ok_or(FrameFault::Length)?;
        if checksum(nonce, start, body) != self.checksum {
            return Err(FrameFault::Checksum);
        }
        if padding.iter().any(|byte| *byte != 0) {
            return Err(FrameFault::Reserved);
        }
        Ok(body)
    }
}

/// How many bytes a frame with a body of this length takes up.
pub(super) const fn frame_bytes(length: usize) -> usize {
    (HEADER_BYTES + length).next_multiple_of(ALIGNMENT)
}

/// Writes a frame behind others.
pub(super) fn write_frame(
    frames: &mut Vec<u8>,
    segment: (Family, u64),
    batch_first: LogIndex,
    index: LogIndex,
    body: &[u8],
) {
    let (family, nonce) = segment;
    // INVARIANT (within limits): the caller checked the body against the limit of its family.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let start = frames.len();
    frames.extend(MAGIC);
    frames.extend([family.tag(), 0, 0, 0]);
    frames.extend(length.to_be_bytes());
    frames.extend(index.0.to_be_bytes());
    frames.extend(batch_first.0.to_be_bytes());
    let checksum = checksum(nonce, frames.get(start..).unwrap_or_default(), body);
    frames.extend(checksum.to_be_bytes());
    frames.extend(body);
    frames.resize(start + frame_bytes(body.len()), 0);
}

fn checksum(nonce: u64, start: &[u8], body: &[u8]) -> u32 {
    let checksum = crc32c::crc32c(&nonce.to_be_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(checksum, start), body)
}

/// The bytes of a fixed-size field.
pub(super) fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Whether the bytes may be the beginning of a frame.
pub(super) fn looks_like_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Magic => "it does not begin as a frame does",
            Self::Family => "it is a frame of another kind of segment",
            Self::Reserved => "bytes that must be zero are not",
            Self::Length => "it would reach beyond its segment",
            Self::Checksum => "its checksum is wrong",
            Self::Index => "it belongs to another entry",
            Self::Gap => "zeros stand in its place",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(
            &mut bytes,
            (Family::Leaf, 9),
            LogIndex(4),
            LogIndex(5),
            body,
        );
        bytes
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let bytes = frame(b"body");
        let mut expected = b"CMFR\x02\0\0\0\0\0\0\x04".to_vec();
        expected.extend([0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 4]);
        let mut summed = vec![0, 0, 0, 0, 0, 0, 0, 9];
        summed.extend(&expected);
        summed.extend(b"body");
        expected.extend(crc32c::crc32c(&summed).to_be_bytes());
        expected.extend(b"body\0\0\0\0");
        assert_eq!(bytes, expected);
        let header = FrameHeader::parse(&bytes, Family::Leaf).unwrap();
        assert_eq!(
            (header.index, header.batch_first),
            (LogIndex(5), LogIndex(4))
        );
        assert_eq!(header.check(&bytes, 9), Ok(&b"body"[..]));
        assert_eq!(header.check(&bytes, 8), Err(FrameFault::Checksum));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for length in [0, 5, 8] {
            let bytes = frame(&vec![7; length]);
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let checked = FrameHeader::parse(&flipped, Family::Leaf)
                    .and_then(|header| header.check(&flipped, 9).map(<[u8]>::to_vec));
                assert!(checked.is_err(), "bit {bit} of a body of {length}");
            }
        }
    }
}
