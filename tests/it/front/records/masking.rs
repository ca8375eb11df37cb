//! What is masked stands nowhere in an export, whichever the form, and the export says what was masked.

use std::collections::BTreeSet;

use serde_json::Value;

use super::exports::exported;
use super::kinds::every_kind;
use crate::front::support::TestService;

/// What names people, groups, places and accounts in the example world, or was written freely.
const USERS: [&str; 9] = [
    "officer.114",
    "officer.115",
    "officer.116",
    "streife.12",
    "control.3",
    "dispatch.1",
    "patrol-12",
    "ue-7",
    "nl-officer-115",
];
const GROUPS: [&str; 2] = ["unfall-07", "grensteam-1"];
const ACCOUNTS: [&str; 2] = ["\"acms\"", "local-operator"];
const REASONS: [&str; 5] = [
    "is at the scene",
    "was seen by",
    "the operation is over",
    "the KMS of",
    "nl-2026-000917",
];
const LOCATIONS: [&str; 1] = ["\"204-08\""];

const ALL: &str = "?mask=users,groups,reviewers,accounts,locations,reasons";

fn holds(lines: &[Value], text: &str) -> bool {
    lines.iter().any(|line| line.to_string().contains(text))
}

async fn masked(service: &TestService, parameters: &str) -> Vec<Value> {
    let lines = exported(service, parameters).await;
    let trailer = lines.last().unwrap();
    let trailer = trailer.get("export");
    assert!(trailer.is_none_or(|it| it["complete"] == true));
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_stands_nowhere_in_the_export() {
    let service = every_kind().await;
    let plain = exported(&service, "").await;
    let everything = [&USERS[..], &GROUPS, &ACCOUNTS, &REASONS, &LOCATIONS].concat();
    for word in &everything {
        assert!(
            holds(&plain, word),
            "{word} is not there in the first place"
        );
    }
    for form in ["", "&format=ocsf"] {
        let lines = masked(&service, &format!("{ALL}{form}")).await;
        for word in &everything {
            assert!(!holds(&lines, word), "{word}{form}");
        }
        for (asked, gone) in [
            ("users", &USERS[..]),
            ("groups", &GROUPS),
            ("accounts", &ACCOUNTS),
            ("reasons", &REASONS),
            ("locations", &LOCATIONS),
        ] {
            for treatment in ["remove", "pseudonym"] {
                let parameters = format!("?mask={asked}={treatment}{form}");
                let lines = masked(&service, &parameters).await;
                for word in gone {
                    assert!(!holds(&lines, word), "{word}{parameters}");
                }
            }
        }
    }
    // Without users, groups are left; systems, policies and words of the program always are.
    let lines = masked(&service, "?mask=users").await;
    for word in [
        "unfall-07",
        "mc.nl.example",
        "membership.visiting-officer",
        "mcptt",
    ] {
        assert!(holds(&lines, word), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_and_the_trailer_say_what_was_masked() {
    let service = every_kind().await;
    let plain = exported(&service, "").await;
    let mut lines = exported(&service, ALL).await;
    let trailer = lines.pop().unwrap();
    let report = &trailer["export"]["mask"];
    let mut counted = 0;
    for (line, plain) in lines.iter().zip(&plain) {
        assert_eq!(line["leaf_hash"], plain["leaf_hash"]);
        let listed = line["masked"].as_object().unwrap();
        let mut parts = BTreeSet::new();
        for place in listed.values().flat_map(|it| it.as_array().unwrap()) {
            let place = place.as_str().unwrap();
            let number = place.split('/').nth(2).unwrap();
            parts.insert(number.parse::<usize>().unwrap());
            counted += 1;
        }
        // What was masked cannot be tried out: without the salt the commitment says nothing.
        for (number, part) in line["parts"].as_array().unwrap().iter().enumerate() {
            let before = &plain["parts"][number];
            assert_eq!(part["commitment"], before["commitment"]);
            if parts.contains(&number) {
                assert!(part.get("salt").is_none(), "{line:#}");
            } else {
                assert_eq!(part, before);
            }
        }
    }
    let values = report["values"].as_object().unwrap();
    let sum: u64 = values.values().map(|it| it.as_u64().unwrap()).sum();
    assert_eq!(sum, counted);
    assert_eq!(report["asked"].as_array().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_has_the_same_pseudonym_in_an_export_and_under_a_label() {
    let service = every_kind().await;
    let names = |lines: &[Value]| {
        let text: String = lines.iter().map(Value::to_string).collect();
        let found = text.split("masked-").skip(1);
        let names = found.map(|rest| rest.chars().take(24).collect::<String>());
        names.collect::<BTreeSet<_>>()
    };
    let one = exported(&service, "?mask=users&mask_label=june").await;
    let subject = |lines: &[Value], index: usize| {
        let parts = lines[index]["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["body"]["part"] == "subject");
        part.map(|part| part["body"]["subject"].as_str().unwrap().to_owned())
    };
    let plain = exported(&service, "").await;
    let mut seen = std::collections::BTreeMap::new();
    for index in 0..plain.len() - 1 {
        if let Some(person) = subject(&plain, index) {
            let pseudonym = subject(&one, index).unwrap();
            let known = seen.entry(person).or_insert_with(|| pseudonym.clone());
            assert_eq!(*known, pseudonym);
        }
    }
    assert!(seen.len() >= 4, "{seen:?}");
    let distinct: BTreeSet<&String> = seen.values().collect();
    assert_eq!(distinct.len(), seen.len());
    let again = exported(&service, "?mask=users&mask_label=june&first=4").await;
    assert!(names(&again).is_subset(&names(&one)));
    assert_eq!(again[..again.len() - 1], one[4..one.len() - 1]);
    let other = exported(&service, "?mask=users").await;
    assert!(names(&other).is_disjoint(&names(&one)));
}

#[tokio::test(flavor = "multi_thread")]
async fn single_members_are_masked_by_pointer() {
    let service = every_kind().await;
    let pointer = "/parts/*/body/bundle/digest";
    let lines = exported(&service, &format!("?mask={pointer}")).await;
    let plain = exported(&service, "").await;
    let mut count = 0;
    for (line, plain) in lines.iter().zip(&plain).take(plain.len() - 1) {
        for (part, before) in line["parts"]
            .as_array()
            .unwrap()
            .iter()
            .zip(plain["parts"].as_array().unwrap())
        {
            if before["body"].get("bundle").is_some() {
                assert!(part["body"]["bundle"].get("digest").is_none());
                assert_eq!(
                    part["body"]["bundle"]["generation"],
                    before["body"]["bundle"]["generation"]
                );
                count += 1;
            }
        }
    }
    assert!(count > 5);
    for wrong in [
        "mask=people",
        "mask=users%3Dhash",
        "mask=",
        "mask_label=%20",
        "format=csv",
        "first=x",
        "colour=red",
    ] {
        let refused = service
            .get(&format!("/v1/records/export?{wrong}"), "auditor")
            .await;
        let (status, _) = refused.problem();
        assert!([400, 422].contains(&status), "{wrong}: {}", refused.text);
    }
}
