//! The state: what the log leads to, held in memory.
//!
//! It is the only thing that decisions read. Ordered maps hold it, because they never stop to be
//! laid out anew, and what is listed page by page stands in its order already.

mod approvals;
mod delivery;
mod erasures;
mod interruptions;
mod obligations;
mod put_away;
mod registry;
mod reminders;
mod requests;
mod row;
mod tally;
mod turns;
mod visitors;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::decision::facts::AccessGrants;
use crate::decision::facts::AccessKey;
use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::decision::facts::ServedAs;
use crate::decision::facts::Visitors;
use crate::decision_log::LogIndex;
use crate::decision_log::OutcomeCounts;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::Signing;
use crate::domain::agreement::Agreement;
use crate::domain::document::Document;
use crate::domain::given::given;
use crate::domain::identity::FunctionalAlias;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interrupted;
use crate::domain::migrated_profile::ProfileOccasion;
use crate::domain::obligation::ObligationId;
use crate::domain::registry::DocumentId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::time::Timestamp;
use crate::store::access::ApprovalId;
use crate::store::access::KeptApproval;
use crate::store::command::CorrelationDigest;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::command::Turn;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;

pub use delivery::Delivery;
pub use delivery::Undelivered;
pub use obligations::Noted;
pub use obligations::ObligationCounts;
pub use obligations::ObligationState;
pub use obligations::Obligations;
pub use obligations::Place as ObligationPlace;
pub use obligations::Tracked;
pub use put_away::EndedRequest;
pub use put_away::Owed;
pub use registry::Claim;
pub use registry::claims_of;
pub use requests::ENDED_REQUESTS;
pub use requests::KEY_RETENTION_MILLISECONDS;
pub use requests::KeptKey;
pub use requests::OwedObligation;
pub use requests::RequestEntry;
pub use row::RowError;
pub use row::RowKey;
pub use row::RowValue;
pub use tally::Approval;
pub use tally::Tally;

use approvals::Approvals;
use erasures::Erasures;
use interruptions::Interruptions;
use registry::Registry;
use requests::Requests;

/// What the log leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    head: Head,
    registry: Registry,
    requests: Requests,
    approvals: Approvals,
    interruptions: Interruptions,
    erasures: Erasures,
}

/// What there is one of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    applied: TreeSize,
    time: Timestamp,
    bundle: Option<BundleInForce>,
    /// As whom the log signs; absent in heads from before it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signing: Option<Signing>,
    /// By partner, the last entry that took our half of the agreement out of force: what was granted before is over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    interrupted: BTreeMap<McSystemId, Interrupted>,
    counters: Counters,
}

/// The bundle that decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleInForce {
    /// Its digest.
    pub digest: String,
    /// How many were published until then.
    pub generation: u64,
    /// The entry that published it.
    pub index: LogIndex,
    /// When.
    pub at: Timestamp,
}

/// Sums over the whole log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Requests.
    pub requests: u64,
    /// Items that were accepted when they were decided.
    pub accept: u64,
    /// Items that were rejected when they were decided.
    pub reject: u64,
    /// Items that were held when they were decided.
    pub review: u64,
    /// Bundles that were refused.
    pub refused_publications: u64,
    /// Items of dry runs.
    pub dry_runs: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            head: Head {
                applied: TreeSize(0),
                time: Timestamp::from_milliseconds(0),
                bundle: None,
                signing: None,
                interrupted: BTreeMap::new(),
                counters: Counters::default(),
            },
            registry: Registry::default(),
            requests: Requests::default(),
            approvals: Approvals::default(),
            interruptions: Interruptions::default(),
            erasures: Erasures::default(),
        }
    }
}

impl State {
    /// A state that holds these documents and nothing else.
    pub fn of_documents(documents: Vec<Document>) -> Result<Self, InvalidDocumentId> {
        let changes = documents
            .into_iter()
            .map(|document| Ok(DocumentChange::Put(document.key()?, Arc::new(document))))
            .collect::<Result<_, _>>()?;
        let mut state = Self::default();
        let body = EventBody::DocumentsWritten {
            changes,
            actor: None,
        };
        state.apply(
            &Event::new(Timestamp::from_milliseconds(0), body),
            LogIndex(0),
        );
        Ok(state)
    }

