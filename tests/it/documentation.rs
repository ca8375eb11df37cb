//! What the documentation lists is what there is.

use std::collections::BTreeSet;
use std::fs;

use comity::http::problem::kind::ProblemKind;

/// The cells of every row of the tables of a page.
fn rows(page: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(page).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| {
            line.split(" | ")
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_kind_of_problem_is_on_its_page_and_no_other() {
    let documented: BTreeSet<Vec<String>> = rows("docs/problems.md")
        .into_iter()
        .filter(|row| row.len() == 4 && row[0].parse::<u16>().is_ok())
        .collect();
    let known: BTreeSet<Vec<String>> = ProblemKind::ALL
        .iter()
        .map(|kind| {
            let name = format!("`{}`", kind.name());
            let status = kind.status().as_u16().to_string();
            vec![
                status,
                name,
                kind.title().to_owned(),
                kind.remedy().to_owned(),
            ]
        })
        .collect();
    assert_eq!(documented, known);
    let names: BTreeSet<&str> = ProblemKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ProblemKind::ALL.len());
}
