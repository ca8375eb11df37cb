//! The segment: a file of frames, written full of zeros beforehand.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–7 | `COMITYSG` |
//! | 8–9 | version of the format |
//! | 10 | family: 1 payload, 2 leaf |
//! | 11–15 | zero |
//! | 16–23 | index of the first entry |
//! | 24–31 | how many bytes the file has |
//! | 32–39 | the nonce that goes into the checksum of each frame |
//! | 40–59 | zero |
//! | 60–63 | CRC-32C over bytes 0–59 |
//! | 64– | frames, then zeros |
//!
//! Whatever the version, magic, version and checksum stay where they are.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decision_log::LogIndex;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::TEMPORARY_EXTENSION;
use crate::store::embedded::journal::frame::field;
use crate::store::embedded::journal::spare::Prepared;

/// The version of the format that this program writes, and the newest that it reads.
pub const FORMAT_VERSION: u16 = 1;

pub(super) const SEGMENT_HEADER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"COMITYSG";
const CHECKSUM_AT: usize = 60;
const EXTENSION: &str = ".segment";
const ZEROS: &[u8] = &[0; 64 * 1024];

/// The two rows of segments of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// The parts of the entries; durable before the leaf.
    Payload,
    /// The leaves: an entry exists when its leaf is durable.
    Leaf,
}

impl Family {
    /// The directory that holds the segments.
    pub fn directory(self) -> &'static Path {
        Path::new(match self {
            Self::Payload => "payload",
            Self::Leaf => "leaf",
        })
    }

    pub(super) const fn tag(self) -> u8 {
        match self {
            Self::Payload => 1,
            Self::Leaf => 2,
        }
    }

    /// The file of the segment that begins with an entry.
    pub(super) fn path(self, first: LogIndex) -> PathBuf {
        self.directory().join(format!("{first:020}{EXTENSION}"))
    }
}

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) family: Family,
    pub(super) first: LogIndex,
    pub(super) capacity_bytes: u64,
    pub(super) nonce: u64,
}

/// Why the beginning of a file is not the header that should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Damaged,
    Newer(u16),
}

/// Which step failed of making a segment.
#[derive(Debug)]
pub(super) enum CreateError {
    /// The segment is not in place.
    NotInPlace(io::Error),
    /// The segment may be in place, and then has to be replaced before anything else is written.
    PerhapsInPlace(io::Error),
    /// A directory could not be synced; what is durable in it is unknown.
    DirectorySync(io::Error),
}

impl SegmentHeader {
    pub(super) fn path(&self) -> PathBuf {
        self.family.path(self.first)
    }

    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT_VERSION.to_be_bytes());
        bytes.extend([self.family.tag(), 0, 0, 0, 0, 0]);
        bytes.extend(self.first.0.to_be_bytes());
        bytes.extend(self.capacity_bytes.to_be_bytes());
        bytes.extend(self.nonce.to_be_bytes());
        bytes.resize(CHECKSUM_AT, 0);
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        field(&bytes, 0).unwrap_or([0; SEGMENT_HEADER_BYTES])
    }

    /// Reads the header of the segment that should begin with this entry.
    pub(super) fn parse(
        bytes: &[u8],
        family: Family,
        first: LogIndex,
    ) -> Result<Self, HeaderFault> {
        let summed = bytes.get(..CHECKSUM_AT).ok_or(HeaderFault::Damaged)?;
        let checksum = field(bytes, CHECKSUM_AT).map(u32::from_be_bytes);
        if field(bytes, 0) != Some(MAGIC) || checksum != Some(crc32c::crc32c(summed)) {
            return Err(HeaderFault::Damaged);
        }
        let version = field(bytes, 8)
            .map(u16::from_be_bytes)
            .ok_or(HeaderFault::Damaged)?;
        if version > FORMAT_VERSION {
            return Err(HeaderFault::Newer(version));
        }
        let number = |at| {
            field(bytes, at)
                .map(u64::from_be_bytes)
                .ok_or(HeaderFault::Damaged)
        };
        let header = Self {
            family,
            first,
            capacity_bytes: number(24)?,
            nonce: number(32)?,
        };
        // Everything else in the bytes must be as this program would have written it.
        if Some(header.encode()) == field(bytes, 0) {
            Ok(header)
        } else {
            Err(HeaderFault::Damaged)
        }
    }
}

