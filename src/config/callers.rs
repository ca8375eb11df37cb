//! The list of callers, checked: everybody has a name and a token of their own.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use super::InvalidConfig;
use super::place;
use crate::identity::caller::CallerEntry;
use crate::identity::caller::CallerList;
use crate::identity::caller::RESERVED_NAMES;

const MEMBERS: [&str; 4] = ["name", "roles", "token_sha256", "not_after"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placed {
    #[serde(default)]
    caller: Vec<Spanned<CallerEntry>>,
}

/// Reads a callers file.
pub fn from_file(path: &Path) -> Result<CallerList, InvalidConfig> {
    let text = place::read(path)?;
    from_text(&text).map_err(|InvalidConfig(problems)| place::within(path, problems))
}

/// Reads the text of a callers file; every problem is told at once, with its line.
pub fn from_text(text: &str) -> Result<CallerList, InvalidConfig> {
    let unknown = unknown_keys(text)?;
    if !unknown.is_empty() {
        return Err(InvalidConfig(unknown));
    }
    let placed: Placed =
        toml::from_str(text).map_err(|error| InvalidConfig(vec![error.to_string()]))?;
    let problems = problems(text, &placed.caller);
    if !problems.is_empty() {
        return Err(InvalidConfig(problems));
    }
    let callers = placed.caller.into_iter().map(Spanned::into_inner).collect();
    Ok(CallerList { callers })
}

fn unknown_keys(text: &str) -> Result<Vec<String>, InvalidConfig> {
    let table = place::table(text)?;
    let mut unknown = place::unknown_keys(text, table.get_ref(), &["caller"]);
    let entries = table.get_ref().get("caller").map(Spanned::get_ref);
    if let Some(DeValue::Array(entries)) = entries {
        for entry in entries {
            if let DeValue::Table(entry) = entry.get_ref() {
                unknown.extend(place::unknown_keys(text, entry, &MEMBERS));
            }
        }
    }
    Ok(unknown)
}

fn problems(text: &str, callers: &[Spanned<CallerEntry>]) -> Vec<String> {
    let line = |entry: &Spanned<CallerEntry>| place::line(text, entry.span().start);
    let mut problems = Vec::new();
    for (number, entry) in callers.iter().enumerate() {
        let (here, caller) = (line(entry), entry.get_ref());
        let name = &caller.name;
        if name.trim().is_empty() {
            problems.push(format!("line {here}: a caller has a name"));
        }
        if RESERVED_NAMES.contains(&name.as_str()) {
            problems.push(format!(
                "line {here}: the name `{name}` belongs to the service itself; choose another"
            ));
        }
        for earlier in callers.iter().take(number) {
            let there = line(earlier);
            if earlier.get_ref().name == *name {
                problems.push(format!(
                    "line {here}: the name `{name}` is taken in line {there}; give each caller its own"
                ));
            }
            if earlier.get_ref().token_sha256 == caller.token_sha256 {
                problems.push(format!(
                    "line {here}: the token of `{name}` is that of `{}` in line {there}; make another",
                    earlier.get_ref().name
                ));
            }
        }
    }
    problems
}
