//! What became of an access request: the task, in the words of the profile.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::Offer;
use crate::app::access_request::RELEVANT_CONTEXT;
use crate::app::access_request::ask::AccessRequestPart;
use crate::app::access_request::claims::ApprovalClaims;
use crate::app::access_request::claims::Audience;
use crate::app::access_request::claims::seconds;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::attached_part;
use crate::domain::lifecycle::ItemState;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::signing::SignedType;
use crate::store::access::Asked;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;

/// Where a task or one of its items stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// It waits.
    Pending,
    /// It was approved.
    Approved,
    /// It was denied.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// It was taken back.
    Cancelled,
    /// It could not be completed.
    Failed,
    /// Its items ended differently.
    Partial,
}

impl TaskStatus {
    /// Those with which a task ends.
    pub const ENDS: [Self; 6] = [
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
        Self::Partial,
    ];

    /// The word of the profile.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Partial => "partial",
        }
    }

    fn of(state: ItemState) -> Self {
        match state {
            ItemState::Pending { .. } => Self::Pending,
            // An approval that was revoked ended the task all the same.
            ItemState::Granted | ItemState::Revoked => Self::Approved,
            ItemState::Refused => Self::Denied,
            ItemState::Expired => Self::Expired,
            ItemState::Withdrawn => Self::Cancelled,
            // Nothing of an approval goes to a partner.
            ItemState::AtPartner { .. } | ItemState::Answered { .. } => Self::Failed,
        }
    }

    /// Of several items: what they agree on; while one waits, it waits.
    fn of_all(all: &[Self]) -> Self {
        let mut all = all.iter().copied();
        let Some(first) = all.next() else {
            return Self::Failed;
        };
        all.fold(first, |one, other| match (one, other) {
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (one, other) if one == other => one,
            (_, _) => Self::Partial,
        })
    }
}

/// A task.
#[derive(Clone, Debug)]
pub struct TaskAnswer {
    /// Its name: the first of its requests.
    pub id: RequestId,
    /// Where it stands.
    pub status: TaskStatus,
    /// From when on it is told of no longer.
    pub expires_at: Option<Timestamp>,
    /// Whether this caller may take it back.
    pub is_cancellable: bool,
    /// The approval, where the task has no list of items and this caller may use it.
    pub result: Option<ApprovalResult>,
    /// Its items, where it was submitted with a list of them.
    pub items: Option<Vec<TaskItem>>,
}

/// One item of a task.
#[derive(Clone, Debug, Serialize)]
pub struct TaskItem {
    /// The resource, as it was submitted.
    pub resource: Value,
    /// The action, as it was submitted.
    pub action: Value,
    /// Where it stands.
    pub status: TaskStatus,
    /// The approval, if this caller may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ApprovalResult>,
}

/// What an approval is good for: to evaluate again.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovalResult {
    mode: &'static str,
    approval: ApprovalObject,
}

#[derive(Clone, Debug, Serialize)]
struct ApprovalObject {
    id: String,
    approved_at: Timestamp,
    approved_until: Timestamp,
    state: String,
}

impl App {
    /// A task, for whoever may read its requests; nobody else learns that it is there.
    pub fn task(&self, caller: &Caller, task: RequestId) -> Result<TaskAnswer, AppError> {
        let offer = self.offered()?;
        let entries = self.task_entries(caller, Action::ReadRequest, task)?;
        let handles = entries.iter().map(|(_, asked)| asked.handle_until);
        let expires_at = handles.collect::<Option<Vec<_>>>();
        let expires_at = expires_at.and_then(|all| all.into_iter().max());
        if expires_at.is_some_and(|end| self.now() >= end) {
            let detail = "the task ended too long ago to be told of";
            return Err(AccessProblem::TaskExpired.with(detail));
        }
        let mut items = Vec::new();
        for (entry, asked) in &entries {
            items.push(self.task_item(offer, caller, (entry, asked))?);
        }
        let statuses: Vec<TaskStatus> = items.iter().map(|item| item.status).collect();
        let status = TaskStatus::of_all(&statuses);
        let is_bundled = entries
            .first()
            .is_some_and(|(_, asked)| asked.bundled.is_some());
        let (result, items) = if is_bundled {
            (None, Some(items))
        } else {
            let first = items.into_iter().next();
            (first.and_then(|item| item.result), None)
        };
        Ok(TaskAnswer {
            id: task,
            status,
            expires_at,
            is_cancellable: status == TaskStatus::Pending && self.may_cancel(caller, task),
            result,
            items,
        })
    }

