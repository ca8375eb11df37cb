//! What other policies would have changed, for people: as lines, and as a page that prints.

pub mod page;
pub mod text;

use crate::app::impact::ImpactReport;
use crate::app::recorded::Selection;

/// What was tried, in a sentence.
fn tried(report: &ImpactReport) -> String {
    let bundle = match &report.tried.bundle {
        Some(digest) => format!("bundle {digest}"),
        None => "the bundle that decided each".to_owned(),
    };
    if report.tried.agreements.is_empty() {
        return bundle;
    }
    let partners = report.tried.agreements.iter().map(ToString::to_string);
    let partners: Vec<String> = partners.collect();
    format!("{bundle}, with the agreements of {}", partners.join(", "))
}

/// Which requests were looked at, in a sentence.
fn looked_at(selection: &Selection) -> String {
    let Selection {
        first,
        last,
        from,
        until,
        operation,
        outcome,
        partner,
        category,
        request,
        bundle,
    } = selection;
    let words = [
        from.map(|it| format!("recorded from {it}")),
        until.map(|it| format!("recorded before {it}")),
        first.map(|it| format!("from entry {it}")),
        last.map(|it| format!("up to entry {it}")),
        operation.map(|it| format!("of operation {}", it.as_str())),
        outcome.map(|it| format!("with an item that came out {it}")),
        partner.as_ref().map(|it| format!("with {it}")),
        category.as_ref().map(|it| format!("of category {it}")),
        request.map(|it| format!("request {it}")),
        bundle.as_ref().map(|it| format!("decided by bundle {it}")),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    if words.is_empty() {
        "all that were recorded".to_owned()
    } else {
        words.join(", ")
    }
}

/// What is not looked at, where something is not.
fn left_out(report: &ImpactReport) -> Option<String> {
    let (erased, unreadable) = (report.erased, report.unreadable);
    (erased + unreadable > 0).then(|| {
        format!("{erased} erased and {unreadable} unreadable entries could not be decided again")
    })
}
