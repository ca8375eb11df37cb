//! The log as its readers see it: leaves and tiles of a tree of one size.

use std::sync::Arc;

use crate::decision_log::LogSource;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::proof::Tree;
use crate::decision_log::tile::BundleError;
use crate::decision_log::tile::Resource;
use crate::decision_log::tile::write_bundle;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::ReadError;
use crate::store::embedded::publication::Published;

/// Reads the log up to a size, whatever was appended since.
#[derive(Debug, Clone)]
pub struct LogReader {
    reader: JournalReader,
    size: TreeSize,
    published: Option<Arc<Published>>,
}

/// Why a resource of the log can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LogReadError {
    /// There is none, or not yet.
    #[error("the log has no `{path}`: {size} of its entries are published")]
    Unpublished {
        /// Which.
        path: String,
        /// How many entries are.
        size: TreeSize,
    },
    /// The journal does not give it.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its entries make no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl LogReader {
    /// All of the log that is durable, published or not.
    pub(super) fn durable(reader: JournalReader) -> (Self, RootHash) {
        let (size, root) = reader.head();
        let published = None;
        let log = Self {
            reader,
            size,
            published,
        };
        (log, root)
    }

    /// What is published of it.
    pub(super) fn published(reader: JournalReader, published: Arc<Published>) -> Self {
        Self {
            reader,
            size: published.head().size,
            published: Some(published),
        }
    }

    /// How many entries it shows.
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// Its tree, whose root is known.
    pub fn tree(&self, root: RootHash) -> Tree<'_, Self> {
        Tree::new(self, self.size, root)
    }
}

impl LogSource for LogReader {
    type Error = LogReadError;

    fn read(&self, resource: Resource) -> Result<Vec<u8>, LogReadError> {
        let unpublished = || LogReadError::Unpublished {
            path: resource.to_string(),
            size: self.size,
        };
        if !resource.is_within(self.size) {
            return Err(unpublished());
        }
        match resource {
            Resource::Checkpoint => {
                let published = self.published.as_ref().ok_or_else(unpublished)?;
                Ok(published.text().to_vec())
            }
            Resource::Tile { level, span } => Ok(self.reader.tile(level, span)?),
            Resource::Entries(span) => {
                let leaves = self.reader.leaves(span)?;
                Ok(write_bundle(leaves.iter().map(Vec::as_slice))?)
            }
        }
    }
}
