//! The `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;

use crate::domain::wire;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;

/// The header's name.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The caller's name for one request, if it has one; bare or as a quoted string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Option<wire::IdempotencyKey>);

impl IdempotencyKey {
    /// The text.
    pub fn into_text(self) -> Option<String> {
        self.0.map(|key| key.as_str().to_owned())
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
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
}

fn malformed() -> Problem {
    let detail =
        "one `Idempotency-Key` of 1 to 255 visible ASCII characters, bare or as a quoted string";
    Problem::new(ProblemKind::InvalidIdempotencyKey, detail).at_header(&IDEMPOTENCY_KEY)
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;
    use axum::http::Request;

    use super::IdempotencyKey;

    async fn key(values: &[&str]) -> Result<Option<String>, u16> {
        let mut request = Request::new(());
        for value in values {
            request
                .headers_mut()
                .append("idempotency-key", value.parse().unwrap());
        }
        let mut parts = request.into_parts().0;
        IdempotencyKey::from_request_parts(&mut parts, &())
            .await
            .map(IdempotencyKey::into_text)
            .map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn a_key_is_one_header_bare_or_quoted() {
        assert_eq!(key(&[]).await, Ok(None));
        assert_eq!(key(&["7b0c"]).await, Ok(Some("7b0c".to_owned())));
        assert_eq!(key(&[" \"7b0c\" "]).await, Ok(Some("7b0c".to_owned())));
        for wrong in [
            &[""][..],
            &["a b"],
            &["\"a"],
            &["a", "a"],
            &[&"k".repeat(256)],
        ] {
            assert_eq!(key(wrong).await, Err(400), "{wrong:?}");
        }
    }
}
