//! `/v1/replays`: recorded decisions again, each under its own archived bundle.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use uuid::Uuid;

use crate::app::jobs::JobAnswer;
use crate::app::recorded::Selection;
use crate::app::replay::ReplayReport;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `POST /v1/replays`: begins one; the answer says where to ask for it.
pub(super) async fn begin(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let selection: Selection = body.typed()?;
    let begun = state.app().begin_replay(&caller, selection)?;
    Ok(accepted("/v1/replays", begun.id, Json(begun)))
}

/// `GET /v1/replays/{id}`: how far it is, and what it found.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<JobAnswer<ReplayReport>>, Problem> {
    Ok(Json(state.app().replay(&caller, &id)?))
}

/// 202, with the place of what was begun.
pub(super) fn accepted(collection: &str, id: Uuid, body: impl IntoResponse) -> Response {
    let place = [(LOCATION, format!("{collection}/{id}"))];
    (StatusCode::ACCEPTED, place, body).into_response()
}
