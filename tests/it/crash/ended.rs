//! A request answers the same whether it is in memory or was put away, and after a start.

#![cfg(test)]

use std::sync::Arc;

use comity::identity::caller::Caller;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::settings::Settings as StoreSettings;
use comity::store::state::ENDED_REQUESTS;
use serde_json::Value;
use serde_json::json;

use super::home::Home;
use super::local::Local;
use super::local::store_settings;
use super::requests::request;

/// An enabled user of the example registry.
const DISPATCHER: &str = "sip:dispatch.1@mc.de.example";

async fn open(home: &Home, ended_requests: usize) -> Local {
    let settings = StoreSettings {
        ended_requests,
        ..store_settings(home)
    };
    Local::open_with(home, Arc::new(RealDisk::new(home.data())), settings).await
}

/// Denies what a request holds, if anything.
async fn deny(local: &Local, answer: &Value) -> Value {
    if answer["status"] != "pending" {
        return answer.clone();
    }
    let denial =
        json!({ "answer": "deny", "reason": "enough people there", "reviewer": DISPATCHER });
    let (id, denial) = (
        answer["id"].as_str().unwrap().parse().unwrap(),
        serde_json::from_value(denial).unwrap(),
    );
    let reviewer = Caller::new("desk", ["reviewer"]);
    let answered = local.app.respond(reviewer, id, denial, None).await;
    serde_json::to_value(answered.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_ended_long_ago_answers_as_it_did() {
    let home = Home::new();
    let local = open(&home, 2).await;
    local.import().await;
    let mut answers = Vec::new();
    for number in 0..12 {
        let answer = local.submit(&number.to_string(), &request(number)).await;
        let answer = deny(&local, &answer.unwrap()).await;
        assert_eq!(local.request(&answer), answer, "before it is put away");
        answers.push(answer);
    }
    let responses = |answer: &&Value| answer["version"] == 2;
    assert!(
        answers.iter().filter(responses).count() >= 2,
        "some were held"
    );
    let first = answers[0]["id"].as_str().unwrap().parse().unwrap();
    assert!(local.store.view(|state| state.request(first).is_none()));
    check(&local, &answers).await;
    local.app.close().await;
    drop(local);
    for ended_requests in [2, 0, ENDED_REQUESTS] {
        let local = open(&home, ended_requests).await;
        check(&local, &answers).await;
        local.app.close().await;
    }
}

async fn check(local: &Local, answers: &[Value]) {
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(&local.request(answer), answer, "request {number}");
        let again = local.submit(&format!("{number}"), &request(number)).await;
        assert_eq!(&again.unwrap(), answer, "repeated under its key");
    }
}
