//! The catalogue in the documentation, held against the operations in code.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use comity::domain::operation::Operation;

/// The rows of operations: by word, the number, the sides and the members.
fn rows() -> BTreeMap<String, [String; 3]> {
    let text = fs::read_to_string("docs/catalogue.md").unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let word = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let cell = |number: usize| cells[number].to_owned();
        Some((word.to_owned(), [cell(0), cell(2), cell(3)]))
    });
    rows.collect()
}

#[test]
fn every_operation_has_a_row_with_its_number_and_nothing_else_has() {
    let rows = rows();
    let written: BTreeSet<(&str, &str)> = rows
        .iter()
        .map(|(word, [number, ..])| (word.as_str(), number.as_str()))
        .collect();
    let coded: BTreeSet<(&str, &str)> = Operation::ALL
        .iter()
        .map(|operation| (operation.as_str(), operation.number()))
        .collect();
    assert_eq!(written, coded);
}

#[test]
fn a_row_names_the_members_of_its_operation() {
    let rows = rows();
    let mut missing = Vec::new();
    for operation in Operation::ALL {
        let [_, _, members] = &rows[operation.as_str()];
        // A row may speak of an earlier one: "as M7", "the same with".
        if members.contains("the same") || members.starts_with("as ") {
            continue;
        }
        for member in operation.members() {
            if !members.contains(&format!("`{member}`")) {
                missing.push(format!("{operation}: `{member}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
