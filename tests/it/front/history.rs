//! Any past state of a document and of the policies, who changed it, and how two differ.

use std::fs;

use comity::cli::service::open_store;
use comity::decision_log::LogIndex;
use comity::decision_log::PartClass;
use comity::decision_log::Payload;
use comity::decision_log::StoredPart;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::cli::comity_aside;
use super::cli::text;
use super::clock::Hands;
use super::support::Answer;
use super::support::NL;
use super::support::OFFICER;
use super::support::TestService;
use super::support::approval;
use super::support::eventually;
use super::support::membership;
use super::support::send;

const AGREEMENT: &str = "/v1/agreements/mc.nl.example";
const MEMBER: &str = "/v1/memberships/unfall-07@mc.de.example;officer.114@mc.nl.example";

async fn read(service: &TestService, path: &str) -> Answer {
    let answer = service.get(path, "auditor").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer
}

fn each<'a>(answer: &'a Answer, list: &str, member: &str) -> Vec<&'a Value> {
    let all = answer.body[list].as_array().unwrap();
    all.iter().map(|it| &it[member]).collect()
}

/// A service with an agreement that was changed twice, an hour apart each time; and the times in between.
async fn changed(hands: &Hands) -> (TestService, Vec<String>) {
    let service = TestService::start_by(hands.clone()).await;
    let mut times = Vec::new();
    for ceiling in [6, 7] {
        times.push(hands.moment(1_000));
        hands.pass(3_600_000);
        let raise = |agreement: &mut Value| agreement["priority_ceiling"] = json!(ceiling);
        service.change(AGREEMENT, raise).await;
    }
    times.push(hands.moment(1_000));
    hands.pass(3_600_000);
    (service, times)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_as_it_was_at_any_time() {
    let hands = Hands::new();
    let before = hands.moment(-1_000);
    let (mut service, times) = changed(&hands).await;
    for round in 0..2 {
        for (time, ceiling) in times.iter().zip([5, 6, 7]) {
            let past = read(&service, &format!("{AGREEMENT}?at={time}")).await;
            assert_eq!(past.body["document"]["priority_ceiling"], ceiling);
            let revision = past.body["revision"].as_u64().unwrap();
            assert_eq!(past.header("etag"), format!("\"r{revision}\""));
            // Right after the entry that wrote it, it is the same.
            let by_revision = read(&service, &format!("{AGREEMENT}?at={revision}")).await;
            assert_eq!(by_revision.body, past.body);
        }
        let now = read(&service, AGREEMENT).await;
        let past = read(&service, &format!("{AGREEMENT}?at={}", times[2])).await;
        assert_eq!(past.body["document"], now.body);
        assert_eq!(past.header("etag"), now.header("etag"));
        assert!(past.body.get("until").is_none());
        let early = service
            .get(&format!("{AGREEMENT}?at={before}"), "auditor")
            .await;
        assert_eq!(early.problem(), (404, "not-found"), "{}", early.text);
        if round == 0 {
            service.stop().await;
            service.resume_by(hands.clone()).await;
        }
    }
    for wrong in [
        "?at=yesterday",
        "?when=now",
        "/diff",
        "/diff?from=x",
        "/diff?from=3&until=4",
        "/history?at=3",
    ] {
        let refused = service.get(&format!("{AGREEMENT}{wrong}"), "auditor").await;
        assert_eq!(refused.problem(), (400, "invalid-request"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changed_it_and_how_is_told_also_after_it_is_gone() {
    let hands = Hands::new();
    let (service, times) = changed(&hands).await;
    let history = read(&service, &format!("{AGREEMENT}/history")).await;
    assert_eq!(
        each(&history, "versions", "change"),
        ["created", "replaced", "replaced"]
    );
    assert_eq!(each(&history, "versions", "by"), ["local-operator"; 3]);
    assert_eq!(each(&history, "versions", "entry"), ["registry"; 3]);
    let diff = read(
        &service,
        &format!("{AGREEMENT}/diff?from={}&to={}", times[0], times[1]),
    )
    .await;
    assert_eq!(
        diff.body["differences"],
        json!([{ "pointer": "/priority_ceiling", "before": 5, "after": 6 }])
    );
    assert_eq!(each(&diff, "versions", "change"), ["replaced"]);
    let since = read(&service, &format!("{AGREEMENT}/diff?from={}", times[0])).await;
    assert_eq!(since.body["differences"][0]["after"], 7);
    let backwards = read(
        &service,
        &format!("{AGREEMENT}/diff?from={}&to={}", times[1], times[0]),
    )
    .await;
    assert_eq!(backwards.body["differences"][0]["after"], 5);

    // What a decision wrote has the request beside it, and is told after it was revoked.
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let granted = service.respond(&path, &approval()).await;
    assert_eq!(granted.body["status"], "accepted", "{}", granted.text);
    let revocation = json!({ "reason": "over", "revoked_by": "sip:dispatch.1@mc.de.example" });
    let revoked = service
        .post(&format!("{path}/revocation"), "reviewer", &revocation)
        .await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert_eq!(service.get(MEMBER, "auditor").await.status, 404);
    let history = read(&service, &format!("{MEMBER}/history")).await;
    assert_eq!(each(&history, "versions", "change"), ["created", "deleted"]);
    assert_eq!(each(&history, "versions", "by"), ["reviewer", "reviewer"]);
    assert_eq!(
        each(&history, "versions", "entry"),
        ["review", "revocation"]
    );
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(each(&history, "versions", "request"), [id, id]);
    let revision = history.body["versions"][0]["revision"].as_u64().unwrap();
    let past = read(&service, &format!("{MEMBER}?at={revision}")).await;
    assert_eq!(past.body["document"]["member"], OFFICER);
    let gone = service
        .get(&format!("{MEMBER}?at={}", revision + 1), "auditor")
        .await;
    assert_eq!(gone.problem(), (404, "not-found"));
    for path in [
        "/v1/agreements/mc.xx.example/history",
        "/v1/nonsense/x/history",
        "/v1/nonsense/x/diff?from=1",
    ] {
        assert_eq!(
            service.get(path, "auditor").await.problem(),
            (404, "not-found"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_the_present_may_read_the_past_and_nobody_else() {
    let service = TestService::start().await;
    for caller in [
        "acms",
        "reviewer",
        "auditor",
        "security-officer",
        "peer",
        "nobody",
    ] {
        for (present, past) in [
            (AGREEMENT, "/v1/agreements/mc.nl.example?at=3"),
            (AGREEMENT, "/v1/agreements/mc.nl.example/history"),
            (AGREEMENT, "/v1/agreements/mc.nl.example/diff?from=3"),
            ("/v1/policies", "/v1/policies?at=1"),
            ("/v1/policies", "/v1/policies/history"),
            ("/v1/policies", "/v1/policies/diff?from=1"),
        ] {
            let now = service.get(present, caller).await.status;
            let then = service.get(past, caller).await;
            assert_eq!(then.status, now, "{caller} {past}: {}", then.text);
        }
    }
    let put = service.call(Method::PUT, &format!("{AGREEMENT}?at=3"), "operator");
    let refused = send(put.header("if-match", "\"r3\"").json(&json!({}))).await;
    assert_eq!(
        refused.problem(),
        (400, "invalid-request"),
        "{}",
        refused.text
    );
}

/// Takes the parts of a person out of every entry, as an erasure does.
fn erase(service: &TestService, person: &str) {
    let data = service.settings().data_directory.clone();
    let entries: Vec<EntryBytes> = {
        let (store, _) = open_store(&data, |_| {}).unwrap();
        let reader = store.reader();
        let entries = (0..reader.size().0).map(|index| {
            let (leaf, payload) = reader.verify(LogIndex(index)).unwrap();
            let parts = payload.into_parts().into_iter().map(|part| {
                let is_theirs = part.present().is_some_and(|part| match &part.class {
                    PartClass::Personal { subject_key } => subject_key.contains(person),
                    PartClass::State => false,
                });
                if is_theirs { part.erased() } else { part }
            });
            let parts: Vec<StoredPart> = parts.collect();
            EntryBytes {
                leaf: leaf.encode(),
                payload: Payload::new(parts).unwrap().encode(),
            }
        });
        entries.collect()
    };
    for folder in ["leaf", "payload"] {
        fs::remove_dir_all(data.join(folder)).unwrap();
    }
    fs::remove_file(data.join("anchor")).unwrap();
    let disk = std::sync::Arc::new(RealDisk::new(&data));
    let settings = JournalSettings::default();
    let (mut journal, _) = Journal::open(disk, &settings, &mut |_| {}).unwrap();
    for entry in entries {
        journal.append(&[entry]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_said_to_be_and_is_nobodys() {
    let mut service = TestService::start().await;
    let profile = "/v1/migrated-profiles/nl-officer-115";
    let group = "/v1/groups/sip:unfall-07@mc.de.example";
    let found = service.get(profile, "operator").await;
    let tag = found.header("etag").to_owned();
    let delete = service.call(Method::DELETE, profile, "operator");
    let deleted = send(delete.header("if-match", &tag)).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    let history = read(&service, &format!("{profile}/history")).await;
    assert_eq!(each(&history, "versions", "change"), ["created", "deleted"]);
    let named = read(&service, &format!("{group}?at=3")).await;
    assert_eq!(named.body.get("erased"), None);
    service.stop().await;
    erase(&service, "nl-officer-115");
    erase(&service, "streife.12");
    service.resume().await.unwrap();
    let gone = service.get(&format!("{profile}/history"), "auditor").await;
    assert_eq!(gone.problem(), (404, "not-found"));
    assert!(
        gone.text
            .contains("2 changes to documents of this kind were erased"),
        "{}",
        gone.text
    );
    let other = read(&service, "/v1/migrated-profiles/nl-visitors/history").await;
    assert_eq!(other.body["erased_of_kind"], 2);
    // A group whose member was erased is there without them, and says so.
    let named = read(&service, &format!("{group}?at=3")).await;
    assert_eq!(named.body["erased"], true);
    assert!(!named.text.contains("streife"), "{}", named.text);
}

/// A service with a second bundle in force, and a third that was refused; and the digests of the two.
async fn published() -> (TestService, String, String) {
    let service = TestService::start().await;
    let manifest = service.policy_file("bundle.toml");
    let good = fs::read_to_string(&manifest).unwrap();
    let first = read(&service, "/v1/policies").await.body["in_force"]["digest"].clone();
    let attempted = async |outcome: &str| {
        eventually(outcome, async || {
            let now = read(&service, "/v1/policies").await;
            (now.body["last_attempt"]["outcome"] == outcome).then_some(())
        })
        .await;
    };
    let line = "\"group-membership.visiting-officer\" = \"automatic\"\n# end\n";
    fs::write(&manifest, good.replace("# end\n", line)).unwrap();
    let own = service.policy_file("automatic/own.cedar");
    let policy = "@id(\"own.never\")\n@category(\"own.never\")\nforbid (principal, action, resource) when { false };\n";
    fs::write(&own, policy).unwrap();
    attempted("published").await;
    eventually("both changes", async || {
        let now = read(&service, "/v1/policies").await;
        now.text.contains("own.never").then_some(())
    })
    .await;
    let second = read(&service, "/v1/policies").await.body["in_force"]["digest"].clone();
    fs::write(&manifest, "nonsense").unwrap();
    attempted("refused").await;

    let word = |digest: &Value| digest.as_str().unwrap().to_owned();
    let digests = (word(&first), word(&second));
    (service, digests.0, digests.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_in_force_at_a_time_is_found() {
    let (service, first, _) = published().await;
    let history = read(&service, "/v1/policies/history").await;
    let outcomes = each(&history, "publications", "outcome");
    assert_eq!(outcomes.first(), Some(&&json!("published")));
    assert_eq!(outcomes.last(), Some(&&json!("refused")));
    let published: Vec<&Value> = history.body["publications"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert!(
        published.last().unwrap()["summary"]
            .as_str()
            .unwrap()
            .contains("bundle.toml")
    );
    let index = published[0]["index"].as_u64().unwrap();
    let past = read(&service, &format!("/v1/policies?at={index}")).await;
    assert_eq!(past.body["digest"], first);
    let until = past.body["until"].as_str().unwrap();
    assert_eq!(published[1]["at"], until);
    assert!(!past.text.contains("own.never"));
    let texts = each(&past, "policies", "text");
    assert!(texts.iter().all(|text| {
        text.as_str()
            .is_some_and(|it| it.contains("permit") || it.contains("forbid"))
    }));
    let latest = read(&service, &format!("/v1/policies?at={until}")).await;
    assert_ne!(latest.body["digest"], first);
    let none = service
        .get("/v1/policies?at=2000-01-01T00:00:00Z", "auditor")
        .await;
    assert_eq!(none.problem(), (404, "not-found"), "{}", none.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bundles_are_compared_by_digest_or_time() {
    let (service, one, other) = published().await;
    let diff = read(
        &service,
        &format!("/v1/policies/diff?from={one}&to={other}"),
    )
    .await;
    assert_eq!(each(&diff, "added", "id"), ["own.never"]);
    assert!(diff.body["removed"].as_array().unwrap().is_empty());
    assert_eq!(
        each(&diff, "changed", "id"),
        ["membership.visiting-officer"]
    );
    let changed = &diff.body["changed"][0];
    assert_eq!(changed["before"]["response"], "manual-review");
    assert_eq!(changed["after"]["response"], "automatic");
    assert_eq!(each(&diff, "files", "path"), ["bundle.toml"]);
    let since = read(&service, "/v1/policies/diff?from=1").await;
    assert_eq!(since.body, diff.body);
    for (wrong, status) in [
        ("from=x", 422),
        ("to=3", 400),
        (&*format!("from=sha256:{}", "0".repeat(64)), 404),
    ] {
        let refused = service
            .get(&format!("/v1/policies/diff?{wrong}"), "auditor")
            .await;
        assert_eq!(refused.status, status, "{wrong}: {}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_had_from_the_command_line() {
    let (service, one, other) = published().await;
    let history = read(&service, "/v1/policies/history").await;
    let until = history.body["publications"][1]["at"].as_str().unwrap();
    let url = service.url();
    let token = service.token_file("auditor");
    let connection = ["--url", &url, "--token-file", text(&token)];
    for (arguments, expected) in [
        (vec!["policies", "history"], "refused"),
        (
            vec!["policies", "show", "--at", until],
            "@id(\"membership.visiting-officer\")",
        ),
        (
            vec!["policies", "diff", "--from", &one, "--to", &other],
            "added: own.never",
        ),
        (
            vec!["policies", "diff", "--json", "--from", &one],
            "\"own.never\"",
        ),
        (
            vec!["registry", "history", "agreements/mc.nl.example"],
            "created  by local-operator (registry)",
        ),
        (
            vec!["registry", "show", "agreements/mc.nl.example", "--at", "3"],
            "\"priority_ceiling\": 5",
        ),
        (vec!["registry", "show", "agreements/mc.nl.example"], NL),
        (
            vec![
                "registry",
                "diff",
                "agreements/mc.nl.example",
                "--from",
                "0",
            ],
            "(nothing) -> {",
        ),
    ] {
        let arguments = [arguments, connection.to_vec()].concat();
        let ended = comity_aside(&arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?} {ended:?}");
        assert!(ended.out.contains(expected), "{arguments:?} {}", ended.out);
    }
    let wrong = [
        vec!["registry", "history", "agreements/mc.xx.example"],
        connection.to_vec(),
    ]
    .concat();
    assert_eq!(comity_aside(&wrong).await.code, 2);
}
