//! Random commands against a model that knows no index, batch or file, with clean ends, sudden ends
//! and power cuts in between.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use comity::decision::facts::AccessKey;
use comity::decision::facts::Lookup;
use comity::decision::facts::ReadKey;
use comity::domain::agreement::AgreementStatus;
use comity::domain::document::Document;
use comity::domain::lifecycle::ItemState;
use comity::domain::lifecycle::Stage;
use comity::domain::link::Link;
use comity::domain::link::LinkStatus;
use comity::domain::outcome::PartnerOutcome;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::registry::Revision;
use comity::domain::time::Timestamp;
use comity::store::Command;
use comity::store::CommandOutcome;
use comity::store::CommitError;
use comity::store::Refusal;
use comity::store::State;
use comity::store::command::Acknowledge;
use comity::store::command::BodyDigest;
use comity::store::command::Expected;
use comity::store::command::Expire;
use comity::store::command::KeyDigest;
use comity::store::command::NoteSecretsRead;
use comity::store::command::PersonDigest;
use comity::store::command::RefusePublication;
use comity::store::command::Report;
use comity::store::command::RequestId;
use comity::store::command::Respond;
use comity::store::command::Revoke;
use comity::store::command::Submit;
use comity::store::command::Vote;
use comity::store::command::Withdraw;
use comity::store::command::Write;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;
use comity::store::state::RequestEntry;
use proptest::collection::vec;
use proptest::prelude::*;

use super::support::Bench;
use super::support::at;
use super::support::commit_all;
use super::support::correlation;
use super::support::request_id;

mod obligations;
mod operations;
mod reminders;

use obligations::ModelObligation;
use operations::Operation;
use operations::READS;
use operations::Step;
use operations::read_key;
use operations::step;
use reminders::ModelReminder;

const HOUR: i64 = 60 * 60 * 1_000;

#[derive(Clone, Debug, Default)]
struct Model {
    documents: Vec<(DocumentKey, Revision, Arc<Document>)>,
    requests: Vec<ModelRequest>,
    keys: Vec<(KeyDigest, BodyDigest, RequestId)>,
    generation: u64,
    applied: u64,
    now: i64,
    named: u64,
    ended_limit: usize,
}

#[derive(Clone, Debug)]
struct ModelRequest {
    id: RequestId,
    items: Vec<ItemState>,
    entries: Vec<u64>,
    ended: Option<i64>,
    /// The items that are granted no longer since their time was over.
    over: BTreeSet<u32>,
    bound: bool,
    answers: BTreeMap<u32, ModelAnswers>,
    obligations: Vec<ModelObligation>,
    put_away: bool,
    reminder: Option<ModelReminder>,
    /// In which version somebody else last settled an item, and which one the caller acknowledged.
    news: u64,
    seen: u64,
}

/// Who has answered an item that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ModelAnswers {
    approved: BTreeSet<PersonDigest>,
    denied: BTreeSet<PersonDigest>,
}

impl ModelRequest {
    /// Nobody approves twice or after a denial, nobody denies twice, and a denial takes an approval back.
    fn counted(
        &mut self,
        item: u32,
        person: PersonDigest,
        vote: &Vote,
    ) -> Result<(), &'static str> {
        let answers = self.answers.entry(item).or_default();
        match vote {
            Vote::Approval { .. } => {
                if answers.denied.contains(&person) || !answers.approved.insert(person) {
                    return Err("answered before");
                }
            }
            Vote::Denial { afresh } => {
                if !answers.denied.insert(person) {
                    return Err("answered before");
                }
                answers.approved.remove(&person);
                if *afresh {
                    answers.approved.clear();
                }
            }
            Vote::Afresh => answers.approved.clear(),
        }
        Ok(())
    }

    fn check_answers(&self, entry: &RequestEntry) {
        for number in (0..).take(self.items.len()) {
            let tally = entry.tally(number);
            let approved = tally.approvals.iter().map(|approval| approval.person);
            let found = ModelAnswers {
                approved: approved.collect(),
                denied: tally.denials.iter().copied().collect(),
            };
            assert_eq!(
                found.approved.len(),
                tally.approvals.len(),
                "somebody counts twice"
            );
            assert_eq!(
                found.denied.len(),
                tally.denials.len(),
                "somebody counts twice"
            );
            let roles = tally
                .approvals
                .iter()
                .all(|approval| approval.roles.len() == 1);
            assert!(roles, "a role is lost");
            let expected = self.answers.get(&number).cloned().unwrap_or_default();
            assert_eq!(found, expected, "item {number}");
        }
    }
}

