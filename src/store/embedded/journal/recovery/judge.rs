//! Holding the two rows against the anchor and against each other.

use std::path::PathBuf;

use super::Cut;
use super::rows::Row;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::store::embedded::journal::ChainHash;
use crate::store::embedded::journal::OpenError;
use crate::store::embedded::journal::anchor::ANCHOR_NAME;
use crate::store::embedded::journal::anchor::Anchor;

/// Two rows that can be opened, and what has to be cut from them first.
pub(super) struct Judged {
    pub(super) leaf: Row,
    pub(super) payload: Row,
    /// How many entries stay.
    pub(super) size: TreeSize,
    pub(super) cuts: Vec<Cut>,
}

/// Decides whether the journal can be opened. With `clean_only` nothing may need a cut.
pub(super) fn judge(
    anchor: &Anchor,
    anchored_chain: Option<ChainHash>,
    leaf: Row,
    payload: Row,
    clean_only: bool,
) -> Result<Judged, OpenError> {
    check_anchor(anchor, anchored_chain, &leaf)?;
    check_rows(&leaf, &payload)?;
    let size = whole_batches(anchor, &leaf, &payload);
    let cuts: Vec<Cut> = [&leaf, &payload]
        .into_iter()
        .filter_map(|row| cut(row, size))
        .collect();
    if clean_only {
        for row in [&leaf, &payload] {
            check_clean(row, leaf.size(), anchor.size)?;
        }
    }
    Ok(Judged {
        leaf,
        payload,
        size,
        cuts,
    })
}

fn check_anchor(
    anchor: &Anchor,
    anchored_chain: Option<ChainHash>,
    leaf: &Row,
) -> Result<(), OpenError> {
    if leaf.size() < anchor.size {
        let (path, offset) = leaf.place();
        return Err(OpenError::ShorterThanAnchor {
            path,
            offset,
            found: leaf.size(),
            anchored: anchor.size,
        });
    }
    if anchored_chain != Some(anchor.chain) || !stands_at_its_position(anchor, leaf) {
        return Err(OpenError::AnchorMismatch {
            path: PathBuf::from(ANCHOR_NAME),
            anchored: anchor.size,
        });
    }
    Ok(())
}

fn stands_at_its_position(anchor: &Anchor, leaf: &Row) -> bool {
    anchor.size == TreeSize(0)
        || leaf.segments.iter().any(|segment| {
            let inside = anchor.size.0.checked_sub(segment.header.first.0);
            segment.header.first == anchor.leaf_segment
                && inside.and_then(|number| segment.offsets.start(number)) == Some(anchor.leaf_end)
        })
}

/// Every leaf must have its payload; payloads without a leaf must be of the batch in turn.
fn check_rows(leaf: &Row, payload: &Row) -> Result<(), OpenError> {
    let size = leaf.size();
    if payload.size() < size {
        let (path, offset) = payload.place();
        return Err(OpenError::LeafWithoutPayload {
            path,
            offset,
            index: payload.size().next_index(),
        });
    }
    let in_tail = payload.tail.as_ref().and_then(|tail| tail.newest_batch);
    let newest_batch = payload.newest_batch.max(in_tail);
    let newest_segment = payload.position().0;
    if newest_batch > Some(size.next_index()) || newest_segment > size.next_index() {
        let (path, offset) = leaf.place();
        return Err(OpenError::PayloadWithoutLeaf {
            path,
            offset,
            index: size.next_index(),
        });
    }
    Ok(())
}

/// Where the last batch ends of which every leaf is there.
///
/// The payloads of a batch are durable before its first leaf is written. So where payloads of a batch have no leaf
/// while others of it do, its leaves were never synced and nobody was told of it: it goes whole, since what is
/// sequenced together stands together (ADR 0028).
fn whole_batches(anchor: &Anchor, leaf: &Row, payload: &Row) -> TreeSize {
    let torn = leaf
        .newest_batch
        .filter(|_| payload.size() > leaf.size() && payload.newest_batch == leaf.newest_batch);
    match torn {
        Some(first) if first == anchor.size.next_index() => anchor.size,
        Some(_) | None => leaf.size(),
    }
}

fn check_clean(row: &Row, size: TreeSize, anchored: TreeSize) -> Result<(), OpenError> {
    let (path, offset) = row.place();
    let index = LogIndex(row.size().0);
    match &row.tail {
        Some(tail) => Err(OpenError::Damaged {
            path,
            offset,
            index,
            fault: tail.fault,
            anchored,
        }),
        None if row.size() > size => Err(OpenError::PayloadWithoutLeaf {
            path,
            offset,
            index: size.next_index(),
        }),
        None => Ok(()),
    }
}

/// What has to go from the newest segment of a row so that it ends cleanly after so many entries.
fn cut(row: &Row, size: TreeSize) -> Option<Cut> {
    let last = row.segments.last()?;
    let kept = size.0.saturating_sub(last.header.first.0);
    let from = last.offsets.start(kept)?;
    let to = row
        .tail
        .as_ref()
        .map_or(last.offsets.end(), |tail| tail.end);
    let frames =
        row.size().0.saturating_sub(size.0) + row.tail.as_ref().map_or(0, |tail| tail.frames);
    (from < to).then(|| Cut {
        path: last.header.path(),
        from,
        to,
        frames,
    })
}
