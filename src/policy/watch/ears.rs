//! File events, as far as the system gives them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use notify::Event;
use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher;
use notify::event::AccessKind;
use notify::event::AccessMode;

use super::Wake;
use super::eye::FileIdentity;

/// Listens to exactly the directories that were last seen; wakes the watcher when something moves there.
pub(super) struct Ears {
    wake: mpsc::SyncSender<Wake>,
    roots: Arc<[PathBuf]>,
    hearing: BTreeMap<PathBuf, FileIdentity>,
    watcher: Option<RecommendedWatcher>,
    complained: Arc<AtomicBool>,
}

impl Ears {
    pub(super) fn new(wake: mpsc::SyncSender<Wake>, roots: &[PathBuf]) -> Self {
        let real = roots.iter().filter_map(|root| root.canonicalize().ok());
        Self {
            wake,
            roots: roots.iter().cloned().chain(real).collect(),
            hearing: BTreeMap::new(),
            watcher: None,
            complained: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Listens to these directories; false if they are the same as before, each still the one it was.
    ///
    /// A directory that was replaced is another one under the same name, and the old watch is deaf to it:
    /// so everything is listened to anew.
    pub(super) fn listen(&mut self, directories: &BTreeMap<PathBuf, FileIdentity>) -> bool {
        if *directories == self.hearing {
            return false;
        }
        self.hearing.clone_from(directories);
        self.watcher = None;
        match self.watcher_of(directories) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => complain(&self.complained, &error),
        }
        true
    }

    fn watcher_of(
        &self,
        directories: &BTreeMap<PathBuf, FileIdentity>,
    ) -> notify::Result<RecommendedWatcher> {
        let wake = self.wake.clone();
        let roots = Arc::clone(&self.roots);
        let complained = Arc::clone(&self.complained);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_heard = match event {
                Ok(event) => is_change(&event, &roots),
                Err(error) => {
                    complain(&complained, &error);
                    true
                }
            };
            if is_heard {
                // A full channel holds a wake already.
                drop(wake.try_send(Wake));
            }
        })?;
        for directory in directories.keys() {
            // One that vanished meanwhile is not among the next ones; one that is denied is polled.
            if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive)
                && directory.is_dir()
            {
                complain(&self.complained, &error);
            }
        }
        Ok(watcher)
    }
}

/// Whether an event can mean a change; that a file was opened to be read, as the watcher itself does, cannot.
fn is_change(event: &Event, roots: &[PathBuf]) -> bool {
    let is_reading = event.kind.is_access()
        && event.kind != EventKind::Access(AccessKind::Close(AccessMode::Write));
    let is_elsewhere = !event.need_rescan()
        && !event.paths.is_empty()
        && !event.paths.iter().any(|path| {
            roots
                .iter()
                .any(|root| path.starts_with(root) || root.starts_with(path))
        });
    !is_reading && !is_elsewhere
}

fn complain(complained: &AtomicBool, error: &notify::Error) {
    if !complained.swap(true, Ordering::Relaxed) {
        tracing::warn!(%error, "file events do not all arrive; the policy directory is polled");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use notify::Event;
    use notify::EventKind;
    use notify::event::AccessKind;
    use notify::event::AccessMode;
    use notify::event::DataChange;
    use notify::event::Flag;
    use notify::event::ModifyKind;

    use super::is_change;

    fn is_heard(kind: EventKind, path: &str) -> bool {
        let roots = [PathBuf::from("/etc/comity/policies")];
        is_change(&Event::new(kind).add_path(path.into()), &roots)
    }

    #[test]
    fn reading_is_no_change() {
        let path = "/etc/comity/policies/a.cedar";
        for access in [
            AccessKind::Open(AccessMode::Any),
            AccessKind::Read,
            AccessKind::Close(AccessMode::Read),
        ] {
            assert!(!is_heard(EventKind::Access(access), path), "{access:?}");
        }
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(is_heard(written, path));
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(is_heard(modified, path));
    }

    #[test]
    fn neighbours_of_the_directory_are_not_heard_but_what_holds_it_is() {
        let modified = EventKind::Modify(ModifyKind::Any);
        assert!(!is_heard(modified, "/etc/comity/data"));
        assert!(!is_heard(modified, "/etc/comity/policies-old/a.cedar"));
        assert!(is_heard(modified, "/etc/comity/policies"));
        assert!(is_heard(modified, "/etc/comity"));
    }

    #[test]
    fn lost_events_are_heard() {
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(is_change(&lost, &[PathBuf::from("/etc/comity/policies")]));
    }
}