    /// The names of the requests of a task, in the order of its items.
    pub(in crate::app) fn requests_of_task(
        &self,
        task: RequestId,
    ) -> Result<Vec<RequestId>, AppError> {
        let first = self.request_entry(task)?;
        let bundled = first.asked().and_then(|asked| asked.bundled.as_ref());
        let further = bundled.iter().flat_map(|it| &it.evaluations).skip(1);
        let mut all = vec![task];
        for evaluation in further {
            all.push(self.named_after(*evaluation)?);
        }
        Ok(all)
    }

    fn may_cancel(&self, caller: &Caller, task: RequestId) -> bool {
        let permitted = self.permit_on_request(caller, Action::WithdrawRequest, task);
        permitted.is_ok()
    }

    /// The requests of a task, in the order of its items.
    pub(super) fn task_entries(
        &self,
        caller: &Caller,
        action: Action,
        task: RequestId,
    ) -> Result<Vec<(RequestEntry, Asked)>, AppError> {
        let unknown = || AccessProblem::UnknownTask.with("there is no such task for this caller");
        let found = match self.permit_on_request(caller, action, task) {
            Ok(found) => found,
            Err(AppError::UnknownRequest(_) | AppError::Forbidden { .. }) => return Err(unknown()),
            Err(error) => return Err(error),
        };
        let asked = found.asked().filter(|asked| asked.task == task).cloned();
        let first = asked.ok_or_else(unknown)?;
        let evaluations = first.bundled.as_ref().map(|it| it.evaluations.clone());
        let mut entries = vec![(found, first)];
        for evaluation in evaluations.into_iter().flatten().skip(1) {
            match self.request_entry(self.named_after(evaluation)?) {
                Ok(entry) => {
                    let asked = entry.asked().filter(|asked| asked.task == task).cloned();
                    entries.push((entry, asked.ok_or_else(unknown)?));
                }
                // Items were sequenced one by one once, and a submission could stop in the middle.
                Err(AppError::UnknownRequest(_)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    fn task_item(
        &self,
        offer: &Offer,
        caller: &Caller,
        (entry, asked): (&RequestEntry, &Asked),
    ) -> Result<TaskItem, AppError> {
        let state = entry.items.first().copied().unwrap_or(ItemState::Refused);
        let stored = self.entry(entry.submitted)?;
        let part: Option<AccessRequestPart> = attached_part(&stored);
        let (resource, action) = part.map_or((Value::Null, Value::Null), |part| {
            (part.resource, part.action)
        });
        let is_whose = *entry.caller == *caller.name;
        let result = match asked.approval.filter(|_| is_whose) {
            Some(approved) => {
                let claims = ApprovalClaims {
                    iss: offer.decision_point().to_owned(),
                    aud: Audience::One(offer.decision_point().to_owned()),
                    iat: seconds(approved.at),
                    exp: seconds(approved.until),
                    jti: approved.id.to_string(),
                    task_id: asked.task.to_string(),
                    evaluation_id: asked.evaluation.to_string(),
                    binding_context_members: RELEVANT_CONTEXT.map(str::to_owned).to_vec(),
                    client_id: caller.name.clone(),
                };
                let state = self
                    .signing_key()
                    .sign(SignedType::Approval, &claims)
                    .map_err(|error| AppError::Broken(Box::new(error)))?;
                Some(ApprovalResult {
                    mode: "reevaluate",
                    approval: ApprovalObject {
                        id: approved.id.to_string(),
                        approved_at: approved.at,
                        approved_until: approved.until,
                        state,
                    },
                })
            }
            None => None,
        };
        Ok(TaskItem {
            resource,
            action,
            status: TaskStatus::of(state),
            result,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TaskStatus;

    #[test]
    fn a_task_is_partial_only_where_its_items_ended_differently() {
        use TaskStatus::Approved;
        use TaskStatus::Cancelled;
        use TaskStatus::Denied;
        use TaskStatus::Partial;
        use TaskStatus::Pending;
        for (items, task) in [
            (&[Approved][..], Approved),
            (&[Denied, Denied], Denied),
            (&[Approved, Denied], Partial),
            (&[Denied, Approved, Denied], Partial),
            (&[Approved, Denied, Pending], Pending),
            (&[Pending, Approved, Cancelled], Pending),
            (&[Cancelled, Cancelled], Cancelled),
        ] {
            assert_eq!(TaskStatus::of_all(items), task, "{items:?}");
        }
    }
}
