//! Witnesses of the decision log in the configuration file, one `[[witnesses]]` each.

use std::path::PathBuf;

use reqwest::Url;
use serde::Deserialize;
use toml::de::DeTable;

use super::InvalidConfig;
use super::webhooks::read_all;
use super::webhooks::unknown_in;
use crate::decision_log::checkpoint::VerifierKey;
use crate::outbound::address::Network;

/// The name of the table in the file.
pub(super) const TABLE: &str = "witnesses";

/// The members of such a table, in the order of the document.
pub const MEMBERS: [&str; 4] = ["key", "url", "ca_file", "allow_addresses"];

/// One witness, as the settings say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessSettings {
    /// The key by which it cosigns.
    pub key: VerifierKey,
    /// Its submission prefix.
    pub url: Url,
    /// The authorities that may vouch for it, in PEM; absent: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Networks inside that may be called.
    pub allow_addresses: Vec<Network>,
}

/// The same, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenWitness {
    key: String,
    url: String,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    allow_addresses: Vec<String>,
}

/// Members that such a table does not have, with their lines.
pub(super) fn unknown_members(text: &str, table: &DeTable<'_>) -> Vec<String> {
    unknown_in(text, table, (TABLE, &MEMBERS))
}

/// All of them, checked; every problem is told at once, by the key of the witness.
pub(super) fn checked(written: Vec<WrittenWitness>) -> Result<Vec<WitnessSettings>, InvalidConfig> {
    let mut problems = Vec::new();
    let mut witnesses: Vec<WitnessSettings> = Vec::new();
    for witness in written {
        let key = witness.key.clone();
        let found = one(witness, &mut witnesses);
        problems.extend(
            found
                .into_iter()
                .map(|it| format!("witnesses `{key}`: {it}")),
        );
    }
    if problems.is_empty() {
        Ok(witnesses)
    } else {
        Err(InvalidConfig(problems))
    }
}

/// Reads one; what is wrong with it is the answer.
fn one(written: WrittenWitness, witnesses: &mut Vec<WitnessSettings>) -> Vec<String> {
    let mut problems = Vec::new();
    let key = match written.key.parse::<VerifierKey>() {
        Ok(key) if !key.is_cosigner() => {
            let detail =
                "key: it is no key of a witness; those are by Ed25519 (4) or ML-DSA-44 (6)";
            problems.push(detail.to_owned());
            None
        }
        // One witness under two names would count twice.
        Ok(key) if witnesses.iter().any(|other| other.key.name() == key.name()) => {
            problems.push(format!("key: there is another witness `{}`", key.name()));
            None
        }
        Ok(key) => Some(key),
        Err(error) => {
            problems.push(format!("key: {error}"));
            None
        }
    };
    let url = Url::parse(&written.url)
        .map_err(|error| problems.push(format!("url: `{}` is no address: {error}", written.url)));
    let allow_addresses =
        read_all::<Network>("allow_addresses", &written.allow_addresses, &mut problems);
    if let (Some(key), Ok(url), true) = (key, url, problems.is_empty()) {
        witnesses.push(WitnessSettings {
            key,
            url,
            ca_file: written.ca_file,
            allow_addresses,
        });
    }
    problems
}
