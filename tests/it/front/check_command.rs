//! `comity check` as a process: what keeps a bundle from coming into force, and what it only warns of.

use std::fs;
use std::path::Path;

use super::cli::Ended;
use super::cli::comity;
use super::cli::text;

const MANIFEST: &str = "name = \"t\"\nschema = \"s.cedarschema\"\n";

fn check(manifest: &str, policies: &str) -> (tempfile::TempDir, Ended) {
    let directory = tempfile::tempdir().unwrap();
    let whole = format!("{manifest}# end\n");
    let schema =
        "entity User; entity Doc; action view appliesTo { principal: User, resource: Doc };";
    let files = [
        ("bundle.toml", whole.as_str()),
        ("s.cedarschema", schema),
        ("p.cedar", policies),
    ];
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    let ended = comity(&["check", text(directory.path())]);
    (directory, ended)
}

const PERMIT: &str = "@id(\"a\") @category(\"c\") @response(\"automatic\")\n\
    permit (principal, action, resource);\n";

#[test]
fn a_template_that_nothing_links_is_told() {
    let template = |annotations: &str, effect: &str| {
        format!(
            "{PERMIT}@id(\"t\") @category(\"d\") {annotations}\n{effect} (principal == ?principal, action, resource);\n"
        )
    };
    let forbid = template("", "forbid");
    let permit = template("@response(\"automatic\")", "permit");
    let strict = format!("{MANIFEST}strict = true\n");
    for (manifest, policies, code) in [
        (MANIFEST, &forbid, 0),
        (MANIFEST, &permit, 0),
        (strict.as_str(), &permit, 0),
        (strict.as_str(), &forbid, 2),
    ] {
        let (directory, ended) = check(manifest, policies);
        assert_eq!(ended.code, code, "{ended:?}");
        let said = "nothing links the template `t`";
        assert!(
            ended.err.contains(said) && ended.err.contains("p.cedar:3:1"),
            "{}",
            ended.err
        );
        let links = r#"[{ "template_id": "t", "link_id": "l", "values": { "?principal": "User::\"u\"" } }]"#;
        fs::write(directory.path().join("links.json"), links).unwrap();
        let linked = comity(&["check", "--deny-warnings", text(directory.path())]);
        assert_eq!(linked.code, 0, "{linked:?}");
    }
}

#[test]
fn the_scenarios_of_a_manifest_can_be_decided() {
    let (directory, ended) = check(
        &format!("{MANIFEST}tests = [\"nowhere\", \"odd\"]\n"),
        PERMIT,
    );
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("bundle.toml:3:10"), "{}", ended.err);
    assert!(ended.err.contains("bundle.toml:3:21"), "{}", ended.err);
    let odd = directory.path().join("odd");
    fs::create_dir(&odd).unwrap();
    let ended = comity(&["check", text(directory.path())]);
    assert!(ended.err.contains("there is no scenario"), "{}", ended.err);
    fs::write(odd.join("one.json"), "{ \"about\": 1 }").unwrap();
    let ended = comity(&["check", text(directory.path())]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("one.json"), "{}", ended.err);

    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let manifest = format!("{MANIFEST}tests = [\"{}\"]\n# end\n", text(&scenarios));
    fs::write(directory.path().join("bundle.toml"), manifest).unwrap();
    let ended = comity(&["check", "--deny-warnings", text(directory.path())]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_level_beyond_the_facts_is_refused_with_its_place() {
    let (_directory, ended) = check(&format!("{MANIFEST}level = 2\n"), PERMIT);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("bundle.toml:3:9"), "{}", ended.err);
    assert!(ended.err.contains("they reach to level 1"), "{}", ended.err);
}
