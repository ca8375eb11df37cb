//! The files of a data directory that are not the store's: whose it is, and its secrets.

use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::failure::Failure;
use super::service::OPERATOR_TOKEN_FILE;
use super::service::ServiceError;
use crate::app::sealing::SealingKey;
use crate::domain::identity::McSystemId;
use crate::identity::signing::SigningKey;
use crate::identity::token::Token;

const SYSTEM_FILE: &str = "system";

/// What the store writes first.
const META_FILE: &str = "meta.json";

/// What the log lies in.
const LOG_NAMES: [&str; 3] = ["leaf", "payload", "anchor"];

const SEALING_KEY_FILE: &str = "sealing.key";

const SIGNING_KEY_FILE: &str = "signing.key";

/// Refuses the data directory of another system; a new one is taken for good.
pub(super) fn bind_to_system(
    directory: &Path,
    system: &McSystemId,
    is_used: bool,
) -> Result<(), ServiceError> {
    let file = directory.join(SYSTEM_FILE);
    refuse_missing(&file, is_used, || {
        format!("if there is no backup, write `{system}` into it if this data is that system's")
    })?;
    let made = || Ok(format!("{system}\n").into_bytes());
    let found = private_file(&file, made)?;
    let found = String::from_utf8_lossy(&found).trim().to_owned();
    if found == system.as_str() {
        return Ok(());
    }
    Err(ServiceError::OtherSystem {
        directory: directory.to_owned(),
        found,
        asked: system.clone(),
    })
}

/// Whether a log was ever kept there.
fn is_data_directory(directory: &Path) -> bool {
    let names = LOG_NAMES.iter().chain([&SYSTEM_FILE, &META_FILE]);
    names.into_iter().any(|name| directory.join(name).exists())
}

/// Refuses a directory in which no log was ever kept.
pub(super) fn used(directory: &Path) -> Result<&Path, Failure> {
    if is_data_directory(directory) {
        return Ok(directory);
    }
    Err(Failure::Input(format!(
        "`{}` is not the data directory of a service: it holds no log",
        directory.display()
    )))
}

/// Refuses a data directory that was in use and whose log is gone as a whole: a new log would take the place and the
/// name of the lost one. The system is written down only after a first log is durable.
pub(super) fn refuse_lost_log(directory: &Path) -> Result<(), ServiceError> {
    let has_log = LOG_NAMES.iter().any(|name| directory.join(name).exists());
    let was_in_use = directory.join(SYSTEM_FILE).exists();
    refuse_missing(
        &directory.join(LOG_NAMES[0]),
        was_in_use && !has_log,
        || "to begin anew, give the service an empty data directory".to_owned(),
    )
}

/// The key under which configuration is sealed; made once, with the data directory.
pub(super) fn sealing_key(directory: &Path, is_used: bool) -> Result<SealingKey, ServiceError> {
    let file = &directory.join(SEALING_KEY_FILE);
    refuse_missing(file, is_used, || {
        "if there is no backup, write 32 random bytes into it with mode 600: every configuration that was \
         pushed before then counts as changed, and is held when it is pushed again"
            .to_owned()
    })?;
    let bytes = private_file(file, || Ok(random_bytes()?.to_vec()))?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| {
        ServiceError::File(
            file.to_owned(),
            io::Error::new(io::ErrorKind::InvalidData, "not a key of 32 bytes"),
        )
    })?;
    Ok(SealingKey::from_bytes(bytes))
}

/// The key by which the service signs; a missing one is made anew, and what was signed before counts no longer.
pub(super) fn signing_key(directory: &Path) -> Result<SigningKey, ServiceError> {
    let file = &directory.join(SIGNING_KEY_FILE);
    let wrong = |detail: &str| {
        let error = io::Error::new(io::ErrorKind::InvalidData, detail.to_owned());
        ServiceError::File(file.to_owned(), error)
    };
    let bytes = private_file(file, || Ok(random_bytes()?.to_vec()))?;
    let seed: [u8; 32] = bytes
        .try_into()
        .map_err(|_| wrong("not a key of 32 bytes"))?;
    SigningKey::from_seed(&seed).map_err(|error| wrong(&error.to_string()))
}

/// The local operator's token; a missing one is made anew.
pub(super) fn operator_token(directory: &Path) -> Result<Token, ServiceError> {
    let file = &directory.join(OPERATOR_TOKEN_FILE);
    let made = || Ok(format!("{}\n", Token::from_random(random_bytes()?).reveal()).into_bytes());
    let text = String::from_utf8_lossy(&private_file(file, made)?)
        .trim()
        .to_owned();
    text.parse().map_err(|error| {
        ServiceError::File(
            file.to_owned(),
            io::Error::new(io::ErrorKind::InvalidData, error),
        )
    })
}

/// Refuses a data directory that was used and lost a file: a new one in its place would go unnoticed.
pub(super) fn refuse_missing(
    file: &Path,
    is_used: bool,
    otherwise: impl FnOnce() -> String,
) -> Result<(), ServiceError> {
    let wrong = |error| ServiceError::File(file.to_owned(), error);
    if !is_used || file.try_exists().map_err(wrong)? {
        return Ok(());
    }
    Err(ServiceError::Missing {
        file: file.to_owned(),
        otherwise: otherwise(),
    })
}

/// A file that only its owner may read, made whole or not at all; refused if others can read it.
pub(super) fn private_file(
    file: &Path,
    make: impl FnOnce() -> io::Result<Vec<u8>>,
) -> Result<Vec<u8>, ServiceError> {
    let wrong = |error| ServiceError::File(file.to_owned(), error);
    if !file.try_exists().map_err(wrong)? {
        let bytes = make().map_err(wrong)?;
        make_private_file(file, &bytes).map_err(wrong)?;
        return Ok(bytes);
    }
    read_private(file)
}

/// The bytes of a file that only its owner may read; refused if others can.
pub(super) fn read_private(file: &Path) -> Result<Vec<u8>, ServiceError> {
    let wrong = |error| ServiceError::File(file.to_owned(), error);
    let mode = fs::metadata(file).map_err(wrong)?.permissions().mode();
    if mode & 0o077 != 0 {
        let detail = "others than the owner can read it; `chmod 600` it";
        return Err(wrong(io::Error::new(
            io::ErrorKind::PermissionDenied,
            detail,
        )));
    }
    fs::read(file).map_err(wrong)
}

/// Temporary files have mode 0600 from the beginning, so nobody else ever reads the bytes.
fn make_private_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary
        .persist_noclobber(file)
        .map_err(|error| error.error)?;
    fs::File::open(directory)?.sync_all()
}

/// Bytes of the system's randomness.
pub(super) fn random_bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
