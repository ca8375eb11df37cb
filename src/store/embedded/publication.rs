//! The published checkpoint: durable before anybody is served it, and never taken back.
//!
//! It is what others have seen of the log. A start holds the log against it: one that is shorter, or begins otherwise, is
//! not the log that was published.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::error::OpenError;
use crate::store::embedded::error::during;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::log_reader::LogReader;

/// The file that holds the newest published checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint";

/// A checkpoint that was published, and its text as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    head: Checkpoint,
    text: Vec<u8>,
}

impl Published {
    /// What it says.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The text with its signatures.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn of(signed: &SignedCheckpoint) -> Self {
        Self {
            head: signed.unverified().clone(),
            text: signed.to_text(),
        }
    }
}

/// Why a checkpoint was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It covers less than was published.
    #[error("a checkpoint of {found} entries does not follow one of {published}")]
    Behind {
        /// How many entries are published.
        published: TreeSize,
        /// How many it covers.
        found: TreeSize,
    },
    /// It says something else of the log than the log does.
    #[error("the checkpoint is not of what is durable")]
    NotOurs,
    /// The disk refused. What was published before stays.
    #[error("the checkpoint could not be made durable")]
    Io(#[source] io::Error),
}

/// What is published, and the only way to publish more.
#[derive(Debug)]
pub(super) struct Publication {
    current: watch::Sender<Option<Arc<Published>>>,
    writing: Mutex<()>,
}

impl Publication {
    /// Reads what is published, and holds the log against it.
    pub(super) fn open(disk: &dyn Disk, reader: &JournalReader) -> Result<Self, OpenError> {
        let current = read(disk)?;
        if let Some(published) = &current {
            check(published, reader)?;
        }
        let (current, _) = watch::channel(current.map(Arc::new));
        Ok(Self {
            current,
            writing: Mutex::default(),
        })
    }

    pub(super) fn current(&self) -> Option<Arc<Published>> {
        self.current.borrow().clone()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.current.subscribe()
    }

    /// Publishes a checkpoint; on return it is durable and served. On an error the one before it stays.
    pub(super) fn publish(
        &self,
        disk: &dyn Disk,
        reader: &JournalReader,
        signed: &SignedCheckpoint,
    ) -> Result<(), PublishError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let published = Published::of(signed);
        if let Some(before) = self.current() {
            let (before, found) = (before.head().size, published.head().size);
            if found < before {
                return Err(PublishError::Behind {
                    published: before,
                    found,
                });
            }
        }
        if !is_of(&published, reader) {
            return Err(PublishError::NotOurs);
        }
        let root = Path::new("");
        disk::put_whole(disk, root, CHECKPOINT_FILE, published.text()).map_err(PublishError::Io)?;
        self.current.send_replace(Some(Arc::new(published)));
        Ok(())
    }
}

fn read(disk: &dyn Disk) -> Result<Option<Published>, OpenError> {
    let file = match disk.open(Path::new(CHECKPOINT_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(during("read the published checkpoint")(error)),
    };
    let text = disk::read_whole(&*file).map_err(during("read the published checkpoint"))?;
    let signed = SignedCheckpoint::parse(&text).map_err(OpenError::CheckpointDamaged)?;
    Ok(Some(Published::of(&signed)))
}

fn check(published: &Published, reader: &JournalReader) -> Result<(), OpenError> {
    let (durable, size) = (reader.size(), published.head().size);
    if durable < size {
        return Err(OpenError::ShorterThanPublished {
            published: size,
            found: durable,
        });
    }
    if is_of(published, reader) {
        Ok(())
    } else {
        Err(OpenError::NotWhatWasPublished { published: size })
    }
}

/// Whether the log begins with what a checkpoint covers.
fn is_of(published: &Published, reader: &JournalReader) -> bool {
    let (log, root) = LogReader::durable(reader.clone());
    if published.head().size == log.size() {
        return published.head().root == root;
    }
    match log.tree(root).consistency(published.head().size) {
        Ok((_, older)) => older == published.head().root,
        Err(error) => {
            tracing::error!(%error, "the log can't be held against a checkpoint");
            false
        }
    }
}
