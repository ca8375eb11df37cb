//! The `Idempotency-Key` header.

use axum::extract::FromRef;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::request::Parts;

use crate::domain::wire;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// The header's name.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The caller's name for one request, if it has one; bare or as a quoted string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Option<wire::IdempotencyKey>);

impl IdempotencyKey {
    /// The key of a call, whether or not the service insists on one.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => value
                .to_str()
                .map_err(|_| malformed())?
                .trim()
                .parse()
                .map(Some)
                .map(Self)
                .map_err(|_| malformed()),
            (Some(_), Some(_)) => Err(malformed()),
        }
    }

    /// The text.
    pub fn into_text(self) -> Option<String> {
        self.0.map(|key| key.as_str().to_owned())
    }
}

impl<S> FromRequestParts<S> for IdempotencyKey
where
    ServiceState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, outer: &S) -> Result<Self, Problem> {
        let key = Self::from_headers(&parts.headers)?;
        let is_required = ServiceState::from_ref(outer)
            .settings()
            .require_idempotency_key;
        if key.0.is_none() && is_required {
            let detail = "this service takes requests only under an idempotency key";
            return Err(Problem::new(ProblemKind::IdempotencyKeyRequired, detail)
                .at_header(&IDEMPOTENCY_KEY));
        }
        Ok(key)
    }
}

fn malformed() -> Problem {
    let detail =
        "one `Idempotency-Key` of 1 to 255 visible ASCII characters, bare or as a quoted string";
    Problem::new(ProblemKind::InvalidIdempotencyKey, detail).at_header(&IDEMPOTENCY_KEY)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::IdempotencyKey;

    fn key(values: &[&str]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key", value.parse().unwrap());
        }
        IdempotencyKey::from_headers(&headers)
            .map(IdempotencyKey::into_text)
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_key_is_one_header_bare_or_quoted() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["7b0c"]), Ok(Some("7b0c".to_owned())));
        assert_eq!(key(&[" \"7b0c\" "]), Ok(Some("7b0c".to_owned())));
        for wrong in [
            &[""][..],
            &["a b"],
            &["\"a"],
            &["a", "a"],
            &[&"k".repeat(256)],
        ] {
            assert_eq!(key(wrong), Err(400), "{wrong:?}");
        }
    }
}
