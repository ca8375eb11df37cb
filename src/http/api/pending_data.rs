//! `/v1/pending-acm-data`: what waits for one user.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use crate::app::error::AppError;
use crate::app::pending_data::PendingAcmData;
use crate::app::pending_data::REQUESTS_MAX;
use crate::domain::identity::McServiceId;
use crate::http::api::limit::page_size;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// The information element of the get request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    mc_service_id: String,
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /v1/pending-acm-data?mc_service_id=…`: all requests that wait for this user, page by page.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<PendingAcmData>, Problem> {
    let Query(asked) = asked
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let user: McServiceId = asked.mc_service_id.parse().map_err(|_| {
        Problem::new(ProblemKind::InvalidRequest, "it is no MC service ID")
            .at_parameter("mc_service_id")
    })?;
    let after = asked.after.as_deref().map(str::parse::<u64>);
    let after = after.transpose().map_err(|_| {
        let detail = "it is no place in the list: send what `next` said";
        Problem::new(ProblemKind::InvalidRequest, detail).at_parameter("after")
    })?;
    let limit = page_size(asked.limit.as_deref(), REQUESTS_MAX)?;
    let work = tokio::task::spawn_blocking(move || {
        state.app().pending_acm_data(&caller, &user, after, limit)
    });
    let found = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))??;
    Ok(Json(found))
}
