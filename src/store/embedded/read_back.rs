//! Reading from the log: entries, and requests that were put away.

use crate::decision_log::LogIndex;
use crate::store::embedded::error::RecordError;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::store::StoredEntry;
use crate::store::event::Event;
use crate::store::state::EndedRequest;
use crate::store::state::RequestEntry;

/// One entry of the log, checked against its leaf.
pub(super) fn record(reader: &JournalReader, index: LogIndex) -> Result<StoredEntry, RecordError> {
    let (leaf, payload) = reader.verify(index)?;
    let stored = Event::decode(payload).map_err(|source| RecordError::Event { index, source })?;
    Ok(StoredEntry {
        index,
        leaf,
        event: stored.event,
        record: stored.record,
    })
}

/// A request that was put away.
pub(super) fn read_back(
    reader: &JournalReader,
    place: &EndedRequest,
) -> Result<RequestEntry, RecordError> {
    let index = place.submitted;
    let event = record(reader, index)?.event;
    let entry = RequestEntry::submitted_by(&event, index);
    let mut entry = entry.ok_or(RecordError::NoSubmission { index })?;
    // An acknowledgement stands beside the changes: it makes no version.
    for index in place.further.iter().chain(&place.acknowledged) {
        entry.change_by(&record(reader, *index)?.event, *index);
    }
    Ok(entry)
}
