//! A disk that forgets what was not synced.
//!
//! The model is on the pessimistic side. Bytes written reach the disk beneath only when their file
//! is synced; a name that was made, changed or removed, only when its directory is. A synced file
//! without a synced name is lost. Directories themselves are durable at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::DiskLock;
use file::FileState;
use random::Random;

mod file;
mod random;

pub use file::SECTOR_BYTES;

/// Keeps unsynced changes in memory, away from the disk beneath. For tests.
///
/// Killing a process whose store lies on such a disk loses what a power cut would lose. Within one
/// process, [`VolatileDisk::cut_power`] does it. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct VolatileDisk {
    inner: Arc<dyn Disk>,
    state: Arc<Mutex<State>>,
}

/// What a power cut leaves of the changes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing.
    DropUnsynced,
    /// Some sectors of the writes, in no order and in any of their versions, and the first few of the changed names.
    Tear {
        /// Decides which.
        seed: u64,
    },
}

#[derive(Debug, Default)]
struct State {
    files: Vec<FileState>,
    /// What each known name stands for, unsynced changes included; `None` if it was removed.
    names: BTreeMap<PathBuf, Option<FileId>>,
    unsynced_names: Vec<NameChange>,
    changes: u64,
    planned: Option<(u64, PowerCut)>,
    syncs_to_pass: u64,
    syncs_to_fail: u64,
    dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(usize);

#[derive(Debug)]
enum NameChange {
    Create(PathBuf, FileId),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl NameChange {
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Create(path, _) | Self::Rename(path, _) | Self::Remove(path) => path.parent(),
        }
    }
}

impl VolatileDisk {
    /// Wraps a disk that shall see synced changes only.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self {
            inner,
            state: Arc::default(),
        }
    }

    /// Loses what is not synced, and fails every operation from now on.
    pub fn cut_power(&self, cut: PowerCut) {
        self.state().cut_power(&*self.inner, cut);
    }

    /// Cuts the power when so many more changes (writes, syncs, new names) have been made.
    pub fn cut_power_after(&self, changes: u64, cut: PowerCut) {
        let mut state = self.state();
        state.planned = Some((state.changes + changes, cut));
    }

    /// Whether the power was cut.
    pub fn is_cut(&self) -> bool {
        self.state().dead
    }

    /// How many changes were made so far.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Makes the next syncs of files fail as Linux fails them: the bytes can still be read, but are
    /// taken for clean; no later sync writes them unless they are written again.
    pub fn fail_next_syncs(&self, count: u64) {
        self.state().syncs_to_fail = count;
    }

    /// Lets so many syncs of files pass before those that shall fail.
    pub fn let_syncs_pass(&self, count: u64) {
        self.state().syncs_to_pass = count;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.dead {
            Err(no_power())
        } else {
            Ok(state)
        }
    }

    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.alive()?;
        if let Some((_, cut)) = state.planned.filter(|(due, _)| *due <= state.changes) {
            state.cut_power(&*self.inner, cut);
            return Err(no_power());
        }
        state.changes += 1;
        Ok(state)
    }

    fn handle(&self, id: FileId) -> Arc<dyn DiskFile> {
        Arc::new(VolatileFile {
            disk: self.clone(),
            id,
        })
    }
}

impl State {
    fn find(&mut self, inner: &dyn Disk, path: &Path) -> io::Result<FileId> {
        match self.names.get(path) {
            Some(Some(id)) => Ok(*id),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            None => {
                let file = FileState::existing(inner.open(path)?)?;
                Ok(self.add(path, file))
            }
        }
    }

    fn add(&mut self, path: &Path, file: FileState) -> FileId {
        let id = FileId(self.files.len());
        self.files.push(file);
        self.names.insert(path.to_owned(), Some(id));
        id
    }

    fn file(&mut self, id: FileId) -> io::Result<&mut FileState> {
        self.files
            .get_mut(id.0)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn make_durable(&mut self, inner: &dyn Disk, change: &NameChange) -> io::Result<()> {
        match change {
            NameChange::Create(path, id) => self.file(*id)?.give_place(inner.create(path)?),
            NameChange::Rename(from, to) => inner.rename(from, to),
            NameChange::Remove(path) => inner.remove(path),
        }
    }

    fn cut_power(&mut self, inner: &dyn Disk, cut: PowerCut) {
        if self.dead {
            return;
        }
        self.dead = true;
        if let PowerCut::Tear { seed } = cut {
            let torn = self.tear(inner, &mut Random::new(seed));
            debug_assert!(torn.is_ok(), "the disk beneath must not fail: {torn:?}");
        }
    }

    fn tear(&mut self, inner: &dyn Disk, random: &mut Random) -> io::Result<()> {
        let changes = std::mem::take(&mut self.unsynced_names);
        let kept = random.below(changes.len() as u64 + 1);
        for (_, change) in (0..kept).zip(&changes) {
            self.make_durable(inner, change)?;
        }
        self.files.iter_mut().try_for_each(|file| file.tear(random))
    }
}

fn no_power() -> io::Error {
    io::Error::other("the power was cut")
}

impl Disk for VolatileDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let id = self.alive()?.find(&*self.inner, path)?;
        Ok(self.handle(id))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.change()?;
        let id = state.add(path, FileState::new());
        state
            .unsynced_names
            .push(NameChange::Create(path.to_owned(), id));
        Ok(self.handle(id))
    }

    fn create_directories(&self, path: &Path) -> io::Result<()> {
        let _state = self.change()?;
        self.inner.create_directories(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.alive()?;
        let mut names: BTreeSet<String> = self.inner.list(directory)?.into_iter().collect();
        for (path, id) in state
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(directory))
        {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if id.is_some() {
                names.insert(name.to_owned());
            } else {
                names.remove(name);
            }
        }
        Ok(names.into_iter().collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from.parent() != to.parent() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut state = self.change()?;
        let id = state.find(&*self.inner, from)?;
        state.names.insert(from.to_owned(), None);
        state.names.insert(to.to_owned(), Some(id));
        state
            .unsynced_names
            .push(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        state.find(&*self.inner, path)?;
        state.names.insert(path.to_owned(), None);
        state
            .unsynced_names
            .push(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let changes = std::mem::take(&mut state.unsynced_names);
        let (here, elsewhere): (Vec<_>, _) = changes
            .into_iter()
            .partition(|change| change.directory() == Some(directory));
        state.unsynced_names = elsewhere;
        for change in here {
            state.make_durable(&*self.inner, &change)?;
        }
        self.inner.sync_directory(directory)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let _state = self.alive()?;
        self.inner.lock(path)
    }
}

#[derive(Debug)]
struct VolatileFile {
    disk: VolatileDisk,
    id: FileId,
}

impl DiskFile for VolatileFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.alive()?.file(self.id)?.read_at(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.change()?.file(self.id)?.write_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.alive()?.file(self.id)?.length())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.change()?;
        if state.syncs_to_pass > 0 {
            state.syncs_to_pass -= 1;
        } else if state.syncs_to_fail > 0 {
            state.syncs_to_fail -= 1;
            state.file(self.id)?.fail_sync();
            return Err(io::Error::other("injected fault: sync"));
        }
        state.file(self.id)?.sync()
    }
}
