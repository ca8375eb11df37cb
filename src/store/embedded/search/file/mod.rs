//! The index of one segment of leaves, as a file in `index/`.
//!
//! Numbers are big-endian; checksums are CRC-32C.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–7 | `COMITYIX` |
//! | 8–9 | version of the format |
//! | 10–11 | bytes of a time: 4 or 8 |
//! | 12–15 | how many terms there are |
//! | 16–31 | the random name of the log |
//! | 32–39 | index of the first entry |
//! | 40–47 | how many entries there are |
//! | 48–79 | what it is bound to: SHA-256 over what the journal says of these entries |
//! | 80–95 | salt of the terms' digests |
//! | 96–103, 104–111 | the first and the last time, in milliseconds since 1970 |
//! | 112–119 | where the table begins |
//! | 120–127 | where the names begin |
//! | 128–135 | how many bytes the file has |
//! | 136–139 | checksum of all that follows the header |
//! | 140–143 | checksum of the times |
//! | 144–147 | checksum of the names |
//! | 148–151 | checksum over bytes 0–147 |
//!
//! Then:
//!
//! - the **times** of the entries, each as the milliseconds after the first time;
//! - the **postings**: sets of entries, counted from the first, in the portable form of Roaring bitmaps;
//! - the **table**: the terms in the order of their digests, in blocks of at most 64, each block with its checksum behind
//!   it. A term has 32 bytes: its digest (16), where its posting is (8), how many bytes that has (4), and its checksum (4).
//!   A term of one entry has no posting: its place is the entry's number, its length 0;
//! - the **names**: JSON, `[dimension, value]` of each term whose dimension may be counted by.
//!
//! The digest of a term is the first 16 bytes of SHA-256 over salt, dimension (1 byte) and value. So a file names no person,
//! no group and no request; whoever knows a name can look it up, as in the log itself.

use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;
use uuid::Uuid;

use super::term::Term;

mod read;
mod write;

#[cfg(test)]
mod tests;

pub(super) use read::IndexFile;
pub(super) use write::encode;

/// The version of the format that this program writes, and the only one that it reads.
pub const FORMAT_VERSION: u16 = 1;

/// Where index files lie.
pub(super) const DIRECTORY: &str = "index";

pub(super) const EXTENSION: &str = ".index";

const MAGIC: [u8; 8] = *b"COMITYIX";
const HEADER_BYTES: usize = 152;
const CHECKED_HEADER_BYTES: usize = 148;
const TERM_BYTES: usize = 32;
const BLOCK_TERMS: u64 = 64;
const CHECKSUM_BYTES: u64 = 4;

type TermDigest = [u8; 16];

/// What an index is of: entries of a log, as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The random name of the log.
    pub(super) origin: Uuid,
    /// The first entry.
    pub(super) first: u64,
    /// How many there are.
    pub(super) count: u64,
    /// A digest over what the journal says of them.
    pub(super) content: [u8; 32],
}

/// What the head of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    binding: Binding,
    time_bytes: u16,
    terms: u32,
    salt: [u8; 16],
    span: (i64, i64),
    table: u64,
    names: u64,
    length: u64,
    body_checksum: u32,
    times_checksum: u32,
    names_checksum: u32,
}

/// The name of the file of the entries from one on.
pub(super) fn name(first: u64) -> String {
    format!("{first:020}{EXTENSION}")
}

/// The path of that file.
pub(super) fn path(first: u64) -> PathBuf {
    PathBuf::from(DIRECTORY).join(name(first))
}

fn digest(salt: &[u8; 16], term: &Term) -> TermDigest {
    let hash = Sha256::new()
        .chain_update(salt)
        .chain_update([term.dimension.tag()])
        .chain_update(&term.value)
        .finalize();
    let mut digest = TermDigest::default();
    for (to, from) in digest.iter_mut().zip(hash) {
        *to = from;
    }
    digest
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT_VERSION.to_be_bytes());
        bytes.extend(self.time_bytes.to_be_bytes());
        bytes.extend(self.terms.to_be_bytes());
        bytes.extend(self.binding.origin.as_bytes());
        bytes.extend(self.binding.first.to_be_bytes());
        bytes.extend(self.binding.count.to_be_bytes());
        bytes.extend(self.binding.content);
        bytes.extend(self.salt);
        bytes.extend(self.span.0.to_be_bytes());
        bytes.extend(self.span.1.to_be_bytes());
        bytes.extend(self.table.to_be_bytes());
        bytes.extend(self.names.to_be_bytes());
        bytes.extend(self.length.to_be_bytes());
        bytes.extend(self.body_checksum.to_be_bytes());
        bytes.extend(self.times_checksum.to_be_bytes());
        bytes.extend(self.names_checksum.to_be_bytes());
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_be_bytes());
        bytes
    }
}
