//! The JSON Schema of a record says what a record is: all that are written fit it, and nothing else does.

use std::path::Path;

use boon::Compiler;
use boon::SchemaIndex;
use boon::Schemas;
use comity::decision::record::PartClass;
use serde_json::Value;
use serde_json::json;

use crate::front::support::with;
use crate::front::support::without;

/// The schema of one version.
pub(crate) struct RecordSchema {
    schemas: Schemas,
    whole: SchemaIndex,
    state: SchemaIndex,
    personal: SchemaIndex,
}

impl RecordSchema {
    pub(crate) fn of_version(version: u64) -> Self {
        let file = format!("schemas/record/v{version}.schema.json");
        let text = std::fs::read_to_string(Path::new(&file)).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let name = json["$id"].as_str().unwrap().to_owned();
        let mut compiler = Compiler::new();
        compiler.add_resource(&name, json).unwrap();
        let mut schemas = Schemas::new();
        let mut of_place = |pointer: &str| {
            let found = compiler.compile(&format!("{name}{pointer}"), &mut schemas);
            found.unwrap_or_else(|error| panic!("{error:#}"))
        };
        let whole = of_place("");
        let state = of_place("#/$defs/statePart");
        let personal = of_place("#/$defs/personalPart");
        Self {
            schemas,
            whole,
            state,
            personal,
        }
    }

    /// What is wrong with a record, if anything is.
    pub(crate) fn problem(&self, record: &Value) -> Option<String> {
        let validated = self.schemas.validate(record, self.whole);
        validated.err().map(|error| format!("{error:#}"))
    }

    pub(crate) fn problem_of_part(&self, class: &PartClass, body: &Value) -> Option<String> {
        let schema = match class {
            PartClass::State => self.state,
            PartClass::Personal(_) => self.personal,
        };
        let validated = self.schemas.validate(body, schema);
        validated.err().map(|error| format!("{error:#}"))
    }
}

/// What is true of every record of an export, its trailer left aside.
pub(crate) fn all_fit(schema: &RecordSchema, lines: &[Value]) {
    for line in lines.iter().filter(|line| line.get("export").is_none()) {
        if let Some(problem) = schema.problem(line) {
            panic!("{problem}\n{line:#}");
        }
    }
}

/// Records that are none, each made of one that is.
pub(crate) fn none_fits(schema: &RecordSchema, lines: &[Value]) {
    let of = |kind: &str| lines.iter().find(|line| line["kind"] == kind).unwrap();
    let request = of("request");
    assert_eq!(schema.problem(request), None);
    let head = "/parts/0/body";
    for (what, wrong) in [
        ("a newer version", with(request, "/version", 2)),
        ("a newer event", with(request, &format!("{head}/v"), 2)),
        (
            "a newer decision",
            with(request, "/parts/1/body/version", 2),
        ),
        ("no version", without(request, "/version")),
        ("no leaf", without(request, "/leaf")),
        ("a negative index", with(request, "/index", -1)),
        ("another kind", with(request, "/kind", "gossip")),
        ("a time that is none", with(request, "/time", "yesterday")),
        ("a hash that is none", with(request, "/leaf_hash", "abc")),
        ("a member that nobody knows", with(request, "/secret", 1)),
        (
            "a count that is a text",
            with(request, "/outcomes/accept", "1"),
        ),
        ("no parts", with(request, "/parts", json!([]))),
        ("no event", without(request, &format!("{head}/event"))),
        (
            "an event of no kind",
            with(request, &format!("{head}/event"), json!({ "rumour": {} })),
        ),
        ("a part without salt", without(request, "/parts/1/salt")),
        (
            "a part about nobody with a subject",
            with(request, "/parts/1/subject", "x"),
        ),
        (
            "a decision without its bundle",
            without(request, "/parts/1/body/bundle"),
        ),
        (
            "an outcome that is none",
            with(request, "/parts/1/body/items/0/outcome", "perhaps"),
        ),
        (
            "a person in a part about nobody",
            with(
                request,
                "/parts/1/body/subject",
                "sip:officer.114@mc.nl.example",
            ),
        ),
        (
            "an erased part with its body",
            with(request, "/parts/2/erased", true),
        ),
    ] {
        assert!(schema.problem(&wrong).is_some(), "{what}");
    }
}
