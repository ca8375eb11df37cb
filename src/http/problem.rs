//! Problem details (RFC 9457): the one place that maps errors to statuses.
//!
//! What went wrong inside is logged and not told; the request id joins the two.

use axum::Json;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;

use crate::app::error::AppError;

const CONTENT_TYPE_PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An answer that says why not.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// A stable URI for this kind of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The kind, for people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The request id, which joins the answer with the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Every place at which something is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<PlacedError>,
}

/// What is wrong at one place.
#[derive(Clone, Debug, Serialize)]
struct PlacedError {
    pointer: String,
    detail: String,
}

impl Problem {
    /// A problem of a kind; the kind's name never changes.
    pub fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("urn:comity:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
        }
    }

    /// 400: the input says something that cannot be, at these places.
    pub fn invalid(errors: Vec<(String, String)>) -> Self {
        let mut problem = Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-input",
            "Invalid input",
            "the input is invalid",
        );
        problem.errors = errors
            .into_iter()
            .map(|(pointer, detail)| PlacedError { pointer, detail })
            .collect();
        problem
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 401: nobody knows who calls.
    pub fn unauthenticated() -> Self {
        let detail = "a good token is required: `Authorization: Bearer comity_…`";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Unauthenticated",
            detail,
        )
    }

    /// 500; the cause goes to the log.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(error), "internal error");
        let detail = "the service could not carry this out; the log says why under the request id";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            detail,
        )
    }

    /// What an error status says that no handler explained.
    fn unexplained(status: StatusCode) -> Self {
        if status == StatusCode::GATEWAY_TIMEOUT {
            let detail = "the answer took too long and the outcome is unknown; repeat with the same idempotency key";
            Self::new(status, "timeout", "Timeout", detail)
        } else if status.is_server_error() {
            let detail =
                "the service could not carry this out; the log says why under the request id";
            Self::new(status, "internal", "Internal error", detail)
        } else {
            let detail = "the request cannot be understood";
            Self::new(status, "invalid-request", "Invalid request", detail)
        }
    }

    fn unavailable(kind: &str, title: &'static str, error: &AppError) -> Self {
        tracing::error!(error = %chain(error), "not available");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            kind,
            title,
            error.to_string(),
        )
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, CONTENT_TYPE_PROBLEM);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // For `explained`, which knows the request id.
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the request id into a problem, and a problem into an error that says nothing in JSON.
pub(super) fn explained(mut response: Response, request_id: &str) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let says_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_error && !says_json => Problem::unexplained(status),
        None => return response,
    };
    let complete = Problem {
        instance: Some(request_id.to_owned()),
        ..problem
    }
    .into_response();
    let (mut parts, body) = complete.into_parts();
    for (name, value) in response.headers() {
        if *name != CONTENT_TYPE && *name != CONTENT_LENGTH && !parts.headers.contains_key(name) {
            parts.headers.append(name, value.clone());
        }
    }
    Response::from_parts(parts, body)
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::Forbidden { .. } => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
            }
            AppError::Originator => {
                Self::new(StatusCode::FORBIDDEN, "originator", "Originator", detail)
            }
            AppError::UnknownReviewer => Self::new(
                StatusCode::FORBIDDEN,
                "unknown-reviewer",
                "Unknown reviewer",
                detail,
            ),
            AppError::UnknownRequest(_)
            | AppError::UnknownDocument(_)
            | AppError::UnknownRecord(_) => Self::not_found(detail),
            AppError::IdempotencyKeyReused => Self::new(
                StatusCode::CONFLICT,
                "idempotency-key-reused",
                "Idempotency key reused",
                detail,
            ),
            AppError::RevisionMismatch { .. } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "revision-mismatch",
                "Revision mismatch",
                detail,
            ),
            AppError::NotPending(_) => {
                Self::new(StatusCode::CONFLICT, "not-pending", "Not pending", detail)
            }
            AppError::Invalid(problems) => Self::invalid(
                problems
                    .into_iter()
                    .map(|problem| (problem.pointer, problem.detail))
                    .collect(),
            ),
            AppError::Refused(ref diagnostics) => Self::new(
                StatusCode::BAD_REQUEST,
                "bundle-refused",
                "Bundle refused",
                diagnostics.to_string(),
            ),
            AppError::Contended => {
                Self::unavailable("contended", "Contended; nothing was recorded", &error)
            }
            AppError::NotRecorded(_) => Self::unavailable("not-recorded", "Not recorded", &error),
            AppError::OutcomeUnknown(_) => {
                Self::unavailable("outcome-unknown", "Outcome unknown", &error)
            }
            AppError::Broken(_) => Self::internal(&error),
        }
    }
}
