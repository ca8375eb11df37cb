//! The `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::http::problem::Problem;

const KEY_BYTES_MAX: usize = 255;

/// The caller's name for one request, if it has one; bare or as a quoted string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The text.
    pub fn into_text(self) -> Option<String> {
        self.0
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return match parts.headers.contains_key("idempotency-key") {
                true => Err(malformed()),
                false => Ok(Self(None)),
            };
        };
        let text = value.to_str().map_err(|_| malformed())?.trim();
        let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        if text.is_empty() || text.len() > KEY_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed());
        }
        Ok(Self(Some(text.to_owned())))
    }
}

fn malformed() -> Problem {
    let detail = "one `Idempotency-Key` of 1 to 255 visible ASCII characters";
    Problem::new(StatusCode::BAD_REQUEST, "invalid-idempotency-key", "Invalid idempotency key", detail)
}
