//! `comity log erase`: orders to erase personal parts of records, which two persons give.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::ArgGroup;
use clap::Args;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use super::Failure;
use crate::app::replaced_file::replace;
use crate::cli::client::Client;
use crate::cli::client::ClientError;
use crate::cli::client::Connection;
use crate::cli::data_directory::used;
use crate::cli::output;
use crate::store::embedded::erasure::KeptOrders;
use crate::store::embedded::erasure::ORDERS_FILE;

/// What is to be erased, or which order is meant.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["subjects", "records", "approve", "refuse", "list", "orders"]))]
pub struct Arguments {
    /// Ask to erase all parts under this key: an MC service ID, `users/officer-114`; may be repeated
    #[arg(long = "subject", value_name = "KEY", requires = "by")]
    subjects: Vec<String>,
    /// Ask to erase the personal parts of these entries: an index, or first and last as `12-15`
    #[arg(long = "record", value_name = "INDEX", requires = "by", value_parser = range)]
    records: Option<(u64, u64)>,
    /// Confirm an order that somebody else asked for; from then on it is carried out
    #[arg(long, value_name = "ORDER", requires = "by")]
    approve: Option<Uuid>,
    /// Refuse an order, or take it back
    #[arg(long, value_name = "ORDER", requires = "by")]
    refuse: Option<Uuid>,
    /// Show all orders
    #[arg(long)]
    list: bool,
    /// Give a restored data directory the orders of this file, the newest `erasures.json` there is; the next start carries them out
    #[arg(
        long = "from-orders",
        value_name = "FILE",
        requires = "data_dir",
        conflicts_with = "token_file"
    )]
    orders: Option<PathBuf>,
    /// The data directory of a service that is not running
    #[arg(long, value_name = "DIR", requires = "orders")]
    data_dir: Option<PathBuf>,
    /// The legal ground: no-longer-needed, consent-withdrawn, objection, unlawful, legal-obligation or storage-limit
    #[arg(long, value_name = "GROUND")]
    ground: Option<String>,
    /// Why, in words; erased with the subjects
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The user of this system who asks, confirms or refuses
    #[arg(long, value_name = "MC_SERVICE_ID")]
    by: Option<String>,
    #[command(flatten)]
    connection: Option<Connection>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let (Some(file), Some(directory)) = (&arguments.orders, &arguments.data_dir) {
        return take_over(file, directory);
    }
    let connection = arguments.connection.as_ref();
    let connection = connection.ok_or_else(|| {
        Failure::Input("name the token of the caller by `--token-file`".to_owned())
    })?;
    let client = Client::connect(connection)?;
    let by = arguments.by.as_deref().unwrap_or_default();
    if arguments.list {
        let answer = client.block_on(client.get("/v1/erasures"))?;
        return say(answer.get("erasures").unwrap_or(&answer));
    }
    let (path, body) = if let Some(order) = arguments.approve {
        let path = format!("/v1/erasures/{order}/approval");
        (path, json!({ "approved_by": by }))
    } else if let Some(order) = arguments.refuse {
        let path = format!("/v1/erasures/{order}/refusal");
        (path, json!({ "refused_by": by }))
    } else {
        ("/v1/erasures".to_owned(), asked(arguments, by)?)
    };
    say(&client.block_on(client.post(&path, &body))?)
}

fn asked(arguments: &Arguments, by: &str) -> Result<Value, Failure> {
    let missing =
        |name: &str| Failure::Input(format!("`{name}` is missing: it stands in the order"));
    let ground = arguments.ground.as_ref();
    let ground = ground.ok_or_else(|| missing("--ground"))?;
    let reason = arguments.reason.as_ref();
    let reason = reason.ok_or_else(|| missing("--reason"))?;
    let mut body = json!({ "ground": ground, "reason": reason, "asked_by": by });
    if let Some(members) = body.as_object_mut() {
        match arguments.records {
            Some((first, last)) => {
                members.insert(
                    "records".to_owned(),
                    json!({ "first": first, "last": last }),
                );
            }
            None => {
                members.insert("subjects".to_owned(), json!(arguments.subjects));
            }
        }
    }
    Ok(body)
}

/// Puts the orders of a file beside those of a restored data directory.
fn take_over(file: &Path, directory: &Path) -> Result<(), Failure> {
    let directory = used(directory)?;
    let newer = read(file)?
        .ok_or_else(|| Failure::Input(format!("there is no file `{}`", file.display())))?;
    let place = directory.join(ORDERS_FILE);
    let merged = match read(&place)? {
        Some(older) => older.merged(newer).ok_or_else(|| {
            Failure::Input(format!(
                "`{}` is about another log than `{}`: take the file of the log that was restored",
                file.display(),
                place.display()
            ))
        })?,
        None => newer,
    };
    let count = merged.orders.len();
    let bytes = serde_json::to_vec_pretty(&merged);
    let bytes = bytes.map_err(|error| Failure::Broken(error.to_string()))?;
    replace(&place, &bytes)
        .map_err(|error| Failure::Broken(format!("cannot write `{}`: {error}", place.display())))?;
    output::say(&format!("{count} orders; the next start carries them out"));
    Ok(())
}

fn read(file: &Path) -> Result<Option<KeptOrders>, Failure> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", file.display());
            return Err(Failure::Input(message));
        }
    };
    let orders = KeptOrders::parse(&bytes);
    orders.map(Some).map_err(|error| {
        Failure::Input(format!(
            "`{}` is no file of orders: {error}",
            file.display()
        ))
    })
}

fn say(body: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(body);
    output::say(&text.map_err(|error| Failure::Broken(error.to_string()))?);
    Ok(())
}

/// `12` or `12-15`.
fn range(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| {
            format!(
                "`{text}` is no index of an entry; give one as `12`, or first and last as `12-15`"
            )
        })
    };
    Ok((number(first)?, number(last)?))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let told = error.to_string();
        match error {
            ClientError::Refused { status, .. } => match status {
                401 | 403 | 409 | 410 | 412 => Self::No(told),
                400..=499 => Self::Input(told),
                _ => Self::Broken(told),
            },
            ClientError::Token(_) | ClientError::Invalid(_) => Self::Input(told),
            ClientError::Unreachable { .. } | ClientError::Answer(_) => Self::Broken(told),
        }
    }
}
