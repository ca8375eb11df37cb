//! `/v1/decisions`: what would be answered now, explained, without consequence.

use axum::Json;
use axum::extract::State;

use crate::app::answer::DryRunAnswer;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `POST /v1/decisions`.
pub(super) async fn dry_run(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
) -> Result<Json<DryRunAnswer>, Problem> {
    let request = state.parse_request(&body)?;
    Ok(Json(state.app().dry_run(&caller, request).await?))
}
