//! `comity review watch`: what happens, line by line, until it is interrupted.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::super::client::Client;
use super::super::client::ClientError;
use super::super::client::Connection;
use super::super::client::encode;
use super::super::exit::Exit;
use super::super::output;
use super::super::plain::plain;
use super::super::sse::Reader;
use super::super::sse::SentEvent;
use super::Format;

/// The types that concern people who answer.
const TYPES: &str = "request.submitted,request.answered,request.expired,request.withdrawn,request.revoked,\
                     request.interrupted,request.reminded,request.escalated,obligation.failed,obligation.overdue";

/// How long nothing may come; the service says something more often.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// How long to wait before a lost stream is asked for again.
const RETRY: Duration = Duration::from_secs(3);

/// Arguments of `review watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Begin after this event; `0` begins with the whole log [default: from now on]
    #[arg(long, value_name = "EVENT")]
    after: Option<String>,
    /// Types of events, with commas between them [default: what concerns people who answer]
    #[arg(long)]
    types: Option<String>,
    /// Only what concerns this partner
    #[arg(long, value_name = "SYSTEM")]
    partner: Option<String>,
    /// End after so many events
    #[arg(long)]
    count: Option<NonZeroU64>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

/// As much of an event as is shown.
#[derive(Debug, Deserialize)]
struct Told {
    r#type: String,
    time: String,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    partner: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    items: Vec<Item>,
    #[serde(default)]
    obligation: Option<Obligation>,
}

#[derive(Debug, Deserialize)]
struct Item {
    number: u32,
    state: String,
}

#[derive(Debug, Deserialize)]
struct Obligation {
    id: String,
    name: String,
}

/// Where the watch is.
struct Progress {
    place: Option<String>,
    left: Option<u64>,
}

pub(super) fn run(arguments: &Watch) -> Result<Exit, ClientError> {
    let client = Client::connect(&arguments.connection)?;
    let types = encode(arguments.types.as_deref().unwrap_or(TYPES));
    let mut path = format!("/v1/events?types={types}");
    if let Some(partner) = &arguments.partner {
        path.push_str("&partner=");
        path.push_str(&encode(partner));
    }
    let mut progress = Progress {
        place: arguments.after.clone(),
        left: arguments.count.map(NonZeroU64::get),
    };
    client.block_on(follow(&client, &path, arguments.format, &mut progress))
}

/// Asks again whenever the stream is lost; only a service that was never there, or that says no, ends the watch.
async fn follow(
    client: &Client,
    path: &str,
    format: Format,
    progress: &mut Progress,
) -> Result<Exit, ClientError> {
    let mut was_there = false;
    loop {
        match stream(client, path, format, progress, &mut was_there).await {
            Ok(Some(exit)) => return Ok(exit),
            Ok(None) => {}
            Err(error @ ClientError::Refused { status, .. }) if status < 500 => {
                return Err(error);
            }
            Err(error @ ClientError::Answer(_)) => return Err(error),
            Err(error) if !was_there => return Err(error),
            Err(error) => output::complain(&error.to_string()),
        }
        output::complain("the stream ended; asking again");
        tokio::time::sleep(RETRY).await;
    }
}

async fn stream(
    client: &Client,
    path: &str,
    format: Format,
    progress: &mut Progress,
    was_there: &mut bool,
) -> Result<Option<Exit>, ClientError> {
    let mut response = client.stream(path, progress.place.as_deref()).await?;
    *was_there = true;
    let mut reader = Reader::default();
    loop {
        let chunk = tokio::time::timeout(SILENCE_MAX, response.chunk()).await;
        let Ok(Ok(Some(bytes))) = chunk else {
            return Ok(None);
        };
        for event in reader.take(&bytes) {
            if let Some(exit) = told(&event, format, progress)? {
                return Ok(Some(exit));
            }
        }
    }
}

fn told(
    event: &SentEvent,
    format: Format,
    progress: &mut Progress,
) -> Result<Option<Exit>, ClientError> {
    progress.place = Some(event.id.clone()).filter(|id| !id.is_empty());
    if event.data.is_empty() {
        return Ok(None);
    }
    let unreadable = |error: serde_json::Error| ClientError::Answer(error.to_string());
    let line = match format {
        Format::Json => {
            let value: Value = serde_json::from_str(&event.data).map_err(unreadable)?;
            value.to_string()
        }
        Format::Text => line(&serde_json::from_str(&event.data).map_err(unreadable)?),
    };
    if let Some(ended) = output::write_more(format!("{line}\n").as_bytes()) {
        return Ok(Some(ended));
    }
    let Some(left) = &mut progress.left else {
        return Ok(None);
    };
    *left = left.saturating_sub(1);
    Ok((*left == 0).then_some(Exit::Success))
}

fn line(event: &Told) -> String {
    let mut words = vec![plain(&event.time), plain(&event.r#type)];
    let whole = [
        &event.request_id,
        &event.status,
        &event.operation,
        &event.partner,
        &event.urgency,
    ];
    words.extend(whole.into_iter().flatten().map(|word| plain(word)));
    if !event.items.is_empty() {
        let items = event.items.iter();
        let items = items.map(|item| format!("{}:{}", item.number, plain(&item.state)));
        words.push(items.collect::<Vec<_>>().join(","));
    }
    if let Some(obligation) = &event.obligation {
        words.push(format!(
            "obligation {} {}",
            plain(&obligation.id),
            plain(&obligation.name)
        ));
    }
    if !event.roles.is_empty() {
        let roles: Vec<String> = event.roles.iter().map(|role| plain(role)).collect();
        words.push(format!("to {}", roles.join(",")));
    }
    words.join("  ")
}
