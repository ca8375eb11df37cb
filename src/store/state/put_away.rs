//! Requests that ended long ago: where they stand in the log, and nothing else.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::store::command::RequestId;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;
use crate::store::state::Undelivered;

/// Where a request stands in the log that ended long ago; the rest of it is read from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedRequest {
    /// The entry that decided it.
    pub submitted: LogIndex,
    /// The entries that changed it since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<LogIndex>,
    /// The last entry by which its caller acknowledged something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<LogIndex>,
    /// That it has an answer which was not acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<Undelivered>,
}

impl EndedRequest {
    /// Counts its transitions; the submission is the first.
    pub fn version(&self) -> u64 {
        1 + self.further.len() as u64
    }

    /// Where a request stands.
    pub(super) fn of(entry: &RequestEntry) -> Self {
        let undelivered = entry.delivery.is_due().then(|| Undelivered {
            caller: Arc::clone(&entry.caller),
            answered: entry.delivery.answered,
        });
        Self {
            submitted: entry.submitted,
            further: entry.further.clone(),
            acknowledged: entry.delivery.entry,
            undelivered,
        }
    }

    /// Notes one more entry that concerns it.
    pub(super) fn note(&mut self, event: &Event, index: LogIndex) {
        if let EventBody::Acknowledged { version, .. } = &event.body {
            self.acknowledged = Some(index);
            let is_seen = |due: &Undelivered| due.answered <= *version;
            self.undelivered = self.undelivered.take().filter(|due| !is_seen(due));
            return;
        }
        self.further.push(index);
        if let EventBody::Revoked { submitter, .. } = &event.body {
            self.undelivered = Some(Undelivered {
                caller: Arc::clone(submitter),
                answered: self.version(),
            });
        }
    }
}

/// The requests of which only the place in the log is kept: 40 bytes each for most of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PutAway {
    submitted: BTreeMap<Backwards, LogIndex>,
    /// By submission; for those that had further entries.
    further: BTreeMap<LogIndex, Box<[LogIndex]>>,
    /// By submission; for those of which something was acknowledged.
    acknowledged: BTreeMap<LogIndex, LogIndex>,
    /// By submission; for those with an answer that was not.
    undelivered: BTreeMap<LogIndex, Undelivered>,
}

/// The bytes of a request's name from the last one on.
///
/// Names begin with a time. A map that is filled in the order of its keys has its nodes half empty,
/// and takes a quarter more memory than one that is filled in no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Backwards([u8; 16]);

impl From<RequestId> for Backwards {
    fn from(id: RequestId) -> Self {
        let mut bytes = id.0.into_bytes();
        bytes.reverse();
        Self(bytes)
    }
}

impl From<Backwards> for RequestId {
    fn from(Backwards(mut bytes): Backwards) -> Self {
        bytes.reverse();
        Self(Uuid::from_bytes(bytes))
    }
}

impl PutAway {
    pub(super) fn insert(&mut self, id: RequestId, request: EndedRequest) {
        let submitted = request.submitted;
        self.submitted.insert(id.into(), submitted);
        if !request.further.is_empty() {
            let further = request.further.into_boxed_slice();
            self.further.insert(submitted, further);
        }
        self.acknowledged
            .extend(request.acknowledged.map(|it| (submitted, it)));
        self.undelivered
            .extend(request.undelivered.map(|it| (submitted, it)));
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<EndedRequest> {
        let request = self.get(id)?;
        self.submitted.remove(&id.into());
        self.further.remove(&request.submitted);
        self.acknowledged.remove(&request.submitted);
        self.undelivered.remove(&request.submitted);
        Some(request)
    }

    pub(super) fn get(&self, id: RequestId) -> Option<EndedRequest> {
        let submitted = *self.submitted.get(&id.into())?;
        let further = self.further.get(&submitted);
        Some(EndedRequest {
            submitted,
            further: further.map(|further| further.to_vec()).unwrap_or_default(),
            acknowledged: self.acknowledged.get(&submitted).copied(),
            undelivered: self.undelivered.get(&submitted).cloned(),
        })
    }

    /// The submissions of those that an entry changed.
    pub(super) fn changed_by(&self, index: LogIndex) -> impl Iterator<Item = LogIndex> {
        let changed = self.further.range(..index);
        let changed = changed.filter(move |(_, further)| further.binary_search(&index).is_ok());
        changed.map(|(submitted, _)| *submitted)
    }

    /// The names, in an order of their own, from the one after `after` on.
    pub(super) fn names_after(&self, after: Option<RequestId>) -> impl Iterator<Item = RequestId> {
        let from = after.map(Backwards::from);
        let from = from.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.submitted.range((from, Bound::Unbounded));
        range.map(|(id, _)| (*id).into())
    }
}
