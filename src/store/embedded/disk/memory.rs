//! A disk in memory, for tests that open it thousands of times.

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

/// Files in memory. Everything is "durable" at once; clones are the same disk. For tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Debug, Default)]
struct Tree {
    files: BTreeMap<PathBuf, Arc<MemoryFile>>,
    directories: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
}

impl MemoryDisk {
    /// An independent disk with the same files, and no locks.
    #[must_use]
    pub fn copy(&self) -> Self {
        let tree = self.tree();
        let files = tree.files.iter().map(|(path, file)| {
            let bytes = Mutex::new(file.bytes().clone());
            (path.clone(), Arc::new(MemoryFile { bytes }))
        });
        let copy = Tree {
            files: files.collect(),
            directories: tree.directories.clone(),
            locked: BTreeSet::new(),
        };
        Self {
            tree: Arc::new(Mutex::new(copy)),
        }
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.tree().files.keys().cloned().collect()
    }

    /// What a file holds, to look at and to damage.
    pub fn edit<T>(
        &self,
        path: impl AsRef<Path>,
        edit: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> Option<T> {
        let file = self.file(path.as_ref()).ok()?;
        Some(edit(&mut file.bytes()))
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, path: &Path) -> io::Result<Arc<MemoryFile>> {
        let tree = self.tree();
        tree.files.get(path).map(Arc::clone).ok_or_else(not_found)
    }
}

impl Tree {
    fn check_directory(&self, directory: &Path) -> io::Result<()> {
        if directory == Path::new("") || self.directories.contains(directory) {
            Ok(())
        } else {
            Err(not_found())
        }
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path)?)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut tree = self.tree();
        tree.check_directory(path.parent().unwrap_or(Path::new("")))?;
        let file = Arc::clone(tree.files.entry(path.to_owned()).or_default());
        file.bytes().clear();
        Ok(file)
    }

    fn create_directories(&self, path: &Path) -> io::Result<()> {
        self.tree()
            .directories
            .extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let tree = self.tree();
        tree.check_directory(directory)?;
        let inside = tree
            .files
            .keys()
            .filter(|path| path.parent() == Some(directory));
        let names = inside.filter_map(|path| path.file_name()?.to_str());
        Ok(names.map(str::to_owned).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.tree();
        let file = tree.files.remove(from).ok_or_else(not_found)?;
        tree.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tree()
            .files
            .remove(path)
            .map(drop)
            .ok_or_else(not_found)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.tree().check_directory(directory)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        if !self.tree().locked.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemoryLock {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

#[derive(Debug, Default)]
struct MemoryFile {
    bytes: Mutex<Vec<u8>>,
}

impl MemoryFile {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let rest = bytes.get(offset..).unwrap_or_default();
        Ok(buffer
            .iter_mut()
            .zip(rest)
            .map(|(to, from)| *to = *from)
            .count())
    }

    fn write_all_at(&self, new: &[u8], offset: u64) -> io::Result<()> {
        let mut bytes = self.bytes();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset + new.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        if let Some(place) = bytes.get_mut(offset..end) {
            place.copy_from_slice(new);
        }
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: PathBuf,
}

impl DiskLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.tree().locked.remove(&self.path);
    }
}
