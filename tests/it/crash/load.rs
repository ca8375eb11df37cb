//! Clients that submit requests over HTTP, all at once, until nobody answers any more.

#![cfg(test)]

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Client;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::watch;

use super::ledger::Ledger;
use super::random::Random;
use super::requests::agreement_in_status;
use super::requests::request;
use super::service::Service;

const CLIENTS: u64 = 6;
const AGREEMENT: &str = "/v1/agreements/mc.nl.example";

/// Someone who calls a service as its operator.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    client: Client,
    url: String,
    token: String,
}

/// When what happens, in acknowledged requests.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Keys and numbers of this round begin with it.
    pub(crate) round: u64,
    pub(crate) suspend_at: u64,
    pub(crate) kill_at: u64,
    pub(crate) kill_delay: Duration,
}

impl Plan {
    pub(crate) fn random(round: u64, random: &mut Random) -> Self {
        let suspend_at = random.within(3..90);
        let kill_at = suspend_at.saturating_sub(10) + random.within(1..50);
        Self {
            round,
            suspend_at,
            kill_at,
            kill_delay: Duration::from_micros(random.within(0..15_000)),
        }
    }
}

impl Operator {
    pub(crate) fn of(service: &Service) -> Self {
        Self {
            client: Client::new(),
            url: service.url.clone(),
            token: service.token.clone(),
        }
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.client.request(method, format!("{}{path}", self.url));
        call.bearer_auth(&self.token)
    }

    /// Submits a request; an error if no answer arrived.
    pub(crate) async fn submit(&self, key: &str, body: &Value) -> reqwest::Result<Value> {
        let call = self.call(Method::POST, "/v1/requests");
        let response = call.header("Idempotency-Key", key).json(body).send().await;
        let response = response?;
        let status = response.status();
        let answer: Value = response.json().await?;
        assert!(status.is_success(), "{status}: {answer}");
        Ok(answer)
    }

    /// Reports that the first thing that a request obliges to was done; an error if no answer arrived.
    pub(crate) async fn note(&self, answer: &Value) -> reqwest::Result<Value> {
        let obligation = answer["obligations"][0]["id"].as_str().unwrap();
        let id = answer["id"].as_str().unwrap();
        let path = format!("/v1/requests/{id}/obligations/{obligation}");
        let done = serde_json::json!({ "outcome": "done" });
        let response = self.call(Method::POST, &path).json(&done).send().await?;
        let status = response.status();
        let answer: Value = response.json().await?;
        assert!(status.is_success(), "{status}: {answer}");
        Ok(answer)
    }

    /// Submits one of a row of requests, which must be answered.
    pub(crate) async fn submit_number(&self, number: u64) -> Value {
        let (key, body) = (format!("key-{number}"), request(number));
        self.submit(&key, &body).await.unwrap()
    }

    /// Reads a resource that must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.call(Method::GET, path).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// All events, from the beginning to the one of this name.
    pub(crate) async fn events(&self, last: &str) -> Vec<Value> {
        let call = self.call(Method::GET, "/v1/events?after=0");
        let mut response = call.send().await.unwrap().error_for_status().unwrap();
        let (mut events, mut text): (Vec<Value>, _) = (Vec::new(), String::new());
        while events.last().is_none_or(|event| event["id"] != last) {
            let chunk = response.chunk().await.unwrap().unwrap();
            text.push_str(str::from_utf8(&chunk).unwrap());
            while let Some((block, rest)) = text.split_once("\n\n") {
                let data = block.lines().find_map(|line| line.strip_prefix("data:"));
                events.extend(data.map(|data| serde_json::from_str::<Value>(data).unwrap()));
                text = rest.to_owned();
            }
        }
        events
    }

    /// Gives the agreement another status; the revision, or an error if no answer arrived.
    pub(crate) async fn set_agreement(&self, status: &str) -> reqwest::Result<u64> {
        let found = self.call(Method::GET, AGREEMENT).send().await?;
        let tag = found.headers()["etag"].clone();
        let agreement = agreement_in_status(found.json().await?, status);
        let call = self.call(Method::PUT, AGREEMENT);
        let call = call.header("If-Match", tag).json(&agreement);
        let answer: Value = call.send().await?.error_for_status()?.json().await?;
        Ok(answer["revision"].as_u64().unwrap())
    }
}

/// Puts a service under load and kills it in the midst of it.
pub(crate) async fn kill_under_load(service: Service, plan: Plan) -> Ledger {
    let operator = Operator::of(&service);
    operator.set_agreement("active").await.unwrap();
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (count, counted) = watch::channel(0_u64);
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let first = plan.round * 1_000_000 + client * 100_000;
        let caller = (operator.clone(), Arc::clone(&ledger), count.clone());
        tasks.spawn(submit_until_killed(caller, first));
    }
    let suspending = suspend(
        operator,
        Arc::clone(&ledger),
        counted.clone(),
        plan.suspend_at,
    );
    tasks.spawn(suspending);
    // The clients hold the others: when they are gone, nobody waits for more.
    drop(count);
    reached(counted, plan.kill_at).await;
    tokio::time::sleep(plan.kill_delay).await;
    service.kill();
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    Arc::into_inner(ledger).unwrap().into_inner().unwrap()
}

type Submitter = (Operator, Arc<Mutex<Ledger>>, watch::Sender<u64>);

async fn submit_until_killed((operator, ledger, count): Submitter, first: u64) {
    for number in first.. {
        let (key, body) = (format!("key-{number}"), request(number));
        let sent = ledger
            .lock()
            .unwrap()
            .sent
            .insert(key.clone(), body.clone());
        assert_eq!(sent, None);
        let Ok(answer) = operator.submit(&key, &body).await else {
            return;
        };
        let obliges = answer["obligations"].is_array();
        {
            let mut ledger = ledger.lock().unwrap();
            ledger.acknowledged.insert(key.clone(), answer.clone());
            if obliges {
                ledger.noted.insert(key.clone(), false);
            }
        }
        count.send_modify(|count| *count += 1);
        if obliges {
            if operator.note(&answer).await.is_err() {
                return;
            }
            ledger.lock().unwrap().noted.insert(key, true);
        }
    }
}

async fn suspend(
    operator: Operator,
    ledger: Arc<Mutex<Ledger>>,
    counted: watch::Receiver<u64>,
    at: u64,
) {
    if reached(counted, at).await
        && let Ok(revision) = operator.set_agreement("suspended").await
    {
        ledger.lock().unwrap().suspended = Some(revision);
    }
}

/// Waits until so many requests are acknowledged; false if that never happens.
async fn reached(mut counted: watch::Receiver<u64>, at: u64) -> bool {
    counted.wait_for(|count| *count >= at).await.is_ok()
}
