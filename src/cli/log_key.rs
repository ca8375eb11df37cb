//! The key of the published log in a data directory, and what it was called before.

use std::fs;
use std::io;
use std::path::Path;

use super::data_directory::private_file;
use super::data_directory::random_bytes;
use super::data_directory::refuse_missing;
use super::service::ServiceError;
use crate::app::log::LogSigner;
use crate::decision_log::checkpoint::Earlier;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::checkpoint::signing_key_text;

/// The keys that sign the log, one a line.
pub(super) const LOG_KEY_FILE: &str = "log.key";

/// The last checkpoint under the name that the log had before.
pub(super) const PREVIOUS_CHECKPOINT_FILE: &str = "checkpoint.previous";

/// As whom the log signs; a key is made once, with the first checkpoint.
///
/// The file holds one key a line: the present one first, then one that it takes over from, which goes on signing until its
/// line is taken out.
pub(super) fn log_signer(
    directory: &Path,
    origin: &Origin,
    has_published: bool,
) -> Result<LogSigner, ServiceError> {
    let file = &directory.join(LOG_KEY_FILE);
    refuse_missing(file, has_published, || {
        "if there is no backup, put a new key in its place with `comity log rotate-key --lost`: checkpoints from before \
         are verified with the old key, which its readers keep"
            .to_owned()
    })?;
    let wrong = |detail: String| {
        let error = io::Error::new(io::ErrorKind::InvalidData, detail);
        ServiceError::File(file.to_owned(), error)
    };
    let made = || {
        let text = signing_key_text(origin, &random_bytes()?).map_err(io::Error::other)?;
        Ok(format!("{}\n", *text).into_bytes())
    };
    let bytes = private_file(file, made)?;
    let text = String::from_utf8_lossy(&bytes);
    let keys: Vec<LogKey> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| LogKey::parse(line.trim()))
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    let foreign = keys.iter().find(|key| key.name() != origin.as_str());
    if let Some(key) = foreign {
        let name = key.name();
        return Err(wrong(format!(
            "it is the key of log `{name}`, and the log is to be called `{origin}`: set `decision_log_origin` to `{name}`, \
             or begin a new origin with `comity log begin-origin`"
        )));
    }
    if keys.is_empty() {
        return Err(wrong("it holds no key".to_owned()));
    }
    Ok(LogSigner {
        origin: origin.clone(),
        keys,
        after: earlier(directory)?,
    })
}

/// The last checkpoint under the name before, if there was one.
fn earlier(directory: &Path) -> Result<Option<Earlier>, ServiceError> {
    let file = directory.join(PREVIOUS_CHECKPOINT_FILE);
    let wrong = |error| ServiceError::File(file.clone(), error);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error)),
    };
    let signed = SignedCheckpoint::parse(&text)
        .map_err(|error| wrong(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Some(signed.unverified().into()))
}
