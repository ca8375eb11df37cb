//! The decision log towards those who trust nobody: checkpoints, resources, proofs.

mod publisher;
mod resource;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::permission::Object;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::checkpoint::Origin;
use crate::identity::caller::Caller;

pub use self::resource::LogAnswer;

/// As whom the log signs, and by what.
#[derive(Clone, Debug)]
pub struct LogSigner {
    /// The name of the log.
    pub origin: Origin,
    /// The keys that sign each checkpoint: the present one first, then one that it takes over from.
    pub keys: Vec<LogKey>,
}

/// Who may read the published log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogReaders {
    /// Callers whom the access bundle lets read it.
    #[default]
    Callers,
    /// Everybody who reaches the address: leaves name no partner, subject or category.
    Anybody,
}

/// How the published log does.
#[derive(Clone, Debug, Serialize)]
pub struct LogStatus {
    /// The name of the log.
    pub origin: String,
    /// The keys that its checkpoints are verified with, the present one first.
    pub keys: Vec<String>,
    /// How many entries are durable.
    pub durable: TreeSize,
    /// How many of them are published; absent before the first checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<TreeSize>,
    /// Why the last checkpoint was not published; absent if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl App {
    /// How the published log does, for who may read it.
    pub fn log_status(&self, caller: &Caller) -> Result<LogStatus, AppError> {
        self.0
            .access
            .permit(caller, Action::ReadLog, Object::Service)?;
        let signer = &self.0.log_signer;
        let published = self.store().published_log();
        Ok(LogStatus {
            origin: signer.origin.to_string(),
            keys: signer
                .keys
                .iter()
                .map(|key| key.public().to_string())
                .collect(),
            durable: self.store().reader().size(),
            published: published.map(|(_, published)| published.head().size),
            trouble: self.log_trouble(),
        })
    }
}
