//! What happens, told as server-sent events.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;

use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::send;

/// One event, or a sign of life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) data: Value,
    comment: bool,
    retry: Option<String>,
}

/// Longer than any test.
const LASTING: Duration = Duration::from_hours(1);

/// A stream that somebody reads.
pub(crate) struct Reader {
    response: Response,
    buffer: String,
    /// The last place that was told, as a browser keeps it.
    pub(crate) last: String,
}

impl Reader {
    pub(crate) async fn open(
        service: &TestService,
        caller: &str,
        path: &str,
        last: Option<&str>,
    ) -> Self {
        // A stream lasts longer than an answer may.
        let call = service.call(Method::GET, path, caller).timeout(LASTING);
        let call = match last {
            Some(last) => call.header("last-event-id", last),
            None => call,
        };
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), 200, "{:?}", response.text().await);
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        let mut reader = Self {
            response,
            buffer: String::new(),
            last: last.unwrap_or_default().to_owned(),
        };
        let first = reader.block().await.unwrap();
        assert_eq!(first.retry.as_deref(), Some("3000"));
        assert!(first.id.contains('@'), "{first:?}");
        reader
    }

    /// The next block of the stream; none at its end.
    async fn block(&mut self) -> Option<Told> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let told = read(block);
                if !told.id.is_empty() {
                    self.last.clone_from(&told.id);
                }
                self.buffer = rest.to_owned();
                return Some(told);
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            let told = self.block().await?;
            if !told.kind.is_empty() {
                assert_eq!(told.data["type"], told.kind);
                let named = format!(
                    "{}@{}",
                    told.data["id"].as_str().unwrap(),
                    told.data["log"].as_str().unwrap()
                );
                assert_eq!(told.id, named);
                return Some(told);
            }
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Told> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(self.next().await.unwrap());
        }
        taken
    }
}

fn read(block: &str) -> Told {
    let mut told = Told::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap();
        let value = value.trim_start();
        match field {
            "" => told.comment = true,
            "id" => told.id = value.to_owned(),
            "event" => told.kind = value.to_owned(),
            "data" => told.data = serde_json::from_str(value).unwrap(),
            "retry" => told.retry = Some(value.to_owned()),
            other => panic!("{other}"),
        }
    }
    told
}

fn kinds(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.kind.as_str()).collect()
}

