//! Taking an access request back: every item that still waits is withdrawn.

use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::TaskAnswer;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::withdraw::Withdrawal;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;

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
            let withdrawal = Withdrawal {
                items: None,
                reason: reason.clone(),
                withdrawn_by: None,
            };
            match self
                .withdraw(caller.clone(), entry.id, withdrawal, None)
                .await
            {
                Ok(_) => is_cancelled = true,
                // Somebody answered first.
                Err(AppError::NotPending { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if !is_cancelled {
            let detail = "nothing of the task waits any longer";
            return Err(AccessProblem::InvalidTaskState.with(detail));
        }
        self.aside(move |app| app.task(&caller, task)).await
    }
}
