//! `/access/v1/requests`: asking for approvals, and what became of that.

use axum::Json;
use axum::body::HttpBody;
use axum::extract::FromRequest;
use axum::extract::Path;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use super::body::Problems;
use super::body::action;
use super::body::entity;
use super::body::members;
use super::body::object;
use super::callback;
use super::mapping;
use crate::app::access_request::AccessProblem;
use crate::app::access_request::AccessSubmission;
use crate::app::access_request::ApprovalResult;
use crate::app::access_request::AskedItem;
use crate::app::access_request::Denial;
use crate::app::access_request::TaskAnswer;
use crate::app::access_request::TaskItem;
use crate::app::access_request::TaskStatus;
use crate::app::access_request::Tuple;
use crate::app::error::AppError;
use crate::domain::time::Timestamp;
use crate::domain::wire::canonical_json;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::idempotency::IdempotencyKey;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;
use crate::store::command::RequestId;

/// How long to wait before a task is read again.
const POLL_SECONDS: u64 = 5;

/// What is recorded of a cancellation that says nothing.
const CANCELLED: &str = "cancelled over AuthZEN";

const REASON_BYTES_MAX: usize = 4_096;

/// How many items can be asked for at once.
const ITEMS_MAX: usize = 100;

/// `POST /access/v1/requests`: 202 while something waits, else 201.
pub(super) async fn submit(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let key = IdempotencyKey::from_headers(&headers)?;
    let app = state.app();
    let submission = submission(body.value(), app.now())?;
    let limits = state.settings().wire;
    let read = |tuple: &Tuple| mapping::read(tuple, limits);
    let task = app
        .ask_for_approval(caller, key.into_text(), submission, read)
        .await
        .map_err(Problem::of_access)?;
    let status = match task.status {
        TaskStatus::Pending => StatusCode::ACCEPTED,
        TaskStatus::Approved
        | TaskStatus::Denied
        | TaskStatus::Expired
        | TaskStatus::Cancelled
        | TaskStatus::Failed
        | TaskStatus::Partial => StatusCode::CREATED,
    };
    told(&state, status, &task)
}

/// `GET /access/v1/requests/{id}`.
pub(super) async fn status(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = task_id(&id)?;
    let reading = state.clone();
    let work = tokio::task::spawn_blocking(move || reading.app().task(&caller, id));
    let task = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))??;
    told(&state, StatusCode::OK, &task)
}

/// `POST` and `DELETE /access/v1/requests/{id}/cancel`; the body need not be there.
pub(super) async fn cancel(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let reason = if request.body().is_end_stream() {
        CANCELLED.to_owned()
    } else {
        let JsonBody(body) = JsonBody::from_request(request, &state).await?;
        cancellation(body.value())?
    };
    let id = task_id(&id)?;
    let task = state
        .app()
        .cancel_task(caller, id, reason)
        .await
        .map_err(Problem::of_access)?;
    told(&state, StatusCode::OK, &task)
}

/// Why, as far as the caller says it.
fn cancellation(body: &Value) -> Result<String, Problem> {
    let mut problems = Problems::default();
    let members = members(body, &mut problems);
    let mut said = Vec::new();
    for name in ["reason", "comment"] {
        match members.as_ref().and_then(|members| members.get(name)) {
            None => {}
            Some(Value::String(text)) => said.push(text.clone()),
            Some(_) => problems.at(&format!("/{name}"), "must be a string"),
        }
    }
    let said = said.join(": ");
    if said.len() > REASON_BYTES_MAX {
        problems.at("", "`reason` and `comment` are longer than 4,096 bytes");
    }
    let reason = if said.trim().is_empty() {
        CANCELLED.to_owned()
    } else {
        said
    };
    problems.finish(Some(reason))
}

/// A task as it is told.
#[derive(Serialize)]
struct Told<'a> {
    task: Handle<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a ApprovalResult>,
}

#[derive(Serialize)]
struct Handle<'a> {
    id: String,
    status: TaskStatus,
    status_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<&'a [TaskItem]>,
}

#[derive(Serialize)]
struct Links {
    cancel: String,
}

fn told(state: &ServiceState, status: StatusCode, task: &TaskAnswer) -> Result<Response, Problem> {
    let offer = state.app().access_offer();
    let offer = offer.ok_or_else(|| Problem::from(AppError::NotOffered))?;
    let mut headers = HeaderMap::new();
    let endpoint = offer.status_endpoint(task.id);
    if status != StatusCode::OK
        && let Ok(location) = HeaderValue::from_str(&endpoint)
    {
        headers.insert(LOCATION, location);
    }
    if task.status == TaskStatus::Pending {
        headers.insert(RETRY_AFTER, HeaderValue::from(POLL_SECONDS));
    }
    let links = task.is_cancellable.then(|| Links {
        cancel: format!("{endpoint}/cancel"),
    });
    let told = Told {
        task: Handle {
            id: task.id.to_string(),
            status: task.status,
            status_endpoint: endpoint,
            expires_at: task.expires_at,
            links,
            items: task.items.as_deref(),
        },
        result: task.result.as_ref(),
    };
    Ok((status, headers, Json(told)).into_response())
}

fn task_id(text: &str) -> Result<RequestId, Problem> {
    let detail = "there is no such task for this caller";
    let unknown = |_| refused(AccessProblem::UnknownTask, detail);
    text.parse().map_err(unknown)
}