/// What the model says of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Sequenced(u64),
    Duplicate(RequestId),
    Refused(&'static str),
}

fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Stale(_) => "stale",
        Refusal::Revision { .. } => "revision",
        Refusal::Version { .. } => "version",
        Refusal::Generation { .. } => "generation",
        Refusal::Taken { .. } => "taken",
        Refusal::KeyReused { .. } => "key reused",
        Refusal::UnknownRequest(_) => "unknown request",
        Refusal::RequestExists(_) => "request exists",
        Refusal::Approval(_) => "approval",
        Refusal::NotPending { .. } => "not pending",
        Refusal::AnsweredBefore { .. } => "answered before",
        Refusal::NotAtPartner { .. } => "not at partner",
        Refusal::UnknownObligation(_) => "unknown obligation",
        Refusal::ObligationDone(_) => "obligation done",
        Refusal::NotGranted { .. } => "not granted",
        Refusal::Acknowledged { .. } => "acknowledged",
        Refusal::Erasure(_) => "erasure",
        Refusal::NothingDue => "nothing due",
        Refusal::Invalid(_) => "invalid",
    }
}

/// What one document only may have.
fn claims(document: &Document) -> BTreeSet<String> {
    match document {
        Document::User(user) => user
            .identities
            .iter()
            .map(|(_, identity)| identity.to_string())
            .collect(),
        Document::System(system) => system
            .tel_prefixes
            .iter()
            .map(|prefix| prefix.as_str().to_owned())
            .collect(),
        Document::Agreement(_)
        | Document::Group(_)
        | Document::MigratedProfile(_)
        | Document::Link(_)
        | Document::UeConfiguration(_)
        | Document::Migration(_)
        | Document::OpenDeletion(_)
        | Document::AreaMap(_)
        | Document::PartnerKeys(_)
        | Document::AccessGrant(_)
        | Document::ResponseSettings(_)
        | Document::HomeRefusal(_)
        | Document::Membership(_)
        | Document::MigrationUser(_)
        | Document::ScheduledChange(_)
        | Document::SharedGroup(_)
        | Document::GroupOverride(_) => BTreeSet::new(),
    }
}

impl Model {
    fn revision(&self, key: &DocumentKey) -> Option<Revision> {
        let found = self.documents.iter().find(|(other, ..)| other == key);
        found.map(|(_, revision, _)| *revision)
    }

    fn read(&self, read: &ReadKey) -> Option<Revision> {
        match read {
            ReadKey::Document(key) => self.revision(key),
            ReadKey::Identity(identity) => self
                .documents
                .iter()
                .find(|(_, _, document)| claims(document).contains(identity.as_str()))
                .map(|(_, revision, _)| *revision),
            ReadKey::Number(number) => {
                let mut best: Vec<(usize, Revision)> = Vec::new();
                for (_, revision, document) in &self.documents {
                    if let Document::System(system) = document.as_ref() {
                        for prefix in &system.tel_prefixes {
                            if number.starts_with(prefix.as_str()) {
                                best.push((prefix.as_str().len(), *revision));
                            }
                        }
                    }
                }
                let longest = best.iter().map(|(length, _)| *length).max()?;
                best.retain(|(length, _)| *length == longest);
                (best.len() == 1).then(|| best[0].1)
            }
            ReadKey::Visitors(home) => {
                let entries = self.documents.iter().filter(|(_, _, document)| {
                    matches!(document.as_ref(), Document::Migration(entry) if entry.home_system == *home)
                });
                entries.map(|(_, revision, _)| *revision).max()
            }
            ReadKey::ServedAs(identity) => {
                let entries = self.documents.iter().filter(|(_, _, document)| {
                    matches!(document.as_ref(), Document::Migration(entry) if entry.serving_mc_service_id.as_ref() == Some(identity))
                });
                entries.map(|(_, revision, _)| *revision).max()
            }
            ReadKey::Access(found_by) => {
                let grants = self.documents.iter().filter(|(_, _, document)| {
                    matches!(document.as_ref(), Document::AccessGrant(grant) if AccessKey::all_of(grant).contains(found_by))
                });
                grants.map(|(_, revision, _)| *revision).max()
            }
            ReadKey::MigratedProfile { .. } | ReadKey::Alias(_) => None,
        }
    }

