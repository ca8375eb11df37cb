//! Obligations: what became of each, and which are not done.

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use crate::app::error::AppError;
use crate::app::obligations::Filter;
use crate::app::obligations::ObligationReport;
use crate::app::obligations::PAGE_OBLIGATIONS_MAX;
use crate::app::obligations::Place;
use crate::app::obligations::WantedState;
use crate::domain::obligation::InvalidObligationId;
use crate::domain::obligation::ObligationId;
use crate::http::api::limit::page_size;
use crate::http::api::requests::request_id;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::precondition::required_version;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// `POST /v1/requests/{id}/obligations/{obligation}`: done or failed; `If-Match` names the version relied on.
pub(super) async fn report(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((id, obligation)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    let obligation: ObligationId = obligation
        .parse()
        .map_err(|error: InvalidObligationId| Problem::not_found(error.to_string()))?;
    let required = required_version(&headers)?;
    let report: ObligationReport = body.typed()?;
    let about = (id, obligation);
    let app = state.app();
    let (answer, version) = app
        .report_obligation(caller, about, report, required)
        .await?;
    let etag = [(ETAG, format!("\"r{version}\""))];
    Ok((StatusCode::OK, etag, axum::Json(answer)).into_response())
}

/// Which obligations, and from where on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    state: Option<String>,
    partner: Option<String>,
    system: Option<String>,
    function: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /v1/obligations`: those that are not done, the earliest due first.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let words = WantedState::WORDS.join("`, `");
    let filter = Filter {
        state: parsed("state", wanted.state, &format!("it is one of `{words}`"))?,
        partner: parsed("partner", wanted.partner, "it is no MC system ID")?,
        system: parsed("system", wanted.system, "it is no MC system ID")?,
        function: wanted.function,
    };
    let place = "it is no place in the list; send `next` as it was answered";
    let after: Option<Place> = parsed("after", wanted.after, place)?;
    let limit = page_size(wanted.limit.as_deref(), PAGE_OBLIGATIONS_MAX)?;
    let work = tokio::task::spawn_blocking(move || {
        let app = state.app();
        app.unfinished_obligations(&caller, &filter, after, limit)
    });
    let found = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))??;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|last| last.place().to_string());
    Ok(axum::Json(json!({ "obligations": found, "next": next })).into_response())
}

fn parsed<T: std::str::FromStr>(
    name: &str,
    text: Option<String>,
    wrong: &str,
) -> Result<Option<T>, Problem> {
    let refused = |_| Problem::new(ProblemKind::InvalidRequest, wrong).at_parameter(name);
    text.map(|text| text.parse().map_err(refused)).transpose()
}
