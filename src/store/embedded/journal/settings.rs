//! How a journal lays out its files.

use crate::store::embedded::Interrupt;
use crate::store::embedded::journal::OpenError;
use crate::store::embedded::journal::index::LARGEST_SEGMENT_BYTES;

/// The least size that a segment can be given.
pub const SEGMENT_LEAST_BYTES: u64 = 256;

/// How a journal lays out its files; can change from one opening to the next.
#[derive(Debug, Clone)]
pub struct JournalSettings {
    /// The sizes of leaf segments.
    pub leaf_segments: SegmentSizes,
    /// The sizes of payload segments.
    pub payload_segments: SegmentSizes,
    /// Write a new anchor where it is lost, vouching for what is there. Then nothing is cut: a
    /// journal that does not end cleanly is refused.
    pub rebuild_anchor: bool,
    /// When the zeros of the next segment are written.
    pub preparation: Preparation,
    /// Ends the opening from outside.
    pub interrupt: Interrupt,
}

/// When the zeros of the next segment are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// By a thread of its own, once half of a segment is used.
    Beside,
    /// At the same time by the thread that appends, after the batch is durable. For tests that want
    /// all operations in one order.
    InTurn,
    /// When the segment is needed; the append waits.
    WhenNeeded,
}

/// How large segments are: each twice as large as the one before, up to a limit.
///
/// A batch never spans two segments; one that is larger than the limit gets a segment of its size.
#[derive(Debug, Clone, Copy)]
pub struct SegmentSizes {
    /// The size of the first one, small because it is written full of zeros at the first start.
    pub first_bytes: u64,
    /// The size that they grow to.
    pub largest_bytes: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            leaf_segments: SegmentSizes {
                first_bytes: 1 << 20,
                largest_bytes: 16 << 20,
            },
            payload_segments: SegmentSizes {
                first_bytes: 4 << 20,
                largest_bytes: 64 << 20,
            },
            rebuild_anchor: false,
            preparation: Preparation::Beside,
            interrupt: Interrupt::default(),
        }
    }
}

impl JournalSettings {
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let (leaf, payload) = (&self.leaf_segments, &self.payload_segments);
        let mut sizes = [
            leaf.first_bytes,
            leaf.largest_bytes,
            payload.first_bytes,
            payload.largest_bytes,
        ]
        .into_iter();
        let allowed = SEGMENT_LEAST_BYTES..=LARGEST_SEGMENT_BYTES / 2;
        match sizes.find(|size| !allowed.contains(size)) {
            None => Ok(()),
            Some(bytes) => Err(OpenError::SegmentSize {
                bytes,
                least: *allowed.start(),
                most: *allowed.end(),
            }),
        }
    }
}

impl SegmentSizes {
    /// How large the next segment is made, after one of this size and for a batch of this size.
    pub(super) fn next_bytes(&self, previous_bytes: Option<u64>, needed_bytes: u64) -> u64 {
        let planned = previous_bytes.map_or(self.first_bytes, |bytes| bytes.saturating_mul(2));
        planned
            .min(self.largest_bytes)
            .max(needed_bytes)
            .next_multiple_of(8)
    }
}
