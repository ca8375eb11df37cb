//! Exports of records by range: as lines, as events for a SIEM, from a service and from its data directory.

use std::fs;

use comity::app::export::ExportSettings;
use comity::app::export::Format;
use comity::app::export::export;
use comity::app::sealing::SealingKey;
use comity::cli::service::open_store;
use data_encoding::BASE64;
use reqwest::Method;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use super::kinds::KINDS;
use super::kinds::every_kind;
use super::schema::RecordSchema;
use super::schema::all_fit;
use super::schema::none_fits;
use crate::front::cli::comity_aside;
use crate::front::cli::text;
use crate::front::support::OFFICER;
use crate::front::support::TestService;
use crate::front::support::membership;

pub(crate) fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) async fn exported(service: &TestService, parameters: &str) -> Vec<Value> {
    let path = format!("/v1/records/export{parameters}");
    let answer = service.call(Method::GET, &path, "auditor").send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    lines(&answer.text().await.unwrap())
}

/// The hashes of a line are made anew from what stands in it, as `docs/record.md` says.
fn check_hashes(line: &Value) {
    let leaf = line["leaf"].as_str().unwrap();
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(leaf);
    assert_eq!(
        BASE64.encode(&hash.finalize()),
        line["leaf_hash"].as_str().unwrap()
    );
    let leaf: Value = serde_json::from_str(leaf).unwrap();
    assert_eq!(leaf["kind"], line["kind"]);
    assert_eq!(leaf["time"], line["time"]);
    for part in line["parts"].as_array().unwrap() {
        let body = match part.get("body") {
            Some(body) => body.to_string().into_bytes(),
            None => BASE64
                .decode(part["body_base64"].as_str().unwrap().as_bytes())
                .unwrap(),
        };
        let mut commitment = Sha256::new();
        commitment.update(b"comity/part/v1\0");
        let subject = part["subject"].as_str();
        commitment.update([if subject.is_some() { 2 } else { 1 }]);
        commitment.update(
            BASE64
                .decode(part["salt"].as_str().unwrap().as_bytes())
                .unwrap(),
        );
        if let Some(subject) = subject {
            commitment.update((subject.len() as u64).to_be_bytes());
            commitment.update(subject);
        }
        commitment.update(body);
        assert_eq!(
            BASE64.encode(&commitment.finalize()),
            part["commitment"].as_str().unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_every_kind_of_entry_is_exported_whole_and_fits_its_schema() {
    let service = every_kind().await;
    let mut lines = exported(&service, "").await;
    let schema = RecordSchema::of_version(1);
    all_fit(&schema, &lines);
    none_fits(&schema, &lines);
    let trailer = lines.pop().unwrap();
    let count = lines.len() as u64;
    assert_eq!(trailer["export"]["complete"], true);
    assert_eq!(trailer["export"]["records"], count);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["index"], number);
        check_hashes(line);
    }
    for kind in KINDS {
        assert!(lines.iter().any(|line| line["kind"] == kind), "{kind}");
    }
    // A range, and the rest of it later: together the whole.
    let time = lines[12]["time"].as_str().unwrap().to_owned();
    let at = |line: &Value| line["time"].as_str().unwrap().to_owned();
    for (parameters, expected) in [
        ("?first=4&last=9".to_owned(), lines[4..10].to_vec()),
        ("?last=3".to_owned(), lines[..4].to_vec()),
        (format!("?first={}", u64::MAX), Vec::new()),
        (
            format!("?until={time}"),
            lines.iter().filter(|it| at(it) < time).cloned().collect(),
        ),
        (
            format!("?from={time}&last={}", count - 1),
            lines.iter().filter(|it| at(it) >= time).cloned().collect(),
        ),
    ] {
        let mut part = exported(&service, &parameters).await;
        let trailer = part.pop().unwrap();
        assert_eq!(part, expected, "{parameters}");
        assert_eq!(trailer["export"]["complete"], true);
    }
    let first = exported(&service, "?last=9").await;
    let next = first.last().unwrap()["export"]["next"].as_u64().unwrap();
    assert_eq!(next, 10);
    // That records were read is written down, each time something else was.
    let mut since = exported(&service, &format!("?first={count}")).await;
    since.pop();
    assert!(since.len() >= 5, "{since:?}");
    for line in &since {
        let read = &line["parts"][0]["body"]["event"]["records-read"]["reads"][0];
        assert_eq!(read["way"], "export", "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_command_line_it_is_the_same_running_or_stopped() {
    let mut service = every_kind().await;
    let mut lines = exported(&service, "").await;
    lines.pop();
    let count = lines.len() as u64;
    let token = service.token_file("auditor");
    let file = |name: &str| service.directory().join(name);
    let (running, stopped) = (file("running.ndjson"), file("stopped.ndjson"));
    let url = service.url();
    let base = ["log", "export", text(&running), "--format", "ndjson"];
    let from = ["--from", &url, "--token-file", text(&token)];
    let of_service = [&base[..], &from, &["--first", "4", "--last", "9"]].concat();
    let ended = comity_aside(&of_service).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let written = super::exports::lines(&fs::read_to_string(&running).unwrap());
    assert_eq!(written[..6], lines[4..10]);
    let again = comity_aside(&of_service).await;
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("--first"), "{again:?}");
    let nobody = service.token_file("peer");
    let refused = file("refused.ndjson");
    let refused = [
        "log",
        "export",
        text(&refused),
        "--format",
        "ocsf",
        "--from",
        &url,
        "--token-file",
        text(&nobody),
    ];
    let ended = comity_aside(&refused).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let of_directory = [
        "log",
        "export",
        text(&stopped),
        "--format",
        "ndjson",
        "--data-dir",
        text(&data),
    ];
    let ended = comity_aside(&of_directory).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let written = super::exports::lines(&fs::read_to_string(&stopped).unwrap());
    assert_eq!(written[..lines.len()], lines);
    let masked = [
        "log",
        "export",
        "-",
        "--format",
        "ndjson",
        "--mask",
        "users",
        "--mask",
        "reasons=remove",
        "--data-dir",
        text(&data),
    ];
    let ended = comity_aside(&masked).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.out.contains("officer.114"));
    assert_eq!(
        ended.out.lines().count() as u64,
        1 + count.max(written.len() as u64 - 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_read_records_exports_them() {
    let service = TestService::start().await;
    for caller in [
        "acms",
        "reviewer",
        "peer",
        "nobody",
        "configuration-manager",
    ] {
        let path = "/v1/records/export";
        let one = service.get("/v1/records/0", caller).await;
        let all = service
            .call(Method::GET, path, caller)
            .send()
            .await
            .unwrap();
        assert_eq!(all.status().as_u16(), one.status, "{caller}");
        // Who may not is told so first, whatever was asked for.
        let wrong = service.call(Method::GET, &format!("{path}?format=csv"), caller);
        let wrong = wrong.send().await.unwrap().status().as_u16();
        let expected = if one.status == 200 { 400 } else { one.status };
        assert_eq!(wrong, expected, "{caller}");
    }
    let unknown = service.get("/v1/records/export", "wrong token").await;
    assert_eq!(unknown.problem(), (401, "unauthenticated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_edited_ends_the_export_and_the_trailer_says_where() {
    let mut service = TestService::start().await;
    for _ in 0..3 {
        service.submit_held(&membership(&[OFFICER])).await;
    }
    let whole = exported(&service, "").await;
    service.stop().await;
    let data = service.settings().data_directory.clone();
    let (store, _) = open_store(&data, |_| {}).unwrap();
    // The entry about the first request, in place of the second.
    let payload = fs::read_dir(data.join("payload"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&payload).unwrap();
    let needle = b"German-speaking officer";
    let at = bytes
        .windows(needle.len())
        .rposition(|window| window == needle)
        .unwrap();
    bytes[at] = b'g';
    fs::write(&payload, bytes).unwrap();
    let key = SealingKey::from_bytes([0; 32]);
    let exported = export(&store, &key, ExportSettings::whole(Format::Ndjson)).unwrap();
    let written: Vec<u8> = exported.flatten().collect();
    let mut lines = lines(&String::from_utf8(written).unwrap());
    let trailer = lines.pop().unwrap();
    let trailer = &trailer["export"];
    assert_eq!(trailer["complete"], false);
    let next = trailer["next"].as_u64().unwrap();
    assert_eq!(lines.len() as u64, next);
    assert!(next < whole.len() as u64 - 1);
    assert!(
        trailer["error"]
            .as_str()
            .unwrap()
            .contains(&next.to_string()),
        "{trailer}"
    );
    assert_eq!(lines[..], whole[..lines.len()]);
}
