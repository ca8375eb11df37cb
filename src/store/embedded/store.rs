//! The embedded store as its users see it.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::thread;
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::sync::watch;
use uuid::Uuid;

use crate::decision_log::Leaf;
use crate::decision_log::LogIndex;
use crate::decision_log::RootHash;
use crate::decision_log::StoredPart;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::domain::time::Timestamp;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Committed;
use crate::store::command::RequestId;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::erasure::Erasing;
use crate::store::embedded::error::OpenError;
use crate::store::embedded::error::RecordError;
use crate::store::embedded::error::during;
use crate::store::embedded::journal::Journal;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::Recovery;
use crate::store::embedded::load::Loader;
use crate::store::embedded::load::Progress;
use crate::store::embedded::load::Source;
use crate::store::embedded::load::Stage;
use crate::store::embedded::log_reader::LogReader;
use crate::store::embedded::meta::Run;
use crate::store::embedded::origin;
use crate::store::embedded::projection::OpenRows;
use crate::store::embedded::projection::Pending;
use crate::store::embedded::projection::ProjectionBackend;
use crate::store::embedded::projection::ProjectionStatus;
use crate::store::embedded::projection::Projector;
use crate::store::embedded::publication::Publication;
use crate::store::embedded::publication::PublishError;
use crate::store::embedded::publication::Published;
use crate::store::embedded::read_back;
use crate::store::embedded::read_back::read_back;
use crate::store::embedded::search::SearchIndex;
use crate::store::embedded::sequencer::Message;
use crate::store::embedded::sequencer::Sequencer;
use crate::store::embedded::settings::Settings;
use crate::store::event::Event;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// The store of one node. Clones are the same store.
///
/// Whoever drops the last one without [`EmbeddedStore::close`] loses nothing that was acknowledged,
/// but the next start may take longer.
#[derive(Clone, Debug)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    search: SearchIndex,
    started: Started,
    queue: Option<mpsc::Sender<Message>>,
    sequencer: Option<JoinHandle<()>>,
    ended: watch::Receiver<()>,
}

/// What the threads and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    state: RwLock<State>,
    pub(super) pending: Pending,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) backend: Arc<dyn ProjectionBackend>,
    pub(super) reader: JournalReader,
    pub(super) boot_id: String,
    publication: Publication,
    erasing: Erasing,
    /// How many entries are applied, told to whoever waits for more.
    appended: watch::Sender<TreeSize>,
    projection: Mutex<ProjectionStatus>,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    stopped: Option<String>,
    not_recording: Option<String>,
}

/// What the start found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The random name of the log.
    pub origin: Uuid,
    /// From what the state was had.
    pub source: Source,
    /// What was passed over because it was not whole, and why.
    pub passed_over: Vec<String>,
    /// What opening the journal found and did.
    pub recovery: Recovery,
}

/// How the store does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Why no more commands are taken until the next start; `None` if they are.
    pub stopped: Option<String>,
    /// Why the last batch was not recorded; `None` once one was.
    pub not_recording: Option<String>,
    /// How many entries are applied.
    pub applied: TreeSize,
    /// How many commands wait.
    pub queued: usize,
    /// How the projection does.
    pub projection: ProjectionStatus,
}

