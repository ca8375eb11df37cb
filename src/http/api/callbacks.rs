//! `/v1/callbacks`: who is called when an access request has ended, and which calls nobody took.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::app::webhooks::DeadLetter;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// A call that nobody took, with the task that it is about.
#[derive(Serialize)]
struct Named {
    task: String,
    #[serde(flatten)]
    letter: DeadLetter,
}

/// `GET /v1/callbacks`: all receivers, as they stand.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, Problem> {
    let callbacks = state.app().callbacks(&caller)?;
    Ok(Json(json!({ "callbacks": callbacks })))
}

/// `GET /v1/callbacks/{name}/dead-letters`: what nobody took.
pub(super) async fn dead_letters(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let dead = state.app().dead_callbacks(&caller, &name)?;
    let dead = dead.into_iter();
    let dead: Vec<Named> = dead.map(|(task, letter)| Named { task, letter }).collect();
    Ok(Json(json!({ "dead_letters": dead })))
}

/// `POST /v1/callbacks/{name}/dead-letters/{task}/redelivery`: call again, once, now.
pub(super) async fn redeliver(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    Path((name, task)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let redelivery = state.app().call_again(&caller, &name, &task).await?;
    Ok(Json(json!({
        "task": redelivery.event,
        "delivered": redelivery.delivered,
        "error": redelivery.error,
    })))
}