    /// Takes in one event; says which rows it changed.
    ///
    /// It never refuses: what an event speaks of and isn't there is left alone. Preconditions are the
    /// sequencer's affair, before there is an event.
    pub fn apply(&mut self, event: &Event, index: LogIndex) -> Vec<RowKey> {
        let mut rows = vec![RowKey::Head];
        self.head.applied = index.size_including();
        self.head.time = self.head.time.max(event.at);
        let revision = Revision(index.0);
        match &event.body {
            EventBody::Genesis { .. }
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => {}
            EventBody::SigningBegun(signing) => {
                self.head.signing = Some(signing.clone());
            }
            EventBody::DocumentsWritten { changes, .. } => {
                self.registry.write(changes, revision, &mut rows);
            }
            EventBody::Submitted {
                idempotency,
                changes,
                counts,
                ..
            } => {
                if let Some(entry) = RequestEntry::submitted_by(event, index) {
                    let body = idempotency.map(|idempotency| idempotency.body);
                    self.requests.submit(entry, body, self.head.time, &mut rows);
                }
                self.registry.write(changes, revision, &mut rows);
                self.head.counters.count_request(*counts);
            }
            EventBody::Responded { request_id, .. }
            | EventBody::Reported { request_id, .. }
            | EventBody::Withdrawn { request_id, .. }
            | EventBody::Revoked { request_id, .. }
            | EventBody::Acknowledged { request_id, .. }
            | EventBody::Expired { request_id, .. } => {
                let time = self.head.time;
                self.requests
                    .change(*request_id, event, (index, time), &mut rows);
                let changes = event.body.changes();
                self.registry.write(changes, revision, &mut rows);
            }
            EventBody::ObligationNoted { .. } | EventBody::ObligationsOverdue { .. } => {
                self.requests.note_obligations(event, index, &mut rows);
            }
            EventBody::Reminded { request_id, .. } => {
                self.requests.remind(*request_id, event, &mut rows);
            }
            EventBody::Published {
                digest, generation, ..
            } => {
                self.head.bundle = Some(BundleInForce {
                    digest: digest.clone(),
                    generation: *generation,
                    index,
                    at: event.at,
                });
            }
            EventBody::PublicationRefused { .. } => {
                self.head.counters.refused_publications += 1;
            }
            EventBody::DryRuns { counts, .. } => {
                self.head.counters.count_dry_runs(*counts);
            }
            EventBody::Erasure { id, step, .. } => {
                let place = (index, event.at);
                self.erasures.take_in(*id, step, place, &mut rows);
            }
        }
        self.follow_up(event, index, &mut rows);
        rows
    }

    /// What follows for other requests, and what is over by now.
    fn follow_up(&mut self, event: &Event, index: LogIndex, rows: &mut Vec<RowKey>) {
        let place = (index, self.head.time);
        self.interruptions.take_in(event, index, rows);
        for interruption in &event.interrupted {
            let partner = &interruption.partner;
            if interruption.revokes {
                let interrupted = Interrupted {
                    index: index.0,
                    lapse: interruption.lapse,
                };
                self.head.interrupted.insert(partner.clone(), interrupted);
            }
            self.requests.interrupt(partner, event, place, rows);
        }
        self.requests.oblige(event, index, rows);
        let concerned = event.body.request();
        let concerned = concerned.and_then(|id| self.requests.entry(id));
        self.approvals.take_in(event, index, concerned, rows);
        self.requests.forget_keys(self.head.time, rows);
        self.approvals.forget(self.head.time, rows);
        self.requests.put_away_oldest(rows);
    }

    /// An approval of an access request, as long as it is kept.
    pub fn approval(&self, id: ApprovalId) -> Option<&KeptApproval> {
        self.approvals.get(id)
    }

    /// The approvals that would grant something, whatever became of them.
    pub fn approvals_of(&self, thing: &ScopeDigest) -> impl Iterator<Item = ApprovalId> {
        self.approvals.of_thing(*thing)
    }

    /// An order to erase.
    pub fn erasure(&self, id: ErasureId) -> Option<&ErasureOrder> {
        self.erasures.get(id)
    }

    /// Every order to erase, in the order of their names.
    pub fn erasures(&self) -> impl Iterator<Item = (ErasureId, &ErasureOrder)> {
        self.erasures.after(None)
    }

    /// Whether an approval that a request gave can still be used.
    pub fn has_usable_approval(&self, request: RequestId) -> bool {
        self.approvals.is_usable(request, self.head.time)
    }

    /// How many entries of the log are in it.
    pub fn applied(&self) -> TreeSize {
        self.head.applied
    }

    /// The latest time that any entry gave.
    pub fn time(&self) -> Timestamp {
        self.head.time
    }

    /// The bundle in force, if any was ever published.
    pub fn bundle(&self) -> Option<&BundleInForce> {
        self.head.bundle.as_ref()
    }

