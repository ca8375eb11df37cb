//! Asking for approvals: each item becomes a request of its own that waits for a person.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::Denial;
use crate::app::access_request::Purpose;
use crate::app::access_request::TaskAnswer;
use crate::app::access_request::Tuple;
use crate::app::access_request::denial::BoundTo;
use crate::app::access_request::settle::Wanted;
use crate::app::callbacks::Callback;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::permission::Action;
use crate::app::submit::Prepared;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::access::Bundled;
use crate::store::command::BodyDigest;
use crate::store::command::Idempotency;
use crate::store::command::KeyDigest;
use crate::store::command::RequestId;
use crate::store::event::EventBody;

/// Keys of access requests are apart from those of other requests.
const KEY_PREFIX: &str = "access-request ";

const ASKED_BEFORE: &str =
    "an approval was asked for before on the same evaluation; evaluate again";

/// What is asked for at once.
pub struct AccessSubmission {
    /// The items; one where the submission has no list of them.
    pub items: Vec<AskedItem>,
    /// Whether the submission has a list of items.
    pub is_bundled: bool,
    /// Where the caller wants to be called when the task has ended.
    pub callback: Option<Callback>,
    /// What else is said of whoever asks, for the record.
    pub remarks: Map<String, Value>,
    /// The whole body in its canonical form.
    pub canonical: String,
}

impl std::fmt::Debug for AccessSubmission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessSubmission")
            .field("items", &self.items.len())
            .field("is_bundled", &self.is_bundled)
            .finish_non_exhaustive()
    }
}

/// One thing that is asked for.
#[derive(Clone, Debug)]
pub struct AskedItem {
    /// As it was written.
    pub tuple: Tuple,
    /// The evaluation that is said to cover it.
    pub denial: Option<Denial>,
    /// The last moment at which an approval is wanted.
    pub wanted_until: Option<Timestamp>,
    /// What is said of the access that is wanted, for the record.
    pub requested_access: Map<String, Value>,
}

/// The part of a record that says what was submitted; it names people.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "access-request")]
pub(in crate::app) struct AccessRequestPart {
    pub(super) subject: Value,
    pub(super) resource: Value,
    pub(super) action: Value,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) requested_access: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) remarks: Map<String, Value>,
}

impl AccessRequestPart {
    /// Whose it is.
    pub(super) fn whose(&self) -> String {
        let id = self.subject.get("id").and_then(Value::as_str);
        id.unwrap_or("nobody").to_owned()
    }
}

impl App {
    /// Asks for approvals. `read` makes the inter-system request of what an item says.
    pub async fn ask_for_approval(
        &self,
        caller: Caller,
        key: Option<String>,
        submission: AccessSubmission,
        read: impl Fn(&Tuple) -> Result<InterSystemRequest, Vec<Invalid>>,
    ) -> Result<TaskAnswer, AppError> {
        self.permit(&caller, Action::RequestAccess)?;
        self.offered()?;
        let unkeyed = || AppError::Broken("no digest of what is asked".into());
        let body = self.sealing_key().scope(&submission.canonical);
        let body = BodyDigest::of(body.ok_or_else(unkeyed)?.to_string().as_bytes());
        let key = key.map(|key| KeyDigest::of(&caller.name, &format!("{KEY_PREFIX}{key}")));
        let idempotency = key.map(|key| Idempotency { key, body });
        if let Some(task) = self.known_duplicate(idempotency).map_err(duplicate)? {
            return self.task_told(caller, task).await;
        }
        let bound = match self.all_bound(&caller, &submission.items) {
            Ok(bound) => bound,
            Err(error) => match self.submitted_before(&caller, &submission, idempotency)? {
                Some(task) => return self.task_told(caller, task).await,
                None => return Err(error),
            },
        };
        if let Some(callback) = &submission.callback {
            self.check_callback(&caller, callback).await?;
        }
        let (first, further) = self.all_prepared(submission, &bound, idempotency, read)?;
        let task = self
            .sequence_together(caller.clone(), first, further)
            .await
            .map_err(duplicate)?;
        self.task_told(caller, task).await
    }

