//! `/v1/grants`: what is granted now with a partner.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use crate::app::affected::PAGE_AFFECTED_MAX;
use crate::app::error::AppError;
use crate::app::grants::Grants;
use crate::app::lapsed::Lapsed;
use crate::domain::identity::McSystemId;
use crate::http::api::limit::page_size;
use crate::http::api::registry::after_document;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// With whom, and which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    partner: String,
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /v1/grants?partner=…&after=KIND/ID&limit=N`.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Grants>, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let partner: McSystemId = wanted.partner.parse().map_err(|_| {
        let detail = format!("`{}` is not an MC system ID", wanted.partner);
        Problem::new(ProblemKind::InvalidRequest, detail).at_parameter("partner")
    })?;
    let after = wanted.after.as_deref().map(after_document).transpose()?;
    let limit = page_size(wanted.limit.as_deref(), PAGE_AFFECTED_MAX)?;
    // The records of the requests are read for it; no other call waits for that.
    let work = tokio::task::spawn_blocking(move || {
        let app = state.app();
        app.grants(&caller, &partner, after.as_ref(), limit)
    });
    let listed = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))?;
    Ok(Json(listed?))
}

/// Which entry, and which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedEntry {
    entry: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /v1/agreements/{id}/revocations?entry=N&after=KIND/ID&limit=N`: what the entry lists that took the agreement out
/// of force.
pub(super) async fn lapsed(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    wanted: Result<Query<WantedEntry>, QueryRejection>,
) -> Result<Json<Lapsed>, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let partner: McSystemId = id
        .parse()
        .map_err(|_| Problem::not_found(format!("`{id}` is not an MC system ID")))?;
    let entry = wanted.entry.as_deref().map(str::parse).transpose();
    let entry = entry.map_err(|_| {
        let detail = "`entry` is the index of an entry of the log";
        Problem::new(ProblemKind::InvalidRequest, detail).at_parameter("entry")
    })?;
    wanted.after.as_deref().map(after_document).transpose()?;
    let limit = page_size(wanted.limit.as_deref(), PAGE_AFFECTED_MAX)?;
    let work = tokio::task::spawn_blocking(move || {
        let page = (wanted.after.as_deref(), limit);
        state.app().lapsed(&caller, &partner, entry, page)
    });
    let lapsed = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))?;
    Ok(Json(lapsed?))
}