    /// As whom the log signs, as it says itself.
    pub fn signing(&self) -> Option<&Signing> {
        self.head.signing.as_ref()
    }

    /// The generation in force; zero before the first publication.
    pub fn generation(&self) -> u64 {
        self.head
            .bundle
            .as_ref()
            .map_or(0, |bundle| bundle.generation)
    }

    /// Sums over the whole log.
    pub fn counters(&self) -> Counters {
        self.head.counters
    }

    /// The revision in which a document is.
    pub fn revision(&self, key: &DocumentKey) -> Option<Revision> {
        self.registry.document(key).map(|(revision, _)| revision)
    }

    /// The document under a key.
    pub fn document_under(&self, key: &DocumentKey) -> Option<&Document> {
        self.registry.document(key).map(|(_, document)| &**document)
    }

    /// Our half of the agreement with a partner.
    pub fn agreement(&self, partner: &McSystemId) -> Option<&Agreement> {
        let key = DocumentKey {
            kind: DocumentKind::Agreement,
            id: partner.as_str().parse().ok()?,
        };
        self.document_under(&key)?.agreement()
    }

    /// The last entry that took our half of the agreement with a partner out of force, and with it what was granted.
    pub fn interrupted(&self, partner: &McSystemId) -> Option<Interrupted> {
        self.head.interrupted.get(partner).copied()
    }

    /// All of these, by partner.
    pub fn interruptions(&self) -> impl Iterator<Item = (&McSystemId, Interrupted)> {
        let all = self.head.interrupted.iter();
        all.map(|(partner, interrupted)| (partner, *interrupted))
    }

    /// Grants of requests that are known and stand under the agreement with a partner at a moment, in the order of kinds
    /// and ids, from the one after `after` on.
    pub fn granted_under(
        &self,
        partner: &McSystemId,
        at: Timestamp,
        after: Option<&DocumentKey>,
    ) -> impl Iterator<Item = (&DocumentKey, Revision, RequestId)> {
        self.involving(partner, after)
            .filter_map(move |(key, document)| {
                let given = given(document).filter(|given| given.holds(at))?;
                let id = RequestId(given.request_id);
                self.submission(id)?;
                Some((key, self.revision(key)?, id))
            })
    }

    /// Whether such a grant was written since the agreement went out of force last.
    pub fn stands_under(&self, partner: &McSystemId, at: Timestamp) -> bool {
        let interrupted = self.interrupted(partner).map(|it| it.index);
        let mut granted = self.granted_under(partner, at, None);
        granted.any(|(_, revision, _)| interrupted.is_none_or(|index| revision.0 >= index))
    }

    /// Documents of a kind in the order of their ids, from the one after `after` on.
    pub fn documents(
        &self,
        kind: DocumentKind,
        after: Option<&DocumentId>,
    ) -> impl Iterator<Item = (&DocumentId, Versioned<&Arc<Document>>)> {
        self.registry.documents(kind, after)
    }

    /// What is between a system and another, in the order of kinds and ids, from the one after `after` on.
    pub fn involving(
        &self,
        system: &McSystemId,
        after: Option<&DocumentKey>,
    ) -> impl Iterator<Item = (&DocumentKey, &Arc<Document>)> {
        self.registry.involving(system, after)
    }

    /// How many documents of a kind there are.
    pub fn count(&self, kind: DocumentKind) -> usize {
        self.registry.count(kind)
    }

    /// The document that has what only one may have.
    pub fn holder(&self, claim: &Claim) -> Option<DocumentKey> {
        self.registry.holder(claim)
    }

    /// Chooses how many requests that have ended stay in memory; says which rows that changed.
    ///
    /// Those that ended before are put away: only where they stand in the log is kept.
    pub fn keep_ended(&mut self, limit: usize) -> Vec<RowKey> {
        let mut rows = Vec::new();
        self.requests.keep_ended(limit, &mut rows);
        rows
    }

    /// A request that was put away.
    pub fn put_away(&self, id: RequestId) -> Option<EndedRequest> {
        self.requests.put_away(id)
    }

    /// The entry that decided a request, whether or not it was put away.
    pub fn submission(&self, id: RequestId) -> Option<LogIndex> {
        let entry = self.request(id).map(|entry| entry.submitted);
        entry.or_else(|| self.put_away(id).map(|request| request.submitted))
    }

    /// A request that is in memory: open, or ended of late.
    pub fn request(&self, id: RequestId) -> Option<&Arc<RequestEntry>> {
        self.requests.entry(id)
    }

