//! What the projection is kept in, and how every call of it is guarded.

use std::any::Any;
use std::fmt;
use std::fs;
use std::io;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

/// The prefix of the directories; the generation follows.
const DIRECTORY_PREFIX: &str = "projection-";

const CACHE_BYTES: u64 = 64 << 20;

/// Keeps generations of the projection, of which one is used.
///
/// Nothing that an implementation does may be relied on: it can fail, do what it says it failed to
/// do, lose or change what it holds, and panic. Whoever calls it guards the call, and whatever comes
/// back is checked.
pub trait ProjectionBackend: Send + Sync + fmt::Debug {
    /// Which generations there are.
    fn generations(&self) -> Result<Vec<u64>, BackendError>;

    /// Opens a generation, and makes it if there is none.
    fn open(&self, generation: u64) -> Result<Box<dyn ProjectionRows>, BackendError>;

    /// Removes a generation, which is not open.
    fn remove(&self, generation: u64) -> Result<(), BackendError>;
}

/// A change of one row: its new value, or `None` to remove it.
pub type RowChange = (Vec<u8>, Option<Vec<u8>>);

/// What is shown a row's key and value; its error ends the scan.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), BackendError>;

/// One open generation: rows by key.
pub trait ProjectionRows: Send {
    /// The value of a row.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError>;

    /// Changes rows, all or none.
    fn apply_batch(&self, changes: &[RowChange]) -> Result<(), BackendError>;

    /// Hands everything to the operating system, so that it outlives the process.
    fn flush(&self) -> Result<(), BackendError>;

    /// Shows all rows in the order of their keys.
    fn scan(&self, visit: Visit<'_>) -> Result<(), BackendError>;
}

/// Why the projection can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// sled refused.
    #[error("sled failed")]
    Sled(#[from] sled::Error),
    /// The directory could not be handled.
    #[error("directory of the projection could not be handled")]
    Io(#[from] io::Error),
    /// It panicked.
    #[error("panicked: {0}")]
    Panicked(String),
    /// What it holds is not what was put into it, or not of this log.
    #[error("content is not what was put in: {0}")]
    Content(String),
}

/// Makes an error of a panic.
pub(in crate::store::embedded) fn guarded<T>(
    call: impl FnOnce() -> Result<T, BackendError>,
) -> Result<T, BackendError> {
    panic::catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|payload| Err(BackendError::Panicked(message(&*payload))))
}

/// Drops rows; some stores panic when they are closed after a failure.
pub(in crate::store::embedded) fn drop_guarded(rows: Box<dyn ProjectionRows>) {
    let dropped = guarded(|| {
        drop(rows);
        Ok(())
    });
    if let Err(error) = dropped {
        tracing::warn!(error = %error, "closing the projection failed");
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// Keeps the projection in sled, each generation in a directory of its own.
#[derive(Debug, Clone)]
pub struct SledBackend {
    directory: PathBuf,
}

impl SledBackend {
    /// Keeps the generations in a data directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.directory
            .join(format!("{DIRECTORY_PREFIX}{generation}"))
    }
}

impl ProjectionBackend for SledBackend {
    fn generations(&self) -> Result<Vec<u64>, BackendError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut generations = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix(DIRECTORY_PREFIX));
            generations.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        Ok(generations)
    }

    fn open(&self, generation: u64) -> Result<Box<dyn ProjectionRows>, BackendError> {
        // Flushing from a thread of its own would race with the one thread that may flush.
        let database = sled::Config::new()
            .path(self.path(generation))
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()?;
        Ok(Box::new(SledRows { database }))
    }

    fn remove(&self, generation: u64) -> Result<(), BackendError> {
        let path = self.path(generation);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(fs::remove_dir_all(path)?),
            Ok(_) => Ok(fs::remove_file(path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

struct SledRows {
    database: sled::Db,
}

impl ProjectionRows for SledRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(self.database.get(key)?.map(|value| value.to_vec()))
    }

    fn apply_batch(&self, changes: &[RowChange]) -> Result<(), BackendError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        Ok(self.database.apply_batch(batch)?)
    }

    fn flush(&self) -> Result<(), BackendError> {
        self.database.flush()?;
        Ok(())
    }

    fn scan(&self, visit: Visit<'_>) -> Result<(), BackendError> {
        for row in self.database.iter() {
            let (key, value) = row?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}
