use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use serde_json::json;

use super::CannotWrite;
use super::file_name;
use super::read_documents;
use super::write_documents;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;

#[test]
fn file_names_are_short_and_apart() {
    assert_eq!(file_name("officer-114"), "officer-114");
    let group = "sip:unfall-07@mc.de.example";
    assert_eq!(file_name(group), "sip%3Aunfall-07@mc.de.example");
    let long = |last: &str| format!("{};{last}", "g".repeat(400));
    assert!(file_name(&long("a")).len() < 250);
    assert_ne!(file_name(&long("a")), file_name(&long("b")));
    let cut = file_name(&long("a"));
    assert_ne!(file_name(&cut), cut);
}

fn users(ids: &[String]) -> Vec<(DocumentKey, Value)> {
    let user = |id: &String| {
        let key = DocumentKey {
            kind: DocumentKind::User,
            id: id.parse().unwrap(),
        };
        (key, json!({ "id": id, "identities": {}, "enabled": true }))
    };
    ids.iter().map(user).collect()
}

#[test]
fn whatever_ids_documents_have_all_come_back() {
    let odd = [
        "a/b",
        "a_b",
        "a:b",
        "a%2Fb",
        "a%b",
        ".hidden",
        "%2Ehidden",
        "..",
        ".",
        "-",
        "~",
        "a\\b",
        "con",
    ];
    let mut ids: Vec<String> = odd.map(str::to_owned).into();
    ids.extend(('!'..='~').map(|c| format!("x{c}y")));
    ids.extend(('!'..='~').map(|c| format!("{c}")));
    ids.push("/".repeat(512));
    ids.push(format!("{}a", "/".repeat(511)));
    let ids: BTreeSet<String> = ids.into_iter().collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("registry");
    write_documents(&target, &users(&ids)).unwrap();
    let read = read_documents(&target).unwrap();
    let came_back: Vec<String> = read.iter().map(|(key, _)| key.id.to_string()).collect();
    assert_eq!(came_back, ids);
}

#[test]
fn nothing_is_written_over_or_beside_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let documents = users(&["a".to_owned()]);
    fs::create_dir(directory.path().join(".git")).unwrap();
    write_documents(directory.path(), &documents).unwrap();
    let refused = write_documents(directory.path(), &users(&["b".to_owned()]));
    assert!(
        matches!(refused, Err(CannotWrite::NotEmpty(_))),
        "{refused:?}"
    );
    let read = read_documents(directory.path()).unwrap();
    assert_eq!(read.len(), 1);
}
