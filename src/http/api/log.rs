//! `/v1/log`: how the published log does, and with which keys it is verified.

use axum::Json;
use axum::extract::State;

use crate::app::log::LogStatus;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `GET /v1/log`.
pub(super) async fn status(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<LogStatus>, Problem> {
    Ok(Json(state.app().log_status(&caller)?))
}
