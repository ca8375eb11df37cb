//! The thread that keeps the projection up, begins it anew when it fails, and writes snapshots of it.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle;
use crate::store::embedded::meta::Run;
use crate::store::embedded::projection::BackendError;
use crate::store::embedded::projection::OpenRows;
use crate::store::embedded::projection::guarded;
use crate::store::embedded::projection::pending::Stop;
use crate::store::embedded::projection::pending::Taken;
use crate::store::embedded::snapshot;
use crate::store::embedded::store::Shared;
use crate::store::state::RowKey;

/// How many rows are copied while the state is locked for reading.
const COPY_ROWS: usize = 1_000;

const PAUSE_LEAST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_mins(1);

/// What the thread works with.
#[derive(Debug)]
pub(in crate::store::embedded) struct Projector {
    pub(in crate::store::embedded) shared: Arc<Shared>,
    pub(in crate::store::embedded) origin: Uuid,
    pub(in crate::store::embedded) snapshot_entries: u64,
    /// How many entries are in the newest snapshot.
    pub(in crate::store::embedded) snapshot: TreeSize,
}

impl Projector {
    /// Works until it is asked to end; gives the generation that it leaves whole.
    pub(in crate::store::embedded) fn run(mut self, mut open: Option<OpenRows>) -> Option<u64> {
        let mut pause = PAUSE_LEAST;
        loop {
            match self.shared.pending.stopping() {
                Some(Stop::Abandoned) => return None,
                Some(Stop::Finished) => return self.finish(open),
                None => {}
            }
            match guarded(|| self.step(open.take())) {
                Ok(rows) => {
                    pause = PAUSE_LEAST;
                    open = Some(rows);
                    self.shared.pending.wait();
                }
                Err(error) => {
                    self.failed(&error);
                    self.shared.pending.pause(pause);
                    pause = PAUSE_MOST.min(pause * 2);
                }
            }
        }
    }

    fn step(&mut self, open: Option<OpenRows>) -> Result<OpenRows, BackendError> {
        let Some(renewal) = self.shared.pending.renewal() else {
            let rows = self.follow(open)?;
            self.snapshot_if_due(&rows)?;
            return Ok(rows);
        };
        drop(open);
        let rows = self.rebuild()?;
        self.renew_snapshots(&rows)?;
        let left = guarded(|| self.shared.backend.generations())?;
        if left != [rows.generation()] {
            return Err(BackendError::Content(
                "an old one is still there".to_owned(),
            ));
        }
        self.shared.pending.renewed(Ok(renewal));
        Ok(rows)
    }

    /// Gives rows that are the state as it is now, or was just now.
    fn follow(&self, open: Option<OpenRows>) -> Result<OpenRows, BackendError> {
        match open {
            Some(mut rows) => self.advance(&mut rows).map(|()| rows),
            None => self.rebuild(),
        }
    }

