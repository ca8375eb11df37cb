//! Problem details (RFC 9457): the one place that maps errors to statuses.
//!
//! What went wrong inside is logged and not told; the request id joins the two. 400 is for what cannot be
//! read at all, 422 for JSON that was read and says what cannot be.

pub mod kind;

use axum::Json;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;

use self::kind::ProblemKind;
use crate::app::access_request::AccessProblem;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::error::Standing;
use crate::app::seen::FactsChanged;
use crate::http::idempotency::IDEMPOTENCY_KEY;
use crate::telemetry::chain::chain;

const CONTENT_TYPE_PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const RETRY_SECONDS: u64 = 1;

/// An answer that says why not.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    instance: Option<String>,
    errors: Vec<PlacedError>,
    current: Option<Box<Standing>>,
    changed: Option<Box<FactsChanged>>,
    retry_after_seconds: Option<u64>,
}

/// A problem as it is written.
#[derive(Debug, Serialize)]
struct Details<'a> {
    /// A stable URI for this kind of problem.
    r#type: String,
    /// The kind, for people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    detail: &'a str,
    /// What the caller can do about it.
    remedy: &'static str,
    /// The request id, which joins the answer with the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// Every place at which something is wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [PlacedError],
    /// Where the request stands that cannot be answered so.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a Standing>,
    /// What is no longer as it was seen, and the token of now.
    #[serde(flatten)]
    changed: Option<&'a FactsChanged>,
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = Details {
            r#type: self.kind.type_uri(),
            title: self.kind.title(),
            status: self.status().as_u16(),
            detail: &self.detail,
            remedy: self.kind.remedy(),
            instance: self.instance.as_deref(),
            errors: &self.errors,
            current: self.current.as_deref(),
            changed: self.changed.as_deref(),
        };
        details.serialize(serializer)
    }
}

/// What is wrong at one place.
#[derive(Clone, Debug, Serialize)]
struct PlacedError {
    #[serde(flatten)]
    place: Place,
    detail: String,
}

