//! The decision log towards those who trust nobody: checkpoints, resources, proofs.

mod begin;
mod publisher;
mod record;
mod resource;
mod witnesses;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::permission::Object;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::Earlier;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::identity::caller::Caller;

pub(in crate::app) use self::publisher::Publishing;
pub use self::record::PartView;
pub use self::record::RecordView;
pub use self::resource::LogAnswer;
pub use self::witnesses::Ahead;
pub use self::witnesses::Uncosigned;
pub use self::witnesses::Witness;
pub use self::witnesses::Witnesses;

/// As whom the log signs, and by what.
#[derive(Clone, Debug)]
pub struct LogSigner {
    /// The name of the log.
    pub origin: Origin,
    /// The keys that sign each checkpoint: the present one first, then one that it takes over from.
    pub keys: Vec<LogKey>,
    /// The last checkpoint under another name, if it had one before.
    pub after: Option<Earlier>,
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
    /// How many witnesses shall cosign each checkpoint.
    pub witnesses_wanted: usize,
    /// Who cosigned the published one.
    pub cosigned_by: Vec<String>,
    /// Who was asked and did not, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncosigned: Vec<Uncosigned>,
}

impl App {
    /// How the published log does, for who may read it.
    pub fn log_status(&self, caller: &Caller) -> Result<LogStatus, AppError> {
        self.0
            .access
            .permit(caller, Action::ReadLog, Object::Service)?;
        let signer = &self.0.log_signer;
        let published = self.store().published_log();
        let cosigned_by = published.as_ref().and_then(|(_, published)| {
            let checkpoint = SignedCheckpoint::parse(published.text()).ok()?;
            Some(self.0.witnesses.cosigned(&checkpoint))
        });
        let Publishing {
            trouble,
            uncosigned,
        } = self.publishing_of_log().clone();
        Ok(LogStatus {
            origin: signer.origin.to_string(),
            keys: signer
                .keys
                .iter()
                .map(|key| key.public().to_string())
                .collect(),
            durable: self.store().reader().size(),
            published: published.map(|(_, published)| published.head().size),
            trouble,
            witnesses_wanted: self.0.witnesses.wanted(),
            cosigned_by: cosigned_by.unwrap_or_default(),
            uncosigned,
        })
    }
}
