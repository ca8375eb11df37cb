//! Small files that say how far something has come: written whole or not at all, and no truth. What cannot be read counts
//! as lost.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::replaced_file::replace;

/// Reads what was kept.
pub(in crate::app) fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "what was sent before cannot be read; it is repeated");
            return None;
        }
    };
    serde_json::from_slice(&text)
        .inspect_err(|error| {
            tracing::warn!(%error, file = %file.display(), "what was sent before is not understood; it is repeated");
        })
        .ok()
}

/// Writes it; durable on return.
pub(in crate::app) fn write(file: &Path, kept: &impl Serialize) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    replace(file, &serde_json::to_vec(kept)?)
}
