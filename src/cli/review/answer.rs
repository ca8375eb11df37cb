//! `comity review approve` and `deny`.

use clap::Args;
use serde_json::Value;
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

/// Arguments of `review approve` and `review deny`.
#[derive(Debug, Args)]
pub struct Answer {
    /// The request's id
    request: Uuid,
    /// Who answers: the MC service ID of a user of this system
    #[arg(long, value_name = "MC_SERVICE_ID")]
    reviewer: String,
    /// Why; it stands in the record
    #[arg(long)]
    reason: String,
    /// A pending item, by number from 0; may be repeated [default: all that are the reviewer's to answer]
    #[arg(long = "item", value_name = "NUMBER")]
    items: Vec<usize>,
    /// What was seen, as `review show` tells it; refused if the request has changed since
    #[arg(long, value_name = "TAG")]
    seen: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

/// The two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Grant it, if policy still permits it.
    Approve,
    /// Refuse it.
    Deny,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

pub(super) fn run(arguments: &Answer, verdict: Verdict) -> Result<Exit, ClientError> {
    let client = Client::connect(&arguments.connection)?;
    let path = format!("/v1/requests/{}/responses", arguments.request);
    let mut body = json!({
        "answer": verdict.as_str(),
        "reason": arguments.reason,
        "reviewer": arguments.reviewer,
    });
    if let (false, Some(members)) = (arguments.items.is_empty(), body.as_object_mut()) {
        members.insert("items".to_owned(), json!(arguments.items));
    }
    let seen = arguments.seen.as_deref();
    let reply = client.block_on(client.post_if(&path, &body, seen))?;
    let came_out = came_out(&reply.body, verdict)?;
    match arguments.format {
        Format::Json => say_json(&reply.body)?,
        Format::Text => {
            let request: Request = understood(reply.body)?;
            output::write(told(&request).as_bytes())
        }
    };
    Ok(came_out)
}

/// What approved items became: refused ones were no longer permitted when they were approved.
fn came_out(body: &Value, verdict: Verdict) -> Result<Exit, ClientError> {
    let request: Request = understood(body.clone())?;
    let Some(answered) = request.responses.last() else {
        return Ok(Exit::Success);
    };
    let states = request.items.iter().zip(0_usize..);
    let mut refused =
        states.filter(|(item, number)| answered.items.contains(number) && item.state == "refused");
    match verdict {
        Verdict::Approve if refused.next().is_some() => {
            output::complain("approved, but refused: policy does not permit it any more");
            Ok(Exit::No)
        }
        Verdict::Approve | Verdict::Deny => Ok(Exit::Success),
    }
}
