//! What grants oblige to, and what becomes of it.

use std::fs;

use comity::app::replay::replay_all;
use comity::cli::service::CallerTokens;
use comity::cli::service::open_store;
use comity::decision_log::LogIndex;
use comity::decision_log::PartClass;
use comity::decision_log::StoredPart;
use comity::domain::time::Timestamp;
use comity::store::event::EventBody;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::clock::Hands;
use super::support::Answer;
use super::support::CERTIFICATE;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::send;
use super::support::with;

const OTHER_OFFICER: &str = "sip:officer.115@mc.nl.example";
const HOUR: i64 = 3_600_000;

impl TestService {
    /// A request that was granted by a person; tells its path.
    async fn granted(&self) -> String {
        let path = self.submit_held(&membership(&[OFFICER])).await;
        let answered = self.respond(&path, &approval()).await;
        assert_eq!(answered.body["status"], "accepted", "{}", answered.text);
        path
    }

    async fn note(&self, path: &str, obligation: &str, body: &Value) -> Answer {
        let path = format!("{path}/obligations/{obligation}");
        self.post(&path, "acms", body).await
    }

    /// Reports, and it is taken in.
    async fn noted(&self, path: &str, obligation: &str, outcome: &str) -> Answer {
        let report = json!({ "outcome": outcome });
        let answer = self.note(path, obligation, &report).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["state"], outcome);
        answer
    }

    async fn listed(&self, parameters: &str) -> Vec<Value> {
        let list = self
            .get(&format!("/v1/obligations{parameters}"), "acms")
            .await;
        assert_eq!(list.status, 200, "{}", list.text);
        list.body["obligations"].as_array().unwrap().clone()
    }

    async fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics", "operator").await;
        let sample = format!("comity_{name} ");
        let value = metrics
            .text
            .lines()
            .find_map(|line| line.strip_prefix(&sample));
        value.unwrap().parse().unwrap()
    }
}

fn each<'a>(answer: &'a Answer, member: &str) -> Vec<&'a Value> {
    let obligations = answer.body["obligations"].as_array();
    let obligations = obligations.into_iter().flatten();
    obligations.map(|it| &it[member]).collect()
}

