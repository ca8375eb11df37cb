//! The anchor: how far the journal certainly reached.
//!
//! Two slots in one file, 4,096 bytes apart, written in turn. A slot is written after the entries
//! that it speaks of are durable and before anybody is told so: the anchor is never ahead of the
//! segments, and never behind what was acknowledged.
//!
//! | bytes of a slot | what |
//! | --- | --- |
//! | 0–7 | `COMITYAN` |
//! | 8–9 | version of the format |
//! | 10–15 | zero |
//! | 16–23 | sequence number; the larger one is in force, its parity is the slot |
//! | 24–31 | number of entries |
//! | 32–63 | chain hash over their leaves |
//! | 64–71 | first entry of the newest leaf segment |
//! | 72–79 | where in that segment the next frame goes |
//! | 80–91 | zero |
//! | 92–95 | CRC-32C over bytes 0–91 |

use std::io;
use std::path::Path;
use std::sync::Arc;

use sha2::Digest;
use sha2::Sha256;

use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::journal::frame::field;
use crate::store::embedded::journal::segment::FORMAT_VERSION;

pub(super) const ANCHOR_NAME: &str = "anchor";

const MAGIC: [u8; 8] = *b"COMITYAN";
const SLOT_BYTES: usize = 96;
const CHECKSUM_AT: usize = 92;
const SLOT_DISTANCE_BYTES: usize = 4_096;

/// A running hash over all leaves: SHA-256 over the hash before and the leaf's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// The chain with one more leaf.
    #[must_use]
    pub fn with(self, leaf: &LeafHash) -> Self {
        Self(
            Sha256::new()
                .chain_update(self.0)
                .chain_update(leaf.0)
                .finalize()
                .into(),
        )
    }
}

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) sequence: u64,
    pub(super) size: TreeSize,
    pub(super) chain: ChainHash,
    pub(super) leaf_segment: LogIndex,
    pub(super) leaf_end: u64,
}

/// What the anchor's file holds.
#[derive(Debug)]
pub(super) enum AnchorFile {
    Missing,
    /// Neither slot is whole.
    Lost,
    Newer(u16),
    Found {
        anchor: Anchor,
        /// Whether the other slot is whole too.
        both_whole: bool,
        file: Arc<dyn DiskFile>,
    },
}

enum Slot {
    Damaged,
    Newer(u16),
    Whole(Anchor),
}

impl Anchor {
    /// The anchor of a journal without entries.
    pub(super) const EMPTY: Self = Self {
        sequence: 0,
        size: TreeSize(0),
        chain: ChainHash([0; 32]),
        leaf_segment: LogIndex(0),
        leaf_end: 0,
    };

    /// The same said in the other slot, in force after this one.
    #[must_use]
    pub(super) fn next(&self) -> Self {
        Self {
            sequence: self.sequence + 1,
            ..*self
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT_VERSION.to_be_bytes());
        bytes.extend([0; 6]);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.size.0.to_be_bytes());
        bytes.extend(self.chain.0);
        bytes.extend(self.leaf_segment.0.to_be_bytes());
        bytes.extend(self.leaf_end.to_be_bytes());
        bytes.resize(CHECKSUM_AT, 0);
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    fn offset(&self) -> u64 {
        (self.sequence % 2) * SLOT_DISTANCE_BYTES as u64
    }

    /// Writes the slot whose turn it is, durably.
    pub(super) fn write(&self, file: &dyn DiskFile) -> io::Result<()> {
        file.write_all_at(&self.encode(), self.offset())?;
        file.sync_data()
    }
}

impl Slot {
    fn parse(bytes: &[u8], parity: u64) -> Self {
        Self::try_parse(bytes, parity).unwrap_or(Self::Damaged)
    }

