//! `comity eval` as a process: what it says beside its answers.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::cli::Ended;
use super::cli::comity_reading;
use super::cli::text;

const QUERY: &str =
    r#"{"principal":"User::\"u\"","action":"Action::\"view\"","resource":"Doc::\"d\""}"#;

const PERMIT: &str = "permit (principal, action, resource);\n";

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

/// Asks loose policies; options that begin with `@` are files of the directory.
fn eval(directory: &Path, options: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let paths: Vec<_> = options
        .iter()
        .map(|option| match option.strip_prefix('@') {
            Some(file) => directory.join(file),
            None => option.into(),
        })
        .collect();
    let mut arguments = vec![
        "eval",
        "--default-response",
        "automatic",
        "--lenient",
        "--policies",
    ];
    arguments.extend(paths.iter().map(|path| text(path)));
    comity_reading(&arguments, input)
}

fn answers(ended: &Ended) -> Vec<Value> {
    let lines = ended.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_that_is_no_query_is_answered_as_such_and_the_others_are_answered() {
    let directory = directory(&[("p.cedar", PERMIT)]);
    let twice = QUERY.replace(
        "{\"principal\"",
        "{\"principal\":\"User::\\\"v\\\"\",\"principal\"",
    );
    let context = QUERY.replace('}', ",\"context\":{\"a\":{\"b\":1,\"b\":2}}}");
    let array = r#"["User::\"u\"","Action::\"view\"","Doc::\"d\"",{}]"#;
    let mut input = format!("{QUERY}\n{twice}\n{context}\n{array}\n").into_bytes();
    input.extend(b"\xff\xfe\n");
    input.extend(format!("{}\r\n{QUERY}", QUERY.replace("\"u", "\"\\u00fc")).bytes());
    let ended = eval(directory.path(), &["@p.cedar"], &input);
    assert_eq!(ended.code, 2, "{ended:?}");
    let answers = answers(&ended);
    let lines: Vec<Option<u64>> = answers
        .iter()
        .map(|answer| answer["line"].as_u64())
        .collect();
    assert_eq!(
        lines,
        [None, Some(2), Some(3), Some(4), Some(5), None, None]
    );
    let error = |place: usize| answers[place]["error"].as_str().unwrap();
    assert!(
        error(1).contains("`principal` appears twice"),
        "{}",
        error(1)
    );
    assert!(error(2).contains("/context/a/b"), "{}", error(2));
    assert!(error(3).contains("no JSON object") || error(3).contains("not a JSON object"));
    assert_eq!(ended.err, "");
}

#[test]
fn advice_goes_to_standard_error_and_answers_stay_alone() {
    let schema =
        "entity User; entity Doc; action view appliesTo { principal: User, resource: Doc };";
    let directory = directory(&[
        (
            "levle.cedar",
            "permit (principal, action, resource) when { principal.levle == 1 };",
        ),
        ("s.cedarschema", schema),
        (
            "template.cedar",
            "@id(\"t\") permit (principal == ?principal, action, resource);",
        ),
        ("none.cedar", "// nothing yet\n"),
        (
            "links.json",
            r#"[{ "template_id": "t", "link_id": "l", "values": { "?principal": "User::\"u\"" } }]"#,
        ),
    ]);
    let twice = directory.path().join("twice");
    fs::create_dir(&twice).unwrap();
    for file in ["a.cedar", "b.cedar"] {
        fs::write(twice.join(file), format!("@id(\"same\") {PERMIT}")).unwrap();
    }
    let cases: [(&[&str], &str, &[&str]); 5] = [
        (
            &["@levle.cedar", "--schema", "@s.cedarschema"],
            "reject",
            &["levle.cedar:1", "⚠"],
        ),
        (
            &["@twice"],
            "accept",
            &["a.cedar:1", "b.cedar:1", "`same` names two policies"],
        ),
        (
            &["@template.cedar"],
            "reject",
            &["nothing links the template `t`", "template.cedar:1"],
        ),
        (&["@none.cedar"], "reject", &["there is no policy"]),
        (
            &["@template.cedar", "--links", "@links.json"],
            "accept",
            &[],
        ),
    ];
    for (options, outcome, said) in cases {
        let ended = eval(directory.path(), options, QUERY);
        assert_eq!(ended.code, 0, "{ended:?}");
        let answers = answers(&ended);
        assert_eq!(answers.len(), 1, "{}", ended.out);
        assert_eq!(answers[0]["outcome"], outcome, "{}", ended.out);
        assert_eq!(ended.err.is_empty(), said.is_empty(), "{}", ended.err);
        for words in said {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
    }
}
