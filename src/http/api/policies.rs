//! `/v1/policies`: the bundle in force and the last attempt to change it.

use axum::Json;
use axum::extract::State;

use crate::app::publish::PoliciesAnswer;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `GET /v1/policies`.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<PoliciesAnswer>, Problem> {
    Ok(Json(state.app().policies(&caller)?))
}