    /// Requests that wait for an answer, oldest first, from the one submitted after `after` on.
    pub fn open_requests(
        &self,
        after: Option<LogIndex>,
    ) -> impl Iterator<Item = &Arc<RequestEntry>> {
        self.requests.open(after)
    }

    /// Requests in memory that have a correlation id, in the order of their names.
    pub fn correlated(
        &self,
        correlation: &CorrelationDigest,
    ) -> impl Iterator<Item = &Arc<RequestEntry>> {
        self.requests.correlated(correlation)
    }

    /// The submissions of all requests that an entry changed, in their order; every request is looked at.
    pub fn changed_by(&self, index: LogIndex) -> Vec<LogIndex> {
        self.requests.changed_by(index)
    }

    /// Requests of an account with an answer that it has not acknowledged, in the order of their submission, from the
    /// one after `after` on; wherever they are.
    pub fn undelivered(
        &self,
        caller: &str,
        after: Option<LogIndex>,
    ) -> impl Iterator<Item = (LogIndex, RequestId)> {
        self.requests.undelivered(caller, after)
    }

    /// How many requests wait for an answer.
    pub fn open_count(&self) -> usize {
        self.requests.open_count()
    }

    /// Open requests whose items wait under the agreement with a partner.
    pub fn waiting_under(&self, partner: &McSystemId) -> impl Iterator<Item = RequestId> {
        self.requests.waiting_under(partner)
    }

    /// Whether an item waits under the agreement with a partner, and is not overdue.
    pub fn waits_under(&self, partner: &McSystemId, now: Timestamp) -> bool {
        let mut waiting = self.waiting_under(partner);
        waiting.any(|id| {
            let items = self.request(id).map(|entry| entry.items.as_slice());
            let mut items = items.unwrap_or_default().iter();
            items.any(|item| item.at(now).is_open())
        })
    }

    /// Requests that take away with a partner, or give, submitted after an entry, oldest first; wherever they are.
    pub fn turns_since(
        &self,
        partner: &McSystemId,
        turn: Turn,
        since: LogIndex,
    ) -> impl Iterator<Item = (LogIndex, RequestId)> {
        self.requests.turns().since(partner, turn, since)
    }

    /// The last entry about a request that takes away with a partner, or gives: that submitted it, or changed it.
    pub fn last_turn(&self, partner: &McSystemId, turn: Turn) -> Option<LogIndex> {
        self.requests.turns().last(partner, turn)
    }

    /// The partners with whom a request takes away, and with whom it gives; wherever it is.
    pub fn turns_of(&self, id: RequestId) -> (Option<McSystemId>, Option<McSystemId>) {
        if let Some(entry) = self.request(id) {
            return (entry.reduces.clone(), entry.adds.clone());
        }
        let ended = self.put_away(id);
        ended.map_or((None, None), |ended| (ended.reduces, ended.adds))
    }

    /// The last entry that took the agreement with a partner out of force, or said again that it is.
    pub fn last_interruption(&self, partner: &McSystemId) -> Option<LogIndex> {
        self.interruptions.last(partner)
    }

    /// The partners under whose agreements requests wait.
    pub fn awaited_partners(&self) -> impl Iterator<Item = &McSystemId> {
        self.requests.awaited_partners()
    }

    /// Obligations that are not done, by when they are due, from the one after `after` on.
    pub fn unfinished_obligations(
        &self,
        after: Option<ObligationPlace>,
    ) -> impl Iterator<Item = ObligationPlace> {
        self.requests.unfinished().all_after(after)
    }

    /// Obligations that could not be done, likewise.
    pub fn failed_obligations(
        &self,
        after: Option<ObligationPlace>,
    ) -> impl Iterator<Item = ObligationPlace> {
        self.requests.unfinished().failed_after(after)
    }

