//! Damage to the projection: it is made anew, and nobody notices.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use super::home::Home;
use super::home::files;
use super::load::Operator;
use super::random::Random;
use super::rounds;
use super::service::Service;
use super::service::replay_identically;
use super::tell;

const REQUESTS: u64 = 12;
const KINDS: [&str; 6] = [
    "systems",
    "agreements",
    "users",
    "groups",
    "links",
    "migrated-profiles",
];

/// What is done to the projection of a stopped service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    DeleteAll,
    FileInItsPlace,
    DeleteFile,
    Truncate,
    FlipBytes,
    Garbage,
    FlipBytesEverywhere,
}

const DAMAGES: [Damage; 7] = [
    Damage::FlipBytesEverywhere,
    Damage::DeleteAll,
    Damage::Truncate,
    Damage::Garbage,
    Damage::FlipBytes,
    Damage::DeleteFile,
    Damage::FileInItsPlace,
];

impl Damage {
    fn inflict(self, projection: &Path, random: &mut Random) {
        let all: Vec<PathBuf> = files(projection).into_keys().collect();
        let one = &all[random.index(all.len())];
        match self {
            Self::DeleteAll => fs::remove_dir_all(projection).unwrap(),
            Self::FileInItsPlace => {
                fs::remove_dir_all(projection).unwrap();
                fs::write(projection, "no directory").unwrap();
            }
            Self::DeleteFile => fs::remove_file(one).unwrap(),
            Self::Truncate => edit(one, |bytes| bytes.truncate(random.index(bytes.len() + 1))),
            Self::FlipBytes => flip(one, random),
            Self::Garbage => edit(one, |bytes| {
                bytes.fill_with(|| random.next().to_le_bytes()[0]);
            }),
            Self::FlipBytesEverywhere => {
                for file in &all {
                    flip(file, random);
                }
            }
        }
    }
}

fn flip(file: &Path, random: &mut Random) {
    edit(file, |bytes| {
        let used = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        for _ in 0..16_usize.min(used) {
            bytes[random.index(used)] ^= 1 << random.within(0..8);
        }
    });
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// Everything that can be asked.
async fn answers(operator: &Operator, requests: &[String]) -> BTreeMap<String, Value> {
    let documents = KINDS.iter().map(|kind| format!("/v1/{kind}?limit=1000"));
    let requests = requests.iter().map(|id| format!("/v1/requests/{id}"));
    let mut found = BTreeMap::new();
    for path in documents.chain(requests) {
        let answer = operator.get(&path).await;
        found.insert(path, answer);
    }
    let policies = operator.get("/v1/policies").await;
    found.insert("digest".to_owned(), policies["in_force"].clone());
    found
}

fn projection(home: &Home) -> PathBuf {
    let entries = fs::read_dir(home.data()).unwrap();
    let mut found = entries.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("projection-")
    });
    let path = found
        .next()
        .expect("a service that stopped has a projection");
    assert_eq!(found.next(), None);
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_projection_is_made_anew() {
    let mut random = Random::new();
    let home = Home::new();
    let service = Service::start(&home);
    service.import(&home);
    let operator = Operator::of(&service);
    operator.set_agreement("active").await.unwrap();
    let mut requests = Vec::new();
    for number in 0..REQUESTS {
        let answer = operator.submit_number(number).await;
        requests.push(answer["id"].as_str().unwrap().to_owned());
    }
    let before = answers(&operator, &requests).await;
    assert!(service.terminate().success());
    let all = rounds(DAMAGES.len(), 50);
    let mut noticed = 0;
    for damage in DAMAGES.into_iter().cycle().take(all) {
        let damaged = home.copy();
        damage.inflict(&projection(&damaged), &mut random);
        let service = Service::start(&damaged);
        let operator = Operator::of(&service);
        assert_eq!(answers(&operator, &requests).await, before, "{damage:?}");
        let ready = operator.get("/readyz").await;
        assert_eq!(ready["ready"], true, "{damage:?}: {ready}");
        assert!(service.terminate().success(), "{damage:?}");
        let log = fs::read_to_string(damaged.path().join("service.log")).unwrap();
        noticed += usize::from(log.contains("passed over at the start"));
        let report = replay_identically(&damaged.data());
        assert_eq!(report["decisions"], REQUESTS, "{damage:?}");
    }
    assert!(noticed > 0);
    tell(&format!(
        "damaged projection: {all} times, noticed and made anew {noticed} times"
    ));
}
