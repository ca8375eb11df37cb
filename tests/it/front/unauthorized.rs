//! Every route for every caller: who is let in.

use std::fmt::Write as _;

use comity::cli::service::CallerTokens;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::DE;
use super::support::DISPATCHER;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::membership;
use super::support::send;

const CALLERS: [&str; 10] = [
    "without token",
    "wrong token",
    "nobody",
    "acms",
    "peer",
    "reviewer",
    "auditor",
    "security-officer",
    "configuration-manager",
    "operator",
];

/// What is committed: `401` and `403` as they are, `in` where the caller gets past the door.
const EXPECTED: &str = include_str!("who_may_what.txt");

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should() {
    let service = TestService::start().await;
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let mut table = String::new();
    for (method, path, body) in routes(&held) {
        let shown = path.replace(&held, "/v1/requests/{id}");
        writeln!(table, "{method} {shown}").unwrap();
        for caller in CALLERS {
            let before = service.log_size().await;
            let mut call = service.call(method.clone(), &path, caller);
            if method == Method::PUT || method == Method::DELETE {
                // A revision that never is: whoever gets in gets no further.
                call = call.header("if-match", "\"r999999\"");
            }
            let answer = send(call.json(&body)).await;
            let word = match answer.problem() {
                (401, "unauthenticated") => "401",
                (403, "forbidden") => "403",
                (401 | 403, _) => panic!("{}", answer.text),
                _ => "in",
            };
            if word != "in" {
                assert_eq!(service.log_size().await, before, "{caller} {path}");
            }
            if word == "401" {
                assert_eq!(answer.header("www-authenticate"), "Bearer");
            }
            writeln!(table, "    {word:<4} {caller}").unwrap();
        }
    }
    assert_eq!(table, EXPECTED);
}

