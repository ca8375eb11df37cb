//! What surrounds every handler: request ids, a span, metrics, and an answer even when a handler panics.

use std::any::Any;
use std::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::problem::explained;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;
use crate::telemetry::metrics::HttpLabels;

/// The header that joins an answer with the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const REQUEST_ID_BYTES_MAX: usize = 128;

/// Puts the layers around the routes.
pub fn around(routes: Router<ServiceState>, state: &ServiceState) -> Router<ServiceState> {
    let answer_max = state.settings().answer_max;
    let state = state.clone();
    let observe =
        move |labels: &HttpLabels, seconds: f64| state.app().metrics().answered(labels, seconds);
    surround(routes, answer_max, observe)
}

fn surround<S, O>(routes: Router<S>, timeout: Duration, observe: O) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    O: Fn(&HttpLabels, f64) + Clone + Send + Sync + 'static,
{
    let observed =
        move |request: Request, next: Next| answer_observed(request, next, observe.clone());
    routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            timeout,
        ))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observed))
        .layer(from_fn(identify))
}

async fn unknown_route() -> Problem {
    Problem::not_found("there is no such resource")
}

async fn wrong_method() -> Problem {
    let detail = "the resource does not know this method";
    Problem::new(ProblemKind::MethodNotAllowed, detail)
}

fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    let error = std::io::Error::other("a handler panicked");
    Problem::internal(&error).into_response()
}

/// Takes a well-formed request id over, or makes one; every answer carries it.
async fn identify(mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|value| is_well_formed(value))
        .cloned();
    let id = given.or_else(|| HeaderValue::from_str(&Uuid::now_v7().to_string()).ok());
    // AuthZEN gives back whatever was sent.
    let is_authzen = request.uri().path().starts_with("/access/");
    let sent = request.headers().get(&REQUEST_ID).cloned();
    let echoed = sent.filter(|_| is_authzen);
    let Some(id) = id else {
        return next.run(request).await;
    };
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let span = tracing::info_span!("http", request_id = id.to_str().unwrap_or_default());
    let response = next.run(request).instrument(span).await;
    let mut response = explained(response, id.to_str().unwrap_or_default());
    response
        .headers_mut()
        .insert(REQUEST_ID, echoed.unwrap_or(id));
    response
}

fn is_well_formed(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= REQUEST_ID_BYTES_MAX
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

async fn answer_observed(
    request: Request,
    next: Next,
    observe: impl Fn(&HttpLabels, f64),
) -> Response {
    let method = method_label(request.method()).to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let start = Instant::now();
    let response = next.run(request).await;
    let seconds = start.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    tracing::debug!(method, route, status, seconds, "answered");
    observe(
        &HttpLabels {
            method,
            route,
            status,
        },
        seconds,
    );
    response
}

/// A method as a label; those that anybody could make up share one.
fn method_label(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ];
    if known.contains(method) {
        method.as_str()
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests;
