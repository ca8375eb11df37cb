//! `GET /v1/requests`: finding requests again.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;

use crate::app::acknowledge::PAGE_UNDELIVERED_MAX;
use crate::app::error::AppError;
use crate::app::search::PAGE_FOUND_MAX;
use crate::app::search::Search;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::ItemState;
use crate::domain::time::Timestamp;
use crate::http::api::limit::page_size;
use crate::http::caller::Authenticated;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;
use crate::identity::caller::Caller;

/// By what requests are found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    correlation_id: Option<String>,
    undelivered: Option<String>,
    after: Option<String>,
    status: Option<String>,
    state: Option<String>,
    operation: Option<String>,
    category: Option<String>,
    partner: Option<String>,
    caller: Option<String>,
    from: Option<String>,
    until: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

impl Wanted {
    /// Whether only requests in memory are asked for, by their correlation id.
    fn is_plain_correlation(&self) -> Option<&str> {
        let others = [
            &self.undelivered,
            &self.after,
            &self.status,
            &self.state,
            &self.operation,
            &self.category,
            &self.partner,
            &self.caller,
            &self.from,
            &self.until,
            &self.before,
            &self.limit,
        ];
        let is_alone = others.iter().all(|other| other.is_none());
        self.correlation_id.as_deref().filter(|_| is_alone)
    }

    /// Whether only those are asked for of which an answer was not acknowledged.
    fn is_undelivered(&self) -> Result<bool, Problem> {
        match self.undelivered.as_deref() {
            None => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                let detail = format!("`{other}` is not `true`, the only word that it takes");
                Err(invalid("undelivered", detail))
            }
        }
    }

    fn search(&self) -> Result<Search, Problem> {
        check_beside(&[("after", &self.after)])?;
        if let Some(state) = &self.state
            && !is_state(state)
        {
            let detail = format!("there is no state `{state}` of an item");
            return Err(invalid("state", detail));
        }
        Ok(Search {
            status: word("status", self.status.as_deref())?,
            state: self.state.clone(),
            operation: word("operation", self.operation.as_deref())?,
            category: self.category.clone(),
            partner: parsed::<McSystemId>("partner", self.partner.as_deref())?,
            caller: self.caller.clone(),
            from: parsed::<Timestamp>("from", self.from.as_deref())?,
            until: parsed::<Timestamp>("until", self.until.as_deref())?,
            correlation_id: self.correlation_id.clone(),
            before: parsed("before", self.before.as_deref())?,
            limit: page_size(self.limit.as_deref(), PAGE_FOUND_MAX)?,
        })
    }
}

/// `GET /v1/requests`: those that the caller may read.
///
/// With `correlation_id` alone those in memory, oldest first; with `undelivered=true` the caller's own with an answer
/// that was not acknowledged; else whatever fits, the one submitted last first, over the whole log.
pub(super) async fn find(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    // Records are read for it; no other call waits for that.
    let work = tokio::task::spawn_blocking(move || found(&state, &caller, &wanted));
    let found = work
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))?;
    Ok(Json(found?).into_response())
}

fn found(state: &ServiceState, caller: &Caller, wanted: &Wanted) -> Result<Value, Problem> {
    let app = state.app();
    if let Some(correlation_id) = wanted.is_plain_correlation() {
        let requests = app.correlated_requests(caller, correlation_id)?;
        return Ok(json!({ "requests": requests }));
    }
    if wanted.is_undelivered()? {
        check_beside(&[
            ("correlation_id", &wanted.correlation_id),
            ("status", &wanted.status),
            ("state", &wanted.state),
            ("operation", &wanted.operation),
            ("category", &wanted.category),
            ("partner", &wanted.partner),
            ("caller", &wanted.caller),
            ("from", &wanted.from),
            ("until", &wanted.until),
            ("before", &wanted.before),
        ])?;
        let after = parsed("after", wanted.after.as_deref())?;
        let limit = page_size(wanted.limit.as_deref(), PAGE_UNDELIVERED_MAX)?;
        let page = app.undelivered(caller, after, limit)?;
        return Ok(json!({ "requests": page.requests, "next": page.next }));
    }
    let found = app.search(caller, &wanted.search()?)?;
    serde_json::to_value(found).map_err(|error| Problem::internal(&error))
}

/// Those of the parameters that mean nothing beside some others.
fn check_beside(parameters: &[(&str, &Option<String>)]) -> Result<(), Problem> {
    let mut given = parameters.iter().filter(|(_, value)| value.is_some());
    match given.next() {
        Some((name, _)) => {
            let detail = format!("`{name}` means nothing here");
            Err(invalid(name, detail))
        }
        None => Ok(()),
    }
}

fn invalid(name: &str, detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name)
}

/// A word that a type is written as.
fn word<T: DeserializeOwned>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        serde_json::from_value(Value::from(text))
            .map_err(|_| invalid(name, format!("`{text}` is none of its words")))
    };
    text.map(read).transpose()
}

fn parsed<T: std::str::FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        let parsed = text.parse();
        parsed.map_err(|_| invalid(name, format!("`{text}` cannot be read")))
    };
    text.map(read).transpose()
}

fn is_state(text: &str) -> bool {
    ItemState::WORDS.contains(&text)
}
