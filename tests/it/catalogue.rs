//! The catalogue in the documentation, held against the operations in code and what the scenarios decide of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use comity::decision::decide::ItemDecision;
use comity::domain::operation::Direction;
use comity::domain::operation::Operation;
use comity::domain::outcome::Outcome;

use crate::golden::SCENES;
use crate::golden::SHIPPED;
use crate::golden::engine_of;

/// Policies that bind whole families are told above the tables.
const OF_EVERY_ROW: [&str; 6] = [
    "exchange.*",
    "agreement.*",
    "requester.*",
    "target.*",
    "credential.*",
    "identity.*",
];

/// One row of the catalogue.
struct Row {
    number: String,
    directions: String,
    members: String,
    policies: String,
    outcomes: String,
    obligations: String,
    source: String,
}

/// The rows of operations, by word.
fn rows() -> BTreeMap<String, Row> {
    let text = fs::read_to_string("docs/operations.md").unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let word = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let cell = |number: usize| cells[number].to_owned();
        let row = Row {
            number: cell(0),
            directions: cell(2),
            members: cell(3),
            policies: cell(5),
            outcomes: cell(6),
            obligations: cell(7),
            source: cell(8),
        };
        Some((word.to_owned(), row))
    });
    rows.collect()
}

/// A row may speak of an earlier one: "as M7", "the same with".
fn speaks_of_another(cell: &str) -> bool {
    cell.contains("the same") || cell.starts_with("as ")
}

/// The words between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a name fits a pattern in which `*` and `…` stand for anything.
fn fits(name: &str, pattern: &str) -> bool {
    let pieces: Vec<&str> = pattern.split(['*', '…']).collect();
    let (first, rest) = pieces.split_first().unwrap();
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    for (number, piece) in rest.iter().enumerate() {
        let is_last = number + 1 == rest.len();
        left = match left.split_once(piece) {
            Some(_) if is_last && left.ends_with(piece) => "",
            Some((_, behind)) if !is_last => behind,
            _ => return false,
        };
    }
    left.is_empty()
}

/// Every item that the scenarios decide, with its operation and side.
fn decided() -> impl Iterator<Item = (Operation, Direction, ItemDecision)> {
    SCENES.iter().flat_map(|scene| {
        let operation = scene.request.body.operation();
        let direction = scene.request.direction;
        let items = scene.decide(engine_of(scene));
        items
            .into_iter()
            .map(move |item| (operation, direction, item))
    })
}

#[test]
fn every_operation_has_a_row_with_its_number_and_nothing_else_has() {
    let rows = rows();
    let written: BTreeSet<(&str, &str)> = rows
        .iter()
        .map(|(word, row)| (word.as_str(), row.number.as_str()))
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
        let members = &rows[operation.as_str()].members;
        if speaks_of_another(members) {
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

#[test]
fn a_row_names_the_sides_on_which_its_operation_is_decided_and_its_source() {
    let rows = rows();
    for operation in Operation::ALL {
        let row = &rows[operation.as_str()];
        assert!(!row.source.is_empty(), "{operation}");
        if speaks_of_another(&row.directions) {
            continue;
        }
        for direction in [
            Direction::Outbound,
            Direction::Inbound,
            Direction::HomeConsent,
        ] {
            let is_told = row.directions.contains(direction.as_str())
                || row.directions == "both" && direction != Direction::HomeConsent;
            let is_decided = operation.directions().contains(&direction);
            assert_eq!(is_told, is_decided, "{operation} {direction}");
        }
    }
}

#[test]
fn a_row_names_the_policies_outcomes_and_obligations_that_scenarios_show() {
    let rows = rows();
    let mut missing = BTreeSet::new();
    for (operation, direction, item) in decided() {
        let row = &rows[operation.as_str()];
        for policy in &item.policies {
            // What `[responses]` makes of a permit is named after it.
            let id = policy.id.split('#').next().unwrap();
            let mut told = quoted(&row.policies).chain(OF_EVERY_ROW);
            if !told.any(|pattern| fits(id, pattern)) {
                missing.insert(format!("{operation}: policy `{id}`"));
            }
        }
        let is_told = match item.outcome {
            Outcome::Review => row.outcomes.contains("review") || !item.errors.is_empty(),
            Outcome::Accept | Outcome::Reject => row.outcomes.contains(item.outcome.as_str()),
        };
        // An officer may have what is accepted held (`[responses]`), so that only written policies count.
        let is_switched = item.policies.iter().any(|policy| policy.id.contains('#'));
        if !is_told && !is_switched {
            missing.insert(format!("{operation} {direction}: {}", item.outcome));
        }
        for obligation in &item.obligations {
            let is_told = speaks_of_another(&row.obligations)
                || quoted(&row.obligations).any(|name| name == obligation.name);
            if !is_told {
                missing.insert(format!("{operation}: obligation `{}`", obligation.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn patterns_fit_what_they_say() {
    for (name, pattern, is_fit) in [
        ("call.inbound", "call.*", true),
        ("group-call.inbound", "call.*", false),
        (
            "interconnection.mcptt-group-incoming",
            "interconnection.*-group-*",
            true,
        ),
        ("interconnection.mcptt-private-incoming", "…-incoming", true),
        ("call.inbound", "call.inbound", true),
        ("call.inbound-late", "call.inbound", false),
    ] {
        assert_eq!(fits(name, pattern), is_fit, "{name} {pattern}");
    }
}

/// The rows of a table of the model: what stands in code in its first cell, or in the one of that number.
fn model_rows(after: &str, cell: usize) -> Vec<Vec<String>> {
    let text = fs::read_to_string("docs/model.md").unwrap();
    let (_, text) = text.split_once(after).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let words = |cell: &str| {
        let words = cell.split('`').skip(1).step_by(2);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        cells[cell..].iter().flat_map(|cell| words(cell)).collect()
    })
    .collect()
}

/// Every action of the schema that is no group, with the groups in which it is.
fn actions_in_groups() -> BTreeMap<String, BTreeSet<String>> {
    let entities = SHIPPED.bundle().action_entities();
    let name = |id: &cedar_policy::EntityUid| id.id().unescaped().to_owned();
    let ids: Vec<_> = entities.iter().map(cedar_policy::Entity::uid).collect();
    let groups_of = |id: &cedar_policy::EntityUid| {
        let ancestors = entities.ancestors(id).into_iter().flatten();
        ancestors.map(name).collect::<BTreeSet<_>>()
    };
    let groups: BTreeSet<String> = ids.iter().flat_map(&groups_of).collect();
    let actions = ids.iter().filter(|id| !groups.contains(&name(id)));
    actions.map(|id| (name(id), groups_of(id))).collect()
}

#[test]
fn the_model_has_every_action_and_group_of_the_schema() {
    let actions = actions_in_groups();
    let told: BTreeSet<String> = model_rows("## One query for each operation", 3)
        .into_iter()
        .filter_map(|words| words.into_iter().next())
        .collect();
    let known: BTreeSet<String> = actions.keys().cloned().collect();
    assert_eq!(told, known);
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (action, of) in &actions {
        for group in of {
            let members = groups.entry(group.clone()).or_default();
            members.insert(action.clone());
        }
    }
    let told: BTreeMap<String, BTreeSet<String>> = model_rows("Actions have groups", 0)
        .into_iter()
        .map(|words| {
            let mut words = words.into_iter();
            (words.next().unwrap(), words.collect())
        })
        .collect();
    assert_eq!(told, groups);
}