    /// The task that was submitted under the same key: in this moment, or so long ago that the key is kept no longer,
    /// though the task is.
    fn submitted_before(
        &self,
        caller: &Caller,
        submission: &AccessSubmission,
        idempotency: Option<Idempotency>,
    ) -> Result<Option<RequestId>, AppError> {
        let known = self.known_duplicate(idempotency).map_err(duplicate)?;
        let first = submission.items.first().and_then(|it| it.denial.as_ref());
        let said = first.and_then(|denial| self.said_evaluation(denial));
        let (None, Some(evaluation), Some(idempotency)) = (known, said, idempotency) else {
            return Ok(known);
        };
        let task = self.named_after(evaluation)?;
        let entry = match self.request_entry(task) {
            Ok(entry) if *entry.caller == *caller.name => entry,
            Ok(_) | Err(AppError::UnknownRequest(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let submitted = self.entry(entry.submitted)?;
        let EventBody::Submitted {
            idempotency: Some(before),
            ..
        } = &submitted.event.body
        else {
            return Ok(None);
        };
        if before.key != idempotency.key {
            return Ok(None);
        }
        if before.body == idempotency.body {
            Ok(Some(task))
        } else {
            Err(duplicate(AppError::IdempotencyKeyReused))
        }
    }

    /// All items, ready to be decided: the first has the key of all.
    fn all_prepared(
        &self,
        mut submission: AccessSubmission,
        bound: &[BoundTo],
        idempotency: Option<Idempotency>,
        read: impl Fn(&Tuple) -> Result<InterSystemRequest, Vec<Invalid>>,
    ) -> Result<(Prepared, Vec<Prepared>), AppError> {
        let nothing = || AppError::Invalid(vec![Invalid::at("/items", "there is no item")]);
        let first = bound.first().ok_or_else(nothing)?;
        let task = self.named_after(first.evaluation)?;
        let mut evaluations: Vec<RequestId> = bound.iter().map(|it| it.evaluation).collect();
        let is_called_back = submission.callback.is_some();
        let mut prepared = Vec::new();
        for (number, (item, bound)) in submission.items.into_iter().zip(bound).enumerate() {
            let mut request = read(&item.tuple).map_err(AppError::Invalid)?;
            if request.justification.is_none() {
                request.justification = justification(&item.tuple);
            }
            let bundled = submission.is_bundled.then(|| Bundled {
                number: u32::try_from(number).unwrap_or(u32::MAX),
                // With the first, those of all.
                evaluations: std::mem::take(&mut evaluations),
            });
            let wanted = Wanted {
                task,
                bundled,
                evaluation: bound.evaluation,
                scope: bound.scope,
                until: item.wanted_until,
                is_called_back,
                // With the first, for all.
                callback: submission.callback.take(),
                part: AccessRequestPart {
                    subject: item.tuple.subject,
                    resource: item.tuple.resource,
                    action: item.tuple.action,
                    requested_access: item.requested_access,
                    remarks: submission.remarks.clone(),
                },
            };
            let key = idempotency.filter(|_| number == 0);
            let purpose = Purpose::Approval(Box::new(wanted));
            let id = self.named_after(bound.evaluation)?;
            prepared.push(self.prepared((id, key), request, purpose)?);
        }
        let mut prepared = prepared.into_iter();
        let first = prepared.next().ok_or_else(nothing)?;
        Ok((first, prepared.collect()))
    }

    async fn task_told(&self, caller: Caller, task: RequestId) -> Result<TaskAnswer, AppError> {
        self.aside(move |app| app.task(&caller, task)).await
    }

    /// The evaluations to which the items are bound: each is good for one item of one access request.
    fn all_bound(&self, caller: &Caller, items: &[AskedItem]) -> Result<Vec<BoundTo>, AppError> {
        let mut all: Vec<BoundTo> = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let bound = self.bound(caller, item.denial.as_ref(), &item.tuple)?;
            if let Some(other) = all.iter().position(|it| it.evaluation == bound.evaluation) {
                let detail = format!(
                    "items {other} and {number} name the same evaluation, which is good for one; evaluate for each"
                );
                return Err(AccessProblem::InvalidDenialBinding.with(detail));
            }
            if self.is_there(self.named_after(bound.evaluation)?)? {
                return Err(AccessProblem::InvalidDenialBinding.with(ASKED_BEFORE));
            }
            all.push(bound);
        }
        Ok(all)
    }

    /// The request by which an approval is asked for on an evaluation: one, however often it is asked.
    pub(super) fn named_after(&self, evaluation: RequestId) -> Result<RequestId, AppError> {
        let id = self.sealing_key().request_of_evaluation(evaluation);
        id.ok_or_else(|| AppError::Broken("no name for a request".into()))
    }

    fn is_there(&self, id: RequestId) -> Result<bool, AppError> {
        match self.request_entry(id) {
            Ok(_) => Ok(true),
            Err(AppError::UnknownRequest(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A business justification for reviewers, where the request itself gives none.
fn justification(tuple: &Tuple) -> Option<String> {
    const BYTES_MAX: usize = 4_096;
    let text = tuple.context.get("business_justification")?.as_str()?;
    (!text.trim().is_empty() && text.len() <= BYTES_MAX).then(|| text.to_owned())
}

/// What the profile calls a key that was used before, and a denial that was.
fn duplicate(error: AppError) -> AppError {
    if let AppError::IdempotencyKeyReused = error {
        let detail = "the idempotency key was used before with another body";
        return AccessProblem::DuplicateRequest.with(detail);
    }
    if let AppError::RequestExists = error {
        return AccessProblem::InvalidDenialBinding.with(ASKED_BEFORE);
    }
    error
}
