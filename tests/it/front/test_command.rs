//! `comity test` as a process: what it prints, writes and ends with.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use super::cli::comity;
use super::support::copy_tree;
use crate::golden::SCENARIOS;
use crate::golden::SCENES;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_shipped_scenarios_pass_and_cover_every_policy() {
    let directory = tempfile::tempdir().unwrap();
    let junit = directory.path().join("report.xml");
    let ended = comity(&["test", SCENARIOS, "--coverage", "--junit", text(&junit)]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let passed = format!("{} passed, 0 failed", SCENES.len());
    assert!(ended.out.contains(&passed), "{}", ended.out);
    assert!(
        ended.out.contains("ok     story/09-1-spoofed-push"),
        "{}",
        ended.out
    );
    let xml = fs::read_to_string(junit).unwrap();
    assert!(xml.contains(&format!("tests=\"{}\" failures=\"0\"", SCENES.len())));
    assert!(xml.contains("classname=\"scenarios.story\" name=\"09-1-spoofed-push\""));
}

#[test]
fn some_scenarios_can_be_chosen() {
    let story = format!("{SCENARIOS}/story");
    let ended = comity(&["test", &story, "--filter", "spoofed", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 1, "{report}");
    assert_eq!(scenarios[0]["name"], "09-1-spoofed-push");
    assert_eq!(scenarios[0]["differences"], json!([]));

    let ended = comity(&["test", &story, "--filter", "unheard of"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = comity(&["test", &story, "--filter", "spoofed", "--coverage"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    // Alone the story leaves policies out.
    let ended = comity(&["test", &story, "--coverage"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let idle = "no scenario is determined by `membership.group-known`";
    assert!(ended.out.contains(idle), "{}", ended.out);
    assert!(ended.out.contains(", 0 failed"), "{}", ended.out);
}

#[test]
fn another_bundle_comes_out_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["policies", "schemas"] {
        copy_tree(Path::new(folder), &directory.path().join(folder));
    }
    let policies = directory.path().join("policies");
    let manifest = policies.join("bundle.toml");
    let written = fs::read_to_string(&manifest).unwrap();
    let line = "\"group-membership.visiting-officer\" = \"reject\"\n# end\n";
    let switched = written.replace("# end\n", line);
    fs::write(&manifest, switched).unwrap();
    let story = format!("{SCENARIOS}/story/01-2-germany-holds.json");
    let arguments = ["test", story.as_str(), "--policies", text(&policies)];
    let ended = comity(&arguments);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.out.contains("outcome: expected review, got reject"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("0 passed, 1 failed"), "{}", ended.out);

    fs::write(&manifest, format!("{written}\nnonsense\n")).unwrap();
    let ended = comity(&arguments);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("bundle.toml"), "{}", ended.err);
}

#[test]
fn what_cannot_be_read_or_written_ends_it() {
    let ended = comity(&["test", "no/such/folder"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("no/such/folder"), "{}", ended.err);
    let story = format!("{SCENARIOS}/story/09-1-spoofed-push.json");
    let ended = comity(&["test", &story, "--junit", "no/such/folder/report.xml"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.err.contains("report.xml"), "{}", ended.err);

    // A category that no policy has cannot be switched.
    let directory = tempfile::tempdir().unwrap();
    let text_of_story = fs::read_to_string(&story).unwrap();
    let mut scenario: Value = serde_json::from_str(&text_of_story).unwrap();
    scenario["responses"] = json!({ "unheard-of": "reject" });
    copy_tree(
        &Path::new(SCENARIOS).join("registries"),
        &directory.path().join("registries"),
    );
    fs::write(directory.path().join("switched.json"), scenario.to_string()).unwrap();
    let ended = comity(&["test", text(directory.path())]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("`switched`"), "{}", ended.err);
    assert!(ended.err.contains("unheard-of"), "{}", ended.err);
}
