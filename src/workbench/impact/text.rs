//! The impact as lines of text.

use std::collections::BTreeMap;

use crate::app::impact::Changes;
use crate::app::impact::Group;
use crate::app::impact::ImpactReport;
use crate::workbench::impact::left_out;
use crate::workbench::impact::looked_at;
use crate::workbench::impact::tried;

/// The report for a terminal.
pub fn lines(report: &ImpactReport) -> Vec<String> {
    let mut lines = vec![
        format!("tried: {}", tried(report)),
        format!("on requests: {}", looked_at(&report.selection)),
        format!(
            "{} of {} requests and {} of {} items would come out otherwise",
            report.changed_decisions, report.decisions, report.changed_items, report.items
        ),
    ];
    lines.extend(left_out(report));
    lines.extend(changes("  ", &report.changes));
    lines.extend(groups("by category", &report.categories));
    lines.extend(groups("by partner", &report.partners));
    lines.extend(groups("by policy", &report.policies));
    if !report.otherwise.is_empty() {
        lines.push("the same outcome, and otherwise different:".to_owned());
        for (member, items) in &report.otherwise {
            lines.push(format!("  {items} in {member}"));
        }
    }
    if !report.examples.is_empty() {
        lines.push("examples:".to_owned());
    }
    for example in &report.examples {
        lines.push(format!(
            "  entry {}, request {}, item {}: {} to {} ({}, {})",
            example.index,
            example.request_id,
            example.item,
            example.from,
            example.to,
            example.operation.as_str(),
            example.partner
        ));
        lines.push(format!("    then by {}", named(&example.policies_then)));
        lines.push(format!("    now by  {}", named(&example.policies_now)));
    }
    lines
}

fn changes<'a>(indent: &'a str, changes: &'a Changes) -> impl Iterator<Item = String> + 'a {
    changes.iter().map(move |(transition, items)| {
        format!(
            "{indent}{items} from {} to {}",
            transition.from, transition.to
        )
    })
}

/// Those in which something changes.
fn groups(title: &str, groups: &BTreeMap<String, Group>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, group) in groups.iter().filter(|(_, group)| group.changed > 0) {
        lines.push(format!("  {name}: {} of {}", group.changed, group.items));
        lines.extend(changes("    ", &group.changes));
    }
    if !lines.is_empty() {
        lines.insert(0, format!("{title}:"));
    }
    lines
}

fn named(policies: &[String]) -> String {
    if policies.is_empty() {
        "no policy".to_owned()
    } else {
        policies.join(", ")
    }
}
