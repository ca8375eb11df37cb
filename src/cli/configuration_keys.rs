//! The master keys under which accepted UE configuration is kept: files of 32 bytes, the last by name the newest.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::data_directory::private_file;
use super::data_directory::random_bytes;
use super::service::ServiceError;
use crate::app::vault::MASTER_KEY_BYTES;
use crate::app::vault::Vault;

/// The directory of the keys within the data directory, unless another is configured.
const KEYS_DIRECTORY: &str = "configuration-keys";

const FIRST_KEY_FILE: &str = "0001.key";

const KEY_FILE_EXTENSION: &str = "key";

/// Reads the keys. In the data directory a first one is made where there is none: a new key never takes the place of
/// one that is lost, since each is known by what it is. In a configured directory, which may not be mounted, none is.
pub(super) fn vault(
    data_directory: &Path,
    configured: Option<&Path>,
) -> Result<Vault, ServiceError> {
    let directory = match configured {
        Some(configured) => configured.to_owned(),
        None => made_directory(data_directory)?,
    };
    let files = key_files(&directory)?;
    let mut keys = Vec::new();
    for file in &files {
        keys.push(key(file)?);
    }
    let Some(newest) = keys.pop() else {
        return Err(ServiceError::NoConfigurationKey(directory));
    };
    Vault::new(newest, keys).map_err(|error| ServiceError::File(directory, io::Error::other(error)))
}

/// The directory in the data directory, with a key in it.
fn made_directory(data_directory: &Path) -> Result<PathBuf, ServiceError> {
    let directory = data_directory.join(KEYS_DIRECTORY);
    fs::create_dir_all(&directory).map_err(|error| ServiceError::File(directory.clone(), error))?;
    if key_files(&directory)?.is_empty() {
        let file = directory.join(FIRST_KEY_FILE);
        private_file(&file, || Ok(random_bytes()?.to_vec()))?;
    }
    Ok(directory)
}

/// The files with keys, oldest first.
fn key_files(directory: &Path) -> Result<Vec<PathBuf>, ServiceError> {
    let wrong = |error| ServiceError::File(directory.to_owned(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == KEY_FILE_EXTENSION)
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn key(file: &Path) -> Result<Zeroizing<[u8; MASTER_KEY_BYTES]>, ServiceError> {
    let gone = || Err(io::Error::from(io::ErrorKind::NotFound));
    let bytes = Zeroizing::new(private_file(file, gone)?);
    let mut key = Zeroizing::new([0; MASTER_KEY_BYTES]);
    if bytes.len() != key.len() {
        let detail = "not a key of 32 bytes";
        let error = io::Error::new(io::ErrorKind::InvalidData, detail);
        return Err(ServiceError::File(file.to_owned(), error));
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}
