//! Whom the halves are about, whether they are in force, when and where.

use serde_json::Value;

use super::Half;
use super::Mismatch;
use super::Place;
use super::Severity;
use super::directions;
use crate::domain::agreement::AgreementStatus;
use crate::domain::area::AreaId;
use crate::domain::time::Timestamp;

const IDENTITY: &str = "TR 23.781 clause 6.1.1 NOTE 3";
const BOTH: &str = "TR 23.781 clause 6.1.1 NOTE 1";
const ADDED: &str = "an addition to TR 23.781 clause 6.1.1";

/// Whether each half is about the system that wrote the other.
pub(super) fn identities(one: Half<'_>, other: Half<'_>) -> Vec<Mismatch> {
    if one.system == other.system {
        let same = one.system;
        return vec![blocking(
            partner(one),
            partner(other),
            format!("both halves are of {same}: no system has an agreement with itself"),
            "lay the halves of two systems side by side".to_owned(),
            IDENTITY,
        )];
    }
    directions(one, other)
        .into_iter()
        .filter(|(half, of)| half.agreement.partner != *of.system)
        .map(|(half, of)| {
            let (a, b, about) = (half.system, of.system, &half.agreement.partner);
            blocking(
                partner(half),
                partner(of),
                format!(
                    "the half of {a} is about {about}, so that nothing in it concerns {b}; nothing else was compared"
                ),
                format!("take the agreement of {a} about {b}"),
                IDENTITY,
            )
        })
        .collect()
}

pub(super) fn compare(one: Half<'_>, other: Half<'_>, at: Timestamp) -> Vec<Mismatch> {
    let mut found: Vec<Mismatch> = statuses(one, other).into_iter().collect();
    found.extend(windows(one, other, at));
    found.extend(
        directions(one, other)
            .into_iter()
            .filter_map(|(permits, refuses)| areas(permits, refuses)),
    );
    found
}

fn partner(half: Half<'_>) -> Place {
    half.place("/partner", half.agreement.partner.as_str())
}

fn blocking(
    ours: Place,
    theirs: Place,
    effect: String,
    remedy: String,
    source: &'static str,
) -> Mismatch {
    Mismatch {
        severity: Severity::Blocking,
        ours,
        theirs,
        effect,
        remedy,
        source,
    }
}

fn statuses(one: Half<'_>, other: Half<'_>) -> Option<Mismatch> {
    let status = |half: Half<'_>| half.agreement.status;
    if status(one) == status(other) {
        return None;
    }
    let is_active = |half| status(half) == AgreementStatus::Active;
    let (severity, effect, remedy) = match (is_active(one), is_active(other)) {
        (true, _) => refused_by_status(one, other),
        (_, true) => refused_by_status(other, one),
        (false, false) => {
            let (a, b) = (one.system, other.system);
            let (first, second) = (status(one).as_str(), status(other).as_str());
            (
                Severity::Informational,
                format!(
                    "neither side gives anything: the agreement is {first} for {a} and {second} for {b}"
                ),
                "agree on the status of the cooperation".to_owned(),
            )
        }
    };
    let place = |half: Half<'_>| half.place("/status", status(half).as_str());
    Some(Mismatch {
        severity,
        ours: place(one),
        theirs: place(other),
        effect,
        remedy,
        source: BOTH,
    })
}

fn refused_by_status(active: Half<'_>, refuses: Half<'_>) -> (Severity, String, String) {
    let (a, b) = (active.system, refuses.system);
    let status = refuses.agreement.status.as_str();
    (
        Severity::Blocking,
        format!("{b} refuses everything that {a} permits: for {b} the agreement is {status}"),
        format!("{b} makes the agreement active, or {a} suspends it too"),
    )
}

