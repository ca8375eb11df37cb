//! The embedded store: one sequencer thread between those who commit and the journal.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::archive::Archive;
use super::archive::ContentDigest;
use super::disk::Disk;
use super::journal::EntryBytes;
use super::journal::Journal;
use super::journal::JournalReader;
use super::journal::JournalSettings;
use crate::decision::record::PartClass as RecordClass;
use crate::decision::record::RecordPart;
use crate::decision_log::Leaf;
use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::PartClass;
use crate::decision_log::StoredPart;
use crate::store::check::Checked;
use crate::store::check::check;
use crate::store::command::Command;
use crate::store::command::CommandOutcome;
use crate::store::command::CommitError;
use crate::store::command::Committed;
use crate::store::event::EncodeError;
use crate::store::event::Event;
use crate::store::state::State;

const QUEUE_COMMANDS_MAX: usize = 1_024;

/// A cause that its readers only print.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store does not open or can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct StoreError {
    doing: String,
    #[source]
    source: Cause,
}

fn during<E: Into<Cause>>(doing: &str) -> impl FnOnce(E) -> StoreError {
    let doing = doing.to_owned();
    move |source| StoreError {
        doing,
        source: source.into(),
    }
}

type Answer = oneshot::Sender<Result<Committed, CommitError>>;

/// The store of one node; clones share it.
#[derive(Clone, Debug)]
pub struct EmbeddedStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Arc<RwLock<State>>,
    reader: JournalReader,
    archive: Archive,
    queue: Mutex<Option<mpsc::Sender<(Command, Answer)>>>,
    sequencer: Mutex<Option<std::thread::JoinHandle<()>>>,
    failure: Arc<Mutex<Option<String>>>,
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its leaf.
    pub leaf: Leaf,
    /// The parts of its decision record.
    pub record: Vec<StoredPart>,
}

impl StoredEntry {
    /// The RFC 6962 hash of its leaf.
    pub fn leaf_hash(&self) -> LeafHash {
        self.leaf.hash()
    }

    /// The parts that are left.
    pub fn record_parts(&self) -> Vec<RecordPart> {
        self.record
            .iter()
            .filter_map(StoredPart::present)
            .map(|part| RecordPart {
                class: match &part.class {
                    PartClass::State => RecordClass::State,
                    PartClass::Personal { subject_key } => {
                        RecordClass::Personal(subject_key.clone())
                    }
                },
                body: part.body.clone(),
            })
            .collect()
    }

    /// Whether a part was erased.
    pub fn has_erased_parts(&self) -> bool {
        self.record.iter().any(|part| part.present().is_none())
    }
}

impl EmbeddedStore {
    /// Opens the store, rebuilding its state from the log.
    pub fn open(
        disk: Arc<dyn Disk>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Self, StoreError> {
        let (journal, recovery) =
            Journal::open(Arc::clone(&disk), &JournalSettings::default(), &mut |_| {})
                .map_err(during("the journal does not open"))?;
        tracing::info!(?recovery, "journal open");
        let reader = journal.reader();
        let archive = Archive::open(disk).map_err(during("the bundle archive does not open"))?;
        let mut state = State::default();
        let total = reader.size().0;
        for entry in reader.entries(LogIndex(0)) {
            let entry = entry.map_err(during("the log can't be read"))?;
            let index = entry.index;
            let (_, payload) = super::journal::verify_entry(&entry)
                .map_err(during("the log can't be verified"))?;
            let stored = Event::decode(payload).map_err(during("the log can't be understood"))?;
            state.apply(&stored.event, index);
            progress(index.0 + 1, total);
        }
        let state = Arc::new(RwLock::new(state));
        let failure = Arc::default();
        let (queue, commands) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let sequencer = Sequencer {
            journal,
            state: Arc::clone(&state),
            failure: Arc::clone(&failure),
        };
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || sequencer.run(commands))
            .map_err(during("the sequencer does not start"))?;
        Ok(Self(Arc::new(Inner {
            state,
            reader,
            archive,
            queue: Mutex::new(Some(queue)),
            sequencer: Mutex::new(Some(thread)),
            failure,
        })))
    }

