//! Entry bundles: entries one behind the other, each with its length before it (two bytes, big-endian).

/// The most bytes of an entry in a bundle.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// A sequence of bytes that is no bundle, or entries that make none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is longer than its length can say.
    #[error("an entry has {length} bytes, more than {ENTRY_BYTES_MAX}")]
    EntryTooLong {
        /// How many.
        length: usize,
    },
    /// It ends in the middle of an entry.
    #[error("it ends in the middle of entry {entry}, counted from 0")]
    CutShort {
        /// Which entry.
        entry: usize,
    },
}

/// The bundle of these entries.
pub fn write_bundle<'a>(
    entries: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong {
            length: entry.len(),
        })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle.
pub fn read_bundle(mut bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let cut_short = BundleError::CutShort {
            entry: entries.len(),
        };
        let (length, rest) = bytes.split_first_chunk().ok_or(cut_short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(cut_short)?;
        entries.push(entry);
        bytes = rest;
    }
    Ok(entries)
}
