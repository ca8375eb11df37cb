//! Reading an index from its file: a few blocks a question, each held against its checksum.

use std::cmp::Ordering;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::BLOCK_TERMS;
use super::Binding;
use super::CHECKED_HEADER_BYTES;
use super::CHECKSUM_BYTES;
use super::FORMAT_VERSION;
use super::HEADER_BYTES;
use super::Header;
use super::MAGIC;
use super::TERM_BYTES;
use super::TermDigest;
use super::digest;
use super::path;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::search::fault::Fault;
use crate::store::embedded::search::query::Indexed;
use crate::store::embedded::search::term::Dimension;
use crate::store::embedded::search::term::Term;

const PIECE_BYTES: u64 = 1 << 20;

/// What is known of an index file that was found to be whole; the file is opened for each question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::embedded::search) struct IndexFile {
    header: Header,
}

/// An index file that is open.
#[derive(Debug)]
pub(in crate::store::embedded::search) struct OpenIndex {
    header: Header,
    file: Arc<dyn DiskFile>,
}

/// Where a term's posting is.
struct Place {
    at: u64,
    length: u32,
    checksum: u32,
}

impl IndexFile {
    /// Reads the whole file and holds it against its checksums, and against what it should be of.
    pub(in crate::store::embedded::search) fn verify(
        disk: &dyn Disk,
        expected: &Binding,
    ) -> Result<Self, Fault> {
        let file = disk.open(&path(expected.first))?;
        let header = Header::read(&*file)?;
        if header.binding != *expected {
            return Err(Fault::Foreign);
        }
        if file.length()? != header.length {
            return Err(Fault::Damaged("it has another length"));
        }
        let (mut at, mut checksum) = (HEADER_BYTES as u64, 0);
        while at < header.length {
            let piece = PIECE_BYTES.min(header.length - at);
            checksum = crc32c::crc32c_append(checksum, &bytes(&*file, at, piece)?);
            at += piece;
        }
        if checksum != header.body_checksum {
            return Err(Fault::Damaged("its checksum is another one"));
        }
        Ok(Self { header })
    }

    /// Opens the file again, if it is still the same.
    pub(in crate::store::embedded::search) fn open(
        &self,
        disk: &dyn Disk,
    ) -> Result<OpenIndex, Fault> {
        let file = disk.open(&path(self.header.binding.first))?;
        let header = Header::read(&*file)?;
        if header == self.header {
            Ok(OpenIndex { header, file })
        } else {
            Err(Fault::Foreign)
        }
    }

    /// Whether any entry can be of a period.
    pub(in crate::store::embedded::search) fn span(&self) -> (i64, i64) {
        self.header.span
    }
}

impl OpenIndex {
    fn place(&self, wanted: TermDigest) -> Result<Option<Place>, Fault> {
        let terms = u64::from(self.header.terms);
        let (mut low, mut high) = (0, terms.div_ceil(BLOCK_TERMS));
        while low < high {
            let middle = low + (high - low) / 2;
            let block = self.block(middle, terms)?;
            let rows = || block.chunks_exact(TERM_BYTES);
            let below = rows()
                .next()
                .is_some_and(|row| wanted.as_slice() < digest_of(row));
            let above = rows()
                .next_back()
                .is_some_and(|row| wanted.as_slice() > digest_of(row));
            if below {
                high = middle;
            } else if above {
                low = middle + 1;
            } else {
                let mut rows = rows();
                let row = rows.find(|row| digest_of(row).cmp(&wanted) == Ordering::Equal);
                return row.map(Place::read).transpose();
            }
        }
        Ok(None)
    }

    fn block(&self, number: u64, terms: u64) -> Result<Vec<u8>, Fault> {
        let rows = BLOCK_TERMS.min(terms - number * BLOCK_TERMS);
        let length = rows * TERM_BYTES as u64;
        let stride = BLOCK_TERMS * TERM_BYTES as u64 + CHECKSUM_BYTES;
        let at = self.header.table + number * stride;
        let mut read = bytes(&*self.file, at, length + CHECKSUM_BYTES)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let expected = array(&read, length).map(u32::from_be_bytes);
        read.truncate(length);
        checked(read, expected, "a block of its table")
    }
}

impl Indexed for OpenIndex {
    fn range(&self) -> Range<u64> {
        self.header.range()
    }

    fn span(&self) -> Option<(i64, i64)> {
        (self.header.binding.count > 0).then_some(self.header.span)
    }

