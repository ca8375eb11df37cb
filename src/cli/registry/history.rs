//! `comity registry history`, `show` and `diff`: what became of a document, and what it was.

use clap::Args;
use serde_json::Value;

use super::failed;
use crate::cli::client::Client;
use crate::cli::client::ClientError;
use crate::cli::client::Connection;
use crate::cli::client::encode;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::plain::plain;

/// Which document.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The document, as `agreements/mc.nl.example`
    #[arg(value_name = "KIND/ID", value_parser = path)]
    document: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Arguments of `registry history`.
#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    asked: Asked,
}

/// Arguments of `registry show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    asked: Asked,
    /// As it was at this time (RFC 3339), or right after this revision
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Arguments of `registry diff`.
#[derive(Debug, Args)]
pub struct Diff {
    #[command(flatten)]
    asked: Asked,
    /// The first moment: a time (RFC 3339) or a revision
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The second; without it, now
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// The path of a document; its id can hold a slash of its own.
fn path(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
            Ok(format!("/v1/{}/{}", encode(kind), encode(id)))
        }
        Some(_) | None => Err("give a kind and an id, as in `agreements/mc.nl.example`".to_owned()),
    }
}

pub(super) fn history(arguments: &History) -> Exit {
    answer(&arguments.asked, "/history", |answer| {
        versions(answer.get("versions"));
        if let Some(erased) = answer.get("erased_of_kind") {
            output::say(&format!(
                "{erased} changes to documents of this kind were erased; whose they were nobody can tell"
            ));
        }
    })
}

pub(super) fn show(arguments: &Show) -> Exit {
    let at = arguments.at.as_ref();
    let parameters = at.map_or_else(String::new, |at| format!("?at={}", encode(at)));
    answer(&arguments.asked, &parameters, |answer| {
        output::say(&pretty(answer));
    })
}

pub(super) fn diff(arguments: &Diff) -> Exit {
    let mut parameters = format!("/diff?from={}", encode(&arguments.from));
    if let Some(to) = &arguments.to {
        parameters.push_str("&to=");
        parameters.push_str(&encode(to));
    }
    answer(&arguments.asked, &parameters, |answer| {
        versions(answer.get("versions"));
        let differences = answer.get("differences").and_then(Value::as_array);
        for difference in differences.into_iter().flatten() {
            let pointer = word(difference, "pointer");
            let told = |name: &str| difference.get(name).map(|value| plain(&value.to_string()));
            let before = told("before").unwrap_or_else(|| "(nothing)".to_owned());
            let after = told("after").unwrap_or_else(|| "(nothing)".to_owned());
            output::say(&format!("{pointer}: {before} -> {after}"));
        }
    })
}

fn answer(document: &Asked, suffix: &str, print: impl FnOnce(&Value)) -> Exit {
    let read = Client::connect(&document.connection).and_then(|client| {
        let path = format!("{}{suffix}", document.document);
        client.block_on(client.get(&path))
    });
    told(read, document.json, print)
}

/// Prints an answer, as JSON or in lines.
pub(in crate::cli) fn told(
    read: Result<Value, ClientError>,
    is_json: bool,
    print: impl FnOnce(&Value),
) -> Exit {
    match read {
        Ok(answer) if is_json => output::say(&pretty(&answer)),
        Ok(answer) => print(&answer),
        Err(error) => return failed(&error),
    }
    Exit::Success
}

/// JSON for people.
pub(in crate::cli) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A word of an answer, fit to be printed.
pub(in crate::cli) fn word(value: &Value, name: &str) -> String {
    let found = value.get(name);
    let text = found.and_then(Value::as_str).map(str::to_owned);
    let text = text.or_else(|| found.map(ToString::to_string));
    plain(&text.unwrap_or_else(|| "-".to_owned()))
}

fn versions(versions: Option<&Value>) {
    for version in versions.and_then(Value::as_array).into_iter().flatten() {
        let erased = if version.get("erased").is_some() {
            "  (parts erased)"
        } else {
            ""
        };
        let [revision, at, change, by, entry] =
            ["revision", "at", "change", "by", "entry"].map(|name| word(version, name));
        let request = version
            .get("request")
            .map(|_| format!("  request {}", word(version, "request")));
        let request = request.unwrap_or_default();
        output::say(&format!(
            "r{revision}  {at}  {change}  by {by} ({entry}){request}{erased}"
        ));
    }
}
