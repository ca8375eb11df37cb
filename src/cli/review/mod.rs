//! `comity review`: what waits, and answering it, from the command line.

mod answer;
mod list;
mod show;
mod view;
mod watch;
mod withdraw;

use clap::Subcommand;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(in crate::cli) use self::view::columns;
use super::client::ClientError;
use super::client::failed;
use super::exit::Exit;
use super::output;

/// What to do with what waits.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the pending items that a reviewer can answer, the most urgent first
    #[command(
        after_help = "Example:\n  comity review list --reviewer sip:duty@mc.de.example --token-file reviewer.token"
    )]
    List(list::List),
    /// Show one request: what is asked, why it waits, who has to agree, what was answered
    #[command(
        after_help = "Example:\n  comity review show 0b6e7b0e-5d4c-4a44-9a4e-0a4f3c1a2b11 --token-file reviewer.token"
    )]
    Show(show::Show),
    /// Approve pending items; 0 granted or counted, 1 refused
    #[command(
        after_help = "Example:\n  comity review approve 0b6e7b0e-5d4c-4a44-9a4e-0a4f3c1a2b11 --reviewer sip:duty@mc.de.example --reason witnessed --token-file reviewer.token"
    )]
    Approve(answer::Answer),
    /// Deny pending items; 0 denied or counted, 1 refused
    #[command(
        after_help = "Example:\n  comity review deny 0b6e7b0e-5d4c-4a44-9a4e-0a4f3c1a2b11 --item 2 --reviewer sip:duty@mc.de.example --reason off-duty --token-file reviewer.token"
    )]
    Deny(answer::Answer),
    /// Withdraw what was asked for and still waits; for whoever submitted it
    #[command(
        after_help = "Example:\n  comity review withdraw 0b6e7b0e-5d4c-4a44-9a4e-0a4f3c1a2b11 --reason resolved --token-file acms.token"
    )]
    Withdraw(withdraw::Withdraw),
    /// Tell what happens, a line each, until it is interrupted; a lost connection is made again and nothing is missed
    #[command(after_help = "Example:\n  comity review watch --token-file reviewer.token")]
    Watch(watch::Watch),
}

pub(super) fn run(command: &Command) -> Exit {
    let ended = match command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Approve(arguments) => answer::run(arguments, answer::Verdict::Approve),
        Command::Deny(arguments) => answer::run(arguments, answer::Verdict::Deny),
        Command::Withdraw(arguments) => withdraw::run(arguments),
        Command::Watch(arguments) => watch::run(arguments),
    };
    ended.unwrap_or_else(|error| failed(&error))
}

fn understood<T: DeserializeOwned>(body: Value) -> Result<T, ClientError> {
    serde_json::from_value(body).map_err(|error| ClientError::Answer(error.to_string()))
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people
    Text,
    /// The service's own answer
    Json,
}

fn say_json(body: &Value) -> Result<Exit, ClientError> {
    let text = serde_json::to_string_pretty(body);
    let text = text.map_err(|error| ClientError::Answer(error.to_string()))?;
    Ok(output::write(format!("{text}\n").as_bytes()))
}
