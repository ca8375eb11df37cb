//! The archive: every bundle that ever came into force, under the hash of its bytes.
//!
//! A file here is durable before any entry of the journal names it, is never changed, and is
//! checked against its name whenever it is read.

use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::Digest;
use sha2::Sha256;

use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;

const DIRECTORY: &str = "bundles";

/// Keeps byte strings under their SHA-256 hash.
#[derive(Debug, Clone)]
pub struct Archive {
    disk: Arc<dyn Disk>,
}

/// The SHA-256 hash of archived bytes; written in lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest([u8; 32]);

/// Whether putting something changed the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not there, or not whole, and now is.
    Written,
    /// It was there already.
    AlreadyThere,
}

/// Why something can't be put into the archive or taken out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The text names no file of the archive.
    #[error("`{text}` is not a SHA-256 hash in lower-case hexadecimal")]
    NotADigest {
        /// The text.
        text: String,
    },
    /// The bytes to be put are not those of the digest.
    #[error("bytes to be archived as {expected} have the hash {found}")]
    WrongDigest {
        /// Under which digest they were to be put.
        expected: ContentDigest,
        /// Their hash.
        found: ContentDigest,
    },
    /// There is nothing under this digest.
    #[error(
        "archived file `{}` is missing from the data directory: restore this file from a backup",
        digest.path().display()
    )]
    Absent {
        /// The digest.
        digest: ContentDigest,
    },
    /// The file is there but its bytes are not those that were put.
    #[error(
        "archived file `{}` is damaged, its bytes have the hash {found}: restore this file from a backup",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The hash of its bytes.
        found: ContentDigest,
    },
    /// The disk refused. After a failed put, putting again is safe.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl ContentDigest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(self.to_string())
    }
}

impl From<[u8; 32]> for ContentDigest {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl Archive {
    /// Opens the archive of a data directory, and makes it if there is none.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Self, ArchiveError> {
        let directory = Path::new(DIRECTORY);
        disk.create_directories(directory)
            .map_err(during("create", directory))?;
        let root = Path::new("");
        disk.sync_directory(root).map_err(during("sync", root))?;
        Ok(Self { disk })
    }

    /// Puts bytes under their digest; on return they are durable.
    pub fn put(&self, digest: &ContentDigest, bytes: &[u8]) -> Result<Put, ArchiveError> {
        let found = ContentDigest::of(bytes);
        if found != *digest {
            return Err(ArchiveError::WrongDigest {
                expected: *digest,
                found,
            });
        }
        let there = match self.get(digest) {
            Ok(_) => true,
            Err(ArchiveError::Absent { .. } | ArchiveError::Damaged { .. }) => false,
            Err(error) => return Err(error),
        };
        let directory = Path::new(DIRECTORY);
        if there {
            // An earlier put may have failed after the file was in place.
            self.disk
                .sync_directory(directory)
                .map_err(during("sync", directory))?;
            return Ok(Put::AlreadyThere);
        }
        disk::put_whole(&*self.disk, directory, &digest.to_string(), bytes)
            .map_err(during("write", &digest.path()))?;
        Ok(Put::Written)
    }

    /// The bytes under a digest, checked.
    pub fn get(&self, digest: &ContentDigest) -> Result<Vec<u8>, ArchiveError> {
        let path = digest.path();
        let file = match self.disk.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArchiveError::Absent { digest: *digest });
            }
            Err(error) => return Err(during("open", &path)(error)),
        };
        let bytes = disk::read_whole(&*file).map_err(during("read", &path))?;
        let found = ContentDigest::of(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(ArchiveError::Damaged { path, found })
        }
    }

    /// The digests of all that was put, in order; says nothing about damage.
    pub fn list(&self) -> Result<Vec<ContentDigest>, ArchiveError> {
        let directory = Path::new(DIRECTORY);
        let names = self
            .disk
            .list(directory)
            .map_err(during("list", directory))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

impl FromStr for ContentDigest {
    type Err = ArchiveError;

    fn from_str(text: &str) -> Result<Self, ArchiveError> {
        let hash = HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        hash.map(Self).ok_or_else(|| ArchiveError::NotADigest {
            text: text.to_owned(),
        })
    }
}

fn during<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> ArchiveError + use<'a> {
    move |source| ArchiveError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