fn milliseconds(text: &Value) -> i64 {
    let moment: Timestamp = text.as_str().unwrap().parse().unwrap();
    moment.as_milliseconds()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_lists_what_it_obliges_to_and_what_became_of_it() {
    let service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let held = service.get(&path, "acms").await;
    assert!(held.body.get("obligations").is_none(), "{}", held.text);
    assert_eq!(held.body["summary"], "pending");
    let granted = service.respond(&path, &approval()).await;
    assert_eq!(each(&granted, "id"), ["0-0", "0-1", "0-2", "0-3"]);
    assert_eq!(each(&granted, "state"), ["open"; 4]);
    let first = &granted.body["obligations"][2];
    assert_eq!(first["item"], 0);
    assert_eq!(first["occasion"], "grant");
    assert_eq!(first["name"], "deliver-group-keys");
    assert_eq!(
        (&first["system"], &first["function"]),
        (&json!(DE), &json!("KMS"))
    );
    assert_eq!(first["role"], "resource-home");
    assert_eq!(first["parameters"]["subject"], OFFICER);
    assert_eq!(first["overdue"], false);
    let at = milliseconds(&granted.body["responses"][0]["answered_at"]);
    assert_eq!(milliseconds(&first["due_at"]), at + HOUR);
    assert_eq!(granted.body["summary"], "accepted; 0 of 4 obligations done");

    let before = service.log_size().await;
    let failed = json!({
        "outcome": "failed", "detail": "the KMS is down", "at": "2026-01-31T12:00:00.000Z"
    });
    let answer = service.note(&path, "0-2", &failed).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["state"], "failed");
    assert_eq!(answer.header("etag"), "\"r3\"");
    assert_eq!(answer.body["reported"]["by"], "acms");
    // Said again, it is known.
    let again = service.note(&path, "0-2", &failed).await;
    assert_eq!((again.status, again.header("etag")), (200, "\"r3\""));
    assert_eq!(service.log_size().await, before + 1);
    let read = service.get(&path, "auditor").await;
    assert_eq!(read.header("etag"), "\"r3\"");
    let reported = &read.body["obligations"][2]["reported"];
    assert_eq!(reported["detail"], "the KMS is down");
    assert_eq!(reported["at"], "2026-01-31T12:00:00.000Z");
    assert_eq!(reported["record"]["index"], before);
    assert_eq!(
        read.body["summary"],
        format!("accepted; 0 of 4 obligations done; 1 failed: deliver-group-keys by {DE} KMS")
    );
    // It was tried again.
    service.noted(&path, "0-2", "done").await;
    let read = service.get(&path, "auditor").await;
    assert_eq!(each(&read, "state"), ["open", "open", "done", "open"]);
    assert!(
        read.body["obligations"][2]["reported"]
            .get("detail")
            .is_none()
    );
    let back = service.note(&path, "0-2", &failed).await;
    assert_eq!(back.problem(), (409, "obligation-settled"), "{}", back.text);
    // The partner learns nothing of it.
    let partner = service.get(&format!("{path}?view=partner"), "acms").await;
    assert!(!partner.text.contains("obligation"), "{}", partner.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_must_fit_and_come_from_who_may() {
    let mut other = CallerTokens::new();
    let service = TestService::start_with(|settings| {
        other = settings.make_callers(&[("acms-2", "acms")]).unwrap();
    })
    .await;
    let path = service.granted().await;
    let before = service.log_size().await;
    let done = json!({ "outcome": "done" });
    for unknown in ["0-9", "1-0", "r-0", "0-accepted-0", "00-0", "x"] {
        let missing = service.note(&path, unknown, &done).await;
        assert_eq!(missing.problem(), (404, "not-found"), "{unknown}");
    }
    let wrong = [
        (json!({}), ""),
        (json!({ "outcome": "maybe" }), "/outcome"),
        (with(&done, "/why", "so"), "/why"),
        (with(&done, "/detail", ""), "/detail"),
        (with(&done, "/detail", "a".repeat(4_097)), "/detail"),
        (with(&done, "/at", "2999-01-01T00:00:00.000Z"), "/at"),
        (with(&done, "/at", "yesterday"), "/at"),
    ];
    for (body, pointer) in wrong {
        let refused = service.note(&path, "0-0", &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{body}");
        assert!(
            refused.pointers().iter().all(|it| it.starts_with(pointer)),
            "{}",
            refused.text
        );
    }
    let of = format!("{path}/obligations/0-0");
    for caller in ["reviewer", "auditor", "security-officer", "peer"] {
        let refused = service.post(&of, caller, &done).await;
        assert_eq!(refused.problem(), (403, "forbidden"), "{caller}");
    }
    assert_eq!(service.log_size().await, before);
    // Whoever enforces need not be who submitted, and sees nothing else of it.
    let call = service.call(
        Method::POST,
        &format!("{path}/obligations/0-3"),
        "without token",
    );
    let noted = send(call.bearer_auth(&other["acms-2"]).json(&done)).await;
    assert_eq!(noted.body["reported"]["by"], "acms-2", "{}", noted.text);
    let read = service.call(Method::GET, &path, "without token");
    let read = send(read.bearer_auth(&other["acms-2"])).await;
    assert_eq!(read.problem(), (403, "forbidden"));
    let before = service.log_size().await;
    let call = |tag: &str| {
        let call = service.call(Method::POST, &of, "configuration-manager");
        send(call.header("if-match", tag.to_owned()).json(&done))
    };
    let stale = call("\"r2\"").await;
    assert_eq!(stale.problem(), (412, "revision-mismatch"));
    assert_eq!(service.log_size().await, before);
    let noted = call("\"r3\"").await;
    assert_eq!(noted.status, 200, "{}", noted.text);
    assert_eq!(noted.body["reported"]["by"], "configuration-manager");
    assert!(!noted.text.contains(OFFICER), "{}", noted.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_is_listed_by_when_it_is_due() {
    let service = TestService::start().await;
    let (first, second) = (service.granted().await, service.granted().await);
    service.noted(&first, "0-0", "done").await;
    service.noted(&first, "0-2", "failed").await;
    service.noted(&second, "0-2", "failed").await;
    let all = service.listed("").await;
    assert_eq!(all.len(), 7);
    let due: Vec<i64> = all.iter().map(|it| milliseconds(&it["due_at"])).collect();
    assert!(due.is_sorted(), "{due:?}");
    assert!(all.iter().all(|it| it["partner"] == NL));
    assert!(!json!(all).to_string().contains("sip:"), "it names nobody");
    let text = first.rsplit('/').next().unwrap();
    assert_eq!(all[0]["request_id"], text);
    assert_eq!(all[0]["version"], 4);
    for (parameters, count) in [
        ("?state=open", 5),
        ("?state=failed", 2),
        ("?state=overdue", 0),
        ("?function=KMS", 2),
        ("?function=KMS&state=open", 0),
        ("?function=GMS&state=open", 3),
        (&format!("?system={NL}"), 2),
        (&format!("?system={DE}&state=failed"), 2),
        (&format!("?partner={NL}"), 7),
        ("?partner=mc.be.example", 0),
    ] {
        assert_eq!(
            service.listed(parameters).await.len(),
            count,
            "{parameters}"
        );
    }
    // Page by page.
    let mut pages: Vec<Value> = Vec::new();
    let mut next = String::new();
    loop {
        let page = service
            .get(&format!("/v1/obligations?limit=3{next}"), "acms")
            .await;
        pages.extend(page.body["obligations"].as_array().unwrap().clone());
        match page.body["next"].as_str() {
            Some(place) => next = format!("&after={place}"),
            None => break,
        }
    }
    assert_eq!(pages, all);
    let manager = service
        .get("/v1/obligations", "configuration-manager")
        .await;
    assert_eq!(manager.body["obligations"], json!(all));
    for wrong in [
        "state=done",
        "partner=%20",
        "system=a_b!",
        "after=x",
        "by=me",
    ] {
        let refused = service
            .get(&format!("/v1/obligations?{wrong}"), "acms")
            .await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{wrong}");
    }
    let measured = [
        service.metric("obligations_open").await,
        service.metric("obligations_failed").await,
        service.metric("obligations_overdue").await,
    ];
    assert_eq!(measured, [5, 2, 0]);
}

/// Entries of the log that tell of overdue obligations, and of which.
fn told(service: &TestService) -> Vec<(String, String)> {
    let data = service.settings().data_directory.clone();
    let (store, archive) = open_store(&data, |_| {}).unwrap();
    let mut told = Vec::new();
    for index in (0..store.view(|state| state.applied().0)).map(LogIndex) {
        let event = store.record(index).unwrap().event;
        if let EventBody::ObligationsOverdue { obligations } = event.body {
            let named = obligations.into_iter();
            told.extend(named.map(|it| (it.request_id.to_string(), it.obligation.to_string())));
        }
    }
    let report = replay_all(&store, &archive, |_, _| {}).unwrap();
    assert_eq!(report.mismatches, 0, "{report:?}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_is_told_once_and_listed_until_it_is_done() {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    let path = service.granted().await;
    service.noted(&path, "0-0", "done").await;
    service.noted(&path, "0-1", "failed").await;
    // A little at a time, as time goes: nothing here is a jump.
    for _ in 0..(HOUR / 4_000) {
        hands.pass(4_000);
        service.get("/livez", "without token").await;
    }
    let read = service.get(&path, "acms").await;
    assert_eq!(each(&read, "overdue"), [false, false, true, true]);
    let summary = read.body["summary"].as_str().unwrap();
    assert!(
        summary.contains("2 overdue: deliver-group-keys"),
        "{summary}"
    );
    assert_eq!(service.listed("?state=overdue").await.len(), 2);
    assert_eq!(service.metric("obligations_overdue").await, 2);
    let before = read.header("etag").to_owned();
    // Two entries since the grant are reports; the third tells.
    let size = read.body["record"]["index"].as_u64().unwrap() + 1;
    eventually("that it is told", async || {
        (service.log_size().await >= size + 4).then_some(())
    })
    .await;
    service.stop().await;
    service.resume_by(hands.clone()).await;
    let again = service.get(&path, "acms").await;
    assert_eq!(again.header("etag"), before);
    for _ in 0..20 {
        hands.pass(4_000);
    }
    let all = eventually("that all is told", async || {
        let overdue = service.listed("?state=overdue").await;
        (overdue.len() == 2).then_some(overdue)
    })
    .await;
    let id = all[0]["request_id"].as_str().unwrap().to_owned();
    service.noted(&path, "0-3", "done").await;
    assert_eq!(service.listed("?state=overdue").await.len(), 1);
    service.stop().await;
    let told = told(&service);
    let expected = ["0-2", "0-3"].map(|obligation| (id.clone(), obligation.to_owned()));
    assert_eq!(told, expected);
}

fn outbound(change: &str, members: &[&str]) -> Value {
    json!({
        "operation": "group-membership-update",
        "direction": "outbound",
        "correlation_id": "de-2026-000031",
        "requesting_system": DE,
        "receiving_system": NL,
        "group": "sip:grensteam-1@mc.nl.example",
        "requester": { "mc_service_id": "sip:dispatch.1@mc.de.example" },
        "target": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "members": members,
        "change": change
    })
}

const STREIFE: &str = "sip:streife.12@mc.de.example";
const DISPATCH: &str = "sip:dispatch.2@mc.de.example";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_partner_answers_obliges_to_more_from_then_on() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    let asked = service.submit(&outbound("add", &[STREIFE, DISPATCH])).await;
    assert_eq!(asked.body["status"], "cleared", "{}", asked.text);
    let path = format!("/v1/requests/{}", asked.body["id"].as_str().unwrap());
    assert_eq!(each(&asked, "id"), ["0-0", "1-0"]);
    assert_eq!(each(&asked, "name"), ["forward-request"; 2]);
    let early = service
        .note(&path, "1-refused-0", &json!({ "outcome": "done" }))
        .await;
    assert_eq!(early.problem(), (404, "not-found"));
    for _ in 0..10 {
        hands.pass(4_000);
    }
    let answer = json!({
        "report": "answered",
        "correlation_id": "de-2026-000031",
        "peer": { "system": NL, "certificate": CERTIFICATE },
        "items": [
            { "subject": STREIFE, "outcome": "accept" },
            { "subject": DISPATCH, "outcome": "reject" }
        ]
    });
    let reports = format!("{path}/reports");
    let answered = service.post(&reports, "acms", &answer).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let expected = [
        ("0-0", "forward-request"),
        ("0-accepted-0", "update-user-profile"),
        ("0-accepted-1", "notify-acm-client"),
        ("1-0", "forward-request"),
        ("1-refused-0", "notify-acm-client"),
    ];
    assert_eq!(each(&answered, "id"), expected.map(|(id, _)| id));
    assert_eq!(each(&answered, "name"), expected.map(|(_, name)| name));
    let due: Vec<i64> = each(&answered, "due_at")
        .into_iter()
        .map(milliseconds)
        .collect();
    assert!(due[1] >= due[0] + 40_000, "from the answer on: {due:?}");
    assert_eq!((due[1], due[4]), (due[2], due[1]));
    assert_eq!(
        answered.body["obligations"][1]["parameters"]["subject"],
        STREIFE
    );
    // What the report answers again obliges to nothing more.
    let again = service.post(&reports, "acms", &answer).await;
    assert_eq!(again.body["obligations"], answered.body["obligations"]);
    service.noted(&path, "1-refused-0", "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_obliges_to_what_a_refusal_would() {
    let service = TestService::start().await;
    let asked = service.submit(&outbound("add", &[STREIFE])).await;
    let path = format!("/v1/requests/{}", asked.body["id"].as_str().unwrap());
    let suspend = |agreement: &mut Value| agreement["status"] = json!("suspended");
    service
        .change(&format!("/v1/agreements/{NL}"), suspend)
        .await;
    let read = service.get(&path, "acms").await;
    assert_eq!(read.items("/state"), ["refused"]);
    assert_eq!(each(&read, "id"), ["0-0", "0-refused-0"]);
    let notify = &read.body["obligations"][1];
    assert_eq!(notify["name"], "notify-acm-client");
    assert_eq!(notify["occasion"], "partner-refused");
    assert_eq!(notify["parameters"]["subject"], STREIFE, "{}", read.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_says_how_long_and_else_the_manifest() {
    let service = TestService::start_with(|settings| {
        let path = settings.policies.join("review/group-membership.cedar");
        let text = fs::read_to_string(&path).unwrap();
        let marked = text.replacen("@obligation", "@due(\"PT15M\")\n@obligation", 1);
        fs::write(&path, marked).unwrap();
        let path = settings.policies.join("bundle.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("default_due = \"P1D\"\n{text}")).unwrap();
    })
    .await;
    let path = service.granted().await;
    let granted = service.get(&path, "acms").await;
    let at = milliseconds(&granted.body["responses"][0]["answered_at"]);
    let minutes = |answer: &Answer, from: i64| -> Vec<i64> {
        let due = each(answer, "due_at").into_iter().map(milliseconds);
        due.map(|due| (due - from) / 60_000).collect()
    };
    assert_eq!(minutes(&granted, at), [15; 4]);
    assert_eq!(granted.body["items"][0]["obligations"][0]["due"], "PT15M");
    let asked = service.submit(&outbound("add", &[STREIFE])).await;
    let at = milliseconds(&asked.body["decided_at"]);
    assert_eq!(minutes(&asked, at), [24 * 60]);
}

/// One system plays two roles, and has to do it once.
#[tokio::test(flavor = "multi_thread")]
async fn what_arises_twice_for_the_same_item_is_listed_once() {
    let service = TestService::start_with(|settings| {
        let path = settings.policies.join("review/group-membership.cedar");
        let text = fs::read_to_string(&path).unwrap();
        let keys = "deliver-group-keys by resource-home KMS";
        let twice = text.replacen(
            keys,
            &format!("{keys}, deliver-group-keys by receiving KMS"),
            1,
        );
        assert_ne!(twice, text);
        fs::write(&path, twice).unwrap();
    })
    .await;
    let path = service
        .submit_held(&membership(&[OFFICER, OTHER_OFFICER]))
        .await;
    let granted = service.respond(&path, &approval()).await;
    assert_eq!(granted.items("/state"), ["granted"; 2]);
    let ids = each(&granted, "id");
    let expected = ["0-0", "0-1", "0-2", "0-4", "1-0", "1-1", "1-2", "1-4"];
    assert_eq!(ids, expected);
    assert_eq!(
        granted.body["obligations"][3]["name"],
        "update-user-profile"
    );
    assert_eq!(granted.body["obligations"][3]["role"], "subject-home");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_approve_at_once_one_obliges() {
    let service = TestService::start().await;
    for round in 0..25 {
        let path = service.submit_held(&membership(&[OFFICER])).await;
        let other = with(&approval(), "/reviewer", STREIFE);
        let (first, second) = (approval(), other);
        let (one, two) = tokio::join!(
            service.respond(&path, &first),
            service.respond(&path, &second)
        );
        let taken = [&one, &two].iter().filter(|it| it.status == 200).count();
        assert_eq!(taken, 1, "round {round}: {} {}", one.text, two.text);
        let read = service.get(&path, "acms").await;
        assert_eq!(each(&read, "id"), ["0-0", "0-1", "0-2", "0-3"]);
        assert_eq!(read.body["responses"].as_array().unwrap().len(), 1);
    }
    assert_eq!(service.metric("obligations_open").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_submission_obliges_to_nothing_more() {
    let service = TestService::start().await;
    let request = outbound("add", &[STREIFE]);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let call = service.call(Method::POST, "/v1/requests", "acms");
        answers.push(send(call.header("idempotency-key", "once").json(&request)).await);
    }
    assert!(answers.iter().all(|it| it.body == answers[0].body));
    assert_eq!(service.listed("").await.len(), 1);
}

/// What is said freely can be erased, and names nobody where it stands in the open.
#[tokio::test(flavor = "multi_thread")]
async fn free_words_stand_in_a_part_of_whom_they_are_about() {
    let mut service = TestService::start().await;
    let path = service.granted().await;
    let said = json!({ "outcome": "failed", "detail": "Jansen's profile is locked" });
    let noted = service.note(&path, "0-3", &said).await;
    assert_eq!(noted.status, 200, "{}", noted.text);
    service.stop().await;
    let (store, _) = open_store(&service.settings().data_directory, |_| {}).unwrap();
    let mut found = 0;
    for index in (0..store.view(|state| state.applied().0)).map(LogIndex) {
        let stored = store.record(index).unwrap();
        if !matches!(&stored.event.body, EventBody::ObligationNoted { .. }) {
            continue;
        }
        let event = format!("{:?}", stored.event);
        assert!(
            !event.contains("Jansen") && !event.contains("sip:"),
            "{event}"
        );
        for part in stored.record.iter().filter_map(StoredPart::present) {
            if String::from_utf8_lossy(&part.body).contains("Jansen") {
                found += 1;
                let PartClass::Personal { subject_key } = &part.class else {
                    panic!("it stands in the open");
                };
                assert_eq!(subject_key, OFFICER);
            }
        }
    }
    assert_eq!(found, 1);
    store.close().await;
}
