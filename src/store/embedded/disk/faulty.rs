//! A disk whose operations fail as a test says.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;

use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::DiskLock;

/// Passes everything on to another disk, except what a test wants to fail. For tests.
///
/// Clones share the plan and the counts.
#[derive(Debug, Clone)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    plan: Arc<Mutex<Plan>>,
    names: Arc<Mutex<Vec<Weak<Name>>>>,
}

/// What an open file is called now.
type Name = Mutex<PathBuf>;

/// What is done to a disk or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opening an existing file.
    Open,
    /// Making a file.
    Create,
    /// Making directories.
    CreateDirectories,
    /// Listing a directory.
    List,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Syncing a directory.
    SyncDirectory,
    /// Taking a lock.
    Lock,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Asking for a file's length.
    Length,
    /// Syncing a file.
    Sync,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultMode {
    /// Nothing is done, and an error returned.
    Failed,
    /// The first half of a write is done, and an error returned; a read gets half of what it asked
    /// for, which is no error. Any other operation fails undone.
    Short,
    /// All is done, and an error returned all the same.
    FailedButDone,
}

/// One operation that shall fail once.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The kind of operation; any if absent.
    pub operation: Option<Operation>,
    /// What the path must contain; nothing in particular if empty.
    pub path_contains: String,
    /// How many such operations are let through first.
    pub skip: u64,
    /// How it fails.
    pub mode: FaultMode,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    full: bool,
    fired: u64,
    performed: Vec<(Operation, PathBuf)>,
}

impl FaultyDisk {
    /// Wraps a disk; at first nothing fails.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self {
            inner,
            plan: Arc::default(),
            names: Arc::default(),
        }
    }

    /// Plans one more fault.
    pub fn inject(&self, fault: Fault) {
        self.plan().faults.push(fault);
    }

    /// Takes back the faults that have not fired.
    pub fn clear(&self) {
        self.plan().faults.clear();
    }

    /// Fills the disk up or makes room again. While it is full, files can be made but no write can
    /// lengthen one: as much as fits is written, then an error returned.
    pub fn set_full(&self, full: bool) {
        self.plan().full = full;
    }

    /// How many operations were made to fail.
    pub fn fired(&self) -> u64 {
        self.plan().fired
    }

    /// All operations so far, failed ones too, in their order.
    pub fn performed(&self) -> Vec<(Operation, PathBuf)> {
        self.plan().performed.clone()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform<T>(
        &self,
        operation: Operation,
        path: &Path,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let mode = self.plan().next(operation, path);
        match mode {
            None => act(),
            Some(FaultMode::Failed | FaultMode::Short) => Err(injected(operation, path)),
            Some(FaultMode::FailedButDone) => {
                drop(act());
                Err(injected(operation, path))
            }
        }
    }

    fn check_space(&self) -> io::Result<()> {
        let mut plan = self.plan();
        if plan.full {
            plan.fired += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn wrap(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let name = Arc::new(Mutex::new(path.to_owned()));
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|name| name.strong_count() > 0);
        names.push(Arc::downgrade(&name));
        Arc::new(FaultyFile {
            disk: self.clone(),
            name,
            inner: file,
        })
    }

    /// Lets the open files under a name be known by the new one.
    fn rename_open(&self, from: &Path, to: &Path) {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names.iter().filter_map(Weak::upgrade) {
            let mut name = name.lock().unwrap_or_else(PoisonError::into_inner);
            if *name == from {
                to.clone_into(&mut name);
            }
        }
    }
}

impl Plan {
    fn next(&mut self, operation: Operation, path: &Path) -> Option<FaultMode> {
        self.performed.push((operation, path.to_owned()));
        let text = path.to_string_lossy();
        let mut due = None;
        for (number, fault) in self.faults.iter_mut().enumerate() {
            let matches = fault.operation.is_none_or(|wanted| wanted == operation)
                && text.contains(&fault.path_contains);
            match (matches, fault.skip.checked_sub(1)) {
                (false, _) => {}
                (true, Some(skip)) => fault.skip = skip,
                (true, None) => due = due.or(Some(number)),
            }
        }
        let fault = self.faults.remove(due?);
        self.fired += 1;
        Some(fault.mode)
    }
}

fn injected(operation: Operation, path: &Path) -> io::Error {
    io::Error::other(format!(
        "injected fault: {operation:?} of `{}`",
        path.display()
    ))
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.perform(Operation::Open, path, || self.inner.open(path))?;
        Ok(self.wrap(path, file))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.perform(Operation::Create, path, || self.inner.create(path))?;
        Ok(self.wrap(path, file))
    }

    fn create_directories(&self, path: &Path) -> io::Result<()> {
        self.perform(Operation::CreateDirectories, path, || {
            self.inner.create_directories(path)
        })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.perform(Operation::List, directory, || self.inner.list(directory))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.perform(Operation::Rename, to, || {
            self.inner.rename(from, to)?;
            self.rename_open(from, to);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.perform(Operation::Remove, path, || self.inner.remove(path))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.perform(Operation::SyncDirectory, directory, || {
            self.inner.sync_directory(directory)
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.perform(Operation::Lock, path, || self.inner.lock(path))
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    name: Arc<Name>,
    inner: Arc<dyn DiskFile>,
}

impl FaultyFile {
    fn path(&self) -> PathBuf {
        self.name
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn write_first(&self, count: usize, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.inner
            .write_all_at(bytes.get(..count).unwrap_or(bytes), offset)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mode = self.disk.plan().next(Operation::Read, &self.path());
        match mode {
            None => self.inner.read_at(buffer, offset),
            Some(FaultMode::Short) => {
                let half = buffer.len().div_ceil(2);
                self.inner
                    .read_at(buffer.get_mut(..half).unwrap_or_default(), offset)
            }
            Some(FaultMode::Failed | FaultMode::FailedButDone) => {
                Err(injected(Operation::Read, &self.path()))
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let room = self.inner.length()?.saturating_sub(offset);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if room < bytes.len()
            && let Err(full) = self.disk.check_space()
        {
            self.write_first(room, bytes, offset)?;
            return Err(full);
        }
        let mode = self.disk.plan().next(Operation::Write, &self.path());
        match mode {
            None => return self.inner.write_all_at(bytes, offset),
            Some(FaultMode::Failed) => {}
            Some(FaultMode::Short) => self.write_first(bytes.len() / 2, bytes, offset)?,
            Some(FaultMode::FailedButDone) => self.inner.write_all_at(bytes, offset)?,
        }
        Err(injected(Operation::Write, &self.path()))
    }

    fn length(&self) -> io::Result<u64> {
        self.disk
            .perform(Operation::Length, &self.path(), || self.inner.length())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk
            .perform(Operation::Sync, &self.path(), || self.inner.sync_data())
    }
}
