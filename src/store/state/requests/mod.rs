//! Requests, the schedule of their expiries, and the idempotency keys under which they came.

mod owed;

pub use owed::OwedObligation;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Lapse;
use crate::domain::lifecycle;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Waiting;
use crate::domain::outcome::RequestStatus;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::access::Asked;
use crate::store::command::BodyDigest;
use crate::store::command::CorrelationDigest;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;
use crate::store::command::Votes;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::reminder::Reminder;
use crate::store::state::Delivery;
use crate::store::state::EndedRequest;
use crate::store::state::RowKey;
use crate::store::state::delivery::is_news;
use crate::store::state::obligations::Obligations;
use crate::store::state::obligations::Unfinished;
use crate::store::state::put_away::OWING_LIMIT;
use crate::store::state::put_away::PutAway;
use crate::store::state::tally::Tally;
use crate::store::state::turns::Turns;

/// How long a key is kept after its request has ended, by the times that entries give.
pub const KEY_RETENTION_MILLISECONDS: i64 = 24 * 60 * 60 * 1_000;

/// A request as far as the state knows it; what was decided and why stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestEntry {
    /// Its name.
    pub id: RequestId,
    /// The account that submitted it.
    pub caller: Arc<str>,
    /// Counts its transitions; the submission is the first.
    pub version: u64,
    /// The entry that decided it.
    pub submitted: LogIndex,
    /// The entries that changed it since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<LogIndex>,
    /// The states of its items, by number.
    pub items: Vec<ItemState>,
    /// When it was decided.
    pub at: Timestamp,
    /// The key under which it was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyDigest>,
    /// By what it is found again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<CorrelationDigest>,
    /// The partner under whose agreement its open items wait, here or there: when that lapses, they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<McSystemId>,
    /// Who has answered items that still wait, by their number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tallies: BTreeMap<u32, Tally>,
    /// What is done while its items wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<Reminder>,
    /// The partner with whom it takes away, if an item that is granted, or waits, does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduces: Option<McSystemId>,
    /// The partner with whom it gives what such a request takes away, or sets something, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adds: Option<McSystemId>,
    /// The items that were granted and whose time was over, and when that was written down; no item is granted again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<u32, Timestamp>,
    /// What it obliges to, and what became of that.
    #[serde(default, skip_serializing_if = "Obligations::is_empty")]
    pub obligations: Obligations,
    /// What it has to do with access requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Box<Access>>,
    /// What its caller has fetched of what became of it.
    #[serde(default, skip_serializing_if = "Delivery::is_none")]
    pub delivery: Delivery,
}

impl RequestEntry {
    /// Whether it is an evaluation, of which nothing waits.
    pub fn is_evaluation(&self) -> bool {
        match self.access.as_deref() {
            Some(Access::Evaluation { .. }) => true,
            Some(Access::Approval(_)) | None => false,
        }
    }

    /// What it asks an approval for, if that is all that it asks for.
    pub fn asked(&self) -> Option<&Asked> {
        match self.access.as_deref() {
            Some(Access::Approval(asked)) => Some(asked),
            Some(Access::Evaluation { .. }) | None => None,
        }
    }

    /// Makes this the view of a moment: what waits no longer in time has expired, even if no entry says so yet.
    pub fn stands_at(&mut self, now: Timestamp) {
        for item in &mut self.items {
            *item = item.at(now);
        }
    }

    /// The request that an event is the submission of.
    pub fn submitted_by(event: &Event, index: LogIndex) -> Option<Self> {
        let EventBody::Submitted {
            request_id,
            caller,
            idempotency,
            correlation,
            items,
            bound_to,
            reminders,
            reduces,
            adds,
            access,
            ..
        } = &event.body
        else {
            return None;
        };
        let mut obligations = Obligations::default();
        obligations.take_in(*request_id, event, index);
        Some(Self {
            obligations,
            id: *request_id,
            caller: Arc::clone(caller),
            version: 1,
            submitted: index,
            further: Vec::new(),
            items: items.clone(),
            at: event.at,
            key: idempotency.map(|idempotency| idempotency.key),
            correlation: *correlation,
            bound_to: bound_to.clone(),
            tallies: BTreeMap::new(),
            reminders: reminders.clone(),
            reduces: reduces.clone(),
            adds: adds.clone(),
            ended: BTreeMap::new(),
            access: access.clone(),
            delivery: Delivery::default(),
        })
    }

