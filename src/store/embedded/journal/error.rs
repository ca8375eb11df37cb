//! What can go wrong with a journal, and what to do about it.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decision_log::LeafError;
use crate::decision_log::LogIndex;
use crate::decision_log::MismatchError;
use crate::decision_log::PayloadError;
use crate::decision_log::TreeSize;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::FrameFault;
use crate::store::embedded::journal::segment::FORMAT_VERSION;

/// Why a journal was not opened. No segment was changed, unless it is an [`OpenError::Io`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another part of this one, has the data directory open.
    #[error("data directory is in use by another process (lock file `{}`): stop it first", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("could not {action} `{}`: see to the disk, then start again", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// It was ended from outside; nothing was changed.
    #[error("opening was interrupted")]
    Interrupted,
    /// The settings can't be used.
    #[error("segments of {bytes} bytes can't be made: choose between {least} and {most} bytes")]
    SegmentSize {
        /// The size that was asked for.
        bytes: u64,
        /// The least size.
        least: u64,
        /// The largest size.
        most: u64,
    },
    /// A later version of the program wrote the data directory.
    #[error(
        "`{}` has format version {found}, this program knows {FORMAT_VERSION}: start a newer version of the program",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
    },
    /// A segment can't be read, or is shorter or longer than it was made.
    #[error(
        "segment `{}`, which begins with entry {first}, {problem}: restore this file from a backup",
        path.display()
    )]
    SegmentDamaged {
        /// The file.
        path: PathBuf,
        /// The first entry of the segment.
        first: LogIndex,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A segment is not there.
    #[error(
        "no segment in `{}` holds entry {index}, but a later one does: restore the missing or damaged file from a backup",
        family.directory().display()
    )]
    SegmentMissing {
        /// Of which family.
        family: Family,
        /// The first entry that is missing.
        index: LogIndex,
    },
    /// A frame is damaged that was whole once.
    #[error(
        "entry {index} in `{}` at byte {offset} is damaged ({fault}), and {anchored} entries were acknowledged: \
         restore this file from a backup",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the frame begins, or should.
        offset: u64,
        /// The entry.
        index: LogIndex,
        /// What is wrong with the frame.
        fault: FrameFault,
        /// How many entries the anchor vouches for.
        anchored: TreeSize,
    },
    /// A damaged frame is followed by a whole one of a later batch, so it was whole once.
    #[error(
        "entry {index} in `{}` at byte {offset} is damaged ({fault}), but entry {later_index} at byte {later_offset} \
         is whole: restore this file from a backup",
        path.display()
    )]
    FollowedByWhole {
        /// The file.
        path: PathBuf,
        /// Where the frame begins, or should.
        offset: u64,
        /// The entry.
        index: LogIndex,
        /// What is wrong with the frame.
        fault: FrameFault,
        /// Where the whole frame begins.
        later_offset: u64,
        /// Its entry.
        later_index: LogIndex,
    },
    /// The segments end before the anchor says they do.
    #[error(
        "`{}` ends at byte {offset} after {found} entries, but {anchored} were acknowledged: \
         restore the whole data directory from a backup",
        path.display()
    )]
    ShorterThanAnchor {
        /// The newest segment, or the directory if there is none.
        path: PathBuf,
        /// Where its frames end.
        offset: u64,
        /// How many entries there are.
        found: TreeSize,
        /// How many entries the anchor vouches for.
        anchored: TreeSize,
    },
    /// The leaves are not those that the anchor was written for.
    #[error(
        "the first {anchored} leaves are not those that `{}` vouches for: \
         restore the whole data directory from one backup",
        path.display()
    )]
    AnchorMismatch {
        /// The anchor's file.
        path: PathBuf,
        /// How many entries the anchor vouches for.
        anchored: TreeSize,
    },
    /// The anchor is missing or damaged in both slots while there are segments.
    #[error(
        "anchor `{}` is missing or damaged, so nobody can tell whether entries are missing: \
         restore the whole data directory from a backup",
        path.display()
    )]
    AnchorLost {
        /// The anchor's file.
        path: PathBuf,
    },
    /// A leaf is there and its payload, which was durable before it, is not.
    #[error(
        "leaf {index} has no payload in `{}` at byte {offset}: restore this file from a backup",
        path.display()
    )]
    LeafWithoutPayload {
        /// The newest payload segment, or the directory if there is none.
        path: PathBuf,
        /// Where its frames end.
        offset: u64,
        /// The entry.
        index: LogIndex,
    },
    /// Payloads are there whose leaves must have been durable before them, and are not.
    #[error(
        "leaf {index} is missing in `{}` at byte {offset}, though payloads of later batches are there: \
         restore this file from a backup",
        path.display()
    )]
    PayloadWithoutLeaf {
        /// The newest leaf segment, or the directory if there is none.
        path: PathBuf,
        /// Where its frames end.
        offset: u64,
        /// The entry.
        index: LogIndex,
    },
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The batch can never be appended; nothing was recorded, and the journal goes on.
    #[error("{what} has {bytes} bytes, more than {limit_bytes}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        limit_bytes: usize,
    },
    /// Nothing was recorded; the same batch can be appended again, now or later.
    #[error("batch was not recorded: could not {action}")]
    NotRecorded {
        /// What was tried.
        action: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// Nobody knows what is durable. The journal takes no more entries; opening it anew finds out.
    #[error(
        "it is unknown whether the batch was recorded, the journal stopped: could not {action}"
    )]
    OutcomeUnknown {
        /// What was tried when the journal stopped.
        action: &'static str,
        /// What the disk said then.
        source: Arc<io::Error>,
    },
}

/// Why an entry can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such entry (yet).
    #[error("there is no entry {index}, the log has {size}")]
    Absent {
        /// The entry.
        index: LogIndex,
        /// How many there are.
        size: TreeSize,
    },
    /// The disk refused.
    #[error("could not read entry {index} in `{}`", path.display())]
    Io {
        /// The entry.
        index: LogIndex,
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The frame was whole when the journal was opened, and is not any more.
    #[error(
        "entry {index} in `{}` at byte {offset} is damaged ({fault}): restore this file from a backup",
        path.display()
    )]
    Damaged {
        /// The entry.
        index: LogIndex,
        /// The file.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong with it.
        fault: FrameFault,
    },
}

/// Why an entry does not hold what its leaf commits to.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The entry can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The leaf is none.
    #[error("entry {index} has a leaf that can't be understood")]
    Leaf {
        /// The entry.
        index: LogIndex,
        /// Why.
        source: LeafError,
    },
    /// The payload is none.
    #[error("entry {index} has a payload that can't be understood")]
    Payload {
        /// The entry.
        index: LogIndex,
        /// Why.
        source: PayloadError,
    },
    /// The payload is not the one of the leaf.
    #[error("entry {index} has a payload that is not its own")]
    Mismatch {
        /// The entry.
        index: LogIndex,
        /// Why.
        source: MismatchError,
    },
}

/// Says what was tried when the disk refused.
pub(super) fn during<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> OpenError + use<'a> {
    move |source| OpenError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
