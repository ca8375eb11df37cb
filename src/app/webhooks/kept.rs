//! What is kept of a webhook over restarts: how far it has come, and what did not arrive.
//!
//! The file is small, and written whole or not at all. Without it the webhook begins again where the settings say:
//! events are repeated then, and none is left out.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::kept_file;
use crate::domain::time::Timestamp;

/// How many messages may lie aside; then the webhook stops rather than lose one.
pub const DEAD_LETTERS_MAX: usize = 1_000;

/// What is kept of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The log of which it tells.
    pub(super) log: Uuid,
    /// The last event that is done with: arrived, laid aside, or not wanted.
    pub(super) after: String,
    /// What did not arrive, by the name of the event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) dead: BTreeMap<String, DeadLetter>,
    /// Why nothing is sent until somebody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) paused: Option<String>,
}

/// A message that did not arrive, however often it was tried. What it says stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// The type of the event.
    pub r#type: String,
    /// When it was tried last.
    pub failed_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What was wrong the last time.
    pub error: String,
}

impl Kept {
    /// Reads what was kept; what cannot be read counts as lost.
    pub(super) fn read(file: &Path) -> Option<Self> {
        kept_file::read(file)
    }

    /// Writes it; durable on return.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        kept_file::write(file, self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::DeadLetter;
    use super::Kept;
    use crate::domain::time::Timestamp;

    #[test]
    fn what_is_kept_is_read_back_and_what_is_broken_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("webhooks/one.json");
        assert_eq!(Kept::read(&file), None);
        let dead = DeadLetter {
            r#type: "request.submitted".to_owned(),
            failed_at: Timestamp::from_milliseconds(5),
            attempts: 20,
            error: "the receiver answered 500".to_owned(),
        };
        let kept = Kept {
            log: uuid::Uuid::from_u128(7),
            after: "42-1".to_owned(),
            dead: BTreeMap::from([("41".to_owned(), dead)]),
            paused: None,
        };
        kept.write(&file).unwrap();
        assert_eq!(Kept::read(&file), Some(kept));
        std::fs::write(&file, "{\"log\":").unwrap();
        assert_eq!(Kept::read(&file), None);
    }
}