    fn posting(&self, term: &Term) -> Result<RoaringBitmap, Fault> {
        let Some(place) = self.place(digest(&self.header.salt, term))? else {
            return Ok(RoaringBitmap::new());
        };
        if place.length == 0 {
            let only = u32::try_from(place.at);
            return Ok(only.into_iter().collect());
        }
        let read = bytes(&*self.file, place.at, place.length.into())?;
        let read = checked(read, Some(place.checksum), "a posting")?;
        Ok(RoaringBitmap::deserialize_from(&*read)?)
    }

    fn times(&self) -> Result<Vec<i64>, Fault> {
        let width = usize::from(self.header.time_bytes);
        let length = self.header.binding.count * u64::from(self.header.time_bytes);
        let read = bytes(&*self.file, HEADER_BYTES as u64, length)?;
        let read = checked(read, Some(self.header.times_checksum), "its times")?;
        let first = self.header.span.0;
        let times = read.chunks_exact(width.max(1)).map(|time| {
            let after = time
                .iter()
                .fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
            first + after
        });
        Ok(times.collect())
    }

    fn values(&self, dimension: Dimension) -> Result<Vec<String>, Fault> {
        let length = self.header.length - self.header.names;
        let read = bytes(&*self.file, self.header.names, length)?;
        let read = checked(read, Some(self.header.names_checksum), "its names")?;
        let names: Vec<(String, String)> =
            serde_json::from_slice(&read).map_err(io::Error::other)?;
        let names = names.into_iter();
        let names = names.filter(|(name, _)| Dimension::of_name(name) == Some(dimension));
        Ok(names.map(|(_, value)| value).collect())
    }
}

impl Header {
    fn range(&self) -> Range<u64> {
        self.binding.first..self.binding.first + self.binding.count
    }

    fn read(file: &dyn DiskFile) -> Result<Self, Fault> {
        let read = bytes(file, 0, HEADER_BYTES as u64)?;
        let checksum = read.get(..CHECKED_HEADER_BYTES).map(crc32c::crc32c);
        let written = array(&read, CHECKED_HEADER_BYTES).map(u32::from_be_bytes);
        if array(&read, 0) != Some(MAGIC) || checksum != written {
            return Err(Fault::Damaged("its head"));
        }
        let header = Self::parse(&read).ok_or(Fault::Damaged("its head"))?;
        let version = array(&read, 8).map(u16::from_be_bytes).unwrap_or_default();
        if version != FORMAT_VERSION {
            return Err(Fault::Newer(version));
        }
        let times = header.binding.count.checked_mul(header.time_bytes.into());
        let times_end = times.and_then(|bytes| bytes.checked_add(HEADER_BYTES as u64));
        let is_whole = times_end.is_some_and(|end| end <= header.table)
            && header.table <= header.names
            && header.names <= header.length
            && matches!(header.time_bytes, 4 | 8);
        if is_whole {
            Ok(header)
        } else {
            Err(Fault::Damaged("its head"))
        }
    }

    fn parse(read: &[u8]) -> Option<Self> {
        let long = |at| array(read, at).map(u64::from_be_bytes);
        let time = |at| array(read, at).map(i64::from_be_bytes);
        let short = |at| array(read, at).map(u32::from_be_bytes);
        Some(Self {
            time_bytes: array(read, 10).map(u16::from_be_bytes)?,
            terms: short(12)?,
            binding: Binding {
                origin: Uuid::from_bytes(array(read, 16)?),
                first: long(32)?,
                count: long(40)?,
                content: array(read, 48)?,
            },
            salt: array(read, 80)?,
            span: (time(96)?, time(104)?),
            table: long(112)?,
            names: long(120)?,
            length: long(128)?,
            body_checksum: short(136)?,
            times_checksum: short(140)?,
            names_checksum: short(144)?,
        })
    }
}

impl Place {
    fn read(row: &[u8]) -> Result<Self, Fault> {
        let read = || {
            Some(Self {
                at: array(row, 16).map(u64::from_be_bytes)?,
                length: array(row, 24).map(u32::from_be_bytes)?,
                checksum: array(row, 28).map(u32::from_be_bytes)?,
            })
        };
        read().ok_or(Fault::Damaged("a row of its table"))
    }
}

fn digest_of(row: &[u8]) -> &[u8] {
    row.get(..16).unwrap_or_default()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn bytes(file: &dyn DiskFile, at: u64, length: u64) -> Result<Vec<u8>, Fault> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut read = vec![0; length];
    disk::read_exact_at(file, &mut read, at)?;
    Ok(read)
}

fn checked(read: Vec<u8>, expected: Option<u32>, what: &'static str) -> Result<Vec<u8>, Fault> {
    if Some(crc32c::crc32c(&read)) == expected {
        Ok(read)
    } else {
        Err(Fault::Damaged(what))
    }
}
