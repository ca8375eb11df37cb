//! What a front-end may report, as it writes it.

use serde::Deserialize;
use serde_json::Value;

use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::obligations::still_to_come;
use crate::app::report::ReportKind;
use crate::decision::decide::ItemKey;
use crate::decision::obligation::Limits;
use crate::domain::agreement::DisclosureKind;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::request::Peer;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;
use crate::domain::wire;
use crate::domain::wire::Problem;
use crate::store::command::ITEMS_LIMIT;

const REASON_BYTES_MAX: usize = 4_096;

/// The words of the member `report`.
const WORDS: [&str; 4] = ["sent", "partner-pending", "answered", "delivered"];

/// What became of a request that a partner answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It was sent to the partner.
    Sent(Sent),
    /// The partner holds it.
    PartnerPending(PartnerPending),
    /// The partner answered.
    Answered(Answered),
    /// The answer was delivered to whoever asked.
    Delivered,
}

/// That a request was sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// When, as the front-end says.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// That the partner holds a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerPending {
    /// How long it does, as it says.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// What a partner answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The correlation id under which it answered.
    pub correlation_id: String,
    /// Who answered, as the front-end attests (ruling 2).
    pub peer: Peer,
    /// The items that it answered; others stay as they are.
    pub items: Vec<ReportedItem>,
}

/// What a partner answered about one item.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedItem {
    /// Whom it is about, as in the item.
    #[serde(default)]
    pub subject: Option<McServiceId>,
    /// The service, where it is decided service by service.
    #[serde(default)]
    pub service: Option<McService>,
    /// The group, where it is decided group by group.
    #[serde(default)]
    pub group: Option<GroupId>,
    /// The kind of information, where it is decided kind by kind.
    #[serde(default)]
    pub kind: Option<DisclosureKind>,
    /// What the partner answered.
    pub outcome: PartnerOutcome,
    /// Why, in its words.
    #[serde(default)]
    pub reason: Option<String>,
    /// How its grant is less than what was asked.
    #[serde(default)]
    pub limits: Limits,
}

impl ReportedItem {
    /// The item of which it speaks.
    pub(super) fn key(&self) -> ItemKey {
        ItemKey {
            subject: self.subject.clone(),
            service: self.service,
            group: self.group.clone(),
            kind: self.kind,
            system: None,
        }
    }
}

impl Report {
    /// Reads a report; what is not known is refused.
    pub fn read(json: Value) -> Result<Self, Problem> {
        let problem = |pointer: &str, detail: String| Problem {
            pointer: pointer.to_owned(),
            detail,
        };
        let Value::Object(mut members) = json else {
            return Err(problem("", "a report is an object".to_owned()));
        };
        let word = members.shift_remove("report");
        let rest = Value::Object(members);
        match word.as_ref().and_then(Value::as_str) {
            Some("sent") => wire::typed(rest).map(Self::Sent),
            Some("partner-pending") => wire::typed(rest).map(Self::PartnerPending),
            Some("answered") => wire::typed(rest).map(Self::Answered),
            Some("delivered") => wire::typed::<Nothing>(rest).map(|_| Self::Delivered),
            Some(_) | None => {
                let words = WORDS.map(|word| format!("`{word}`")).join(", ");
                Err(problem("/report", format!("a report is one of {words}")))
            }
        }
    }

    /// Which one it is.
    pub fn kind(&self) -> ReportKind {
        match self {
            Self::Sent(_) => ReportKind::Sent,
            Self::PartnerPending(_) => ReportKind::PartnerPending,
            Self::Answered(_) => ReportKind::Answered,
            Self::Delivered => ReportKind::Delivered,
        }
    }

    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Sent(sent) => sent.at,
            Self::PartnerPending(_) | Self::Answered(_) | Self::Delivered => None,
        }
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::PartnerPending(pending) => pending.expires_at,
            Self::Sent(_) | Self::Answered(_) | Self::Delivered => None,
        }
    }

    pub(super) fn peer(&self) -> Option<&Peer> {
        match self {
            Self::Answered(answered) => Some(&answered.peer),
            Self::Sent(_) | Self::PartnerPending(_) | Self::Delivered => None,
        }
    }

    /// What can be seen to be wrong without the request.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), AppError> {
        let mut problems: Vec<Invalid> = still_to_come(self.at(), now).into_iter().collect();
        if let Self::Answered(answered) = self {
            problems.extend(answered.problems());
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid(problems))
        }
    }
}

impl Answered {
    fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        if self.items.is_empty() || self.items.len() > ITEMS_LIMIT {
            let detail = format!("an answer is about 1 to {ITEMS_LIMIT} items");
            problems.push(Invalid::at("/items", detail));
        }
        for (number, item) in self.items.iter().enumerate() {
            let is_long = |reason: &String| reason.len() > REASON_BYTES_MAX;
            if item.reason.as_ref().is_some_and(is_long) {
                let detail = "the reason is longer than 4,096 bytes";
                problems.push(Invalid::at(format!("/items/{number}/reason"), detail));
            }
        }
        problems
    }
}

/// No members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}