    fn try_parse(bytes: &[u8], parity: u64) -> Option<Self> {
        let number = |at| field(bytes, at).map(u64::from_be_bytes);
        let checksum = u32::from_be_bytes(field(bytes, CHECKSUM_AT)?);
        if field(bytes, 0)? != MAGIC || checksum != crc32c::crc32c(bytes.get(..CHECKSUM_AT)?) {
            return None;
        }
        let version = u16::from_be_bytes(field(bytes, 8)?);
        if version > FORMAT_VERSION {
            return Some(Self::Newer(version));
        }
        let anchor = Anchor {
            sequence: number(16)?,
            size: TreeSize(number(24)?),
            chain: ChainHash(field(bytes, 32)?),
            leaf_segment: LogIndex(number(64)?),
            leaf_end: number(72)?,
        };
        (anchor.sequence % 2 == parity).then_some(Self::Whole(anchor))
    }
}

/// Reads the anchor's file.
pub(super) fn read(disk: &dyn Disk) -> io::Result<AnchorFile> {
    let file = match disk.open(Path::new(ANCHOR_NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AnchorFile::Missing),
        Err(error) => return Err(error),
    };
    let bytes = disk::read_whole(&*file)?;
    let even = Slot::parse(&bytes, 0);
    let odd = Slot::parse(bytes.get(SLOT_DISTANCE_BYTES..).unwrap_or_default(), 1);
    let (anchor, both_whole) = match (even, odd) {
        (Slot::Newer(version), _) | (_, Slot::Newer(version)) => {
            return Ok(AnchorFile::Newer(version));
        }
        (Slot::Damaged, Slot::Damaged) => return Ok(AnchorFile::Lost),
        (Slot::Whole(anchor), Slot::Damaged) | (Slot::Damaged, Slot::Whole(anchor)) => {
            (anchor, false)
        }
        (Slot::Whole(even), Slot::Whole(odd)) if even.sequence > odd.sequence => (even, true),
        (Slot::Whole(_), Slot::Whole(odd)) => (odd, true),
    };
    Ok(AnchorFile::Found {
        anchor,
        both_whole,
        file,
    })
}

/// Puts a new file in place that says this in both slots; gives the one in force.
pub(super) fn create(disk: &dyn Disk, anchor: Anchor) -> io::Result<(Anchor, Arc<dyn DiskFile>)> {
    let next = anchor.next();
    let mut bytes = vec![0; SLOT_DISTANCE_BYTES * 2];
    for slot in [&anchor, &next] {
        let offset = usize::try_from(slot.offset()).unwrap_or(0);
        if let Some(place) = bytes.get_mut(offset..offset + SLOT_BYTES) {
            place.copy_from_slice(&slot.encode());
        }
    }
    disk::put_whole(disk, Path::new(""), ANCHOR_NAME, &bytes)?;
    Ok((next, disk.open(Path::new(ANCHOR_NAME))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::disk::MemoryDisk;

    fn anchor(sequence: u64) -> Anchor {
        Anchor {
            sequence,
            size: TreeSize(sequence * 10),
            ..Anchor::EMPTY
        }
    }

    fn found(disk: &MemoryDisk) -> Option<(Anchor, bool)> {
        match read(disk).unwrap() {
            AnchorFile::Found {
                anchor, both_whole, ..
            } => Some((anchor, both_whole)),
            AnchorFile::Missing | AnchorFile::Lost | AnchorFile::Newer(_) => None,
        }
    }

    #[test]
    fn the_newest_whole_slot_is_in_force() {
        let disk = MemoryDisk::default();
        assert!(matches!(read(&disk).unwrap(), AnchorFile::Missing));
        let (created, file) = create(&disk, anchor(4)).unwrap();
        assert_eq!(created, anchor(4).next());
        assert_eq!(found(&disk), Some((created, true)));
        for sequence in 5..9 {
            anchor(sequence).write(&*file).unwrap();
            assert_eq!(found(&disk), Some((anchor(sequence), true)));
        }
        for bit in 0..SLOT_BYTES * 8 {
            let damaged = disk.copy();
            damaged.edit(ANCHOR_NAME, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            assert_eq!(found(&damaged), Some((anchor(7), false)), "bit {bit}");
        }
        disk.edit(ANCHOR_NAME, |bytes| bytes.fill(1));
        assert!(matches!(read(&disk).unwrap(), AnchorFile::Lost));
    }
}
