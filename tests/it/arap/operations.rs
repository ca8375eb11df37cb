//! Every operation of the catalogue can be asked over AuthZEN.

use std::collections::BTreeSet;
use std::fs;

use comity::domain::operation::Operation;
use comity::domain::request::InterSystemRequest;
use comity::domain::request::elements::Principal;
use comity::domain::request::elements::Resource;
use comity::domain::request::elements::Serving;
use comity::domain::wire::WireLimits;
use comity::domain::wire::read_request;
use serde_json::Value;
use serde_json::json;

use super::EVALUATION;
use super::start;
use crate::front::support::without;

/// The request of a scenario as it is submitted.
fn flat(mut scenario: Value) -> Value {
    let body = scenario["body"].take();
    let mut flat = without(&scenario, "/body");
    let members = flat.as_object_mut().unwrap();
    members.extend(body.as_object().cloned().unwrap());
    // A scenario says what a token vouches for; what is submitted is the token.
    if flat["token"].is_object() {
        flat["token"] = json!("e30.e30.AA");
    }
    flat
}

fn user(id: &impl ToString) -> Value {
    json!({ "type": "user", "id": id.to_string() })
}

fn system(id: &impl ToString) -> Value {
    json!({ "type": "system", "id": id.to_string() })
}

fn question(request: &InterSystemRequest, flat: &Value) -> Value {
    let elements = request.body.elements();
    let subject = match elements.principal() {
        Principal::User(id) => user(id),
        Principal::RequestingSystem => system(&request.requesting_system),
    };
    let resource = match elements.resource() {
        Resource::Group(id) => json!({ "type": "group", "id": id.to_string() }),
        Resource::User(id) => user(id),
        Resource::ReceivingSystem => system(&request.receiving_system),
        Resource::ServingSystem => match (elements.serving(), request.direction.as_str()) {
            (Serving::Named(id), _) => system(id),
            (Serving::Migration, "home-consent") => system(&request.requesting_system),
            (Serving::Migration | Serving::Nobody, _) => system(&request.receiving_system),
        },
    };
    json!({
        "subject": subject, "resource": resource,
        "action": { "name": request.body.operation().as_str() },
        "context": { "request": without(flat, "/operation") },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_can_be_asked() {
    let service = start().await;
    let (mut asked, mut several) = (BTreeSet::new(), BTreeSet::new());
    for found in fs::read_dir("tests/scenarios/requests").unwrap() {
        let path = found.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        // Many users in short: more than one thing anyway.
        if text.contains("{1..") {
            continue;
        }
        let scenario = serde_json::from_str(&text).unwrap();
        let flat = flat(scenario);
        let request = read_request(&flat, WireLimits::default());
        let request = request.unwrap_or_else(|problems| panic!("{path:?} {problems:?}"));
        let question = question(&request, &flat);
        let answer = service.post(EVALUATION, "acms", &question).await;
        let operation = request.body.operation();
        if answer.status == 400 {
            assert!(answer.text.contains("asks one thing"), "{}", answer.text);
            several.insert(operation);
        } else {
            assert_eq!(answer.status, 200, "{path:?} {}", answer.text);
            assert!(answer.body["decision"].is_boolean());
            asked.insert(operation);
        }
    }
    let all: BTreeSet<Operation> = Operation::ALL.iter().copied().collect();
    let seen: BTreeSet<Operation> = asked.union(&several).copied().collect();
    assert_eq!(seen, all);
    assert!(asked.len() > all.len() / 2, "{several:?}");
}
