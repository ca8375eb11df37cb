//! Terms that each side sets for the other's users: they may differ, and somebody should know.

use serde_json::Value;

use super::Half;
use super::Mismatch;
use super::Severity;
use super::directions;
use super::exchange::INBOUND;
use super::exchange::OUTBOUND;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::LinkFailureTerms;

const ADDED: &str = "an addition to TR 23.781 clause 6.1.1";
const LIFE: &str = "/migration/link_failure/life_minutes_max";
const LINK_FAILURE: &str = "TR 23.781 clause 5.2.10 (key issue 2.10)";

/// A number that each side sets; a number that is not set bounds nothing.
struct Bound {
    pointer: &'static str,
    /// What it bounds.
    what: &'static str,
    read: fn(&Agreement) -> Option<u32>,
    source: &'static str,
    /// Whether the half sets the term to which the number belongs.
    applies: fn(&Agreement) -> bool,
}

const BOUNDS: [Bound; 4] = [
    Bound {
        pointer: "/migration/quota",
        what: "the number of users of the other system that may be migrated at once",
        read: |agreement| agreement.migration.as_ref()?.quota,
        source: ADDED,
        applies: INBOUND.read,
    },
    Bound {
        pointer: LIFE,
        what: "the number of minutes that an unverified grant lasts at the most",
        read: |agreement| Some(link_failure(agreement)?.life_minutes_max),
        source: LINK_FAILURE,
        applies: |agreement| link_failure(agreement).is_some(),
    },
    Bound {
        pointer: "/acm/members_max",
        what: "the length of a list that is answered automatically",
        read: |agreement| agreement.acm.as_ref()?.members_max,
        source: ADDED,
        applies: |_| true,
    },
    Bound {
        pointer: "/priority_ceiling",
        what: "the highest priority that a user of the other system gets",
        read: |agreement| agreement.priority_ceiling.map(u32::from),
        source: ADDED,
        applies: |_| true,
    },
];

fn link_failure(agreement: &Agreement) -> Option<&LinkFailureTerms> {
    agreement.migration.as_ref()?.link_failure.as_ref()
}

pub(super) fn compare(one: Half<'_>, other: Half<'_>) -> Vec<Mismatch> {
    let mut found: Vec<Mismatch> = BOUNDS
        .iter()
        .filter_map(|bound| bound.compare(one, other))
        .collect();
    for (has, lacks) in directions(one, other) {
        found.extend(link_failure_refused(has, lacks));
        found.extend(link_failure_idle(has, lacks));
        found.extend(no_logging_back(has, lacks));
        found.extend(listed_only(has, lacks));
        found.extend(no_address(has, lacks));
    }
    found
}

impl Bound {
    fn compare(&self, one: Half<'_>, other: Half<'_>) -> Option<Mismatch> {
        if !(self.applies)(one.agreement) || !(self.applies)(other.agreement) {
            return None;
        }
        let (first, second) = ((self.read)(one.agreement), (self.read)(other.agreement));
        if first == second {
            return None;
        }
        let shown = |number: Option<u32>| number.map_or("no bound".to_owned(), |n| n.to_string());
        let (a, b, what) = (one.system, other.system, self.what);
        Some(Mismatch {
            severity: Severity::Informational,
            ours: one.place(self.pointer, first),
            theirs: other.place(self.pointer, second),
            effect: format!(
                "{what} differs: {} at {a}, {} at {b}",
                shown(first),
                shown(second)
            ),
            remedy: format!("unless that is meant, agree on one `{}`", self.pointer),
            source: self.source,
        })
    }
}

/// One side takes users while the link to their home is down, the other does not.
fn link_failure_refused(has: Half<'_>, lacks: Half<'_>) -> Option<Mismatch> {
    let terms = link_failure(has.agreement)?;
    let both_ways = has.has(OUTBOUND) && lacks.has(INBOUND);
    if link_failure(lacks.agreement).is_some() || !has.has(INBOUND) || !both_ways {
        return None;
    }
    let (a, b) = (has.system, lacks.system);
    Some(Mismatch {
        severity: Severity::Informational,
        ours: has.place(LIFE, terms.life_minutes_max),
        theirs: lacks.place("/migration/link_failure", Value::Null),
        effect: format!(
            "users of {a} may not migrate to {b} while the link is down, which {a} grants to users of {b}"
        ),
        remedy: format!("unless that is meant, {b} sets `/migration/link_failure`"),
        source: LINK_FAILURE,
    })
}

/// Terms for a failed link where nobody may migrate.
fn link_failure_idle(has: Half<'_>, partner: Half<'_>) -> Option<Mismatch> {
    let terms = link_failure(has.agreement)?;
    if has.has(INBOUND) || partner.has(OUTBOUND) {
        return None;
    }
    let a = has.system;
    let inbound = INBOUND.pointer;
    Some(Mismatch {
        severity: Severity::Informational,
        ours: has.place(LIFE, terms.life_minutes_max),
        theirs: partner.flag(OUTBOUND),
        effect: format!(
            "`/migration/link_failure` of {a} has no effect while its `{inbound}` is false"
        ),
        remedy: format!("{a} removes `/migration/link_failure`"),
        source: LINK_FAILURE,
    })
}

fn no_logging_back(delivers: Half<'_>, keeps: Half<'_>) -> Option<Mismatch> {
    let (gives, gives_back) = (
        delivers.agreement.logging_delivery,
        keeps.agreement.logging_delivery,
    );
    if !gives || gives_back {
        return None;
    }
    let (a, b) = (delivers.system, keeps.system);
    Some(Mismatch {
        severity: Severity::Informational,
        ours: delivers.place("/logging_delivery", gives),
        theirs: keeps.place("/logging_delivery", gives_back),
        effect: format!("{a} delivers data for logging to {b} and gets none from there"),
        remedy: format!("unless that is meant, {b} sets `/logging_delivery`"),
        source: "TS 22.280 R-6.15.4-003",
    })
}

/// One side takes only users whom the other has listed, and the other takes all.
fn listed_only(strict: Half<'_>, open: Half<'_>) -> Option<Mismatch> {
    let only = |half: Half<'_>| Some(half.agreement.migration.as_ref()?.listed_users_only);
    if !only(strict)? || only(open)? {
        return None;
    }
    let (a, b) = (strict.system, open.system);
    Some(Mismatch {
        severity: Severity::Informational,
        ours: strict.place("/migration/listed_users_only", true),
        theirs: open.place("/migration/listed_users_only", false),
        effect: format!(
            "{a} takes only users whom {b} has listed for migration (A6), {b} takes all"
        ),
        remedy: format!("unless that is meant, {b} sets `/migration/listed_users_only`"),
        source: ADDED,
    })
}

/// One side can reach the other, and not the other way round.
fn no_address(reaches: Half<'_>, lost: Half<'_>) -> Option<Mismatch> {
    let addresses = |half: Half<'_>| -> Vec<Value> {
        let known = half.agreement.addresses.iter();
        known.map(|known| known.address.as_str().into()).collect()
    };
    let (known, none) = (addresses(reaches), addresses(lost));
    if known.is_empty() || !none.is_empty() {
        return None;
    }
    let (a, b) = (reaches.system, lost.system);
    Some(Mismatch {
        severity: Severity::Informational,
        ours: reaches.place("/addresses", known),
        theirs: lost.place("/addresses", none),
        effect: format!("{b} has no address of any server of {a}, while {a} has one of {b}"),
        remedy: format!("{b} adds the servers of {a} to `/addresses`"),
        source: "TR 23.781 clause 6.1.1",
    })
}
