//! `comity policies`: which policies were in force when, and how bundles differ.

use clap::Args;
use clap::Subcommand;
use serde_json::Value;

use super::client::Client;
use super::client::Connection;
use super::client::encode;
use super::exit::Exit;
use super::output;
use super::registry::history::pretty;
use super::registry::history::told;
use super::registry::history::word;

/// What to ask of the policies.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every bundle that came into force, and every one that was refused
    #[command(after_help = "Example:\n  comity policies history --token-file officer.token")]
    History(History),
    /// Show the policies in force, now or at a time
    #[command(
        after_help = "Example:\n  comity policies show --at 2026-06-01T00:00:00Z --token-file officer.token"
    )]
    Show(Show),
    /// Show which policies two bundles have not in common, with both texts
    #[command(
        after_help = "Example:\n  comity policies diff --from 2026-06-01T00:00:00Z --to 2026-07-01T00:00:00Z --token-file officer.token"
    )]
    Diff(Diff),
}

/// Arguments of `policies history`.
#[derive(Debug, Args)]
pub struct History {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Arguments of `policies show`.
#[derive(Debug, Args)]
pub struct Show {
    /// In force at this time (RFC 3339), or right after this entry of the log
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Arguments of `policies diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The first bundle: by its digest, a time (RFC 3339) or an entry of the log
    #[arg(long, value_name = "DIGEST|TIME")]
    from: String,
    /// The second; without it, the one in force
    #[arg(long, value_name = "DIGEST|TIME")]
    to: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(command: &Command) -> Exit {
    match command {
        Command::History(arguments) => {
            let path = "/v1/policies/history";
            asked(&arguments.connection, path, arguments.json, print_history)
        }
        Command::Show(arguments) => {
            let at = arguments.at.as_ref();
            let at = at.map_or_else(String::new, |at| format!("?at={}", encode(at)));
            let path = format!("/v1/policies{at}");
            asked(&arguments.connection, &path, arguments.json, print_policies)
        }
        Command::Diff(arguments) => {
            let mut path = format!("/v1/policies/diff?from={}", encode(&arguments.from));
            if let Some(to) = &arguments.to {
                path.push_str("&to=");
                path.push_str(&encode(to));
            }
            asked(&arguments.connection, &path, arguments.json, print_diff)
        }
    }
}

fn asked(connection: &Connection, path: &str, is_json: bool, print: impl FnOnce(&Value)) -> Exit {
    let read = Client::connect(connection).and_then(|client| client.block_on(client.get(path)));
    told(read, is_json, print)
}

fn list<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    let found = answer.get(name).and_then(Value::as_array);
    found.map(Vec::as_slice).unwrap_or_default()
}

fn print_history(answer: &Value) {
    for publication in list(answer, "publications") {
        let [index, at, outcome, digest] =
            ["index", "at", "outcome", "digest"].map(|name| word(publication, name));
        let by = publication
            .get("by")
            .map(|_| format!("  by {}", word(publication, "by")));
        let by = by.unwrap_or_default();
        output::say(&format!("{index}  {at}  {outcome}  {digest}{by}"));
    }
}

fn print_policies(answer: &Value) {
    if answer.get("in_force").is_some() {
        output::say(&pretty(answer));
        return;
    }
    let [digest, at, until] = ["digest", "at", "until"].map(|name| word(answer, name));
    output::say(&format!("// {digest}, in force from {at} until {until}"));
    for policy in list(answer, "policies") {
        output::say("");
        print_text(policy, "");
    }
}

fn print_diff(answer: &Value) {
    let [from, to] = ["from", "to"].map(|name| word(answer, name));
    output::say(&format!("{from} -> {to}"));
    for (name, mark) in [("removed", "- "), ("added", "+ ")] {
        for policy in list(answer, name) {
            output::say(&format!("{name}: {}", word(policy, "id")));
            print_text(policy, mark);
        }
    }
    for changed in list(answer, "changed") {
        output::say(&format!("changed: {}", word(changed, "id")));
        for (name, mark) in [("before", "- "), ("after", "+ ")] {
            if let Some(policy) = changed.get(name) {
                print_text(policy, mark);
            }
        }
    }
    for file in list(answer, "files") {
        output::say(&format!("file: {}", word(file, "path")));
    }
}

fn print_text(policy: &Value, mark: &str) {
    let text = policy
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for line in text.lines() {
        output::say(&format!("{mark}{}", super::plain::plain(line)));
    }
    let told = |name: &str| policy.get(name).and_then(Value::as_str);
    if let Some(response) = told("response") {
        output::say(&format!(
            "{mark}// response: {}",
            super::plain::plain(response)
        ));
    }
}
