//! `kill -9` while the service revokes what stood under an agreement that was suspended: each grant is revoked once, and
//! none is left.

use std::collections::BTreeMap;

use comity::cli::service::open_store;
use comity::decision_log::LogIndex;
use comity::store::event::EventBody;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;
use tokio::time::sleep;

use super::world::Account;
use super::world::Accounts;
use super::world::Shape;
use super::world::home;
use crate::crash::PATIENCE;
use crate::crash::home::Home;
use crate::crash::receiver::Receiver;
use crate::crash::service::Service;
use crate::crash::service::replay_identically;
use crate::crash::tell;

const REQUESTS: usize = 60;
const KILLS: usize = 5;
const AGREEMENT: &str = "/v1/agreements/mc.nl.example";

/// Writes the agreement with another status.
async fn set_status(operator: &Account, status: &str) {
    let read = operator.call(Method::GET, AGREEMENT).send().await.unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let mut agreement: Value = read.json().await.unwrap();
    agreement["status"] = json!(status);
    let put = operator.call(Method::PUT, AGREEMENT);
    let put = put.header("if-match", tag).json(&agreement);
    let put = put.send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
}

/// How many memberships are left.
async fn left(operator: &Account) -> usize {
    let path = "/v1/memberships?limit=1000";
    let listed = operator.get(path).await;
    let listed = listed["documents"]
        .as_array()
        .unwrap_or_else(|| panic!("{listed}"));
    listed.len()
}

/// How often each item of each request was revoked.
fn revoked(home: &Home) -> BTreeMap<String, Vec<u32>> {
    let (store, _archive) = open_store(&home.data(), |_| {}).unwrap();
    let mut revoked: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for index in (0..store.view(|state| state.applied().0)).map(LogIndex) {
        let event = store.record(index).unwrap().event;
        if let EventBody::Revoked {
            request_id,
            items,
            ended: false,
            ..
        } = event.body
        {
            revoked
                .entry(request_id.to_string())
                .or_default()
                .extend(items);
        }
    }
    revoked
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_suspension_revokes_is_revoked_once_wherever_the_service_is_killed() {
    let receiver = Receiver::start().await;
    let home = home(&receiver);
    let mut service = Service::start(&home);
    service.import(&home);
    let accounts = Accounts::of(&service);
    let mut granted = BTreeMap::new();
    for number in 0..REQUESTS {
        let number = u64::try_from(number).unwrap();
        let request = Shape::Automatic.request(number);
        let call = accounts
            .acms
            .call(Method::POST, "/v1/requests")
            .json(&request);
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "accepted", "{answer}");
        granted.insert(answer["id"].as_str().unwrap().to_owned(), vec![0, 1, 2]);
    }
    let all = left(&accounts.operator).await;
    assert!(all >= 3 * REQUESTS, "{all}");
    set_status(&accounts.operator, "suspended").await;
    // That the agreement is in force again gives nothing back of what was granted before.
    set_status(&accounts.operator, "active").await;
    let mut seen = Vec::new();
    for _ in 0..KILLS {
        service.kill();
        service = Service::start(&home);
        let operator = Accounts::of(&service).operator;
        let before = left(&operator).await;
        let deadline = Instant::now() + PATIENCE;
        // Killed as soon as anything more has gone.
        while before > all - 3 * REQUESTS && left(&operator).await == before {
            assert!(Instant::now() < deadline, "{before} memberships stay");
            sleep(std::time::Duration::from_millis(1)).await;
        }
        seen.push(before);
    }
    tell(&format!("memberships when it was started again: {seen:?}"));
    let operator = Accounts::of(&service).operator;
    let deadline = Instant::now() + PATIENCE;
    while left(&operator).await > all - 3 * REQUESTS {
        assert!(Instant::now() < deadline, "memberships stay");
        sleep(std::time::Duration::from_millis(20)).await;
    }
    let id = granted.keys().next().unwrap();
    let read = operator.get(&format!("/v1/requests/{id}")).await;
    assert_eq!(read["status"], "revoked", "{read}");
    assert_eq!(read["revocations"][0]["because"], "agreement-suspended");
    assert!(service.terminate().success());
    assert_eq!(revoked(&home), granted);
    replay_identically(&home.data());
}
