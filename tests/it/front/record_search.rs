//! Records through the front door: found, counted, shown, and each reading recorded.

use std::fs;

use serde_json::Value;
use serde_json::json;

use super::cli::Ended;
use super::cli::comity_aside;
use super::cli::text;
use super::clock::Hands;
use super::support::Answer;
use super::support::DISPATCHER;
use super::support::GROUP;
use super::support::NL;
use super::support::OFFICER;
use super::support::REQUESTER;
use super::support::TestService;
use super::support::approval;
use super::support::membership;

const OTHER_OFFICER: &str = "sip:officer.115@mc.nl.example";
const MINUTE: i64 = 60_000;

async fn find(service: &TestService, parameters: &str) -> Answer {
    let found = service
        .get(&format!("/v1/records?{parameters}"), "auditor")
        .await;
    assert_eq!(found.status, 200, "{parameters}: {}", found.text);
    found
}

fn indexes(found: &Answer) -> Vec<u64> {
    let records = found.body["records"].as_array().unwrap();
    let indexes = records.iter().map(|record| record["index"].as_u64());
    indexes.map(Option::unwrap).collect()
}

/// A request that is held and approved, and one that still waits; the indexes of the three entries.
async fn decided(service: &TestService) -> (Value, [u64; 3]) {
    let held = service.submit_held(&membership(&[OFFICER])).await;
    let other = service.submit(&membership(&[OTHER_OFFICER])).await;
    let answered = service.respond(&held, &approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let at = |value: &Value| value.as_u64().unwrap();
    let entries = [
        at(&answered.body["record"]["index"]),
        at(&other.body["record"]["index"]),
        at(&answered.body["responses"][0]["record"]["index"]),
    ];
    (answered.body, entries)
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_by_whatever_they_are_about() {
    let mut service = TestService::start().await;
    let (request, [held, other, answer]) = decided(&service).await;
    let id = request["id"].as_str().unwrap();
    let bundle = request["bundle"]["digest"].as_str().unwrap();
    let mut found_by = vec![
        (format!("request={id}"), vec![answer, held]),
        (format!("user={OFFICER}"), vec![answer, held]),
        (format!("user={OTHER_OFFICER}&kind=request"), vec![other]),
        (format!("user={REQUESTER}&kind=request"), vec![other, held]),
        (format!("reviewer={DISPATCHER}"), vec![answer]),
        (format!("partner={NL}&outcome=review"), vec![other, held]),
        (format!("partner={NL}&outcome=accept"), vec![answer]),
        (format!("group={GROUP}&kind=review"), vec![answer]),
        ("kind=review".to_owned(), vec![answer]),
        ("caller=acms&kind=request".to_owned(), vec![other, held]),
        (format!("bundle={bundle}&kind=request"), vec![other, held]),
        ("kind=request&until=2020-01-01T00:00:00Z".to_owned(), vec![]),
        (
            "kind=request&from=2020-01-01T00:00:00Z".to_owned(),
            vec![other, held],
        ),
        ("operation=affiliation".to_owned(), vec![]),
        ("policy=no.such.policy".to_owned(), vec![]),
    ];
    let shown = find(&service, &format!("request={id}&kind=request")).await;
    let record = &shown.body["records"][0];
    assert_eq!(record["operation"], "group-membership-update");
    assert_eq!(record["partners"], json!([NL]));
    assert_eq!(record["outcomes"]["review"], 1);
    assert_eq!(record["groups"], json!([GROUP]));
    assert!(
        record["users"]
            .as_array()
            .unwrap()
            .contains(&json!(OFFICER))
    );
    for dimension in ["policies", "categories"] {
        let value = record[dimension][0].as_str().unwrap();
        let parameter = dimension.replace("ies", "y");
        found_by.push((
            format!("{parameter}={value}&kind=request"),
            vec![other, held],
        ));
    }
    for is_restarted in [false, true] {
        if is_restarted {
            service.stop().await;
            service.resume().await.unwrap();
        }
        for (parameters, expected) in &found_by {
            let found = find(&service, parameters).await;
            assert_eq!(indexes(&found), *expected, "{parameters}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_while_entries_are_added() {
    let service = TestService::start().await;
    decided(&service).await;
    let first = find(&service, "limit=3").await;
    let size = first.body["size"].as_u64().unwrap();
    let mut seen = indexes(&first);
    let mut next = first.body["next"].as_u64();
    while let Some(place) = next {
        service.submit(&membership(&[OFFICER])).await;
        let page = find(&service, &format!("limit=3&before={place}")).await;
        assert!(page.body["size"].as_u64().unwrap() > size);
        seen.extend(indexes(&page));
        next = page.body["next"].as_u64();
    }
    assert_eq!(seen, (0..size).rev().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_with_its_place() {
    let service = TestService::start().await;
    let wrong = [
        ("records?from=yesterday", "from"),
        ("records?until=2026-13-01T00:00:00Z", "until"),
        (
            "records?from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z",
            "until",
        ),
        ("records?kind=requests", "kind"),
        ("records?outcome=accepted", "outcome"),
        ("records?operation=dance", "operation"),
        ("records?partner=not%20a%20system", "partner"),
        ("records?category=", "category"),
        ("records?policy=", "policy"),
        ("records?bundle=abc", "bundle"),
        ("records?group=nobody", "group"),
        ("records?request=7", "request"),
        ("records?user=officer", "user"),
        ("records?reviewer=duty", "reviewer"),
        ("records?caller=", "caller"),
        ("records?before=last", "before"),
        ("records?limit=0", "limit"),
        ("records?limit=501", "limit"),
        ("records?bucket=day", "bucket"),
        ("records/counts?bucket=week", "bucket"),
        ("records/counts?bucket=PT1S", "bucket"),
        ("records/counts?by=user", "by"),
        ("records/counts?limit=1", "limit"),
    ];
    let before = service.log_size().await;
    for (address, parameter) in wrong {
        let refused = service.get(&format!("/v1/{address}"), "auditor").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{address}");
        assert_eq!(
            refused.body["errors"][0]["parameter"], parameter,
            "{}",
            refused.text
        );
    }
    let unknown = service
        .get("/v1/records?usr=sip:a@b.example", "auditor")
        .await;
    assert_eq!(unknown.problem(), (400, "invalid-request"));
    assert!(unknown.text.contains("usr"), "{}", unknown.text);
    assert_eq!(service.log_size().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_by_period_outcome_and_value() {
    let service = TestService::start().await;
    decided(&service).await;
    let address = "/v1/records/counts?bucket=month&by=partner&operation=group-membership-update";
    let counts = service.get(address, "auditor").await;
    assert_eq!(counts.status, 200, "{}", counts.text);
    assert_eq!(counts.body["entries"], 3);
    let buckets = counts.body["buckets"].as_array().unwrap();
    let sum = |pointer: &str| -> u64 {
        let counts = buckets.iter().map(|bucket| bucket.pointer(pointer));
        counts.map(|count| count.unwrap().as_u64().unwrap()).sum()
    };
    assert_eq!(sum("/entries"), 3);
    assert_eq!(sum("/outcomes/review"), 2);
    assert_eq!(sum("/outcomes/accept"), 1);
    assert_eq!(sum(&format!("/by/{NL}")), 3);
    let begin = buckets[0]["from"].as_str().unwrap();
    assert!(begin.ends_with("-01T00:00:00.000Z"), "{begin}");
}

/// The entries that say who read records, the newest first: what of them names nobody.
async fn reads(service: &TestService) -> Vec<Value> {
    let found = find(service, "kind=administrative&caller=auditor&limit=500").await;
    let mut reads = Vec::new();
    for index in indexes(&found) {
        let record = service
            .get(&format!("/v1/records/{index}"), "operator")
            .await;
        assert!(
            record.text.contains(r#""subject":"auditor""#),
            "{}",
            record.text
        );
        let body = record.body["parts"][0]["body"].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        reads.extend(
            body["event"]["records-read"]["reads"]
                .as_array()
                .unwrap()
                .clone(),
        );
    }
    reads
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reading_is_recorded_before_it_is_answered_and_the_same_again_is_not() {
    let hands = Hands::new();
    let service = TestService::start_by(hands.clone()).await;
    decided(&service).await;
    let mut size = service.log_size().await;
    let mut grew = async |by: u64, what: &str| {
        size += by;
        assert_eq!(service.log_size().await, size, "{what}");
    };
    let first = find(&service, &format!("user={OFFICER}")).await;
    grew(1, "a search").await;
    let noted = first.body["noted"].as_u64().unwrap();
    for _ in 0..3 {
        let again = find(&service, &format!("user={OFFICER}&limit=1")).await;
        assert_eq!(again.body["noted"], noted);
    }
    grew(0, "the same search, and its pages").await;
    find(&service, &format!("user={OTHER_OFFICER}")).await;
    grew(1, "another search").await;
    for minutes in [0, 1, 2] {
        let from = hands.moment(-60 * MINUTE + minutes * MINUTE);
        let until = hands.moment(minutes * MINUTE);
        find(
            &service,
            &format!("outcome=reject&from={from}&until={until}"),
        )
        .await;
    }
    grew(1, "a period that goes with the time").await;
    find(
        &service,
        "outcome=reject&from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z",
    )
    .await;
    grew(1, "an earlier period").await;
    for index in [0, 1, 0, 1] {
        service
            .get(&format!("/v1/records/{index}"), "auditor")
            .await;
    }
    grew(2, "two records").await;
    for _ in 0..5 {
        service
            .get("/v1/records/counts?by=partner", "auditor")
            .await;
    }
    grew(0, "numbers of nobody").await;
    for _ in 0..5 {
        let address = format!("/v1/records/counts?user={OFFICER}");
        let counts = service.get(&address, "auditor").await;
        assert!(counts.body["noted"].is_u64(), "{}", counts.text);
    }
    grew(1, "numbers of somebody").await;
    for unread in ["/v1/records/100000", "/v1/records?limit=0"] {
        service.get(unread, "auditor").await;
        service.get(unread, "acms").await;
    }
    grew(0, "what was not answered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_often_the_same_was_read_is_recorded_afterwards() {
    let hands = Hands::new();
    let mut service = TestService::start_by(hands.clone()).await;
    decided(&service).await;
    let mine = format!("user={OFFICER}&kind=request");
    let noted = find(&service, &mine).await.body["noted"].as_u64().unwrap();
    for _ in 0..3 {
        find(&service, &mine).await;
    }
    for _ in 0..(16 * MINUTE / 4_000) {
        hands.pass(4_000);
    }
    let later = find(&service, &mine).await;
    assert!(later.body["noted"].as_u64().unwrap() > noted);
    service.stop().await;
    service.resume_by(hands).await;
    let reads = reads(&service).await;
    let summed = reads.iter().find(|read| read["under"] == noted).unwrap();
    assert_eq!(
        (&summed["answers"], &summed["records"]),
        (&json!(3), &json!(3))
    );
    let begun = reads.iter().filter(|read| read["covers_until"].is_string());
    // Before the time passed and after it; the search for these entries is no older than itself.
    assert_eq!(begun.count(), 2, "{reads:?}");
    let named = serde_json::to_string(&reads).unwrap();
    assert!(!named.contains("officer"), "{named}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_lost_is_made_anew_at_the_next_start() {
    let mut service = TestService::start().await;
    let (_, [held, other, _]) = decided(&service).await;
    service.stop().await;
    let index = service.settings().data_directory.join("index");
    fs::create_dir_all(&index).unwrap();
    fs::write(
        index.join("00000000000000000000.index"),
        b"of somebody else",
    )
    .unwrap();
    service.resume().await.unwrap();
    assert_eq!(
        indexes(&find(&service, "kind=request").await),
        [other, held]
    );
}

async fn log(service: &TestService, arguments: &[&str]) -> Ended {
    let (url, token) = (service.url(), service.token_file("auditor"));
    let connection = ["--url", &url, "--token-file", text(&token)];
    comity_aside(&[&["log"], arguments, &connection].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_finds_and_shows_records() {
    let service = TestService::start().await;
    let (_, [held, other, answer]) = decided(&service).await;
    let found = log(&service, &["search", "--user", OFFICER]).await;
    assert_eq!(found.code, 0, "{found:?}");
    let lines: Vec<&str> = found.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", found.out);
    assert!(lines[1].starts_with(&answer.to_string()), "{}", found.out);
    assert!(lines[2].starts_with(&held.to_string()), "{}", found.out);
    for word in ["request", "review", "group-membership-update", NL] {
        assert!(lines[2].contains(word), "{word}: {}", found.out);
    }
    let json = log(
        &service,
        &["search", "--json", "--kind", "request", "--limit", "1"],
    )
    .await;
    let line: Value = serde_json::from_str(json.out.trim()).unwrap();
    assert_eq!(line["index"], other);
    assert!(json.err.contains("there are more"), "{json:?}");
    let none = log(&service, &["search", "--policy", "no.such"]).await;
    assert_eq!((none.code, none.out.as_str()), (0, ""), "{none:?}");
    let wrong = log(&service, &["search", "--outcome", "accepted"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("outcome"), "{wrong:?}");

    let shown = log(&service, &["show", &held.to_string()]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    let told = [
        "item 0: review",
        "inbound, with mc.nl.example",
        OFFICER,
        "as the leaf commits",
    ];
    for word in told {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    let json = log(&service, &["show", &held.to_string(), "--json"]).await;
    let record: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(record["index"], held);
    let missing = log(&service, &["show", "100000"]).await;
    assert_eq!(missing.code, 1, "{missing:?}");
}
