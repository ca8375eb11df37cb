//! Webhooks in the configuration file, one `[[webhooks]]` each.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use super::InvalidConfig;
use super::place;
use crate::app::events::EventId;
use crate::app::events::EventKind;
use crate::app::events::Wanted;
use crate::app::webhooks::Backoff;
use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::outbound::address::Network;

/// The name of the table in the file.
pub(super) const TABLE: &str = "webhooks";

const MEMBERS: [&str; 12] = [
    "name",
    "url",
    "types",
    "partner",
    "caller",
    "secret_file",
    "previous_secret_file",
    "ca_file",
    "allow_addresses",
    "begin_after",
    "timeout_seconds",
    "attempts_max",
];

pub(super) const NAME_BYTES_MAX: usize = 64;

/// One webhook, as the settings say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Its name.
    pub name: String,
    /// Where it sends.
    pub url: Url,
    /// Which events.
    pub wanted: Wanted,
    /// The caller by whose right it sends.
    pub caller: String,
    /// The file with the secret.
    pub secret_file: PathBuf,
    /// The file with the secret before it, as long as receivers know only that one.
    pub previous_secret_file: Option<PathBuf>,
    /// The authorities that may vouch for the receiver, in PEM; absent: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Networks inside that may be called.
    pub allow_addresses: Vec<Network>,
    /// After which event it begins.
    pub begin_after: EventId,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often and how far apart.
    pub backoff: Backoff,
}

/// One webhook, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenWebhook {
    name: String,
    url: String,
    #[serde(default)]
    types: Vec<String>,
    partner: Option<String>,
    caller: String,
    secret_file: PathBuf,
    previous_secret_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    allow_addresses: Vec<String>,
    begin_after: Option<String>,
    timeout_seconds: Option<u64>,
    attempts_max: Option<u32>,
}

/// Members that no webhook has, with their lines.
pub(super) fn unknown_members(text: &str, table: &DeTable<'_>) -> Vec<String> {
    unknown_in(text, table, (TABLE, &MEMBERS))
}

/// Members that the tables of this name do not have, with their lines.
pub(super) fn unknown_in(
    text: &str,
    table: &DeTable<'_>,
    (name, members): (&str, &[&str]),
) -> Vec<String> {
    let entries = table.get(name).map(Spanned::get_ref);
    let Some(DeValue::Array(entries)) = entries else {
        return Vec::new();
    };
    let mut unknown = Vec::new();
    for entry in entries {
        if let DeValue::Table(table) = entry.get_ref() {
            unknown.extend(place::unknown_keys(text, table, members));
        }
    }
    unknown
}

/// The webhooks, checked; every problem is told at once, by the name of the webhook.
pub(super) fn checked(written: Vec<WrittenWebhook>) -> Result<Vec<WebhookSettings>, InvalidConfig> {
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    let mut webhooks = Vec::new();
    for webhook in written {
        let name = webhook.name.clone();
        if !is_name(&name) {
            problems.push(format!(
                "webhooks: `{name}` is no name: lower-case letters, digits and hyphens, {NAME_BYTES_MAX} at most"
            ));
        }
        if !names.insert(name.clone()) {
            problems.push(format!(
                "webhooks: two are called `{name}`; give each its own name"
            ));
        }
        match one(webhook) {
            Ok(webhook) => webhooks.push(webhook),
            Err(found) => {
                problems.extend(
                    found
                        .into_iter()
                        .map(|it| format!("webhooks `{name}`: {it}")),
                );
            }
        }
    }
    if problems.is_empty() {
        Ok(webhooks)
    } else {
        Err(InvalidConfig(problems))
    }
}

/// It is the name of a file as well.
pub(super) fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(is_letter)
}

fn one(written: WrittenWebhook) -> Result<WebhookSettings, Vec<String>> {
    let mut problems = Vec::new();
    let url = Url::parse(&written.url);
    let url = url.map_err(|error| format!("url: `{}` is no address: {error}", written.url));
    let kinds = read_all::<EventKind>("types", &written.types, &mut problems);
    let partner = written.partner.as_deref().map(str::parse::<McSystemId>);
    let partner = partner.transpose();
    let partner = partner.map_err(|error| format!("partner: {error}"));
    let allow_addresses =
        read_all::<Network>("allow_addresses", &written.allow_addresses, &mut problems);
    let begin_after = written.begin_after.as_deref().map(str::parse::<EventId>);
    let begin_after = begin_after.transpose();
    let begin_after = begin_after.map_err(|error| format!("begin_after: {error}"));
    let timeout = bounded("timeout_seconds", written.timeout_seconds.unwrap_or(10), 60);
    let attempts = written
        .attempts_max
        .unwrap_or(Backoff::default().attempts_max);
    let attempts_max = bounded("attempts_max", attempts, 1_000);
    match (url, partner, begin_after, timeout, attempts_max) {
        (Ok(url), Ok(partner), Ok(begin_after), Ok(timeout), Ok(attempts_max))
            if problems.is_empty() =>
        {
            Ok(WebhookSettings {
                name: written.name,
                url,
                wanted: Wanted {
                    kinds: (!kinds.is_empty()).then(|| kinds.into_iter().collect()),
                    partner,
                },
                caller: written.caller,
                secret_file: written.secret_file,
                previous_secret_file: written.previous_secret_file,
                ca_file: written.ca_file,
                allow_addresses,
                begin_after: begin_after.unwrap_or(EventId {
                    index: LogIndex(0),
                    number: 0,
                }),
                timeout: Duration::from_secs(timeout),
                backoff: Backoff {
                    attempts_max,
                    ..Backoff::default()
                },
            })
        }
        (url, partner, begin_after, timeout, attempts_max) => {
            problems.extend(url.err());
            problems.extend(partner.err());
            problems.extend(begin_after.err());
            problems.extend(timeout.err());
            problems.extend(attempts_max.err());
            Err(problems)
        }
    }
}

pub(super) fn read_all<T>(member: &str, texts: &[String], problems: &mut Vec<String>) -> Vec<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let mut read = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(value) => read.push(value),
            Err(error) => problems.push(format!("{member}: {error}")),
        }
    }
    read
}

pub(super) fn bounded<T: PartialOrd + From<u8> + Copy + std::fmt::Display>(
    member: &str,
    value: T,
    most: T,
) -> Result<T, String> {
    if value >= T::from(1) && value <= most {
        Ok(value)
    } else {
        Err(format!("{member}: `{value}` is not from 1 to {most}"))
    }
}
