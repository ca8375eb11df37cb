//! What the service is, and by which keys its signatures are verified; anybody may read both.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use crate::app::access_request::EVALUATION_PATH;
use crate::app::access_request::KEYS_PATH;
use crate::app::access_request::REQUESTS_PATH;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

const CAPABILITY: &str = "urn:openid:authzen:capability:access-request";

/// The profile has no name for it.
const CALLBACKS: &str = "urn:comity:capability:access-request-callback";

const KEPT: [(axum::http::HeaderName, &str); 1] = [(CACHE_CONTROL, "public, max-age=3600")];

/// `GET /.well-known/authzen-configuration`; there is none where the service does not know its own address.
pub(super) async fn configuration(State(state): State<ServiceState>) -> Result<Response, Problem> {
    let offer = state.app().access_offer().ok_or_else(not_there)?;
    let mut capabilities = vec![CAPABILITY];
    if state.app().takes_callbacks() {
        capabilities.push(CALLBACKS);
    }
    let metadata = json!({
        "policy_decision_point": offer.decision_point(),
        "access_evaluation_endpoint": offer.public_url.of(EVALUATION_PATH),
        "access_request_endpoint": offer.public_url.of(REQUESTS_PATH),
        "jwks_uri": offer.public_url.of(KEYS_PATH),
        "capabilities": capabilities,
    });
    Ok((KEPT, Json(metadata)).into_response())
}

/// `GET /access/v1/jwks`.
pub(super) async fn keys(State(state): State<ServiceState>) -> Result<Response, Problem> {
    state.app().access_offer().ok_or_else(not_there)?;
    let keys = json!({ "keys": state.app().verification_keys() });
    Ok((KEPT, Json(keys)).into_response())
}

fn not_there() -> Problem {
    Problem::not_found("the service has no `public_url`, and so no AuthZEN metadata")
}
