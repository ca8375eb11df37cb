use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Request;
use axum::http::Response;
use axum::http::header::ALLOW;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use super::surround;
use crate::http::problem::Problem;
use crate::telemetry::metrics::HttpLabels;

type Observed = Arc<Mutex<Vec<HttpLabels>>>;

async fn panics() -> &'static str {
    panic!("secret of the handler")
}

fn service() -> (Router, Observed) {
    let observed = Observed::default();
    let sink = Arc::clone(&observed);
    let routes = Router::new()
        .route(
            "/fine/{id}",
            get(|Path(id): Path<u8>| async move { id.to_string() }),
        )
        .route(
            "/refused",
            get(|| async { Problem::invalid(vec![("/a".to_owned(), "wrong".to_owned())]) }),
        )
        .route("/panics", get(panics))
        .route("/slow", get(std::future::pending::<&'static str>));
    let observe =
        move |labels: &HttpLabels, _seconds: f64| sink.lock().unwrap().push(labels.clone());
    (
        surround(routes, Duration::from_millis(50), observe),
        observed,
    )
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap()
}

async fn answer(request: Request<Body>) -> Response<Body> {
    service().0.oneshot(request).await.unwrap()
}

async fn body(response: Response<Body>) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1_000_000)
        .await
        .unwrap()
        .to_vec()
}

/// Asserts that the answer is a whole problem of this kind.
async fn is_problem(response: Response<Body>, status: u16, kind: &str) -> Value {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let problem: Value = serde_json::from_slice(&body(response).await).unwrap();
    assert_eq!(problem["type"], format!("urn:comity:problem:{kind}"));
    assert_eq!(problem["status"], status);
    assert_eq!(problem["instance"], id);
    problem
}

#[tokio::test]
async fn every_error_is_a_problem() {
    is_problem(answer(request("GET", "/nowhere")).await, 404, "not-found").await;
    is_problem(answer(request("GET", "/slow")).await, 504, "timeout").await;
    is_problem(
        answer(request("GET", "/fine/many")).await,
        400,
        "invalid-request",
    )
    .await;
    is_problem(
        answer(request("GET", "/fine/%ff")).await,
        400,
        "invalid-request",
    )
    .await;
    let refused = is_problem(
        answer(request("GET", "/refused")).await,
        422,
        "invalid-input",
    )
    .await;
    assert_eq!(refused["errors"][0]["pointer"], "/a");
}

#[tokio::test]
async fn a_panic_is_answered_without_its_words() {
    let problem = is_problem(answer(request("GET", "/panics")).await, 500, "internal").await;
    assert!(!problem.to_string().contains("secret"), "{problem}");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let response = answer(request("DELETE", "/refused")).await;
    let allowed = response.headers()[ALLOW].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET"), "{allowed}");
    is_problem(response, 405, "method-not-allowed").await;
}

#[tokio::test]
async fn what_went_well_is_left_as_it_is() {
    let response = answer(request("GET", "/fine/7")).await;
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(body(response).await, b"7");
}

#[tokio::test]
async fn well_formed_request_ids_are_taken_over_and_others_replaced() {
    let asked = |id: &str| {
        let mut request = request("GET", "/fine/7");
        request
            .headers_mut()
            .insert("x-request-id", id.parse().unwrap());
        request
    };
    let echoed = |response: Response<Body>| {
        response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        echoed(answer(asked("front-end.17_a")).await),
        "front-end.17_a"
    );
    for wrong in ["", "a b", "a/b", "a:b", &"x".repeat(129)] {
        let id = echoed(answer(asked(wrong)).await);
        assert_eq!(
            id.parse::<Uuid>().unwrap().get_version_num(),
            7,
            "{wrong:?} gave {id}"
        );
    }
}

#[tokio::test]
async fn labels_are_few_whatever_is_asked() {
    let (service, observed) = service();
    for (method, path) in [
        ("GET", "/fine/7"),
        ("GET", "/nowhere/at/all"),
        ("BREW", "/fine/7"),
        ("GET", "/panics"),
    ] {
        service
            .clone()
            .oneshot(request(method, path))
            .await
            .unwrap();
    }
    let label = |method: &str, route: &str, status| HttpLabels {
        method: method.to_owned(),
        route: route.to_owned(),
        status,
    };
    assert_eq!(
        *observed.lock().unwrap(),
        [
            label("GET", "/fine/{id}", 200),
            label("GET", "unmatched", 404),
            label("other", "/fine/{id}", 405),
            label("GET", "/panics", 500),
        ]
    );
}
