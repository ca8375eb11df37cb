//! Stores on disks in memory, commands in few words, and a projection that tests can break.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Poll;
use std::time::Duration;

use comity::decision::facts::ReadKey;
use comity::decision::facts::ReadSet;
use comity::decision_log::OutcomeCounts;
use comity::domain::document::Document;
use comity::domain::lifecycle::ItemState;
use comity::domain::lifecycle::Stage;
use comity::domain::migration::Migration;
use comity::domain::outcome::PartnerOutcome;
use comity::domain::registry::DocumentKey;
use comity::domain::registry::DocumentKind;
use comity::domain::time::Timestamp;
use comity::store::Command;
use comity::store::CommitError;
use comity::store::Committed;
use comity::store::State;
use comity::store::command::Acknowledge;
use comity::store::command::BodyDigest;
use comity::store::command::CorrelationDigest;
use comity::store::command::Expected;
use comity::store::command::Expire;
use comity::store::command::Idempotency;
use comity::store::command::KeyDigest;
use comity::store::command::Publish;
use comity::store::command::Report;
use comity::store::command::RequestId;
use comity::store::command::Respond;
use comity::store::command::Revoke;
use comity::store::command::Submit;
use comity::store::command::Withdraw;
use comity::store::command::Write;
use comity::store::command::WriteDocuments;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Interrupt;
use comity::store::embedded::OpenError;
use comity::store::embedded::Settings;
use comity::store::embedded::disk::Disk;
use comity::store::embedded::disk::MemoryDisk;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::Preparation;
use comity::store::embedded::journal::SegmentSizes;
use comity::store::embedded::projection::BackendError;
use comity::store::embedded::projection::ProjectionBackend;
use comity::store::embedded::projection::ProjectionRows;
use comity::store::embedded::projection::RowChange;
use comity::store::embedded::projection::Visit;
use serde_json::json;
use uuid::Uuid;

pub(super) const CALLER: &str = "front-end";

pub(super) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_700_000_000_000 + milliseconds)
}

/// A disk and a projection in memory, and the settings to open them with.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    pub(super) disk: MemoryDisk,
    pub(super) backend: MemoryBackend,
    pub(super) settings: Settings,
}

impl Bench {
    pub(super) fn new() -> Self {
        let backend = MemoryBackend::default();
        let mut settings = Settings::new(Arc::new(backend.clone()), at(0));
        settings.boot_id = "boot".to_owned();
        settings.journal = small_segments();
        Self {
            disk: MemoryDisk::default(),
            backend,
            settings,
        }
    }

    pub(super) fn try_open(&self) -> Result<EmbeddedStore, OpenError> {
        self.open_on(Arc::new(self.disk.clone()))
    }

    pub(super) fn open(&self) -> EmbeddedStore {
        self.try_open().unwrap()
    }

    pub(super) fn open_on(&self, disk: Arc<dyn Disk>) -> Result<EmbeddedStore, OpenError> {
        EmbeddedStore::open(disk, &self.settings, &mut |_| {})
    }

    /// The state that the log alone leads to.
    pub(super) fn state_from_log(&self) -> State {
        let mut bench = Self {
            disk: self.disk.copy(),
            ..Self::new()
        };
        bench.settings.ended_requests = self.settings.ended_requests;
        for path in bench.disk.paths() {
            if path.starts_with("snapshots") {
                bench.disk.remove(&path).unwrap();
            }
        }
        state(&bench.open())
    }
}

/// Segments so small that new ones are made all the time.
pub(super) fn small_segments() -> JournalSettings {
    let sizes = SegmentSizes {
        first_bytes: 2_048,
        largest_bytes: 4_096,
    };
    JournalSettings {
        leaf_segments: sizes,
        payload_segments: sizes,
        rebuild_anchor: false,
        preparation: Preparation::InTurn,
        interrupt: Interrupt::default(),
    }
}

pub(super) fn state(store: &EmbeddedStore) -> State {
    store.view(State::clone)
}

