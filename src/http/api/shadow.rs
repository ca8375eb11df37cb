//! `/v1/shadow`: what would come out under the bundle that follows what is decided.

use axum::Json;
use axum::extract::State;
use axum::response::Response;

use crate::app::shadow::ShadowAnswer;
use crate::http::api::impacts::page_of;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `GET /v1/shadow`.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ShadowAnswer>, Problem> {
    let answer = state.app().shadow(&caller)?;
    answer.map(Json).ok_or_else(none_named)
}

/// `GET /v1/shadow/page`: the same to be read and printed.
pub(super) async fn read_page(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Response, Problem> {
    let answer = state.app().shadow(&caller)?.ok_or_else(none_named)?;
    let following = answer.following.ok_or_else(|| {
        Problem::not_found("no shadow follows yet: what is in its directory did not pass the gate")
    })?;
    Ok(page_of(&following.report))
}

fn none_named() -> Problem {
    Problem::not_found("no shadow is named; the setting `shadow_policies` names its directory")
}
