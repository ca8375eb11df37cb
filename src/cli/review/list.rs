//! `comity review list`.

use std::num::NonZeroUsize;

use clap::Args;
use serde_json::Value;

use super::super::client::Client;
use super::super::client::ClientError;
use super::super::client::Connection;
use super::super::client::encode;
use super::super::exit::Exit;
use super::super::output;
use super::super::plain::plain;
use super::Format;
use super::say_json;
use super::understood;
use super::view::Page;
use super::view::Waiting;
use super::view::columns;

const PAGE_ITEMS: usize = 500;

/// Arguments of `review list`.
#[derive(Debug, Args)]
pub struct List {
    /// For whom: the MC service ID of a user of this system
    #[arg(long, value_name = "MC_SERVICE_ID")]
    reviewer: String,
    /// How many items at most
    #[arg(long, default_value = "100")]
    limit: NonZeroUsize,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &List) -> Result<Exit, ClientError> {
    let client = Client::connect(&arguments.connection)?;
    let (found, is_all) = client.block_on(read(&client, arguments))?;
    match arguments.format {
        Format::Json => say_json(&Value::Array(found)),
        Format::Text => {
            let found: Vec<Waiting> = understood(Value::Array(found))?;
            if found.is_empty() {
                output::complain("nothing waits that this reviewer can answer");
            } else {
                output::write(table(&found).as_bytes());
            }
            if !is_all {
                output::complain("there are more; see `--limit`");
            }
            Ok(Exit::Success)
        }
    }
}

/// The items as they were answered, and whether there are no others.
async fn read(client: &Client, arguments: &List) -> Result<(Vec<Value>, bool), ClientError> {
    let reviewer = encode(&arguments.reviewer);
    let mut found: Vec<Value> = Vec::new();
    let mut after: Option<String> = None;
    let wanted = arguments.limit.get();
    while found.len() < wanted {
        let limit = (wanted - found.len()).min(PAGE_ITEMS);
        let place = after.map(|after| format!("&after={}", encode(&after)));
        let place = place.unwrap_or_default();
        let path = format!("/v1/reviews?can=answer&reviewer={reviewer}&limit={limit}{place}");
        let body = client.get(&path).await?;
        let items = body.get("items").and_then(Value::as_array).cloned();
        found.extend(items.unwrap_or_default());
        let page: Page = understood(body)?;
        match page.next {
            Some(next) if !page.items.is_empty() => after = Some(next),
            Some(_) | None => return Ok((found, true)),
        }
    }
    Ok((found, false))
}

/// The operation, with a word where only an approval of it is asked for.
fn operation(waiting: &Waiting) -> String {
    let operation = plain(&waiting.operation);
    if waiting.asks_for_approval {
        format!("{operation} (single-use approval)")
    } else {
        operation
    }
}

fn table(found: &[Waiting]) -> String {
    let head = [
        "REQUEST",
        "ITEM",
        "URGENCY",
        "OPERATION",
        "FROM",
        "ABOUT",
        "EXPIRES",
        "NEEDS",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(found.iter().map(|it| {
        let quorum = it.item.quorum.as_ref();
        [
            plain(&it.request_id),
            it.number.to_string(),
            plain(&it.urgency),
            operation(it),
            plain(&it.requesting_system),
            it.item.subject(),
            it.item
                .expires_at
                .as_deref()
                .map_or_else(|| "never".to_owned(), plain),
            quorum.map(ToString::to_string).unwrap_or_default(),
        ]
    }));
    columns(&rows)
}
