//! What follows from an evaluation is what follows from a request, and nothing follows from an approval.

use serde_json::Value;
use serde_json::json;

use super::again;
use super::asked;
use super::evaluate;
use super::held;
use super::question;
use super::start;
use crate::front::support::DE;
use crate::front::support::NL;
use crate::front::support::REQUESTER;
use crate::front::support::TestService;
use crate::front::support::approval;

const OFFICER_OF_OURS: &str = "sip:streife.12@mc.de.example";

/// May the Dutch system know of our users? A person decides.
fn pull() -> Value {
    let mut elements = question()["context"]["request"].clone();
    for name in ["target", "members", "change"] {
        elements.as_object_mut().unwrap().shift_remove(name);
    }
    elements["kinds"] = json!(["users"]);
    json!({
        "subject": { "type": "user", "id": REQUESTER },
        "action": { "name": "configuration-information" },
        "resource": { "type": "system", "id": DE },
        "context": { "request": elements }
    })
}

async fn of(service: &TestService, evaluated: &crate::front::support::Answer) -> Value {
    let id = &evaluated.body["context"]["evaluation_id"];
    let path = format!("/v1/requests/{}", id.as_str().unwrap());
    service.get(&path, "acms").await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_disclosed_before_the_evaluation_that_uses_the_approval() {
    let service = start().await;
    let agree = |agreement: &mut Value| {
        agreement["acm"]["disclosure"] = json!(["users", "groups", "security-level"]);
    };
    service.change(&format!("/v1/agreements/{NL}"), agree).await;
    let task = asked(&service, &pull()).await;
    let answered = service.respond(&held(&task), &approval()).await;
    assert_eq!(answered.items("/state"), ["granted"], "{}", answered.text);
    assert_eq!(answered.body["disclosed"], Value::Null);
    assert!(!answered.text.contains(OFFICER_OF_OURS));
    let given = service.get(&task, "acms").await.body["result"]["approval"].clone();
    let permitted = evaluate(&service, &again(&pull(), &given)).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
    let told = of(&service, &permitted).await;
    let disclosed = &told["disclosed"][0]["view"];
    assert!(disclosed.to_string().contains(OFFICER_OF_OURS), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outbound_a_permission_is_that_it_may_be_sent() {
    let service = start().await;
    let question = json!({
        "subject": { "type": "user", "id": "sip:dispatch.1@mc.de.example" },
        "action": { "name": "group-membership-update" },
        "resource": { "type": "group", "id": "sip:grensteam-1@mc.nl.example" },
        "context": { "request": {
            "direction": "outbound", "correlation_id": "de-2026-000031",
            "requesting_system": DE, "receiving_system": NL,
            "target": { "mc_service_id": REQUESTER },
            "members": [OFFICER_OF_OURS], "change": "add",
        }}
    });
    let permitted = evaluate(&service, &question).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
    let ours = &permitted.body["context"]["urn:comity:decision"];
    assert_eq!(ours["obligations"][0]["name"], "forward-request");
    let cleared = of(&service, &permitted).await;
    assert_eq!(cleared["status"], "cleared", "{cleared}");
    let reports = format!("/v1/requests/{}/reports", cleared["id"].as_str().unwrap());
    let sent = service
        .post(&reports, "acms", &json!({ "report": "sent" }))
        .await;
    assert_eq!(sent.body["status"], "sent", "{}", sent.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_leaves_its_secrets_in_no_record_until_it_is_permitted() {
    let service = start().await;
    let text = std::fs::read_to_string("tests/scenarios/requests/push-inbound.json").unwrap();
    let scenario: Value = serde_json::from_str(&text).unwrap();
    let mut elements = question()["context"]["request"].clone();
    for name in ["target", "members", "change"] {
        elements.as_object_mut().unwrap().shift_remove(name);
    }
    elements["mc_system_id"] = json!(NL);
    elements["configuration"] = scenario["body"]["configuration"].clone();
    let push = json!({
        "subject": { "type": "user", "id": REQUESTER },
        "action": { "name": "ue-configuration-push" },
        "resource": { "type": "system", "id": DE },
        "context": { "request": elements }
    });
    let task = asked(&service, &push).await;
    service.respond(&held(&task), &approval()).await;
    let kept = format!("/v1/ue-configurations/{NL}");
    let none = service.get(&kept, "configuration-manager").await;
    assert_eq!(none.problem(), (404, "not-found"));
    assert!(!files_hold(&service, "a secret"));
    let given = service.get(&task, "acms").await.body["result"]["approval"].clone();
    let permitted = evaluate(&service, &again(&push, &given)).await;
    assert_eq!(permitted.body["decision"], true, "{}", permitted.text);
    let secrets = format!("{kept}/secrets");
    let secrets = service.get(&secrets, "configuration-manager").await;
    assert!(secrets.text.contains("a secret"), "{}", secrets.text);
    assert!(!files_hold(&service, "a secret"), "it is kept encrypted");
}

/// Whether a text stands in any file of the data directory.
fn files_hold(service: &TestService, text: &str) -> bool {
    let mut open = vec![service.settings().data_directory.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            open.extend(entries.map(|entry| entry.unwrap().path()));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|it| it == text.as_bytes())
        {
            return true;
        }
    }
    false
}
