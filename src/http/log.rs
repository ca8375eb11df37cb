//! `/log/`: the published log as static resources (C2SP `tlog-tiles`), for any client that reads such logs.

use axum::Router;
use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;

use crate::app::log::LogAnswer;
use crate::app::log::LogReaders;
use crate::decision_log::tile::Resource;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// The routes of the published log.
pub fn routes() -> Router<ServiceState> {
    Router::new().route("/log/{*path}", get(resource))
}

/// Somebody who may read the published log.
struct Reader;

impl FromRequestParts<ServiceState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServiceState) -> Result<Self, Problem> {
        match state.log_readers() {
            LogReaders::Anybody => Ok(Self),
            LogReaders::Callers => {
                let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
                state.app().permit_log(&caller)?;
                Ok(Self)
            }
        }
    }
}

async fn resource(
    State(state): State<ServiceState>,
    _reader: Reader,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let resource: Resource =
        path.parse()
            .map_err(|error: crate::decision_log::tile::PathError| {
                Problem::not_found(error.to_string())
            })?;
    match state.app().log_resource(resource).await? {
        LogAnswer::Unpublished(detail) => Err(Problem::not_found(detail)),
        LogAnswer::Bytes(bytes) => Ok(answer(resource, state.log_readers(), bytes)),
    }
}

fn answer(resource: Resource, readers: LogReaders, bytes: Vec<u8>) -> Response {
    let (content_type, kept) = match (resource, readers) {
        (Resource::Checkpoint, _) => ("text/plain; charset=utf-8", "no-cache"),
        (Resource::Tile { .. } | Resource::Entries(_), LogReaders::Anybody) => (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
        // Shared caches ask nobody for a token.
        (Resource::Tile { .. } | Resource::Entries(_), LogReaders::Callers) => (
            "application/octet-stream",
            "private, max-age=31536000, immutable",
        ),
    };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    response
}
