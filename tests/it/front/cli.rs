//! The command line as a process of its own.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use clap::CommandFactory;
use clap::Parser;
use comity::cli::CommandLine;
use serde_json::Value;
use serde_json::json;

use super::support::DE;
use super::support::GROUP;
use super::support::OFFICER;
use super::support::TestService;
use super::support::copy_tree;
use super::support::inbound;
use super::support::membership;
use super::support::with;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

pub(super) fn comity(arguments: &[&str]) -> Ended {
    comity_reading(arguments, "")
}

pub(super) fn comity_reading(arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_ref())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The same while a service runs in this process.
pub(super) async fn comity_aside(arguments: &[&str]) -> Ended {
    let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        comity(&arguments)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_shipped_bundles_are_clean() {
    let ended = comity(&["check", "--deny-warnings", "policies", "policies/access"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.err.matches("is valid").count(), 2, "{}", ended.err);
    assert_eq!(ended.out, "");
}

#[test]
fn an_access_bundle_that_locks_out_the_operator_is_refused_before_the_service_sees_it() {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["policies", "schemas"] {
        copy_tree(Path::new(folder), &directory.path().join(folder));
    }
    let access = directory.path().join("policies/access");
    fs::remove_file(access.join("operator.cedar")).unwrap();
    let ended = comity(&["check", text(&access)]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let said = "under this bundle the local operator may not";
    assert!(ended.err.contains(said), "{}", ended.err);
}

#[test]
fn a_misspelt_attribute_is_shown_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["policies", "schemas"] {
        copy_tree(Path::new(folder), &directory.path().join(folder));
    }
    let policies = directory.path().join("policies");
    let file = policies.join("automatic/group-membership.cedar");
    let good = fs::read_to_string(&file).unwrap();
    let typo = "context.asserted.organization == \"fire.nl.example\")";
    let broken = good.replace(
        "context.asserted.organisation == \"fire.nl.example\")",
        typo,
    );
    assert_ne!(broken, good);
    fs::write(&file, &broken).unwrap();
    let line = broken.lines().position(|line| line.contains(typo)).unwrap() + 1;

    let ended = comity(&["check", text(&policies)]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let place = format!("automatic/group-membership.cedar:{line}:");
    assert!(ended.err.contains(&place), "{}", ended.err);
    let help = "did you mean `organisation`";
    assert!(ended.err.contains(help), "{}", ended.err);

    let ended = comity(&["check", "--format", "json", text(&policies)]);
    assert_eq!(ended.code, 2);
    let diagnostics: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(diagnostics[0]["line"], line);
    let column = usize::try_from(diagnostics[0]["column"].as_u64().unwrap()).unwrap();
    let shown: String = broken
        .lines()
        .nth(line - 1)
        .unwrap()
        .chars()
        .skip(column - 1)
        .collect();
    assert!(
        shown.starts_with("context.asserted.organization"),
        "{diagnostics}"
    );
    assert!(diagnostics[0]["help"].as_str().unwrap().contains(help));
}

#[test]
fn a_valid_bundle_without_warnings_is_an_empty_list() {
    let ended = comity(&["check", "--format", "json", "policies"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.out.trim(), "[]");
}

#[test]
fn what_is_no_bundle_is_invalid_input() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    for path in [directory.path(), &missing] {
        let ended = comity(&["check", text(path)]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(text(path)), "{}", ended.err);
    }
}

fn explain(request: &Value, further: &[&str]) -> Ended {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("request.json");
    fs::write(&file, request.to_string()).unwrap();
    let mut arguments = vec![
        "explain",
        "--system",
        DE,
        "--registry",
        "examples/registry/de",
        "--at",
        "2026-11-21T09:00:00.000Z",
    ];
    arguments.extend(further);
    arguments.push(text(&file));
    comity(&arguments)
}

#[test]
fn a_decision_is_explained_by_its_policies() {
    let held = explain(&membership(&[OFFICER]), &[]);
    assert_eq!(held.code, 1, "{held:?}");
    let shown = format!("{OFFICER}: review (held)");
    assert!(held.out.contains(&shown), "{}", held.out);
    let by = "decided by membership.visiting-officer";
    assert!(held.out.contains(by), "{}", held.out);
    assert!(held.out.contains("at 2026-11-21T09:00:00"), "{}", held.out);

    let mut fire = membership(&["sip:fire.21@mc.nl.example"]);
    fire["group"] = json!("sip:loeschzug-3@mc.de.example");
    fire["requester"]["organisation"] = json!("fire.nl.example");
    let accepted = explain(&fire, &[]);
    assert_eq!(accepted.code, 0, "{accepted:?}");
    let by = "decided by membership.mutual-aid-fire";
    assert!(accepted.out.contains(by), "{}", accepted.out);

    let elsewhere = with(&membership(&[OFFICER]), "/peer/system", "mc.be.example");
    let refused = explain(&elsewhere, &["--json"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let explained: Value = serde_json::from_str(&refused.out).unwrap();
    assert!(refused.out.contains("\"reject\""), "{explained}");

    let wrong = explain(&with(&membership(&[OFFICER]), "/grup", GROUP), &[]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("/grup"), "{}", wrong.err);
}

#[test]
fn queries_are_answered_line_by_line() {
    let directory = tempfile::tempdir().unwrap();
    let policies = directory.path().join("p.cedar");
    fs::write(
        &policies,
        "permit (principal == User::\"a\", action, resource);",
    )
    .unwrap();
    let query = |user: &str| {
        json!({
            "principal": format!("User::\"{user}\""),
            "action": "Action::\"view\"",
            "resource": "File::\"f\""
        })
        .to_string()
    };
    let arguments = [
        "eval",
        "--policies",
        text(&policies),
        "--lenient",
        "--default-response",
        "automatic",
    ];
    let two = format!("{}\n{}\n", query("a"), query("b"));
    let ended = comity_reading(&arguments, &two);
    assert_eq!(ended.code, 0, "{ended:?}");
    let answers: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        answers,
        [
            json!({ "outcome": "accept", "decision": "allow", "reasons": ["policy0"], "errors": [] }),
            json!({ "outcome": "reject", "decision": "deny", "reasons": [], "errors": [] }),
        ]
    );
    let ended = comity_reading(&arguments, "nonsense\n");
    assert_eq!(ended.code, 2, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_goes_in_and_comes_out_the_same() {
    let service = TestService::start_empty(|_| {}).await;
    let url = service.url();
    let token = service.settings().data_directory.join("operator.token");
    let connection = ["--url", url.as_str(), "--token-file", text(&token)];
    let registry = service.directory().join("registry");
    copy_tree(Path::new("examples/registry/de"), &registry);
    for (folder, document) in [
        (
            "migrations",
            json!({
                "user": OFFICER, "service": "mcptt", "home_system": "mc.nl.example", "serving_system": DE,
                "since": "2026-01-01T00:00:00.000Z", "verified": true,
                "request_id": "00000000-0000-4000-8000-000000000001"
            }),
        ),
        (
            "open-deletions",
            json!({
                "group": "sip:grensteam-1@mc.nl.example", "person": "patrol-12",
                "member": "sip:streife.12@mc.de.example", "since": "2026-01-01T00:00:00.000Z",
                "request_id": "00000000-0000-4000-8000-000000000001"
            }),
        ),
    ] {
        fs::create_dir_all(registry.join(folder)).unwrap();
        let file = registry.join(folder).join("one.json");
        fs::write(file, document.to_string()).unwrap();
    }
    let registry = text(&registry);

    let ended = comity_aside(&["registry", "validate", "--system", DE, registry]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut import = vec!["registry", "import", registry];
    import.extend(connection);
    let ended = comity_aside(&import).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let held = service.submit(&membership(&[OFFICER])).await;
    assert_eq!(held.status, 202, "{}", held.text);

    let out = service.directory().join("exported");
    let mut export = vec!["registry", "export", text(&out)];
    export.extend(connection);
    let ended = comity_aside(&export).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let documents = |directory: &Path| -> Vec<(String, Value)> {
        let read = comity::cli::registry::read_documents(directory).unwrap();
        let mut documents: Vec<(String, Value)> = read
            .into_iter()
            .map(|(key, document)| {
                let mut document = document.to_json().unwrap();
                // The service notes by itself since when a link is up.
                let members = document.as_object_mut().unwrap();
                members.shift_remove("up_since");
                (key.to_string(), document)
            })
            .collect();
        documents.sort_by(|(a, _), (b, _)| a.cmp(b));
        documents
    };
    assert_eq!(documents(&out), documents(Path::new(registry)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_cannot_be_used_is_not_sent() {
    let service = TestService::start_empty(|_| {}).await;
    let url = service.url();
    let registry = service.directory().join("registry");
    copy_tree(Path::new("examples/registry/de"), &registry);
    let group = registry.join("groups/unfall-07.json");
    let text_of_group = fs::read_to_string(&group).unwrap();
    fs::write(&group, text_of_group.replace("\"enabled\"", "\"enabeld\"")).unwrap();
    let ended = comity_aside(&["registry", "validate", "--system", DE, text(&registry)]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("unfall-07.json"), "{}", ended.err);

    let token = service.settings().data_directory.join("operator.token");
    let import = |url: String, token: String, registry: String| async move {
        let arguments = ["registry", "import", "--url", &url, "--token-file", &token];
        comity_aside(&[&arguments[..], &[registry.as_str()]].concat()).await
    };
    let good = "examples/registry/de".to_owned();
    let ended = import(
        url.clone(),
        text(&token).to_owned(),
        text(&registry).to_owned(),
    )
    .await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let wrong = service.directory().join("wrong.token");
    fs::write(&wrong, format!("comity_{}", "A".repeat(43))).unwrap();
    let ended = import(url.clone(), text(&wrong).to_owned(), good.clone()).await;
    assert_ne!(ended.code, 0, "{ended:?}");
    assert!(ended.err.contains("401"), "{}", ended.err);
    let listed = service.get("/v1/systems", "operator").await;
    assert_eq!(listed.body["documents"], json!([]));
}

#[test]
fn what_is_no_data_directory_is_not_replayed_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("nope");
    for path in [missing.as_path(), directory.path()] {
        let ended = comity(&["replay", "--data-dir", path.to_str().unwrap()]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains("holds no log"), "{ended:?}");
    }
    assert!(!missing.exists());
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_decisions_replay_alike() {
    let mut service = TestService::start().await;
    let path = service.submit_held(&membership(&[OFFICER])).await;
    let answered = service.respond(&path, &super::support::approval()).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let affiliation = inbound(json!({
        "operation": "affiliation", "user": OFFICER, "group": GROUP,
        "service": "mcptt", "serving_system": "mc.nl.example"
    }));
    assert_eq!(service.submit(&affiliation).await.status, 200);
    let data = service.settings().data_directory.clone();
    let arguments = ["replay", "--json", "--data-dir", text(&data)];

    let ended = comity_aside(&arguments).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.err.contains("in use"), "{}", ended.err);

    service.stop().await;
    let ended = comity_aside(&arguments).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["decisions"], 3, "{report}");
    assert_eq!(report["identical"], 3, "{report}");
    assert_eq!(report["mismatches"], 0, "{report}");
}

#[test]
fn shells_and_readers_are_served() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = comity(&["completions", shell]);
        assert_eq!(ended.code, 0, "{shell}: {}", ended.err);
        assert!(ended.out.contains("registry"), "{shell}");
    }
    let directory = tempfile::tempdir().unwrap();
    let manual = directory.path().join("man");
    let ended = comity(&["manual", text(&manual)]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let page = fs::read_to_string(manual.join("comity.1")).unwrap();
    assert!(page.contains(".TH comity 1"), "{page}");
    assert!(manual.join("comity-serve.1").is_file());
}

#[test]
fn what_the_command_line_does_not_know_is_invalid_input() {
    for arguments in [
        &["--sideways"][..],
        &["serve", "--sideways"],
        &["unheard-of"],
        &["check"],
        &["explain", "--system", "mc..de", "x"],
        &[],
    ] {
        let ended = comity(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
        assert_ne!(ended.err, "", "{arguments:?}");
    }
}

/// Every command, by the words that call it.
fn commands(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
    for command in command.get_subcommands() {
        let mut words = words.to_vec();
        words.push(command.get_name().to_owned());
        commands(command, &words, found);
        found.push(words);
    }
}

#[test]
fn every_command_shows_an_example_that_it_understands() {
    let mut found = Vec::new();
    commands(&CommandLine::command(), &[], &mut found);
    assert!(found.contains(&vec!["registry".to_owned(), "validate".to_owned()]));
    for words in found {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let ended = comity(&arguments);
        assert_eq!(ended.code, 0, "{words:?}");
        let (_, examples) = ended
            .out
            .split_once("Example:")
            .unwrap_or_else(|| panic!("{words:?}"));
        // Help is wrapped to the terminal: the example is all that follows.
        let said: Vec<&str> = examples
            .split_whitespace()
            .take_while(|word| !["<", ">"].contains(word))
            .collect();
        let example = said.join(" ");
        assert_eq!(said[1..=words.len()], words, "{example}");
        let understood = CommandLine::try_parse_from(said);
        assert!(understood.is_ok(), "{example}: {:?}", understood.err());
    }
}

#[test]
fn the_demonstration_comes_out_as_told() {
    let ended = comity(&["demo", "--once"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
    for seen in [
        "DE, inbound → PENDING",
        "DE, approved → ACCEPTED",
        "DE: refused:",
        "1 of 2, it waits on",
        "nobody counts twice",
        "DE, approved by both → ACCEPTED",
        "too late: 409, the item is expired",
        "too late: 409, the item is refused",
        "DE, inbound → REJECTED",
        "0 mismatches",
        OFFICER,
    ] {
        assert!(ended.out.contains(seen), "{seen}: {}", ended.out);
    }
}