    fn stale(&self, submit: &Submit) -> bool {
        submit.read_set.generation != self.generation
            || submit
                .read_set
                .entries
                .iter()
                .any(|(key, revision)| self.read(key) != *revision)
    }

    fn written(&self, writes: &[Write]) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let mut keys = BTreeSet::new();
        for write in writes {
            let current = self.revision(&write.key);
            let fits = match write.expected {
                Expected::Any => true,
                Expected::Absent => current.is_none(),
                Expected::Revision(revision) => current == Some(revision),
            };
            if !fits || (current.is_none() && write.document.is_none()) {
                return Err("revision");
            }
            if !keys.insert(write.key.clone()) {
                return Err("invalid");
            }
            let before = self.documents.iter();
            let before = before.filter(|(key, ..)| *key == write.key);
            let before: Vec<Arc<Document>> = before.map(|(.., it)| Arc::clone(it)).collect();
            after.documents.retain(|(key, ..)| *key != write.key);
            if let Some(document) = &write.document {
                let document = noted(before.first(), document, at(self.now));
                let revision = Revision(self.applied);
                after
                    .documents
                    .push((write.key.clone(), revision, document));
            }
        }
        let mut holders: BTreeMap<String, DocumentKey> = BTreeMap::new();
        for (key, _, document) in &after.documents {
            for claim in claims(document) {
                if holders.insert(claim, key.clone()).is_some() {
                    return Err("taken");
                }
            }
        }
        Ok(after)
    }

    fn sequence(&mut self, after: Self) -> Verdict {
        *self = after;
        self.applied += 1;
        let now = self.now;
        for request in &mut self.requests {
            let items = &request.items;
            let waits = |item: &u32| items[*item as usize].is_pending();
            request.answers.retain(|item, _| waits(item));
            let open = request.items.iter().any(|item| item.is_open());
            request.ended = request.ended.or((!open).then_some(now));
        }
        let over = |id: &RequestId| {
            let request = self.requests.iter().find(|request| request.id == *id);
            let ended = request.and_then(|request| request.ended);
            ended.is_some_and(|ended| now >= ended + 24 * HOUR)
        };
        self.keys.retain(|(.., id)| !over(id));
        self.put_away();
        Verdict::Sequenced(self.applied - 1)
    }

    fn run(&mut self, command: &Command) -> Verdict {
        match self.try_run(command) {
            Ok(verdict) => verdict,
            Err(refused) => Verdict::Refused(refused),
        }
    }

    fn try_run(&mut self, command: &Command) -> Result<Verdict, &'static str> {
        let after = match command {
            Command::WriteDocuments(write) => {
                let after = self.written(&write.writes)?;
                let mut keys = write.writes.iter().map(|write| write.key.kind);
                if keys.any(|kind| kind == DocumentKind::Agreement) && after.lapsed() {
                    after.interrupted()
                } else {
                    after
                }
            }
            Command::Interrupt(_) if !self.lapsed() || !self.waits() => return Err("nothing due"),
            Command::Interrupt(_) => self.interrupted(),
            Command::Submit(submit) => match self.known(submit)? {
                Some(request) => return Ok(Verdict::Duplicate(request)),
                None => self.submitted(submit)?,
            },
            Command::SubmitTogether(_) => return Err("`approvals` submits together"),
            Command::Respond(respond) => self.answered(respond)?,
            Command::Report(report) => self.reported(report)?,
            Command::Withdraw(withdraw) => self.withdrawn(withdraw)?,
            Command::Revoke(revoke) => self.revoked(revoke)?,
            Command::Acknowledge(seen) => self.acknowledged(*seen)?,
            Command::Expire(expire) => self.expired(expire)?,
            Command::NoteObligation(note) => self.noted(note)?,
            Command::TellOverdue(tell) => self.told(tell)?,
            Command::Remind(remind) => self.reminded(remind)?,
            Command::Publish(publish) if publish.generation != self.generation + 1 => {
                return Err("generation");
            }
            Command::Publish(_) => Self {
                generation: self.generation + 1,
                ..self.clone()
            },
            Command::RefusePublication(_)
            | Command::DryRuns(_)
            | Command::BeginSigning(_)
            | Command::Erasure(_)
            | Command::NoteSecretsRead(_)
            | Command::NoteRecordsRead(_) => self.clone(),
        };
        let is_own = matches!(command, Command::Withdraw(_) | Command::Report(_));
        Ok(self.sequence(if is_own { after } else { self.with_news(after) }))
    }

    /// What was settled by others is news to the caller.
    fn with_news(&self, mut after: Self) -> Self {
        for request in &mut after.requests {
            let before = self.requests.iter().find(|it| it.id == request.id);
            let before = before.map_or(&request.items, |before| &before.items);
            let pairs = before.iter().zip(&request.items);
            if pairs
                .clone()
                .any(|(one, other)| one != other && !other.is_open())
            {
                request.news = request.entries.len() as u64;
            }
        }
        after
    }

    fn acknowledged(&self, seen: Acknowledge) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(seen.request_id)?;
        if seen.version > request.entries.len() as u64 {
            return Err("version");
        }
        if seen.version <= request.seen {
            return Err("acknowledged");
        }
        request.seen = seen.version;
        Ok(after)
    }

    fn known(&self, submit: &Submit) -> Result<Option<RequestId>, &'static str> {
        let Some(given) = submit.idempotency else {
            return Ok(None);
        };
        match self.keys.iter().find(|(key, ..)| *key == given.key) {
            None => Ok(None),
            Some((_, body, id)) if *body == given.body => Ok(Some(*id)),
            Some(_) => Err("key reused"),
        }
    }

    fn submitted(&self, submit: &Submit) -> Result<Self, &'static str> {
        if self.stale(submit) {
            return Err("stale");
        }
        let mut after = self.written(&submit.writes)?;
        after.requests.push(ModelRequest {
            id: submit.request_id,
            items: submit.items.clone(),
            entries: vec![self.applied],
            ended: None,
            bound: submit.bound_to.is_some(),
            answers: BTreeMap::new(),
            obligations: Vec::new(),
            put_away: false,
            reminder: ModelReminder::of(submit),
            over: BTreeSet::new(),
            news: 0,
            seen: 0,
        });
        after.oblige(&submit.obligations);
        let kept = submit.idempotency;
        after
            .keys
            .extend(kept.map(|given| (given.key, given.body, submit.request_id)));
        Ok(after)
    }

    fn answered(&self, respond: &Respond) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(respond.request_id)?;
        if request.entries.len() as u64 != respond.expected_version {
            return Err("version");
        }
        let mut seen = BTreeSet::new();
        for (item, state) in &respond.items {
            let slot = request.items.get_mut(*item as usize).ok_or("not pending")?;
            let waits = slot.is_pending() && !slot.is_overdue(respond.in_time_at);
            if !seen.insert(*item) || !waits {
                return Err("not pending");
            }
            *slot = *state;
        }
        if let Some(votes) = &respond.votes {
            for (item, vote) in &votes.items {
                request.counted(*item, votes.person, vote)?;
            }
        }
        if respond.read_set.generation != self.generation {
            return Err("stale");
        }
        request.entries.push(self.applied);
        after.oblige(&respond.obligations);
        Ok(after)
    }

    fn reported(&self, report: &Report) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(report.request_id)?;
        if request.entries.len() as u64 != report.expected_version {
            return Err("version");
        }
        let mut seen = BTreeSet::new();
        for (item, state) in &report.items {
            let slot = request.items.get_mut(*item as usize);
            let slot = slot.ok_or("not at partner")?;
            if !seen.insert(*item) || slot.is_overdue(report.in_time_at) || !follows(*slot, *state)
            {
                return Err("not at partner");
            }
            *slot = *state;
        }
        if report.read_set.generation != self.generation {
            return Err("stale");
        }
        request.entries.push(self.applied);
        request.settle(self.now);
        after.oblige(&report.obligations);
        Ok(after)
    }

    fn expired(&self, expire: &Expire) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(expire.request_id)?;
        let mut expired = 0;
        for item in &expire.items {
            if let Some(slot) = request.items.get_mut(*item as usize)
                && slot.is_overdue(expire.at)
            {
                *slot = ItemState::Expired;
                expired += 1;
            }
        }
        if expired == 0 {
            return Err("nothing due");
        }
        request.entries.push(self.applied);
        request.settle(self.now);
        Ok(after)
    }

    fn withdrawn(&self, withdraw: &Withdraw) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(withdraw.request_id)?;
        if request.entries.len() as u64 != withdraw.expected_version {
            return Err("version");
        }
        for item in &withdraw.items {
            let slot = request.items.get_mut(*item as usize);
            let slot = slot.ok_or("not pending")?;
            // Named twice, it waits no longer the second time.
            if !slot.is_open() || slot.is_overdue(withdraw.in_time_at) {
                return Err("not pending");
            }
            *slot = ItemState::Withdrawn;
        }
        request.entries.push(self.applied);
        request.settle(self.now);
        Ok(after)
    }

    fn revoked(&self, revoke: &Revoke) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let request = after.find(revoke.request_id)?;
        if request.entries.len() as u64 != revoke.expected_version {
            return Err("version");
        }
        for item in &revoke.items {
            let slot = request.items.get_mut(*item as usize);
            let slot = slot.ok_or("not granted")?;
            let is_granted = matches!(
                slot,
                ItemState::Granted
                    | ItemState::Answered {
                        outcome: PartnerOutcome::Accept,
                        ..
                    }
            );
            if !is_granted || request.over.contains(item) {
                return Err("not granted");
            }
            if revoke.ended {
                request.over.insert(*item);
            } else {
                *slot = ItemState::Revoked;
            }
        }
        request.entries.push(self.applied);
        after.oblige(&revoke.obligations);
        after.find(revoke.request_id)?.settle(self.now);
        Ok(after)
    }

    /// Whether the agreement is not there, not active, or over.
    fn lapsed(&self) -> bool {
        let mut agreements = self.documents.iter().map(|(_, _, document)| document);
        !agreements.any(|document| {
            matches!(document.as_ref(), Document::Agreement(agreement)
                if agreement.status == AgreementStatus::Active && self.now < 96 * HOUR)
        })
    }

    /// Whether anything waits under the agreement.
    fn waits(&self) -> bool {
        let now = at(self.now);
        let mut requests = self.requests.iter();
        requests
            .any(|request| request.bound && request.items.iter().any(|item| item.at(now).is_open()))
    }

    /// What is overdue has expired, whether or not that is written.
    fn interrupted(&self) -> Self {
        let now = at(self.now);
        let mut after = self.clone();
        for request in &mut after.requests {
            if !request.bound || !request.items.iter().any(|item| item.at(now).is_open()) {
                continue;
            }
            for item in &mut request.items {
                if item.at(now).is_open() {
                    *item = ItemState::Refused;
                }
            }
            request.entries.push(self.applied);
            request.settle(self.now);
        }
        after
    }

    fn find(&mut self, id: RequestId) -> Result<&mut ModelRequest, &'static str> {
        let mut requests = self.requests.iter_mut();
        requests
            .find(|request| request.id == id)
            .ok_or("unknown request")
    }

    fn check(&self, state: &State, ended_limit: usize) {
        assert_eq!(state.applied().0, self.applied);
        assert_eq!(state.generation(), self.generation);
        let mut count = 0;
        for kind in DocumentKind::ALL {
            for (id, found) in state.documents(kind, None) {
                let key = DocumentKey {
                    kind,
                    id: id.clone(),
                };
                let expected = self.documents.iter().find(|(other, ..)| *other == key);
                let (_, revision, document) =
                    expected.unwrap_or_else(|| panic!("{key} should not be there"));
                assert_eq!((found.revision, found.value), (*revision, document));
                count += 1;
            }
        }
        assert_eq!(count, self.documents.len());
        for read in (0..READS).map(read_key) {
            assert_eq!(state.read(&read), self.read(&read), "{read:?}");
            if let ReadKey::Identity(identity) = read {
                let person = state.person(&identity);
                let revision = person.and_then(|id| {
                    state.revision(&DocumentKey {
                        kind: DocumentKind::User,
                        id,
                    })
                });
                assert_eq!(revision, self.read(&ReadKey::Identity(identity)));
            }
        }
        self.check_decided_again(state);
        self.check_requests(state, ended_limit);
        self.check_obligations(state);
    }

    fn check_decided_again(&self, state: &State) {
        let mut link = None;
        let mut unverified = Vec::new();
        for (key, _, document) in &self.documents {
            if let Document::Link(found) = document.as_ref() {
                link = found.up_since;
            }
            if let Document::Migration(entry) = document.as_ref() {
                unverified.extend((!entry.verified).then(|| (key.clone(), entry.since)));
            }
        }
        let expected = unverified.into_iter();
        let expected = expected.filter_map(|(key, since)| Some((key, link?.max(since))));
        let found = state.to_decide_again();
        let found = found.map(|(_, it, since)| (it.key().unwrap(), since));
        let found: BTreeMap<DocumentKey, Timestamp> = found.collect();
        assert_eq!(found, expected.collect());
    }

    fn check_requests(&self, state: &State, limit: usize) {
        assert_eq!(state.counters().requests, self.requests.len() as u64);
        let mut ended = [0, 0];
        for request in &self.requests {
            assert_eq!(state.request(request.id).is_none(), request.put_away);
            let Some(entry) = state.request(request.id) else {
                let place = state.put_away(request.id).expect("the request is there");
                assert!(!request.items.iter().any(|item| item.is_open()));
                assert_eq!(place.version(), request.entries.len() as u64);
                continue;
            };
            ended[usize::from(request.owes())] += usize::from(entry.has_ended());
            request.check_obligations(entry, true);
            assert_eq!(entry.items, request.items);
            let over: BTreeSet<u32> = entry.ended.keys().copied().collect();
            assert_eq!(over, request.over);
            request.check_answers(entry);
            request.check_reminders(entry);
            assert_eq!(entry.version, request.entries.len() as u64);
            let entries: Vec<u64> = [entry.submitted]
                .iter()
                .chain(&entry.further)
                .map(|index| index.0)
                .collect();
            assert_eq!(entries, request.entries);
        }
        let most = ended.into_iter().max();
        assert!(most <= Some(limit), "{ended:?} ended requests in memory");
        let undelivered = state.undelivered(super::support::CALLER, None);
        let undelivered: Vec<RequestId> = undelivered.map(|(_, id)| id).collect();
        let due = self.requests.iter().filter(|it| it.news > it.seen);
        assert_eq!(undelivered, due.map(|it| it.id).collect::<Vec<_>>());
        let open: Vec<RequestId> = state.open_requests(None).map(|entry| entry.id).collect();
        let expected = self
            .requests
            .iter()
            .filter(|request| request.items.iter().any(|item| item.is_pending()));
        assert_eq!(open, expected.map(|request| request.id).collect::<Vec<_>>());
        let mut due = BTreeMap::new();
        let now: Timestamp = at(self.now);
        for request in &self.requests {
            for (number, item) in (0_u32..).zip(&request.items) {
                if item.is_overdue(now) {
                    due.entry(request.id).or_insert_with(Vec::new).push(number);
                }
            }
        }
        let mut found: BTreeMap<_, _> = state.due(now).into_iter().collect();
        for items in found.values_mut() {
            items.sort_unstable();
        }
        assert_eq!(found, due);
        let reminded: BTreeSet<RequestId> = state.reminders_due(now).collect();
        let expected = self.requests.iter().filter(|it| it.is_to_remind(self.now));
        assert_eq!(reminded, expected.map(|request| request.id).collect());
        for number in 0..10 {
            let digest = correlation(number);
            let found: BTreeSet<RequestId> =
                state.correlated(&digest).map(|entry| entry.id).collect();
            let expected = (0..=self.named).filter(|other| other % 10 == number);
            let expected = expected.map(request_id);
            let expected = expected.filter(|id| state.request(*id).is_some());
            assert_eq!(found, expected.collect());
        }
        for number in 0..3 {
            let digest = KeyDigest::of(super::support::CALLER, &number.to_string());
            let kept = state.kept_key(&digest).map(|kept| kept.request_id);
            let expected = self.keys.iter().find(|(key, ..)| *key == digest);
            assert_eq!(kept, expected.map(|(.., id)| *id));
        }
    }
}

