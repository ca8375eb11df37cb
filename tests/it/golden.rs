//! The product's own scenarios and the shipped policies, read once for all tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;

use comity::decision::engine::Engine;
use comity::policy::bundle::Bundle;
use comity::policy::source::BundleSource;
use comity::workbench::scenario::Responses;
use comity::workbench::scenario::read::read_scenarios;
use comity::workbench::scenario::suite::switched;

pub(crate) use comity::workbench::scenario::Scenario as Scene;
pub(crate) use comity::workbench::scenario::registry::ScenarioRegistry as Registry;

/// Where the scenarios are.
pub(crate) const SCENARIOS: &str = "tests/scenarios";

/// Every scenario, in order of name.
pub(crate) static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    read_scenarios(&[PathBuf::from(SCENARIOS)]).unwrap_or_else(|problems| panic!("\n{problems}"))
});

/// The shipped policies.
pub(crate) static SHIPPED: LazyLock<Engine> = LazyLock::new(|| engine(Path::new("policies")));

/// The shipped policies with categories switched, for every set of responses that a scenario has.
static SWITCHED: LazyLock<BTreeMap<Responses, Engine>> = LazyLock::new(|| {
    let source = BundleSource::read(Path::new("policies")).unwrap();
    let decisions = SCENES.iter().flat_map(Scene::decisions);
    let responses = decisions.map(|scene| scene.responses.clone());
    let distinct: std::collections::BTreeSet<Responses> = responses.collect();
    distinct
        .into_iter()
        .filter(|responses| !responses.is_empty())
        .map(|responses| {
            let engine = switched(&source, &responses);
            (
                responses,
                engine.unwrap_or_else(|problems| panic!("{problems:?}")),
            )
        })
        .collect()
});

/// The engine under which a scenario is decided.
pub(crate) fn engine_of(scene: &Scene) -> &'static Engine {
    if scene.responses.is_empty() {
        &SHIPPED
    } else {
        &SWITCHED[&scene.responses]
    }
}

pub(crate) fn engine(policies: &Path) -> Engine {
    let source = BundleSource::read(policies).unwrap_or_else(|problems| panic!("{problems:?}"));
    let bundle = Bundle::compile(&source).unwrap_or_else(|problems| panic!("{problems:?}"));
    Engine::new(Arc::new(bundle))
}
