//! Several things asked for at once: one task, and each item with an end of its own.

use comity::app::replay::replay_all;
use comity::cli::service::open_store;
use serde_json::Value;
use serde_json::json;

use super::REQUESTS;
use super::again;
use super::denial;
use super::denied;
use super::evaluate;
use super::problem;
use super::question;
use super::start;
use super::submit_under;
use super::told;
use crate::front::support::Answer;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::denial as no;
use crate::front::support::with;
use crate::front::support::without;

const GROUPS: [&str; 2] = ["sip:unfall-07@mc.de.example", "sip:unfall-08@mc.de.example"];

/// The same for one of the groups.
fn for_group(group: &str) -> Value {
    with(&question(), "/resource/id", group)
}

/// A service with a second group like the first.
async fn with_groups() -> TestService {
    let service = start().await;
    add_group(&service).await;
    service
}

pub(super) async fn add_group(service: &TestService) {
    let first = format!("/v1/groups/{}", GROUPS[0]);
    let mut group = service.get(&first, "operator").await.body;
    group["id"] = json!(GROUPS[1]);
    let documents = json!([{ "kind": "group", "document": group }]);
    let imported = service.post("/v1/import", "operator", &documents).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
}

pub(super) async fn bundle(service: &TestService) -> Value {
    let mut items = Vec::new();
    for group in GROUPS {
        let question = for_group(group);
        let denied = denied(service, &question).await;
        items.push(json!({
            "resource": question["resource"], "action": question["action"],
            "denial": denial(&denied),
        }));
    }
    let question = question();
    json!({ "subject": question["subject"], "context": question["context"], "items": items })
}

