//! Snapshots: the rows of the state at one index in one file, for a start without a projection.
//!
//! A file is a magic text, the rows (two lengths, key, value), a length that no key has, and the mark
//! that says what the rows must add up to. It is put in place whole or not at all.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decision_log::TreeSize;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::TEMPORARY_EXTENSION;
use crate::store::embedded::disk::read_exact_at;
use crate::store::embedded::projection::BackendError;
use crate::store::embedded::projection::Mark;
use crate::store::embedded::projection::RowSum;
use crate::store::embedded::projection::Visit;
use crate::store::state::State;

const DIRECTORY: &str = "snapshots";
const EXTENSION: &str = "snapshot";
const MAGIC: &[u8] = b"comity snapshot 1\n";
const END: u32 = u32::MAX;
const BUFFER_BYTES: usize = 1 << 20;

/// The most bytes that one row is believed to have.
const ROW_LIMIT_BYTES: usize = 64 << 20;

/// How many snapshots are kept.
const KEPT: usize = 2;

/// Writes a snapshot of the rows that `scan` shows, and removes those that are too many.
pub(super) fn write(
    disk: &dyn Disk,
    applied: TreeSize,
    scan: &mut dyn FnMut(Visit<'_>) -> Result<Mark, BackendError>,
) -> Result<(), BackendError> {
    let directory = Path::new(DIRECTORY);
    disk.create_directories(directory)?;
    disk.sync_directory(Path::new(""))?;
    let name = format!("{:020}.{EXTENSION}", applied.0);
    let temporary = directory.join(format!("{name}.{TEMPORARY_EXTENSION}"));
    let mut output = Output::new(disk.create(&temporary)?);
    output.put(MAGIC)?;
    let mark = scan(&mut |key, value| {
        output.put(&length(key)?.to_be_bytes())?;
        output.put(&length(value)?.to_be_bytes())?;
        output.put(key)?;
        output.put(value)
    })?;
    let mark = serde_json::to_vec(&mark).map_err(io::Error::other)?;
    output.put(&END.to_be_bytes())?;
    output.put(&length(&mark)?.to_be_bytes())?;
    output.put(&mark)?;
    output.finish()?;
    disk.rename(&temporary, &directory.join(&name))?;
    disk.sync_directory(directory)?;
    let (ahead, behind): (Vec<_>, Vec<_>) =
        names(disk)?.into_iter().partition(|other| *other > name);
    // One that is ahead was written before the log was set back, and is never valid again.
    for old in ahead.iter().chain(behind.iter().rev().skip(KEPT)) {
        disk.remove(&directory.join(old))?;
    }
    Ok(())
}

/// Removes all but the snapshot at one size, durably.
pub(super) fn remove_others(disk: &dyn Disk, applied: TreeSize) -> io::Result<()> {
    let kept = format!("{:020}.{EXTENSION}", applied.0);
    let directory = Path::new(DIRECTORY);
    for name in names(disk)?.into_iter().filter(|name| *name != kept) {
        disk.remove(&directory.join(name))?;
    }
    disk.sync_directory(directory)
}

/// The snapshots, oldest first; files that are not in place are removed.
pub(super) fn names(disk: &dyn Disk) -> io::Result<Vec<String>> {
    let directory = Path::new(DIRECTORY);
    let listed = match disk.list(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for name in listed {
        let extension = Path::new(&name).extension();
        if extension.is_some_and(|extension| extension == TEMPORARY_EXTENSION) {
            disk.remove(&directory.join(&name))?;
        } else if extension.is_some_and(|extension| extension == EXTENSION) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads the state in a snapshot; anything but the rows that were written is refused.
pub(super) fn read(
    disk: &dyn Disk,
    name: &str,
    progress: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<(State, Mark), BackendError> {
    let path: PathBuf = Path::new(DIRECTORY).join(name);
    let mut input = Input::new(disk.open(&path)?)?;
    if input.take(MAGIC.len())? != MAGIC {
        return Err(damaged("it does not begin as a snapshot"));
    }
    let (mut state, mut sum, mut count) = (State::default(), RowSum::default(), 0);
    loop {
        let key_length = input.length()?;
        let value_length = input.length()?;
        if key_length == END {
            let mark = input.take(size(value_length)?)?;
            let mark: Mark = serde_json::from_slice(&mark).map_err(io::Error::other)?;
            return if sum.fits(&mark) {
                Ok((state, mark))
            } else {
                Err(damaged("rows are missing or changed"))
            };
        }
        let key = input.take(size(key_length)?)?;
        let value = input.take(size(value_length)?)?;
        sum.add(&key, &value);
        state.restore_row(&key, &value)?;
        count += 1;
        progress(count)?;
    }
}

fn length(bytes: &[u8]) -> Result<u32, BackendError> {
    u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length != END)
        .ok_or_else(|| damaged("a row is too long"))
}

fn size(length: u32) -> Result<usize, BackendError> {
    usize::try_from(length)
        .ok()
        .filter(|size| *size <= ROW_LIMIT_BYTES)
        .ok_or_else(|| damaged("a row is too long"))
}

fn damaged(what: &str) -> BackendError {
    BackendError::Content(what.to_owned())
}

/// Gathers bytes and writes them in large pieces.
struct Output {
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    offset: u64,
}

impl Output {
    fn new(file: Arc<dyn DiskFile>) -> Self {
        Self {
            file,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            offset: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackendError> {
        self.buffer.extend(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.write()?;
        self.file.sync_data()
    }
}

/// Reads bytes in large pieces.
struct Input {
    file: Arc<dyn DiskFile>,
    length: u64,
    offset: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Input {
    fn new(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        Ok(Self {
            length: file.length()?,
            file,
            offset: 0,
            buffer: Vec::new(),
            at: 0,
        })
    }

    fn length(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        if self.buffer.len() - self.at < count {
            self.fill(count)?;
        }
        let taken = self.buffer.get(self.at..self.at + count);
        let taken = taken.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec();
        self.at += count;
        Ok(taken)
    }

    fn fill(&mut self, count: usize) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let left = self.length - self.offset;
        let wanted = count.max(BUFFER_BYTES) as u64;
        let more = usize::try_from(wanted.min(left)).map_err(io::Error::other)?;
        let start = self.buffer.len();
        self.buffer.resize(start + more, 0);
        if let Some(room) = self.buffer.get_mut(start..) {
            read_exact_at(&*self.file, room, self.offset)?;
        }
        self.offset += more as u64;
        Ok(())
    }
}
