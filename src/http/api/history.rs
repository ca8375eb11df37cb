//! The past of registry documents and policies: `?at=`, `/history` and `/diff`.

use std::str::FromStr;

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;

use crate::app::history::DocumentDiff;
use crate::app::history::DocumentHistory;
use crate::app::history::Moment;
use crate::app::history::PoliciesDiff;
use crate::app::history::PoliciesHistory;
use crate::http::api::registry::document_key;
use crate::http::api::registry::etag;
use crate::http::api::registry::present;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// At which moment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    at: Option<String>,
}

/// Between which moments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /v1/{kind}/{id}`: the document; its revision is the entity tag. With `at`, as it was then, and how it came to be
/// so.
pub(super) async fn read_document(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((kind, id)): Path<(String, String)>,
    asked: Result<Query<At>, QueryRejection>,
) -> Result<Response, Problem> {
    let key = document_key(&kind, &id)?;
    let Some(at) = moment("at", parameters(asked)?.at.as_deref())? else {
        return present(&state, &caller, &key);
    };
    let past = state.app().document_at(&caller, key, at).await?;
    Ok((etag(past.version.revision), Json(past)).into_response())
}

/// `GET /v1/{kind}/{id}/history`: all that became of the document, and by whose doing.
pub(super) async fn of_document(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<DocumentHistory>, Problem> {
    let key = document_key(&kind, &id)?;
    Ok(Json(state.app().document_history(&caller, key).await?))
}

/// `GET /v1/{kind}/{id}/diff?from=…&to=…`: how the document differs between two moments; without `to`, from now.
pub(super) async fn diff_of_document(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((kind, id)): Path<(String, String)>,
    asked: Result<Query<Between>, QueryRejection>,
) -> Result<Json<DocumentDiff>, Problem> {
    let key = document_key(&kind, &id)?;
    let Between { from, to } = parameters(asked)?;
    let from = moment("from", from.as_deref())?.ok_or_else(|| missing("from"))?;
    let to = moment("to", to.as_deref())?.unwrap_or(Moment::Index(u64::MAX));
    let diff = state.app().document_diff(&caller, key, (from, to)).await?;
    Ok(Json(diff))
}

/// `GET /v1/policies`: the bundle in force and the last attempt to change it. With `at`, the one in force then.
pub(super) async fn read_policies(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    asked: Result<Query<At>, QueryRejection>,
) -> Result<Response, Problem> {
    match moment("at", parameters(asked)?.at.as_deref())? {
        None => Ok(Json(state.app().policies(&caller)?).into_response()),
        Some(at) => Ok(Json(state.app().policies_at(&caller, at).await?).into_response()),
    }
}

/// `GET /v1/policies/history`: every bundle that came into force, and every one that was refused.
pub(super) async fn of_policies(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<PoliciesHistory>, Problem> {
    Ok(Json(state.app().policies_history(&caller).await?))
}

/// `GET /v1/policies/diff?from=…&to=…`: how two bundles differ, by digest or by a moment; without `to`, from the one in
/// force.
pub(super) async fn diff_of_policies(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    asked: Result<Query<Between>, QueryRejection>,
) -> Result<Json<PoliciesDiff>, Problem> {
    let Between { from, to } = parameters(asked)?;
    let from = from.ok_or_else(|| missing("from"))?;
    let to = to.unwrap_or_else(|| u64::MAX.to_string());
    let diff = state.app().policies_diff(&caller, from, to).await?;
    Ok(Json(diff))
}

fn parameters<T>(asked: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let asked = asked.map(|Query(asked)| asked);
    asked.map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<Moment>, Problem> {
    text.map(Moment::from_str)
        .transpose()
        .map_err(|detail| Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name))
}

fn missing(name: &str) -> Problem {
    let detail = format!("`{name}` is missing: name a time or a revision");
    Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name)
}
