//! Whoever asked is called when the task has ended: where the settings let it be, signed, and until somebody takes it.

use std::fs;
use std::time::Duration;

use comity::app::webhooks::Backoff;
use comity::cli::service::ServiceSettings;
use comity::config::callbacks::CallbackSettings;
use serde_json::Value;
use serde_json::json;

use super::REQUESTS;
use super::asking;
use super::bundles::add_group;
use super::bundles::bundle;
use super::bundles::waiting;
use super::denied;
use super::held;
use super::offering;
use super::path;
use super::problem;
use super::question;
use super::submit_under;
use crate::front::clock::Hands;
use crate::front::support::Answer;
use crate::front::support::NL;
use crate::front::support::TestService;
use crate::front::support::approval;
use crate::front::support::denial as no;
use crate::front::support::eventually;
use crate::front::support::with;
use crate::front::webhooks::Received;
use crate::front::webhooks::Receiver;
use crate::front::webhooks::Reply;
use crate::front::webhooks::secret_file;

const SECRET: [u8; 32] = [5; 32];

type Change<'a> = dyn Fn(&mut CallbackSettings) + 'a;

/// The caller of the tests may be called on the receiver's host.
fn callable(settings: &ServiceSettings, receiver: &Receiver) -> CallbackSettings {
    let directory = settings.policies.parent().unwrap();
    let ca_file = directory.join("ca.pem");
    fs::write(&ca_file, &receiver.certificate).unwrap();
    let hosts = ["localhost", "127.0.0.1"].map(|host| format!("{host}:{}", receiver.port));
    CallbackSettings {
        name: "control-room".to_owned(),
        caller: "acms".to_owned(),
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        secret_file: secret_file(directory, "secret", &SECRET),
        previous_secret_file: None,
        ca_file: Some(ca_file),
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        timeout: Duration::from_secs(20),
        backoff: Backoff {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(20),
            attempts_max: 50,
        },
    }
}

async fn started(receiver: &Receiver, change: impl FnOnce(&mut CallbackSettings)) -> TestService {
    TestService::start_with(|settings| {
        offering(settings);
        let mut callback = callable(settings, receiver);
        change(&mut callback);
        settings.callbacks.push(callback);
    })
    .await
}

fn endpoint(receiver: &Receiver) -> String {
    format!("https://localhost:{}/hook?key=hidden", receiver.port)
}

async fn submission(service: &TestService, callback: Value) -> Value {
    let asked = asking(&question(), &denied(service, &question()).await);
    with(&asked, "/callback", callback)
}

async fn submit(service: &TestService, callback: Value) -> Answer {
    let asked = submission(service, callback).await;
    service.post(REQUESTS, "acms", &asked).await
}

/// Asks with a callback; the task's path.
async fn asked(service: &TestService, callback: Value) -> String {
    let answer = submit(service, callback).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    path(&answer)
}

async fn listed(service: &TestService) -> Value {
    let listed = service.get("/v1/callbacks", "operator").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.body["callbacks"][0].clone()
}

/// Waits until everything was looked at and nothing is still to be said.
async fn settled(service: &TestService) -> Value {
    eventually("everything is said", async || {
        let listed = listed(service).await;
        (listed["behind"] == 0 && listed["waiting"] == 0).then_some(listed)
    })
    .await
}