    /// Leaves a whole generation behind, if that can be done at once.
    fn finish(&self, open: Option<OpenRows>) -> Option<u64> {
        match guarded(|| self.follow(open)) {
            Ok(rows) => Some(rows.generation()),
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Writes what changed.
    fn advance(&self, rows: &mut OpenRows) -> Result<(), BackendError> {
        let (taken, applied) = {
            let state = self.shared.read();
            (self.shared.pending.take(), state.applied())
        };
        let changed = match taken {
            Taken::Overflowed => {
                return Err(BackendError::Content("it fell too far behind".to_owned()));
            }
            Taken::Rows(changed) => changed,
        };
        if !changed.is_empty() {
            rows.advance(changed, self.origin, self.leaf_hash(applied)?)?;
        }
        self.well(rows.generation(), applied);
        Ok(())
    }

    /// Copies the state into a fresh generation. It changes meanwhile: what changes waits in
    /// `pending` and is written after the copy, and only then the copy is marked as whole.
    fn rebuild(&self) -> Result<OpenRows, BackendError> {
        let backend = &*self.shared.backend;
        let before = guarded(|| backend.generations())?;
        let generation = before.iter().max().map_or(1, |newest| newest + 1);
        let mut rows = OpenRows::begin(backend, generation)?;
        self.shared.pending.reset();
        let mut after: Option<RowKey> = None;
        loop {
            let chunk = self.shared.read().rows_after(after.as_ref(), COPY_ROWS);
            let Some((last, _)) = chunk.last() else {
                break;
            };
            after = Some(last.clone());
            rows.copy(chunk.into_iter().map(|(key, value)| (key, Some(value))))?;
            if self.shared.pending.stopping() == Some(Stop::Abandoned) {
                return Err(BackendError::Content("it was abandoned".to_owned()));
            }
        }
        let (taken, applied) = {
            let state = self.shared.read();
            (self.shared.pending.take(), state.applied())
        };
        let Taken::Rows(changed) = taken else {
            return Err(BackendError::Content("it fell too far behind".to_owned()));
        };
        rows.advance(changed, self.origin, self.leaf_hash(applied)?)?;
        self.shared.write_run(&Run {
            boot_id: self.shared.boot_id.clone(),
            clean: false,
            projection: Some(generation),
        })?;
        for old in before {
            if let Err(error) = guarded(|| backend.remove(old)) {
                tracing::warn!(generation = old, error = %error, "an old projection was not removed");
            }
        }
        self.well(generation, applied);
        Ok(rows)
    }

    /// Writes a snapshot; that the disk does not take it is no failure of the projection.
    fn snapshot_if_due(&mut self, rows: &OpenRows) -> Result<(), BackendError> {
        let applied = self.shared.projection().applied;
        if applied.0.saturating_sub(self.snapshot.0) < self.snapshot_entries {
            return Ok(());
        }
        self.snapshot = applied;
        let written = self.leaf_hash(applied).and_then(|leaf_hash| {
            snapshot::write(&*self.shared.disk, applied, &mut |visit| {
                rows.scan(self.origin, leaf_hash, visit)
            })
        });
        let mut status = self.shared.projection();
        match written {
            Ok(()) => {
                status.snapshots += 1;
                status.snapshot_failure = None;
                Ok(())
            }
            Err(BackendError::Io(error)) => {
                tracing::warn!(error = %error, "a snapshot was not written");
                status.snapshot_failure = Some(error.to_string());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Puts a snapshot of now in the place of all that there are.
    fn renew_snapshots(&mut self, rows: &OpenRows) -> Result<(), BackendError> {
        let disk = &*self.shared.disk;
        if snapshot::names(disk)?.is_empty() {
            return Ok(());
        }
        let applied = self.shared.projection().applied;
        let leaf_hash = self.leaf_hash(applied)?;
        snapshot::write(disk, applied, &mut |visit| {
            rows.scan(self.origin, leaf_hash, visit)
        })?;
        snapshot::remove_others(disk, applied)?;
        self.snapshot = applied;
        self.shared.projection().snapshots += 1;
        Ok(())
    }

    /// The leaf of the last of so many entries.
    fn leaf_hash(&self, applied: TreeSize) -> Result<LeafHash, BackendError> {
        let last = LogIndex(applied.0.saturating_sub(1));
        let leaf = self.shared.reader.read_leaf(last);
        leaf.map(|leaf| merkle::leaf_hash(&leaf))
            .map_err(|error| BackendError::Content(error.to_string()))
    }

    fn well(&self, generation: u64, applied: TreeSize) {
        let mut status = self.shared.projection();
        status.generation = Some(generation);
        status.applied = applied;
        status.failure = None;
    }

    fn failed(&self, error: &BackendError) {
        tracing::warn!(error = %error, "the projection failed and is begun anew");
        let mut status = self.shared.projection();
        status.generation = None;
        status.failures += 1;
        status.failure = Some(error.to_string());
        drop(status);
        self.shared.pending.renewed(Err(error.to_string()));
    }
}
