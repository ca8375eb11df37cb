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
    renewal: Renewal,
}

/// That everything is to be made anew, so that the files hold nothing that the state does not hold.
#[derive(Debug, Default)]
struct Renewal {
    wanted: u64,
    done: u64,
    /// Why the last attempt came to nothing.
    failure: Option<String>,
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

    /// Asks for everything to be made anew, and waits for it.
    pub(in crate::store::embedded) fn renew(&self) -> Result<(), String> {
        let mut inbox = self.inbox();
        inbox.renewal.wanted += 1;
        inbox.renewal.failure = None;
        let mine = inbox.renewal.wanted;
        self.woken.notify_all();
        let unsettled = |inbox: &mut Inbox| {
            inbox.renewal.done < mine && inbox.renewal.failure.is_none() && inbox.stop.is_none()
        };
        let inbox = self.woken.wait_while(inbox, unsettled);
        let inbox = inbox.unwrap_or_else(PoisonError::into_inner);
        if inbox.renewal.done >= mine {
            return Ok(());
        }
        let failure = inbox.renewal.failure.clone();
        Err(failure.unwrap_or_else(|| "the store is closed".to_owned()))
    }

    /// Which renewal is wanted and not done.
    pub(in crate::store::embedded) fn renewal(&self) -> Option<u64> {
        let inbox = self.inbox();
        let renewal = &inbox.renewal;
        (renewal.wanted > renewal.done).then_some(renewal.wanted)
    }

    /// Tells whoever waits how a renewal ended.
    pub(in crate::store::embedded) fn renewed(&self, ended: Result<u64, String>) {
        let mut inbox = self.inbox();
        match ended {
            Ok(done) => inbox.renewal.done = done,
            Err(failure) => inbox.renewal.failure = Some(failure),
        }
        drop(inbox);
        self.woken.notify_all();
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
        let idle = |inbox: &mut Inbox| {
            let is_renewed = inbox.renewal.wanted == inbox.renewal.done;
            inbox.rows.is_empty() && !inbox.overflowed && inbox.stop.is_none() && is_renewed
        };
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