/// Makes a segment and puts it in place, durably; one of the same name is replaced.
pub(super) fn create(
    disk: &dyn Disk,
    header: &SegmentHeader,
) -> Result<Arc<dyn DiskFile>, CreateError> {
    let temporary = temporary(&header.path());
    let file = write_aside(disk, header, &temporary).map_err(CreateError::NotInPlace)?;
    put_in_place(disk, header, &temporary)?;
    Ok(file)
}

/// Makes a segment of a spare; on an error there is no spare any more.
pub(super) fn create_from(
    disk: &dyn Disk,
    header: &SegmentHeader,
    spare: Prepared,
) -> Result<Arc<dyn DiskFile>, CreateError> {
    let file = spare.file;
    let written = file
        .write_all_at(&header.encode(), 0)
        .and_then(|()| file.sync_data())
        .map_err(CreateError::NotInPlace);
    if let Err(error) = written.and_then(|()| put_in_place(disk, header, &spare.path)) {
        drop(disk.remove(&spare.path));
        return Err(error);
    }
    Ok(file)
}

fn put_in_place(
    disk: &dyn Disk,
    header: &SegmentHeader,
    temporary: &Path,
) -> Result<(), CreateError> {
    disk.rename(temporary, &header.path())
        .map_err(CreateError::PerhapsInPlace)?;
    disk.sync_directory(header.family.directory())
        .map_err(CreateError::DirectorySync)
}

fn write_aside(
    disk: &dyn Disk,
    header: &SegmentHeader,
    temporary: &Path,
) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(temporary)?;
    let written = file
        .write_all_at(&header.encode(), 0)
        .and_then(|()| write_zeros(&*file, SEGMENT_HEADER_BYTES as u64, header.capacity_bytes))
        .and_then(|()| file.sync_data());
    if let Err(error) = written {
        // On a full disk the half-written file must not stay in the way; opening removes it too.
        drop(disk.remove(temporary));
        return Err(error);
    }
    Ok(file)
}

fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension(TEMPORARY_EXTENSION)
}

/// Fills a range of a file with zeros.
pub(super) fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut offset = from;
    while offset < to {
        let left = usize::try_from(to - offset).unwrap_or(usize::MAX);
        let zeros = ZEROS.get(..left).unwrap_or(ZEROS);
        file.write_all_at(zeros, offset)?;
        offset += zeros.len() as u64;
    }
    Ok(())
}

/// The first entries of the segments in a directory listing, in order; other files are left alone.
pub(super) fn segments_among(names: &[String]) -> Vec<LogIndex> {
    let mut firsts: Vec<LogIndex> = names
        .iter()
        .filter_map(|name| name.strip_suffix(EXTENSION))
        .filter(|digits| digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|digits| digits.parse().ok().map(LogIndex))
        .collect();
    firsts.sort();
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        family: Family::Leaf,
        first: LogIndex(3),
        capacity_bytes: 4096,
        nonce: 77,
    };

    #[test]
    fn headers_round_trip_and_every_flipped_bit_is_noticed() {
        let bytes = HEADER.encode();
        let parse = |bytes: &[u8]| SegmentHeader::parse(bytes, Family::Leaf, LogIndex(3));
        assert_eq!(parse(&bytes), Ok(HEADER));
        assert!(SegmentHeader::parse(&bytes, Family::Payload, LogIndex(3)).is_err());
        assert!(SegmentHeader::parse(&bytes, Family::Leaf, LogIndex(4)).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&flipped), Err(HeaderFault::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut bytes = HEADER.encode();
        bytes[9] = 2;
        let checksum = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_be_bytes());
        let parsed = SegmentHeader::parse(&bytes, Family::Leaf, LogIndex(3));
        assert_eq!(parsed, Err(HeaderFault::Newer(2)));
    }

    #[test]
    fn only_names_of_segments_are_taken_for_segments() {
        let path = Family::Leaf.path(LogIndex(12));
        assert_eq!(path, Path::new("leaf/00000000000000000012.segment"));
        let names = [
            "00000000000000000012.segment",
            "00000000000000000000.segment",
        ];
        let others = [
            "12.segment",
            "00000000000000000012.segment.tmp",
            "+0000000000000000012.segment",
        ];
        let names: Vec<_> = names
            .iter()
            .chain(&others)
            .map(ToString::to_string)
            .collect();
        assert_eq!(segments_among(&names), [LogIndex(0), LogIndex(12)]);
    }
}