async fn submitted(service: &TestService, body: &Value) -> Answer {
    let answer = service.post(REQUESTS, "acms", body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer
}

/// The requests that wait, in the order in which they were submitted.
pub(super) async fn waiting(service: &TestService) -> Vec<String> {
    let reviewer = crate::front::support::DISPATCHER;
    let listed = format!("/v1/reviews?can=answer&reviewer={reviewer}");
    let listed = service.get(&listed, "reviewer").await;
    let items = listed.body["items"].as_array().unwrap();
    let path = |item: &Value| format!("/v1/requests/{}", item["request_id"].as_str().unwrap());
    items.iter().map(path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_items_is_partial_where_they_end_differently() {
    let service = with_groups().await;
    let body = bundle(&service).await;
    let answer = submitted(&service, &body).await;
    let task = super::path(&answer);
    let items = answer.body["task"]["items"].as_array().unwrap();
    for (item, asked) in items.iter().zip(body["items"].as_array().unwrap()) {
        assert_eq!(item["resource"], asked["resource"]);
        assert_eq!(item["action"], asked["action"]);
        assert_eq!(item["status"], "pending");
        assert_eq!(item["result"], Value::Null);
    }
    assert_eq!(items.len(), 2);
    let waiting = waiting(&service).await;
    assert_eq!(waiting.len(), 2);
    service.respond(&waiting[0], &approval()).await;
    let half = service.get(&task, "acms").await;
    assert_eq!(half.body["task"]["status"], "pending", "{}", half.text);
    assert_eq!(half.body["task"]["items"][0]["status"], "approved");
    service.respond(&waiting[1], &no()).await;
    let read = service.get(&task, "acms").await;
    assert_eq!(read.body["task"]["status"], "partial", "{}", read.text);
    assert_eq!(read.body["result"], Value::Null);
    let items = &read.body["task"]["items"];
    assert_eq!(items[0]["result"]["mode"], "reevaluate");
    assert_eq!(items[1]["status"], "denied");
    assert_eq!(items[1]["result"], Value::Null);
    // The approval of one item is of that item.
    let given = &items[0]["result"]["approval"];
    let other = evaluate(&service, &again(&for_group(GROUPS[1]), given)).await;
    assert_eq!(told(&other), ("out_of_scope", "request", true));
    let own = evaluate(&service, &again(&for_group(GROUPS[0]), given)).await;
    assert_eq!(own.body["decision"], true, "{}", own.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_approved_has_a_result_of_its_own() {
    let service = with_groups().await;
    let answer = submitted(&service, &bundle(&service).await).await;
    for path in waiting(&service).await {
        service.respond(&path, &approval()).await;
    }
    let read = service.get(&super::path(&answer), "acms").await;
    assert_eq!(read.body["task"]["status"], "approved");
    assert_eq!(read.body["result"], Value::Null);
    let items = &read.body["task"]["items"];
    let given = |number: usize| items[number]["result"]["approval"]["id"].as_str().unwrap();
    assert_ne!(given(0), given(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_has_to_be_bound() {
    let service = with_groups().await;
    let body = bundle(&service).await;
    let before = service.log_size().await;
    let unbound = without(&body, "/items/1/denial");
    // What covers the whole list was never told.
    let over_all = with(&unbound, "/denial", body["items"][0]["denial"].clone());
    let swapped = with(&body, "/items/1/denial", body["items"][0]["denial"].clone());
    let other = with(&body, "/items/1/resource/id", "sip:other@mc.de.example");
    for refused in [unbound, over_all, swapped, other] {
        let answer = service.post(REQUESTS, "acms", &refused).await;
        assert_eq!(
            problem(&answer),
            (400, "invalid_denial_binding"),
            "{}",
            answer.text
        );
    }
    let both = with(
        &body,
        "/resource",
        json!({ "type": "group", "id": GROUPS[0] }),
    );
    let both = service.post(REQUESTS, "acms", &both).await;
    assert_eq!(both.problem(), (400, "invalid-access-body"));
    assert_eq!(both.pointers(), ["/resource"]);
    assert_eq!(service.log_size().await, before, "none of it was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_covers_the_whole_list() {
    let service = with_groups().await;
    let body = bundle(&service).await;
    let first = submit_under(&service, "bundle", &body).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let size = service.log_size().await;
    let second = submit_under(&service, "bundle", &body).await;
    assert_eq!((second.status, &second.body), (202, &first.body));
    assert_eq!(service.log_size().await, size);
    let fewer = with(&body, "/items", json!([body["items"][0]]));
    let fewer = submit_under(&service, "bundle", &fewer).await;
    assert_eq!(problem(&fewer), (409, "duplicate_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_list_leaves_what_has_ended() {
    let service = with_groups().await;
    let answer = submitted(&service, &bundle(&service).await).await;
    let task = super::path(&answer);
    service
        .respond(&waiting(&service).await[1], &approval())
        .await;
    let cancelled = service
        .post(&format!("{task}/cancel"), "acms", &json!({}))
        .await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(cancelled.body["task"]["status"], "partial");
    let items = &cancelled.body["task"]["items"];
    assert_eq!(items[0]["status"], "cancelled");
    assert_eq!(items[1]["status"], "approved");
    let again = service
        .post(&format!("{task}/cancel"), "acms", &json!({}))
        .await;
    assert_eq!(problem(&again), (409, "invalid_task_state"));
    // Where nothing had ended, all of it is cancelled.
    let answer = submitted(&service, &bundle(&service).await).await;
    let task = super::path(&answer);
    let cancelled = service
        .post(&format!("{task}/cancel"), "acms", &json!({}))
        .await;
    assert_eq!(cancelled.body["task"]["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_denial_is_good_for_one_item() {
    let service = with_groups().await;
    let body = bundle(&service).await;
    let before = service.log_size().await;
    let twice = with(
        &body,
        "/items",
        json!([body["items"][0], body["items"][1], body["items"][0]]),
    );
    let refused = service.post(REQUESTS, "acms", &twice).await;
    let expected = (400, "invalid_denial_binding");
    assert_eq!(problem(&refused), expected, "{}", refused.text);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("items 0 and 2"), "{detail}");
    assert_eq!(service.log_size().await, before, "none of it was begun");
    submitted(&service, &body).await;
}

/// The second item of a list is asked for on its own in the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_loses_a_denial_to_another_submission_leaves_nothing() {
    let service = with_groups().await;
    let (mut lists, mut alone) = (0, 0);
    for _ in 0..20 {
        let body = bundle(&service).await;
        let mut single = for_group(GROUPS[1]);
        single["denial"] = body["items"][1]["denial"].clone();
        let before = service.log_size().await;
        let (list, one) = tokio::join!(
            service.post(REQUESTS, "acms", &body),
            service.post(REQUESTS, "acms", &single),
        );
        let refused = (400, "invalid_denial_binding");
        let size = service.log_size().await;
        match (list.status, one.status) {
            (202, 400) => {
                assert_eq!((problem(&one), size), (refused, before + 2));
                lists += 1;
            }
            (400, 202) => {
                assert_eq!((problem(&list), size), (refused, before + 1));
                alone += 1;
            }
            other => panic!("{other:?}: {} {}", list.text, one.text),
        }
        // Everything that waits has a task that its caller can read.
        for path in waiting(&service).await {
            let request = service.get(&path, "auditor").await;
            let task = request.body["access"]["approval"]["task"].as_str().unwrap();
            let read = service.get(&format!("{REQUESTS}/{task}"), "acms").await;
            assert_eq!(read.status, 200, "{}", read.text);
        }
    }
    assert_eq!(lists + alone, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_submitted_by_many_at_once_is_one_task() {
    let service = with_groups().await;
    for round in 0..5 {
        let body = bundle(&service).await;
        let before = service.log_size().await;
        let key = format!("at-once-{round}");
        let one = || submit_under(&service, &key, &body);
        let answers = tokio::join!(one(), one(), one(), one());
        for answer in [&answers.1, &answers.2, &answers.3] {
            let expected = (202, &answers.0.body);
            assert_eq!((answer.status, &answer.body), expected, "{}", answer.text);
        }
        assert_eq!(service.log_size().await, before + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_survives_a_start_and_all_its_entries_replay() {
    let mut service = with_groups().await;
    let answer = submitted(&service, &bundle(&service).await).await;
    let task = super::path(&answer);
    service
        .respond(&waiting(&service).await[0], &approval())
        .await;
    let before = service.get(&task, "acms").await;
    service.stop().await;
    service.resume().await.unwrap();
    let after = service.get(&task, "acms").await;
    assert_eq!(after.body, before.body);
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 0, "{report:?}");
    assert!(report.decisions >= 5, "{report:?}");
}
