//! `comity eval` on bundles of every kind.

use std::fs;
use std::path::Path;

use clap::Parser;
use comity::cli::eval;
use comity::cli::eval::EvalError;
use comity::cli::eval::Queries;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: eval::Args,
}

const SCHEMA: &str = "entity User { level: Long }; entity Doc;
    action view appliesTo { principal: User, resource: Doc, context: { who?: User } };";

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (path, text) in files {
        fs::write(directory.path().join(path), text).unwrap();
    }
    directory
}

fn run(
    directory: &Path,
    options: &[&str],
    input: &str,
) -> Result<(Queries, Vec<Value>), EvalError> {
    let options = options.iter().map(|option| match option.strip_prefix('@') {
        Some(file) => directory.join(file).to_str().unwrap().to_owned(),
        None => (*option).to_owned(),
    });
    let command = Command::parse_from(std::iter::once("eval".to_owned()).chain(options));
    let mut output = Vec::new();
    let queries = eval::run(&command.args, input.as_bytes(), &mut output)?;
    let answers = String::from_utf8(output).unwrap();
    Ok((
        queries,
        answers
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    ))
}

const QUERY: &str =
    r#"{"principal":{"type":"User","id":"u"},"action":"Action::\"view\"","resource":"Doc::\"d\""}"#;

#[test]
fn loose_policies_are_answered_under_the_names_that_cedar_gives() {
    let directory = directory(&[(
        "p.cedar",
        "permit (principal, action, resource);\n\
         forbid (principal, action, resource) when { principal.level < 3 };",
    )]);
    let options = ["--policies", "@p.cedar", "--default-response", "automatic"];
    let (queries, answers) = run(directory.path(), &options, QUERY).unwrap();
    assert_eq!(queries, Queries::AllAnswered);
    // The forbid errs: Cedar skips it, Comity refuses.
    assert_eq!(
        answers,
        [json!({
            "outcome": "reject", "decision": "allow",
            "reasons": ["policy0"], "errors": ["policy1"]
        })]
    );
}

#[test]
fn a_bad_line_is_answered_on_its_own_line() {
    let directory = directory(&[("p.cedar", "permit (principal, action, resource);")]);
    let options = [
        "--policies",
        "@p.cedar",
        "--default-response",
        "manual-review",
    ];
    let stranger = QUERY.replace("Doc::", "Doc:");
    let extra = QUERY.replace("\"resource\"", "\"resourse\":1,\"resource\"");
    let input = format!("{QUERY}\n\nnonsense\n{stranger}\n{extra}\n{QUERY}\n");
    let (queries, answers) = run(directory.path(), &options, &input).unwrap();
    assert_eq!(queries, Queries::SomeInvalid);
    let lines: Vec<_> = answers
        .iter()
        .map(|answer| answer["line"].as_u64())
        .collect();
    assert_eq!(lines, [None, Some(3), Some(4), Some(5), None]);
    assert_eq!(answers[4]["outcome"], "review");
    assert!(answers[2]["error"].as_str().unwrap().contains("resource"));
}

#[test]
fn a_schema_is_kept_to_unless_lenient() {
    let directory = directory(&[
        (
            "p.cedar",
            "permit (principal, action, resource) when { principal.levle > 1 };",
        ),
        ("s.cedarschema", SCHEMA),
        (
            "e.json",
            r#"[{"uid":{"type":"User","id":"u"},"attrs":{"level":2},"parents":[]}]"#,
        ),
    ]);
    let options = [
        "--policies",
        "@p.cedar",
        "--schema",
        "@s.cedarschema",
        "--entities",
        "@e.json",
        "--default-response",
        "automatic",
        "--lenient",
    ];
    let strict = run(directory.path(), &options[..8], QUERY).unwrap_err();
    let reason = strict.diagnostics().unwrap().to_string();
    assert!(reason.contains("did you mean `level`?"), "{reason}");
    let (_, answers) = run(directory.path(), &options, QUERY).unwrap();
    assert_eq!(answers[0]["errors"], json!(["policy0"]));
}

#[test]
fn a_query_is_held_to_the_schema_unless_lenient() {
    let directory = directory(&[
        ("p.cedar", "permit (principal, action, resource);"),
        ("s.cedarschema", SCHEMA),
    ]);
    let options = [
        "--policies",
        "@p.cedar",
        "--schema",
        "@s.cedarschema",
        "--default-response",
        "automatic",
        "--lenient",
    ];
    let swapped = QUERY.replace("Doc::", "User::");
    assert_eq!(
        run(directory.path(), &options[..6], &swapped).unwrap().0,
        Queries::SomeInvalid
    );
    assert_eq!(
        run(directory.path(), &options, &swapped).unwrap().0,
        Queries::AllAnswered
    );
}

#[test]
fn a_directory_with_a_manifest_is_taken_by_all_its_rules() {
    let policy = "@id(\"own.name\") @category(\"c\") @response(\"manual-review\")\n\
                  permit (principal, action, resource);";
    let directory = directory(&[
        (
            "bundle.toml",
            "name = \"t\"\nschema = \"s.cedarschema\"\n[responses]\nc = \"automatic\"\n# end\n",
        ),
        ("s.cedarschema", SCHEMA),
        ("p.cedar", policy),
    ]);
    let (_, answers) = run(directory.path(), &["--policies", "@"], QUERY).unwrap();
    assert_eq!(answers[0]["outcome"], "accept");
    assert_eq!(answers[0]["reasons"], json!(["own.name"]));
    fs::write(
        directory.path().join("p.cedar"),
        policy.replace("@id(\"own.name\")", ""),
    )
    .unwrap();
    assert!(run(directory.path(), &["--policies", "@"], QUERY).is_err());
}