    /// Takes in what an event after the submission says about its items.
    pub fn change_by(&mut self, event: &Event, index: LogIndex) {
        if let EventBody::Acknowledged { version, .. } = &event.body {
            self.delivery.acknowledge(*version, index);
            return;
        }
        let mut changed = self.changed_by(event);
        let answered: BTreeSet<u32> = changed.iter().map(|(number, _)| *number).collect();
        let waiting = self.interrupted_by(event).into_iter();
        let waiting = waiting.filter(|(number, _)| !answered.contains(number));
        changed.extend(waiting);
        let mut items = changed.iter();
        let is_news = items.any(|(number, after)| {
            let before = self.item(*number);
            before.is_some_and(|before| is_news(event, before, *after))
        });
        self.change(changed.into_iter(), index);
        self.obligations.take_in(self.id, event, index);
        self.obligations.settle(&self.items, event.at);
        self.end_by(event);
        let ended = &self.ended;
        self.obligations.overtake(|item| ended.contains_key(&item));
        if is_news {
            self.delivery.answered = self.version;
        }
        if let EventBody::Responded {
            request_id,
            votes,
            reminders,
            approval,
            ..
        } = &event.body
            && *request_id == self.id
        {
            self.count(votes.as_ref());
            self.remind_anew(reminders);
            if let (Some(Access::Approval(asked)), Some(given)) =
                (self.access.as_deref_mut(), approval)
            {
                asked.approval = Some(*given);
            }
        }
        self.forget_reminders();
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.retain(|number, _| self.item(*number).is_some_and(ItemState::is_pending));
        self.tallies = tallies;
    }

