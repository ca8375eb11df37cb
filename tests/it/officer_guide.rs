//! The worked example of the officer's guide: its cases come out as the guide says.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use comity::cli::registry::read_documents;
use comity::decision::decide::ItemDecision;
use comity::decision::decide::decide;
use comity::decision::engine::Engine;
use comity::decision::facts::gather;
use comity::decision::quorum::Quorum;
use comity::domain::identity::McSystemId;
use comity::domain::time::Timestamp;
use comity::domain::wire::WireLimits;
use comity::domain::wire::read_request;
use comity::policy::bundle::Bundle;
use comity::policy::source::BundleSource;
use comity::store::state::State;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

const ROOT: &str = "examples/officer-guide";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    bundle: String,
    registry: String,
    local_system: McSystemId,
    now: Timestamp,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    now: Option<Timestamp>,
    #[serde(default)]
    responses: Map<String, Value>,
    request: Value,
    outcome: String,
    /// Absent: one approval and one denial.
    #[serde(default)]
    quorum: Quorum,
    categories: Vec<String>,
    policies: Vec<String>,
}

#[test]
fn every_case_of_the_guide_comes_out_as_written() {
    let text = fs::read_to_string(format!("{ROOT}/case.json")).unwrap();
    let example: Example = serde_json::from_str(&text).unwrap();
    let source = BundleSource::read(&Path::new(ROOT).join(&example.bundle))
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert!(!example.cases.is_empty());
    for case in &example.cases {
        let items = decided(&example, &source, case);
        assert!(!items.is_empty(), "{}", case.name);
        for item in items {
            let name = format!("{}: {}", case.name, item.item);
            assert_eq!(item.outcome.as_str(), case.outcome, "{name}");
            assert_eq!(item.quorum, case.quorum, "{name}");
            assert_eq!(item.categories, case.categories, "{name}");
            let decisive: Vec<&str> = item.policies.iter().map(|it| it.id.as_str()).collect();
            for policy in &case.policies {
                assert!(decisive.contains(&policy.as_str()), "{name}: {decisive:?}");
            }
            assert!(item.errors.is_empty(), "{name}: {:?}", item.errors);
        }
    }
}

fn decided(example: &Example, source: &BundleSource, case: &Case) -> Vec<ItemDecision> {
    let engine = engine(source, case);
    let documents = read_documents(&Path::new(ROOT).join(&example.registry)).unwrap();
    let documents = documents
        .into_iter()
        .map(|(_, document)| document)
        .collect();
    let state = State::of_documents(documents).unwrap();
    let request = read_request(&case.request, WireLimits::default())
        .unwrap_or_else(|problems| panic!("{}: {problems:?}", case.name));
    let now = case.now.unwrap_or(example.now);
    let (facts, _) = gather(&example.local_system, &request, &state, now);
    decide(&engine, &request, &facts, now)
}

/// The bundle with the case's categories switched, as the officer would in the manifest.
fn engine(source: &BundleSource, case: &Case) -> Engine {
    let mut manifest: toml::Table = source.manifest().parse().unwrap();
    if !case.responses.is_empty() {
        let responses = toml::Table::try_from(&case.responses).unwrap();
        manifest.insert("responses".to_owned(), responses.into());
    }
    let schema = manifest["schema"].as_str().unwrap().to_owned();
    let source = BundleSource::from_texts(
        manifest.to_string(),
        schema,
        source.schema(),
        source.files().clone(),
    );
    let bundle = Bundle::compile(&source).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(bundle.warnings().is_none(), "{:?}", bundle.warnings());
    Engine::new(Arc::new(bundle))
}
