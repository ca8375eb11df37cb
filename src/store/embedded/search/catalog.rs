//! Which index there is of which entries.

use std::ops::Range;
use std::sync::Arc;

use super::file::IndexFile;
use super::gathered::Gathered;

/// The indexes of a log: one of each sealed segment of leaves, in order, and that of the entries behind them.
#[derive(Debug)]
pub(super) struct Catalog {
    /// INVARIANT: they lie behind one another from the first entry on, and the tail behind them.
    pub(super) slots: Vec<Slot>,
    pub(super) tail: Gathered,
    /// Counts how often something was to be indexed anew; what was gathered before counts no longer.
    pub(super) generation: u64,
}

/// The index of a sealed segment.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) range: Range<u64>,
    pub(super) state: SlotState,
}

/// Where an index is.
#[derive(Clone, Debug)]
pub(super) enum SlotState {
    /// Nowhere yet, or no longer.
    Missing,
    /// In memory; it is not written yet.
    Kept(Arc<Gathered>),
    /// In its file, which was found to be whole.
    File(IndexFile),
}

impl Catalog {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            tail: Gathered::new(0),
            generation: 0,
        }
    }

    /// Up to which entry everything is indexed.
    pub(super) fn indexed(&self) -> u64 {
        let mut slots = self.slots.iter();
        let missing = slots.find(|slot| matches!(slot.state, SlotState::Missing));
        missing.map_or_else(|| self.tail.range().end, |slot| slot.range.start)
    }

    /// Brings the slots in line with the segments that are sealed, as far as the tail allows.
    pub(super) fn seal(&mut self, sealed: &[Range<u64>]) {
        for range in sealed {
            let tail = self.tail.range();
            if range.start != tail.start {
                continue;
            }
            let state = if tail.is_empty() {
                SlotState::Missing
            } else if tail == *range {
                SlotState::Kept(Arc::new(std::mem::take(&mut self.tail)))
            } else {
                return;
            };
            self.slots.push(Slot {
                range: range.clone(),
                state,
            });
            self.tail = Gathered::new(range.end);
        }
    }

    /// Puts an index where it belongs, unless something was to be indexed anew since `generation`.
    pub(super) fn put(&mut self, range: &Range<u64>, state: SlotState, generation: u64) -> bool {
        let mut slots = self.slots.iter_mut();
        match slots.find(|slot| slot.range == *range) {
            Some(slot) if generation == self.generation => {
                slot.state = state;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Forgets what is known of entries.
    pub(super) fn forget(&mut self, entries: &Range<u64>) {
        self.generation += 1;
        let meets = |range: &Range<u64>| range.start < entries.end && entries.start < range.end;
        for slot in &mut self.slots {
            if meets(&slot.range) {
                slot.state = SlotState::Missing;
            }
        }
        if meets(&self.tail.range()) {
            self.tail = Gathered::new(self.tail.range().start);
        }
    }

    /// The first segment of which there is no index.
    pub(super) fn missing(&self) -> Option<Range<u64>> {
        let mut slots = self.slots.iter();
        let slot = slots.find(|slot| matches!(slot.state, SlotState::Missing))?;
        Some(slot.range.clone())
    }

    /// The first index that is not written.
    pub(super) fn unwritten(&self) -> Option<Arc<Gathered>> {
        self.slots.iter().find_map(|slot| match &slot.state {
            SlotState::Kept(gathered) => Some(Arc::clone(gathered)),
            SlotState::Missing | SlotState::File(_) => None,
        })
    }
}