fn told(message: &Received, task: &str) -> Value {
    let body = message.json();
    assert_eq!(body["task"]["id"], task.rsplit_once('/').unwrap().1);
    assert_eq!(message.signature, message.expected(&SECRET));
    assert_eq!(message.id, body["task"]["id"].as_str().unwrap());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_is_called_when_the_task_has_ended_and_told_nothing_that_grants() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |_| {}).await;
    let state = json!({ "session": "s-1", "é": [1, 2.5, null, true], "nothing": null });
    let callback = json!({ "endpoint": endpoint(&receiver), "state": state, "x-more": 1 });
    let task = asked(&service, callback).await;
    settled(&service).await;
    assert!(receiver.received().is_empty(), "nothing has ended");
    service.respond(&held(&task), &approval()).await;
    let messages = receiver.so_many(1).await;
    let body = told(&messages[0], &task);
    let read = service.get(&task, "acms").await;
    let expected = json!({
        "state": state,
        "task": {
            "id": read.body["task"]["id"],
            "status": "approved",
            "status_endpoint": read.body["task"]["status_endpoint"],
            "expires_at": read.body["task"]["expires_at"],
        }
    });
    assert_eq!(body, expected);
    // Nothing that is good for anything goes out: no approval, nobody's name.
    let given = &read.body["result"]["approval"];
    let text = String::from_utf8(messages[0].body.clone()).unwrap();
    for secret in [&given["id"], &given["state"], &question()["subject"]["id"]] {
        assert!(!text.contains(secret.as_str().unwrap()), "{text}");
    }
    // What is revoked later has ended before.
    let revoked = json!({ "reason": "a mistake", "revoked_by": crate::front::support::DISPATCHER });
    let path = format!("{}/revocation", held(&task));
    let revoked = service.post(&path, "reviewer", &revoked).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    settled(&service).await;
    assert_eq!(receiver.received().len(), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_told_and_only_those_that_are_wanted() {
    let receiver = Receiver::start().await;
    let hands = Hands::new();
    let service = TestService::start_with_clock(hands.clone(), |settings| {
        offering(settings);
        settings.callbacks.push(callable(settings, &receiver));
    })
    .await;
    let callback = json!({ "endpoint": endpoint(&receiver) });
    let approved = asked(&service, callback.clone()).await;
    let denied = asked(&service, callback.clone()).await;
    let cancelled = asked(&service, callback.clone()).await;
    let unwanted = json!({ "endpoint": endpoint(&receiver), "events": ["approved", "expired"] });
    let unwanted = asked(&service, unwanted).await;
    let without = super::asked(&service, &question()).await;
    service.respond(&held(&approved), &approval()).await;
    receiver.so_many(1).await;
    for task in [&denied, &unwanted, &without] {
        service.respond(&held(task), &no()).await;
    }
    receiver.so_many(2).await;
    let answer = service
        .post(&format!("{cancelled}/cancel"), "acms", &json!({}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    receiver.so_many(3).await;
    let expired = asked(&service, callback.clone()).await;
    for _ in 0..=5 * 900 {
        hands.pass(4_000);
    }
    receiver.so_many(4).await;
    let suspended = asked(&service, callback).await;
    service
        .change(&format!("/v1/agreements/{NL}"), |it| {
            it["status"] = json!("suspended");
        })
        .await;
    let messages = receiver.so_many(5).await;
    settled(&service).await;
    let ends = [
        (&approved, "approved"),
        (&denied, "denied"),
        (&cancelled, "cancelled"),
        (&expired, "expired"),
        (&suspended, "denied"),
    ];
    for (message, (task, status)) in messages.iter().zip(ends) {
        let body = told(message, task);
        assert_eq!(body["task"]["status"], status, "{body}");
        assert!(body.get("state").is_none(), "{body}");
    }
    assert_eq!(receiver.received().len(), ends.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_decides_at_once_is_told_too() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |_| {}).await;
    let asked = submission(&service, json!({ "endpoint": endpoint(&receiver) })).await;
    service
        .change(&format!("/v1/agreements/{NL}"), |it| {
            it["status"] = json!("suspended");
        })
        .await;
    let answer = service.post(REQUESTS, "acms", &asked).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let body = told(&receiver.so_many(1).await[0], &path(&answer));
    assert_eq!(body["task"]["status"], "denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_told_once_when_the_last_of_its_items_has_ended() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |_| {}).await;
    add_group(&service).await;
    let callback = json!({ "endpoint": endpoint(&receiver), "state": "list" });
    let listed = bundle(&service).await;
    // One callback is of the whole task.
    let within = with(&listed, "/items/1/callback", callback.clone());
    let refused = service.post(REQUESTS, "acms", &within).await;
    assert_eq!(refused.problem(), (400, "callback-refused"));
    let listed = with(&listed, "/callback", callback);
    let answer = service.post(REQUESTS, "acms", &listed).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let waiting = waiting(&service).await;
    service.respond(&waiting[1], &approval()).await;
    settled(&service).await;
    assert!(receiver.received().is_empty(), "an item still waits");
    service.respond(&waiting[0], &no()).await;
    let messages = receiver.so_many(1).await;
    let body = told(&messages[0], &path(&answer));
    assert_eq!(body["task"]["status"], "partial");
    assert_eq!(body["state"], "list");
    assert!(body["task"].get("items").is_none(), "the task says which");
    settled(&service).await;
    assert_eq!(receiver.received().len(), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_made_only_where_the_settings_let_them_go() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |_| {}).await;
    let port = receiver.port;
    let before = denied(&service, &question()).await;
    let asked = asking(&question(), &before);
    let size = service.log_size().await;
    for endpoint in [
        "https://pep.example/hook".to_owned(),
        "https://localhost/hook".to_owned(),
        format!("http://localhost:{port}/hook"),
        format!("https://localhost:{port}@pep.example/hook"),
        format!("https://pep.example:{port}/localhost"),
        format!("https://user:password@localhost:{port}/hook"),
        format!("https://localhost:{port}/hook#fragment"),
        format!("https://localhost.:{port}/hook"),
        format!("ftp://localhost:{port}/hook"),
        "/hook".to_owned(),
        String::new(),
    ] {
        let callback = json!({ "endpoint": endpoint });
        let answer = service
            .post(REQUESTS, "acms", &with(&asked, "/callback", callback))
            .await;
        assert_eq!(answer.problem(), (400, "callback-refused"), "{endpoint}");
    }
    for (callback, place) in [
        (json!("x"), "/callback"),
        (json!({}), "/callback/endpoint"),
        (json!({ "endpoint": 1 }), "/callback/endpoint"),
        (
            json!({ "endpoint": "x".repeat(3_000) }),
            "/callback/endpoint",
        ),
        (
            json!({ "endpoint": endpoint(&receiver), "state": "x".repeat(5_000) }),
            "/callback/state",
        ),
        (
            json!({ "endpoint": endpoint(&receiver), "events": [] }),
            "/callback/events",
        ),
        (
            json!({ "endpoint": endpoint(&receiver), "events": ["approved", "pending"] }),
            "/callback/events/1",
        ),
    ] {
        let answer = service
            .post(REQUESTS, "acms", &with(&asked, "/callback", callback))
            .await;
        assert_eq!(answer.problem(), (400, "invalid-access-body"), "{place}");
        assert_eq!(answer.pointers(), [place]);
    }
    // Of other callers nothing was said.
    let other = service
        .post(super::EVALUATION, "operator", &question())
        .await;
    let other = with(
        &asking(&question(), &other),
        "/callback",
        json!({ "endpoint": endpoint(&receiver) }),
    );
    let refused = service.post(REQUESTS, "operator", &other).await;
    assert_ne!(refused.status, 202, "{}", refused.text);
    assert_eq!(service.log_size().await, size + 1, "the evaluation alone");
    // The denial was not used up by all that.
    let callback = json!({ "endpoint": endpoint(&receiver) });
    let taken = service
        .post(REQUESTS, "acms", &with(&asked, "/callback", callback))
        .await;
    assert_eq!(taken.status, 202, "{}", taken.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_inside_are_not_called_even_on_a_host_that_may_be() {
    let receiver = Receiver::start().await;
    let inside = |callback: &mut CallbackSettings| {
        callback.allow_addresses.clear();
        callback.hosts = [format!("localhost:{}", receiver.port).parse().unwrap()].into();
    };
    let service = started(&receiver, inside).await;
    let answer = submit(&service, json!({ "endpoint": endpoint(&receiver) })).await;
    assert_eq!(answer.problem(), (400, "callback-refused"));
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("leads inside"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_no_longer_is_not_called_though_it_was_when_it_was_asked_for() {
    let receiver = Receiver::start().await;
    let mut service = started(&receiver, |callback| callback.backoff.attempts_max = 2).await;
    let callback = json!({ "endpoint": endpoint(&receiver) });
    let tasks = [
        asked(&service, callback.clone()).await,
        asked(&service, callback).await,
    ];
    let host = format!("localhost:{}", receiver.port);
    let changes: [(&Change<'_>, &str); 2] = [
        (&|it| it.allow_addresses.clear(), "the name leads inside"),
        (
            &|it| it.hosts = ["pep.example".parse().unwrap()].into(),
            "no calls are made to `localhost",
        ),
    ];
    for (number, (task, (change, why))) in tasks.iter().zip(changes).enumerate() {
        service.stop().await;
        service
            .resume_with(|settings| {
                let callback = &mut settings.callbacks[0];
                callback.hosts = [host.parse().unwrap()].into();
                change(callback);
            })
            .await;
        service.respond(&held(task), &approval()).await;
        eventually("one more dead letter", async || {
            (listed(&service).await["dead_letters"] == number + 1).then_some(())
        })
        .await;
        let path = "/v1/callbacks/control-room/dead-letters";
        let dead = service.get(path, "operator").await;
        let dead = dead.body["dead_letters"].as_array().unwrap();
        let id = task.rsplit_once('/').unwrap().1;
        let letter = dead.iter().find(|it| it["task"] == id).unwrap();
        let error = letter["error"].as_str().unwrap();
        assert!(error.contains(why), "{error}");
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_and_was_not_taken_is_told_after_a_restart() {
    let receiver = Receiver::start().await;
    let mut service = started(&receiver, |_| {}).await;
    let callback = json!({ "endpoint": endpoint(&receiver), "state": "kept" });
    let first = asked(&service, callback.clone()).await;
    let second = asked(&service, callback.clone()).await;
    let third = asked(&service, callback).await;
    // One is held up, one has ended when the service goes, and one ends after it.
    receiver.will(&[Reply::Silence]);
    service.respond(&held(&first), &approval()).await;
    receiver.so_many(1).await;
    service.respond(&held(&second), &approval()).await;
    receiver.so_many(2).await;
    settled_but(&service, 1).await;
    service.stop().await;
    service.resume().await.unwrap();
    let again = receiver.so_many(3).await;
    assert_eq!(told(&again[2], &first)["state"], "kept");
    service.respond(&held(&third), &no()).await;
    let all = receiver.so_many(4).await;
    assert_eq!(told(&all[3], &third)["task"]["status"], "denied");
    settled(&service).await;
    // Without the note calls are repeated, and none is left out.
    service.stop().await;
    let data = &service.settings().data_directory;
    fs::remove_file(data.join("callbacks/control-room.json")).unwrap();
    service.resume().await.unwrap();
    let mut repeated: Vec<String> = receiver.so_many(7).await[4..]
        .iter()
        .map(|it| it.id.clone())
        .collect();
    settled(&service).await;
    repeated.sort();
    let id = |task: &str| task.rsplit_once('/').unwrap().1.to_owned();
    let mut all = [id(&first), id(&second), id(&third)];
    all.sort();
    assert_eq!(repeated, all);
    assert_eq!(receiver.received().len(), 7);
    // So they are where the log is shorter than the note says, as after a restore.
    service.stop().await;
    let note = service
        .settings()
        .data_directory
        .join("callbacks/control-room.json");
    let written: Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
    let ahead = with(&written, "/entries", 1_000_000);
    fs::write(&note, ahead.to_string()).unwrap();
    service.resume().await.unwrap();
    receiver.so_many(10).await;
    settled(&service).await;
}

async fn settled_but(service: &TestService, waiting: u64) {
    eventually("so many wait", async || {
        let listed = listed(service).await;
        (listed["waiting"] == waiting && listed["behind"] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_is_tried_again_then_laid_aside_and_holds_up_nobody() {
    let receiver = Receiver::start().await;
    let elsewhere = Receiver::start().await;
    let mut service = started(&receiver, |callback| {
        callback.backoff.attempts_max = 3;
        callback.timeout = Duration::from_secs(2);
    })
    .await;
    let callback = json!({ "endpoint": endpoint(&receiver) });
    let task = asked(&service, callback.clone()).await;
    receiver.will(&[
        Reply::Redirect(elsewhere.port),
        Reply::Status(500),
        Reply::Nothing,
    ]);
    service.respond(&held(&task), &approval()).await;
    let dead = eventually("a dead letter", async || {
        let path = "/v1/callbacks/control-room/dead-letters";
        let dead = service.get(path, "operator").await;
        let dead = dead.body["dead_letters"].as_array().unwrap().clone();
        (!dead.is_empty()).then_some(dead)
    })
    .await;
    let id = task.rsplit_once('/').unwrap().1;
    assert_eq!(dead[0]["task"], id);
    assert_eq!(
        (&dead[0]["type"], &dead[0]["attempts"]),
        (&json!("approved"), &json!(3))
    );
    assert!(elsewhere.received().is_empty(), "no redirect is followed");
    // One that wants nothing any more is not asked again.
    receiver.will(&[Reply::Status(410)]);
    let gone = asked(&service, callback.clone()).await;
    service.respond(&held(&gone), &no()).await;
    receiver.so_many(4).await;
    settled(&service).await;
    // Others are told meanwhile.
    receiver.will(&[Reply::Silence]);
    let slow = asked(&service, callback.clone()).await;
    service.respond(&held(&slow), &no()).await;
    receiver.so_many(5).await;
    let other = asked(&service, callback).await;
    service.respond(&held(&other), &no()).await;
    let messages = receiver.so_many(6).await;
    assert!(
        messages[5..]
            .iter()
            .any(|it| it.id == other.rsplit_once('/').unwrap().1)
    );
    // It is kept over a restart, and can be sent again.
    service.stop().await;
    service.resume().await.unwrap();
    settled(&service).await;
    assert_eq!(listed(&service).await["dead_letters"], 2);
    let path = format!("/v1/callbacks/control-room/dead-letters/{id}/redelivery");
    let again = service.post(&path, "operator", &Value::Null).await;
    assert_eq!(
        again.body,
        json!({ "task": id, "delivered": true, "error": null })
    );
    let last = receiver.received().pop().unwrap();
    assert_eq!(told(&last, &task)["task"]["status"], "approved");
    let gone = service.post(&path, "operator", &Value::Null).await;
    assert_eq!(gone.problem(), (404, "not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_told_where_a_callback_goes() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |_| {}).await;
    let callback = json!({ "endpoint": endpoint(&receiver), "state": "s3cr3t" });
    let answer = submit(&service, callback).await;
    let task = path(&answer);
    let mut texts = vec![answer.text];
    let record = format!("{}/record", held(&task));
    for (path, caller) in [
        (&task, "acms"),
        (&held(&task), "acms"),
        (&held(&task), "reviewer"),
        (&held(&task), "auditor"),
        (&record, "auditor"),
        (&"/v1/callbacks".to_owned(), "operator"),
        (
            &"/v1/callbacks/control-room/dead-letters".to_owned(),
            "operator",
        ),
    ] {
        texts.push(service.get(path, caller).await.text);
    }
    service.respond(&held(&task), &approval()).await;
    receiver.so_many(1).await;
    settled(&service).await;
    let data = &service.settings().data_directory;
    texts.push(fs::read_to_string(data.join("callbacks/control-room.json")).unwrap());
    for text in texts {
        for secret in ["key=hidden", "s3cr3t"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let listed = listed(&service).await;
    let port = receiver.port;
    let hosts = json!([format!("127.0.0.1:{port}"), format!("localhost:{port}")]);
    assert_eq!(
        (&listed["caller"], &listed["hosts"]),
        (&json!("acms"), &hosts)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_advertised_where_somebody_may_be_called() {
    let receiver = Receiver::start().await;
    let with_callbacks = started(&receiver, |_| {}).await;
    let without = super::start().await;
    for (service, is_there) in [(with_callbacks, true), (without, false)] {
        let path = "/.well-known/authzen-configuration";
        let found = service.get(path, "without token").await;
        let capabilities = found.body["capabilities"].as_array().unwrap();
        let callbacks = json!("urn:comity:capability:access-request-callback");
        assert_eq!(
            capabilities.contains(&callbacks),
            is_there,
            "{}",
            found.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_answered_whatever_became_of_the_settings() {
    let receiver = Receiver::start().await;
    let service = started(&receiver, |_| {}).await;
    let asked = submission(&service, json!({ "endpoint": endpoint(&receiver) })).await;
    let first = submit_under(&service, "one", &asked).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let again = submit_under(&service, "one", &asked).await;
    assert_eq!((again.status, &again.body), (202, &first.body));
    let elsewhere = with(&asked, "/callback/endpoint", "https://pep.example/hook");
    let elsewhere = submit_under(&service, "one", &elsewhere).await;
    assert_eq!(problem(&elsewhere), (409, "duplicate_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_the_task_any_more_is_called_no_more() {
    let receiver = Receiver::start().await;
    let mut service = started(&receiver, |callback| callback.backoff.attempts_max = 1_000).await;
    let callback = json!({ "endpoint": endpoint(&receiver) });
    let (first, second) = (
        asked(&service, callback.clone()).await,
        asked(&service, callback).await,
    );
    // While nobody takes a call, the right ends.
    receiver.will(&[Reply::Status(500); 500]);
    service.respond(&held(&first), &approval()).await;
    receiver.so_many(1).await;
    let file = service.policy_file("access/acms.cedar");
    let text = fs::read_to_string(&file).unwrap();
    let without = text.replace("ACCESS::Action::\"readRequest\",", "");
    fs::write(&file, without).unwrap();
    assert_eq!(settled(&service).await["dead_letters"], 0);
    fs::write(&file, text).unwrap();
    eventually("the right is back", async || {
        let read = service.get(&first, "acms").await;
        (read.status == 200).then_some(())
    })
    .await;
    // So it is where the token of the caller has ended.
    service.stop().await;
    service
        .resume_with(|settings| {
            let mut callers = settings.callers.callers.iter_mut();
            let caller = callers.find(|caller| caller.name == "acms").unwrap();
            caller.not_after = Some("2026-01-01T00:00:00.000Z".parse().unwrap());
        })
        .await;
    let before = receiver.received().len();
    service.respond(&held(&second), &approval()).await;
    assert_eq!(settled(&service).await["dead_letters"], 0);
    assert_eq!(receiver.received().len(), before);
}