const REQUESTS: &str = "/v1/events?types=request.submitted,request.answered,request.interrupted";

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_what_happens_to_a_request() {
    let service = TestService::start().await;
    let mut reader = Reader::open(&service, "reviewer", REQUESTS, None).await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let answered = service.respond(&path, &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let told = reader.take(2).await;
    assert_eq!(kinds(&told), ["request.submitted", "request.answered"]);
    let id = path.strip_prefix("/v1/requests/").unwrap();
    assert_eq!(told[0].data["request_id"], id);
    assert_eq!(told[0].data["status"], "pending");
    assert_eq!(told[0].data["version"], 1);
    assert_eq!(told[0].data["urgency"], "high");
    assert_eq!(told[0].data["partner"], NL);
    assert_eq!(told[0].data["operation"], "group-membership-update");
    assert_eq!(told[0].data["direction"], "inbound");
    assert_eq!(
        told[0].data["items"],
        json!([{ "number": 0, "state": "pending" }])
    );
    assert_eq!(told[1].data["status"], "accepted");
    assert_eq!(told[1].data["version"], 2);
    assert_eq!(
        told[1].data["items"],
        json!([{ "number": 0, "state": "granted" }])
    );
    // The event is its entry of the log.
    let entry = answered.body["responses"][0]["record"]["index"].to_string();
    assert_eq!(told[1].data["id"], entry);
    // Nobody is named.
    for told in &told {
        let text = told.data.to_string();
        for name in ["officer.114", "control.3", "dispatch.1"] {
            assert!(!text.contains(name), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_after_a_restart_without_gap_or_repetition() {
    let mut service = TestService::start().await;
    let mut reader = Reader::open(&service, "reviewer", REQUESTS, None).await;
    let mut submitted = Vec::new();
    let mut told = Vec::new();
    for round in 0..4 {
        for _ in 0..3 {
            submitted.push(service.submit_held(&membership(&[OFFICER])).await);
        }
        // Of three one is told; the others wait for the next time.
        told.extend(reader.take(if round == 3 { 9 } else { 1 }).await);
        let last = reader.last.clone();
        if round % 2 == 0 {
            service.stop().await;
            service.resume().await.unwrap();
        }
        reader = Reader::open(&service, "reviewer", REQUESTS, Some(&last)).await;
    }
    let ids: BTreeSet<&str> = told.iter().map(|told| told.id.as_str()).collect();
    assert_eq!(ids.len(), told.len());
    let requests: Vec<String> = told
        .iter()
        .map(|told| format!("/v1/requests/{}", told.data["request_id"].as_str().unwrap()))
        .collect();
    assert_eq!(requests, submitted);
    // The same from the beginning, by the parameter; what the address says is older than the header.
    let all = format!("{REQUESTS}&after=0");
    let mut again = Reader::open(&service, "reviewer", &all, None).await;
    let repeated = again.take(12).await;
    let first: Vec<&Value> = told.iter().map(|told| &told.data).collect();
    assert_eq!(
        first,
        repeated.iter().map(|told| &told.data).collect::<Vec<_>>()
    );
    let mut rest = Reader::open(&service, "reviewer", &all, Some(&told[10].id)).await;
    assert_eq!(rest.next().await.unwrap().id, told[11].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_is_told_of_each_request_and_goes_on_in_its_middle() {
    let service = TestService::start().await;
    let mut reader = Reader::open(&service, "auditor", "/v1/events", None).await;
    for _ in 0..3 {
        service.submit_held(&membership(&[OFFICER])).await;
    }
    service
        .change(&format!("/v1/agreements/{NL}"), |agreement| {
            agreement["status"] = json!("suspended");
        })
        .await;
    let told = reader.take(7).await;
    let expected = [
        "request.submitted",
        "request.submitted",
        "request.submitted",
        "request.interrupted",
        "request.interrupted",
        "request.interrupted",
        "registry.changed",
    ];
    assert_eq!(kinds(&told), expected);
    for (number, (before, after)) in told[..3].iter().zip(&told[3..6]).enumerate() {
        assert_eq!(after.data["request_id"], before.data["request_id"]);
        assert_eq!(after.data["status"], "rejected");
        let items = json!([{ "number": 0, "state": "refused" }]);
        assert_eq!(after.data["items"], items);
        let own = after.data["id"].as_str().unwrap();
        let suffix = own.split_once('-').map(|(_, number)| number);
        assert_eq!(suffix.unwrap_or("0"), number.to_string());
    }
    assert_eq!(
        told[6].data["documents"],
        json!([{ "kind": "agreement", "id": NL }])
    );
    for (position, told_before) in told.iter().enumerate().take(6) {
        let last = Some(told_before.id.as_str());
        let mut again = Reader::open(&service, "auditor", "/v1/events", last).await;
        assert_eq!(again.next().await.unwrap().id, told[position + 1].id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_what_they_may_read_and_want() {
    let service = TestService::start_with(|settings| {
        settings.http.heartbeat = Duration::from_millis(50);
    })
    .await;
    let mut readers = Vec::new();
    for (caller, path) in [
        ("acms", "/v1/events"),
        ("reviewer", "/v1/events"),
        ("operator", "/v1/events"),
        ("operator", "/v1/events?types=registry.changed"),
        ("operator", "/v1/events?partner=mc.nl.example"),
        ("operator", "/v1/events?partner=mc.no.example"),
    ] {
        readers.push(Reader::open(&service, caller, path, None).await);
    }
    // Of another front-end.
    let body = membership(&[OFFICER]);
    let other = service.post("/v1/requests", "operator", &body).await;
    assert_eq!(other.status, 202, "{}", other.text);
    service
        .change("/v1/systems/mc.nl.example", |system| {
            system["name"] = json!("The Netherlands");
        })
        .await;
    service.submit_held(&membership(&[OFFICER])).await;
    let size = service.log_size().await;
    let last = (size - 1).to_string();
    let mut seen = Vec::new();
    for reader in &mut readers {
        let mut told = Vec::new();
        // A sign of life says how far the stream has come.
        loop {
            let block = reader.block().await.unwrap();
            let is_at_end = reader.last.split(['@', '-']).next() == Some(last.as_str());
            if block.comment && is_at_end {
                break;
            }
            told.extend((!block.kind.is_empty()).then_some(block));
        }
        let kinds: Vec<String> = told.into_iter().map(|told| told.kind).collect();
        seen.push(kinds);
    }
    let (submitted, pending) = ("request.submitted", "acm.pending-data");
    assert_eq!(
        seen,
        [
            vec![submitted, pending],
            vec![submitted, pending, submitted, pending],
            vec![submitted, "registry.changed", submitted],
            vec!["registry.changed"],
            vec![submitted, submitted],
            vec![],
        ]
    );
    for (path, parameter) in [
        ("/v1/events?types=request.forgotten", "types"),
        ("/v1/events?partner=nobody%20at%20all", "partner"),
        ("/v1/events?after=yesterday", "after"),
    ] {
        let refused = service.get(path, "operator").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{path}");
        assert_eq!(refused.body["errors"][0]["parameter"], parameter);
    }
    let refused = service.get("/v1/events?since=1", "operator").await;
    assert_eq!(refused.problem(), (400, "invalid-request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_in_this_log_is_refused() {
    let service = TestService::start().await;
    let size = service.log_size().await;
    let stranger = uuid::Uuid::new_v4();
    for place in [
        size.to_string(),
        u64::MAX.to_string(),
        format!("1@{stranger}"),
    ] {
        let call = service.call(Method::GET, "/v1/events", "reviewer");
        let refused = send(call.header("last-event-id", &place)).await;
        assert_eq!(refused.problem(), (410, "unknown-event"), "{place}");
    }
    let call = service.call(Method::GET, "/v1/events", "reviewer");
    let refused = send(call.header("last-event-id", "x")).await;
    assert_eq!(refused.problem(), (400, "invalid-request"));
    // Who was told nothing yet says nothing.
    Reader::open(&service, "reviewer", "/v1/events", Some("")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_counted() {
    let service = TestService::start_with(|settings| {
        settings.http.event_streams_max = 3;
        settings.http.event_streams_per_caller_max = 2;
    })
    .await;
    let open = |caller| Reader::open(&service, caller, "/v1/events", None);
    let first = open("reviewer").await;
    let _second = open("reviewer").await;
    let refused = service.get("/v1/events", "reviewer").await;
    assert_eq!(refused.problem(), (429, "too-many-streams"));
    let _third = open("auditor").await;
    let refused = service.get("/v1/events", "acms").await;
    assert_eq!(refused.problem(), (503, "no-stream-left"));
    drop(first);
    eventually("a place that is free again", async || {
        let call = service.call(Method::GET, "/v1/events", "acms");
        let response = call.send().await.unwrap();
        (response.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_ended_ends_what_is_told() {
    let service = TestService::start_with(|settings| {
        settings.http.heartbeat = Duration::from_millis(50);
    })
    .await;
    let mut reader = Reader::open(&service, "reviewer", REQUESTS, None).await;
    let mut other = Reader::open(&service, "auditor", "/v1/events", None).await;
    let mut officer = Reader::open(&service, "operator", "/v1/events", None).await;
    service.submit_held(&membership(&[OFFICER])).await;
    reader.take(1).await;
    // Reviewers are told nothing any more; auditors no more of requests.
    let reviewer = service.policy_file("access/reviewer.cedar");
    let text = std::fs::read_to_string(&reviewer).unwrap();
    let text = text.replace(",\n    ACCESS::Action::\"readEvents\"", "");
    std::fs::write(&reviewer, text).unwrap();
    let auditor = service.policy_file("access/auditor.cedar");
    let text = std::fs::read_to_string(&auditor).unwrap();
    let text = text.replace("    ACCESS::Action::\"readRequest\",\n", "");
    std::fs::write(&auditor, text).unwrap();
    let body = membership(&[OFFICER]);
    eventually("an access bundle without these rights", async || {
        let reads = service.get("/v1/events?after=x", "reviewer").await.status;
        let request = service
            .get("/v1/requests?correlation_id=none", "auditor")
            .await;
        (reads == 403 && request.status == 403).then_some(())
    })
    .await;
    assert!(reader.next().await.is_none());
    service.submit_held(&body).await;
    service
        .change("/v1/systems/mc.nl.example", |system| {
            system["name"] = json!("The Netherlands");
        })
        .await;
    let told = other.take(2).await;
    assert_eq!(kinds(&told), ["request.submitted", "registry.changed"]);
    let told = officer.take(3).await;
    assert_eq!(
        kinds(&told),
        ["request.submitted", "request.submitted", "registry.changed"]
    );
    let refused = service.get("/v1/events", "reviewer").await;
    assert_eq!(refused.problem(), (403, "forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_that_it_lives_and_outlives_the_patience_for_connections() {
    let service = TestService::start_with(|settings| {
        settings.http.heartbeat = Duration::from_millis(50);
        settings.http.idle_max = Duration::from_millis(100);
        settings.http.head_max = Duration::from_secs(10);
    })
    .await;
    let mut reader = Reader::open(&service, "reviewer", "/v1/events", None).await;
    for _ in 0..10 {
        let beat = reader.block().await.unwrap();
        assert!(beat.comment && beat.kind.is_empty(), "{beat:?}");
    }
    service.submit_held(&membership(&[OFFICER])).await;
    assert_eq!(reader.next().await.unwrap().kind, "request.submitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_falls_behind_is_fed_from_the_log() {
    let service = TestService::start().await;
    let mut reader = Reader::open(&service, "operator", "/v1/events", None).await;
    // More than channel and page hold together.
    for round in 0..40 {
        let users = (0..1_001).map(|number| {
            let identity = format!("sip:officer.{number}@mc.de.example");
            let roles = [format!("round-{round}")];
            json!({ "kind": "user", "document": {
                "id": format!("officer-{number}"), "enabled": true,
                "identities": { "mcptt": identity }, "roles": roles,
            } })
        });
        let imported = service
            .post("/v1/import", "operator", &users.collect())
            .await;
        assert_eq!(imported.status, 200, "{}", imported.text);
    }
    let mut last = None;
    for _ in 0..40 {
        let told = reader.next().await.unwrap();
        let index = told.data["id"].as_str().unwrap().parse::<u64>().unwrap();
        assert!(last.is_none_or(|last| index == last + 1), "{index}");
        last = Some(index);
        assert_eq!(told.data["documents"].as_array().unwrap().len(), 1_000);
        assert_eq!(told.data["left_out"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_the_streams() {
    let mut service = TestService::start().await;
    let mut reader = Reader::open(&service, "reviewer", "/v1/events", None).await;
    let mut other = Reader::open(&service, "reviewer", "/v1/events?after=0", None).await;
    // Within the bound for requests under way; else it is an error.
    service.stop().await;
    assert!(reader.next().await.is_none());
    while other.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_are_told_to_whom_may_see_policies() {
    let service = TestService::start().await;
    let mut officer = Reader::open(&service, "security-officer", "/v1/events", None).await;
    let broken = service.policy_file("automatic/broken.cedar");
    std::fs::write(&broken, "permit (principal, action").unwrap();
    let refused = officer.next().await.unwrap();
    assert_eq!(refused.kind, "policies.refused");
    assert!(refused.data["digest"].is_string());
    std::fs::remove_file(&broken).unwrap();
    let manifest = service.policy_file("bundle.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = text.replace("default_expiry = \"PT4H\"", "default_expiry = \"PT5H\"");
    std::fs::write(&manifest, text).unwrap();
    let published = officer.next().await.unwrap();
    assert_eq!(published.kind, "policies.published");
    assert_eq!(published.data["generation"], 2);
}