/// Where something is wrong.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// In the body, by JSON pointer (RFC 6901).
    Pointer(String),
    /// In a header.
    Header(String),
    /// In the address.
    Parameter(String),
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let status = kind.status();
        Self {
            kind,
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
            current: None,
            changed: None,
            retry_after_seconds: (status == StatusCode::SERVICE_UNAVAILABLE)
                .then_some(RETRY_SECONDS),
        }
    }

    /// 422: the body says something that cannot be, at these places.
    pub fn invalid(errors: Vec<(String, String)>) -> Self {
        Self::new(ProblemKind::InvalidInput, "the input is invalid").at_pointers(errors)
    }

    /// 400: an AuthZEN body says something that cannot be, at these places.
    pub fn invalid_access_body(problems: Vec<Invalid>) -> Self {
        let placed = problems.into_iter();
        let placed = placed.map(|Invalid { pointer, detail }| (pointer, detail));
        Self::new(ProblemKind::InvalidAccessBody, "the body is invalid")
            .at_pointers(placed.collect())
    }

    /// What a use case answers over AuthZEN, where 400 is for all that is wrong with a body.
    pub fn of_access(error: AppError) -> Self {
        if let AppError::Invalid(problems) = error {
            Self::invalid_access_body(problems)
        } else {
            error.into()
        }
    }

    /// 400: the body cannot be read, from this place on.
    pub fn malformed_body(pointer: String, detail: String) -> Self {
        Self::new(
            ProblemKind::MalformedBody,
            "the body cannot be read as JSON",
        )
        .at_pointers(vec![(pointer, detail)])
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// 401: nobody knows who calls.
    pub fn unauthenticated() -> Self {
        let detail = "a good token is required: `Authorization: Bearer comity_…`";
        Self::new(ProblemKind::Unauthenticated, detail)
    }

    /// 500; the cause goes to the log.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(error), "internal error");
        let detail = "the service could not carry this out; the log says why under the request id";
        Self::new(ProblemKind::Internal, detail)
    }

    /// Names the header that is wrong.
    #[must_use]
    pub fn at_header(mut self, header: &HeaderName) -> Self {
        let place = Place::Header(header.to_string());
        let detail = self.detail.clone();
        self.errors.push(PlacedError { place, detail });
        self
    }

    /// Names the parameter of the address that is wrong.
    #[must_use]
    pub fn at_parameter(mut self, parameter: &str) -> Self {
        let place = Place::Parameter(parameter.to_owned());
        let detail = self.detail.clone();
        self.errors.push(PlacedError { place, detail });
        self
    }

    /// Says when it is worth trying again.
    fn after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    fn at_pointers(mut self, errors: Vec<(String, String)>) -> Self {
        let placed = |(pointer, detail)| PlacedError {
            place: Place::Pointer(pointer),
            detail,
        };
        self.errors.extend(errors.into_iter().map(placed));
        self
    }

    /// What an error status says that no handler explained.
    fn unexplained(status: StatusCode) -> Self {
        if status == StatusCode::GATEWAY_TIMEOUT {
            let detail = "the answer took too long and the outcome is unknown";
            Self::new(ProblemKind::Timeout, detail)
        } else if status.is_server_error() {
            let detail =
                "the service could not carry this out; the log says why under the request id";
            Self::new(ProblemKind::Internal, detail)
        } else {
            let detail = "the request cannot be understood";
            Self::new(ProblemKind::InvalidRequest, detail)
        }
    }

    fn unavailable(kind: ProblemKind, error: &AppError) -> Self {
        tracing::error!(error = %chain(error), "not available");
        Self::new(kind, error.to_string())
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The kind.
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }
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
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
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
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::Forbidden { .. } => Self::new(ProblemKind::Forbidden, detail),
            AppError::Originator => Self::new(ProblemKind::Originator, detail),
            AppError::UnknownReviewer => {
                let placed = vec![("/reviewer".to_owned(), detail.clone())];
                Self::new(ProblemKind::UnknownReviewer, detail).at_pointers(placed)
            }
            AppError::ReviewerForbidden(_) => {
                let placed = vec![("/reviewer".to_owned(), detail.clone())];
                Self::new(ProblemKind::ReviewerForbidden, detail).at_pointers(placed)
            }
            AppError::AlreadyAnswered(_) => Self::new(ProblemKind::AlreadyAnswered, detail),
            AppError::Access { problem, .. } => Self::new(access_kind(problem), detail),
            AppError::NoPolicyAdministrator => {
                let placed = vec![("/reviewer".to_owned(), detail.clone())];
                Self::new(ProblemKind::NoPolicyAdministrator, detail).at_pointers(placed)
            }
            AppError::UnknownRequest(_)
            | AppError::UnknownObligation(_)
            | AppError::UnknownDocument(_)
            | AppError::UnknownRecord(_)
            | AppError::NoPastState(_)
            | AppError::NoLapse(_)
            | AppError::UnknownJob(_)
            | AppError::NoWebhook(_)
            | AppError::UnknownUser(_)
            | AppError::NoConfiguration(_)
            | AppError::UnknownErasure(_)
            | AppError::NotOffered => Self::not_found(detail),
            AppError::RecordErased(_) => Self::new(ProblemKind::RecordErased, detail),
            AppError::ErasureNotAsked(_) => Self::new(ProblemKind::ErasureNotAsked, detail),
            AppError::ErasureSamePerson => Self::new(ProblemKind::ErasureSamePerson, detail),
            AppError::ErasureBlocked(_) => Self::new(ProblemKind::ErasureBlocked, detail),
            AppError::UnknownEvent(_) => Self::new(ProblemKind::UnknownEvent, detail),
            AppError::HistoryUnread { .. } => Self::new(ProblemKind::HistoryUnread, detail),
            AppError::ConfigurationUnreadable(_) => {
                Self::new(ProblemKind::ConfigurationUnreadable, detail)
            }
            AppError::IdempotencyKeyReused => {
                Self::new(ProblemKind::IdempotencyKeyReused, detail).at_header(&IDEMPOTENCY_KEY)
            }
            AppError::RevisionMismatch { .. } => Self::new(ProblemKind::RevisionMismatch, detail),
            AppError::FactsChanged { changed, current } => Self {
                current: Some(current),
                changed: Some(changed),
                ..Self::new(ProblemKind::FactsChanged, detail)
            },
            AppError::NotPending { current, .. } => Self {
                current,
                ..Self::new(ProblemKind::NotPending, detail)
            },
            AppError::NotGranted { current, .. } => Self {
                current,
                ..Self::new(ProblemKind::NotGranted, detail)
            },
            AppError::NotAtPartner { current, .. } => Self {
                current,
                ..Self::new(ProblemKind::NotAtPartner, detail)
            },
            AppError::ObligationSettled(_) => Self::new(ProblemKind::ObligationSettled, detail),
            AppError::PeerRefused(_) => Self::new(ProblemKind::PeerRefused, detail),
            AppError::Invalid(problems) => Self::invalid(
                problems
                    .into_iter()
                    .map(|Invalid { pointer, detail }| (pointer, detail))
                    .collect(),
            ),
            AppError::Refused(ref diagnostics) => {
                Self::new(ProblemKind::BundleRefused, diagnostics.to_string())
            }
            AppError::TooManyDryRuns {
                retry_after_seconds,
            } => Self::new(ProblemKind::TooManyDryRuns, detail).after(retry_after_seconds),
            AppError::TooManyJobs { .. } => Self::new(ProblemKind::TooManyJobs, detail),
            AppError::ClockUnsettled {
                retry_after_seconds,
                ..
            } => Self::unavailable(ProblemKind::ClockUnsettled, &error).after(retry_after_seconds),
            AppError::SearchNotReady {
                retry_after_seconds,
                ..
            } => Self::unavailable(ProblemKind::SearchNotReady, &error).after(retry_after_seconds),
            AppError::TooManyBuckets { .. } => {
                Self::new(ProblemKind::InvalidRequest, detail).at_parameter("bucket")
            }
            AppError::Contended => Self::unavailable(ProblemKind::Contended, &error),
            AppError::NotRecorded(_) | AppError::NoSpace(_) | AppError::ResponsesBehind => {
                Self::unavailable(ProblemKind::NotRecorded, &error)
            }
            AppError::OutcomeUnknown(_) => Self::unavailable(ProblemKind::OutcomeUnknown, &error),
            AppError::RequestExists | AppError::Broken(_) => Self::internal(&error),
        }
    }
}

fn access_kind(problem: AccessProblem) -> ProblemKind {
    match problem {
        AccessProblem::NotRequestable => ProblemKind::NotRequestable,
        AccessProblem::ExpiredDenial => ProblemKind::ExpiredDenial,
        AccessProblem::InvalidDenialBinding => ProblemKind::InvalidDenialBinding,
        AccessProblem::DuplicateRequest => ProblemKind::DuplicateRequest,
        AccessProblem::UnknownTask => ProblemKind::UnknownTask,
        AccessProblem::TaskExpired => ProblemKind::TaskExpired,
        AccessProblem::InvalidTaskState => ProblemKind::InvalidTaskState,
        AccessProblem::ActorNotVerified => ProblemKind::ActorNotVerified,
        AccessProblem::CallbackRefused => ProblemKind::CallbackRefused,
    }
}
