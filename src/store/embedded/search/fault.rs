//! Why an index can't be used.

use std::io;

/// Why an index can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It can't be read.
    #[error("index can't be read")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("index is damaged: {0}")]
    Damaged(&'static str),
    /// It is of another log, of other entries, or of what they were before something was erased.
    #[error("index is not of these entries")]
    Foreign,
    /// It was written by a later version of the program.
    #[error("index has version {0}, newer than this program knows")]
    Newer(u16),
}
