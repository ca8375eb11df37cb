//! One open generation with the sum over its rows.

use std::fmt;
use std::io;

use uuid::Uuid;

use crate::decision_log::LeafHash;
use crate::store::embedded::projection::BackendError;
use crate::store::embedded::projection::Mark;
use crate::store::embedded::projection::ProjectionBackend;
use crate::store::embedded::projection::ProjectionRows;
use crate::store::embedded::projection::RowChange;
use crate::store::embedded::projection::RowSum;
use crate::store::embedded::projection::Visit;
use crate::store::embedded::projection::drop_guarded;
use crate::store::embedded::projection::guarded;
use crate::store::state::RowError;
use crate::store::state::RowKey;
use crate::store::state::RowValue;
use crate::store::state::State;

/// The row of the mark; no row of the state has this key.
const MARK_KEY: &[u8] = b"m";

/// An open generation. Dropping it closes it, whatever happens then.
pub(in crate::store::embedded) struct OpenRows {
    generation: u64,
    rows: Option<Box<dyn ProjectionRows>>,
    sum: RowSum,
}

impl fmt::Debug for OpenRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenRows")
            .field("generation", &self.generation)
            .field("sum", &self.sum)
            .finish_non_exhaustive()
    }
}

impl OpenRows {
    /// Opens a generation that is whole, and reads the state that it holds.
    pub(in crate::store::embedded) fn restore(
        backend: &dyn ProjectionBackend,
        generation: u64,
        progress: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> Result<(Self, State, Mark), BackendError> {
        let rows = guarded(|| backend.open(generation))?;
        let mut opened = Self {
            generation,
            rows: Some(rows),
            sum: RowSum::default(),
        };
        let (mut state, mut mark, mut sum, mut count) =
            (State::default(), None, RowSum::default(), 0);
        guarded(|| {
            opened.rows()?.scan(&mut |key, value| {
                if key == MARK_KEY {
                    mark = Some(serde_json::from_slice::<Mark>(value).map_err(content)?);
                    return Ok(());
                }
                sum.add(key, value);
                count += 1;
                progress(count)?;
                state.restore_row(key, value).map_err(content)
            })
        })?;
        let mark = mark.ok_or_else(|| BackendError::Content("there is no mark".to_owned()))?;
        if !sum.fits(&mark) {
            return Err(BackendError::Content(
                "rows are missing or changed".to_owned(),
            ));
        }
        opened.sum = sum;
        Ok((opened, state, mark))
    }

    /// Opens a generation that does not exist yet.
    pub(in crate::store::embedded) fn begin(
        backend: &dyn ProjectionBackend,
        generation: u64,
    ) -> Result<Self, BackendError> {
        Ok(Self {
            generation,
            rows: Some(guarded(|| backend.open(generation))?),
            sum: RowSum::default(),
        })
    }

    pub(in crate::store::embedded) fn generation(&self) -> u64 {
        self.generation
    }

    /// Writes rows of which it is not yet said that they are the state of one index.
    pub(in crate::store::embedded) fn copy(
        &mut self,
        rows: impl IntoIterator<Item = (RowKey, Option<RowValue>)>,
    ) -> Result<(), BackendError> {
        let (changes, sum) = self.changes(rows)?;
        guarded(|| self.rows()?.apply_batch(&changes))?;
        self.sum = sum;
        Ok(())
    }

    /// Writes rows, after which everything here is the state of one index, and flushes.
    pub(in crate::store::embedded) fn advance(
        &mut self,
        rows: impl IntoIterator<Item = (RowKey, Option<RowValue>)>,
        origin: Uuid,
        leaf_hash: LeafHash,
    ) -> Result<(), BackendError> {
        let (mut changes, sum) = self.changes(rows)?;
        let mark = serde_json::to_vec(&sum.mark(origin, leaf_hash)).map_err(content)?;
        changes.push((MARK_KEY.to_vec(), Some(mark)));
        guarded(|| self.rows()?.apply_batch(&changes))?;
        self.sum = sum;
        guarded(|| self.rows()?.flush())
    }

    /// Shows all rows of the state, and gives the mark that they must have.
    pub(in crate::store::embedded) fn scan(
        &self,
        origin: Uuid,
        leaf_hash: LeafHash,
        visit: Visit<'_>,
    ) -> Result<Mark, BackendError> {
        let mut sum = RowSum::default();
        guarded(|| {
            self.rows()?.scan(&mut |key, value| {
                if key == MARK_KEY {
                    return Ok(());
                }
                sum.add(key, value);
                visit(key, value)
            })
        })?;
        if sum == self.sum {
            Ok(sum.mark(origin, leaf_hash))
        } else {
            Err(BackendError::Content(
                "rows are missing or changed".to_owned(),
            ))
        }
    }

    fn changes(
        &self,
        rows: impl IntoIterator<Item = (RowKey, Option<RowValue>)>,
    ) -> Result<(Vec<RowChange>, RowSum), BackendError> {
        let mut sum = self.sum;
        let mut changes = Vec::new();
        for (key, value) in rows {
            let key = key.encode();
            if let Some(before) = guarded(|| self.rows()?.get(&key))? {
                sum.remove(&key, &before);
            }
            let value = value.map(|value| value.encode()).transpose();
            let value = value.map_err(content)?;
            if let Some(value) = &value {
                sum.add(&key, value);
            }
            changes.push((key, value));
        }
        Ok((changes, sum))
    }

    fn rows(&self) -> Result<&dyn ProjectionRows, BackendError> {
        self.rows
            .as_deref()
            .ok_or_else(|| BackendError::Content("it is closed".to_owned()))
    }
}

impl Drop for OpenRows {
    fn drop(&mut self) {
        if let Some(rows) = self.rows.take() {
            drop_guarded(rows);
        }
    }
}

impl From<RowError> for BackendError {
    fn from(error: RowError) -> Self {
        content(error)
    }
}

fn content(error: impl std::error::Error) -> BackendError {
    BackendError::Content(error.to_string())
}
