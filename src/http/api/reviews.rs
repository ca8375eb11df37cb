//! `/v1/reviews`: what waits for a reviewer.

use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use crate::app::error::AppError;
use crate::app::reviews::PAGE_ITEMS_MAX;
use crate::app::reviews::Place;
use crate::domain::identity::McServiceId;
use crate::http::api::limit::page_size;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;

/// For whom, for what, and from where on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    can: String,
    reviewer: String,
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /v1/reviews?can=answer&reviewer=…`: pending items that the reviewer can answer, the most urgent first.
pub(super) async fn list(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let refused =
        |name, detail: String| Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name);
    if wanted.can != "answer" {
        let detail = format!(
            "nobody is asked what they can `{}`; `answer` is one",
            wanted.can
        );
        return Err(refused("can", detail));
    }
    let reviewer: McServiceId = wanted
        .reviewer
        .parse()
        .map_err(|_| refused("reviewer", "it is no MC service ID".to_owned()))?;
    let after: Option<Place> = match wanted.after.as_deref().map(str::parse) {
        None => None,
        Some(Ok(place)) => Some(place),
        Some(Err(())) => {
            let detail = "it is no place in the list; send `next` as it was answered".to_owned();
            return Err(refused("after", detail));
        }
    };
    let limit = page_size(wanted.limit.as_deref(), PAGE_ITEMS_MAX)?;
    let app = state.app().clone();
    let work =
        tokio::task::spawn_blocking(move || app.answerable(&caller, &reviewer, after, limit));
    let mut found = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))??;
    Box::pin(state.app().tell_seen_items(&mut found)).await?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|last| last.place().to_string());
    let mut page = json!({ "items": found, "next": next });
    if let (Some(paused), Some(page)) = (state.app().expiry_paused(), page.as_object_mut()) {
        page.insert("expiry_paused".to_owned(), json!(paused));
    }
    Ok(axum::Json(page).into_response())
}
