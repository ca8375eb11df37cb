//! `comity review withdraw`: whoever asked wants it no longer.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::super::client::Client;
use super::super::client::ClientError;
use super::super::client::Connection;
use super::super::exit::Exit;
use super::super::output;
use super::Format;
use super::say_json;
use super::show::told;
use super::understood;
use super::view::Request;

/// Arguments of `review withdraw`.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// The request's id
    request: Uuid,
    /// Why; it stands in the record
    #[arg(long)]
    reason: String,
    /// An item that waits, by number from 0; may be repeated [default: all that wait]
    #[arg(long = "item", value_name = "NUMBER")]
    items: Vec<usize>,
    /// The requester, if they withdraw it in person
    #[arg(long = "by", value_name = "MC_SERVICE_ID")]
    withdrawn_by: Option<String>,
    /// What was seen, as `review show` tells it; refused if the request has changed since
    #[arg(long, value_name = "TAG")]
    seen: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Withdraw) -> Result<Exit, ClientError> {
    let client = Client::connect(&arguments.connection)?;
    let path = format!("/v1/requests/{}/withdrawal", arguments.request);
    let mut body = json!({ "reason": arguments.reason });
    if let Some(members) = body.as_object_mut() {
        if !arguments.items.is_empty() {
            members.insert("items".to_owned(), json!(arguments.items));
        }
        if let Some(person) = &arguments.withdrawn_by {
            members.insert("withdrawn_by".to_owned(), json!(person));
        }
    }
    let seen = arguments.seen.as_deref();
    let reply = client.block_on(client.post_if(&path, &body, seen))?;
    match arguments.format {
        Format::Json => say_json(&reply.body),
        Format::Text => {
            let request: Request = understood(reply.body)?;
            Ok(output::write(told(&request).as_bytes()))
        }
    }
}
