//! `comity explain`: one request decided offline, and why it came out so.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output;
use crate::app::clock::Clock;
use crate::app::clock::SystemClock;
use crate::app::credentials::examined;
use crate::app::sealing::SealingKey;
use crate::decision::facts::Lookup;
use crate::decision::facts::gather;
use crate::domain::identity::McSystemId;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::domain::wire;
use crate::policy::source::BundleSource;
use crate::store::state::State;
use crate::workbench::explain::Explanation;
use crate::workbench::explain::explain;
use crate::workbench::explain::text;
use crate::workbench::registry_files::read_documents;
use crate::workbench::scenario::Responses;
use crate::workbench::scenario::read::read_scenarios;

/// What to explain.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The request, as it would be posted to `/v1/requests`
    #[arg(required_unless_present = "scenario")]
    request: Option<PathBuf>,
    /// The MC system that decides
    #[arg(long, required_unless_present = "scenario")]
    system: Option<McSystemId>,
    /// A registry directory, with one folder a kind
    #[arg(long, value_name = "DIR", required_unless_present = "scenario")]
    registry: Option<PathBuf>,
    /// A scenario, which has all of that itself
    #[arg(long, value_name = "FILE", conflicts_with_all = ["request", "system", "registry", "at"])]
    scenario: Option<PathBuf>,
    /// The bundle
    #[arg(long, value_name = "DIR", default_value = "policies")]
    policies: PathBuf,
    /// The moment of the decision (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Print the explanation as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match explained(arguments) {
        Ok(explanation) => {
            if arguments.json {
                output::say(&serde_json::to_string_pretty(&explanation).unwrap_or_default());
            } else {
                for line in text::lines(&explanation) {
                    output::say(&line);
                }
            }
            if explanation
                .items
                .iter()
                .all(|item| item.decision.outcome == Outcome::Accept)
            {
                Exit::Success
            } else {
                Exit::No
            }
        }
        Err(text) => {
            output::complain(&text);
            Exit::InvalidInput
        }
    }
}

fn explained(arguments: &Arguments) -> Result<Explanation, String> {
    let source =
        BundleSource::read(&arguments.policies).map_err(|problems| problems.render(false))?;
    if let Some(file) = &arguments.scenario {
        return scenario(&source, file);
    }
    let (Some(request), Some(system), Some(registry)) =
        (&arguments.request, &arguments.system, &arguments.registry)
    else {
        return Err("a request needs `--system` and `--registry`".to_owned());
    };
    let documents = read_documents(registry).map_err(|error| error.to_string())?;
    let documents = documents.into_iter().map(|(_, document)| document);
    let state = State::of_documents(documents.collect()).map_err(|error| error.to_string())?;
    let at = arguments
        .at
        .unwrap_or_else(|| Clock::new(Box::new(SystemClock::default()), None).now());
    // Offline nothing is kept, so any key tells a first push from a repeated one.
    let request = SealingKey::from_bytes([0; 32]).seal(read_request(request)?);
    let request = examined(request, at, |key| Some(state.document(key)?.value));
    let (facts, _) = gather(system, &request, &state, at);
    explain((&source, &Responses::new()), facts, &request, at)
        .map_err(|problems| problems.render(false))
}

/// The first scenario of a file; a file has one.
fn scenario(source: &BundleSource, file: &Path) -> Result<Explanation, String> {
    if file.is_dir() {
        return Err(format!(
            "`{}` is a directory; name a scenario",
            file.display()
        ));
    }
    let scenarios = read_scenarios(&[file.to_owned()]).map_err(|error| error.to_string())?;
    let scenario = scenarios.first().ok_or("there is no scenario")?;
    let what = (source, &scenario.responses);
    explain(what, scenario.facts(), &scenario.request, scenario.now)
        .map_err(|problems| problems.render(false))
}

fn read_request(file: &Path) -> Result<InterSystemRequest, String> {
    let name = file.display();
    let bytes = std::fs::read(file).map_err(|error| format!("cannot read `{name}`: {error}"))?;
    wire::parse_request(&bytes, wire::WireLimits::default()).map_err(|problems| {
        problems
            .iter()
            .map(|problem| format!("{name}: {problem}"))
            .collect::<Vec<_>>()
            .join("\n")
    })
}
