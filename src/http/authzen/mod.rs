//! The AuthZEN dialect: evaluation and metadata (Authorization API 1.0), and access requests (Access Request and
//! Approval Profile).
//!
//! It translates into the same use cases as `/v1`. Members that are not known are passed over, as AuthZEN wants; what
//! an operation's own elements say, in `context.request`, is read as strictly as there.

mod body;
mod callback;
mod evaluation;
mod mapping;
mod metadata;
mod requests;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;

use crate::app::access_request::EVALUATION_PATH;
use crate::app::access_request::KEYS_PATH;
use crate::app::access_request::REQUESTS_PATH;
use crate::http::state::ServiceState;

/// The path of the metadata.
const METADATA_PATH: &str = "/.well-known/authzen-configuration";

/// The routes of the dialect.
pub fn routes() -> Router<ServiceState> {
    let own = Router::new()
        .route(EVALUATION_PATH, post(evaluation::evaluate))
        .route(REQUESTS_PATH, post(requests::submit))
        .route(&format!("{REQUESTS_PATH}/{{id}}"), get(requests::status))
        .route(
            &format!("{REQUESTS_PATH}/{{id}}/cancel"),
            post(requests::cancel).delete(requests::cancel),
        )
        .route_layer(from_fn(not_kept));
    let open = Router::new()
        .route(METADATA_PATH, get(metadata::configuration))
        .route(KEYS_PATH, get(metadata::keys));
    own.merge(open)
}

/// Decisions and approvals are not for caches.
async fn not_kept(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let kept = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, kept);
    response
}
