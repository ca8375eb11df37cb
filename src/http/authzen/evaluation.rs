//! `/access/v1/evaluation`: an enforced decision.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::body::Problems;
use super::body::members;
use super::body::tuple;
use super::mapping;
use crate::app::access_request::EvaluationAnswer;
use crate::app::access_request::PresentedApproval;
use crate::app::access_request::Question;
use crate::app::access_request::Why;
use crate::domain::outcome::Outcome;
use crate::domain::wire::WireLimits;
use crate::http::body::JsonBody;
use crate::http::caller::Authenticated;
use crate::http::idempotency::IdempotencyKey;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// The member of the decision's context that is ours.
const OURS: &str = "urn:comity:decision";

/// `POST /access/v1/evaluation`.
pub(super) async fn evaluate(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, Problem> {
    let key = IdempotencyKey::from_headers(&headers)?;
    let question = question(body.value(), state.settings().wire)?;
    let answer = state
        .app()
        .evaluate_access(caller, key.into_text(), question)
        .await
        .map_err(Problem::of_access)?;
    Ok(Json(decision(&answer)))
}

fn question(body: &Value, limits: WireLimits) -> Result<Question, Problem> {
    let mut problems = Problems::default();
    let tuple = members(body, &mut problems).and_then(|body| tuple(&body, &mut problems));
    let tuple = problems.finish(tuple)?;
    let request = mapping::read(&tuple, limits).map_err(Problem::invalid_access_body)?;
    let approval = match tuple.context.get("approval") {
        None | Some(Value::Null) => None,
        Some(presented) => Some(approval(presented)),
    };
    Ok(Question {
        tuple,
        request,
        approval,
    })
}

/// Whatever stands there was presented; what is no approval will not be found.
fn approval(presented: &Value) -> PresentedApproval {
    PresentedApproval {
        id: presented.get("id").cloned(),
        state: presented.get("state").cloned(),
    }
}

fn decision(answer: &EvaluationAnswer) -> Value {
    let mut context = Map::new();
    let mut put = |name: &str, value: Value| {
        context.insert(name.to_owned(), value);
    };
    put("evaluation_id", json!(answer.evaluation.to_string()));
    put("evaluated_at", json!(answer.evaluated_at));
    if !answer.decision {
        put("reason", reason(answer));
    }
    if let Some(why) = answer.why {
        put("next_action", json!(next_action(answer, why)));
    }
    if let Some(requestable) = &answer.requestable {
        put("access_request", json!(requestable));
    }
    if let Some(approval) = &answer.approval {
        put("approval", json!(approval));
    }
    put(OURS, ours(answer));
    json!({ "decision": answer.decision, "context": context })
}

/// Why not: what is wrong with the approval, that one can be asked for, or what policy says.
fn reason(answer: &EvaluationAnswer) -> Value {
    match (&answer.why, &answer.requestable) {
        (Some(why), _) => json!(why),
        (None, Some(_)) => json!("approval_required"),
        (None, None) if answer.item.outcome == Outcome::Accept || answer.approval.is_some() => {
            // It was granted, and what became of it since says why it is so no longer.
            json!(answer.item.partner_reason.code)
        }
        (None, None) => json!(answer.item.reason),
    }
}

/// What to do after an approval did not help; without another one to ask for, nothing.
fn next_action(answer: &EvaluationAnswer, why: Why) -> &'static str {
    match (why, &answer.requestable) {
        (Why::ApprovalExpired | Why::OutOfScope, Some(_)) => "request",
        (Why::ApprovalExpired | Why::OutOfScope, None)
        | (Why::PolicyDenied | Why::ApprovalUnverifiable, _) => "none",
    }
}

/// What the profile does not know: what has to be done with a grant, and where its record is.
fn ours(answer: &EvaluationAnswer) -> Value {
    let granted = answer.decision.then_some(&answer.item);
    let mut ours = json!({
        "outcome": answer.item.outcome,
        "reason": answer.item.reason,
        "partner_reason": answer.item.partner_reason,
        "limits": granted.map(|item| &item.limits),
        "obligations": granted.map_or(&[][..], |item| &item.obligations),
        "record": answer.record,
        "taken_back_by": answer.taken_back_by,
    });
    if let (Some(lapsed), Some(members)) = (answer.lapsed, ours.as_object_mut()) {
        members.insert("approval_lapsed".to_owned(), json!(lapsed));
    }
    ours
}