    /// The new states of the items that an event names.
    fn changed_by(&self, event: &Event) -> Vec<(u32, ItemState)> {
        let mut changed = Vec::new();
        match &event.body {
            EventBody::Responded {
                request_id, items, ..
            }
            | EventBody::Reported {
                request_id, items, ..
            } if *request_id == self.id => changed.extend(items.iter().copied()),
            EventBody::Withdrawn {
                request_id, items, ..
            } if *request_id == self.id => {
                changed.extend(items.iter().map(|item| (*item, ItemState::Withdrawn)));
            }
            EventBody::Revoked {
                request_id,
                items,
                ended: false,
                ..
            } if *request_id == self.id => {
                changed.extend(items.iter().map(|item| (*item, ItemState::Revoked)));
            }
            EventBody::Expired { request_id, items } if *request_id == self.id => {
                changed.extend(items.iter().map(|item| (*item, ItemState::Expired)));
            }
            EventBody::Responded { .. }
            | EventBody::Reported { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::ObligationNoted { .. }
            | EventBody::ObligationsOverdue { .. }
            | EventBody::Revoked { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Expired { .. }
            | EventBody::Reminded { .. }
            | EventBody::Genesis { .. }
            | EventBody::DocumentsWritten { .. }
            | EventBody::Submitted { .. }
            | EventBody::Published { .. }
            | EventBody::PublicationRefused { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::Erasure { .. }
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => {}
        }
        changed
    }

    /// Takes in that the time of what was granted was over.
    fn end_by(&mut self, event: &Event) {
        if let EventBody::Revoked {
            request_id,
            items,
            ended: true,
            ..
        } = &event.body
            && *request_id == self.id
        {
            self.ended
                .extend(items.iter().map(|item| (*item, event.at)));
        }
    }

    fn count(&mut self, votes: Option<&Votes>) {
        let Some(votes) = votes else {
            return;
        };
        for (number, vote) in &votes.items {
            let tally = self.tallies.entry(*number).or_default();
            tally.lapse(votes.lapsed_of(*number));
            tally.count(&votes.who(), vote);
        }
    }

    /// Who has answered an item that still waits.
    pub fn tally(&self, number: u32) -> Tally {
        self.tallies.get(&number).cloned().unwrap_or_default()
    }

    /// Why an event refuses what waits of it, if it does.
    pub fn lapse_by(&self, event: &Event) -> Option<Lapse> {
        let interruption = event.interruption_of(self.bound_to.as_ref()?)?;
        Some(interruption.lapse)
    }

    /// The items that an event refuses because the agreement lapsed under which they wait, here or at the partner; what
    /// is overdue by then has expired, whether or not that is written.
    fn interrupted_by(&self, event: &Event) -> Vec<(u32, ItemState)> {
        let partner = self.bound_to.as_ref();
        let Some(interruption) = partner.and_then(|partner| event.interruption_of(partner)) else {
            return Vec::new();
        };
        let concerned = |waiting: &Waiting| match waiting {
            Waiting::Here(_) => true,
            Waiting::AtPartner(_) => interruption.at_partner,
        };
        let waiting = (0..).zip(&self.items).filter_map(|(number, item)| {
            let waiting = item.at(event.at).waiting().filter(concerned)?;
            Some((number, waiting.interrupt().into()))
        });
        waiting.collect()
    }

    fn change(&mut self, items: impl Iterator<Item = (u32, ItemState)>, index: LogIndex) {
        for (number, state) in items {
            let slot = usize::try_from(number).ok();
            if let Some(item) = slot.and_then(|number| self.items.get_mut(number)) {
                *item = state;
            }
        }
        self.version += 1;
        self.further.push(index);
    }

    /// The last entry that changed it.
    fn last(&self) -> LogIndex {
        self.further.last().copied().unwrap_or(self.submitted)
    }

    /// The state of one item.
    pub fn item(&self, number: u32) -> Option<ItemState> {
        self.items.get(usize::try_from(number).ok()?).copied()
    }

    /// The status, which follows from the items.
    pub fn status(&self) -> RequestStatus {
        lifecycle::status(self.items.iter().copied())
    }

    /// Whether an item waits for an answer of ours.
    pub fn is_open(&self) -> bool {
        self.items.iter().any(|item| item.is_pending())
    }

    /// Whether nothing is to be answered any more, neither here nor at the partner.
    pub fn has_ended(&self) -> bool {
        !self.items.iter().any(|item| item.is_open())
    }

    /// The expiries of its items.
    fn schedule(&self) -> impl Iterator<Item = (Timestamp, RequestId, u32)> {
        (0..)
            .zip(&self.items)
            .filter_map(|(number, item)| Some((item.expires_at()?, self.id, number)))
    }
}

/// What is kept under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptKey {
    /// What was submitted.
    pub body: BodyDigest,
    /// The request that came of it.
    pub request_id: RequestId,
    /// From when on the key may be forgotten; absent while the request is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How many requests that have ended stay in memory, unless chosen otherwise.
pub const ENDED_REQUESTS: usize = 100_000;

/// All requests, and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requests {
    entries: BTreeMap<RequestId, Arc<RequestEntry>>,
    /// Those in memory that have ended, by the entry that ended them; one entry can end many.
    ended: BTreeSet<(LogIndex, RequestId)>,
    /// Those in memory that have ended and of which an obligation is not done, likewise.
    owing: BTreeSet<(LogIndex, RequestId)>,
    /// How many there may be of each.
    ended_limit: usize,
    /// Of how many that were put away it is kept what they oblige to.
    owing_limit: usize,
    unfinished: Unfinished,
    put_away: PutAway,
    open: BTreeMap<LogIndex, RequestId>,
    correlated: BTreeSet<(CorrelationDigest, RequestId)>,
    // INVARIANT (no empty partner): every set has an element.
    bound: BTreeMap<McSystemId, BTreeSet<RequestId>>,
    turns: Turns,
    /// Requests with an answer that was not acknowledged, by caller; put away or not.
    undelivered: BTreeSet<(Arc<str>, LogIndex, RequestId)>,
    schedule: BTreeSet<(Timestamp, RequestId, u32)>,
    reminding: BTreeSet<(Timestamp, RequestId)>,
    keys: BTreeMap<KeyDigest, KeptKey>,
    ending: BTreeSet<(Timestamp, KeyDigest)>,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            ended: BTreeSet::new(),
            owing: BTreeSet::new(),
            unfinished: Unfinished::default(),
            bound: BTreeMap::new(),
            turns: Turns::default(),
            ended_limit: ENDED_REQUESTS,
            owing_limit: OWING_LIMIT,
            put_away: PutAway::default(),
            open: BTreeMap::new(),
            correlated: BTreeSet::new(),
            undelivered: BTreeSet::new(),
            schedule: BTreeSet::new(),
            reminding: BTreeSet::new(),
            keys: BTreeMap::new(),
            ending: BTreeSet::new(),
        }
    }
}

