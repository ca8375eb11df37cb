//! The disk beneath the embedded store: every touch of a file goes through [`Disk`].
//!
//! [`RealDisk`] is the operating system's. The others exist for tests, which must see each
//! operation fail, fall short, or fail after it was done, and must see what a power cut leaves:
//! [`MemoryDisk`] keeps files in memory, [`FaultyDisk`] injects faults, [`VolatileDisk`] keeps what
//! was not synced away from the disk beneath it.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

mod directories;
mod faulty;
mod memory;
mod real;
mod volatile;

pub use faulty::Fault;
pub use faulty::FaultMode;
pub use faulty::FaultyDisk;
pub use faulty::Operation;
pub use memory::MemoryDisk;
pub use real::RealDisk;
pub use volatile::PowerCut;
pub use volatile::SECTOR_BYTES;
pub use volatile::VolatileDisk;

/// A directory tree, all paths relative to its root.
///
/// What is durable when: the content and length of a file after [`DiskFile::sync_data`]; its
/// creation, renaming or removal after [`Disk::sync_directory`] of the directory that holds it.
/// When a sync fails, nothing is known about what it should have made durable, and another sync
/// that succeeds says nothing about it either.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens an existing file to read and write.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes an empty file to read and write; one that exists under this name is emptied.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes a directory and those above it, the disk's root too, durably; fine if they exist.
    fn create_directories(&self, path: &Path) -> io::Result<()>;

    /// The names of the files in a directory, in order; directories are left out.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name in the same directory, in place of any file there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Takes the exclusive lock of a file, which is made if need be, until the guard is dropped.
    ///
    /// [`io::ErrorKind::WouldBlock`] says that somebody else holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// An open file; usable from several threads at once.
///
/// The caller sees to it that no two writes overlap in space and time.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads bytes from an offset on; fewer than asked for are no error, none mean the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes at an offset. On an error, any of them may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// How many bytes the file has.
    fn length(&self) -> io::Result<u64>;

    /// Makes the content and the length durable (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;
}

/// Holds a lock until it is dropped.
pub trait DiskLock: Send + Sync + fmt::Debug {}

/// Reads until the buffer is full; an early end is [`io::ErrorKind::UnexpectedEof`].
pub(crate) fn read_exact_at(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a whole file.
pub(crate) fn read_whole(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    read_exact_at(file, &mut bytes, 0)?;
    Ok(bytes)
}

/// Puts a file in place whole or not at all: written aside, synced, renamed, its directory synced.
///
/// On an error the file may or may not be in place.
pub(crate) fn put_whole(
    disk: &dyn Disk,
    directory: &Path,
    name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.{TEMPORARY_EXTENSION}"));
    let file = disk.create(&temporary)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&temporary, &directory.join(name))?;
    disk.sync_directory(directory)
}

/// How the name of a file ends that is not yet in place; such a file is worth nothing.
pub(crate) const TEMPORARY_EXTENSION: &str = "tmp";

#[cfg(test)]
mod tests;
