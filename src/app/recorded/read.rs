//! Reading the decision of an entry, checked against its leaf.

use std::ops::Range;

use crate::app::recorded::Decided;
use crate::app::recorded::Selection;
use crate::app::report::evaluates;
use crate::app::requests::decision_of_parts;
use crate::decision::record::DecisionRecord;
use crate::decision::record::RecordError;
use crate::decision::record::StatePart;
use crate::decision_log::Leaf;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::store::embedded::journal::Entry;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::ReadError;
use crate::store::embedded::journal::verify_entry;
use crate::store::event::Event;
use crate::telemetry::chain::chain;

/// A decision as it was recorded.
#[derive(Debug)]
pub(in crate::app) struct Recorded {
    /// Where.
    pub(in crate::app) index: LogIndex,
    /// Of what kind of entry it is a part.
    pub(in crate::app) kind: LeafKind,
    /// When it was recorded.
    pub(in crate::app) at: Timestamp,
    /// The decision.
    pub(in crate::app) record: DecisionRecord,
}

/// What an entry holds.
#[derive(Debug)]
pub(in crate::app) enum Found {
    /// No decision, or none that is wanted.
    Nothing,
    /// A decision of which a part was erased that it cannot be made again without.
    Erased,
    /// A decision.
    Decision(Box<Recorded>),
    /// Not what its leaf commits to, or not what an entry looks like; and what is wrong with it.
    Unlike(String),
}

/// What each entry of a piece of the log holds; ends early only where the disk refuses.
pub(in crate::app) fn recorded(
    reader: &JournalReader,
    selection: &Selection,
    piece: Range<u64>,
    mut take: impl FnMut(LogIndex, Found),
) -> Result<(), ReadError> {
    let mut next = piece.start;
    while next < piece.end {
        let left = usize::try_from(piece.end - next).unwrap_or(usize::MAX);
        for entry in reader.entries(LogIndex(next)).take(left) {
            let Ok(entry) = entry else {
                break;
            };
            take(entry.index, found(&entry, selection));
            next = entry.index.0 + 1;
        }
        if next < piece.end {
            // Read ahead, one damaged entry spoils those before it; alone it spoils itself.
            let index = LogIndex(next);
            take(index, alone(reader, selection, index)?);
            next += 1;
        }
    }
    Ok(())
}

fn alone(
    reader: &JournalReader,
    selection: &Selection,
    index: LogIndex,
) -> Result<Found, ReadError> {
    let read = || {
        Ok(Entry {
            index,
            leaf: reader.read_leaf(index)?,
            payload: reader.read_payload(index)?,
        })
    };
    match read() {
        Ok(entry) => Ok(found(&entry, selection)),
        Err(error @ ReadError::Damaged { .. }) => Ok(Found::Unlike(chain(&error))),
        Err(error @ (ReadError::Absent { .. } | ReadError::Io { .. })) => Err(error),
    }
}

fn found(entry: &Entry, selection: &Selection) -> Found {
    // What is of another time is not looked at any further.
    if selection.names_times()
        && let Ok(leaf) = Leaf::parse(&entry.leaf)
        && !selection.fits_time(&leaf)
    {
        return Found::Nothing;
    }
    let (leaf, payload) = match verify_entry(entry) {
        Ok(verified) => verified,
        Err(error) => return Found::Unlike(chain(&error)),
    };
    let kind = leaf.kind();
    if !can_hold_decision(kind) {
        return Found::Nothing;
    }
    let parts = match Event::record_parts(payload) {
        Ok(parts) => parts,
        Err(error) => return Found::Unlike(chain(&error)),
    };
    if kind == LeafKind::Report && !evaluates(&parts) {
        return Found::Nothing;
    }
    let is_whole = parts.iter().all(|part| part.present().is_some());
    match decision_of_parts(parts) {
        Ok(record) if selection.fits(&Decided::of_record(&record)) => {
            Found::Decision(Box::new(Recorded {
                index: entry.index,
                kind,
                at: Timestamp::from_milliseconds(leaf.time().as_millisecond()),
                record,
            }))
        }
        Ok(_) => Found::Nothing,
        Err((RecordError::Incomplete(_), state)) if !is_whole => {
            erased(selection, state.as_deref())
        }
        Err((error, _)) => Found::Unlike(chain(&error)),
    }
}

/// What is left of an erased decision says whether it is wanted; where nothing is left, it may be.
fn erased(selection: &Selection, state: Option<&StatePart>) -> Found {
    let is_wanted = !selection.looks_inside()
        || state.is_none_or(|state| selection.fits(&Decided::of_state(state)));
    if is_wanted {
        Found::Erased
    } else {
        Found::Nothing
    }
}

/// Whether entries of this kind can hold a decision; a report holds one only where the partner granted something.
fn can_hold_decision(kind: LeafKind) -> bool {
    match kind {
        LeafKind::Request | LeafKind::Review | LeafKind::Report => true,
        LeafKind::Genesis
        | LeafKind::Registry
        | LeafKind::Withdrawal
        | LeafKind::Obligation
        | LeafKind::Revocation
        | LeafKind::Acknowledgement
        | LeafKind::Expiry
        | LeafKind::Reminder
        | LeafKind::Publication
        | LeafKind::Refusal
        | LeafKind::DryRunSummary
        | LeafKind::Administrative => false,
    }
}
