//! Where a setting stands in a file, and which one was meant.

use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

use super::InvalidConfig;

/// Names this similar are taken for misspellings.
const SIMILAR: f64 = 0.75;

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, InvalidConfig> {
    std::fs::read_to_string(path).map_err(|error| within(path, vec![error.to_string()]))
}

/// The table that a text holds.
pub(super) fn table(text: &str) -> Result<Spanned<DeTable<'_>>, InvalidConfig> {
    DeTable::parse(text).map_err(|error| InvalidConfig(vec![error.to_string()]))
}

/// Problems of a file, each under its name.
pub(super) fn within(path: &Path, problems: Vec<String>) -> InvalidConfig {
    let named = |problem| format!("{}: {problem}", path.display());
    InvalidConfig(problems.into_iter().map(named).collect())
}

/// Every key that is none of those known, with its line and what was meant.
pub(super) fn unknown_keys(text: &str, table: &DeTable<'_>, known: &[&str]) -> Vec<String> {
    table
        .keys()
        .filter(|key| !known.contains(&&**key.get_ref()))
        .map(|key| {
            let line = line(text, key.span().start);
            let name = key.get_ref();
            let meant = match meant(name, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", listed(known)),
            };
            format!("line {line}: `{name}` is unknown; {meant}")
        })
        .collect()
}

/// The name that was meant, if one is close.
pub(super) fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let similarity = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
    known
        .iter()
        .copied()
        .filter(|known| similarity(known) >= SIMILAR)
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
}

/// The line of an offset, from 1.
pub(super) fn line(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

fn listed(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
