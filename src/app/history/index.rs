//! Which entries of the log changed a document: eight bytes a change, and nothing that names anybody.
//!
//! A change is kept as 24 bits of a hash of the document's key, under a key of this process, and the index of its entry.
//! Other documents with the same bits are told apart when the entry is read. What was read stays in memory until the
//! service stops; it is read once, from the first call that asks for it on.

use std::hash::BuildHasher;
use std::hash::RandomState;

use crate::domain::registry::DocumentKey;

/// For how many entries there is room beside the hash: a million million.
const INDEX_BITS: u32 = 40;

/// How many changes are sorted at once.
const RUN_CHANGES: usize = 65_536;

/// Changes of documents, by document.
#[derive(Debug, Default)]
pub(super) struct Changes {
    keys: RandomState,
    // INVARIANT (in order): each run is sorted.
    runs: Vec<Vec<u64>>,
    latest: Vec<u64>,
}

impl Changes {
    fn mark(&self, key: &DocumentKey) -> u64 {
        (self.keys.hash_one(key) >> INDEX_BITS) << INDEX_BITS
    }

    /// Notes that an entry changed a document.
    pub(super) fn note(&mut self, key: &DocumentKey, index: u64) {
        let change = self.mark(key) | index;
        self.latest.push(change);
        if self.latest.len() >= RUN_CHANGES {
            let mut run = std::mem::take(&mut self.latest);
            run.sort_unstable();
            run.shrink_to_fit();
            self.runs.push(run);
        }
    }

    /// The entries that may have changed a document, in their order.
    pub(super) fn of(&self, key: &DocumentKey) -> Vec<u64> {
        let mark = self.mark(key);
        let is_own = |change: &u64| (change >> INDEX_BITS) << INDEX_BITS == mark;
        let sorted = self.runs.iter().flat_map(|run| {
            let start = run.partition_point(|change| *change < mark);
            run.iter().skip(start).take_while(|change| is_own(change))
        });
        let found = sorted.chain(self.latest.iter().filter(|change| is_own(change)));
        let mut indexes: Vec<u64> = found
            .map(|change| change & !(u64::MAX << INDEX_BITS))
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Changes;
    use super::RUN_CHANGES;
    use crate::domain::registry::DocumentKey;
    use crate::domain::registry::DocumentKind;

    #[test]
    fn every_change_is_found_again_over_all_runs() {
        let mut changes = Changes::default();
        let mut expected: BTreeMap<DocumentKey, Vec<u64>> = BTreeMap::new();
        for index in 0..(RUN_CHANGES as u64 * 2 + 10) {
            let key = DocumentKey {
                kind: DocumentKind::Group,
                id: format!("sip:group-{}@example", index % 97).parse().unwrap(),
            };
            changes.note(&key, index);
            expected.entry(key).or_default().push(index);
        }
        assert_eq!(changes.runs.len(), 2);
        for (key, indexes) in expected {
            let found = changes.of(&key);
            assert!(
                indexes
                    .iter()
                    .all(|index| found.binary_search(index).is_ok())
            );
            // Few are there by chance alone.
            assert!(found.len() < indexes.len() + 100);
        }
    }
}
