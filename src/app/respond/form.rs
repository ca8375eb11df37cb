//! What an authorised user answers, as it is written: one answer, or several to different items in one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::domain::identity::McServiceId;

const REASON_BYTES_MAX: usize = 4_096;

/// What an authorised user answers to held items.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewAnswer {
    /// The authorised user at the ACM client, as the front-end attests them.
    pub reviewer: McServiceId,
    /// Approve or deny, unless `answers` say it.
    #[serde(default)]
    pub answer: Option<Verdict>,
    /// Why; never empty.
    #[serde(default)]
    pub reason: Option<String>,
    /// The items answered, by number from 0; absent: every pending one that is the reviewer's to answer.
    #[serde(default)]
    pub items: Option<Vec<usize>>,
    /// Several answers, each to items of its own; instead of the three above.
    #[serde(default)]
    pub answers: Option<Vec<ItemsAnswer>>,
}

/// One of several answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemsAnswer {
    /// The items answered, by number from 0.
    pub items: Vec<usize>,
    /// Approve or deny.
    pub answer: Verdict,
    /// Why; never empty.
    pub reason: String,
}

/// The two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Grant what is asked, if policy still permits it.
    Approve,
    /// Refuse it.
    Deny,
}

/// An answer whose form is right.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) reviewer: McServiceId,
    pub(super) said: Vec<Said>,
}

/// One answer and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    /// Absent: every pending item that is the reviewer's to answer.
    pub(super) items: Option<Vec<usize>>,
}

impl ReviewAnswer {
    /// Checks the form; everything that is wrong with it is named at once.
    pub(super) fn checked(self) -> Result<Answered, AppError> {
        let mut problems = Vec::new();
        let said = match self.answers {
            None => one(self.answer, self.reason, self.items, &mut problems),
            Some(answers) => {
                for (name, is_there) in [
                    ("/answer", self.answer.is_some()),
                    ("/reason", self.reason.is_some()),
                    ("/items", self.items.is_some()),
                ] {
                    let detail = "it stands in each of `answers`, or there are no `answers`";
                    problems.extend(is_there.then(|| Invalid::at(name, detail)));
                }
                several(answers, &mut problems)
            }
        };
        if problems.is_empty() {
            let reviewer = self.reviewer;
            Ok(Answered { reviewer, said })
        } else {
            Err(AppError::Invalid(problems))
        }
    }
}

fn one(
    verdict: Option<Verdict>,
    reason: Option<String>,
    items: Option<Vec<usize>>,
    problems: &mut Vec<Invalid>,
) -> Vec<Said> {
    if verdict.is_none() {
        problems.push(Invalid::at("/answer", "is missing"));
    }
    match &reason {
        Some(reason) => problems.extend(check_reason("", reason)),
        None => problems.push(Invalid::at("/reason", "is missing")),
    }
    if items.as_ref().is_some_and(Vec::is_empty) {
        let detail = "it names no item: leave it out where all are meant";
        problems.push(Invalid::at("/items", detail));
    }
    let mut seen = BTreeSet::new();
    let numbers = items.iter().flatten().copied();
    problems.extend(twice("", numbers, &mut seen));
    let (Some(verdict), Some(reason)) = (verdict, reason) else {
        return Vec::new();
    };
    vec![Said {
        verdict,
        reason,
        items,
    }]
}

fn several(answers: Vec<ItemsAnswer>, problems: &mut Vec<Invalid>) -> Vec<Said> {
    if answers.is_empty() {
        problems.push(Invalid::at("/answers", "there is no answer"));
    }
    let mut seen = BTreeSet::new();
    let mut said = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let place = format!("/answers/{number}");
        if answer.items.is_empty() {
            problems.push(Invalid::at(format!("{place}/items"), "it names no item"));
        }
        problems.extend(check_reason(&place, &answer.reason));
        problems.extend(twice(&place, answer.items.iter().copied(), &mut seen));
        said.push(Said {
            verdict: answer.answer,
            reason: answer.reason,
            items: Some(answer.items),
        });
    }
    said
}

fn check_reason(place: &str, reason: &str) -> Option<Invalid> {
    let detail = if reason.trim().is_empty() {
        "a reason is required"
    } else if reason.len() > REASON_BYTES_MAX {
        "the reason is longer than 4,096 bytes"
    } else {
        return None;
    };
    Some(Invalid::at(format!("{place}/reason"), detail))
}

/// Items that are named a second time.
fn twice(
    place: &str,
    items: impl Iterator<Item = usize>,
    seen: &mut BTreeSet<usize>,
) -> Vec<Invalid> {
    let mut problems = Vec::new();
    for (position, number) in items.enumerate() {
        if !seen.insert(number) {
            let detail = format!("item {number} is named twice");
            problems.push(Invalid::at(format!("{place}/items/{position}"), detail));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::ReviewAnswer;
    use crate::app::error::AppError;

    fn pointers(body: Value) -> Vec<String> {
        let read: ReviewAnswer = serde_json::from_value(body).unwrap();
        match read.checked() {
            Err(AppError::Invalid(problems)) => problems
                .into_iter()
                .map(|problem| problem.pointer)
                .collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn one_answer_or_several() {
        let who = "sip:dispatch.1@mc.de.example";
        let one = json!({ "reviewer": who, "answer": "deny", "reason": "no", "items": [0, 1] });
        assert!(pointers(one.clone()).is_empty());
        let mut nobody = one.clone();
        nobody["items"] = json!([]);
        assert_eq!(pointers(nobody), ["/items"]);
        let several = json!({ "reviewer": who, "answers": [
            { "items": [0, 2], "answer": "approve", "reason": "at the scene" },
            { "items": [1], "answer": "deny", "reason": "enough there" },
        ]});
        assert!(pointers(several.clone()).is_empty());
        let mut both = several.clone();
        both["reason"] = json!("both");
        assert_eq!(pointers(both), ["/reason"]);
        let mut doubled = several.clone();
        doubled["answers"][1]["items"] = json!([3, 2]);
        doubled["answers"][0]["reason"] = json!(" ");
        assert_eq!(
            pointers(doubled),
            ["/answers/0/reason", "/answers/1/items/1"]
        );
        let mut nothing = several.clone();
        nothing["answers"][1]["items"] = json!([]);
        assert_eq!(pointers(nothing), ["/answers/1/items"]);
        assert_eq!(
            pointers(json!({ "reviewer": who, "answers": [] })),
            ["/answers"]
        );
        assert_eq!(pointers(json!({ "reviewer": who })), ["/answer", "/reason"]);
    }
}
