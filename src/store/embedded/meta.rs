//! Two small files at the head of the data directory: what it is (`meta.json`), and how the last
//! run ended (`run.json`).

use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;

/// The version of the layout of the data directory.
pub const FORMAT_VERSION: u32 = 1;

/// The oldest version that this program still reads.
pub(super) const OLDEST_FORMAT_VERSION: u32 = 1;

pub(super) const META_NAME: &str = "meta.json";
const RUN_NAME: &str = "run.json";

/// What a data directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// The version of the layout.
    pub(super) format_version: u32,
    /// The random name of the log, which its first entry gives too.
    pub(super) origin: Uuid,
}

/// The one member that every version keeps.
#[derive(Deserialize)]
struct Versioned {
    format_version: u32,
}

/// What stands in the way of using a data directory.
#[derive(Debug)]
pub(super) enum MetaError {
    Newer { found: u32 },
    Older { found: u32 },
    Damaged(serde_json::Error),
    Io(io::Error),
}

/// How the last run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// The run of the operating system in which it was.
    pub(super) boot_id: String,
    /// Whether the projection was closed whole.
    pub(super) clean: bool,
    /// Which projection is whole; `None` while there is none.
    pub(super) projection: Option<u64>,
}

impl Meta {
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, MetaError> {
        let Some(bytes) = read(disk, META_NAME).map_err(MetaError::Io)? else {
            return Ok(None);
        };
        let Versioned { format_version } = parse(&bytes)?;
        if format_version > FORMAT_VERSION {
            return Err(MetaError::Newer {
                found: format_version,
            });
        }
        if format_version < OLDEST_FORMAT_VERSION {
            return Err(MetaError::Older {
                found: format_version,
            });
        }
        parse(&bytes).map(Some)
    }

    pub(super) fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        write(disk, META_NAME, self)
    }
}

impl Run {
    /// How the last run ended, if that can be told.
    pub(super) fn read(disk: &dyn Disk) -> Option<Self> {
        let bytes = read(disk, RUN_NAME).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        write(disk, RUN_NAME, self)
    }

    /// The projection that may be used: nothing that a power cut could have torn.
    pub(super) fn trusted_projection(&self, boot_id: &str) -> Option<u64> {
        let same_boot = !boot_id.is_empty() && self.boot_id == boot_id;
        self.projection.filter(|_| self.clean || same_boot)
    }
}

fn read(disk: &dyn Disk, name: &str) -> io::Result<Option<Vec<u8>>> {
    match disk.open(Path::new(name)) {
        Ok(file) => disk::read_whole(&*file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(disk: &dyn Disk, name: &str, value: &impl Serialize) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    disk::put_whole(disk, Path::new(""), name, &bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MetaError> {
    serde_json::from_slice(bytes).map_err(MetaError::Damaged)
}