impl Requests {
    /// Chooses how many requests that have ended stay in memory.
    pub(super) fn keep_ended(&mut self, limit: usize, changed: &mut Vec<RowKey>) {
        self.ended_limit = limit;
        self.put_away_oldest(changed);
    }

    /// Puts away what ended first, until no more than the limit are left; what obliges to something that is not done is
    /// counted apart. What a request obliges to is kept, as long as there is room for it.
    pub(super) fn put_away_oldest(&mut self, changed: &mut Vec<RowKey>) {
        loop {
            let over = [&self.ended, &self.owing];
            let over = over.into_iter().find(|set| set.len() > self.ended_limit);
            let Some((_, id)) = over.and_then(|set| set.first().copied()) else {
                break;
            };
            let Some(entry) = self.remove(id) else {
                break;
            };
            self.insert_put_away(id, EndedRequest::of(&entry));
            changed.extend([RowKey::Request(id), RowKey::Ended(id)]);
        }
        while let Some(id) = self.put_away.owing_beyond(self.owing_limit) {
            let Some(request) = self.take_put_away(id) else {
                break;
            };
            let owed = None;
            self.insert_put_away(id, EndedRequest { owed, ..request });
            changed.push(RowKey::Ended(id));
        }
    }

    /// Chooses of how many requests that were put away it is kept what they oblige to.
    #[cfg(test)]
    pub(super) fn keep_owing(&mut self, limit: usize) {
        self.owing_limit = limit;
    }

    /// Takes in a request that is new.
    pub(super) fn submit(
        &mut self,
        entry: RequestEntry,
        body: Option<BodyDigest>,
        time: Timestamp,
        changed: &mut Vec<RowKey>,
    ) {
        if let (Some(key), Some(body)) = (entry.key, body) {
            let kept = KeptKey {
                body,
                request_id: entry.id,
                until: None,
            };
            self.insert_key(key, kept);
        }
        let id = entry.id;
        self.insert(Arc::new(entry));
        self.note(id, time, changed);
    }

    /// Puts items of a request into new states; of one that was put away only the place of the entry is kept.
    pub(super) fn change(
        &mut self,
        id: RequestId,
        event: &Event,
        (index, time): (LogIndex, Timestamp),
        changed: &mut Vec<RowKey>,
    ) {
        let Some(entry) = self.remove(id) else {
            if let Some(mut request) = self.take_put_away(id) {
                request.note(id, event, index);
                self.insert_put_away(id, request);
                changed.push(RowKey::Ended(id));
            }
            return;
        };
        let mut entry = Arc::unwrap_or_clone(entry);
        entry.change_by(event, index);
        self.insert(Arc::new(entry));
        self.note(id, time, changed);
    }

    /// Refuses what waits under the agreement with a partner. A request of which nothing is refused stays as it is.
    pub(super) fn interrupt(
        &mut self,
        partner: &McSystemId,
        event: &Event,
        place: (LogIndex, Timestamp),
        changed: &mut Vec<RowKey>,
    ) {
        let bound = self.bound.get(partner).cloned().unwrap_or_default();
        for id in bound {
            let entry = self.entries.get(&id);
            if entry.is_some_and(|entry| !entry.interrupted_by(event).is_empty()) {
                self.change(id, event, place, changed);
            }
        }
    }

    pub(super) fn waiting_under(&self, partner: &McSystemId) -> impl Iterator<Item = RequestId> {
        self.bound.get(partner).into_iter().flatten().copied()
    }

    pub(super) fn turns(&self) -> &Turns {
        &self.turns
    }

    pub(super) fn awaited_partners(&self) -> impl Iterator<Item = &McSystemId> {
        self.bound.keys()
    }

    /// Drops the keys whose time is over.
    pub(super) fn forget_keys(&mut self, time: Timestamp, changed: &mut Vec<RowKey>) {
        while let Some((until, key)) = self.ending.first().copied() {
            if until > time {
                break;
            }
            self.ending.remove(&(until, key));
            self.keys.remove(&key);
            changed.push(RowKey::Key(key));
        }
    }