impl Health {
    /// Whether commands are taken. A full disk does not change it: only trying shows that there is room again.
    pub fn is_ready(&self) -> bool {
        self.stopped.is_none()
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place.
    pub index: LogIndex,
    /// Its leaf.
    pub leaf: Leaf,
    /// What happened, without what was erased since.
    pub event: Event,
    /// The parts of its decision record.
    pub record: Vec<StoredPart>,
}

impl EmbeddedStore {
    /// Opens the store at the root of a disk, and makes it if there is none.
    ///
    /// On return the state holds every entry that is durable. The projection may still be built.
    pub fn open(
        disk: Arc<dyn Disk>,
        settings: &Settings,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, OpenError> {
        let meta = origin::read_meta(&*disk)?;
        let (mut journal, recovery) =
            Journal::open(Arc::clone(&disk), &settings.journal, &mut |opened| {
                progress(Progress {
                    stage: Stage::Journal,
                    done: opened.done_bytes,
                    total: opened.total_bytes,
                });
            })?;
        let origin = origin::establish(&*disk, &mut journal, meta, settings.opened_at)?;
        let reader = journal.reader();
        let publication = Publication::open(&*disk, &reader)?;
        let backend = Arc::clone(&settings.projection);
        let run = Run::read(&*disk);
        let trusted = run.and_then(|run| run.trusted_projection(&settings.boot_id));
        let loaded = Loader {
            disk: &*disk,
            backend: &*backend,
            reader: &reader,
            origin,
            interrupt: &settings.journal.interrupt,
            ended_requests: settings.ended_requests,
            progress,
        }
        .load(trusted)?;
        for reason in &loaded.passed_over {
            tracing::warn!(reason, "passed over at the start");
        }
        let started = Started {
            origin,
            source: loaded.source,
            passed_over: loaded.passed_over,
            recovery,
        };
        let (appended, _) = watch::channel(loaded.state.applied());
        let shared = Arc::new(Shared {
            appended,
            state: RwLock::new(loaded.state),
            pending: loaded.pending,
            disk,
            backend,
            reader,
            boot_id: settings.boot_id.clone(),
            publication,
            erasing: Erasing::default(),
            projection: Mutex::default(),
            trouble: Mutex::default(),
        });
        let projector = Projector {
            shared: Arc::clone(&shared),
            origin,
            snapshot_entries: settings.snapshot_entries.max(1),
            snapshot: loaded.snapshot,
        };
        let inner = Inner::start(journal, settings, started, (projector, loaded.rows))?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Commits a command; on return it is durable and applied, or [`CommitError`] says what is known.
    ///
    /// The command is carried out even if the caller goes away while it waits.
    pub async fn commit(&self, command: Command) -> Result<Committed, CommitError> {
        let queue = self.inner.queue.as_ref().ok_or(CommitError::Closed)?;
        let (reply, answer) = oneshot::channel();
        queue
            .try_send(Message::Commit(Box::new(command), reply))
            .map_err(|error| match error {
                TrySendError::Full(_) => CommitError::QueueFull,
                TrySendError::Closed(_) => CommitError::Closed,
            })?;
        answer.await.unwrap_or_else(|_| {
            let reason = "the sequencer ended before it answered".to_owned();
            Err(CommitError::OutcomeUnknown(reason))
        })
    }

    /// Reads the state; nothing changes meanwhile, so keep it short.
    pub fn view<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.inner.shared.read())
    }

    /// A request; one that ended long ago is read from the log.
    pub fn request(&self, id: RequestId) -> Result<Option<Arc<RequestEntry>>, RecordError> {
        let (here, put_away) = self.view(|state| {
            let here = state.request(id).map(Arc::clone);
            (here, state.put_away(id))
        });
        match put_away {
            Some(place) if here.is_none() => {
                let entry = read_back(&self.inner.shared.reader, &place)?;
                Ok(Some(Arc::new(entry)))
            }
            Some(_) | None => Ok(here),
        }
    }

    /// Requests that wait for an answer, oldest first, from the one submitted after `after` on.
    pub fn open_requests(&self, after: Option<LogIndex>, limit: usize) -> Vec<Arc<RequestEntry>> {
        self.view(|state| {
            let open = state.open_requests(after);
            open.take(limit).map(Arc::clone).collect()
        })
    }

    /// Items whose time has passed, by request.
    pub fn due(&self, now: Timestamp) -> Vec<(RequestId, Vec<u32>)> {
        self.view(|state| state.due(now))
    }

    /// One entry of the log, checked against its leaf.
    pub fn record(&self, index: LogIndex) -> Result<StoredEntry, RecordError> {
        read_back::record(&self.inner.shared.reader, index)
    }

    /// A handle to read the entries of the log with.
    pub fn reader(&self) -> JournalReader {
        self.inner.shared.reader.clone()
    }

    /// How many entries are applied, told whenever there are more.
    pub fn appended(&self) -> watch::Receiver<TreeSize> {
        self.inner.shared.appended.subscribe()
    }

    /// All of the log that is durable, published or not, and the root of its tree.
    pub fn durable_log(&self) -> (LogReader, RootHash) {
        LogReader::durable(self.reader())
    }

    /// What is published of the log; nothing before the first checkpoint.
    pub fn published_log(&self) -> Option<(LogReader, Arc<Published>)> {
        let published = self.inner.shared.publication.current()?;
        let log = LogReader::published(self.reader(), Arc::clone(&published));
        Some((log, published))
    }

    /// The newest published checkpoint, told whenever there is another.
    pub fn publications(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.inner.shared.publication.subscribe()
    }

    /// Publishes a checkpoint of this log; on return it is durable and served.
    pub fn publish(&self, signed: &SignedCheckpoint) -> Result<(), PublishError> {
        let shared = &self.inner.shared;
        shared
            .publication
            .publish(&*shared.disk, &shared.reader, signed)
    }

