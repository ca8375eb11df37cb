//! `/v1/webhooks`: where events are sent, and what did not arrive.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::app::webhooks::DeadLetter;
use crate::app::webhooks::Redelivery;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// A message that did not arrive, with the event that it tells of.
#[derive(Serialize)]
struct Named {
    event: String,
    #[serde(flatten)]
    letter: DeadLetter,
}

/// `GET /v1/webhooks`: all of them, as they stand.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, Problem> {
    let webhooks = state.app().webhooks(&caller)?;
    Ok(Json(json!({ "webhooks": webhooks })))
}

/// `GET /v1/webhooks/{name}/dead-letters`: what did not arrive, in the order of the events.
pub(super) async fn dead_letters(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let dead = state.app().dead_letters(&caller, &name)?;
    let dead: Vec<Named> = dead
        .into_iter()
        .map(|(event, letter)| Named {
            event: event.to_string(),
            letter,
        })
        .collect();
    Ok(Json(json!({ "dead_letters": dead })))
}

/// `POST /v1/webhooks/{name}/dead-letters/{event}/redelivery`: send it again, once, now.
pub(super) async fn redeliver(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((name, event)): Path<(String, String)>,
) -> Result<Json<Redelivery>, Problem> {
    let redelivery = state.app().redeliver(&caller, &name, &event).await?;
    Ok(Json(redelivery))
}

/// `POST /v1/webhooks/{name}/resumption`: let one that was paused go on.
pub(super) async fn resume(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    state.app().resume_webhook(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
