//! The two halves of an agreement laid side by side, by command and over HTTP.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use super::cli::comity;
use super::cli::text;
use super::support::DE;
use super::support::NL;
use super::support::TestService;
use super::support::copy_tree;
use super::support::with;
use super::support::without;

const DUTCH: &str = "examples/registry/nl";
const GERMAN: &str = "examples/registry/de";
const DUTCH_HALF: &str = "examples/registry/nl/agreements/mc.de.example.yaml";
const GERMAN_HALF: &str = "examples/registry/de/agreements/mc.nl.example.yaml";
const BELGIAN_HALF: &str = "examples/registry/de/agreements/mc.be.example.yaml";

fn half(file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The German half without private calls from the Dutch, as a file.
fn refusing(directory: &Path) -> String {
    let refusing = without(
        &half(GERMAN_HALF),
        "/interconnection/mcptt_private_incoming",
    );
    let file = directory.join("refusing.json");
    fs::write(&file, refusing.to_string()).unwrap();
    text(&file).to_owned()
}

#[test]
fn the_example_halves_fit_in_every_form() {
    for ours in [DUTCH, DUTCH_HALF] {
        for theirs in [GERMAN, GERMAN_HALF] {
            let told = ["--our-system", NL, "--their-system", DE];
            let ended = comity(&[&["registry", "mirror", ours, theirs][..], &told].concat());
            assert_eq!(ended.code, 0, "{ours} {theirs}: {ended:?}");
            let verdict = format!("the halves of {NL} and {DE} fit\n");
            assert_eq!(ended.out, verdict);
        }
    }
    // Who wrote them is found out where that is possible.
    for (ours, theirs) in [
        (DUTCH, GERMAN),
        (DUTCH_HALF, GERMAN_HALF),
        (DUTCH, GERMAN_HALF),
    ] {
        let ended = comity(&["registry", "mirror", ours, theirs]);
        assert_eq!(ended.code, 0, "{ours} {theirs}: {ended:?}");
        assert!(
            ended.out.contains(&format!("{NL} and {DE}")),
            "{}",
            ended.out
        );
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_places() {
    let directory = tempfile::tempdir().unwrap();
    let theirs = refusing(directory.path());
    let ended = comity(&["registry", "mirror", DUTCH, &theirs]);
    assert_eq!(ended.code, 1, "{ended:?}");
    for seen in [
        "MCPTT private calls from mc.nl.example to mc.de.example will be refused there",
        "mc.nl.example /interconnection/mcptt_private_outgoing: true",
        "mc.de.example /interconnection/mcptt_private_incoming: false",
        "help: mc.de.example sets `/interconnection/mcptt_private_incoming`",
        "TR 23.781 clause 6.1.1",
        "do not fit: 1 blocking\n",
    ] {
        assert!(ended.out.contains(seen), "{seen}: {}", ended.out);
    }
    let ended = comity(&["registry", "mirror", "--json", DUTCH, &theirs]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let here: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(here["fits"], false);
    // The partner sees the same.
    let ended = comity(&["registry", "mirror", "--json", &theirs, DUTCH]);
    let there: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(here["ours"], there["theirs"]);
    assert_eq!(
        here["mismatches"][0]["ours"],
        there["mismatches"][0]["theirs"]
    );
    assert_eq!(
        here["mismatches"][0]["effect"],
        there["mismatches"][0]["effect"]
    );
}

#[test]
fn terms_that_merely_differ_fit() {
    let directory = tempfile::tempdir().unwrap();
    let lower = with(&half(GERMAN_HALF), "/priority_ceiling", 4);
    let file = directory.path().join("lower.json");
    fs::write(&file, lower.to_string()).unwrap();
    let ended = comity(&["registry", "mirror", DUTCH, text(&file)]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.ends_with("fit: 1 informational\n"),
        "{}",
        ended.out
    );
}

#[test]
fn time_and_users_count() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = half(GERMAN_HALF)["certificates"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let end = format!("{certificate}=2026-11-21T09:00:00Z");
    let at = |moment: &str| {
        let arguments = [
            "registry",
            "mirror",
            DUTCH,
            GERMAN,
            "--certificate-end",
            &end,
            "--at",
            moment,
        ];
        comity(&arguments)
    };
    assert_eq!(at("2026-11-21T08:59:59.999Z").code, 0);
    let expired = at("2026-11-21T09:00:00.000Z");
    assert_eq!(expired.code, 1, "{expired:?}");
    assert!(expired.out.contains("have expired"), "{}", expired.out);

    let german = directory.path().join("de");
    copy_tree(Path::new(GERMAN), &german);
    let user = german.join("users/patrol-12.json");
    let moved = fs::read_to_string(&user)
        .unwrap()
        .replace("https://kms.", "https://kms-2.");
    fs::write(&user, moved).unwrap();
    let ended = comity(&["registry", "mirror", DUTCH, text(&german)]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.out.contains("`https://kms-2.mc.de.example`"),
        "{}",
        ended.out
    );
}

#[test]
fn what_cannot_be_compared_is_invalid_input() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.json");
    fs::write(
        &broken,
        with(&half(GERMAN_HALF), "/intercom", true).to_string(),
    )
    .unwrap();
    let missing = directory.path().join("missing.yaml");
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for (arguments, told) in [
        (&[DUTCH, text(&broken)][..], "intercom"),
        (&[DUTCH, text(&missing)], "missing.yaml"),
        (&[DUTCH, "README.md"], "README.md"),
        // The German registry has two partners, and the file does not say which wrote it.
        (&[GERMAN, DUTCH_HALF], "--their-system"),
        (&[DUTCH_HALF, text(&empty)], "--our-system"),
        (
            &[DUTCH_HALF, text(&empty), "--our-system", NL],
            "no agreement about",
        ),
        (
            &[DUTCH, GERMAN, "--their-system", "mc.fr.example"],
            "no agreement about `mc.fr.example`",
        ),
        (
            &[DUTCH, GERMAN, "--certificate-end", "sha256:00=now"],
            "--certificate-end",
        ),
        (&[DUTCH], "THEIRS"),
    ] {
        let ended = comity(&[&["registry", "mirror"], arguments].concat());
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.out, "", "{arguments:?}");
    }
    // Halves that are not about each other can be compared, and do not fit.
    let ended = comity(&["registry", "mirror", DUTCH, BELGIAN_HALF]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.out.contains("is about mc.be.example"),
        "{}",
        ended.out
    );
    let help = comity(&["registry", "mirror", "--help"]);
    assert!(help.out.contains("Example:"), "{}", help.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_compares_and_keeps_nothing() {
    let service = TestService::start().await;
    let size = service.log_size().await;
    let path = format!("/v1/agreements/{NL}/mirror");
    let theirs = half(DUTCH_HALF);
    let fits = service.post(&path, "auditor", &theirs).await;
    assert_eq!(fits.status, 200, "{}", fits.text);
    assert_eq!(fits.body["fits"], true);
    assert_eq!(fits.body["mismatches"], json!([]));
    assert_eq!(
        (&fits.body["ours"], &fits.body["theirs"]),
        (&json!(DE), &json!(NL))
    );
    let stored = service
        .get(&format!("/v1/agreements/{NL}"), "auditor")
        .await;
    assert_eq!(
        stored.header("etag"),
        format!("\"r{}\"", fits.body["revision"])
    );

    let asks_more = with(&theirs, "/interconnection/mcvideo_private_outgoing", true);
    let found = service.post(&path, "auditor", &asks_more).await;
    assert_eq!(found.body["fits"], false);
    let mismatch = &found.body["mismatches"][0];
    assert_eq!(mismatch["severity"], "blocking");
    assert_eq!(
        mismatch["ours"]["pointer"],
        "/interconnection/mcvideo_private_incoming"
    );
    assert_eq!(mismatch["theirs"]["value"], true);
    let ours = service.post(&path, "auditor", &stored.body).await;
    assert_eq!(ours.body["mismatches"][0]["theirs"]["pointer"], "/partner");

    assert_eq!(service.log_size().await, size);
    let unchanged = service
        .get(&format!("/v1/agreements/{NL}"), "auditor")
        .await;
    assert_eq!(unchanged.body, stored.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_compares_only_agreements() {
    let service = TestService::start().await;
    let path = format!("/v1/agreements/{NL}/mirror");
    let theirs = half(DUTCH_HALF);
    for unknown in [
        "/v1/agreements/mc.fr.example/mirror",
        "/v1/agreements/a%20b/mirror",
    ] {
        let answer = service.post(unknown, "operator", &theirs).await;
        assert_eq!(answer.problem(), (404, "not-found"), "{}", answer.text);
    }
    let elsewhere = service
        .post(&format!("/v1/systems/{NL}/mirror"), "operator", &theirs)
        .await;
    assert_eq!(elsewhere.status, 404);
    assert_eq!(service.get(&path, "operator").await.status, 405);
    for body in [
        with(&theirs, "/colour", "red"),
        with(&theirs, "/interconnection/mcptt_private_incoming", "yes"),
        without(&theirs, "/status"),
        json!([]),
    ] {
        let refused = service.post(&path, "operator", &body).await;
        assert_eq!(refused.problem(), (422, "invalid-input"), "{body}");
    }
    let twice = r#"{ "partner": "mc.de.example", "partner": "mc.de.example" }"#;
    let refused = service.post_text(&path, "operator", twice).await;
    assert_eq!(refused.problem(), (400, "malformed-body"));
    // Who may not read the agreement learns not even whether there is one.
    for agreement in [NL, "mc.fr.example"] {
        let path = format!("/v1/agreements/{agreement}/mirror");
        let refused = service.post(&path, "acms", &theirs).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
    }
}
