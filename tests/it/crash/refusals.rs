//! Data directories on which no service may start: damaged below the anchor, or of a newer version.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use super::home::Home;
use super::home::files;
use super::load::Operator;
use super::random::Random;
use super::rounds;
use super::service::Service;
use super::service::errors;
use super::service::refused_service;
use super::service::refused_service_of_nobody;
use super::service::replay;
use super::tell;

const FIRST_SEGMENTS: [&str; 2] = [
    "leaf/00000000000000000000.segment",
    "payload/00000000000000000000.segment",
];
const HEADER_BYTES: usize = 64;

/// A home with some requests, whose service stopped.
async fn stopped_home() -> Home {
    let home = Home::new();
    let service = Service::start(&home);
    service.import(&home);
    let operator = Operator::of(&service);
    for number in 0..8 {
        operator.submit_number(number).await;
    }
    assert!(service.terminate().success());
    home
}

/// Both commands refuse, name what is wrong, and change nothing.
fn check_refused(home: &Home, words: &[&str], damage: &str) {
    let before = files(&home.data());
    for output in [refused_service(home), replay(&home.data())] {
        let told = errors(&output);
        assert_eq!(output.status.code(), Some(3), "{damage}: {told}");
        for word in words {
            assert!(told.contains(word), "{damage}: no `{word}` in: {told}");
        }
    }
    assert!(
        files(&home.data()) == before,
        "{damage}: files were changed"
    );
}

fn edit(home: &Home, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let file = home.data().join(name);
    let mut bytes = fs::read(&file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_damaged_below_the_anchor_is_refused() {
    let mut random = Random::new();
    let home = stopped_home().await;
    let all = rounds(4, 50);
    for (round, segment) in (0..all).zip(FIRST_SEGMENTS.into_iter().cycle()) {
        let damaged = home.copy();
        let mut damage = String::new();
        edit(&damaged, segment, |bytes| {
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            let at = HEADER_BYTES + random.index(used - HEADER_BYTES);
            if round % 10 == 9 {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << random.within(0..8);
            }
            damage = format!("byte {at} of {used} of `{segment}`");
        });
        check_refused(&damaged, &[segment, "from a backup"], &damage);
    }
    for segment in FIRST_SEGMENTS {
        let damaged = home.copy();
        fs::remove_file(damaged.data().join(segment)).unwrap();
        let family = Path::new(segment).parent().unwrap().to_string_lossy();
        check_refused(&damaged, &[&*family, "from a backup"], "a missing segment");
    }
    tell(&format!(
        "damaged segment: {all} times, each refused by serve and replay"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_data_directory_is_refused() {
    let home = stopped_home().await;
    let newer = home.copy();
    edit(&newer, "meta.json", |bytes| {
        let mut meta: Value = serde_json::from_slice(bytes).unwrap();
        meta["format_version"] = json!(2);
        meta["something"] = json!("that this version does not know");
        *bytes = serde_json::to_vec(&meta).unwrap();
    });
    let start_newer = "start a newer version of the program";
    check_refused(&newer, &["format version 2", start_newer], "meta.json");

    for segment in FIRST_SEGMENTS {
        let newer = home.copy();
        edit(&newer, segment, |bytes| {
            bytes[8..10].copy_from_slice(&2_u16.to_be_bytes());
            let checksum = crc32c::crc32c(&bytes[..60]);
            bytes[60..64].copy_from_slice(&checksum.to_be_bytes());
        });
        check_refused(&newer, &[segment, "format version 2", start_newer], segment);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_that_lost_a_file_is_refused_or_says_so() {
    let home = stopped_home().await;
    for (name, remedy) in [
        ("sealing.key", "write 32 random bytes into it"),
        ("system", "write `mc.de.example` into it"),
    ] {
        let damaged = home.copy();
        make_private(&damaged);
        let file = damaged.data().join(name);
        fs::remove_file(&file).unwrap();
        let refused = refused_service(&damaged);
        let told = errors(&refused);
        assert_eq!(refused.status.code(), Some(3), "{told}");
        for word in [
            file.to_str().unwrap(),
            "is missing",
            "from the backup",
            remedy,
        ] {
            assert!(told.contains(word), "no `{word}` in: {told}");
        }
        assert!(!file.exists(), "{name} was made anew");
    }
    // A new log would take the place and the name of the lost one.
    let damaged = home.copy();
    make_private(&damaged);
    for folder in ["leaf", "payload"] {
        fs::remove_dir_all(damaged.data().join(folder)).unwrap();
    }
    fs::remove_file(damaged.data().join("anchor")).unwrap();
    let refused = refused_service(&damaged);
    let told = errors(&refused);
    assert_eq!(refused.status.code(), Some(3), "{told}");
    for word in ["is missing", "from the backup", "an empty data directory"] {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert!(
        !damaged.data().join("leaf").exists(),
        "a log was begun anew"
    );
    // What the log says itself is written again, and told.
    fs::remove_file(home.data().join("meta.json")).unwrap();
    let service = Service::start(&home);
    assert!(service.terminate().success());
    let told = fs::read_to_string(home.path().join("service.log")).unwrap();
    assert!(told.contains("`meta.json` is missing"), "{told}");
}

/// A copy may have other modes; secrets are their owner's alone.
fn make_private(home: &Home) {
    for name in ["operator.token", "sealing.key", "system"] {
        let file = home.data().join(name);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_that_cannot_be_written_is_refused() {
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let refused = refused_service_of_nobody(&home);
    let told = errors(&refused);
    assert_eq!(refused.status.code(), Some(3), "{told}");
    for word in [
        home.data().to_str().unwrap(),
        "Permission denied",
        "see to the disk",
    ] {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert_eq!(fs::read_dir(home.data()).unwrap().count(), 0);
}
