//! What whoever asked says when they want it no longer, and which items that is about.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::respond::standing;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::store::state::RequestEntry;

const REASON_BYTES_MAX: usize = 4_096;

/// That items are wanted no longer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The items, by number from 0; absent: every one that still waits.
    #[serde(default)]
    pub items: Option<Vec<usize>>,
    /// Why; never empty.
    pub reason: String,
    /// The person who withdraws it, as the front-end attests them: nobody but the requester.
    #[serde(default)]
    pub withdrawn_by: Option<McServiceId>,
}

impl Withdrawal {
    /// Checks the form; everything that is wrong with it is named at once.
    pub(super) fn check(&self) -> Result<(), AppError> {
        let mut problems: Vec<Invalid> = check_reason(&self.reason).into_iter().collect();
        problems.extend(numbers(self.items.as_deref()));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid(problems))
        }
    }

    /// Whoever is named is the requester.
    pub(super) fn check_person(&self, request: &InterSystemRequest) -> Result<(), AppError> {
        let asked = request.body.elements().requesting_user();
        let is_other = |named: &McServiceId| {
            asked.is_none_or(|asked| asked.uri().subscriber() != named.uri().subscriber())
        };
        if self.withdrawn_by.as_ref().is_some_and(is_other) {
            let detail = "it is not the requester of the request, who alone withdraws it";
            return Err(AppError::Invalid(vec![Invalid::at(
                "/withdrawn_by",
                detail,
            )]));
        }
        Ok(())
    }

    /// The items that are to be withdrawn; none where all of it was withdrawn before.
    pub(super) fn chosen(
        &self,
        entry: &RequestEntry,
        now: Timestamp,
    ) -> Result<Vec<usize>, AppError> {
        let refused = |detail: String| AppError::NotPending {
            detail,
            current: Some(Box::new(standing(entry))),
        };
        let mut chosen = Vec::new();
        if let Some(named) = &self.items {
            for number in named {
                match entry.items.get(*number) {
                    Some(ItemState::Withdrawn) => {}
                    Some(state) if state.may_be_withdrawn(now) => chosen.push(*number),
                    Some(state) => {
                        let detail = format!("item {number} waits no longer: {}", state.as_str());
                        return Err(refused(detail));
                    }
                    None => return Err(refused(format!("there is no item {number}"))),
                }
            }
            return Ok(chosen);
        }
        let numbered = entry.items.iter().enumerate();
        let waiting = numbered.filter(|(_, state)| state.may_be_withdrawn(now));
        chosen.extend(waiting.map(|(number, _)| number));
        if chosen.is_empty() && !entry.items.contains(&ItemState::Withdrawn) {
            return Err(refused(
                "no item of the request waits any longer".to_owned(),
            ));
        }
        Ok(chosen)
    }
}

pub(in crate::app) fn check_reason(reason: &str) -> Option<Invalid> {
    let detail = if reason.trim().is_empty() {
        "a reason is required"
    } else if reason.len() > REASON_BYTES_MAX {
        "the reason is longer than 4,096 bytes"
    } else {
        return None;
    };
    Some(Invalid::at("/reason", detail))
}

/// Items that are named a second time, and a list that names none; no list means every item.
pub(in crate::app) fn numbers(items: Option<&[usize]>) -> Vec<Invalid> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    if items.is_some_and(<[usize]>::is_empty) {
        let detail = "it names no item: leave it out where all are meant";
        problems.push(Invalid::at("/items", detail));
    }
    for (position, number) in items.unwrap_or_default().iter().enumerate() {
        if !seen.insert(number) {
            let detail = format!("item {number} is named twice");
            problems.push(Invalid::at(format!("/items/{position}"), detail));
        }
    }
    problems
}
