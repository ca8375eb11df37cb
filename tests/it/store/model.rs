//! Random commands against a model that knows no index, batch or file, with clean ends, sudden ends
//! and power cuts in between.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use comity::decision::facts::Lookup;
use comity::decision::facts::ReadKey;
use comity::domain::document::Document;
use comity::domain::lifecycle::ItemState;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::registry::Revision;
use comity::domain::time::Timestamp;
use comity::store::Command;
use comity::store::CommandOutcome;
use comity::store::CommitError;
use comity::store::Refusal;
use comity::store::State;
use comity::store::command::BodyDigest;
use comity::store::command::Expected;
use comity::store::command::KeyDigest;
use comity::store::command::RefusePublication;
use comity::store::command::RequestId;
use comity::store::command::Submit;
use comity::store::command::Write;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::disk::PowerCut;
use comity::store::embedded::disk::VolatileDisk;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::support::Bench;
use super::support::agreement;
use super::support::at;
use super::support::commit_all;
use super::support::delete;
use super::support::expire;
use super::support::key;
use super::support::pending;
use super::support::publish;
use super::support::put;
use super::support::respond;
use super::support::submit;
use super::support::system;
use super::support::under_key;
use super::support::user;
use super::support::write_at;

const HOUR: i64 = 60 * 60 * 1_000;

#[derive(Clone, Debug)]
enum Operation {
    WriteUsers(Vec<(u8, Vec<u8>, Precondition)>),
    DeleteUser(u8, Precondition),
    WriteSystem(u8, u8),
    WriteAgreement(bool),
    Submit {
        key: Option<(u8, u8)>,
        reads: Vec<u8>,
        pending_hours: Vec<i64>,
        writes: Option<u8>,
    },
    Respond {
        request: usize,
        behind: u64,
        items: Vec<(u32, bool)>,
    },
    Expire {
        request: usize,
        items: Vec<u32>,
    },
    Publish {
        ahead: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Precondition {
    Any,
    Absent,
    Current,
}

#[derive(Clone, Debug)]
enum Step {
    /// So many hours later, these commands at once.
    Burst(i64, Vec<Operation>),
    /// These commands, and the power goes after so many changes of the disk.
    PowerCut(u64, Option<u64>, Vec<Operation>),
    Close,
    Drop,
}

fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        Just(Precondition::Any),
        Just(Precondition::Absent),
        Just(Precondition::Current),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let users = vec((0_u8..4, vec(0_u8..5, 0..3), precondition()), 1..3);
    prop_oneof![
        4 => users.prop_map(Operation::WriteUsers),
        1 => (0_u8..4, precondition()).prop_map(|(user, expected)| Operation::DeleteUser(user, expected)),
        1 => (0_u8..2, 0_u8..2).prop_map(|(system, prefix)| Operation::WriteSystem(system, prefix)),
        1 => any::<bool>().prop_map(Operation::WriteAgreement),
        4 => (
            option::of((0_u8..3, 0_u8..2)),
            vec(0_u8..9, 0..3),
            vec(0_i64..40, 0..3),
            option::weighted(0.2, 0_u8..4),
        )
            .prop_map(|(key, reads, pending_hours, writes)| Operation::Submit {
                key,
                reads,
                pending_hours,
                writes,
            }),
        3 => (0_usize..6, 0_u64..2, vec((0_u32..3, any::<bool>()), 1..3))
            .prop_map(|(request, behind, items)| Operation::Respond { request, behind, items }),
        2 => (0_usize..6, vec(0_u32..3, 1..3))
            .prop_map(|(request, items)| Operation::Expire { request, items }),
        1 => (0_u64..2).prop_map(|ahead| Operation::Publish { ahead }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_i64..20, vec(operation(), 1..12)).prop_map(|(hours, burst)| Step::Burst(hours, burst)),
        2 => (0_u64..24, option::of(any::<u64>()), vec(operation(), 1..12))
            .prop_map(|(after, seed, burst)| Step::PowerCut(after, seed, burst)),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
    ]
}

#[derive(Clone, Debug, Default)]
struct Model {
    documents: Vec<(DocumentKey, Revision, Arc<Document>)>,
    requests: Vec<ModelRequest>,
    keys: Vec<(KeyDigest, BodyDigest, RequestId)>,
    generation: u64,
    applied: u64,
    now: i64,
    named: u64,
}

#[derive(Clone, Debug)]
struct ModelRequest {
    id: RequestId,
    items: Vec<ItemState>,
    entries: Vec<u64>,
    key: Option<KeyDigest>,
    ended: Option<i64>,
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
        Refusal::NotPending { .. } => "not pending",
        Refusal::NothingDue => "nothing due",
        Refusal::Invalid(_) => "invalid",
    }
}

