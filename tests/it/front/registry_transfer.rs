//! A registry out of a service and into another, by the command line.

use std::fs;
use std::path::Path;

use comity::cli::registry::read_documents;
use serde_json::Value;
use serde_json::json;

use super::cli::Ended;
use super::cli::comity_aside;
use super::cli::text;
use super::support::TestService;

async fn registry(service: &TestService, what: &str, directory: &Path) -> Ended {
    let url = service.url();
    let token = service.settings().data_directory.join("operator.token");
    let connection = ["--url", url.as_str(), "--token-file", text(&token)];
    comity_aside(&[&["registry", what, text(directory)][..], &connection].concat()).await
}

fn user(id: &str, number: usize) -> Value {
    let identity = format!("sip:u{number}@mc.de.example");
    json!({ "id": id, "identities": { "mcptt": identity }, "enabled": true })
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_ids_come_back_and_nothing_else_does() {
    let service = TestService::start_empty(|_| {}).await;
    let ids = ["a/b", "a_b", "a:b", ".hidden", "%2Ehidden", "..", "A"];
    let users: Vec<Value> = ids
        .into_iter()
        .zip(0..)
        .map(|(id, number)| json!({ "kind": "user", "document": user(id, number) }))
        .collect();
    let imported = service.post("/v1/import", "operator", &json!(users)).await;
    assert_eq!(imported.status, 200, "{}", imported.text);

    let out = service.directory().join("out");
    let ended = registry(&service, "export", &out).await;
    assert_eq!(
        (ended.code, ended.out.trim()),
        (0, "7 documents exported"),
        "{ended:?}"
    );
    let mut read: Vec<String> = read_documents(&out)
        .unwrap()
        .into_iter()
        .map(|(key, _)| key.id.to_string())
        .collect();
    let mut expected = ids.map(str::to_owned);
    read.sort();
    expected.sort();
    assert_eq!(read, expected);

    let again = registry(&service, "export", &out).await;
    assert_eq!(again.code, 2, "{again:?}");
    assert!(
        again.err.contains("is not empty") && again.err.contains("new directory"),
        "{}",
        again.err
    );
    assert_eq!(read_documents(&out).unwrap().len(), ids.len());

    let empty = service.directory().join("empty");
    fs::create_dir(&empty).unwrap();
    let ended = registry(&service, "import", &empty).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("holds no documents"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_one_import_cannot_take_goes_in_by_parts() {
    let service = TestService::start_empty(|_| {}).await;
    let directory = service.directory().join("many");
    let folder = directory.join("users");
    fs::create_dir_all(&folder).unwrap();
    let write = |number: usize, id: &str| {
        let document = user(id, number).to_string();
        fs::write(folder.join(format!("{number}.json")), document).unwrap();
    };
    for number in 0..10_001 {
        write(number, &format!("u{number:05}"));
    }
    let ended = registry(&service, "import", &directory).await;
    assert_eq!(
        (ended.code, ended.out.trim()),
        (0, "10001 documents imported"),
        "{ended:?}"
    );
    let said = [
        "2 parts are sent, each written whole or not at all",
        "part 1 of 2, `users/u00000` to `users/u09999`: 10000 documents written",
        "part 2 of 2, `users/u10000` to `users/u10000`: 1 documents written",
    ];
    for words in said {
        assert!(ended.err.contains(words), "{}", ended.err);
    }

    // What the second part says of one person's identity is what the first says of another's.
    fs::write(folder.join("10000.json"), user("u10000", 0).to_string()).unwrap();
    let ended = registry(&service, "import", &directory).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let said =
        "part 2 of 2, `users/u10000` to `users/u10000`: not written; the part before it is written";
    assert!(ended.err.contains(said), "{}", ended.err);
    assert!(ended.err.contains("repeat the import"), "{}", ended.err);
}