    /// Notes what changed with a request, and begins to count down its key once it has ended.
    fn note(&mut self, id: RequestId, time: Timestamp, changed: &mut Vec<RowKey>) {
        changed.push(RowKey::Request(id));
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        let (Some(key), ended) = (entry.key, entry.has_ended()) else {
            return;
        };
        changed.push(RowKey::Key(key));
        // It ended once; what becomes of it afterwards keeps its key no longer.
        // By now the key may be that of another request, which still waits.
        let kept = self.keys.get(&key).copied();
        let kept = kept.filter(|kept| kept.request_id == id && kept.until.is_none());
        if let Some(kept) = kept.filter(|_| ended) {
            let until = time.plus_milliseconds(KEY_RETENTION_MILLISECONDS);
            self.insert_key(
                key,
                KeptKey {
                    until: Some(until),
                    ..kept
                },
            );
        }
    }

    /// Puts a request as it is, with what follows from it.
    pub(super) fn insert(&mut self, entry: Arc<RequestEntry>) {
        self.remove(entry.id);
        if entry.is_open() {
            self.open.insert(entry.submitted, entry.id);
        }
        self.unfinished.insert(entry.id, &entry.obligations);
        self.rank(&entry);
        if let Some(partner) = &entry.bound_to
            && !entry.has_ended()
        {
            let bound = self.bound.entry(partner.clone()).or_default();
            bound.insert(entry.id);
        }
        if entry.delivery.is_due() {
            let due = (Arc::clone(&entry.caller), entry.submitted, entry.id);
            self.undelivered.insert(due);
        }
        self.schedule.extend(entry.schedule());
        let remind_at = entry.remind_at();
        self.reminding.extend(remind_at.map(|at| (at, entry.id)));
        let turns = (entry.reduces.as_ref(), entry.adds.as_ref());
        self.turns
            .insert(turns, (entry.submitted, entry.id), entry.last());
        let correlation = entry.correlation;
        self.correlated
            .extend(correlation.map(|correlation| (correlation, entry.id)));
        self.entries.insert(entry.id, entry);
    }

    fn remove(&mut self, id: RequestId) -> Option<Arc<RequestEntry>> {
        let entry = self.entries.remove(&id)?;
        self.open.remove(&entry.submitted);
        if let Some(partner) = &entry.bound_to
            && let Some(bound) = self.bound.get_mut(partner)
        {
            bound.remove(&id);
            if bound.is_empty() {
                self.bound.remove(partner);
            }
        }
        self.ended.remove(&(entry.last(), id));
        self.owing.remove(&(entry.last(), id));
        self.unfinished.remove(id, &entry.obligations);
        if let Some(at) = entry.remind_at() {
            self.reminding.remove(&(at, id));
        }
        if entry.delivery.is_due() {
            let due = (Arc::clone(&entry.caller), entry.submitted, id);
            self.undelivered.remove(&due);
        }
        for scheduled in entry.schedule() {
            self.schedule.remove(&scheduled);
        }
        if let Some(correlation) = entry.correlation {
            self.correlated.remove(&(correlation, id));
        }
        Some(entry)
    }

    /// Puts a key as it is, with what follows from it.
    pub(super) fn insert_key(&mut self, key: KeyDigest, kept: KeptKey) {
        if let Some(before) = self.keys.insert(key, kept)
            && let Some(until) = before.until
        {
            self.ending.remove(&(until, key));
        }
        self.ending.extend(kept.until.map(|until| (until, key)));
    }

    /// Puts where a request stands that was put away.
    pub(super) fn insert_put_away(&mut self, id: RequestId, request: EndedRequest) {
        if let Some(due) = &request.undelivered {
            let due = (Arc::clone(&due.caller), request.submitted, id);
            self.undelivered.insert(due);
        }
        if let Some(owed) = &request.owed {
            self.unfinished.insert(id, &owed.obligations);
        }
        let turns = (request.reduces.as_ref(), request.adds.as_ref());
        let last = request.further.last().copied();
        let last = last.unwrap_or(request.submitted);
        self.turns.insert(turns, (request.submitted, id), last);
        self.put_away.insert(id, request);
    }

