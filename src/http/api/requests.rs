//! `/v1/requests`: submitting, reading and answering inter-system requests.

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;

use crate::app::acknowledge::Acknowledgement;
use crate::app::answer::RequestAnswer;
use crate::app::erased::ErasedRequest;
use crate::app::error::AppError;
use crate::app::report::Report;
use crate::app::respond::ReviewAnswer;
use crate::app::revoke::Revocation;
use crate::app::withdraw::Withdrawal;
use crate::domain::outcome::RequestStatus;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::idempotency::IdempotencyKey;
use crate::http::precondition::required_version;
use crate::http::precondition::required_view;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;

/// `POST /v1/requests`: 202 while an item is pending, else 200; a repeated key gets the request of the first time as it stands.
pub(super) async fn submit(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let request = state.parse_request(&body)?;
    let answer = state.app().submit(caller, key.into_text(), request).await?;
    let status = match answer.status {
        RequestStatus::Pending => StatusCode::ACCEPTED,
        RequestStatus::Accepted
        | RequestStatus::Rejected
        | RequestStatus::Partial
        | RequestStatus::Cleared
        | RequestStatus::Sent
        | RequestStatus::PartnerPending
        | RequestStatus::Withdrawn
        | RequestStatus::Revoked => StatusCode::OK,
    };
    Ok(answered(status, &answer))
}

/// Which view of a request is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    view: Option<String>,
}

/// `GET /v1/requests/{id}`; with `view=partner` only what may leave our system.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let id = request_id(&id)?;
    // A large request takes long to read and to write; no other call waits for it.
    let (service, asking) = (state.clone(), caller.clone());
    let work = tokio::task::spawn_blocking(move || shown(&service, &asking, id, &wanted));
    let shown = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))??;
    match shown {
        Shown::Ours(mut answer) => {
            Box::pin(state.app().tell_seen(&caller, id, &mut answer)).await?;
            Ok(answered(StatusCode::OK, &answer))
        }
        Shown::Erased(erased) => {
            let etag = [(ETAG, format!("\"r{}\"", erased.version))];
            Ok((StatusCode::OK, etag, axum::Json(erased)).into_response())
        }
        Shown::Partners(response) => Ok(response),
    }
}

/// A view of a request.
enum Shown {
    /// What our own people see.
    Ours(Box<RequestAnswer>),
    /// What is left of one of which parts were erased.
    Erased(Box<ErasedRequest>),
    /// What the partner may see.
    Partners(Response),
}

fn shown(
    state: &ServiceState,
    caller: &Caller,
    id: RequestId,
    wanted: &Wanted,
) -> Result<Shown, Problem> {
    match wanted.view.as_deref() {
        None => match state.app().request_and_answerers(caller, id) {
            Err(AppError::RecordErased(_)) => {
                let erased = state.app().erased_request(caller, id)?;
                Ok(Shown::Erased(Box::new(erased)))
            }
            answer => Ok(Shown::Ours(Box::new(answer?))),
        },
        Some("partner") => {
            let (view, version) = state.app().partner_view(caller, id)?;
            let etag = [(ETAG, format!("\"r{version}\""))];
            let response = (StatusCode::OK, etag, axum::Json(view)).into_response();
            Ok(Shown::Partners(response))
        }
        Some(other) => {
            let detail = format!("there is no view `{other}`; `partner` is one");
            Err(Problem::new(ProblemKind::InvalidRequest, detail).at_parameter("view"))
        }
    }
}

/// `POST /v1/requests/{id}/responses`: approve or deny what is pending; `If-Match` names what was seen.
pub(super) async fn respond(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    let required = required_view(&headers)?;
    let answer: ReviewAnswer = body.typed()?;
    let answered_request = state.app().respond(caller, id, answer, required).await?;
    Ok(answered(StatusCode::OK, &answered_request))
}

/// `POST /v1/requests/{id}/reports`: what became of it at the partner; `If-Match` names the version relied on.
pub(super) async fn report(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    let required = required_version(&headers)?;
    let report = Report::read(body.into_value())
        .map_err(|problem| Problem::invalid(vec![(problem.pointer, problem.detail)]))?;
    let answer = state.app().report(caller, id, report, required).await?;
    Ok(answered(StatusCode::OK, &answer))
}

/// `POST /v1/requests/{id}/withdrawal`: whoever asked wants it no longer; `If-Match` names the version seen.
pub(super) async fn withdraw(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    let required = required_version(&headers)?;
    let withdrawal: Withdrawal = body.typed()?;
    let answer = state
        .app()
        .withdraw(caller, id, withdrawal, required)
        .await?;
    Ok(answered(StatusCode::OK, &answer))
}

/// `POST /v1/requests/{id}/revocation`: what was granted is so no longer; `If-Match` names the version seen.
pub(super) async fn revoke(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    let required = required_version(&headers)?;
    let revocation: Revocation = body.typed()?;
    let answer = state.app().revoke(caller, id, revocation, required).await?;
    Ok(answered(StatusCode::OK, &answer))
}

/// `POST /v1/requests/{id}/acknowledgement`: whoever asked has seen what became of it; `If-Match` names the version seen.
pub(super) async fn acknowledge(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    let required = required_version(&headers)?;
    let seen: Acknowledgement = body.typed()?;
    let answer = state.app().acknowledge(caller, id, seen, required).await?;
    Ok(answered(StatusCode::OK, &answer))
}

pub(super) fn request_id(text: &str) -> Result<RequestId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found(format!("there is no request `{text}`")))
}

fn answered(status: StatusCode, answer: &RequestAnswer) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"r{}\"", answer.version)) {
        headers.insert(ETAG, etag);
    }
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/requests/{}", answer.id)) {
        headers.insert(LOCATION, location);
    }
    (status, headers, axum::Json(answer)).into_response()
}