fn refused(problem: AccessProblem, detail: &str) -> Problem {
    Problem::from(AppError::Access {
        problem,
        detail: detail.to_owned(),
    })
}

fn submission(body: &Value, now: Timestamp) -> Result<AccessSubmission, Problem> {
    let mut problems = Problems::default();
    let read = members(body, &mut problems);
    let body_members = problems.finish(read)?;
    refuse_claims(&body_members)?;
    let mut problems = Problems::default();
    let callback = callback::read(&body_members, &mut problems);
    let items = items(&body_members, now, &mut problems);
    let items = problems.finish(items)?;
    let mut remarks = Map::new();
    if let Some(client) = body_members.get("client") {
        remarks.insert("client".to_owned(), client.clone());
    }
    Ok(AccessSubmission {
        items,
        is_bundled: body_members.contains_key("items"),
        callback,
        remarks,
        canonical: canonical_json(body),
    })
}

/// Nothing proves an actor whom the caller names, and one callback is of the whole task.
fn refuse_claims(body: &Map<String, Value>) -> Result<(), Problem> {
    let actor = body.get("client").and_then(|client| client.get("actor"));
    if actor.is_some_and(|actor| !actor.is_null()) {
        let detail = "the caller's token proves no actor but the caller itself";
        return Err(refused(AccessProblem::ActorNotVerified, detail));
    }
    let listed = body.get("items").and_then(Value::as_array);
    let mut callbacks = listed.into_iter().flatten().map(|it| it.get("callback"));
    if callbacks.any(|callback| callback.is_some_and(|it| !it.is_null())) {
        let detail = "`callback` stands beside `items`, not in them: it is of the whole task";
        return Err(refused(AccessProblem::CallbackRefused, detail));
    }
    Ok(())
}

fn items(
    body: &Map<String, Value>,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<Vec<AskedItem>> {
    let subject = entity(body.get("subject"), "/subject", problems);
    let context = object(body.get("context"), "/context", problems);
    let mut whole = Asking {
        subject: subject?,
        context,
        access: object(body.get("requested_access"), "/requested_access", problems),
        denial: denial(body.get("denial")),
        now,
        problems,
    };
    let Some(listed) = body.get("items") else {
        return whole.item(body, "").map(|item| vec![item]);
    };
    for name in ["resource", "action"] {
        if body.contains_key(name) {
            let detail = "stands in each of `items`, or there are no `items`";
            whole.problems.at(&format!("/{name}"), detail);
        }
    }
    let listed = match listed.as_array() {
        Some(listed) if (1..=ITEMS_MAX).contains(&listed.len()) => listed,
        Some(_) | None => {
            let detail = format!("must be an array of 1 to {ITEMS_MAX} items");
            whole.problems.at("/items", &detail);
            return None;
        }
    };
    let mut items = Vec::new();
    for (number, item) in listed.iter().enumerate() {
        let pointer = format!("/items/{number}");
        match item.as_object() {
            Some(members) => items.extend(whole.item(members, &pointer)),
            None => whole.problems.at(&pointer, "must be an object"),
        }
    }
    Some(items)
}

/// What a submission says of all its items.
struct Asking<'a> {
    subject: Value,
    context: Map<String, Value>,
    access: Map<String, Value>,
    denial: Option<Denial>,
    now: Timestamp,
    problems: &'a mut Problems,
}

impl Asking<'_> {
    /// One item; at the top, where nothing is listed.
    fn item(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<AskedItem> {
        let place = |name: &str| format!("{pointer}/{name}");
        let resource = entity(members.get("resource"), &place("resource"), self.problems);
        let action = action(members.get("action"), &place("action"), self.problems);
        let mut access = self.access.clone();
        let is_listed = !pointer.is_empty();
        let own = is_listed.then(|| members.get("requested_access")).flatten();
        access.extend(object(own, &place("requested_access"), self.problems));
        let wanted_until = self.wanted_until(&access, &place("requested_access/requested_until"));
        let own = denial(members.get("denial")).filter(|_| is_listed);
        // What covers the whole list was never told: an evaluation is of one thing.
        let denial = if is_listed { own } else { self.denial.clone() };
        Some(AskedItem {
            tuple: Tuple {
                subject: self.subject.clone(),
                resource: resource?,
                action: action?,
                context: self.context.clone(),
            },
            denial,
            wanted_until,
            requested_access: access,
        })
    }

    fn wanted_until(&mut self, access: &Map<String, Value>, place: &str) -> Option<Timestamp> {
        let wanted = access.get("requested_until")?;
        let wanted = wanted.as_str().and_then(|it| it.parse::<Timestamp>().ok());
        match wanted {
            Some(wanted) if wanted > self.now => return Some(wanted),
            Some(_) => self.problems.at(place, "is over already"),
            None => self.problems.at(place, "must be an RFC 3339 time stamp"),
        }
        None
    }
}

fn denial(found: Option<&Value>) -> Option<Denial> {
    let members = found?.as_object()?;
    let text = |name: &str| Some(members.get(name)?.as_str()?.to_owned());
    Some(Denial {
        evaluation_id: text("evaluation_id"),
        expires_at: text("expires_at"),
        binding_token: text("binding_token"),
    })
}
