//! Rows that changed and are not yet in the projection.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::store::state::RowKey;
use crate::store::state::RowValue;

/// The most rows that wait; with more, the projection is begun anew instead.
pub(in crate::store::embedded) const PENDING_ROWS_LIMIT: usize = 1_000_000;

/// Changed rows by key, with their newest values; `None` stands for a row that is gone.
pub(in crate::store::embedded) type ChangedRows = BTreeMap<RowKey, Option<RowValue>>;

/// Where the sequencer leaves changed rows. It never waits here for the projection.
#[derive(Debug, Default)]
pub(in crate::store::embedded) struct Pending {
    inbox: Mutex<Inbox>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct Inbox {
    rows: ChangedRows,
    overflowed: bool,
    stop: Option<Stop>,
}

/// How the projection's thread shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::embedded) enum Stop {
    /// After everything is written.
    Finished,
    /// At once.
    Abandoned,
}

/// What waits.
#[derive(Debug)]
pub(in crate::store::embedded) enum Taken {
    /// Changes, perhaps none.
    Rows(ChangedRows),
    /// More than could be kept.
    Overflowed,
}

impl Pending {
    /// Leaves changed rows; called while the state is locked for writing.
    pub(in crate::store::embedded) fn leave(
        &self,
        rows: impl IntoIterator<Item = (RowKey, Option<RowValue>)>,
    ) {
        let mut inbox = self.inbox();
        if !inbox.overflowed {
            inbox.rows.extend(rows);
            if inbox.rows.len() > PENDING_ROWS_LIMIT {
                inbox.overflowed = true;
                inbox.rows.clear();
            }
        }
        drop(inbox);
        self.woken.notify_all();
    }

    /// Takes all rows; the state must be locked for reading, so that they are those of one index.
    pub(in crate::store::embedded) fn take(&self) -> Taken {
        let mut inbox = self.inbox();
        if inbox.overflowed {
            return Taken::Overflowed;
        }
        Taken::Rows(mem::take(&mut inbox.rows))
    }

    /// Forgets what waits, because everything will be read from the state.
    pub(in crate::store::embedded) fn reset(&self) {
        let mut inbox = self.inbox();
        inbox.rows.clear();
        inbox.overflowed = false;
    }

    /// Asks the thread to end.
    pub(in crate::store::embedded) fn stop(&self, stop: Stop) {
        self.inbox().stop = Some(stop);
        self.woken.notify_all();
    }

    /// Whether the thread was asked to end.
    pub(in crate::store::embedded) fn stopping(&self) -> Option<Stop> {
        self.inbox().stop
    }

    /// Waits until there is something to do.
    pub(in crate::store::embedded) fn wait(&self) {
        let idle =
            |inbox: &mut Inbox| inbox.rows.is_empty() && !inbox.overflowed && inbox.stop.is_none();
        let guard = self.woken.wait_while(self.inbox(), idle);
        drop(guard.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for a while, or until the thread is asked to end.
    pub(in crate::store::embedded) fn pause(&self, pause: Duration) {
        let going_on = |inbox: &mut Inbox| inbox.stop.is_none();
        let waited = self.woken.wait_timeout_while(self.inbox(), pause, going_on);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
