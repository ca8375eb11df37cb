//! Replay while the service runs: a job that a caller may ask for who may read records.

use crate::app::App;
use crate::app::error::AppError;
use crate::app::jobs::JobAnswer;
use crate::app::permission::Action;
use crate::app::recorded::Selection;
use crate::app::replay::Replay;
use crate::app::replay::ReplayReport;
use crate::identity::caller::Caller;

impl App {
    /// Begins to replay what is in the log now and wanted.
    pub fn begin_replay(
        &self,
        caller: &Caller,
        selection: Selection,
    ) -> Result<JobAnswer<ReplayReport>, AppError> {
        self.permit(caller, Action::ReadRecords)?;
        selection.check().map_err(AppError::Invalid)?;
        let (reader, archive) = (self.store().reader(), self.archive().clone());
        let origin = self.store().started().origin;
        let workers = self.job_workers();
        let wanted = serde_json::to_string(&selection).unwrap_or_default();
        let by = (caller.name.as_str(), self.now());
        let begun = self.replays().begin(by, move |job| {
            let replay = Replay::new(reader, (origin, &archive), workers);
            let begun = replay.begin(selection);
            let reached = replay.go_on(begun, |reached| {
                job.heard(reached.done(), reached.entries())
            })?;
            if reached.is_whole() {
                Ok(reached.into_report())
            } else {
                Err(AppError::Broken("the service ended before it".into()))
            }
        })?;
        tracing::info!(caller = caller.name, id = %begun.id, wanted, "a replay begins");
        Ok(begun)
    }

    /// Where a replay stands, and what it found.
    pub fn replay(&self, caller: &Caller, id: &str) -> Result<JobAnswer<ReplayReport>, AppError> {
        self.permit(caller, Action::ReadRecords)?;
        self.replays().find(id)
    }
}
