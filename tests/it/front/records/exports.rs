//! Exports of records by range: as lines, as events for a SIEM, from a service and from its data directory.

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use super::kinds::KINDS;
use super::kinds::every_kind;
use crate::front::support::TestService;

pub(crate) fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
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
    assert_eq!(BASE64.encode(&hash.finalize()), line["leaf_hash"].as_str().unwrap());
    let leaf: Value = serde_json::from_str(leaf).unwrap();
    assert_eq!(leaf["kind"], line["kind"]);
    assert_eq!(leaf["time"], line["time"]);
    for part in line["parts"].as_array().unwrap() {
        let body = match part.get("body") {
            Some(body) => body.to_string().into_bytes(),
            None => BASE64.decode(part["body_base64"].as_str().unwrap().as_bytes()).unwrap(),
        };
        let mut commitment = Sha256::new();
        commitment.update(b"comity/part/v1\0");
        let subject = part["subject"].as_str();
        commitment.update([if subject.is_some() { 2 } else { 1 }]);
        commitment.update(BASE64.decode(part["salt"].as_str().unwrap().as_bytes()).unwrap());
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
async fn a_log_with_every_kind_of_entry_is_exported_whole() {
    let service = every_kind().await;
    let mut lines = exported(&service, "").await;
    std::fs::write("/tmp/formats-dump.ndjson", lines.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    let trailer = lines.pop().unwrap();
    assert_eq!(trailer["export"]["complete"], true);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["version"], 1);
        assert_eq!(line["index"], number);
        check_hashes(line);
    }
    for kind in KINDS {
        assert!(lines.iter().any(|line| line["kind"] == kind), "{kind}");
    }
    let events = exported(&service, "?format=ocsf").await;
    std::fs::write("/tmp/formats-ocsf.ndjson", events.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    let masked = exported(&service, "?mask=users,groups,reviewers,accounts,locations,reasons").await;
    std::fs::write("/tmp/formats-masked.ndjson", masked.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
}
