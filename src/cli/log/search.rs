//! `comity log search`: finding records of a running service.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::Failure;
use super::calling::failure;
use super::calling::understood;
use crate::cli::client::Client;
use crate::cli::client::ClientError;
use crate::cli::client::Connection;
use crate::cli::client::encode;
use crate::cli::output;
use crate::cli::plain::plain;
use crate::cli::review::columns;

const PAGE_RECORDS: usize = 500;

/// By what records are found, and how they are told.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Recorded no earlier, such as 2026-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Recorded earlier
    #[arg(long, visible_alias = "to", value_name = "TIME")]
    until: Option<String>,
    /// The kind of the leaf, such as request or review
    #[arg(long)]
    kind: Option<String>,
    /// What came out for at least one item: accept, reject or review
    #[arg(long)]
    outcome: Option<String>,
    /// The operation
    #[arg(long)]
    operation: Option<String>,
    /// The other system of the exchange
    #[arg(long, value_name = "MC_SYSTEM_ID")]
    partner: Option<String>,
    /// A category of at least one item
    #[arg(long)]
    category: Option<String>,
    /// A policy that determined the outcome of at least one item
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    /// The digest of the bundle that decided
    #[arg(long, value_name = "DIGEST")]
    bundle: Option<String>,
    /// A group that it is about
    #[arg(long, value_name = "MC_GROUP_ID")]
    group: Option<String>,
    /// The request that it submits or changes
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Somebody whom it is about
    #[arg(long, value_name = "MC_SERVICE_ID")]
    user: Option<String>,
    /// Who answered
    #[arg(long, value_name = "MC_SERVICE_ID")]
    reviewer: Option<String>,
    /// The account that submitted, wrote or read
    #[arg(long, value_name = "ACCOUNT")]
    caller: Option<String>,
    /// Only records before this place
    #[arg(long, value_name = "INDEX")]
    before: Option<u64>,
    /// How many records at most
    #[arg(long, default_value = "100")]
    limit: NonZeroUsize,
    /// A JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What a table tells of a record.
#[derive(Debug, Deserialize)]
struct Row {
    index: u64,
    time: String,
    kind: String,
    outcomes: Outcomes,
    operation: Option<String>,
    #[serde(default)]
    partners: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
    reviewer: Option<String>,
    request: Option<String>,
    #[serde(default)]
    erased: usize,
}

#[derive(Debug, Deserialize)]
struct Outcomes {
    accept: u64,
    reject: u64,
    review: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = Client::connect(&arguments.connection).map_err(|error| failure(&error))?;
    let read = client.block_on(read(&client, arguments));
    let (found, has_more) = read.map_err(|error| failure(&error))?;
    if arguments.json {
        let mut lines = String::new();
        for record in &found {
            lines.push_str(&record.to_string());
            lines.push('\n');
        }
        let _exit = output::write(lines.as_bytes());
    } else if found.is_empty() {
        output::complain("no record fits");
    } else {
        let rows: Vec<Row> = understood(Value::Array(found))?;
        let _exit = output::write(table(&rows).as_bytes());
    }
    if has_more {
        output::complain("there are more; see `--limit` and `--before`");
    }
    Ok(())
}

async fn read(client: &Client, arguments: &Arguments) -> Result<(Vec<Value>, bool), ClientError> {
    let wanted = arguments.limit.get();
    let filter = filter(arguments);
    let mut found: Vec<Value> = Vec::new();
    let mut before = arguments.before;
    while found.len() < wanted {
        let limit = (wanted - found.len()).min(PAGE_RECORDS);
        let place = before.map(|before| format!("&before={before}"));
        let place = place.unwrap_or_default();
        let body = client
            .get(&format!("/v1/records?limit={limit}{place}{filter}"))
            .await?;
        let records = body.get("records").and_then(Value::as_array);
        let records =
            records.ok_or_else(|| ClientError::Answer("it has no `records`".to_owned()))?;
        found.extend(records.iter().cloned());
        before = body.get("next").and_then(Value::as_u64);
        if before.is_none() {
            return Ok((found, false));
        }
    }
    Ok((found, true))
}

fn filter(arguments: &Arguments) -> String {
    let parameters = [
        ("from", &arguments.from),
        ("until", &arguments.until),
        ("kind", &arguments.kind),
        ("outcome", &arguments.outcome),
        ("operation", &arguments.operation),
        ("partner", &arguments.partner),
        ("category", &arguments.category),
        ("policy", &arguments.policy),
        ("bundle", &arguments.bundle),
        ("group", &arguments.group),
        ("request", &arguments.request),
        ("user", &arguments.user),
        ("reviewer", &arguments.reviewer),
        ("caller", &arguments.caller),
    ];
    let given = parameters
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let mut filter = String::new();
    for (name, value) in given {
        // Writing into a text never fails.
        let _written = write!(filter, "&{name}={}", encode(value));
    }
    filter
}

fn table(rows: &[Row]) -> String {
    let head = [
        "INDEX",
        "TIME",
        "KIND",
        "OUTCOMES",
        "OPERATION",
        "WITH",
        "ABOUT",
        "REQUEST",
    ];
    let mut told = vec![head.map(str::to_owned)];
    told.extend(rows.iter().map(|row| {
        [
            row.index.to_string(),
            plain(&row.time),
            plain(&row.kind),
            row.outcomes.told(),
            plain(row.operation.as_deref().unwrap_or_default()),
            some_of(&row.partners),
            row.about(),
            plain(row.request.as_deref().unwrap_or_default()),
        ]
    }));
    columns(&told)
}

impl Outcomes {
    fn told(&self) -> String {
        let counts = [
            (self.accept, "accept"),
            (self.reject, "reject"),
            (self.review, "review"),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told
            .map(|(count, word)| match count {
                1 => (*word).to_owned(),
                count => format!("{count} {word}"),
            })
            .collect();
        told.join(", ")
    }
}

impl Row {
    fn about(&self) -> String {
        let mut about = some_of(&self.users);
        if let Some(reviewer) = &self.reviewer {
            about = format!("{about} by {}", plain(reviewer));
        }
        if self.erased > 0 {
            about = format!("{about} ({} erased)", self.erased);
        }
        about.trim().to_owned()
    }
}

/// The first of several texts, and how many others there are.
fn some_of(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => plain(only),
        [first, others @ ..] => format!("{} and {} more", plain(first), others.len()),
    }
}
