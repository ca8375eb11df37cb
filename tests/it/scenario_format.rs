//! The scenario format: what is wrong is told with its file and place; what differs, in words.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use comity::policy::source::BundleSource;
use comity::workbench::scenario::Scenario;
use comity::workbench::scenario::junit::junit;
use comity::workbench::scenario::read::read_scenarios;
use comity::workbench::scenario::suite::run;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

/// A folder with the shared registries and requests of the product's own scenarios.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for shared in ["registries", "requests"] {
        let target = folder.path().join(shared);
        crate::front::copy_tree(&Path::new(crate::golden::SCENARIOS).join(shared), &target);
    }
    folder
}

fn scenario() -> Value {
    json!({
        "about": "the Dutch officer waits for a person",
        "registry": "germany",
        "request": "membership-inbound",
        "expect": [{
            "outcome": "review", "reason": "held",
            "policies": ["membership.visiting-officer", "membership.group-reviews-additions"]
        }]
    })
}

fn write(folder: &TempDir, name: &str, scenario: &Value) -> PathBuf {
    let file = folder.path().join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, scenario.to_string()).unwrap();
    file
}

fn read(folder: &TempDir) -> Vec<Scenario> {
    read_scenarios(&[folder.path().to_owned()]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The problems of one scenario, as `file: place: detail` with bare file names.
fn problems(scenario: &Value) -> Vec<String> {
    let folder = folder();
    write(&folder, "case.json", scenario);
    let error = read_scenarios(&[folder.path().to_owned()]).unwrap_err();
    let told = |problem: &comity::workbench::scenario::error::ScenarioProblem| {
        let file = problem.file.file_name().unwrap().to_string_lossy();
        format!("{file}: {}: {}", problem.pointer, problem.detail)
    };
    error.0.iter().map(told).collect()
}

#[test]
fn every_problem_is_told_with_its_file_and_place() {
    let mut wrong = scenario();
    wrong["abuot"] = json!("misspelt");
    wrong["expect"][0]["outcome"] = json!("maybe");
    wrong["expect"][0]["polices"] = json!([]);
    wrong["now"] = json!("noon");
    wrong["documents"] = json!({
        "groups/sip:nowhere@mc.de.example": null,
        "agreements/mc.nl.example": { "acm": { "members_maximum": 4 } },
        "group/x": {}
    });
    wrong["change"] = json!({ "body": { "grup": "x", "group": "not a group" } });
    let problems = problems(&wrong);
    for (place, detail) in [
        ("case.json: /abuot", "unknown"),
        ("case.json: /expect/0/outcome", "maybe"),
        ("case.json: /expect/0/polices", "unknown"),
        ("case.json: /now", "noon"),
        (
            "case.json: /documents/groups~1sip:nowhere@mc.de.example",
            "no such document",
        ),
        (
            "case.json: /documents/agreements~1mc.nl.example",
            "members_maximum",
        ),
        ("case.json: /documents/group~1x", "kind"),
        ("case.json: /change/body/grup", "grup"),
        ("case.json: /change/body/group", "not a group"),
    ] {
        let is_told = |told: &String| told.starts_with(place) && told.contains(detail);
        assert!(problems.iter().any(is_told), "{place}: {problems:#?}");
    }
    assert_eq!(problems.len(), 9, "{problems:#?}");
}

#[test]
fn what_is_missing_is_told() {
    let problems = problems(&json!({ "registry": "austria", "request": 7 }));
    for told in [
        "case.json: : the member `about` is missing",
        "case.json: /registry: `registries/austria.json` is in no folder above",
        "case.json: /request: must be a name or an object",
        "case.json: : the member `expect` is missing",
    ] {
        assert!(problems.contains(&told.to_owned()), "{told}: {problems:#?}");
    }
    let empty = tempfile::tempdir().unwrap();
    let error = read_scenarios(&[empty.path().to_owned()]).unwrap_err();
    assert!(
        error.to_string().contains("there is no scenario"),
        "{error}"
    );
}

#[test]
fn a_member_twice_is_refused() {
    let folder = folder();
    let file = folder.path().join("case.json");
    fs::write(&file, r#"{ "about": "one", "about": "two" }"#).unwrap();
    let error = read_scenarios(&[file]).unwrap_err();
    assert!(error.to_string().contains("/about"), "{error}");
    assert!(error.to_string().contains("twice"), "{error}");
}

#[test]
fn shared_data_is_found_from_folders_below_and_in_place() {
    let folder = folder();
    let file = write(&folder, "border/night/case.json", &scenario());
    assert_eq!(read(&folder)[0].name, "border/night/case");
    let alone = read_scenarios(&[file]).unwrap();
    let mut in_place = scenario();
    for (member, shared) in [
        ("registry", "registries/germany"),
        ("request", "requests/membership-inbound"),
    ] {
        let text = fs::read_to_string(folder.path().join(format!("{shared}.json"))).unwrap();
        in_place[member] = serde_json::from_str(&text).unwrap();
    }
    let elsewhere = tempfile::tempdir().unwrap();
    write(&elsewhere, "case.json", &in_place);
    let read = read(&elsewhere);
    assert_eq!(read[0].request, alone[0].request);
    assert_eq!(read[0].registry.documents, alone[0].registry.documents);
}

#[test]
fn differences_are_told_in_words() {
    let folder = folder();
    write(&folder, "a-right.json", &scenario());
    let mut wrong = scenario();
    wrong["about"] = json!("<wrong> & \"told\"");
    wrong["expect"][0] = json!({
        "outcome": "accept", "reason": "permitted",
        "policies": ["membership.visiting-officer", "membership.mutual-aid-fire"],
        "categories": ["group-membership.mutual-aid"],
        "obligations": [],
        "also": { "would_permit": ["x"] }
    });
    write(&folder, "b-wrong.json", &wrong);
    wrong["expect"] = json!([]);
    write(&folder, "c-short.json", &wrong);
    let source = BundleSource::read(Path::new("policies")).unwrap();
    let report = run(&source, &read(&folder)).unwrap();
    assert!(report.scenarios[0].passed(), "{report:?}");
    let item = "item 1 (`sip:officer.114@mc.nl.example`)";
    let told = [
        "outcome: expected accept, got review",
        "reason: expected permitted, got held",
        "policies: missing `membership.mutual-aid-fire`; not expected `membership.group-reviews-additions`",
        "categories: missing `group-membership.mutual-aid`; not expected `group-membership.visiting-officer`",
        "obligations: not expected `deliver-group-configuration`, `deliver-group-keys`, `update-group-membership`, `update-user-profile`",
        "would_permit: expected [\"x\"], got []",
    ];
    let told: Vec<String> = told
        .iter()
        .map(|detail| format!("{item}: {detail}"))
        .collect();
    assert_eq!(report.scenarios[1].differences, told);
    assert_eq!(report.scenarios[2].differences, ["expected 0 items, got 1"]);
    assert_eq!(report.failures(), 2);
    let idle = &report.coverage.idle;
    assert!(
        idle.iter()
            .any(|policy| policy.id == "membership.mutual-aid-fire")
    );
    assert!(
        !idle
            .iter()
            .any(|policy| policy.id == "membership.visiting-officer")
    );
    let xml = junit(&report);
    assert!(xml.contains("tests=\"3\" failures=\"2\""), "{xml}");
    assert!(xml.contains("name=\"a-right\""), "{xml}");
    assert!(
        xml.contains("message=\"&lt;wrong&gt; &amp; &quot;told&quot;\""),
        "{xml}"
    );
}
