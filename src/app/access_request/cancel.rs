//! Taking an access request back: every item that still waits is withdrawn.

use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::TaskAnswer;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::withdraw::Withdrawal;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;

impl App {
    /// Takes back what still waits of a task; what has ended stays so.
    pub async fn cancel_task(
        &self,
        caller: Caller,
        task: RequestId,
        reason: String,
    ) -> Result<TaskAnswer, AppError> {
        let (asking, named) = (caller.clone(), task);
        let entries = self
            .aside(move |app| app.task_entries(&asking, Action::ReadRequest, named))
            .await?;
        // Who may read it learns that it is there, and still may not take it back.
        self.permit_on_request(&caller, Action::WithdrawRequest, task)?;
        let mut is_cancelled = false;
        for (entry, _) in entries {
            if !entry.is_open() {
                continue;
            }
            is_cancelled |= self.cancel_item(&caller, entry, &reason).await?;
        }
        if !is_cancelled {
            let detail = "nothing of the task waits any longer";
            return Err(AccessProblem::InvalidTaskState.with(detail));
        }
        self.aside(move |app| app.task(&caller, task)).await
    }

    /// Takes one item back; tells whether that was done here, and not by somebody else in this moment.
    async fn cancel_item(
        &self,
        caller: &Caller,
        mut entry: RequestEntry,
        reason: &str,
    ) -> Result<bool, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let withdrawal = Withdrawal {
                items: None,
                reason: reason.to_owned(),
                withdrawn_by: None,
            };
            let seen = Some(entry.version);
            match self
                .withdraw(caller.clone(), entry.id, withdrawal, seen)
                .await
            {
                Ok(_) => return Ok(true),
                // Somebody answered first.
                Err(AppError::NotPending { .. }) => return Ok(false),
                Err(AppError::RevisionMismatch { .. }) => {}
                Err(error) => return Err(error),
            }
            let id = entry.id;
            entry = self.aside(move |app| app.request_entry(id)).await?;
            if !entry.is_open() {
                return Ok(false);
            }
        }
        Err(AppError::Contended)
    }
}
