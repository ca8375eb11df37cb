//! What has to be undone when what was granted, or put to a partner, is so no longer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::app::error::AppError;
use crate::app::obligations::Gathering;
use crate::decision::obligation::Obligation;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::obligation::Occasion;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::store::command::Arising;
use crate::store::command::RequestId;

/// Under what a part is found that says something freely and is about nobody in particular.
pub(in crate::app) const TEXT_SUBJECT: &str = "text";

/// Obligations that are met anew instead of being undone: whoever was told is told again, and nobody cuts a call in
/// emergency or imminent peril without asking a person (ruling 22).
const MET_ANEW: [&str; 2] = ["notify-acm-client", "ask-person-before-cutting"];

/// What undoes an obligation: the same function of the same system, which undoes what it has done of it.
pub(in crate::app) fn undoing(obligation: &Obligation) -> Obligation {
    let mut undoing = obligation.clone();
    if !MET_ANEW.contains(&undoing.name.as_str()) {
        undoing.name = format!("undo-{}", obligation.name);
    }
    undoing
}

/// What has to be undone of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::app) struct Undone {
    /// The number of the item.
    pub(in crate::app) item: usize,
    pub(in crate::app) obligations: Vec<Obligation>,
}

/// The part of a record that says what has to be undone of one person's items.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "undone")]
pub(in crate::app) struct UndonePart {
    pub(in crate::app) undone: Vec<Undone>,
}

/// The parts of a record that say what has to be undone, one a person.
pub(in crate::app) fn undone_parts(
    undone: impl IntoIterator<Item = (Option<String>, Undone)>,
) -> Result<Vec<RecordPart>, AppError> {
    let mut by_subject: BTreeMap<String, Vec<Undone>> = BTreeMap::new();
    for (subject, undone) in undone {
        if !undone.obligations.is_empty() {
            let subject = subject.unwrap_or_else(|| TEXT_SUBJECT.to_owned());
            by_subject.entry(subject).or_default().push(undone);
        }
    }
    let parts = by_subject.into_iter().map(|(subject, undone)| {
        let class = PartClass::Personal(subject);
        part(class, &UndonePart { undone })
    });
    parts.collect()
}

/// The same as obligations that are tracked.
pub(in crate::app) fn to_undo(
    (request, id): (&InterSystemRequest, RequestId),
    undone: &[(Option<String>, Undone)],
    now: Timestamp,
) -> Vec<Arising> {
    let mut gathering = Gathering::new(request, id, now);
    for (_, undone) in undone {
        gathering.add(undone.item, Occasion::Revocation, &undone.obligations);
    }
    gathering.into_arising()
}

pub(in crate::app) fn part(
    class: PartClass,
    body: &impl Serialize,
) -> Result<RecordPart, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Broken(Box::new(error)))?;
    Ok(RecordPart { class, body })
}
