//! With which entry of the log nothing of a request waits any more.

use crate::app::App;
use crate::app::error::AppError;
use crate::app::events::EventKind;
use crate::decision_log::LogIndex;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
use crate::store::state::RequestEntry;

impl App {
    /// The requests, of those that are wanted, of which nothing waits any more since this entry.
    pub(in crate::app) fn ended_with(
        &self,
        stored: &StoredEntry,
        is_wanted: impl Fn(&RequestEntry) -> bool,
    ) -> Result<Vec<RequestEntry>, AppError> {
        let mut ended: Vec<RequestEntry> = Vec::new();
        for sketch in self.sketches(stored) {
            if !can_end(sketch.kind) {
                continue;
            }
            let Some(id) = self.request_of(&sketch)? else {
                continue;
            };
            let entry = self.request_entry(id)?;
            let is_new = ended.iter().all(|it| it.id != id);
            if is_new && is_wanted(&entry) && self.ended_at(id)? == Some(stored.index) {
                ended.push(entry);
            }
        }
        Ok(ended)
    }

    /// The entry since which nothing of a request waits any more; what is revoked later has ended before.
    pub(in crate::app) fn ended_at(&self, id: RequestId) -> Result<Option<LogIndex>, AppError> {
        let gone = || AppError::UnknownRequest(id.to_string());
        let place = self.place_of(id).ok_or_else(gone)?;
        let submission = self.entry(place.submitted)?;
        let standing = RequestEntry::submitted_by(&submission.event, place.submitted);
        let mut standing = standing.ok_or_else(gone)?;
        if !standing.is_open() {
            return Ok(Some(place.submitted));
        }
        for index in place.further {
            standing.change_by(&self.entry(index)?.event, index);
            if !standing.is_open() {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

/// Whether what waits of a request can end with an event of a kind.
fn can_end(kind: EventKind) -> bool {
    match kind {
        EventKind::RequestSubmitted
        | EventKind::RequestAnswered
        | EventKind::RequestExpired
        | EventKind::RequestWithdrawn
        | EventKind::RequestInterrupted => true,
        EventKind::RequestReported
        | EventKind::RequestRevoked
        | EventKind::RequestEnded
        | EventKind::RequestDelivered
        | EventKind::RequestReminded
        | EventKind::RequestEscalated
        | EventKind::ObligationDone
        | EventKind::ObligationFailed
        | EventKind::ObligationOverdue
        | EventKind::AcmPendingData
        | EventKind::PoliciesPublished
        | EventKind::PoliciesRefused
        | EventKind::RegistryChanged => false,
    }
}
