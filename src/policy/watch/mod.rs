//! Watching policy directories: says *that* something changed, once it is quiet; the loader reads everything anew.
//!
//! File events only make the watcher look early. What counts is a fingerprint of the trees, taken again
//! at least every poll interval, so that renames, half-written files, replaced directories, Kubernetes'
//! `..data` swaps and file systems without events all come out the same.

mod ears;
mod eye;
mod quiet;

use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use ears::Ears;
use eye::Eye;
use eye::Fingerprint;
use quiet::Quiet;

/// Looks in a row that may each find new directories to listen to, before the next poll is left to it.
const LOOKS_IN_A_ROW_MAX: usize = 3;

/// How patient the watcher is; the default puts a change before the loader well within a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Nothing may have changed for so long before a change is signalled.
    pub quiet: Duration,
    /// A change is signalled after so long even if it is never quiet.
    pub longest: Duration,
    /// The trees are looked at as often as this, events or not.
    pub poll: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(150),
            longest: Duration::from_millis(600),
            poll: Duration::from_millis(400),
        }
    }
}

/// Makes the watching thread look up.
struct Wake;

/// A running watcher; dropping it ends the watch.
pub struct Watch {
    wake: mpsc::SyncSender<Wake>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches directories (with all beneath them) and single files, and calls `on_change` after each
    /// change, from a thread of its own.
    ///
    /// Every change after the return is signalled, also that a directory vanished. What is there already is not.
    pub fn start(
        roots: Vec<PathBuf>,
        patience: Patience,
        on_change: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let ears = Ears::new(wake.clone(), &roots);
        Self::spawn(
            wake,
            Lookout::new(roots, patience, woken, Some(ears)),
            on_change,
        )
    }

    /// The same without file events, as where none arrive.
    pub fn start_polling(
        roots: Vec<PathBuf>,
        patience: Patience,
        on_change: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        Self::spawn(wake, Lookout::new(roots, patience, woken, None), on_change)
    }

    fn spawn(
        wake: mpsc::SyncSender<Wake>,
        lookout: Lookout,
        on_change: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let is_ended = Arc::clone(&ended);
        let thread = thread::Builder::new()
            .name("policy-watch".to_owned())
            .spawn(move || lookout.run(&is_ended, on_change))?;
        Ok(Self {
            wake,
            ended,
            thread: Some(thread),
        })
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // A full channel wakes the thread as well.
        drop(self.wake.try_send(Wake));
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the watcher of the policy directory had failed");
        }
    }
}

/// The state of the watching thread.
struct Lookout {
    roots: Vec<PathBuf>,
    poll: Duration,
    woken: mpsc::Receiver<Wake>,
    ears: Option<Ears>,
    eye: Eye,
    quiet: Quiet,
    /// What the loader was last told about.
    signalled: Fingerprint,
    /// What was last seen.
    latest: Fingerprint,
}

impl Lookout {
    fn new(
        roots: Vec<PathBuf>,
        patience: Patience,
        woken: mpsc::Receiver<Wake>,
        ears: Option<Ears>,
    ) -> Self {
        let mut lookout = Self {
            roots,
            poll: patience.poll,
            woken,
            ears,
            eye: Eye::default(),
            quiet: Quiet::new(patience.quiet, patience.longest),
            signalled: Fingerprint::default(),
            latest: Fingerprint::default(),
        };
        lookout.latest = lookout.look();
        lookout.signalled = lookout.latest.clone();
        lookout
    }

    fn run(mut self, ended: &AtomicBool, mut on_change: impl FnMut()) {
        let mut next_look = Instant::now() + self.poll;
        loop {
            let until = self.quiet.due().map_or(next_look, |due| due.min(next_look));
            let wait = until.saturating_duration_since(Instant::now());
            let was_quiet = self.quiet.due().is_none();
            let heard = match self.woken.recv_timeout(wait) {
                Ok(Wake) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if ended.load(Ordering::Acquire) {
                return;
            }
            let now = Instant::now();
            if heard {
                self.quiet.stir(now);
            }
            if (heard && was_quiet) || now >= next_look || self.quiet.is_due(now) {
                if self.is_settled_change() {
                    call(&mut on_change);
                }
                next_look = Instant::now() + self.poll;
            }
        }
    }

    /// Looks, and says whether there is a change to signal now.
    fn is_settled_change(&mut self) -> bool {
        let seen = self.look();
        let now = Instant::now();
        if seen != self.latest {
            self.latest = seen;
            self.quiet.stir(now);
        }
        if !self.quiet.is_due(now) {
            return false;
        }
        self.quiet.settle();
        if self.latest == self.signalled {
            return false;
        }
        self.signalled = self.latest.clone();
        true
    }

    /// Looks, and listens to the directories that were seen; what changed between the two is looked for again.
    fn look(&mut self) -> Fingerprint {
        let mut seen = self.eye.look(&self.roots, Instant::now());
        for _ in 0..LOOKS_IN_A_ROW_MAX {
            let is_new_to_ears = self
                .ears
                .as_mut()
                .is_some_and(|ears| ears.listen(&seen.directories));
            if !is_new_to_ears {
                break;
            }
            seen = self.eye.look(&self.roots, Instant::now());
        }
        seen.fingerprint
    }
}

fn call(on_change: &mut impl FnMut()) {
    if catch_unwind(AssertUnwindSafe(on_change)).is_err() {
        tracing::error!("what follows a change of the policy directory panicked; watching goes on");
    }
}
