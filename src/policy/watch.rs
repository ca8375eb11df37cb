//! Watching a policy directory: says *that* something changed, once it is quiet; the loader reads everything anew.
//!
//! File events only wake the watcher early. What counts is a fingerprint of the whole tree, taken
//! again at every wake and at least every poll interval, so that renames, replaced directories,
//! Kubernetes `..data` swaps and file systems without events all come out the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher;
use sha2::Digest;
use sha2::Sha256;

const DEPTH_MAX: usize = 16;

/// How patient the watcher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Nothing may have changed for so long before a change is signalled.
    pub quiet: Duration,
    /// A change is signalled after so long even if it is never quiet.
    pub longest: Duration,
    /// The tree is looked at as often as this, events or not.
    pub poll: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(120),
            longest: Duration::from_millis(500),
            poll: Duration::from_millis(400),
        }
    }
}

/// A running watcher; dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    wake: mpsc::SyncSender<Wake>,
    thread: Option<std::thread::JoinHandle<()>>,
}

enum Wake {
    Event,
    End,
}

impl Watch {
    /// Watches trees and calls `on_change` after each change, from a thread of its own.
    ///
    /// The first call comes with the first change after the return.
    pub fn start(
        roots: Vec<PathBuf>,
        patience: Patience,
        on_change: impl FnMut() + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start_with(roots, patience, true, on_change)
    }

    /// The same without file events, as where none arrive.
    pub fn start_polling(
        roots: Vec<PathBuf>,
        patience: Patience,
        on_change: impl FnMut() + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start_with(roots, patience, false, on_change)
    }

    fn start_with(
        roots: Vec<PathBuf>,
        patience: Patience,
        events: bool,
        mut on_change: impl FnMut() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let waker = wake.clone();
        let seen = fingerprint(&roots);
        let thread = std::thread::Builder::new().name("policy-watch".to_owned()).spawn(move || {
            let mut ears = events.then(|| Ears::new(waker));
            let mut seen = seen;
            while wait(&woken, patience.poll) {
                if let Some(ears) = &mut ears {
                    ears.listen(&roots);
                }
                if fingerprint(&roots) != seen {
                    let Some(settled) = settle(&woken, &roots, patience) else { return };
                    if settled != seen {
                        seen = settled;
                        on_change();
                    }
                }
            }
        })?;
        Ok(Self { wake, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread may have ended already; then nobody has to be told.
        drop(self.wake.send(Wake::End));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Whether to go on after an event or the time given.
fn wait(woken: &mpsc::Receiver<Wake>, time: Duration) -> bool {
    match woken.recv_timeout(time) {
        Ok(Wake::Event) | Err(RecvTimeoutError::Timeout) => true,
        Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => false,
    }
}

/// The fingerprint once it has not changed for the quiet time; `None` when the watch ends meanwhile.
fn settle(woken: &mpsc::Receiver<Wake>, roots: &[PathBuf], patience: Patience) -> Option<Fingerprint> {
    let start = Instant::now();
    let mut latest = fingerprint(roots);
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < patience.quiet && start.elapsed() < patience.longest {
        if !wait(woken, patience.quiet / 4) {
            return None;
        }
        let now = fingerprint(roots);
        if now != latest {
            latest = now;
            quiet_since = Instant::now();
        }
    }
    Some(latest)
}

/// File events, as far as the system gives them.
struct Ears {
    watcher: Option<RecommendedWatcher>,
    hearing: Vec<PathBuf>,
}

impl Ears {
    fn new(waker: mpsc::SyncSender<Wake>) -> Self {
        let watcher = notify::recommended_watcher(move |_event| {
            // A full channel holds a wake already.
            drop(waker.try_send(Wake::Event));
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no file events; the policy directory is polled");
        }
        Self { watcher: watcher.ok(), hearing: Vec::new() }
    }

    /// Listens to what exists now; a directory that was replaced is a new one.
    fn listen(&mut self, roots: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let real: Vec<PathBuf> = roots.iter().filter_map(|root| fs::canonicalize(root).ok()).collect();
        if real == self.hearing {
            return;
        }
        for old in &self.hearing {
            drop(watcher.unwatch(old));
        }
        for root in roots.iter().chain(&real) {
            if let Err(error) = watcher.watch(root, RecursiveMode::Recursive) {
                tracing::debug!(%error, root = %root.display(), "not heard; polled instead");
            }
        }
        self.hearing = real;
    }
}

/// What the files of the trees are, by path; a tree that is not there is empty.
type Fingerprint = BTreeMap<PathBuf, [u8; 32]>;

fn fingerprint(roots: &[PathBuf]) -> Fingerprint {
    let mut found = Fingerprint::new();
    for root in roots {
        if root.is_file() {
            note(root, &mut found);
        } else {
            walk(root, 0, &mut found);
        }
    }
    found
}

fn walk(directory: &Path, depth: usize, found: &mut Fingerprint) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth < DEPTH_MAX {
                walk(&path, depth + 1, found);
            }
        } else if ["cedar", "toml", "json", "cedarschema"].iter().any(|known| name.ends_with(known)) {
            note(&path, found);
        }
    }
}

fn note(path: &Path, found: &mut Fingerprint) {
    if let Ok(bytes) = fs::read(path) {
        found.insert(path.to_owned(), Sha256::digest(&bytes).into());
    }
}
