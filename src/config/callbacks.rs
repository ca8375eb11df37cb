//! Who may be called when an access request has ended, in the configuration file, one `[[callbacks]]` each.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::de::DeTable;

use super::InvalidConfig;
use super::webhooks::NAME_BYTES_MAX;
use super::webhooks::bounded;
use super::webhooks::is_name;
use super::webhooks::read_all;
use super::webhooks::unknown_in;
use crate::app::webhooks::Backoff;
use crate::outbound::address::Network;
use crate::outbound::host::Host;

/// The name of the table in the file.
pub(super) const TABLE: &str = "callbacks";

/// The members of such a table, in the order of the document.
pub const MEMBERS: [&str; 9] = [
    "name",
    "caller",
    "hosts",
    "secret_file",
    "previous_secret_file",
    "ca_file",
    "allow_addresses",
    "timeout_seconds",
    "attempts_max",
];

/// One caller who may be called, as the settings say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackSettings {
    /// The name of the receiver.
    pub name: String,
    /// The caller whose tasks it is called about.
    pub caller: String,
    /// The hosts on which it may be called.
    pub hosts: BTreeSet<Host>,
    /// The file with the secret.
    pub secret_file: PathBuf,
    /// The file with the secret before it, as long as whoever is called knows only that one.
    pub previous_secret_file: Option<PathBuf>,
    /// The authorities that may vouch for the hosts, in PEM; absent: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Networks inside that may be called.
    pub allow_addresses: Vec<Network>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often and how far apart.
    pub backoff: Backoff,
}

/// The same, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenCallback {
    name: String,
    caller: String,
    hosts: Vec<String>,
    secret_file: PathBuf,
    previous_secret_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    allow_addresses: Vec<String>,
    timeout_seconds: Option<u64>,
    attempts_max: Option<u32>,
}

/// Members that such a table does not have, with their lines.
pub(super) fn unknown_members(text: &str, table: &DeTable<'_>) -> Vec<String> {
    unknown_in(text, table, (TABLE, &MEMBERS))
}

/// All of them, checked; every problem is told at once, by the name of the receiver.
pub(super) fn checked(
    written: Vec<WrittenCallback>,
    is_offered: bool,
) -> Result<Vec<CallbackSettings>, InvalidConfig> {
    let mut problems = Vec::new();
    if !written.is_empty() && !is_offered {
        problems.push("callbacks: nobody can ask for an approval without `public_url`; set it, or leave them out".to_owned());
    }
    let (mut names, mut callers) = (BTreeSet::new(), BTreeSet::new());
    let mut callbacks = Vec::new();
    for callback in written {
        let (name, caller) = (callback.name.clone(), callback.caller.clone());
        if !is_name(&name) {
            problems.push(format!(
                "callbacks: `{name}` is no name: lower-case letters, digits and hyphens, {NAME_BYTES_MAX} at most"
            ));
        }
        if !names.insert(name.clone()) {
            problems.push(format!(
                "callbacks: two are called `{name}`; give each its own name"
            ));
        }
        if !callers.insert(caller.clone()) {
            problems.push(format!(
                "callbacks `{name}`: there is another table for `{caller}`; write all its `hosts` in one"
            ));
        }
        let found = one(callback, &mut callbacks);
        problems.extend(
            found
                .into_iter()
                .map(|it| format!("callbacks `{name}`: {it}")),
        );
    }
    if problems.is_empty() {
        Ok(callbacks)
    } else {
        Err(InvalidConfig(problems))
    }
}

/// Reads one; what is wrong with it is the answer.
fn one(written: WrittenCallback, callbacks: &mut Vec<CallbackSettings>) -> Vec<String> {
    let mut problems = Vec::new();
    let hosts = read_all::<Host>("hosts", &written.hosts, &mut problems);
    if written.hosts.is_empty() {
        problems.push("hosts: there is none; name those that may be called".to_owned());
    }
    let allow_addresses =
        read_all::<Network>("allow_addresses", &written.allow_addresses, &mut problems);
    let timeout = bounded("timeout_seconds", written.timeout_seconds.unwrap_or(10), 60);
    let attempts = written.attempts_max;
    let attempts = attempts.unwrap_or(Backoff::default().attempts_max);
    let attempts_max = bounded("attempts_max", attempts, 1_000);
    match (timeout, attempts_max) {
        (Ok(timeout), Ok(attempts_max)) => callbacks.push(CallbackSettings {
            name: written.name,
            caller: written.caller,
            hosts: hosts.into_iter().collect(),
            secret_file: written.secret_file,
            previous_secret_file: written.previous_secret_file,
            ca_file: written.ca_file,
            allow_addresses,
            timeout: Duration::from_secs(timeout),
            backoff: Backoff {
                attempts_max,
                ..Backoff::default()
            },
        }),
        (timeout, attempts_max) => {
            problems.extend(timeout.err());
            problems.extend(attempts_max.err());
        }
    }
    problems
}