fn identities(document: &Document) -> BTreeSet<String> {
    match document {
        Document::User(user) => user
            .identities
            .iter()
            .map(|(_, identity)| identity.to_string())
            .collect(),
        _ => BTreeSet::new(),
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
                .find(|(_, _, document)| identities(document).contains(identity.as_str()))
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
            ReadKey::MigratedProfile { .. } => None,
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
            after.documents.retain(|(key, ..)| *key != write.key);
            if let Some(document) = &write.document {
                let revision = Revision(self.applied);
                after.documents.push((write.key.clone(), revision, Arc::clone(document)));
            }
        }
        let mut holders: BTreeMap<String, DocumentKey> = BTreeMap::new();
        for (key, _, document) in &after.documents {
            for identity in identities(document) {
                if holders.insert(identity, key.clone()).is_some() {
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
            if request.ended.is_none() && !request.items.iter().any(|item| item.is_pending()) {
                request.ended = Some(now);
            }
        }
        let over = |request: &&ModelRequest| request.ended.is_some_and(|ended| now >= ended + 24 * HOUR);
        let over: Vec<_> = self.requests.iter().filter(over).filter_map(|request| request.key).collect();
        let ended: BTreeSet<RequestId> = self
            .requests
            .iter()
            .filter(|request| request.ended.is_some_and(|ended| now >= ended + 24 * HOUR))
            .map(|request| request.id)
            .collect();
        self.keys.retain(|(key, _, id)| !(over.contains(key) && ended.contains(id)));
        Verdict::Sequenced(self.applied - 1)
    }

    fn run(&mut self, command: &Command) -> Verdict {
        match self.try_run(command) {
            Ok(verdict) => verdict,
            Err(refused) => Verdict::Refused(refused),
        }
    }

    fn try_run(&mut self, command: &Command) -> Result<Verdict, &'static str> {
        let index = self.applied;
        let mut after = self.clone();
        match command {
            Command::WriteDocuments(write) => after = self.written(&write.writes)?,
            Command::Submit(submit) => {
                if let Some(idempotency) = submit.idempotency
                    && let Some((_, body, id)) =
                        self.keys.iter().find(|(key, ..)| *key == idempotency.key)
                {
                    return if *body == idempotency.body {
                        Ok(Verdict::Duplicate(*id))
                    } else {
                        Err("key reused")
                    };
                }
                if self.stale(submit) {
                    return Err("stale");
                }
                after = self.written(&submit.writes)?;
                after.requests.push(ModelRequest {
                    id: submit.request_id,
                    items: submit.items.clone(),
                    entries: vec![index],
                    key: submit.idempotency.map(|idempotency| idempotency.key),
                    ended: None,
                });
                let kept = submit.idempotency.map(|given| (given.key, given.body, submit.request_id));
                after.keys.extend(kept);
            }
            Command::Respond(respond) => {
                let request = after.requests.iter_mut().find(|request| request.id == respond.request_id);
                let request = request.ok_or("unknown request")?;
                if request.entries.len() as u64 != respond.expected_version {
                    return Err("version");
                }
                let mut seen = BTreeSet::new();
                for (item, state) in &respond.items {
                    let slot = request.items.get_mut(*item as usize).ok_or("not pending")?;
                    let waits = slot.is_pending() && !slot.is_overdue(respond.at);
                    if !seen.insert(*item) || !waits {
                        return Err("not pending");
                    }
                    *slot = *state;
                }
                if respond.read_set.generation != self.generation {
                    return Err("stale");
                }
                request.entries.push(index);
            }
            Command::Expire(expire) => {
                let request = after.requests.iter_mut().find(|request| request.id == expire.request_id);
                let request = request.ok_or("unknown request")?;
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
                request.entries.push(index);
            }
            Command::Publish(publish) => {
                if publish.generation != self.generation + 1 {
                    return Err("generation");
                }
                after.generation += 1;
            }
            Command::RefusePublication(_) | Command::DryRuns(_) => {}
        }
        Ok(self.sequence(after))
    }

    fn expected(&self, precondition: Precondition, key: &DocumentKey) -> Expected {
        match (precondition, self.revision(key)) {
            (Precondition::Any, _) => Expected::Any,
            (Precondition::Absent, _) | (Precondition::Current, None) => Expected::Absent,
            (Precondition::Current, Some(revision)) => Expected::Revision(revision),
        }
    }

    fn name_of(&self, request: usize) -> u64 {
        // One more than there are, so that unknown ones are asked for too.
        request as u64 % (self.named + 1)
    }

    /// What somebody who sees this state would send.
    fn command(&mut self, operation: &Operation) -> Command {
        match operation {
            Operation::WriteUsers(users) => {
                let writes = users.iter().map(|(number, identities, precondition)| {
                    let document = user(*number, identities);
                    let expected = self.expected(*precondition, &document.key().unwrap());
                    put(&document, expected)
                });
                write_at(writes.collect(), self.now)
            }
            Operation::DeleteUser(number, precondition) => {
                let key = key(DocumentKind::User, &format!("u{number}"));
                let expected = self.expected(*precondition, &key);
                write_at(vec![delete(key, expected)], self.now)
            }
            Operation::WriteSystem(number, prefix) => {
                let document = system(&format!("mc{number}.example"), ["+49", "+491"][usize::from(*prefix)]);
                write_at(vec![put(&document, Expected::Any)], self.now)
            }
            Operation::WriteAgreement(active) => {
                let document = agreement(if *active { "active" } else { "suspended" });
                write_at(vec![put(&document, Expected::Any)], self.now)
            }
            Operation::Submit {
                key: idempotency,
                reads,
                pending_hours,
                writes,
            } => {
                self.named += 1;
                let items = pending_hours.iter().map(|hours| match hours {
                    0 => ItemState::Granted,
                    hours => pending(self.now + hours * HOUR),
                });
                let mut submit = submit(self.named, self.generation, items.collect());
                submit.at = at(self.now);
                submit.read_set.entries = reads
                    .iter()
                    .map(|read| {
                        let read = read_key(*read);
                        let revision = self.read(&read);
                        (read, revision)
                    })
                    .collect();
                submit.writes = writes
                    .map(|number| put(&user(number, &[number]), Expected::Any))
                    .into_iter()
                    .collect();
                Command::Submit(match idempotency {
                    Some((key, body)) => under_key(submit, &key.to_string(), &body.to_string()),
                    None => submit,
                })
            }
            Operation::Respond {
                request,
                behind,
                items,
            } => {
                let number = self.name_of(*request);
                let version = self
                    .requests
                    .iter()
                    .find(|known| known.id == super::support::request_id(number))
                    .map_or(1, |known| known.entries.len() as u64);
                let items = items.iter().map(|(item, granted)| {
                    (*item, if *granted { ItemState::Granted } else { ItemState::Refused })
                });
                let mut respond = respond(number, version.saturating_sub(*behind), items.collect());
                respond.read_set.generation = self.generation;
                respond.at = at(self.now);
                Command::Respond(respond)
            }
            Operation::Expire { request, items } => {
                expire(self.name_of(*request), items.clone(), self.now)
            }
            Operation::Publish { ahead } => publish(self.generation + 1 + ahead),
        }
    }

    fn check(&self, state: &State) {
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
                let (_, revision, document) = expected.unwrap_or_else(|| panic!("{key} should not be there"));
                assert_eq!((found.revision, found.value), (*revision, document));
                count += 1;
            }
        }
        assert_eq!(count, self.documents.len());
        for read in (0..9).map(read_key) {
            assert_eq!(state.read(&read), self.read(&read), "{read:?}");
            if let ReadKey::Identity(identity) = read {
                let person = state.person(&identity);
                let revision = person.and_then(|id| state.revision(&DocumentKey { kind: DocumentKind::User, id }));
                assert_eq!(revision, self.read(&ReadKey::Identity(identity)));
            }
        }
        self.check_requests(state);
    }

    fn check_requests(&self, state: &State) {
        assert_eq!(state.counters().requests, self.requests.len() as u64);
        for request in &self.requests {
            let entry = state.request(request.id).expect("the request is there");
            assert_eq!(entry.items, request.items);
            assert_eq!(entry.version, request.entries.len() as u64);
            let entries: Vec<u64> = [entry.submitted].iter().chain(&entry.further).map(|index| index.0).collect();
            assert_eq!(entries, request.entries);
        }
        let open: Vec<RequestId> = state.open_requests(None).map(|entry| entry.id).collect();
        let expected = self.requests.iter().filter(|request| request.items.iter().any(|item| item.is_pending()));
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
        found.values_mut().for_each(|items| items.sort_unstable());
        assert_eq!(found, due);
        for number in 0..3 {
            let digest = KeyDigest::of(super::support::CALLER, &number.to_string());
            let kept = state.kept_key(&digest).map(|kept| kept.request_id);
            let expected = self.keys.iter().find(|(key, ..)| *key == digest);
            assert_eq!(kept, expected.map(|(.., id)| *id));
        }
    }
}

