//! How a state is had at the start: from the projection if it is whole, else from the newest whole
//! snapshot, else from nothing; then the rest of the log is applied.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::decision_log::Payload;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle;
use crate::store::embedded::Interrupt;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::error::OpenError;
use crate::store::embedded::journal::Entry;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::projection::BackendError;
use crate::store::embedded::projection::Mark;
use crate::store::embedded::projection::OpenRows;
use crate::store::embedded::projection::Pending;
use crate::store::embedded::projection::ProjectionBackend;
use crate::store::embedded::projection::guarded;
use crate::store::embedded::snapshot;
use crate::store::event::Event;
use crate::store::state::RowKey;
use crate::store::state::State;

/// From what the state was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The projection.
    Projection,
    /// A snapshot.
    Snapshot,
    /// The log alone.
    Log,
}

/// What is being done at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The journal is read through and checked, in bytes.
    Journal,
    /// Rows are read from the projection.
    Projection,
    /// Rows are read from a snapshot.
    Snapshot,
    /// Entries of the log are applied.
    Log,
}

/// How far the start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// With what.
    pub stage: Stage,
    /// How much is done.
    pub done: u64,
    /// How much there is to do; zero if that is not known.
    pub total: u64,
}

/// How often progress is told.
const PROGRESS_ROWS: u64 = 10_000;

pub(super) struct Loaded {
    pub(super) state: State,
    pub(super) rows: Option<OpenRows>,
    pub(super) source: Source,
    /// How many entries are in the newest snapshot.
    pub(super) snapshot: TreeSize,
    pub(super) pending: Pending,
    /// Why something was passed over.
    pub(super) passed_over: Vec<String>,
}

pub(super) struct Loader<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) backend: &'a dyn ProjectionBackend,
    pub(super) reader: &'a JournalReader,
    pub(super) origin: Uuid,
    pub(super) interrupt: &'a Interrupt,
    pub(super) ended_requests: usize,
    pub(super) progress: &'a mut dyn FnMut(Progress),
}

impl Loader<'_> {
    pub(super) fn load(mut self, trusted: Option<u64>) -> Result<Loaded, OpenError> {
        let mut passed_over = Vec::new();
        let (mut state, mut rows, mut source) = (State::default(), None, Source::Log);
        if let Some(generation) = trusted {
            match self.restore_projection(generation) {
                Ok((restored, opened)) => {
                    (state, rows, source) = (restored, Some(opened), Source::Projection);
                }
                Err(error) => passed_over.push(format!("projection {generation}: {error}")),
            }
        }
        let names = snapshot::names(self.disk).unwrap_or_default();
        if source == Source::Log {
            for name in names.iter().rev() {
                self.check_interrupt()?;
                match self.restore_snapshot(name) {
                    Ok(restored) => {
                        (state, source) = (restored, Source::Snapshot);
                        break;
                    }
                    Err(error) => passed_over.push(format!("snapshot `{name}`: {error}")),
                }
            }
        }
        self.check_interrupt()?;
        self.remove_other_generations(rows.as_ref());
        let newest = names.last().and_then(|name| name.split('.').next());
        let snapshot = newest
            .and_then(|name| name.parse().ok())
            .map_or(TreeSize(0), TreeSize);
        let put_away = state.keep_ended(self.ended_requests);
        let mut changed = self.apply_rest(&mut state, rows.is_some())?;
        changed.extend(rows.is_some().then_some(put_away).into_iter().flatten());
        let pending = Pending::default();
        pending.leave(changed.into_iter().map(|key| {
            let value = state.row(&key);
            (key, value)
        }));
        Ok(Loaded {
            state,
            rows,
            source,
            snapshot: snapshot.min(self.reader.size()),
            pending,
            passed_over,
        })
    }

    fn restore_projection(&mut self, generation: u64) -> Result<(State, OpenRows), BackendError> {
        let there = guarded(|| self.backend.generations())?;
        if !there.contains(&generation) {
            return Err(BackendError::Content("it is gone".to_owned()));
        }
        let (progress, interrupt) = (&mut *self.progress, self.interrupt);
        let (rows, state, mark) = OpenRows::restore(self.backend, generation, &mut |done| {
            tell(progress, Stage::Projection, done, 0);
            interrupt.check()
        })?;
        self.check(&state, &mark)?;
        Ok((state, rows))
    }

    fn restore_snapshot(&mut self, name: &str) -> Result<State, BackendError> {
        let (progress, interrupt) = (&mut *self.progress, self.interrupt);
        let (state, mark) = snapshot::read(self.disk, name, &mut |done| {
            tell(progress, Stage::Snapshot, done, 0);
            interrupt.check()
        })?;
        self.check(&state, &mark)?;
        Ok(state)
    }

    fn check_interrupt(&self) -> Result<(), OpenError> {
        self.interrupt.check().map_err(|_| OpenError::Interrupted)
    }

    /// Checks that a state is one that this log led to.
    fn check(&self, state: &State, mark: &Mark) -> Result<(), BackendError> {
        let content = |what: &str| BackendError::Content(what.to_owned());
        if mark.origin != self.origin {
            return Err(content("it belongs to another log"));
        }
        let last = state.applied().0.checked_sub(1).map(LogIndex);
        let last = last.ok_or_else(|| content("it holds no entry"))?;
        if !self.reader.size().holds(last) {
            return Err(content("it is ahead of the log"));
        }
        let leaf = self.reader.read_leaf(last);
        let leaf = leaf.map_err(|error| content(&error.to_string()))?;
        if merkle::leaf_hash(&leaf) == mark.leaf_hash {
            Ok(())
        } else {
            Err(content("it followed from other entries"))
        }
    }

    fn remove_other_generations(&self, used: Option<&OpenRows>) {
        let Some(used) = used.map(OpenRows::generation) else {
            return;
        };
        let there = guarded(|| self.backend.generations()).unwrap_or_default();
        for old in there.into_iter().filter(|generation| *generation != used) {
            if let Err(error) = guarded(|| self.backend.remove(old)) {
                tracing::warn!(generation = old, error = %error, "an old projection was not removed");
            }
        }
    }

    /// Applies what the state does not hold yet; says which rows that changed, if somebody follows.
    fn apply_rest(
        &mut self,
        state: &mut State,
        followed: bool,
    ) -> Result<BTreeSet<RowKey>, OpenError> {
        let (first, total) = (state.applied().0, self.reader.size().0);
        let mut changed = BTreeSet::new();
        for entry in self.reader.entries(state.applied().next_index()) {
            self.check_interrupt()?;
            let entry = entry.map_err(OpenError::Read)?;
            let event = decode(&entry)?;
            let rows = state.apply(&event, entry.index);
            changed.extend(followed.then_some(rows).into_iter().flatten());
            let done = entry.index.0 + 1 - first;
            tell(self.progress, Stage::Log, done, total - first);
        }
        Ok(changed)
    }
}

fn tell(progress: &mut dyn FnMut(Progress), stage: Stage, done: u64, total: u64) {
    if done.is_multiple_of(PROGRESS_ROWS) || done == total {
        progress(Progress { stage, done, total });
    }
}

/// The event of an entry. The journal has checked that the bytes are those that were written.
fn decode(entry: &Entry) -> Result<Event, OpenError> {
    let index = entry.index;
    let payload =
        Payload::parse(&entry.payload).map_err(|source| OpenError::Payload { index, source })?;
    let stored = Event::decode(payload).map_err(|source| OpenError::Event { index, source })?;
    Ok(stored.event)
}