#[expect(clippy::too_many_lines, reason = "one of each")]
fn routes(held: &str) -> Vec<(Method, String, Value)> {
    let agreement = format!("/v1/agreements/{NL}");
    let configuration = format!("/v1/ue-configurations/{NL}");
    let request = membership(&[OFFICER]);
    // What is not pending: answering leaves the request as it is.
    let mut response = approval();
    response["items"] = json!([7]);
    // What is not cleared: so does reporting on it.
    let report = json!({ "report": "sent" });
    // What does not wait: nor does withdrawing it.
    let withdrawal = json!({ "items": [7], "reason": "not wanted" });
    // What is not granted: nor does revoking it.
    let revocation = json!({ "items": [7], "reason": "not wanted", "revoked_by": DISPATCHER });
    let system = json!({ "mc_system_id": NL, "name": "Netherlands" });
    let half =
        json!({ "partner": DE, "status": "draft", "valid_from": "2026-01-01T00:00:00.000Z" });
    let plain = |method, path: &str| (method, path.to_owned(), Value::Null);
    vec![
        (Method::POST, "/v1/requests".to_owned(), request.clone()),
        plain(Method::GET, held),
        (Method::POST, format!("{held}/responses"), response),
        (Method::POST, format!("{held}/reports"), report),
        (Method::POST, format!("{held}/withdrawal"), withdrawal),
        (
            Method::POST,
            format!("{held}/obligations/0-0"),
            json!({ "outcome": "done" }),
        ),
        plain(Method::GET, "/v1/obligations"),
        (Method::POST, format!("{held}/revocation"), revocation),
        (
            Method::POST,
            format!("{held}/acknowledgement"),
            json!({ "version": 0 }),
        ),
        plain(Method::GET, "/v1/requests"),
        plain(Method::GET, "/v1/requests?undelivered=true"),
        plain(Method::GET, "/v1/requests?correlation_id=none"),
        plain(
            Method::GET,
            &format!("/v1/reviews?can=answer&reviewer={DISPATCHER}"),
        ),
        // No place to begin at: whoever gets in gets no further.
        plain(Method::GET, "/v1/events?after=nowhere"),
        plain(Method::GET, &format!("/v1/grants?partner={NL}")),
        plain(
            Method::GET,
            &format!("/v1/pending-acm-data?mc_service_id={DISPATCHER}"),
        ),
        plain(Method::GET, "/v1/callbacks"),
        plain(Method::GET, "/v1/callbacks/none/dead-letters"),
        plain(Method::POST, "/v1/callbacks/none/dead-letters/1/redelivery"),
        plain(Method::GET, "/v1/webhooks"),
        plain(Method::GET, "/v1/webhooks/none/dead-letters"),
        plain(Method::POST, "/v1/webhooks/none/dead-letters/1/redelivery"),
        plain(Method::POST, "/v1/webhooks/none/resumption"),
        (Method::POST, "/v1/decisions".to_owned(), request),
        // Beyond the end of the log: nothing is read for it.
        (
            Method::POST,
            "/v1/replays".to_owned(),
            json!({ "first": u64::MAX }),
        ),
        plain(Method::GET, "/v1/replays/none"),
        // Nothing is tried: whoever gets in gets no further.
        (Method::POST, "/v1/impact".to_owned(), json!({})),
        plain(Method::GET, "/v1/impact/none"),
        plain(Method::GET, "/v1/impact/none/page"),
        plain(Method::GET, "/v1/shadow"),
        plain(Method::GET, "/v1/shadow/page"),
        (
            Method::POST,
            "/access/v1/evaluation".to_owned(),
            crate::arap::question(),
        ),
        // Nothing is offered here: whoever gets in finds nothing.
        (
            Method::POST,
            "/access/v1/requests".to_owned(),
            crate::arap::question(),
        ),
        plain(Method::GET, "/access/v1/requests/x"),
        plain(Method::POST, "/access/v1/requests/x/cancel"),
        plain(Method::GET, "/access/v1/jwks"),
        plain(Method::GET, "/.well-known/authzen-configuration"),
        plain(Method::GET, "/v1/policies"),
        plain(Method::GET, "/v1/records"),
        plain(Method::GET, "/v1/records/counts"),
        plain(Method::GET, "/v1/records/0"),
        (Method::POST, "/v1/import".to_owned(), json!([])),
        plain(Method::GET, "/v1/agreements"),
        plain(Method::GET, &agreement),
        (Method::POST, format!("{agreement}/mirror"), half),
        (Method::PUT, format!("/v1/systems/{NL}"), system),
        plain(Method::DELETE, &agreement),
        plain(Method::GET, &configuration),
        plain(Method::GET, &format!("{configuration}/versions")),
        plain(Method::GET, &format!("{configuration}/changes")),
        plain(Method::GET, &format!("{configuration}/secrets")),
        plain(Method::DELETE, &configuration),
        plain(Method::GET, "/v1/erasures"),
        plain(Method::GET, "/v1/erasures/none"),
        // Nothing that is there: whoever gets in gets no further.
        (
            Method::POST,
            "/v1/erasures".to_owned(),
            json!({
                "subjects": ["nobody"], "ground": "objection", "reason": "none",
                "asked_by": DISPATCHER
            }),
        ),
        (
            Method::POST,
            "/v1/erasures/none/approval".to_owned(),
            json!({ "approved_by": DISPATCHER }),
        ),
        (
            Method::POST,
            "/v1/erasures/none/refusal".to_owned(),
            json!({ "refused_by": DISPATCHER }),
        ),
        plain(Method::GET, "/metrics"),
        plain(Method::GET, "/readyz"),
        plain(Method::GET, "/livez"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_well_formed_header_lets_in() {
    let service = TestService::start_empty(|_| {}).await;
    let token = std::fs::read_to_string(service.settings().data_directory.join("operator.token"));
    let token = token.unwrap().trim().to_owned();
    let call = |values: Vec<String>| {
        let call = service.call(Method::GET, "/v1/policies", "without token");
        let call = values
            .into_iter()
            .fold(call, |call, value| call.header("authorization", value));
        send(call)
    };
    for good in [format!("Bearer {token}"), format!("bearer {token}")] {
        assert_eq!(call(vec![good]).await.status, 200);
    }
    for wrong in [
        vec![token.clone()],
        vec![format!("Basic {token}")],
        vec!["Bearer".to_owned()],
        vec![format!("Bearer {token}x")],
        vec![format!("Bearer {token}"), format!("Bearer {token}")],
    ] {
        let refused = call(wrong.clone()).await;
        assert_eq!(refused.problem(), (401, "unauthenticated"), "{wrong:?}");
        assert!(!refused.text.contains(&token));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_from_the_order_of_checks() {
    let service = TestService::start_empty(|_| {}).await;
    for (path, text) in [
        ("/v1/requests", "nonsense"),
        ("/v1/decisions", "{}"),
        ("/v1/replays", "nonsense"),
        ("/v1/impact", "nonsense"),
        ("/v1/import", "nonsense"),
        ("/v1/requests/7/responses", "{}"),
        ("/v1/requests/7/reports", "{}"),
        ("/v1/requests/7/withdrawal", "{}"),
        ("/v1/requests/7/obligations/x", "{}"),
        ("/v1/requests/7/revocation", "{}"),
        ("/v1/requests/7/acknowledgement", "{}"),
    ] {
        let refused = service.post_text(path, "wrong token", text).await;
        assert_eq!(refused.problem(), (401, "unauthenticated"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn front_ends_read_their_own_requests_alone() {
    let mut other = CallerTokens::new();
    let service = TestService::start_with(|settings| {
        other = settings.make_callers(&[("acms-2", "acms")]).unwrap();
    })
    .await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    for reader in [
        "acms",
        "reviewer",
        "auditor",
        "security-officer",
        "operator",
    ] {
        assert_eq!(service.get(&path, reader).await.status, 200, "{reader}");
    }
    let call = |path: &str| {
        let call = service.call(Method::GET, path, "without token");
        send(call.bearer_auth(&other["acms-2"]))
    };
    assert_eq!(call(&path).await.problem(), (403, "forbidden"));
    // What is not there is not there, for whoever may read at all.
    let missing = "/v1/requests/00000000-0000-4000-8000-000000000000";
    assert_eq!(call(missing).await.problem(), (404, "not-found"));
    let nobody = service.get(missing, "nobody").await;
    assert_eq!(nobody.problem(), (403, "forbidden"));
}
