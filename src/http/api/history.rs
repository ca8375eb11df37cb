//! The past of registry documents and policies: `?at=`, `/history` and `/diff`.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::app::history::DocumentDiff;
use crate::app::history::DocumentHistory;
use crate::app::history::Moment;
use crate::app::history::PoliciesDiff;
use crate::app::history::PoliciesHistory;
use crate::http::api::parameters::Asked;
use crate::http::api::parameters::Parameters;
use crate::http::api::parameters::invalid;
use crate::http::api::registry::document_key;
use crate::http::api::registry::etag;
use crate::http::api::registry::present;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// `GET /v1/{kind}/{id}`: the document; its revision is the entity tag. With `at`, as it was then, and how it came to be
/// so.
pub(super) async fn read_document(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((kind, id)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let key = document_key(&kind, &id)?;
    let Some(at) = Parameters::read(asked, &["at"])?.parsed("at")? else {
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
    asked: Asked,
) -> Result<Json<DocumentDiff>, Problem> {
    let key = document_key(&kind, &id)?;
    let asked = Parameters::read(asked, &["from", "to"])?;
    let from = asked.parsed("from")?.ok_or_else(missing)?;
    let to = asked.parsed("to")?.unwrap_or(Moment::Index(u64::MAX));
    let diff = state.app().document_diff(&caller, key, (from, to)).await?;
    Ok(Json(diff))
}

/// `GET /v1/policies`: the bundle in force and the last attempt to change it. With `at`, the one in force then.
pub(super) async fn read_policies(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    asked: Asked,
) -> Result<Response, Problem> {
    match Parameters::read(asked, &["at"])?.parsed("at")? {
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
    asked: Asked,
) -> Result<Json<PoliciesDiff>, Problem> {
    let asked = Parameters::read(asked, &["from", "to"])?;
    let from = asked.get("from").ok_or_else(missing)?.to_owned();
    let to = asked.get("to").map(str::to_owned);
    let to = to.unwrap_or_else(|| u64::MAX.to_string());
    let diff = state.app().policies_diff(&caller, from, to).await?;
    Ok(Json(diff))
}

fn missing() -> Problem {
    invalid(
        "from",
        "it is missing: name a time or a revision".to_owned(),
    )
}
