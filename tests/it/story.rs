//! The table of the story's scenarios in the documentation, held against the files.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use crate::golden::SCENES;

const NUMBERS: u32 = 18;

/// The rows of the table: by number, what stands in the column of the files.
fn rows() -> BTreeMap<u32, String> {
    let text = fs::read_to_string("docs/scenarios.md").unwrap();
    let (_, story) = text.split_once("## The story").unwrap();
    story
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let number = cells.first()?.parse().ok()?;
            Some((number, cells[2].to_owned()))
        })
        .collect()
}

fn named(cell: &str) -> BTreeSet<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_table_has_every_number_and_every_file_under_its_own() {
    let rows = rows();
    assert!(rows.keys().copied().eq(1..=NUMBERS), "{rows:?}");
    let mut written: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for scene in SCENES.iter() {
        if let Some(file) = scene.name.strip_prefix("story/") {
            let number = file.split('-').next().unwrap().parse().unwrap();
            written.entry(number).or_default().insert(file.to_owned());
        }
    }
    for (number, cell) in &rows {
        let files = written.remove(number).unwrap_or_default();
        assert_eq!(named(cell), files, "scenario {number}");
        assert!(!files.is_empty(), "scenario {number}");
    }
    assert!(written.is_empty(), "{written:?}");
}

/// What the story tells went over the interface between two systems.
#[test]
fn a_front_end_can_post_every_request_of_the_story() {
    let story = SCENES
        .iter()
        .filter(|scene| scene.name.starts_with("story/"));
    let not_posted: Vec<&str> = story
        .filter(|scene| scene.posted.is_none())
        .map(|scene| scene.name.as_str())
        .collect();
    assert!(not_posted.is_empty(), "{not_posted:?}");
}
