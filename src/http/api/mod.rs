//! The product's own interface, `/v1`: handlers translate, use cases act.

pub mod callbacks;
pub mod configurations;
pub mod decisions;
pub mod erasures;
pub mod events;
pub mod exports;
pub mod found;
pub mod grants;
pub mod health;
pub mod history;
pub mod impacts;
mod limit;
pub mod log;
pub mod obligations;
mod parameters;
pub mod pending_data;
mod record_search;
pub mod records;
pub mod registry;
pub mod replays;
pub mod requests;
pub mod reviews;
mod shadow;
pub mod webhooks;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use axum::routing::put;

use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// What is sent without being asked for, and what of it did not arrive.
fn outgoing() -> Router<ServiceState> {
    Router::new()
        .route("/v1/webhooks", get(webhooks::list))
        .route(
            "/v1/webhooks/{name}/dead-letters",
            get(webhooks::dead_letters),
        )
        .route(
            "/v1/webhooks/{name}/dead-letters/{event}/redelivery",
            post(webhooks::redeliver),
        )
        .route("/v1/webhooks/{name}/resumption", post(webhooks::resume))
        .route("/v1/callbacks", get(callbacks::list))
        .route(
            "/v1/callbacks/{name}/dead-letters",
            get(callbacks::dead_letters),
        )
        .route(
            "/v1/callbacks/{name}/dead-letters/{task}/redelivery",
            post(callbacks::redeliver),
        )
}

/// The routes of the interface.
pub fn routes() -> Router<ServiceState> {
    let plain = Router::new()
        .route("/v1/requests", post(requests::submit))
        .route("/v1/requests/{id}/responses", post(requests::respond))
        .route("/v1/requests/{id}/reports", post(requests::report))
        .route("/v1/requests/{id}/withdrawal", post(requests::withdraw))
        .route(
            "/v1/requests/{id}/obligations/{obligation}",
            post(obligations::report),
        )
        .route("/v1/requests/{id}/revocation", post(requests::revoke))
        .route(
            "/v1/requests/{id}/acknowledgement",
            post(requests::acknowledge),
        )
        .route("/v1/decisions", post(decisions::dry_run))
        .route("/v1/policies/history", get(history::of_policies))
        .route("/v1/{kind}/{id}/history", get(history::of_document))
        .route("/v1/log", get(log::status))
        .route("/v1/records/{index}", get(records::read))
        .route("/v1/import", post(registry::import))
        .route("/v1/agreements/{id}/mirror", post(registry::mirror))
        .route(
            "/v1/{kind}/{id}",
            put(registry::write).delete(registry::delete),
        )
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(outgoing())
        .merge(jobs())
        .merge(orders())
        .route_layer(from_fn(refuse_parameters));
    // These read their parameters themselves, and refuse those that they do not know.
    let with_parameters = Router::new()
        .route("/v1/requests", get(found::find))
        .route("/v1/requests/{id}", get(requests::read))
        .route("/v1/reviews", get(reviews::list))
        .route("/v1/records", get(record_search::search))
        .route("/v1/records/counts", get(record_search::count))
        .route("/v1/obligations", get(obligations::list))
        .route("/v1/events", get(events::stream))
        .route("/v1/records/export", get(exports::stream))
        .route("/v1/grants", get(grants::list))
        .route("/v1/pending-acm-data", get(pending_data::read))
        .route("/v1/agreements/{id}/affected", get(registry::affected))
        .route("/v1/agreements/{id}/revocations", get(grants::lapsed))
        .route("/v1/{kind}", get(registry::list))
        .route("/v1/{kind}/{id}", get(history::read_document))
        .route("/v1/{kind}/{id}/diff", get(history::diff_of_document))
        .route("/v1/policies", get(history::read_policies))
        .route("/v1/policies/diff", get(history::diff_of_policies))
        .route(
            "/v1/ue-configurations/{system}",
            get(configurations::read)
                .put(configurations::write)
                .delete(configurations::delete),
        )
        .route(
            "/v1/ue-configurations/{system}/versions",
            get(configurations::versions),
        )
        .route(
            "/v1/ue-configurations/{system}/changes",
            get(configurations::changes),
        )
        .route(
            "/v1/ue-configurations/{system}/secrets",
            get(configurations::secrets),
        );
    plain.merge(with_parameters)
}

/// Orders to erase, which two persons give.
fn orders() -> Router<ServiceState> {
    Router::new()
        .route("/v1/erasures", get(erasures::list).post(erasures::ask))
        .route("/v1/erasures/{id}", get(erasures::read))
        .route("/v1/erasures/{id}/approval", post(erasures::approve))
        .route("/v1/erasures/{id}/refusal", post(erasures::refuse))
}

/// What reads the log for long, and is asked for later.
fn jobs() -> Router<ServiceState> {
    Router::new()
        .route("/v1/impact", post(impacts::begin))
        .route("/v1/impact/{id}", get(impacts::read))
        .route("/v1/impact/{id}/page", get(impacts::read_page))
        .route("/v1/shadow", get(shadow::read))
        .route("/v1/shadow/page", get(shadow::read_page))
        .route("/v1/replays", post(replays::begin))
        .route("/v1/replays/{id}", get(replays::read))
}

/// A parameter that nobody reads would be a wish that nobody heard.
async fn refuse_parameters(request: Request, next: Next) -> Response {
    match request.uri().query() {
        None | Some("") => next.run(request).await,
        Some(query) => {
            let name = query.split(['=', '&']).next().unwrap_or_default();
            let detail = "this address takes no parameters";
            Problem::new(ProblemKind::InvalidRequest, detail)
                .at_parameter(name)
                .into_response()
        }
    }
}
