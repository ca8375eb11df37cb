//! The product's own interface, `/v1`: handlers translate, use cases act.

pub mod decisions;
pub mod health;
pub mod policies;
pub mod registry;
pub mod requests;

use axum::Router;
use axum::routing::get;
use axum::routing::post;

use crate::http::state::ServiceState;

/// The routes of the interface.
pub fn routes() -> Router<ServiceState> {
    Router::new()
        .route("/v1/requests", post(requests::submit))
        .route("/v1/requests/{id}", get(requests::read))
        .route("/v1/requests/{id}/responses", post(requests::respond))
        .route("/v1/decisions", post(decisions::dry_run))
        .route("/v1/policies", get(policies::read))
        .route("/v1/import", post(registry::import))
        .route("/v1/agreements/{id}/mirror", post(registry::mirror))
        .route("/v1/agreements/{id}/affected", get(registry::affected))
        .route("/v1/{kind}", get(registry::list))
        .route(
            "/v1/{kind}/{id}",
            get(registry::read)
                .put(registry::write)
                .delete(registry::delete),
        )
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
}
