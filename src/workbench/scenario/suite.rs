//! Running scenarios on a bundle.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::decision::engine::Engine;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostics::Diagnostics;
use crate::policy::source::BundleSource;
use crate::workbench::scenario::Responses;
use crate::workbench::scenario::Scenario;
use crate::workbench::scenario::compare::differences;
use crate::workbench::scenario::coverage::Coverage;
use crate::workbench::scenario::coverage::Determining;

/// What came of every scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The digest of the bundle.
    pub bundle: String,
    /// The scenarios, in their order.
    pub scenarios: Vec<Ran>,
    /// What they cover.
    pub coverage: Coverage,
}

/// What came of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Its file.
    pub file: PathBuf,
    /// What came out otherwise than expected; nothing when it passed.
    pub differences: Vec<String>,
}

impl Ran {
    /// Whether all came out as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Report {
    /// How many scenarios did not come out as expected.
    pub fn failures(&self) -> usize {
        self.scenarios.iter().filter(|ran| !ran.passed()).count()
    }
}

/// Why a scenario cannot be decided under a bundle.
#[derive(Debug, thiserror::Error)]
#[error("the bundle is not valid{}", .scenario.as_ref().map(|name| format!(" with the responses of `{name}`")).unwrap_or_default())]
pub struct SuiteError {
    /// The scenario whose `responses` do not fit; absent where the bundle as it is does not pass.
    pub scenario: Option<String>,
    /// What is wrong.
    #[source]
    pub diagnostics: Diagnostics,
}

/// Decides every scenario under the bundle, with the responses that it names.
pub fn run(source: &BundleSource, scenarios: &[Scenario]) -> Result<Report, SuiteError> {
    let compiled = |responses: &Responses, scenario: Option<&Scenario>| {
        switched(source, responses).map_err(|diagnostics| SuiteError {
            scenario: scenario.map(|scenario| scenario.name.clone()),
            diagnostics,
        })
    };
    let as_written = compiled(&Responses::new(), None)?;
    let mut engines: BTreeMap<Responses, Engine> = BTreeMap::new();
    let mut determining = Determining::default();
    let mut ran = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        let mut found = Vec::new();
        for decision in scenario.decisions() {
            let is_switched = !decision.responses.is_empty();
            if is_switched && !engines.contains_key(&decision.responses) {
                let engine = compiled(&decision.responses, Some(scenario))?;
                engines.insert(decision.responses.clone(), engine);
            }
            let engine = engines.get(&decision.responses).unwrap_or(&as_written);
            let decided = decision.decide(engine);
            determining.add(&decided);
            let when = if std::ptr::eq(decision, scenario) {
                ""
            } else {
                "before: "
            };
            let differences = differences(decision, &decided);
            found.extend(differences.iter().map(|it| format!("{when}{it}")));
        }
        ran.push(Ran {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            file: scenario.file.clone(),
            differences: found,
        });
    }
    Ok(Report {
        bundle: source.digest().to_string(),
        scenarios: ran,
        coverage: determining.coverage(as_written.bundle()),
    })
}

/// The engine for a bundle in whose manifest some categories are switched.
pub fn switched(source: &BundleSource, responses: &Responses) -> Result<Engine, Diagnostics> {
    let bundle = match manifest_with(source.manifest(), responses) {
        Some(manifest) => Bundle::compile(&source.clone().with_manifest(manifest))?,
        None => Bundle::compile(source)?,
    };
    Ok(Engine::new(Arc::new(bundle)))
}

/// The manifest with further responses; `None` where there are none, or it is no manifest to begin with.
pub fn manifest_with(manifest: &str, responses: &Responses) -> Option<String> {
    if responses.is_empty() {
        return None;
    }
    let mut manifest: toml::Table = toml::from_str(manifest).ok()?;
    let table = manifest
        .entry("responses")
        .or_insert_with(|| toml::Table::new().into());
    let table = table.as_table_mut()?;
    for (category, response) in responses {
        table.insert(category.clone(), response.clone().into());
    }
    toml::to_string(&manifest).ok()
}