/// Windows in which one side permits and the other does not; what was over before `at` is passed over.
fn windows(one: Half<'_>, other: Half<'_>, at: Timestamp) -> Vec<Mismatch> {
    let never: Vec<Mismatch> = directions(one, other)
        .into_iter()
        .filter_map(|(half, of)| never_in_force(half, of))
        .collect();
    if !never.is_empty() {
        return never;
    }
    let mut found = Vec::new();
    for (permits, refuses) in directions(one, other) {
        if let Some(apart) = no_overlap(permits, refuses) {
            return vec![apart];
        }
        found.extend(begins_later(permits, refuses, at));
        found.extend(ends_earlier(permits, refuses, at));
    }
    found
}

fn never_in_force(half: Half<'_>, of: Half<'_>) -> Option<Mismatch> {
    let from = half.agreement.valid_from;
    let until = half.agreement.valid_until.filter(|until| *until <= from)?;
    let a = half.system;
    Some(blocking(
        valid_until(half),
        valid_until(of),
        format!("the half of {a} is never in force: it begins at {from} and ends at {until}"),
        format!("{a} mends `/valid_until`"),
        BOTH,
    ))
}

fn no_overlap(earlier: Half<'_>, later: Half<'_>) -> Option<Mismatch> {
    let from = later.agreement.valid_from;
    let until = earlier
        .agreement
        .valid_until
        .filter(|until| *until <= from)?;
    let (a, b) = (earlier.system, later.system);
    Some(blocking(
        valid_until(earlier),
        valid_from(later),
        format!(
            "the halves are never in force together: that of {a} ends at {until}, before that of {b} begins at {from}"
        ),
        "agree on one period of validity".to_owned(),
        BOTH,
    ))
}

fn begins_later(permits: Half<'_>, refuses: Half<'_>, at: Timestamp) -> Option<Mismatch> {
    let from = permits.agreement.valid_from;
    let later = refuses.agreement.valid_from;
    if from >= later || later <= at {
        return None;
    }
    let (a, b) = (permits.system, refuses.system);
    Some(blocking(
        valid_from(permits),
        valid_from(refuses),
        format!("from {from} until {later} {b} refuses what {a} permits: its half begins later"),
        "agree on one `/valid_from`".to_owned(),
        BOTH,
    ))
}

fn ends_earlier(permits: Half<'_>, refuses: Half<'_>, at: Timestamp) -> Option<Mismatch> {
    let earlier = refuses.agreement.valid_until?;
    let until = permits.agreement.valid_until;
    if until.is_some_and(|until| until <= earlier || until <= at) {
        return None;
    }
    let (a, b) = (permits.system, refuses.system);
    Some(blocking(
        valid_until(permits),
        valid_until(refuses),
        format!("from {earlier} on {b} refuses what {a} permits: its half ends earlier"),
        "agree on one `/valid_until`".to_owned(),
        BOTH,
    ))
}

fn valid_from(half: Half<'_>) -> Place {
    half.place("/valid_from", half.agreement.valid_from.to_string())
}

fn valid_until(half: Half<'_>) -> Place {
    let until = half.agreement.valid_until;
    half.place(
        "/valid_until",
        until.map_or(Value::Null, |until| until.to_string().into()),
    )
}

/// Where one side permits and the other may not. Each names areas of its own map, so that a person has to tell whether
/// other names mean another place; no area at all means everywhere.
fn areas(permits: Half<'_>, refuses: Half<'_>) -> Option<Mismatch> {
    let (wide, narrow) = (&permits.agreement.areas, &refuses.agreement.areas);
    if narrow.is_empty() || (!wide.is_empty() && wide.is_subset(narrow)) {
        return None;
    }
    let (a, b) = (permits.system, refuses.system);
    let place = |half: Half<'_>| {
        let areas = &half.agreement.areas;
        let names: Vec<String> = areas.iter().map(AreaId::to_string).collect();
        half.place("/areas", names)
    };
    Some(Mismatch {
        severity: Severity::Informational,
        ..blocking(
            place(permits),
            place(refuses),
            format!("outside its own `/areas` {b} refuses what {a} permits there"),
            "agree on the same areas, each drawn on its own map".to_owned(),
            ADDED,
        )
    })
}
