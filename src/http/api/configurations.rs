//! `/v1/ue-configurations/{system}`: the configuration that a partner pushed and that was accepted, by version.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;

use crate::app::configuration::ChangesAnswer;
use crate::app::configuration::VersionsAnswer;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKind;
use crate::http::api::limit::page_size;
use crate::http::api::registry;
use crate::http::api::registry::etag;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

const PAGE_VERSIONS_MAX: usize = 1_000;

/// Which version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    version: Option<String>,
}

/// Which page of the versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    before: Option<String>,
    limit: Option<String>,
}

/// Which versions are compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /v1/ue-configurations/{system}?version=N`: the data without its secrets, the newest unless a version is named.
pub(super) async fn read(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(system): Path<String>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let provider = provider(&system)?;
    let version = number("version", query(which)?.version.as_deref())?;
    let found = state.app().ue_configuration(&caller, &provider, version)?;
    Ok((etag(found.revision), Json(found.value)).into_response())
}

/// `GET /v1/ue-configurations/{system}/versions?before=N&limit=N`: newest first.
pub(super) async fn versions(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(system): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<VersionsAnswer>, Problem> {
    let provider = provider(&system)?;
    let page = query(page)?;
    let before = number("before", page.before.as_deref())?;
    let limit = page_size(page.limit.as_deref(), PAGE_VERSIONS_MAX)?;
    let app = state.app();
    let versions = app.ue_configuration_versions(&caller, &provider, before, limit)?;
    Ok(Json(versions))
}

/// `GET /v1/ue-configurations/{system}/changes?from=N&to=N`: which elements differ, never their values.
pub(super) async fn changes(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(system): Path<String>,
    pair: Result<Query<Pair>, QueryRejection>,
) -> Result<Json<ChangesAnswer>, Problem> {
    let provider = provider(&system)?;
    let pair = query(pair)?;
    let from = number("from", pair.from.as_deref())?;
    let to = number("to", pair.to.as_deref())?;
    let app = state.app();
    let changes = app.ue_configuration_changes(&caller, &provider, from, to)?;
    Ok(Json(changes))
}

/// `GET /v1/ue-configurations/{system}/secrets?version=N`: the secrets in clear; that they were read is recorded.
pub(super) async fn secrets(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(system): Path<String>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let provider = provider(&system)?;
    let version = number("version", query(which)?.version.as_deref())?;
    let app = state.app();
    let secrets = app
        .ue_configuration_secrets(&caller, &provider, version)
        .await?;
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((headers, Json(secrets)).into_response())
}

/// `PUT`: refused, as configuration is written by the decision that accepts it.
pub(super) async fn write(
    state: State<ServiceState>,
    caller: Authenticated,
    Path(system): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    let path = Path((DocumentKind::UeConfiguration.plural().to_owned(), system));
    registry::write(state, caller, path, headers, body).await
}

/// `DELETE` with `If-Match`: the newest version is forgotten, and the next push is a first one.
pub(super) async fn delete(
    state: State<ServiceState>,
    caller: Authenticated,
    Path(system): Path<String>,
    headers: HeaderMap,
) -> Result<axum::http::StatusCode, Problem> {
    let path = Path((DocumentKind::UeConfiguration.plural().to_owned(), system));
    registry::delete(state, caller, path, headers).await
}

fn provider(system: &str) -> Result<McSystemId, Problem> {
    system
        .parse()
        .map_err(|_| Problem::not_found(format!("`{system}` cannot name an MC system")))
}

fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let Query(query) = query
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    Ok(query)
}

fn number(name: &'static str, text: Option<&str>) -> Result<Option<u64>, Problem> {
    let parsed = text.map(|text| {
        text.parse().map_err(|_| {
            let detail = format!("`{text}` is not a number");
            Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name)
        })
    });
    parsed.transpose()
}
