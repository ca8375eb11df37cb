//! The published log through the front door: served, verified by the command line, exported, proven.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use comity::app::log::LogReaders;
use comity::decision_log::Leaf;
use comity::decision_log::Part;
use comity::decision_log::PartClass;
use comity::decision_log::checkpoint::Trust;
use comity::decision_log::merkle;
use comity::decision_log::proof::TlogProof;
use comity::decision_log::tile::read_bundle;
use serde_json::Value;

use super::cli::Ended;
use super::cli::comity_aside;
use super::support::Answer;
use super::support::DE;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::membership;

/// Waits until everything that is durable is published.
async fn published(service: &TestService) -> Value {
    for _ in 0..1_000 {
        let status = service.get("/v1/log", "auditor").await;
        assert_eq!(status.status, 200, "{}", status.text);
        if status.body["published"] == status.body["durable"] {
            return status.body;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the log was never published");
}

async fn with_decisions(count: usize) -> (TestService, Answer) {
    let service = TestService::start().await;
    let mut last = None;
    for _ in 0..count {
        last = Some(service.submit(&membership(&[OFFICER])).await);
    }
    (service, last.unwrap())
}

fn key(status: &Value) -> String {
    status["keys"][0].as_str().unwrap().to_owned()
}

async fn verify(log: &str, key: &str, more: &[&str]) -> Ended {
    let arguments = [&["log", "verify", log, "--key", key], more].concat();
    comity_aside(&arguments).await
}

/// A log in a directory, of a service that goes on.
pub(super) struct Exported {
    service: TestService,
    key: String,
    decided: Answer,
    directory: PathBuf,
}

impl Exported {
    pub(super) async fn new() -> Self {
        let (service, decided) = with_decisions(3).await;
        let key = key(&published(&service).await);
        let directory = service.directory().join("audit");
        let exported = Self {
            service,
            key,
            decided,
            directory,
        };
        let ended = exported.export().await;
        assert_eq!(ended.code, 0, "{}", ended.err);
        exported
    }

    pub(super) fn path(&self) -> &str {
        self.directory.to_str().unwrap()
    }

    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Entries that are exported.
    pub(super) fn size(&self) -> u64 {
        let checkpoint = fs::read_to_string(self.file("checkpoint")).unwrap();
        checkpoint.lines().nth(1).unwrap().parse().unwrap()
    }

    /// The place of a decision and the hash of its leaf.
    pub(super) fn receipt(&self) -> (String, String) {
        let receipt = &self.decided.body["record"];
        let hash = receipt["leaf_hash"].as_str().unwrap();
        (receipt["index"].to_string(), hash.to_owned())
    }

    /// Decides some more, and brings the export up to date.
    pub(super) async fn goes_on(&self, decisions: usize) {
        for _ in 0..decisions {
            self.service.submit(&membership(&[OFFICER])).await;
        }
        published(&self.service).await;
        let ended = self.export().await;
        assert_eq!(ended.code, 0, "{}", ended.err);
    }

    async fn export(&self) -> Ended {
        let from = format!("{}/log", self.service.url());
        let token = self.service.token_file("auditor");
        let token = token.to_str().unwrap();
        comity_aside(&[
            "log",
            "export",
            self.path(),
            "--from",
            &from,
            "--token-file",
            token,
        ])
        .await
    }

    async fn verify(&self, more: &[&str]) -> Ended {
        verify(self.path(), &self.key, more).await
    }

    async fn refused(&self, more: &[&str]) -> String {
        let ended = self.verify(more).await;
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{}", ended.err);
        ended.err
    }
}

#[tokio::test]
async fn the_log_is_served_as_the_specification_says() {
    let (service, _) = with_decisions(3).await;
    let status = published(&service).await;
    assert_eq!(status["origin"], format!("{DE}/log"));
    let size = status["published"].as_u64().unwrap();

    let checkpoint = service.get("/log/checkpoint", "auditor").await;
    assert_eq!(checkpoint.status, 200, "{}", checkpoint.text);
    assert_eq!(
        checkpoint.header("content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
    let lines: Vec<&str> = checkpoint.text.lines().collect();
    assert_eq!(lines[..2], [format!("{DE}/log"), size.to_string()]);

    let call = |path: String| service.call(reqwest::Method::GET, &path, "auditor").send();
    let tile = call(format!("/log/tile/0/000.p/{size}")).await.unwrap();
    let kept = tile.headers()["cache-control"].to_str().unwrap().to_owned();
    assert_eq!(kept, "private, max-age=31536000, immutable");
    assert_eq!(tile.headers()["content-type"], "application/octet-stream");
    let tile = tile.bytes().await.unwrap();
    let bundle = call(format!("/log/tile/entries/000.p/{size}"))
        .await
        .unwrap();
    let bundle = bundle.bytes().await.unwrap();
    let entries = read_bundle(&bundle).unwrap();
    let hashes: Vec<u8> = entries
        .iter()
        .flat_map(|entry| merkle::leaf_hash(entry).0)
        .collect();
    assert_eq!(hashes, tile);
    // Every smaller size was or could have been published, and its tiles stay.
    let earlier = call("/log/tile/0/000.p/1".to_owned()).await.unwrap();
    assert_eq!(earlier.bytes().await.unwrap(), tile[..32]);
}

#[tokio::test]
async fn what_the_log_does_not_have_is_not_found() {
    let (service, _) = with_decisions(1).await;
    published(&service).await;
    for path in [
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/8/0/000",
        "tile/0/000.p/0",
        "tile/0/0",
        "tile/0/%2e%2e/anchor",
        "nothing",
    ] {
        let answer = service.get(&format!("/log/{path}"), "auditor").await;
        assert_eq!(
            answer.problem(),
            (404, "not-found"),
            "{path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn the_log_is_for_callers_who_may_read_it_or_for_everybody() {
    let service = TestService::start().await;
    published(&service).await;
    for (caller, status) in [
        ("without token", 401),
        ("wrong token", 401),
        ("acms", 403),
        ("peer", 403),
        ("reviewer", 403),
        ("auditor", 200),
        ("operator", 200),
    ] {
        for path in ["/log/checkpoint", "/v1/log"] {
            assert_eq!(
                service.get(path, caller).await.status,
                status,
                "{path} {caller}"
            );
        }
    }
    let open =
        TestService::start_with(|settings| settings.published_log.readers = LogReaders::Anybody)
            .await;
    published(&open).await;
    let checkpoint = open.get("/log/checkpoint", "without token").await;
    assert_eq!(checkpoint.status, 200);
    let tile = open.get("/log/tile/0/000.p/1", "without token").await;
    assert_eq!(
        tile.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(open.get("/v1/log", "without token").await.status, 401);
}

/// Whoever reads the leaves learns kinds, times and counts, and nothing of whom or what it was about.
#[tokio::test]
async fn leaves_name_nobody() {
    let exported = Exported::new().await;
    let mut entries = 0;
    for file in fs::read_dir(exported.file("tile/entries/000.p")).unwrap() {
        let bundle = fs::read(file.unwrap().path()).unwrap();
        for entry in read_bundle(&bundle).unwrap() {
            Leaf::parse(entry).unwrap();
            let text = String::from_utf8(entry.to_vec()).unwrap();
            for name in [NL, DE, "officer", "unfall", "group-membership", "sip:"] {
                assert!(!text.contains(name), "{text}");
            }
            entries += 1;
        }
    }
    assert!(entries > 3);
}

#[tokio::test]
async fn the_command_line_verifies_a_service_and_an_export() {
    let exported = Exported::new().await;
    let url = format!("{}/log", exported.service.url());
    let token = exported.service.token_file("auditor");
    let token = ["--token-file", token.to_str().unwrap()];
    let online = verify(&url, &exported.key, &token).await;
    assert_eq!(online.code, 0, "{}", online.err);
    let offline = exported.verify(&["--json"]).await;
    assert_eq!(offline.code, 0, "{}", offline.err);
    let found: Value = serde_json::from_str(&offline.out).unwrap();
    assert_eq!(
        (&found["in_order"], &found["leaves_of_another_form"]),
        (&true.into(), &0.into())
    );

    // The service goes on, and the log goes on from what was exported before.
    let older = exported.service.directory().join("older");
    fs::copy(exported.file("checkpoint"), &older).unwrap();
    exported.goes_on(1).await;
    let grown = exported.verify(&["--older", older.to_str().unwrap()]).await;
    assert_eq!(grown.code, 0, "{}", grown.err);
    assert!(
        grown.out.contains("goes on from the checkpoint of"),
        "{}",
        grown.out
    );
    // The other way round, entries were taken away.
    let newer = exported.service.directory().join("newer");
    fs::copy(exported.file("checkpoint"), &newer).unwrap();
    fs::copy(&older, exported.file("checkpoint")).unwrap();
    let reason = exported
        .refused(&["--older", newer.to_str().unwrap()])
        .await;
    assert!(reason.contains("entries were taken away"), "{reason}");
}

#[tokio::test]
async fn each_way_of_tampering_is_told() {
    let exported = Exported::new().await;
    let size = exported.size();
    let (tile, bundle) = (
        format!("tile/0/000.p/{size}"),
        format!("tile/entries/000.p/{size}"),
    );
    let tamper = async |path: &str, change: &dyn Fn(&mut Vec<u8>), expected: &str| {
        let file = exported.file(path);
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        let reason = exported.refused(&[]).await;
        assert!(reason.contains(expected), "{path}: {reason}");
        fs::write(&file, &whole).unwrap();
    };
    let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    tamper(&tile, &flip, "is not what the entries make").await;
    tamper(&bundle, &flip, "is not what the entries make").await;
    tamper(&tile, &cut, "bytes instead of").await;
    tamper(&bundle, &cut, "is no entry bundle").await;
    tamper("checkpoint", &|bytes| bytes[0] ^= 1, "does not count").await;
    tamper("checkpoint", &cut, "not a signed note").await;
    let missing = exported.file(&tile);
    let whole = fs::read(&missing).unwrap();
    fs::remove_file(&missing).unwrap();
    assert!(exported.refused(&[]).await.contains("has no `tile/0/"));
    fs::write(&missing, whole).unwrap();
    assert_eq!(exported.verify(&[]).await.code, 0);

    let other = Exported::new().await;
    let wrong_key = verify(exported.path(), &other.key, &[]).await;
    assert_eq!(wrong_key.code, 1);
    assert!(
        wrong_key.err.contains("not signed by a key"),
        "{}",
        wrong_key.err
    );
    let foreign = exported.refused(&["--origin", "mc.fr.example/log"]).await;
    assert!(foreign.contains("not of `mc.fr.example/log`"), "{foreign}");
}

#[tokio::test]
async fn what_cannot_be_verified_is_said_before_anything_is_read() {
    let exported = Exported::new().await;
    let data = exported.service.settings().data_directory.clone();
    let data = data.to_str().unwrap();
    for (log, key, more, expected) in [
        (data, exported.key.as_str(), &[][..], "comity log export"),
        (
            "no-such-directory",
            &exported.key,
            &[],
            "neither a directory",
        ),
        (exported.path(), "nonsense", &[], "not a key"),
        (
            exported.path(),
            &exported.key,
            &["--witnesses-wanted", "1"],
            "--witness",
        ),
        (
            exported.path(),
            &exported.key,
            &["--older", "no-such-file"],
            "no-such-file",
        ),
    ] {
        let ended = verify(log, key, more).await;
        assert_eq!(ended.code, 2, "{log}: {}", ended.err);
        assert!(ended.err.contains(expected), "{}", ended.err);
    }
    let nobody = verify("http://127.0.0.1:9/log", &exported.key, &[]).await;
    assert_eq!(nobody.code, 3, "{}", nobody.err);
}

/// The receipt in an answer is enough to demand the record, and to prove that it was logged.
#[tokio::test]
async fn a_decision_is_proven_from_its_receipt() {
    let exported = Exported::new().await;
    let (index, leaf_hash) = exported.receipt();
    let proven = comity_aside(&["log", "prove", &index, "--from", exported.path()]).await;
    assert_eq!(proven.code, 0, "{}", proven.err);
    let proof = exported.service.directory().join("entry.tlog-proof");
    fs::write(&proof, &proven.out).unwrap();
    let check = async |proof: &Path, hash: &str| {
        let proof = proof.to_str().unwrap();
        let key = &exported.key;
        comity_aside(&[
            "log",
            "check-proof",
            proof,
            "--leaf-hash",
            hash,
            "--key",
            key,
        ])
        .await
    };
    let checked = check(&proof, &leaf_hash).await;
    assert_eq!(checked.code, 0, "{}", checked.err);
    let other = merkle::leaf_hash(b"another").to_string();
    let wrong = check(&proof, &other).await;
    assert_eq!(wrong.code, 1, "{}", wrong.err);
    fs::write(&proof, "nonsense").unwrap();
    assert_eq!(check(&proof, &leaf_hash).await.code, 2);
    let beyond = comity_aside(&["log", "prove", "100000", "--from", exported.path()]).await;
    assert_eq!(beyond.code, 2, "{}", beyond.err);
}

#[tokio::test]
async fn a_stopped_service_is_exported_from_its_data_directory() {
    let (mut service, _) = with_decisions(2).await;
    let key = key(&published(&service).await);
    let size = service.log_size().await;
    let data = service.settings().data_directory.clone();
    service.stop().await;
    let directory = service.directory().join("audit");
    let (data, to) = (data.to_str().unwrap(), directory.to_str().unwrap());
    let ended = comity_aside(&["log", "export", to, "--data-dir", data]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let ended = verify(to, &key, &[]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.contains(&format!("{size} entries")),
        "{}",
        ended.out
    );
    fs::write(directory.join("checkpoint"), "nonsense").unwrap();
    let ended = comity_aside(&["log", "export", to, "--data-dir", data]).await;
    assert_eq!(ended.code, 2, "{}", ended.err);
}

#[tokio::test]
async fn the_log_key_is_kept_and_its_loss_is_told() {
    let (mut service, _) = with_decisions(1).await;
    let before = published(&service).await;
    let key = service.settings().data_directory.join("log.key");
    service.stop().await;
    service.resume().await.unwrap();
    assert_eq!(published(&service).await["keys"], before["keys"]);
    service.stop().await;
    let text = fs::read_to_string(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let error = format!("{:?}", service.resume().await.unwrap_err());
    assert!(error.contains("log.key"), "{error}");
    fs::write(&key, text).unwrap();
}

/// All that the hashes are made of is in the record: somebody else makes them anew.
#[tokio::test]
async fn a_record_adds_up_to_its_receipt() {
    let (service, decided) = with_decisions(2).await;
    let status = published(&service).await;
    let receipt = &decided.body["record"];
    let record = service
        .get(&format!("/v1/records/{}", receipt["index"]), "auditor")
        .await;
    assert_eq!(record.status, 200, "{}", record.text);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let leaf = text(&record.body["leaf"]);
    assert_eq!(
        merkle::leaf_hash(leaf.as_bytes()).to_string(),
        text(&receipt["leaf_hash"])
    );
    let parts = record.body["parts"].as_array().unwrap();
    let commitments = parts.iter().map(|part| {
        let salt = data_encoding::BASE64
            .decode(text(&part["salt"]).as_bytes())
            .unwrap();
        let class = match part["subject"].as_str() {
            None => PartClass::State,
            Some(subject) => PartClass::Personal {
                subject_key: subject.to_owned(),
            },
        };
        let body = text(&part["body"]).into_bytes();
        let part = Part {
            class,
            salt: salt.try_into().unwrap(),
            body,
        };
        merkle::leaf_hash(part.commitment().as_bytes())
    });
    let root = merkle::root(commitments).to_string();
    let leaf: Value = serde_json::from_str(&leaf).unwrap();
    assert_eq!(leaf["parts_root"], root);
    assert!(record.text.contains(OFFICER));
    let proof: TlogProof = text(&record.body["proof"]).parse().unwrap();
    let trust = Trust {
        log_keys: vec![key(&status).parse().unwrap()],
        ..Trust::default()
    };
    let hash = text(&receipt["leaf_hash"]).parse().unwrap();
    proof.verify(&hash, &trust).unwrap();

    for index in ["100000", "-1", "x"] {
        let none = service
            .get(&format!("/v1/records/{index}"), "auditor")
            .await;
        assert_eq!(none.problem(), (404, "not-found"), "{}", none.text);
    }
    for caller in ["acms", "reviewer", "peer"] {
        assert_eq!(service.get("/v1/records/0", caller).await.status, 403);
        assert_eq!(service.get("/v1/records/100000", caller).await.status, 403);
    }
}

fn command(arguments: &[&str]) -> impl Future<Output = Ended> {
    let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    async move {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        comity_aside(&arguments).await
    }
}

/// What the log itself says of its name and keys, oldest first.
async fn signings(service: &TestService) -> Vec<Value> {
    let size = service.log_size().await;
    let mut found = Vec::new();
    for index in 0..size {
        let record = service
            .get(&format!("/v1/records/{index}"), "auditor")
            .await;
        let leaf: Value = serde_json::from_str(record.body["leaf"].as_str().unwrap()).unwrap();
        if leaf["kind"] == "administrative" {
            let body = record.body["parts"][0]["body"].as_str().unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            // That the records were read here is an entry of that kind too.
            if body["event"]["records-read"].is_null() {
                found.push(body);
            }
        }
    }
    found
}

#[tokio::test]
async fn a_new_key_takes_over_from_the_old_one() {
    let (mut service, _) = with_decisions(1).await;
    let old = key(&published(&service).await);
    let data = service.settings().data_directory.clone();
    let data = data.to_str().unwrap();
    service.stop().await;
    let directory = service.directory().join("audit");
    let to = directory.to_str().unwrap().to_owned();
    let export = async |expected: &[&str]| {
        let ended = command(&["log", "export", &to, "--data-dir", data]).await;
        assert_eq!(ended.code, 0, "{}", ended.err);
        for key in expected {
            let ended = verify(&to, key, &[]).await;
            assert_eq!(ended.code, 0, "{}", ended.err);
        }
    };
    export(&[&old]).await;
    let older = service.directory().join("older");
    fs::copy(directory.join("checkpoint"), &older).unwrap();

    let rotated = command(&["log", "rotate-key", "--data-dir", data]).await;
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    let new = rotated.out.lines().next().unwrap().to_owned();
    service.resume().await.unwrap();
    let status = published(&service).await;
    assert_eq!(status["keys"], serde_json::json!([new, old]));
    assert_eq!(signings(&service).await.len(), 2);
    service.stop().await;
    export(&[&old, &new]).await;

    let retired = command(&["log", "rotate-key", "--data-dir", data, "--retire"]).await;
    assert_eq!(retired.code, 0, "{}", retired.err);
    service.resume().await.unwrap();
    let status = published(&service).await;
    assert_eq!(status["keys"], serde_json::json!([new]));
    service.stop().await;
    export(&[&new]).await;
    assert_eq!(verify(&to, &old, &[]).await.code, 1);
    // The old checkpoint verifies under the old key, and the log goes on from it.
    let older = ["--older", older.to_str().unwrap(), "--key", &old];
    let ended = verify(&to, &new, &older).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let again = command(&["log", "rotate-key", "--data-dir", data, "--retire"]).await;
    assert_eq!(again.code, 2, "{}", again.err);
}

#[tokio::test]
async fn a_lost_key_is_replaced_and_the_log_says_so() {
    let (mut service, _) = with_decisions(1).await;
    published(&service).await;
    let data = service.settings().data_directory.clone();
    service.stop().await;
    let there = command(&[
        "log",
        "rotate-key",
        "--lost",
        "--data-dir",
        data.to_str().unwrap(),
    ])
    .await;
    assert_eq!(there.code, 2, "{}", there.err);
    fs::remove_file(data.join("log.key")).unwrap();
    let lost = command(&[
        "log",
        "rotate-key",
        "--lost",
        "--data-dir",
        data.to_str().unwrap(),
    ])
    .await;
    assert_eq!(lost.code, 0, "{}", lost.err);
    service.resume().await.unwrap();
    let status = published(&service).await;
    assert_eq!(status["keys"], serde_json::json!([lost.out.trim()]));
    assert_eq!(signings(&service).await.len(), 2);
}

/// After a restore to an older state the log goes on under another name, and its first entry names the old checkpoint.
#[tokio::test]
async fn a_restored_log_begins_a_new_origin() {
    let (mut service, _) = with_decisions(1).await;
    published(&service).await;
    let data = service.settings().data_directory.clone();
    service.stop().await;
    let backup = service.directory().join("backup");
    super::copy_tree(&data, &backup);
    service.resume().await.unwrap();
    service.submit(&membership(&[OFFICER])).await;
    let before = published(&service).await;
    service.stop().await;
    let newest = service.directory().join("newest");
    fs::copy(data.join("checkpoint"), &newest).unwrap();
    fs::remove_dir_all(&data).unwrap();
    super::copy_tree(&backup, &data);
    fs::copy(&newest, data.join("checkpoint")).unwrap();
    let refused = service.resume().await.unwrap_err();
    let refused = super::support::chain(&refused);
    assert!(refused.contains("begin-origin"), "{refused}");

    let directory = data.to_str().unwrap();
    let same = [
        "log",
        "begin-origin",
        "--data-dir",
        directory,
        "--origin",
        "mc.de.example/log",
    ];
    assert_eq!(command(&same).await.code, 2);
    let other = [
        "log",
        "begin-origin",
        "--data-dir",
        directory,
        "--origin",
        "mc.de.example/log-2",
    ];
    let begun = command(&other).await;
    assert_eq!(begun.code, 0, "{}", begun.err);
    let refused = service.resume().await.unwrap_err();
    let refused = super::support::chain(&refused);
    assert!(refused.contains("decision_log_origin"), "{refused}");
    service.change_settings(|settings| {
        settings.published_log.origin = "mc.de.example/log-2".parse().unwrap();
    });
    service.resume().await.unwrap();
    let status = published(&service).await;
    assert_eq!(status["origin"], "mc.de.example/log-2");
    let signings = signings(&service).await;
    let after = signings.last().unwrap().to_string();
    assert!(
        after.contains(&format!("\"size\":{}", before["published"])),
        "{after}"
    );
}
