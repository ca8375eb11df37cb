//! `/v1/erasures`: orders to erase personal parts of records.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use crate::app::erasure::ApprovalForm;
use crate::app::erasure::ErasureForm;
use crate::app::erasure::ErasureView;
use crate::app::erasure::RefusalForm;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `POST /v1/erasures`: asks; a second person has to confirm.
pub(super) async fn ask(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let form: ErasureForm = body.typed()?;
    let asked = state.app().ask_erasure(&caller, form).await?;
    let place = [(LOCATION, format!("/v1/erasures/{}", asked.id))];
    Ok((StatusCode::CREATED, place, Json(asked)).into_response())
}

/// `GET /v1/erasures`: every order, the newest first.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, Problem> {
    let erasures = state.app().erasures(&caller).await?;
    Ok(Json(json!({ "erasures": erasures })))
}

/// `GET /v1/erasures/{id}`.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<ErasureView>, Problem> {
    Ok(Json(state.app().erasure(&caller, &id).await?))
}

/// `POST /v1/erasures/{id}/approval`: from then on it is carried out.
pub(super) async fn approve(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let form: ApprovalForm = body.typed()?;
    let approved = state.app().approve_erasure(&caller, &id, &form).await?;
    Ok((StatusCode::ACCEPTED, Json(approved)).into_response())
}

/// `POST /v1/erasures/{id}/refusal`: it never will be.
pub(super) async fn refuse(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<ErasureView>, Problem> {
    let form: RefusalForm = body.typed()?;
    Ok(Json(state.app().refuse_erasure(&caller, &id, &form).await?))
}
