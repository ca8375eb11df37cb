//! Keeps the floors honest: no module imports from its own floor or above.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Lowest floor first; modules on one line are neighbours and may not import each other.
const FLOORS: &[&[&str]] = &[
    &["domain", "telemetry"],
    &["policy", "decision_log", "identity"],
    &["decision"],
    &["store"],
    &["app"],
    &["workbench"],
    &["http"],
    &["config"],
    &["cli"],
];

#[test]
fn imports_point_downwards() {
    let violations: Vec<String> = sources()
        .iter()
        .filter_map(|path| Some((path, module_of(path)?)))
        .flat_map(|(path, module)| {
            let source = fs::read_to_string(path).unwrap();
            imports(&source)
                .filter(|imported| *imported != module)
                .filter(|imported| floor_of(imported) >= floor_of(&module))
                .map(|imported| format!("{}: `{module}` imports `{imported}`", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Steps are taken by the methods of a state alone (`src/domain/lifecycle/`); above the store nobody writes a state
/// down by hand.
#[test]
fn use_cases_make_no_state_of_an_item_by_hand() {
    let made = |line: &str| {
        let line = line.trim_start();
        let words = [
            "= ItemState::",
            "=> ItemState::",
            ": ItemState::",
            "return ItemState::",
        ];
        let compares = line.contains("== ItemState::") || line.contains("!= ItemState::");
        !line.starts_with("//") && !compares && words.iter().any(|word| line.contains(word))
    };
    assert!(made("it.to = ItemState::Refused;") && !made("if it != ItemState::Refused {"));
    let violations: Vec<String> = sources()
        .iter()
        .filter(|path| {
            let module = module_of(path);
            module.is_some_and(|module| floor_of(&module) > floor_of("store"))
        })
        .flat_map(|path| {
            let source = fs::read_to_string(path).unwrap();
            let made = source.lines().filter(|line| made(line));
            made.map(|line| format!("{}: {line}", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

fn floor_of(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&module))
        .unwrap_or_else(|| panic!("`crate::{module}` names no module of the floors"))
}

/// Top-level module a source file belongs to; `None` for the crate roots.
fn module_of(path: &Path) -> Option<String> {
    let relative = path.strip_prefix("src").unwrap();
    let first = relative.iter().next().unwrap().to_str().unwrap();
    let name = first.trim_end_matches(".rs");
    (!matches!(name, "lib" | "main")).then(|| name.to_owned())
}

/// Top-level modules that the code (not the comments) names by a `crate::` path.
fn imports(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .filter_map(|rest| rest.split(is_outside_identifier).next())
}

fn is_outside_identifier(c: char) -> bool {
    !c.is_ascii_alphanumeric() && c != '_'
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![PathBuf::from("src")];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}
