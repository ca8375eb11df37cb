//! What requests oblige to, as it is noted: which obligations are not done, and which requests may be put away.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::decision_log::LogIndex;
use crate::domain::obligation::ObligationId;
use crate::domain::time::Timestamp;
use crate::store::command::RequestId;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::event::OverdueObligation;
use crate::store::state::ObligationCounts;
use crate::store::state::RequestEntry;
use crate::store::state::RowKey;
use crate::store::state::Tracked;
use crate::store::state::obligations::Place;
use crate::store::state::obligations::Unfinished;
use crate::store::state::requests::Requests;

/// An obligation that is not done, and what is known of its request.
#[derive(Clone, Copy, Debug)]
pub struct OwedObligation<'a> {
    /// The account that submitted the request.
    pub caller: &'a Arc<str>,
    /// The version of the request.
    pub version: u64,
    /// The obligation.
    pub tracked: &'a Tracked,
}

impl Requests {
    /// Takes in what was reported of an obligation, or that some are overdue.
    pub(in crate::store::state) fn note_obligations(
        &mut self,
        event: &Event,
        index: LogIndex,
        changed: &mut Vec<RowKey>,
    ) {
        match &event.body {
            EventBody::ObligationNoted {
                request_id,
                obligation,
                ..
            } => self.note_obligation(*request_id, *obligation, (event, index), changed),
            EventBody::ObligationsOverdue { obligations } => {
                self.tell_overdue(obligations, changed);
            }
            EventBody::Genesis { .. }
            | EventBody::DocumentsWritten { .. }
            | EventBody::Submitted { .. }
            | EventBody::Responded { .. }
            | EventBody::Reported { .. }
            | EventBody::Expired { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::Revoked { .. }
            | EventBody::Reminded { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Published { .. }
            | EventBody::PublicationRefused { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::Erasure { .. }
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => {}
        }
    }

    /// Requests can have thousands of obligations, so no other is looked at.
    fn note_obligation(
        &mut self,
        id: RequestId,
        obligation: ObligationId,
        (event, index): (&Event, LogIndex),
        changed: &mut Vec<RowKey>,
    ) {
        let Some(entry) = self.entries.get_mut(&id) else {
            if let Some(mut request) = self.take_put_away(id) {
                request.note(id, event, index);
                self.insert_put_away(id, request);
                changed.push(RowKey::Ended(id));
            }
            return;
        };
        let place = (entry.last(), id);
        self.ended.remove(&place);
        self.owing.remove(&place);
        if let Some(tracked) = entry.obligations.get(obligation) {
            self.unfinished.remove_one(id, obligation, tracked);
        }
        Arc::make_mut(entry).change_by(event, index);
        if let Some(tracked) = entry.obligations.get(obligation) {
            self.unfinished.insert_one(id, obligation, tracked);
        }
        let entry = Arc::clone(entry);
        self.rank(&entry);
        changed.push(RowKey::Request(id));
    }

    /// Puts a request that has ended among those that may be put away.
    pub(super) fn rank(&mut self, entry: &RequestEntry) {
        if !entry.has_ended() {
            return;
        }
        let place = (entry.last(), entry.id);
        if entry.obligations.are_done() {
            self.ended.insert(place);
        } else {
            self.owing.insert(place);
        }
    }

    fn tell_overdue(&mut self, overdue: &[OverdueObligation], changed: &mut Vec<RowKey>) {
        for told in overdue {
            let (id, obligation) = (told.request_id, told.obligation);
            let Some(entry) = self.entries.get_mut(&id) else {
                if let Some(mut request) = self.take_put_away(id) {
                    request.tell(obligation);
                    self.insert_put_away(id, request);
                    changed.push(RowKey::Ended(id));
                }
                continue;
            };
            if let Some(tracked) = entry.obligations.get(obligation) {
                self.unfinished.remove_one(id, obligation, tracked);
            }
            Arc::make_mut(entry).obligations.tell(obligation);
            if let Some(tracked) = entry.obligations.get(obligation) {
                self.unfinished.insert_one(id, obligation, tracked);
            }
            if changed.last() != Some(&RowKey::Request(id)) {
                changed.push(RowKey::Request(id));
            }
        }
    }

    /// Takes in what arises of requests that the event does not concern otherwise.
    pub(in crate::store::state) fn oblige(
        &mut self,
        event: &Event,
        index: LogIndex,
        changed: &mut Vec<RowKey>,
    ) {
        let obliged: BTreeSet<RequestId> = event
            .obligations
            .iter()
            .map(|arising| arising.request_id)
            .collect();
        for id in obliged {
            let entry = self.entries.get(&id);
            if entry.is_none_or(|entry| entry.last() == index) {
                continue;
            }
            // Its idempotency key is counted from its end, which this is not.
            if let Some(entry) = self.remove(id) {
                let mut entry = Arc::unwrap_or_clone(entry);
                entry.change_by(event, index);
                self.insert(Arc::new(entry));
                changed.push(RowKey::Request(id));
            }
        }
    }

    /// An obligation that is not done, wherever its request is.
    pub(in crate::store::state) fn owed(
        &self,
        id: RequestId,
        obligation: ObligationId,
    ) -> Option<OwedObligation<'_>> {
        if let Some(entry) = self.entries.get(&id) {
            return Some(OwedObligation {
                caller: &entry.caller,
                version: entry.version,
                tracked: entry.obligations.get(obligation)?,
            });
        }
        let owed = self.put_away.owed(id)?;
        Some(OwedObligation {
            caller: &owed.caller,
            version: self.put_away.get(id)?.version(),
            tracked: owed.obligations.get(obligation)?,
        })
    }

    pub(in crate::store::state) fn unfinished(&self) -> &Unfinished {
        &self.unfinished
    }

    pub(in crate::store::state) fn obligation_counts(&self, now: Timestamp) -> ObligationCounts {
        self.unfinished.count(now)
    }

    /// Obligations of which nothing was reported though their time is over, not told yet, the longest overdue first.
    pub(in crate::store::state) fn overdue_untold(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = Place> {
        let untold = self.unfinished.untold();
        untold.take_while(move |(due, ..)| *due <= now)
    }
}
