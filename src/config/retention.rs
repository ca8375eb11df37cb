//! How long personal parts of records are kept: `[retention]` in the configuration file, a duration for each kind of record.

use std::collections::BTreeMap;

use crate::app::erasure::Retention;

/// The name of the table in the file.
pub(super) const TABLE: &str = "retention";

/// All of it, checked; every problem is told at once, by the kind.
pub(super) fn checked(written: &BTreeMap<String, String>, problems: &mut Vec<String>) -> Retention {
    let mut retention = Retention::default();
    for (kind, kept) in written {
        if let Err(problem) = retention.add(kind, kept) {
            problems.push(format!("{TABLE}.{kind}: {problem}"));
        }
    }
    retention
}
