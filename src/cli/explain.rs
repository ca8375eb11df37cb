//! `comity explain`: one request decided offline, and why it came out so.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output;
use super::registry::read_documents;
use crate::app::clock::Clock;
use crate::app::clock::SystemClock;
use crate::app::sealing::SealingKey;
use crate::decision::decide::ItemDecision;
use crate::domain::identity::McSystemId;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::domain::wire;
use crate::policy::bundle::Bundle;
use crate::workbench::explain::Explanation;
use crate::workbench::explain::explain;

/// What to explain.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The request, as it would be posted to `/v1/requests`
    request: PathBuf,
    /// The MC system that decides
    #[arg(long)]
    system: McSystemId,
    /// A registry directory, with one folder a kind
    #[arg(long, value_name = "DIR")]
    registry: PathBuf,
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
                print(&explanation);
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
    let documents = read_documents(&arguments.registry).map_err(|error| error.to_string())?;
    let documents = documents
        .into_iter()
        .map(|(_, document)| document)
        .collect();
    let (_, bundle) = crate::app::publish::read_and_compile(&arguments.policies)
        .map_err(|error| error.render(false))?;
    let request = read_request(arguments)?;
    // Offline nothing is kept, so any key tells a first push from a repeated one.
    let request = SealingKey::from_bytes([0; 32]).seal(request);
    let at = arguments
        .at
        .unwrap_or_else(|| Clock::new(Box::new(SystemClock::default()), None).now());
    explanation(bundle, arguments, documents, &request, at)
}

fn explanation(
    bundle: Bundle,
    arguments: &Arguments,
    documents: Vec<crate::domain::document::Document>,
    request: &InterSystemRequest,
    at: Timestamp,
) -> Result<Explanation, String> {
    explain(bundle, &arguments.system, documents, request, at).map_err(|error| error.to_string())
}

fn read_request(arguments: &Arguments) -> Result<InterSystemRequest, String> {
    let file = arguments.request.display();
    let bytes = std::fs::read(&arguments.request)
        .map_err(|error| format!("cannot read `{file}`: {error}"))?;
    wire::parse_request(&bytes, wire::WireLimits::default()).map_err(|problems| {
        problems
            .iter()
            .map(|problem| format!("{file}: {problem}"))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn print(explanation: &Explanation) {
    for item in &explanation.items {
        print_item(&item.decision);
        for forbid in &item.satisfied {
            output::say(&format!("  satisfied: {} {}", forbid.effect, forbid.id));
            output::say(&format!("             {}", forbid.place));
        }
    }
    output::say(&format!(
        "at {} under {}",
        explanation.at, explanation.bundle
    ));
}

fn print_item(decision: &ItemDecision) {
    output::say(&format!(
        "{}: {} ({})",
        decision.item, decision.outcome, decision.reason
    ));
    for policy in &decision.policies {
        output::say(&format!("  decided by {}", policy.id));
    }
    for permit in &decision.would_permit {
        output::say(&format!("  would otherwise be permitted by {permit}"));
    }
    for error in &decision.errors {
        let policy = error.policy.as_deref().unwrap_or("the query");
        output::say(&format!("  error in {policy}: {}", error.message));
    }
    for obligation in &decision.obligations {
        let system = obligation
            .system
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        output::say(&format!(
            "  then {} by {system} {}",
            obligation.name, obligation.function
        ));
    }
    if let Some(expires_at) = decision.expires_at {
        output::say(&format!("  can be approved until {expires_at}"));
    }
}