    fn take_put_away(&mut self, id: RequestId) -> Option<EndedRequest> {
        let request = self.put_away.remove(id)?;
        if let Some(due) = &request.undelivered {
            let due = (Arc::clone(&due.caller), request.submitted, id);
            self.undelivered.remove(&due);
        }
        if let Some(owed) = &request.owed {
            self.unfinished.remove(id, &owed.obligations);
        }
        Some(request)
    }

    /// Requests of an account with an answer that it has not acknowledged, from the one submitted after `after` on.
    pub(super) fn undelivered(
        &self,
        caller: &str,
        after: Option<LogIndex>,
    ) -> impl Iterator<Item = (LogIndex, RequestId)> {
        let caller: Arc<str> = caller.into();
        let from = after.map_or(0, |after| after.0.saturating_add(1));
        let first = (Arc::clone(&caller), LogIndex(from), RequestId(Uuid::nil()));
        let last = (caller, LogIndex(u64::MAX), RequestId(Uuid::max()));
        let found = self.undelivered.range(first..=last);
        found.map(|(_, submitted, id)| (*submitted, *id))
    }

    pub(super) fn put_away(&self, id: RequestId) -> Option<EndedRequest> {
        self.put_away.get(id)
    }

    /// The submissions of the requests that an entry changed after it, in their order.
    pub(super) fn changed_by(&self, index: LogIndex) -> Vec<LogIndex> {
        let here = self.entries.values();
        let here = here.filter(|entry| entry.further.binary_search(&index).is_ok());
        let here = here.map(|entry| entry.submitted);
        let mut changed: Vec<LogIndex> = here.chain(self.put_away.changed_by(index)).collect();
        changed.sort_unstable();
        changed
    }

    pub(super) fn put_away_after(
        &self,
        after: Option<RequestId>,
    ) -> impl Iterator<Item = RequestId> {
        self.put_away.names_after(after)
    }

    pub(super) fn entry(&self, id: RequestId) -> Option<&Arc<RequestEntry>> {
        self.entries.get(&id)
    }

    pub(super) fn entries_after(
        &self,
        after: Option<RequestId>,
    ) -> impl Iterator<Item = &Arc<RequestEntry>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.entries.range((from, Bound::Unbounded));
        range.map(|(_, entry)| entry)
    }

    pub(super) fn keys_after(
        &self,
        after: Option<KeyDigest>,
    ) -> impl Iterator<Item = (&KeyDigest, &KeptKey)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.keys.range((from, Bound::Unbounded))
    }

    pub(super) fn open(&self, after: Option<LogIndex>) -> impl Iterator<Item = &Arc<RequestEntry>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.open.range((from, Bound::Unbounded));
        range.filter_map(|(_, id)| self.entries.get(id))
    }

    pub(super) fn correlated(
        &self,
        correlation: &CorrelationDigest,
    ) -> impl Iterator<Item = &Arc<RequestEntry>> {
        let first = (*correlation, RequestId(Uuid::nil()));
        let last = (*correlation, RequestId(Uuid::max()));
        let range = self.correlated.range(first..=last);
        range.filter_map(|(_, id)| self.entries.get(id))
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn due(&self, now: Timestamp) -> Vec<(RequestId, Vec<u32>)> {
        let mut due: BTreeMap<RequestId, Vec<u32>> = BTreeMap::new();
        for (_, id, item) in self.schedule.iter().take_while(|(at, ..)| *at <= now) {
            due.entry(*id).or_default().push(*item);
        }
        due.into_iter().collect()
    }

    pub(super) fn reminders_due(&self, now: Timestamp) -> impl Iterator<Item = RequestId> {
        let due = self.reminding.iter().take_while(move |(at, _)| *at <= now);
        due.map(|(_, id)| *id)
    }

    /// Takes in that people were reminded. The request is as it was otherwise, and in the same version: whoever is
    /// about to answer it has seen all there is.
    pub(super) fn remind(&mut self, id: RequestId, event: &Event, changed: &mut Vec<RowKey>) {
        let Some(entry) = self.remove(id) else {
            return;
        };
        let mut entry = Arc::unwrap_or_clone(entry);
        entry.reminded_by(event);
        self.insert(Arc::new(entry));
        changed.push(RowKey::Request(id));
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.schedule.first().map(|(at, ..)| *at)
    }

    pub(super) fn kept_key(&self, key: &KeyDigest) -> Option<&KeptKey> {
        self.keys.get(key)
    }
}
