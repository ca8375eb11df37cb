//! One call: what is said of a task, to whom, as it may be told now.

use serde::Serialize;
use serde_json::Value;

use super::Callback;
use super::book::Book;
use super::sender_to;
use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::TaskAnswer;
use crate::app::access_request::TaskStatus;
use crate::app::error::AppError;
use crate::app::requests::attached_part;
use crate::domain::time::Timestamp;
use crate::outbound::sender::SendError;
use crate::store::command::RequestId;

/// What became of one attempt.
#[derive(Debug)]
pub(super) enum Called {
    /// Whoever was called took it.
    Taken,
    /// It can be tried again.
    Failed(SendError),
    /// The settings do not let it be sent there any more.
    Barred(String),
    /// There is nothing to say: the caller may not read the task any more, or it is told of no longer.
    Hidden,
}

/// What is said: that a task has ended, and how. No approval goes out; whoever is called reads the task.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a Value>,
    task: Ended<'a>,
}

#[derive(Serialize)]
struct Ended<'a> {
    id: &'a str,
    status: TaskStatus,
    status_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl App {
    /// Calls once about a task.
    pub(super) async fn call(&self, book: &Book, task: &str) -> Result<Called, AppError> {
        let until = book.receiver.caller_until;
        if until.is_some_and(|until| self.now() >= until) {
            return Ok(Called::Hidden);
        }
        let Some((callback, answer)) = self.to_be_told(book, task).await? else {
            return Ok(Called::Hidden);
        };
        let sender = match sender_to(book, &callback.endpoint) {
            Ok(sender) => sender,
            Err(detail) => return Ok(Called::Barred(detail)),
        };
        let message = Message {
            state: callback.returned.get("state"),
            task: Ended {
                id: task,
                status: answer.status,
                status_endpoint: self.offered()?.status_endpoint(answer.id),
                expires_at: answer.expires_at,
            },
        };
        let body =
            serde_json::to_vec(&message).map_err(|error| AppError::Broken(Box::new(error)))?;
        let seconds = self.now().as_milliseconds().div_euclid(1_000);
        Ok(match sender.send(task, seconds, body).await {
            Ok(()) => Called::Taken,
            Err(error) => Called::Failed(error),
        })
    }

    /// What the caller wants to be told of a task that has ended, if it may read it and the record still says where.
    pub(super) async fn to_be_told(
        &self,
        book: &Book,
        task: &str,
    ) -> Result<Option<(Callback, TaskAnswer)>, AppError> {
        let Ok(id) = task.parse::<RequestId>() else {
            return Ok(None);
        };
        let caller = book.receiver.caller.clone();
        let told = self.aside(move |app| {
            let answer = app.task(&caller, id)?;
            let first = app.request_entry(id)?;
            let callback: Option<Callback> = attached_part(&app.entry(first.submitted)?);
            Ok((callback.filter(|_| *first.caller == *caller.name), answer))
        });
        match told.await {
            Ok((callback, answer)) => {
                let is_wanted = |it: &Callback| it.events.contains(&answer.status);
                Ok(callback.filter(is_wanted).map(|it| (it, answer)))
            }
            Err(AppError::Access {
                problem: AccessProblem::UnknownTask | AccessProblem::TaskExpired,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