fn read_key(number: u8) -> ReadKey {
    match number {
        0..=4 => ReadKey::Identity(format!("sip:i{number}@mc.nl.example").parse().unwrap()),
        5 => ReadKey::Number("+49123".to_owned()),
        6 => ReadKey::Document(key(DocumentKind::Agreement, "mc.de.example")),
        7 => ReadKey::Document(key(DocumentKind::User, "u0")),
        _ => ReadKey::Document(key(DocumentKind::User, "u1")),
    }
}

/// A store that runs beside the model.
struct Run {
    bench: Bench,
    disk: VolatileDisk,
    store: Option<EmbeddedStore>,
    model: Model,
}

impl Run {
    fn new(batch_commands: usize) -> Self {
        let mut bench = Bench::new();
        bench.settings.batch_commands = batch_commands;
        bench.settings.snapshot_entries = 9;
        let disk = VolatileDisk::new(Arc::new(bench.disk.clone()));
        let store = bench.open_on(Arc::new(disk.clone())).unwrap();
        let model = Model {
            applied: 1,
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
                Err(CommitError::NotRecorded(_)) => continue,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found, self.model.run(&command), "{command:?}");
        }
        unknown
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Burst(hours, operations) => {
                if *hours > 0 {
                    self.model.now += hours * HOUR;
                    let command = Command::RefusePublication(RefusePublication {
                        digest: String::new(),
                        summary: String::new(),
                        at: at(self.model.now),
                    });
                    let committed = self.store().commit(command.clone()).await.unwrap();
                    assert_eq!(self.model.run(&command), Verdict::Sequenced(committed.index.0));
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
                    assert!(matches!(verdict, Verdict::Sequenced(_)), "{command:?} turned up");
                }
            }
            Step::Close => {
                self.store().close().await;
                self.reopen();
            }
            Step::Drop => self.reopen(),
        }
        self.store().view(|state| self.model.check(state));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(
        batch_commands in prop_oneof![Just(1_usize), Just(3), Just(256)],
        steps in vec(step(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(batch_commands);
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