    /// Has a change made; answers when it is durable and applied.
    pub async fn commit(&self, command: Command) -> Result<Committed, CommitError> {
        let queue = self
            .0
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (answer, answered) = oneshot::channel();
        let queue = queue.ok_or(CommitError::Closed)?;
        queue
            .try_send((command, answer))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => CommitError::QueueFull,
                mpsc::error::TrySendError::Closed(_) => CommitError::Closed,
            })?;
        answered.await.unwrap_or_else(|_| {
            Err(CommitError::OutcomeUnknown(
                "the sequencer ended".to_owned(),
            ))
        })
    }

    /// One consistent view.
    pub fn view<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.0.reader.size().0
    }

    /// One entry, verified against its leaf.
    pub fn record(&self, index: LogIndex) -> Result<StoredEntry, StoreError> {
        let (leaf, payload) = self
            .0
            .reader
            .verify(index)
            .map_err(during("an entry can't be read"))?;
        let stored = Event::decode(payload).map_err(during("an entry can't be understood"))?;
        Ok(StoredEntry {
            leaf,
            record: stored.record,
        })
    }

    /// Keeps a bundle under its digest; durable on return.
    pub fn archive_bundle(&self, archive: &[u8]) -> Result<(), StoreError> {
        let digest = ContentDigest::of(archive);
        self.0
            .archive
            .put(&digest, archive)
            .map(drop)
            .map_err(during("the bundle can't be archived"))
    }

    /// The bundle with a digest.
    pub fn archived_bundle(&self, digest: [u8; 32]) -> Result<Vec<u8>, StoreError> {
        self.0
            .archive
            .get(&ContentDigest::from(digest))
            .map_err(during("the bundle is not in the archive"))
    }

    /// Why nothing more is taken; absent while all is well.
    pub fn failure(&self) -> Option<String> {
        self.0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Finishes what was taken and takes nothing more.
    pub fn close(&self) {
        drop(
            self.0
                .queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let thread = self
            .0
            .sequencer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

struct Sequencer {
    journal: Journal,
    state: Arc<RwLock<State>>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Sequencer {
    fn run(mut self, mut commands: mpsc::Receiver<(Command, Answer)>) {
        while let Some((command, answer)) = commands.blocking_recv() {
            let result = self.sequence(command);
            if let Err(CommitError::OutcomeUnknown(reason)) = &result {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
            }
            // Whoever asked may have gone away; what was sequenced stands.
            drop(answer.send(result));
        }
    }

    fn sequence(&mut self, command: Command) -> Result<Committed, CommitError> {
        let checked = check(
            &self.state.read().unwrap_or_else(PoisonError::into_inner),
            command,
        )?;
        let (event, record) = match checked {
            Checked::New(event, record) => (event, record),
            Checked::Duplicate {
                request_id,
                submitted,
            } => return Ok(self.original(request_id, submitted)),
        };
        let unwritten = |error: &dyn std::error::Error| CommitError::NotRecorded(error.to_string());
        let encoded = event
            .encode(record, fill)
            .map_err(|error| unwritten(&error))?;
        let leaf_hash = encoded.leaf.hash();
        let entry = EntryBytes {
            leaf: encoded.leaf.encode(),
            payload: encoded.payload.encode(),
        };
        let range = self.journal.append(&[entry]).map_err(|error| {
            if self.journal.is_stopped() {
                CommitError::OutcomeUnknown(error.to_string())
            } else {
                unwritten(&error)
            }
        })?;
        self.state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .apply(&event, range.start);
        Ok(Committed {
            index: range.start,
            leaf_hash,
            outcome: CommandOutcome::Sequenced,
        })
    }

    fn original(
        &self,
        request_id: crate::store::command::RequestId,
        submitted: LogIndex,
    ) -> Committed {
        let leaf = self
            .journal
            .reader()
            .read_leaf(submitted)
            .ok()
            .and_then(|bytes| Leaf::parse(&bytes).ok());
        let leaf_hash = leaf.map_or_else(
            || crate::decision_log::merkle::leaf_hash(&[]),
            |leaf| leaf.hash(),
        );
        Committed {
            index: submitted,
            leaf_hash,
            outcome: CommandOutcome::Duplicate { request_id },
        }
    }
}

fn fill(salts: &mut [u8]) -> Result<(), EncodeError> {
    getrandom::fill(salts).map_err(|error| EncodeError::Salts(error.to_string()))
}
