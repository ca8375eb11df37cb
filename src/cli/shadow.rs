//! `comity shadow`: what would come out under the bundle that follows a running service.

use clap::Args;
use serde::Deserialize;

use super::client::Client;
use super::client::ClientError;
use super::client::Connection;
use super::client::failed;
use super::exit::Exit;
use super::output;
use crate::app::impact::ImpactReport;
use crate::workbench::impact::text;

/// Which service.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Answer {
    last_attempt: Option<Attempt>,
    following: Option<Following>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    at: String,
    outcome: String,
    diagnostics: Vec<Found>,
}

#[derive(Debug, Deserialize)]
struct Found {
    message: String,
}

#[derive(Debug, Deserialize)]
struct Following {
    since: String,
    behind: u64,
    report: ImpactReport,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    told(arguments).unwrap_or_else(|error| failed(&error))
}

fn told(arguments: &Arguments) -> Result<Exit, ClientError> {
    let client = Client::connect(&arguments.connection)?;
    let body = client.block_on(client.get("/v1/shadow"))?;
    if arguments.json {
        output::say(&serde_json::to_string_pretty(&body).unwrap_or_default());
        return Ok(Exit::Success);
    }
    let answer: Answer =
        serde_json::from_value(body).map_err(|error| ClientError::Answer(error.to_string()))?;
    for line in lines(&answer) {
        output::say(&line);
    }
    Ok(Exit::Success)
}

fn lines(answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(attempt) = &answer.last_attempt
        && attempt.outcome == "refused"
    {
        lines.push(format!(
            "what was read at {} did not pass the gate:",
            attempt.at
        ));
        let found = attempt.diagnostics.iter();
        lines.extend(found.map(|it| format!("  {}", it.message)));
    }
    let Some(following) = &answer.following else {
        lines.push("no shadow follows".to_owned());
        return lines;
    };
    lines.push(format!(
        "it follows since {}, {} entries behind",
        following.since, following.behind
    ));
    lines.extend(text::lines(&following.report));
    lines
}
