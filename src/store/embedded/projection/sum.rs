//! A sum over rows in any order, by which a projection or snapshot is known to be whole.

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use uuid::Uuid;

use crate::decision_log::LeafHash;

/// How many rows there are, and the sum of their hashes.
///
/// It changes with each row that is put, replaced or removed, so nobody has to read all rows to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store::embedded) struct RowSum {
    rows: u64,
    hashes: u128,
}

/// What must be true of rows that are read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::embedded) struct Mark {
    /// Of which log the rows follow.
    pub(in crate::store::embedded) origin: Uuid,
    /// The leaf of the last entry that is in them.
    pub(in crate::store::embedded) leaf_hash: LeafHash,
    rows: u64,
    /// In hexadecimal; JSON has no numbers of this size.
    hashes: String,
}

impl RowSum {
    /// Counts a row in.
    pub(in crate::store::embedded) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.hashes = self.hashes.wrapping_add(hash(key, value));
    }

    /// Counts a row out.
    pub(in crate::store::embedded) fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.hashes = self.hashes.wrapping_sub(hash(key, value));
    }

    /// The mark of rows with this sum.
    pub(in crate::store::embedded) fn mark(&self, origin: Uuid, leaf_hash: LeafHash) -> Mark {
        Mark {
            origin,
            leaf_hash,
            rows: self.rows,
            hashes: self.hashes_text(),
        }
    }

    /// Whether the mark is that of rows with this sum.
    pub(in crate::store::embedded) fn fits(&self, mark: &Mark) -> bool {
        self.rows == mark.rows && self.hashes_text() == mark.hashes
    }

    fn hashes_text(&self) -> String {
        format!("{:032x}", self.hashes)
    }
}

fn hash(key: &[u8], value: &[u8]) -> u128 {
    let length = (key.len() as u64).to_be_bytes();
    let hasher = Sha256::new().chain_update(length).chain_update(key);
    let digest: [u8; 32] = hasher.chain_update(value).finalize().into();
    let (first, _) = digest.split_at(16);
    first
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}
