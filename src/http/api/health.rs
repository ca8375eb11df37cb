//! Whether the service can do its work, and its metrics.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::app::permission::Action;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /readyz`: 200 when requests can be decided and recorded, else 503; the body says what is the matter.
pub(super) async fn ready(State(state): State<ServiceState>) -> Response {
    let mut health = state.app().health();
    health.ready &= !state.is_draining();
    let status = if health.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health)).into_response()
}

/// `GET /metrics`, in the `OpenMetrics` text format.
pub(super) async fn metrics(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Response, Problem> {
    state.app().permit(&caller, Action::ReadMetrics)?;
    Ok(([(CONTENT_TYPE, OPENMETRICS)], state.app().metrics_text()).into_response())
}
