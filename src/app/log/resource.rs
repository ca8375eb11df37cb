//! Resources of the published log, for those who may read it.

use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::permission::Object;
use crate::decision_log::LogSource;
use crate::decision_log::tile::Resource;
use crate::identity::caller::Caller;
use crate::store::embedded::LogReadError;

/// What is answered for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogAnswer {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// There is none, or not yet, and why.
    Unpublished(String),
}

impl App {
    /// Whether a caller may read the published log.
    pub fn permit_log(&self, caller: &Caller) -> Result<(), AppError> {
        let access = &self.0.access;
        access
            .permit(caller, Action::ReadLog, Object::Service)
            .map(drop)
    }

    /// A resource of the published log. Who may read it was asked before.
    pub async fn log_resource(&self, resource: Resource) -> Result<LogAnswer, AppError> {
        let Some((log, _)) = self.store().published_log() else {
            let detail = "no checkpoint is published yet: ask again in a second";
            return Ok(LogAnswer::Unpublished(detail.to_owned()));
        };
        let read = tokio::task::spawn_blocking(move || log.read(resource)).await;
        let read = read.map_err(|error| AppError::Broken(Box::new(error)))?;
        match read {
            Ok(bytes) => Ok(LogAnswer::Bytes(bytes)),
            Err(error @ LogReadError::Unpublished { .. }) => {
                Ok(LogAnswer::Unpublished(error.to_string()))
            }
            Err(error @ (LogReadError::Read(_) | LogReadError::Bundle(_))) => {
                Err(AppError::Broken(Box::new(error)))
            }
        }
    }
}