/// Since when a link is up is kept while it is.
fn noted(
    before: Option<&Arc<Document>>,
    document: &Arc<Document>,
    now: Timestamp,
) -> Arc<Document> {
    let Document::Link(link) = document.as_ref() else {
        return Arc::clone(document);
    };
    let since = match before.map(AsRef::as_ref) {
        Some(Document::Link(before)) => before.up_since.unwrap_or(now),
        _ => now,
    };
    let up_since = (link.status == LinkStatus::Up).then_some(since);
    Arc::new(Document::Link(Link {
        up_since,
        ..link.clone()
    }))
}

/// Cleared, sent and held follow each other, perhaps with leaps; then comes an answer, or a refusal of ours.
fn follows(from: ItemState, to: ItemState) -> bool {
    let place = |state| match state {
        ItemState::AtPartner { stage, .. } => match stage {
            Stage::Cleared => Some(0),
            Stage::Sent => Some(1),
            Stage::PartnerPending => Some(2),
        },
        ItemState::Refused | ItemState::Answered { .. } => Some(3),
        ItemState::Granted
        | ItemState::Pending { .. }
        | ItemState::Expired
        | ItemState::Withdrawn
        | ItemState::Revoked => None,
    };
    // How long the partner may take was said with the clearance: a report that says otherwise is none.
    let keeps_time = to.stage().is_none() || from.expires_at() == to.expires_at();
    from.stage().is_some() && place(from) < place(to) && keeps_time
}

