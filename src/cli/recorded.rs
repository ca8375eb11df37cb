//! Which recorded decisions a subcommand is about: the arguments that replay and impact share.

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::app::recorded::Selection;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;

/// Which decisions; without any of these, all of them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which decisions")]
pub(super) struct Which {
    /// From this entry of the log on
    #[arg(long, value_name = "INDEX")]
    first: Option<u64>,
    /// Up to this entry of the log, with it
    #[arg(long, value_name = "INDEX")]
    last: Option<u64>,
    /// Recorded at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Recorded before this time (RFC 3339)
    #[arg(long, visible_alias = "to", value_name = "TIME")]
    until: Option<Timestamp>,
    /// Of this operation
    #[arg(long, value_parser = word::<Operation>)]
    operation: Option<Operation>,
    /// With at least one item that came out so: accept, reject or review
    #[arg(long, value_parser = word::<Outcome>)]
    outcome: Option<Outcome>,
    /// With this MC system as the other side
    #[arg(long, value_name = "SYSTEM")]
    partner: Option<McSystemId>,
    /// With at least one item of this category
    #[arg(long)]
    category: Option<String>,
    /// Of this request
    #[arg(long, value_name = "ID")]
    request: Option<Uuid>,
}

impl Which {
    /// What is wanted, or what cannot be meant.
    pub(super) fn selection(&self, bundle: Option<&str>) -> Result<Selection, String> {
        let selection = Selection {
            first: self.first,
            last: self.last,
            from: self.from,
            until: self.until,
            operation: self.operation,
            outcome: self.outcome,
            partner: self.partner.clone(),
            category: self.category.clone(),
            request: self.request,
            bundle: bundle.map(str::to_owned),
        };
        match selection.check() {
            Ok(()) => Ok(selection),
            Err(problems) => {
                let problems = problems.iter().map(|problem| problem.detail.as_str());
                Err(problems.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// A word that a type is written as.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}
