//! Why the embedded store is not opened, or does not give an entry.

use std::io;

use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::decision_log::PayloadError;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::CheckpointError;
use crate::store::embedded::journal;
use crate::store::embedded::journal::AppendError;
use crate::store::embedded::journal::VerifyError;
use crate::store::embedded::meta;
use crate::store::embedded::publication;
use crate::store::event::DecodeError;
use crate::store::event::EncodeError;

/// Why an entry can't be given.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The journal does not give it.
    #[error(transparent)]
    Journal(#[from] VerifyError),
    /// It is no event.
    #[error("entry {index} is no event")]
    Event {
        /// The entry.
        index: LogIndex,
        /// Why.
        source: DecodeError,
    },
    /// A request is said to begin with it, and does not.
    #[error("entry {index} decides no request")]
    NoSubmission {
        /// The entry.
        index: LogIndex,
    },
}

impl RecordError {
    /// Whether the entry can be read, and is not what the log commits to: somebody edited it.
    pub fn is_mismatch(&self) -> bool {
        match self {
            Self::Journal(
                VerifyError::Leaf { .. }
                | VerifyError::Payload { .. }
                | VerifyError::Mismatch { .. },
            ) => true,
            Self::Journal(VerifyError::Read(_))
            | Self::Event { .. }
            | Self::NoSubmission { .. } => false,
        }
    }
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The journal can't be opened.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// It was ended from outside, while the state was read.
    #[error("opening was interrupted")]
    Interrupted,
    /// A later version of the program wrote the data directory.
    #[error(
        "data directory has format version {found}, this program knows {}: start a newer version of the program",
        meta::FORMAT_VERSION
    )]
    NewerFormat {
        /// Its version.
        found: u32,
    },
    /// No version of the program that this one knows wrote the data directory.
    #[error(
        "data directory has format version {found}, the oldest that this program reads is {}: \
         restore `{}` from a backup",
        meta::OLDEST_FORMAT_VERSION,
        meta::META_NAME
    )]
    OlderFormat {
        /// Its version.
        found: u32,
    },
    /// The file that says what the directory is can't be understood.
    #[error("`{}` can't be understood: restore it from a backup", meta::META_NAME)]
    MetaDamaged(#[source] serde_json::Error),
    /// The directory holds files of two logs.
    #[error(
        "`{}` names log {named}, but the first entry names log {found}: restore the whole data directory from one backup",
        meta::META_NAME
    )]
    OriginMismatch {
        /// The log that the file names.
        named: Uuid,
        /// The log that the first entry names.
        found: Uuid,
    },
    /// The log does not begin as one.
    #[error(
        "first entry of the log does not begin one: restore the whole data directory from a backup"
    )]
    NoGenesis,
    /// The file with the published checkpoint is no checkpoint.
    #[error(
        "`{}` is no checkpoint: restore it from a backup, or fetch the newest one that somebody kept of this log",
        publication::CHECKPOINT_FILE
    )]
    CheckpointDamaged(#[source] CheckpointError),
    /// The log has fewer entries than others have seen.
    #[error(
        "the log has {found} entries, but a checkpoint of {published} was published: restore the whole data directory from \
         a newer backup; if there is none, begin a new origin with `comity log begin-origin`"
    )]
    ShorterThanPublished {
        /// How many entries the published checkpoint covers.
        published: TreeSize,
        /// How many there are.
        found: TreeSize,
    },
    /// The log is another than others have seen.
    #[error(
        "the first {published} entries are not those of the published checkpoint: the log was rewritten; restore the whole \
         data directory from one backup"
    )]
    NotWhatWasPublished {
        /// How many entries the published checkpoint covers.
        published: TreeSize,
    },
    /// An entry can't be read.
    #[error("log can't be read")]
    Read(#[source] journal::ReadError),
    /// An entry has no payload that can be understood.
    #[error(
        "entry {index} has a payload that can't be understood: start the version of the program that wrote it"
    )]
    Payload {
        /// The entry.
        index: LogIndex,
        /// Why.
        source: PayloadError,
    },
    /// An entry is no event.
    #[error(
        "entry {index} is no event that this program knows: start the version of the program that wrote it"
    )]
    Event {
        /// The entry.
        index: LogIndex,
        /// Why.
        source: DecodeError,
    },
    /// The disk refused.
    #[error("could not {action}: see to the disk, then start again")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// The first entry can't be made.
    #[error("first entry of the log can't be made")]
    Encode(#[source] EncodeError),
    /// The first entry can't be written.
    #[error("first entry of the log can't be written")]
    Append(#[source] AppendError),
}

impl OpenError {
    /// Whether it was ended from outside, so that nothing is wrong.
    pub fn is_interruption(&self) -> bool {
        matches!(
            self,
            Self::Interrupted | Self::Journal(journal::OpenError::Interrupted)
        )
    }
}

pub(super) fn during(action: &'static str) -> impl FnOnce(io::Error) -> OpenError {
    move |source| OpenError::Io { action, source }
}