/// Waits until the projection holds everything; fails if it never does.
pub(super) async fn projected(store: &EmbeddedStore) {
    for _ in 0..3_000 {
        let health = store.health();
        if health.projection.generation.is_some() && health.projection.applied == health.applied {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the projection never came: {:?}", store.health());
}

/// Commits in this order, all under way at once.
pub(super) async fn commit_all(
    store: &EmbeddedStore,
    commands: impl IntoIterator<Item = Command>,
) -> Vec<Result<Committed, CommitError>> {
    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Committed, CommitError>> + 'a>>;
    let mut waiting: Vec<(Waiting<'_>, Option<_>)> = commands
        .into_iter()
        .map(|command| (Box::pin(store.commit(command)) as Waiting<'_>, None))
        .collect();
    std::future::poll_fn(|context| {
        for (future, result) in &mut waiting {
            if result.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *result = Some(ready);
            }
        }
        if waiting.iter().all(|(_, result)| result.is_some()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    waiting
        .into_iter()
        .filter_map(|(_, result)| result)
        .collect()
}

pub(super) fn key(kind: DocumentKind, id: &str) -> DocumentKey {
    DocumentKey {
        kind,
        id: id.parse().unwrap(),
    }
}

pub(super) fn document(kind: DocumentKind, json: serde_json::Value) -> Arc<Document> {
    Arc::new(Document::from_json(kind, json).unwrap())
}

/// A user `u1` with identities `sip:i1@mc.nl.example` and so on.
pub(super) fn user(number: u8, identities: &[u8]) -> Arc<Document> {
    let services = ["mcptt", "mcvideo", "mcdata"];
    let identities: serde_json::Map<_, _> = services
        .iter()
        .zip(identities)
        .map(|(service, identity)| {
            let identity = format!("sip:i{identity}@mc.nl.example");
            ((*service).to_owned(), json!(identity))
        })
        .collect();
    document(
        DocumentKind::User,
        json!({"id": format!("u{number}"), "enabled": true, "identities": identities}),
    )
}

/// Whose agreement [`agreement`] is.
pub(super) const PARTNER: &str = "mc.de.example";

/// An agreement that holds for 96 hours from the first moment on.
pub(super) fn agreement(status: &str) -> Arc<Document> {
    document(
        DocumentKind::Agreement,
        json!({
            "partner": PARTNER,
            "status": status,
            "valid_from": at(0),
            "valid_until": at(96 * 60 * 60 * 1_000)
        }),
    )
}

pub(super) fn system(id: &str, prefix: &str) -> Arc<Document> {
    document(
        DocumentKind::System,
        json!({"mc_system_id": id, "tel_prefixes": [prefix]}),
    )
}

/// A Dutch visitor, in one service.
pub(super) fn migration(number: u8, service: &str) -> Arc<Document> {
    document(
        DocumentKind::Migration,
        json!({
            "user": format!("sip:v{number}@mc.nl.example"), "service": service,
            "home_system": "mc.nl.example", "serving_system": "mc.de.example",
            "since": "2026-06-01T10:00:00.000Z", "verified": true,
            "request_id": "00000000-0000-4000-8000-000000000001"
        }),
    )
}

/// The same, whose home could not be asked.
pub(super) fn unverified(number: u8, service: &str) -> Arc<Document> {
    let Document::Migration(entry) = migration(number, service).as_ref().clone() else {
        panic!("it is no entry of the register");
    };
    Arc::new(Document::Migration(Migration {
        credential: None,
        verified: false,
        ..entry
    }))
}

/// The link to the Dutch system, measured in no time.
pub(super) fn link(status: &str) -> Arc<Document> {
    document(
        DocumentKind::Link,
        json!({
            "system": "mc.nl.example", "status": status, "measured_at": "2026-06-01T10:00:00.000Z"
        }),
    )
}

pub(super) fn put(document: &Arc<Document>, expected: Expected) -> Write {
    Write {
        key: document.key().unwrap(),
        expected,
        document: Some(Arc::clone(document)),
    }
}

pub(super) fn delete(key: DocumentKey, expected: Expected) -> Write {
    Write {
        key,
        expected,
        document: None,
    }
}

pub(super) fn write(writes: Vec<Write>) -> Command {
    write_at(writes, 0)
}

pub(super) fn write_at(writes: Vec<Write>, milliseconds: i64) -> Command {
    Command::WriteDocuments(WriteDocuments {
        writes,
        actor: "officer".to_owned(),
        ends: Vec::new(),
        at: at(milliseconds),
    })
}

pub(super) fn request_id(number: u64) -> RequestId {
    RequestId(Uuid::from_u128(u128::from(number)))
}

pub(super) fn pending(milliseconds: i64) -> ItemState {
    ItemState::Pending {
        expires_at: Some(at(milliseconds)),
    }
}

/// A request under the bundle in force, that was decided on nothing.
pub(super) fn submit(number: u64, generation: u64, items: Vec<ItemState>) -> Submit {
    Submit {
        request_id: request_id(number),
        caller: CALLER.into(),
        idempotency: None,
        correlation: None,
        read_set: ReadSet {
            entries: Vec::new(),
            generation,
        },
        items,
        writes: Vec::new(),
        parts: Vec::new(),
        counts: OutcomeCounts::default(),
        bound_to: None,
        reminders: Vec::new(),
        reduces: None,
        adds: None,
        obligations: Vec::new(),
        access: None,
        turned: Vec::new(),
        in_time_at: at(0),
        at: at(0),
    }
}

pub(super) fn under_key(mut submit: Submit, key: &str, body: &str) -> Submit {
    submit.idempotency = Some(Idempotency {
        key: KeyDigest::of(&submit.caller, key),
        body: BodyDigest::of(body.as_bytes()),
    });
    submit
}

/// A request that was decided on what these look-ups give now.
pub(super) fn submit_on(store: &EmbeddedStore, number: u64, reads: Vec<ReadKey>) -> Submit {
    store.view(|state| {
        let mut submit = submit(number, state.generation(), vec![ItemState::Granted]);
        submit.read_set.entries = reads
            .into_iter()
            .map(|key| (key.clone(), state.read(&key)))
            .collect();
        submit
    })
}

pub(super) fn respond(number: u64, version: u64, items: Vec<(u32, ItemState)>) -> Respond {
    Respond {
        request_id: request_id(number),
        expected_version: version,
        items,
        votes: None,
        reminders: Vec::new(),
        approval: None,
        read_set: ReadSet::default(),
        turned: Vec::new(),
        writes: Vec::new(),
        obligations: Vec::new(),
        parts: Vec::new(),
        at: at(0),
        in_time_at: at(0),
    }
}

pub(super) fn at_partner(stage: Stage, milliseconds: Option<i64>) -> ItemState {
    ItemState::AtPartner {
        stage,
        expires_at: milliseconds.map(at),
    }
}

pub(super) fn answered(outcome: PartnerOutcome, delivered: bool) -> ItemState {
    ItemState::Answered { outcome, delivered }
}

/// The requests of a number are correlated with those of another ten further.
pub(super) fn correlation(number: u64) -> CorrelationDigest {
    CorrelationDigest::from_bytes([u8::try_from(number % 10).unwrap(); 32])
}

pub(super) fn report(number: u64, version: u64, items: Vec<(u32, ItemState)>) -> Report {
    Report {
        request_id: request_id(number),
        expected_version: version,
        items,
        read_set: ReadSet::default(),
        writes: Vec::new(),
        obligations: Vec::new(),
        parts: Vec::new(),
        at: at(0),
        in_time_at: at(0),
    }
}

pub(super) fn withdraw(number: u64, version: u64, items: Vec<u32>) -> Withdraw {
    Withdraw {
        request_id: request_id(number),
        expected_version: version,
        items,
        writes: Vec::new(),
        obligations: Vec::new(),
        ends: Vec::new(),
        parts: Vec::new(),
        at: at(0),
        in_time_at: at(0),
    }
}

pub(super) fn revoke(number: u64, version: u64, items: Vec<u32>) -> Revoke {
    Revoke {
        request_id: request_id(number),
        expected_version: version,
        items,
        ended: false,
        writes: Vec::new(),
        obligations: Vec::new(),
        ends: Vec::new(),
        parts: Vec::new(),
        at: at(0),
    }
}

pub(super) fn acknowledge(number: u64, version: u64) -> Command {
    Command::Acknowledge(Acknowledge {
        request_id: request_id(number),
        version,
        at: at(0),
    })
}

pub(super) fn expire(number: u64, items: Vec<u32>, milliseconds: i64) -> Command {
    Command::Expire(Expire {
        request_id: request_id(number),
        items,
        at: at(milliseconds),
    })
}

pub(super) fn publish(generation: u64) -> Command {
    Command::Publish(Publish {
        digest: format!("sha256:{generation:064x}"),
        generation,
        actor: "officer".to_owned(),
        summary: "a change".to_owned(),
        at: at(0),
    })
}

/// Commands of every kind, none of which any state refuses.
pub(super) fn mixed(number: u64) -> Command {
    let small = u8::try_from(number % 200).unwrap();
    match number % 4 {
        0 => write(vec![put(&user(small, &[small]), Expected::Any)]),
        1 => Command::Submit(under_key(
            submit(number, 0, vec![ItemState::Granted, pending(1_000)]),
            &number.to_string(),
            "body",
        )),
        2 => Command::Submit(submit(number, 0, vec![ItemState::Refused])),
        _ => write(vec![put(&system("mc.de.example", "+49"), Expected::Any)]),
    }
}

/// Generations of rows in memory, which outlive the store.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryBackend {
    plan: Arc<Mutex<Plan>>,
}

type Rows = Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>;

#[derive(Debug, Default)]
struct Plan {
    generations: BTreeMap<u64, Rows>,
    faults: Vec<Fault>,
    fired: u64,
}

/// A call of the projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Generations,
    Open,
    Remove,
    Get,
    ApplyBatch,
    Flush,
    Scan,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    Failed,
    FailedButDone,
    Panicked,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    call: Call,
    skip: u64,
    failing: Failing,
}

impl MemoryBackend {
    pub(super) fn inject(&self, call: Call, skip: u64, failing: Failing) {
        self.plan().faults.push(Fault {
            call,
            skip,
            failing,
        });
    }

    pub(super) fn fired(&self) -> u64 {
        self.plan().fired
    }

    /// Loses everything.
    pub(super) fn wipe(&self) {
        self.plan().generations.clear();
    }

    /// What it holds now, as another backend.
    pub(super) fn copy(&self) -> Self {
        let plan = self.plan();
        let generations = plan.generations.iter().map(|(generation, rows)| {
            let rows = lock(rows).clone();
            (*generation, Arc::new(Mutex::new(rows)))
        });
        let copy = Plan {
            generations: generations.collect(),
            ..Plan::default()
        };
        Self {
            plan: Arc::new(Mutex::new(copy)),
        }
    }

    /// Changes the rows of every generation behind everybody's back.
    pub(super) fn edit(&self, edit: impl Fn(&mut BTreeMap<Vec<u8>, Vec<u8>>)) {
        for rows in self.plan().generations.values() {
            edit(&mut lock(rows));
        }
    }

    pub(super) fn present(&self) -> Vec<u64> {
        self.plan().generations.keys().copied().collect()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        lock(&self.plan)
    }

    fn call<T>(
        &self,
        call: Call,
        act: impl FnOnce() -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let failing = self.plan().next(call);
        let injected = || BackendError::Content(format!("injected fault: {call:?}"));
        match failing {
            None => act(),
            Some(Failing::Failed) => Err(injected()),
            Some(Failing::FailedButDone) => {
                drop(act());
                Err(injected())
            }
            Some(Failing::Panicked) => {
                // Without the noise of a real one.
                std::panic::resume_unwind(Box::new(format!("injected panic: {call:?}")))
            }
        }
    }
}

impl Plan {
    fn next(&mut self, call: Call) -> Option<Failing> {
        let due = self.faults.iter_mut().position(|fault| {
            let matches = fault.call == call;
            let due = matches && fault.skip == 0;
            fault.skip -= u64::from(matches && fault.skip > 0);
            due
        })?;
        self.fired += 1;
        Some(self.faults.remove(due).failing)
    }
}

impl ProjectionBackend for MemoryBackend {
    fn generations(&self) -> Result<Vec<u64>, BackendError> {
        self.call(Call::Generations, || Ok(self.present()))
    }

    fn open(&self, generation: u64) -> Result<Box<dyn ProjectionRows>, BackendError> {
        let rows = self.call(Call::Open, || {
            let mut plan = self.plan();
            Ok(Arc::clone(plan.generations.entry(generation).or_default()))
        })?;
        Ok(Box::new(MemoryRows {
            backend: self.clone(),
            rows,
        }))
    }

    fn remove(&self, generation: u64) -> Result<(), BackendError> {
        self.call(Call::Remove, || {
            self.plan().generations.remove(&generation);
            Ok(())
        })
    }
}

struct MemoryRows {
    backend: MemoryBackend,
    rows: Rows,
}

impl ProjectionRows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.backend
            .call(Call::Get, || Ok(lock(&self.rows).get(key).cloned()))
    }

    fn apply_batch(&self, changes: &[RowChange]) -> Result<(), BackendError> {
        self.backend.call(Call::ApplyBatch, || {
            let mut rows = lock(&self.rows);
            for (key, value) in changes {
                match value {
                    Some(value) => rows.insert(key.clone(), value.clone()),
                    None => rows.remove(key),
                };
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), BackendError> {
        self.backend.call(Call::Flush, || Ok(()))
    }

    fn scan(&self, visit: Visit<'_>) -> Result<(), BackendError> {
        self.backend.call(Call::Scan, || {
            let rows = lock(&self.rows).clone();
            rows.iter().try_for_each(|(key, value)| visit(key, value))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
