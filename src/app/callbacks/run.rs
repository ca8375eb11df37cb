//! The work of one receiver: what ended in the log is called, several at once, each as often as it takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::book::Book;
use super::call::Called;
use crate::app::App;
use crate::app::access_request::TaskStatus;
use crate::app::error::AppError;
use crate::app::webhooks::DeadLetter;
use crate::app::webhooks::chance;
use crate::decision_log::LogIndex;
use crate::outbound::sender::SendError;
use crate::store::access::Access;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
use crate::store::event::EventBody;

/// How long nothing is tried after the log could not be read.
const RECOVERY: Duration = Duration::from_secs(5);

/// So many are called at once: who does not answer holds up nobody else.
const AT_ONCE_MAX: usize = 8;

/// How many entries are read at once.
const ENTRIES_AT_ONCE_MAX: u64 = 64;

/// Entries with which nothing ended are passed over without a note, up to so many: they would be looked at again.
const UNNOTED_ENTRIES_MAX: u64 = 1_000;

impl App {
    pub(super) async fn run_callbacks_of(&self, book: &Arc<Book>) {
        loop {
            if let Err(error) = self.call_back(book).await {
                let name = &book.receiver.name;
                tracing::warn!(callbacks = %name, %error, "callbacks cannot go on yet");
            }
            tokio::time::sleep(RECOVERY).await;
        }
    }

    async fn call_back(&self, book: &Arc<Book>) -> Result<(), AppError> {
        let mut appended = self.appended();
        let mut calls = JoinSet::new();
        let mut noted = book.entries();
        // Calls that were cut off are made again.
        book.take_up();
        loop {
            appended.borrow_and_update();
            while let Some(joined) = calls.try_join_next() {
                joined.map_err(|error| AppError::Broken(Box::new(error)))?;
            }
            let is_behind = self.look_on(book, &mut noted).await?;
            for task in book.take_due(AT_ONCE_MAX.saturating_sub(calls.len())) {
                let (app, book) = (self.clone(), Arc::clone(book));
                calls.spawn(async move { app.try_call(&book, &task).await });
            }
            if is_behind {
                continue;
            }
            let next = book.next_due().filter(|_| calls.len() < AT_ONCE_MAX);
            tokio::select! {
                changed = appended.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
                Some(joined) = calls.join_next() => {
                    joined.map_err(|error| AppError::Broken(Box::new(error)))?;
                }
                () = until(next) => {}
            }
        }
    }

    /// Looks at the next entries; tells whether there are more. What ended is noted before anybody is called.
    async fn look_on(&self, book: &Arc<Book>, noted: &mut u64) -> Result<bool, AppError> {
        let from = book.entries();
        let applied = self.store().view(|state| state.applied().0);
        if from > applied {
            let name = &book.receiver.name;
            tracing::warn!(callbacks = %name, "the log is shorter than what was looked at; it is looked at again");
            book.note(0, Vec::new(), self.now());
            *noted = 0;
            return Ok(true);
        }
        let to = applied.min(from.saturating_add(ENTRIES_AT_ONCE_MAX));
        if from >= to {
            return Ok(false);
        }
        let looked_at = Arc::clone(book);
        let found = self.aside(move |app| {
            let mut found = Vec::new();
            for index in from..to {
                found.extend(app.tasks_ended_with(&looked_at, &app.entry(LogIndex(index))?)?);
            }
            Ok(found)
        });
        let mut tasks = Vec::new();
        for task in found.await? {
            let task = task.to_string();
            if let Some((_, answer)) = self.to_be_told(book, &task).await? {
                tasks.push((task, answer.status));
            }
        }
        let is_worth_it = !tasks.is_empty() || to.saturating_sub(*noted) >= UNNOTED_ENTRIES_MAX;
        book.note(to, tasks, self.now());
        if is_worth_it {
            *noted = to;
            self.keep_book(book).await;
        }
        Ok(to < applied)
    }

    /// The tasks of a receiver's caller, of those with a callback, that ended with this entry.
    fn tasks_ended_with(
        &self,
        book: &Book,
        stored: &StoredEntry,
    ) -> Result<Vec<RequestId>, AppError> {
        let event = &stored.event;
        if let EventBody::Submitted { access, .. } = &event.body
            && event.interrupted.is_empty()
            && !is_called_back(access.as_deref())
        {
            return Ok(Vec::new());
        }
        let caller = &book.receiver.caller;
        let ended = self.ended_with(stored, |entry| {
            *entry.caller == *caller.name && is_called_back(entry.access.as_deref())
        })?;
        let mut tasks = Vec::new();
        for task in ended.iter().filter_map(|it| Some(it.asked()?.task)) {
            if !tasks.contains(&task) && self.task_ended_at(task)? == Some(stored.index) {
                tasks.push(task);
            }
        }
        Ok(tasks)
    }

    /// The entry with which the last item of a task ended.
    fn task_ended_at(&self, task: RequestId) -> Result<Option<LogIndex>, AppError> {
        let mut last = None;
        for id in self.requests_of_task(task)? {
            match self.ended_at(id)? {
                Some(index) => last = last.max(Some(index)),
                None => return Ok(None),
            }
        }
        Ok(last)
    }

    /// Calls about a task, and notes what became of it.
    async fn try_call(&self, book: &Arc<Book>, task: &str) {
        match self.call(book, task).await {
            Ok(Called::Taken | Called::Hidden) => book.done(task),
            Ok(Called::Failed(error)) => {
                let attempts = book.failed(task);
                let backoff = book.receiver.backoff;
                tracing::debug!(callbacks = %book.receiver.name, task, attempts, %error, "nobody took a call yet");
                if error == SendError::Gone || attempts >= backoff.attempts_max {
                    self.lay_aside_call(book, task, (error.to_string(), attempts))
                        .await;
                } else {
                    book.put_off(task, backoff.after(attempts, chance()));
                }
            }
            Ok(Called::Barred(detail)) => {
                let attempts = book.failed(task);
                self.lay_aside_call(book, task, (detail, attempts)).await;
            }
            Err(error) => {
                tracing::warn!(callbacks = %book.receiver.name, task, %error, "a call cannot be made yet");
                book.put_off(task, RECOVERY);
                return;
            }
        }
        self.keep_book(book).await;
    }

    async fn lay_aside_call(&self, book: &Arc<Book>, task: &str, (error, attempts): (String, u32)) {
        tracing::warn!(callbacks = %book.receiver.name, task, error, "nobody took a call, and it is laid aside");
        let told = self.to_be_told(book, task).await.ok().flatten();
        let status = told.map_or(TaskStatus::Failed, |(_, answer)| answer.status);
        let letter = DeadLetter {
            r#type: status.as_str().to_owned(),
            failed_at: self.now(),
            attempts,
            error,
        };
        book.lay_aside(task, letter);
    }

    /// Writes down how far a receiver has come. Where that fails, calls are repeated after the next start.
    pub(super) async fn keep_book(&self, book: &Arc<Book>) {
        let kept = Arc::clone(book);
        let written = tokio::task::spawn_blocking(move || kept.write()).await;
        let name = &book.receiver.name;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(callbacks = %name, %error, "how far callbacks have come cannot be written");
            }
            Err(error) => {
                tracing::error!(callbacks = %name, %error, "a note of callbacks was not written");
            }
        }
    }
}

fn is_called_back(access: Option<&Access>) -> bool {
    match access {
        Some(Access::Approval(asked)) => asked.callback,
        Some(Access::Evaluation { .. }) | None => false,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
