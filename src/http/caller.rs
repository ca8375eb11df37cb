//! The caller of a request, established once, before anything else is looked at.

use axum::extract::FromRef;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::http::problem::Problem;
use crate::http::state::ServiceState;
use crate::identity::caller::Caller;
use crate::identity::token::Token;

/// A caller with a good token.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Caller);

impl<S> FromRequestParts<S> for Authenticated
where
    ServiceState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, outer: &S) -> Result<Self, Problem> {
        let state = ServiceState::from_ref(outer);
        bearer(&parts.headers)
            .and_then(|token| state.authenticate(&token))
            .map(Self)
            .ok_or_else(Problem::unauthenticated)
    }
}

/// The one well-formed token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return None;
    };
    Token::from_authorization(header.to_str().ok()?).ok()
}