    /// The index by which entries are found.
    pub fn search(&self) -> &SearchIndex {
        &self.inner.search
    }

    pub(super) fn erasing(&self) -> &Erasing {
        &self.inner.shared.erasing
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.shared.disk
    }

    pub(super) fn queue(&self) -> Option<&mpsc::Sender<Message>> {
        self.inner.queue.as_ref()
    }

    /// Makes projection and snapshots anew, so that they hold nothing but what the state holds now; waits for it.
    pub(super) fn renew_copies(&self) -> Result<(), String> {
        self.inner.shared.pending.renew()
    }

    /// What the start found and did.
    pub fn started(&self) -> &Started {
        &self.inner.started
    }

    /// How the store does.
    pub fn health(&self) -> Health {
        let shared = &self.inner.shared;
        let queue = self.inner.queue.as_ref();
        let queued = queue.map_or(0, |queue| queue.max_capacity() - queue.capacity());
        let trouble = shared.trouble();
        let closed = queue.is_none_or(mpsc::Sender::is_closed);
        let closed = closed.then(|| "the store is closed".to_owned());
        Health {
            stopped: trouble.stopped.clone().or(closed),
            not_recording: trouble.not_recording.clone(),
            applied: shared.read().applied(),
            queued,
            projection: shared.projection().clone(),
        }
    }

    /// Carries out what waits, takes nothing more, and puts everything away.
    ///
    /// On return the data directory can be opened again.
    pub async fn close(&self) {
        let Some(queue) = &self.inner.queue else {
            return;
        };
        let inner = Arc::clone(&self.inner);
        let stopped = tokio::task::spawn_blocking(move || inner.search.stop());
        if stopped.await.is_err() {
            tracing::error!("the index of the log could not be ended");
        }
        // Whoever opens the directory next must find no file being replaced.
        let shared = Arc::clone(&self.inner.shared);
        let closing = tokio::task::spawn_blocking(move || shared.erasing.close());
        if let Err(error) = closing.await {
            tracing::error!(%error, "an erasure was not ended in order");
        }
        if queue.send(Message::Close).await.is_err() {
            tracing::debug!("the store is closing already");
        }
        // Ends with an error, because nothing but the end is ever told.
        let mut ended = self.inner.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Inner {
    fn start(
        journal: Journal,
        settings: &Settings,
        started: Started,
        (projector, rows): (Projector, Option<OpenRows>),
    ) -> Result<Self, OpenError> {
        let shared = Arc::clone(&projector.shared);
        let run = Run {
            boot_id: shared.boot_id.clone(),
            clean: false,
            projection: rows.as_ref().map(OpenRows::generation),
        };
        shared
            .write_run(&run)
            .map_err(during("write that the store is open"))?;
        let projector = spawn("projection", move || projector.run(rows))?;
        let (end, ended) = watch::channel(());
        let (sender, queue) = mpsc::channel(settings.queue_commands.max(1));
        let sequencer = Sequencer {
            journal,
            shared: Arc::clone(&shared),
            queue,
            batch_commands: settings.batch_commands.max(1),
            projector,
            ended: end,
        };
        let sequencer = spawn("sequencer", move || sequencer.run())?;
        let (disk, reader) = (Arc::clone(&shared.disk), shared.reader.clone());
        Ok(Self {
            search: SearchIndex::new(disk, reader, started.origin),
            shared,
            started,
            queue: Some(sender),
            sequencer: Some(sequencer),
            ended,
        })
    }
}

/// Waits for the threads, so that the data directory can be opened again.
impl Drop for Inner {
    fn drop(&mut self) {
        self.search.stop();
        drop(self.queue.take());
        if let Some(Err(_)) = self.sequencer.take().map(JoinHandle::join) {
            tracing::error!("the sequencer panicked");
        }
    }
}

impl Shared {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn projection(&self) -> MutexGuard<'_, ProjectionStatus> {
        self.projection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write_run(&self, run: &Run) -> io::Result<()> {
        run.write(&*self.disk)
    }

    /// Tells that entries were applied.
    pub(super) fn note_applied(&self, applied: TreeSize) {
        self.appended.send_replace(applied);
    }

    /// Why the journal stopped.
    pub(super) fn stopped(&self) -> String {
        self.trouble().stopped.clone().unwrap_or_default()
    }

    pub(super) fn note_stopped(&self, reason: &str) {
        self.trouble().stopped = Some(reason.to_owned());
    }

    pub(super) fn note_recording(&self, failure: Option<String>) {
        self.trouble().not_recording = failure;
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn<T: Send + 'static>(
    name: &'static str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, OpenError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(during("start a thread"))
}
