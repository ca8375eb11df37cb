//! The Access Request and Approval Profile of AuthZEN, clause by clause; `docs/authzen.md` says which test holds which.

mod approvers;
mod bundles;
mod callbacks;
mod consequences;
mod conversation;
mod denials;
mod evaluation;
mod last_word;
mod metadata;
mod operations;
mod reevaluation;
mod submission;
mod tasks;
mod time;

use comity::app::access_request::Offer;
use comity::app::clock::WallClock;
use comity::cli::service::ServiceSettings;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::front::support::Answer;
use crate::front::support::GROUP;
use crate::front::support::OFFICER;
use crate::front::support::REQUESTER;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::membership;
use crate::front::support::send;
use crate::front::support::without;

const PUBLIC_URL: &str = "https://pdp.mc.de.example";
const EVALUATION: &str = "/access/v1/evaluation";
const REQUESTS: &str = "/access/v1/requests";

/// What the profile's problem types begin with.
const PROBLEM: &str = "urn:openid:authzen:access-request:error:";

fn offering(settings: &mut ServiceSettings) {
    settings.access_offer = Some(Offer {
        public_url: PUBLIC_URL.parse().unwrap(),
        denial_seconds: 600,
        approval_seconds: 3_600,
    });
}

pub(crate) async fn start() -> TestService {
    TestService::start_with(offering).await
}

async fn start_by(clock: impl WallClock + 'static) -> TestService {
    TestService::start_with_clock(clock, offering).await
}

/// May the Dutch control room add an officer to the German group?
pub(crate) fn question() -> Value {
    question_of(OFFICER)
}

fn question_of(member: &str) -> Value {
    let mut elements = membership(&[member]);
    for said_elsewhere in ["/operation", "/group", "/requester"] {
        elements = without(&elements, said_elsewhere);
    }
    json!({
        "subject": { "type": "user", "id": REQUESTER },
        "action": { "name": "group-membership-update" },
        "resource": { "type": "group", "id": GROUP },
        "context": { "request": elements, "time": "2026-11-21T10:00:00Z" }
    })
}

/// The access request that follows a denial.
fn asking(question: &Value, denied: &Answer) -> Value {
    let mut asked = question.clone();
    asked["context"]["business_justification"] = json!("the scene is across the border");
    asked["denial"] = denial(denied);
    asked
}

fn denial(denied: &Answer) -> Value {
    let context = &denied.body["context"];
    json!({
        "evaluation_id": context["evaluation_id"],
        "evaluated_at": context["evaluated_at"],
        "reason": context["reason"],
        "expires_at": context["access_request"]["expires_at"],
        "binding_token": context["access_request"]["binding_token"],
        "template": context["access_request"]["template"],
    })
}

/// The same question with an approval.
fn again(question: &Value, approval: &Value) -> Value {
    let mut again = question.clone();
    again["context"]["approval"] = approval.clone();
    // What is not part of the request may differ.
    again["context"]["time"] = json!("2026-11-21T11:00:00Z");
    again
}

async fn evaluate(service: &TestService, question: &Value) -> Answer {
    let answer = service.post(EVALUATION, "acms", question).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// Evaluates what is held.
async fn denied(service: &TestService, question: &Value) -> Answer {
    let answer = evaluate(service, question).await;
    assert_eq!(answer.body["decision"], false, "{}", answer.text);
    let requestable = &answer.body["context"]["access_request"];
    assert!(requestable.is_object(), "{}", answer.text);
    answer
}

/// Evaluates what is held, asks for an approval, and tells the task's path.
pub(crate) async fn asked(service: &TestService, question: &Value) -> String {
    let denied = denied(service, question).await;
    let answer = service
        .post(REQUESTS, "acms", &asking(question, &denied))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    path(&answer)
}

/// The path of the task that an answer tells of.
fn path(answer: &Answer) -> String {
    let endpoint = answer.body["task"]["status_endpoint"].as_str().unwrap();
    endpoint.strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

/// The request that waits in the ordinary queue for a task of one item.
pub(crate) fn held(task: &str) -> String {
    format!("/v1/requests/{}", task.rsplit_once('/').unwrap().1)
}

/// Evaluates, asks, has it approved, and gives the approval.
async fn approved(service: &TestService, question: &Value) -> Value {
    let task = asked(service, question).await;
    let answered = service.respond(&held(&task), &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "approved", "{}", read.text);
    read.body["result"]["approval"].clone()
}

/// Submits under a key.
async fn submit_under(service: &TestService, key: &str, body: &Value) -> Answer {
    let call = service.call(Method::POST, REQUESTS, "acms");
    send(call.header("idempotency-key", key).json(body)).await
}

/// The kind of a problem that the profile names.
fn problem(answer: &Answer) -> (u16, &str) {
    let (status, kind) = answer.problem();
    (status, kind.strip_prefix(PROBLEM).unwrap_or(kind))
}

/// The header or the claims of a token.
fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

/// Reason and next action of a denial, and whether an approval can be asked for.
fn told(answer: &Answer) -> (&str, &str, bool) {
    assert_eq!(answer.body["decision"], false, "{}", answer.text);
    let context = &answer.body["context"];
    (
        context["reason"].as_str().unwrap(),
        context["next_action"].as_str().unwrap_or("not told"),
        context["access_request"].is_object(),
    )
}
