//! Whoever asked fetches what became of it, and finds it again however long ago it was.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::support::Answer;
use super::support::DISPATCHER;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::denial;
use super::support::membership;
use super::support::send;
use super::support::with;

const OTHER: &str = "sip:officer.115@mc.nl.example";

async fn acknowledge(service: &TestService, path: &str, version: u64) -> Answer {
    let seen = json!({ "version": version });
    service
        .post(&format!("{path}/acknowledgement"), "acms", &seen)
        .await
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let requests = answer.body["requests"].as_array().unwrap();
    let ids = requests.iter().map(|it| it["id"].as_str().unwrap());
    ids.map(|id| format!("/v1/requests/{id}")).collect()
}

async fn due(service: &TestService) -> Vec<String> {
    ids(&service.get("/v1/requests?undelivered=true", "acms").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_until_it_is_acknowledged() {
    let mut service = TestService::start_with(|settings| settings.ended_requests = 0).await;
    let path = service.submit_held(&membership(&[OFFICER, OTHER])).await;
    assert!(due(&service).await.is_empty());
    let one = with(&approval(), "/items", json!([0]));
    let answered = service.respond(&path, &one).await;
    assert_eq!(answered.items("/state"), ["granted", "pending"]);
    assert_eq!(due(&service).await, [path.as_str()]);
    // Told again until it is acknowledged, and to nobody else.
    assert_eq!(due(&service).await, [path.as_str()]);
    let others = service
        .get("/v1/requests?undelivered=true", "operator")
        .await;
    assert!(ids(&others).is_empty());
    for (version, told) in [(0, 422), (9, 422)] {
        let refused = acknowledge(&service, &path, version).await;
        assert_eq!(refused.status, told, "{}", refused.text);
        assert_eq!(refused.pointers(), ["/version"]);
    }
    let size = service.log_size().await;
    let seen = acknowledge(&service, &path, 2).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert_eq!(seen.body["acknowledged"], 2);
    assert_eq!(seen.body["version"], 2);
    assert_eq!(seen.items("/delivered"), [json!(true), Value::Null]);
    assert!(due(&service).await.is_empty());
    for version in [1, 2] {
        let again = acknowledge(&service, &path, version).await;
        assert_eq!(again.body, seen.body);
    }
    assert_eq!(service.log_size().await, size + 1);
    // Answered and put away: what was not acknowledged is told all the same, after a start too.
    let rest = service.respond(&path, &denial()).await;
    assert_eq!(rest.body["status"], "partial", "{}", rest.text);
    assert_eq!(rest.items("/delivered"), [json!(true), Value::Null]);
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(due(&service).await, [path.as_str()]);
    let seen = acknowledge(&service, &path, 3).await;
    assert_eq!(seen.items("/delivered"), [true, true]);
    assert!(due(&service).await.is_empty());
    // What is revoked is told anew.
    let revocation = json!({ "reason": "over", "revoked_by": DISPATCHER });
    let revoked = format!("{path}/revocation");
    let revoked = service.post(&revoked, "reviewer", &revocation).await;
    assert_eq!(revoked.items("/delivered"), [Value::Null, json!(true)]);
    assert_eq!(due(&service).await, [path]);
    for wrong in [
        "undelivered=yes",
        "undelivered=true&status=pending",
        "after=3",
    ] {
        let refused = service.get(&format!("/v1/requests?{wrong}"), "acms").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_under_a_condition_is_of_the_present_version() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let call = async |tag: &str| {
        let place = format!("{path}/acknowledgement");
        let call = service.call(Method::POST, &place, "acms");
        send(call.header("if-match", tag).json(&json!({ "version": 1 }))).await
    };
    for (tag, problem) in [
        ("garbage", (400, "invalid-precondition")),
        ("\"r2\"", (412, "revision-mismatch")),
    ] {
        assert_eq!(call(tag).await.problem(), problem);
    }
    assert_eq!(call("\"r1\"").await.body["acknowledged"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_comes_page_by_page() {
    let service = TestService::start().await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        let path = service.submit_held(&membership(&[OFFICER])).await;
        service.respond(&path, &denial()).await;
        paths.push(path);
    }
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = format!("/v1/requests?undelivered=true&limit=2{after}");
        let page = service.get(&page, "acms").await;
        found.extend(ids(&page));
        match page.body["next"].as_u64() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(found, paths);
}

/// Four requests that were answered, one that waits, one that was refused at once; after a start, with none of those
/// that ended in memory.
async fn filled() -> (TestService, Vec<String>) {
    let mut service = TestService::start_with(|settings| settings.ended_requests = 0).await;
    let mut paths = Vec::new();
    for number in 0..4 {
        let mut request = membership(&[OFFICER]);
        request["correlation_id"] = json!(format!("nl-{number}"));
        let path = service.submit_held(&request).await;
        let answer = if number % 2 == 0 {
            denial()
        } else {
            approval()
        };
        let answered = service.respond(&path, &answer).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        paths.push(path);
    }
    paths.push(service.submit_held(&membership(&[OTHER])).await);
    let mut stranger = membership(&[OFFICER]);
    stranger["requesting_system"] = json!("mc.fr.example");
    stranger["peer"]["system"] = json!("mc.fr.example");
    let refused = service.submit(&stranger).await;
    assert_eq!(refused.body["status"], "rejected", "{}", refused.text);
    paths.push(format!(
        "/v1/requests/{}",
        refused.body["id"].as_str().unwrap()
    ));
    service.stop().await;
    service.resume().await.unwrap();
    (service, paths)
}

/// Those of the paths, the last one first.
fn newest(paths: &[String], numbers: &[usize]) -> Vec<String> {
    let numbers = numbers.iter().rev();
    numbers.map(|number| paths[*number].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_found_again() {
    let (service, paths) = filled().await;
    let first = service.get(&paths[1], "acms").await;
    let moment = first.body["decided_at"].as_str().unwrap().to_owned();
    for (search, expected) in [
        (String::new(), &[0, 1, 2, 3, 4, 5][..]),
        ("status=pending".to_owned(), &[4]),
        ("status=accepted".to_owned(), &[1, 3]),
        ("state=refused".to_owned(), &[0, 2, 5]),
        (
            "operation=group-membership-update".to_owned(),
            &[0, 1, 2, 3, 4, 5],
        ),
        ("operation=affiliation".to_owned(), &[]),
        ("partner=mc.fr.example".to_owned(), &[5]),
        (
            "category=group-membership.visiting-officer&status=pending".to_owned(),
            &[4],
        ),
        ("category=none".to_owned(), &[]),
        (
            "caller=acms&partner=mc.nl.example".to_owned(),
            &[0, 1, 2, 3, 4],
        ),
        ("caller=nobody".to_owned(), &[]),
        (format!("from={moment}"), &[1, 2, 3, 4, 5]),
        (format!("until={moment}"), &[0]),
        ("correlation_id=nl-2&limit=5".to_owned(), &[2]),
        ("correlation_id=nl-9&limit=5".to_owned(), &[]),
    ] {
        let found = service
            .get(&format!("/v1/requests?{search}"), "auditor")
            .await;
        assert_eq!(ids(&found), newest(&paths, expected), "{search}");
        assert_eq!(found.body["next"], Value::Null, "{search}");
        assert!(found.body["looked_at"].as_u64().unwrap() > 5);
    }
    let page = service.get("/v1/requests?limit=4", "auditor").await;
    assert_eq!(ids(&page), newest(&paths, &[2, 3, 4, 5]));
    let next = page.body["next"].as_u64().unwrap();
    let rest = format!("/v1/requests?before={next}");
    assert_eq!(
        ids(&service.get(&rest, "auditor").await),
        newest(&paths, &[0, 1])
    );
    let shown = &page.body["requests"][3];
    assert_eq!(shown["operation"], "group-membership-update");
    assert_eq!(shown["partner"], "mc.nl.example");
    assert_eq!(shown["correlation_id"], "nl-2");
    assert_eq!(shown["states"], json!({ "refused": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_they_may_not_read() {
    let (service, _) = filled().await;
    // Nobody sees what another account asked, unless they may read it.
    assert_eq!(ids(&service.get("/v1/requests", "acms").await).len(), 6);
    let own = service
        .post("/v1/requests", "operator", &membership(&[OFFICER]))
        .await;
    assert_eq!(own.status, 202, "{}", own.text);
    assert_eq!(ids(&service.get("/v1/requests", "acms").await).len(), 6);
    assert_eq!(ids(&service.get("/v1/requests", "auditor").await).len(), 7);
    for (wrong, parameter) in [
        ("status=gone", "status"),
        ("state=gone", "state"),
        ("operation=gone", "operation"),
        ("partner=x y", "partner"),
        ("from=yesterday", "from"),
        ("until=tomorrow", "until"),
        ("before=x", "before"),
        ("limit=x", "limit"),
        ("after=1&status=pending", "after"),
    ] {
        let refused = service
            .get(&format!("/v1/requests?{wrong}"), "auditor")
            .await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{wrong}");
        assert_eq!(refused.body["errors"][0]["parameter"], parameter);
    }
}
