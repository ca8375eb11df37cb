//! Somebody edits a record and mends every checksum of the file: replaying notices.

#![cfg(test)]

use std::fs;

use serde_json::Value;

use super::home::Home;
use super::load::Operator;
use super::service::Service;
use super::service::replay;

const SEGMENT: &str = "payload/00000000000000000000.segment";
const HEADER_BYTES: usize = 64;
const FRAME_HEADER_BYTES: usize = 32;

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Replaces the first of some words in a frame, and gives the frame the checksum of what it holds now.
fn edit(segment: &mut [u8], from: &str, to: &str) -> Option<usize> {
    assert_eq!(from.len(), to.len());
    let nonce: Vec<u8> = segment[32..40].to_vec();
    let mut at = HEADER_BYTES;
    while segment[at..].starts_with(b"CMFR") {
        let length = number(&segment[at + 8..at + 12]);
        let index = number(&segment[at + 12..at + 20]);
        let body = at + FRAME_HEADER_BYTES..at + FRAME_HEADER_BYTES + length;
        let mut windows = segment[body.clone()].windows(from.len());
        if let Some(found) = windows.position(|bytes| bytes == from.as_bytes()) {
            let place = body.start + found..body.start + found + from.len();
            segment[place].copy_from_slice(to.as_bytes());
            let summed = [&nonce, &segment[at..at + 28], &segment[body]].concat();
            let checksum = crc32c::crc32c(&summed).to_be_bytes();
            segment[at + 28..at + 32].copy_from_slice(&checksum);
            return Some(index);
        }
        at += (FRAME_HEADER_BYTES + length).next_multiple_of(8);
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_record_with_a_right_checksum_is_a_mismatch() {
    let home = Home::new();
    let service = Service::start(&home);
    service.import(&home);
    let operator = Operator::of(&service);
    for number in 0..8 {
        operator.submit_number(number).await;
    }
    assert!(service.terminate().success());
    let report = |home: &Home| {
        let output = replay(&home.data());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    let (code, before) = report(&home);
    assert_eq!((code, &before["mismatches"]), (Some(0), &Value::from(0)));

    // The same decision for another person, so that deciding again finds nothing.
    for (from, to) in [("officer.1@", "officer.9@"), ("officer.2@", "officer.8@")] {
        let edited = home.copy();
        let file = edited.data().join(SEGMENT);
        let mut bytes = fs::read(&file).unwrap();
        let index = edit(&mut bytes, from, to).unwrap();
        fs::write(file, bytes).unwrap();
        let (code, found) = report(&edited);
        assert_eq!(code, Some(1), "{found}");
        assert_eq!(found["mismatches"], 1, "{found}");
        assert_eq!(found["examples"][0]["index"], index, "{found}");
        let difference = found["examples"][0]["differences"][0].as_str().unwrap();
        assert!(difference.contains("not its own"), "{difference}");
        let identical = before["identical"].as_u64().unwrap() - 1;
        assert_eq!(found["identical"], identical, "{found}");
    }
}