    /// An obligation that is not done, of a request in memory or of one that was put away.
    pub fn owed(&self, id: RequestId, obligation: ObligationId) -> Option<OwedObligation<'_>> {
        self.requests.owed(id, obligation)
    }

    /// How many obligations are not done.
    pub fn obligation_counts(&self, now: Timestamp) -> ObligationCounts {
        self.requests.obligation_counts(now)
    }

    /// Obligations that are overdue and were not told to be, the longest overdue first.
    pub fn overdue_untold(&self, now: Timestamp) -> impl Iterator<Item = ObligationPlace> {
        self.requests.overdue_untold(now)
    }

    /// Items whose time has passed, by request.
    pub fn due(&self, now: Timestamp) -> Vec<(RequestId, Vec<u32>)> {
        self.requests.due(now)
    }

    /// Requests of which people are to be reminded, or about which others are to be turned to.
    pub fn reminders_due(&self, now: Timestamp) -> impl Iterator<Item = RequestId> {
        self.requests.reminders_due(now)
    }

    /// When the next item expires.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.requests.next_expiry()
    }

    /// What is kept under an idempotency key.
    pub fn kept_key(&self, key: &KeyDigest) -> Option<&KeptKey> {
        self.requests.kept_key(key)
    }

    /// Grants whose time is over without that being written down, the longest over first.
    pub fn ended_grants(&self, now: Timestamp) -> impl Iterator<Item = &DocumentKey> {
        self.registry.ended_grants(now)
    }

    /// Entries of the register of current systems that have ended, the longest ended first.
    pub fn ended_migrations(&self, now: Timestamp) -> impl Iterator<Item = &DocumentId> {
        self.registry.ended_migrations(now)
    }

    /// Entries of the register that are to be decided again (ruling 22), and since when they are.
    pub fn to_decide_again(&self) -> impl Iterator<Item = (Revision, &Arc<Document>, Timestamp)> {
        self.registry.to_decide_again()
    }

    /// The revision that a look-up finds now.
    pub fn read(&self, key: &ReadKey) -> Option<Revision> {
        let of = |kind: DocumentKind, id: DocumentId| self.revision(&DocumentKey { kind, id });
        match key {
            ReadKey::Document(key) => self.revision(key),
            ReadKey::Identity(identity) => self
                .person(identity)
                .and_then(|id| of(DocumentKind::User, id)),
            ReadKey::Number(number) => self
                .home_of_number(number)
                .and_then(|home| home.as_str().parse().ok())
                .and_then(|id| of(DocumentKind::System, id)),
            ReadKey::MigratedProfile { user, home } => self
                .migrated_profile(user, home)
                .and_then(|id| of(DocumentKind::MigratedProfile, id)),
            ReadKey::Alias(alias) => self
                .alias_holder(alias)
                .and_then(|id| of(DocumentKind::User, id)),
            ReadKey::Visitors(home) => self.registry.register_revision(home),
            ReadKey::ServedAs(identity) => self.registry.served_as_revision(identity),
            ReadKey::Access(found_by) => self.registry.access_revision(found_by),
        }
    }
}

impl Lookup for State {
    fn document(&self, key: &DocumentKey) -> Option<Versioned<Arc<Document>>> {
        let (revision, document) = self.registry.document(key)?;
        Some(Versioned {
            revision,
            value: Arc::clone(document),
        })
    }

    fn person(&self, identity: &McServiceId) -> Option<DocumentId> {
        self.registry.person(identity).cloned()
    }

    fn home_of_number(&self, tel: &str) -> Option<McSystemId> {
        self.registry.home_of_number(tel).cloned()
    }

    fn migrated_profile(&self, user: &McServiceId, home: &McSystemId) -> Option<DocumentId> {
        self.registry.migrated_profile(user, home).cloned()
    }

    fn alias_holder(&self, alias: &FunctionalAlias) -> Option<DocumentId> {
        self.registry.alias_holder(alias).cloned()
    }

    fn visitors(&self, home: &McSystemId, except: &McServiceId) -> Visitors {
        self.registry.visitors(home, except)
    }

    fn served_as(&self, identity: &McServiceId, except: &McServiceId) -> ServedAs {
        self.registry.served_as(identity, except)
    }

    fn access_grants(&self, key: &AccessKey) -> AccessGrants {
        self.registry.access_grants(key)
    }
}

impl Counters {
    fn count_request(&mut self, counts: OutcomeCounts) {
        self.requests += 1;
        self.accept += u64::from(counts.accept);
        self.reject += u64::from(counts.reject);
        self.review += u64::from(counts.review);
    }

    fn count_dry_runs(&mut self, counts: OutcomeCounts) {
        let items = [counts.accept, counts.reject, counts.review];
        self.dry_runs += items.into_iter().map(u64::from).sum::<u64>();
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(identity) => write!(f, "the identity `{identity}`"),
            Self::Profile {
                home,
                user,
                occasion,
            } => {
                let kind = match occasion {
                    None => "migrated-user profile",
                    Some(ProfileOccasion::LinkFailure) => "profile for link failure",
                };
                match user {
                    None => write!(f, "the general {kind} of `{home}`"),
                    Some(user) => write!(f, "the {kind} of `{user}` from `{home}`"),
                }
            }
            Self::Prefix(prefix) => write!(f, "the number prefix `{}`", prefix.as_str()),
        }
    }
}
