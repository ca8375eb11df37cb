//! Following the log: one thread that reads what was appended, and writes the index of each segment that is sealed.

use std::io;
use std::ops::ControlFlow;
use std::ops::Range;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use super::Shared;
use super::catalog::SlotState;
use super::describe::Described;
use super::describe::describe;
use super::fault::Fault;
use super::file;
use super::file::Binding;
use super::file::IndexFile;
use super::gathered::Gathered;
use super::gathered::Sources;
use crate::decision_log::LogIndex;
use crate::store::embedded::disk;
use crate::store::embedded::journal::Entry;
use crate::store::embedded::journal::ReadError;
use crate::telemetry::chain::chain;

/// How many entries are read before anybody is let in between.
const PIECE_ENTRIES: u64 = 256;

/// Why following goes no further for now.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// The journal does not give what it has.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An index is not written.
    #[error("index of the entries from {first} on can't be written")]
    Write {
        /// The first of them.
        first: u64,
        /// Why.
        #[source]
        source: Fault,
    },
}

impl Shared {
    /// Works until it is told to stop.
    pub(super) fn follow(&self) {
        while !self.is_stopping() {
            let done = self.advance();
            self.note_trouble(done.as_ref().err().map(|error| chain(error)));
            match done {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) | Err(_) => self.rest(),
            }
        }
    }

    /// Does the next piece of work; breaks where there is none.
    fn advance(&self) -> Result<ControlFlow<()>, FollowError> {
        let sealed = self.reader.sealed_leaf_segments();
        let (missing, generation) = {
            let mut catalog = self.catalog_mut();
            catalog.seal(&sealed);
            (catalog.missing(), catalog.generation)
        };
        if let Some(range) = missing {
            let state = self.index_of(&range)?;
            if let Some(state) = state {
                self.catalog_mut().put(&range, state, generation);
                self.tell_progress();
            }
            return Ok(ControlFlow::Continue(()));
        }
        if self.extend_tail(&sealed)? {
            self.tell_progress();
            return Ok(ControlFlow::Continue(()));
        }
        let (unwritten, generation) = {
            let catalog = self.catalog();
            (catalog.unwritten(), catalog.generation)
        };
        let Some(gathered) = unwritten else {
            return Ok(ControlFlow::Break(()));
        };
        let range = gathered.range();
        let first = range.start;
        let written = self.write(&gathered);
        let written = written.map_err(|source| FollowError::Write { first, source })?;
        if !self
            .catalog_mut()
            .put(&range, SlotState::File(written), generation)
        {
            // Something of it was erased meanwhile: what was written is of before.
            self.remove(first).map_err(|error| FollowError::Write {
                first,
                source: error.into(),
            })?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The index of a sealed segment: from its file if that is right, else made anew. Nothing where it has to be
    /// begun again, or is to stop.
    fn index_of(&self, range: &Range<u64>) -> Result<Option<SlotState>, FollowError> {
        let binding = self.binding(range, &self.sources(range))?;
        match IndexFile::verify(&*self.disk, &binding) {
            Ok(file) => return Ok(Some(SlotState::File(file))),
            Err(Fault::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(fault) => {
                let reason = chain(&fault);
                tracing::warn!(first = range.start, reason, "an index is made anew");
            }
        }
        let mut gathered = Gathered::new(range.start);
        while gathered.range().end < range.end {
            if self.is_stopping() {
                return Ok(None);
            }
            let from = gathered.range().end;
            let piece = from..range.end.min(from + PIECE_ENTRIES);
            let sources = self.sources(&piece);
            let described = self.described(piece)?;
            if !gathered.is_read_from(&sources) {
                // Something was erased meanwhile: it is begun again.
                return Ok(None);
            }
            for described in described {
                gathered.push(described);
            }
        }
        Ok(Some(SlotState::Kept(gathered.into())))
    }

    /// Reads some of what was appended behind the sealed segments; says whether there was anything.
    fn extend_tail(&self, sealed: &[Range<u64>]) -> Result<bool, FollowError> {
        let (tail, generation) = {
            let catalog = self.catalog();
            (catalog.tail.range(), catalog.generation)
        };
        let segment = sealed.iter().find(|range| range.start == tail.start);
        let end = segment.map_or_else(|| self.reader.size().0, |range| range.end);
        if tail.end >= end {
            return Ok(false);
        }
        let piece = tail.end..end.min(tail.end + PIECE_ENTRIES);
        let sources = self.sources(&piece);
        let described = self.described(piece)?;
        let mut catalog = self.catalog_mut();
        if !catalog.tail.is_read_from(&sources) {
            catalog.tail = Gathered::new(tail.start);
        } else if catalog.generation == generation {
            for described in described {
                catalog.tail.push(described);
            }
        }
        Ok(true)
    }

    fn sources(&self, range: &Range<u64>) -> Sources {
        let nonces = self.reader.payload_nonces(range).into_iter();
        nonces.map(|(first, nonce)| (first.0, nonce)).collect()
    }

    fn described(&self, range: Range<u64>) -> Result<Vec<Option<Described>>, ReadError> {
        let mut all = Vec::new();
        let mut next = range.start;
        while next < range.end {
            let left = usize::try_from(range.end - next).unwrap_or(usize::MAX);
            for entry in self.reader.entries(LogIndex(next)).take(left) {
                let Ok(entry) = entry else {
                    break;
                };
                all.push(described(&entry));
                next += 1;
            }
            if next < range.end {
                // Read ahead, one damaged entry spoils those before it; alone it spoils itself.
                all.push(self.described_alone(LogIndex(next))?);
                next += 1;
            }
        }
        Ok(all)
    }

    fn described_alone(&self, index: LogIndex) -> Result<Option<Described>, ReadError> {
        let read = || {
            Ok(Entry {
                index,
                leaf: self.reader.read_leaf(index)?,
                payload: self.reader.read_payload(index)?,
            })
        };
        match read() {
            Ok(entry) => Ok(described(&entry)),
            Err(error @ ReadError::Damaged { .. }) => {
                tracing::error!(%index, reason = chain(&error), "a damaged entry is not found by a search");
                Ok(None)
            }
            Err(error @ (ReadError::Absent { .. } | ReadError::Io { .. })) => Err(error),
        }
    }

    fn write(&self, gathered: &Gathered) -> Result<IndexFile, Fault> {
        let binding = self
            .binding(&gathered.range(), gathered.sources())
            .map_err(|error| io::Error::other(chain(&error)))?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
        let bytes = file::encode(gathered, binding, salt)?;
        let directory = Path::new(file::DIRECTORY);
        self.disk.create_directories(directory)?;
        disk::put_whole(&*self.disk, directory, &file::name(binding.first), &bytes)?;
        IndexFile::verify(&*self.disk, &binding)
    }

    /// What the index of some entries has to be of: their first and last leaf, and the payload segments that hold their parts.
    ///
    /// A segment of which something was erased has another nonce, so that an index from before is known as foreign.
    fn binding(&self, range: &Range<u64>, sources: &Sources) -> Result<Binding, ReadError> {
        let mut hasher = Sha256::new();
        for index in [range.start, range.end.saturating_sub(1)] {
            hasher.update(Sha256::digest(self.reader.read_leaf(LogIndex(index))?));
        }
        for (first, nonce) in sources {
            hasher.update(first.to_be_bytes());
            hasher.update(nonce.to_be_bytes());
        }
        Ok(Binding {
            origin: self.origin,
            first: range.start,
            count: range.end - range.start,
            content: hasher.finalize().into(),
        })
    }
}

fn described(entry: &Entry) -> Option<Described> {
    describe(&entry.leaf, &entry.payload)
        .inspect_err(|error| {
            let reason = chain(error);
            tracing::error!(index = %entry.index, reason, "an entry that can't be read is not found by a search");
        })
        .ok()
}
