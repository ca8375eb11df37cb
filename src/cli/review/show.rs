//! `comity review show`.

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::super::client::Client;
use super::super::client::ClientError;
use super::super::client::Connection;
use super::super::exit::Exit;
use super::super::output;
use super::super::plain::plain;
use super::Format;
use super::say_json;
use super::understood;
use super::view::Item;
use super::view::Request;

/// Arguments of `review show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The request's id
    request: Uuid,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Show) -> Result<Exit, ClientError> {
    let client = Client::connect(&arguments.connection)?;
    let path = format!("/v1/requests/{}", arguments.request);
    let reply = client.block_on(client.get_tagged(&path))?;
    match arguments.format {
        Format::Json => say_json(&reply.body),
        Format::Text => {
            let request: Request = understood(reply.body)?;
            let text = told(&request);
            Ok(output::write(text.as_bytes()))
        }
    }
}

/// A request for people; for those who may answer what waits, with the token over what they see.
pub(super) fn told(request: &Request) -> String {
    let summary = request.summary.as_ref().unwrap_or(&request.status);
    let mut lines = vec![
        format!("{}: {}", plain(&request.id), plain(summary)),
        format!(
            "  {}, {}, correlation id {}",
            plain(&request.operation),
            plain(&request.direction),
            plain(&request.correlation_id)
        ),
        format!("  decided {}", plain(&request.decided_at)),
    ];
    lines.extend(request.access.iter().map(|access| format!("  {access}")));
    for (name, value) in request.asked.iter().flatten() {
        match value.as_object().filter(|_| name == "body") {
            Some(elements) => lines.extend(elements.iter().map(asked)),
            None => lines.push(asked((name, value))),
        }
    }
    for (number, item) in request.items.iter().enumerate() {
        lines.push(format!(
            "item {number}: {}, about {}",
            plain(&item.state),
            item.subject()
        ));
        lines.extend(about(item).into_iter().map(|line| format!("  {line}")));
    }
    for response in &request.responses {
        let items: Vec<String> = response.items.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "answered {}: {} items {}: {}",
            plain(&response.answered_at),
            plain(&response.answer),
            items.join(", "),
            plain(&response.reason)
        ));
    }
    for (what, ended) in request.ended() {
        lines.push(format!("{what}: {ended}"));
    }
    let waits = request.items.iter().any(Item::is_pending);
    if let Some(tag) = request.seen.as_deref().filter(|_| waits) {
        lines.push(format!("to answer exactly this: --seen {}", plain(tag)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// An element of what was asked.
fn asked((name, value): (&String, &Value)) -> String {
    format!("  asked: {} {}", plain(name), bare(value))
}

/// A text as it is, anything else as JSON.
fn bare(value: &Value) -> String {
    let text = value.as_str();
    plain(&text.map_or_else(|| value.to_string(), str::to_owned))
}

fn about(item: &Item) -> Vec<String> {
    let policies: Vec<String> = item.policies.iter().map(|it| plain(&it.id)).collect();
    let mut lines = vec![if policies.is_empty() {
        format!("why: {}", plain(&item.reason))
    } else {
        format!("why: {} ({})", plain(&item.reason), policies.join(", "))
    }];
    let notes = item.notes.iter();
    lines.extend(notes.map(|note| format!("note: {}", plain(note))));
    if let Some(now) = &item.now {
        lines.push(format!("now policy says otherwise: {now}"));
    }
    let limits = item.limits.iter();
    lines.extend(limits.map(|(name, limit)| format!("limit: {} {}", plain(name), bare(limit))));
    if item.is_pending() {
        let expires = item.expires_at.as_deref();
        lines.push(format!(
            "expires: {}",
            expires.map_or_else(|| "never".to_owned(), plain)
        ));
        let quorum = item.quorum.iter();
        lines.extend(quorum.map(|quorum| format!("needs: {quorum}")));
        let answerable = item.answerable_by.iter();
        lines.extend(answerable.map(|users| format!("can be approved by: {users}")));
    }
    let obligations = item.obligations.iter().filter(|_| item.obliges());
    lines.extend(obligations.map(|obligation| format!("to be done: {obligation}")));
    lines
}
