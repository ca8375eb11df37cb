//! JSON bodies: duplicate keys, deep nesting and large bodies are refused before anything is understood.

use std::fmt;

use axum::body::Bytes;
use axum::extract::FromRef;
use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::header::CONTENT_ENCODING;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::wire;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::settings::HttpSettings;
use crate::http::state::ServiceState;

/// A body that is well-formed JSON.
#[derive(Clone, Debug)]
pub struct JsonBody(pub Body);

/// What a body says, and how long it was; it may hold credentials, and so is never printed.
#[derive(Clone)]
pub struct Body {
    bytes: usize,
    value: Value,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Body {
    /// The value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value itself.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The value as a type; what does not fit is a problem.
    pub fn typed<T: DeserializeOwned>(self) -> Result<T, Problem> {
        wire::typed(self.value)
            .map_err(|problem| Problem::invalid(vec![(problem.pointer, problem.detail)]))
    }
}

impl<S> FromRequest<S> for JsonBody
where
    ServiceState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, outer: &S) -> Result<Self, Problem> {
        let state = ServiceState::from_ref(outer);
        refuse_other_forms(request.headers())?;
        let bytes = read(request.into_body(), state.settings()).await?;
        let value = wire::strict_json(&bytes, state.settings().wire)
            .map_err(|problem| Problem::malformed_body(problem.pointer, problem.detail))?;
        let bytes = bytes.len();
        Ok(Self(Body { bytes, value }))
    }
}

/// The whole body, within its length and time.
async fn read(body: axum::body::Body, settings: HttpSettings) -> Result<Bytes, Problem> {
    let limit = settings.body_bytes_max;
    let arriving = axum::body::to_bytes(body, limit);
    match tokio::time::timeout(settings.body_max, arriving).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let detail = format!("the body is longer than {limit} bytes, or did not arrive whole");
            Err(Problem::new(ProblemKind::BodyTooLarge, detail))
        }
        Err(_) => {
            let seconds = settings.body_max.as_secs_f64();
            let detail = format!("the body did not arrive within {seconds} s");
            Err(Problem::new(ProblemKind::BodyTimeout, detail))
        }
    }
}

/// The body is JSON in UTF-8, and not compressed.
fn refuse_other_forms(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |header: &HeaderName, detail: &str| {
        Err(Problem::new(ProblemKind::UnsupportedMediaType, detail).at_header(header))
    };
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut parts = text(&CONTENT_TYPE)
        .unwrap_or_default()
        .split(';')
        .map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !essence.eq_ignore_ascii_case("application/json") {
        return refused(&CONTENT_TYPE, "send the body as `application/json`");
    }
    let mut charsets = parts.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("charset")
            .then_some(value.trim_matches('"'))
    });
    if !charsets.all(|charset| charset.eq_ignore_ascii_case("utf-8")) {
        return refused(&CONTENT_TYPE, "send the body in UTF-8");
    }
    let is_plain = |coding: &str| coding.eq_ignore_ascii_case("identity");
    if headers.contains_key(CONTENT_ENCODING) && !text(&CONTENT_ENCODING).is_some_and(is_plain) {
        return refused(&CONTENT_ENCODING, "send the body as it is, not compressed");
    }
    Ok(())
}