/// A store that runs beside the model.
struct Run {
    bench: Bench,
    disk: VolatileDisk,
    store: Option<EmbeddedStore>,
    model: Model,
}

impl Run {
    fn new(batch_commands: usize, ended_requests: usize) -> Self {
        let mut bench = Bench::new();
        bench.settings.batch_commands = batch_commands;
        bench.settings.snapshot_entries = 9;
        bench.settings.ended_requests = ended_requests;
        let disk = VolatileDisk::new(Arc::new(bench.disk.clone()));
        let store = bench.open_on(Arc::new(disk.clone())).unwrap();
        let model = Model {
            applied: 1,
            ended_limit: ended_requests,
            ..Model::default()
        };
        Self {
            bench,
            disk,
            store: Some(store),
            model,
        }
    }

    fn reopen(&mut self) {
        drop(self.store.take());
        self.disk = VolatileDisk::new(Arc::new(self.bench.disk.clone()));
        self.store = Some(self.bench.open_on(Arc::new(self.disk.clone())).unwrap());
    }

    fn store(&self) -> &EmbeddedStore {
        self.store.as_ref().unwrap()
    }

    /// Commits at once, compares each answer, and gives the commands of which nothing is known.
    async fn burst(&mut self, operations: &[Operation]) -> Vec<Command> {
        let commands: Vec<Command> = operations
            .iter()
            .map(|operation| self.model.command(operation))
            .collect();
        let answers = commit_all(self.store(), commands.clone()).await;
        let mut unknown = Vec::new();
        for (command, answer) in commands.into_iter().zip(answers) {
            let found = match answer {
                Ok(committed) => match committed.outcome {
                    CommandOutcome::Sequenced => Verdict::Sequenced(committed.index.0),
                    CommandOutcome::Duplicate { request_id } => Verdict::Duplicate(request_id),
                },
                Err(CommitError::Refused(refusal)) => Verdict::Refused(name(&refusal)),
                Err(CommitError::OutcomeUnknown(_)) => {
                    unknown.push(command);
                    continue;
                }
                Err(CommitError::NotRecorded(_) | CommitError::NoSpace(_)) => continue,
                Err(error) => panic!("{error}"),
            };
            let expected = self.model.run(&command);
            assert_eq!(found, expected, "{command:?}");
        }
        unknown
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Burst(hours, operations) => {
                if *hours > 0 {
                    self.model.now += hours * HOUR;
                    let command = passing(*hours, at(self.model.now));
                    let committed = self.store().commit(command.clone()).await.unwrap();
                    assert_eq!(
                        self.model.run(&command),
                        Verdict::Sequenced(committed.index.0)
                    );
                }
                let unknown = self.burst(operations).await;
                assert!(unknown.is_empty());
            }
            Step::PowerCut(after, seed, operations) => {
                let cut = seed.map_or(PowerCut::DropUnsynced, |seed| PowerCut::Tear { seed });
                self.disk.cut_power_after(*after, cut);
                let unknown = self.burst(operations).await;
                self.disk.cut_power(cut);
                self.bench.settings.boot_id.push('+');
                self.reopen();
                let recorded = self.store().view(|state| state.applied().0) - self.model.applied;
                let recorded = usize::try_from(recorded).unwrap();
                assert!(recorded <= unknown.len(), "more turned up than was sent");
                for command in &unknown[..recorded] {
                    let verdict = self.model.run(command);
                    assert!(
                        matches!(verdict, Verdict::Sequenced(_)),
                        "{command:?} turned up"
                    );
                }
            }
            Step::Close => {
                self.store().close().await;
                self.reopen();
            }
            Step::Drop => self.reopen(),
        }
        let limit = self.bench.settings.ended_requests;
        self.store().view(|state| self.model.check(state, limit));
        for request in &self.model.requests {
            let entry = self.store().request(request.id).unwrap().unwrap();
            assert_eq!(entry.items, request.items, "read back");
            let over: BTreeSet<u32> = entry.ended.keys().copied().collect();
            assert_eq!(over, request.over, "read back");
            request.check_answers(&entry);
            request.check_obligations(&entry, false);
            assert_eq!(entry.version, request.entries.len() as u64);
            let told = (entry.delivery.answered, entry.delivery.acknowledged);
            assert_eq!(told, (request.news, request.seen), "delivery");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(
        batch_commands in prop_oneof![Just(1_usize), Just(3), Just(256)],
        ended_requests in prop_oneof![Just(0_usize), Just(1), Just(2), Just(100)],
        steps in vec(step(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(batch_commands, ended_requests);
            for step in &steps {
                run.step(step).await;
            }
            let live = run.store().view(State::clone);
            run.store().close().await;
            drop(run.store.take());
            assert_eq!(run.bench.state_from_log(), live, "the log alone leads elsewhere");
        });
    }
}

/// What changes nothing but the time.
fn passing(hours: i64, at: Timestamp) -> Command {
    if hours % 2 == 0 {
        return Command::RefusePublication(RefusePublication {
            digest: String::new(),
            summary: String::new(),
            at,
        });
    }
    Command::NoteSecretsRead(NoteSecretsRead {
        key: DocumentKey {
            kind: DocumentKind::UeConfiguration,
            id: "mc.nl.example".parse().unwrap(),
        },
        version: 1,
        actor: "operator".to_owned(),
        at,
    })
}
