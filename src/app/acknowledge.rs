//! Delivery: whoever asked fetches what became of it when they come back, and acknowledges that.
//!
//! An answer is told until it is acknowledged, so at least once. The response to the submission is told with it; what
//! others settle afterwards is to be fetched.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::app::App;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::permission::Action;
use crate::app::respond::check_version;
use crate::decision_log::LogIndex;
use crate::domain::lifecycle::ItemState;
use crate::identity::caller::Caller;
use crate::store::command::Acknowledge;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;

/// How many requests with an answer that was not acknowledged are told at once, at most.
pub const PAGE_UNDELIVERED_MAX: usize = 100;

/// Up to which version whoever asked has seen what became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The version.
    pub version: u64,
}

/// A page of requests.
#[derive(Clone, Debug)]
pub struct RequestPage {
    /// The requests.
    pub requests: Vec<RequestAnswer>,
    /// From where the next page goes on; nothing at the end.
    pub next: Option<u64>,
}

impl App {
    /// Notes what the caller has seen of a request; less than before changes nothing. Where a version is required, it is
    /// the present one.
    pub async fn acknowledge(
        &self,
        caller: Caller,
        id: RequestId,
        seen: Acknowledgement,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        let entry = self.permit_on_request(&caller, Action::AcknowledgeRequest, id)?;
        check_version(id, &entry, required)?;
        if seen.version == 0 || seen.version > entry.version {
            let detail = format!("the request is at version {}", entry.version);
            return Err(AppError::Invalid(vec![Invalid::at("/version", detail)]));
        }
        if seen.version > entry.delivery.acknowledged {
            let command = Acknowledge {
                request_id: id,
                version: seen.version,
                at: self.now(),
            };
            // What reached the journal stands, whether or not the caller waits for it.
            let app = self.clone();
            let work = async move { app.commit(Command::Acknowledge(command)).await };
            let committed = tokio::spawn(work).await;
            match committed.map_err(|error| AppError::OutcomeUnknown(Box::new(error)))? {
                Ok(_) | Err(CommitError::Refused(Refusal::Acknowledged { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.answer_after(&caller, id).await
    }

    /// The caller's own requests with an answer that was not acknowledged, in the order of their submission.
    pub fn undelivered(
        &self,
        caller: &Caller,
        after: Option<u64>,
        limit: usize,
    ) -> Result<RequestPage, AppError> {
        self.permit_on_requests_of(caller, Action::ReadRequest, &caller.name)?;
        let limit = limit.clamp(1, PAGE_UNDELIVERED_MAX);
        let mut found: Vec<(LogIndex, RequestId)> = self.store().view(|state| {
            let due = state.undelivered(&caller.name, after.map(LogIndex));
            due.take(limit + 1).collect()
        });
        let is_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| is_more).map(|(index, _)| index.0);
        let mut requests = Vec::new();
        for (_, id) in found {
            match self.request_answer(id) {
                Ok(answer) => requests.push(self.shown_to(caller, id, answer)),
                // One that cannot be read stays due, and must not hide the others.
                Err(error) => tracing::warn!(request = %id, %error, "left out of what is due"),
            }
        }
        Ok(RequestPage { requests, next })
    }
}

/// In which version each item was last settled.
#[derive(Debug, Default)]
pub(in crate::app) struct Settled(BTreeMap<usize, u64>);

impl Settled {
    /// Takes in what a version made of the items.
    pub(in crate::app) fn take(&mut self, before: &[ItemState], after: &RequestEntry) {
        for (number, state) in after.items.iter().enumerate() {
            if before.get(number) != Some(state) && !state.is_open() {
                self.0.insert(number, after.version);
            }
        }
    }

    /// Whether whoever asked has acknowledged what became of an item.
    pub(in crate::app) fn is_delivered(&self, number: usize, acknowledged: u64) -> bool {
        let settled = self.0.get(&number);
        settled.is_some_and(|settled| acknowledged >= *settled)
    }
}
