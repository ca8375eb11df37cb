//! Requests that ended long ago: where they stand in the log, and nothing else.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::store::command::RequestId;

/// Where a request stands in the log that ended long ago; the rest of it is read from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedRequest {
    /// The entry that decided it.
    pub submitted: LogIndex,
    /// The entries that changed it since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<LogIndex>,
}

impl EndedRequest {
    /// Counts its transitions; the submission is the first.
    pub fn version(&self) -> u64 {
        1 + self.further.len() as u64
    }
}

/// The requests of which only the place in the log is kept: 40 bytes each for most of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PutAway {
    submitted: BTreeMap<Backwards, LogIndex>,
    /// By submission; for those that had further entries.
    further: BTreeMap<LogIndex, Box<[LogIndex]>>,
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
        self.submitted.insert(id.into(), request.submitted);
        if !request.further.is_empty() {
            let further = request.further.into_boxed_slice();
            self.further.insert(request.submitted, further);
        }
    }

    /// Notes one more entry that changed a request; whether it is here.
    pub(super) fn note(&mut self, id: RequestId, index: LogIndex) -> bool {
        let Some(submitted) = self.submitted.get(&id.into()) else {
            return false;
        };
        let further = self.further.remove(submitted).unwrap_or_default();
        let mut further = further.into_vec();
        further.push(index);
        self.further.insert(*submitted, further.into_boxed_slice());
        true
    }

    pub(super) fn get(&self, id: RequestId) -> Option<EndedRequest> {
        let submitted = *self.submitted.get(&id.into())?;
        let further = self.further.get(&submitted);
        Some(EndedRequest {
            submitted,
            further: further.map(|further| further.to_vec()).unwrap_or_default(),
        })
    }

    /// The names, in an order of their own, from the one after `after` on.
    pub(super) fn names_after(&self, after: Option<RequestId>) -> impl Iterator<Item = RequestId> {
        let from = after.map(Backwards::from);
        let from = from.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.submitted.range((from, Bound::Unbounded));
        range.map(|(id, _)| (*id).into())
    }
}
