//! Requests that ended long ago: where they stand in the log, and nothing else.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::domain::obligation::ObligationId;
use crate::store::command::RequestId;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::Obligations;
use crate::store::state::RequestEntry;
use crate::store::state::Undelivered;

/// Of how many requests that were put away it is kept what they still oblige to.
pub(super) const OWING_LIMIT: usize = 100_000;

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
    /// What it still obliges to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
    /// The partner with whom it takes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduces: Option<McSystemId>,
    /// The partner with whom it gives what such a request takes away, or sets something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adds: Option<McSystemId>,
}

/// What a request obliges to that is not done though it was put away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    /// The account that submitted the request.
    pub caller: Arc<str>,
    /// What is not done; what is stands in the log alone.
    pub obligations: Obligations,
}

impl Owed {
    fn new(caller: &Arc<str>, obligations: &Obligations) -> Option<Self> {
        let obligations = obligations.unfinished();
        (!obligations.is_empty()).then(|| Self {
            caller: Arc::clone(caller),
            obligations,
        })
    }
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
            owed: Owed::new(&entry.caller, &entry.obligations),
            reduces: entry.reduces.clone(),
            adds: entry.adds.clone(),
        }
    }

    /// Notes one more entry that concerns it.
    pub(super) fn note(&mut self, id: RequestId, event: &Event, index: LogIndex) {
        if let EventBody::Acknowledged { version, .. } = &event.body {
            self.acknowledged = Some(index);
            let is_seen = |due: &Undelivered| due.answered <= *version;
            self.undelivered = self.undelivered.take().filter(|due| !is_seen(due));
            return;
        }
        self.further.push(index);
        let mut owed = self.owed.take();
        if let EventBody::Revoked {
            request_id,
            submitter,
            items,
            ended,
            ..
        } = &event.body
            && *request_id == id
        {
            if !*ended {
                self.undelivered = Some(Undelivered {
                    caller: Arc::clone(submitter),
                    answered: self.version(),
                });
            }
            let obligations = owed.take().map(|owed| owed.obligations);
            let mut obligations = obligations.unwrap_or_default();
            obligations.overtake(|item| items.contains(&item));
            owed = Some(Owed {
                caller: Arc::clone(submitter),
                obligations,
            });
        }
        self.owed = owed.and_then(|mut owed| {
            owed.obligations.take_in(id, event, index);
            Owed::new(&owed.caller, &owed.obligations)
        });
    }

    /// Notes that it was told that an obligation is overdue.
    pub(super) fn tell(&mut self, obligation: ObligationId) {
        if let Some(owed) = &mut self.owed {
            owed.obligations.tell(obligation);
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
    /// By submission; for those that oblige to something which is not done.
    owed: BTreeMap<LogIndex, (RequestId, Owed)>,
    /// By submission; for those that take away.
    reduces: BTreeMap<LogIndex, McSystemId>,
    /// By submission; for those that give, or set something.
    adds: BTreeMap<LogIndex, McSystemId>,
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
        self.owed
            .extend(request.owed.map(|it| (submitted, (id, it))));
        self.reduces
            .extend(request.reduces.map(|it| (submitted, it)));
        self.adds.extend(request.adds.map(|it| (submitted, it)));
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<EndedRequest> {
        let request = self.get(id)?;
        self.submitted.remove(&id.into());
        self.further.remove(&request.submitted);
        self.acknowledged.remove(&request.submitted);
        self.undelivered.remove(&request.submitted);
        self.owed.remove(&request.submitted);
        self.reduces.remove(&request.submitted);
        self.adds.remove(&request.submitted);
        Some(request)
    }

    /// What a request still obliges to.
    pub(super) fn owed(&self, id: RequestId) -> Option<&Owed> {
        let submitted = self.submitted.get(&id.into())?;
        self.owed.get(submitted).map(|(_, owed)| owed)
    }

    /// Of more than so many that oblige to something, the one submitted first.
    pub(super) fn owing_beyond(&self, limit: usize) -> Option<RequestId> {
        let (_, (id, _)) = self.owed.first_key_value()?;
        (self.owed.len() > limit).then_some(*id)
    }

    pub(super) fn get(&self, id: RequestId) -> Option<EndedRequest> {
        let submitted = *self.submitted.get(&id.into())?;
        let further = self.further.get(&submitted);
        Some(EndedRequest {
            submitted,
            further: further.map(|further| further.to_vec()).unwrap_or_default(),
            acknowledged: self.acknowledged.get(&submitted).copied(),
            undelivered: self.undelivered.get(&submitted).cloned(),
            owed: self.owed.get(&submitted).map(|(_, owed)| owed.clone()),
            reduces: self.reduces.get(&submitted).cloned(),
            adds: self.adds.get(&submitted).cloned(),
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
