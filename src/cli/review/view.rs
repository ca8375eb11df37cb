//! As much of the service's answers as is shown.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::super::plain::plain;

/// A page of what waits for a reviewer.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) items: Vec<Waiting>,
    #[serde(default)]
    pub(super) next: Option<String>,
}

/// A pending item of some request.
#[derive(Debug, Deserialize)]
pub(super) struct Waiting {
    pub(super) request_id: String,
    pub(super) number: usize,
    pub(super) urgency: String,
    pub(super) operation: String,
    pub(super) requesting_system: String,
    /// Whether an approval is asked for that is good for one evaluation, and grants nothing by itself.
    #[serde(default)]
    pub(super) asks_for_approval: bool,
    pub(super) item: Item,
}

/// A request.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) operation: String,
    pub(super) direction: String,
    pub(super) correlation_id: String,
    pub(super) decided_at: String,
    pub(super) items: Vec<Item>,
    #[serde(default)]
    pub(super) responses: Vec<Response>,
    #[serde(default)]
    withdrawals: Vec<Ended>,
    #[serde(default)]
    revocations: Vec<Ended>,
    /// The token over what was seen, facts included; for callers who may answer.
    #[serde(default)]
    pub(super) seen: Option<String>,
    /// What it has to do with access requests.
    #[serde(default)]
    pub(super) access: Option<Access>,
    /// Where it stands, in words.
    #[serde(default)]
    pub(super) summary: Option<String>,
    /// What was asked; for callers who may answer.
    #[serde(default, rename = "request")]
    pub(super) asked: Option<serde_json::Map<String, Value>>,
}

/// An item and where it stands.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    group: Option<String>,
    pub(super) state: String,
    pub(super) reason: String,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    #[serde(default)]
    pub(super) expires_at: Option<String>,
    #[serde(default)]
    pub(super) policies: Vec<Policy>,
    #[serde(default)]
    pub(super) quorum: Option<Quorum>,
    #[serde(default)]
    pub(super) answerable_by: Option<AnswerableBy>,
    #[serde(default)]
    pub(super) obligations: Vec<Obligation>,
    /// How the grant is less than what was asked.
    #[serde(default)]
    pub(super) limits: serde_json::Map<String, Value>,
    /// What policy says by now, where that is something else.
    #[serde(default)]
    pub(super) now: Option<Now>,
}

/// What policy says by now.
#[derive(Debug, Deserialize)]
pub(super) struct Now {
    outcome: String,
    reason: String,
    #[serde(default)]
    policies: Vec<Policy>,
    #[serde(default)]
    limits: serde_json::Map<String, Value>,
}

/// What a request has to do with access requests (AuthZEN).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Access {
    /// It is an evaluation.
    Evaluation {},
    /// It asks for an approval.
    Approval {
        /// Until when the approval can be used, once it is given.
        #[serde(default)]
        approved_until: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Policy {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Obligation {
    pub(super) name: String,
    #[serde(default)]
    pub(super) system: Option<String>,
    pub(super) function: String,
}

/// Who has to agree.
#[derive(Debug, Deserialize)]
pub(super) struct Quorum {
    approvals: Vec<Progress>,
    denials: Count,
}

#[derive(Debug, Deserialize)]
struct Progress {
    persons: Count,
    #[serde(default)]
    groups: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Count {
    needed: usize,
    given: usize,
}

/// Who can approve.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerableBy {
    count: usize,
    complete: bool,
    #[serde(default)]
    users: Option<Vec<String>>,
}

/// What a reviewer answered.
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) answer: String,
    pub(super) reason: String,
    pub(super) items: Vec<usize>,
    pub(super) answered_at: String,
}

/// What was withdrawn or revoked.
#[derive(Debug, Deserialize)]
pub(super) struct Ended {
    items: Vec<usize>,
    reason: String,
    #[serde(alias = "withdrawn_at", alias = "revoked_at")]
    at: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<String> = self.items.iter().map(ToString::to_string).collect();
        let (items, reason) = (items.join(", "), plain(&self.reason));
        write!(f, "{} items {items}: {reason}", plain(&self.at))
    }
}

impl Request {
    /// What whoever asked withdrew, then what was revoked.
    pub(super) fn ended(&self) -> impl Iterator<Item = (&'static str, &Ended)> {
        let withdrawn = self.withdrawals.iter().map(|it| ("withdrawn", it));
        withdrawn.chain(self.revocations.iter().map(|it| ("revoked", it)))
    }
}

impl Item {
    /// What it is about.
    pub(super) fn subject(&self) -> String {
        let parts = [&self.subject, &self.service, &self.group];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .map(|part| plain(part))
            .collect();
        if parts.is_empty() {
            "the request as a whole".to_owned()
        } else {
            parts.join(" ")
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        self.state == "pending"
    }

    /// Whether what it obliges to is due: what waits, or is so no longer, obliges to nothing.
    pub(super) fn obliges(&self) -> bool {
        let states = ["pending", "refused", "expired", "withdrawn", "revoked"];
        !states.contains(&self.state.as_str())
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", plain(&self.outcome), plain(&self.reason))?;
        let policies: Vec<String> = self.policies.iter().map(|it| plain(&it.id)).collect();
        if !policies.is_empty() {
            write!(f, " ({})", policies.join(", "))?;
        }
        if !self.limits.is_empty() {
            let limits = serde_json::to_string(&self.limits).map_err(|_| fmt::Error)?;
            write!(f, ", limits {}", plain(&limits))?;
        }
        Ok(())
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evaluation {} => {
                f.write_str("an evaluation: what is held of it waits for nobody")
            }
            Self::Approval { approved_until } => {
                f.write_str(
                    "asks for an approval that is good for one evaluation of exactly this",
                )?;
                match approved_until {
                    Some(until) => write!(f, ", until {}", plain(until)),
                    None => f.write_str(", and grants nothing by itself"),
                }
            }
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.given, self.needed)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return write!(f, "{}", self.persons);
        }
        write!(f, "{} in all", self.persons)?;
        for (group, count) in &self.groups {
            write!(f, ", {} {count}", plain(group))?;
        }
        Ok(())
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways: Vec<String> = self.approvals.iter().map(ToString::to_string).collect();
        write!(f, "approvals {}", ways.join(", or "))?;
        write!(f, "; denials {}", self.denials)
    }
}

impl fmt::Display for AnswerableBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.complete { "" } else { " or more" };
        write!(f, "{}{more}", self.count)?;
        let users = self.users.iter().flatten().map(|user| plain(user));
        let users: Vec<String> = users.collect();
        if !users.is_empty() {
            f.write_str(": ")?;
            f.write_str(&users.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", plain(&self.name), plain(&self.function))?;
        if let Some(system) = &self.system {
            write!(f, " of {}", plain(system))?;
        }
        Ok(())
    }
}

/// Rows in columns, each as wide as its widest text.
pub(in crate::cli) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let texts = rows.iter().filter_map(|row| row.get(column));
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            // Writing into a text never fails.
            let _written = write!(line, "{cell:<width$}  ", width = width(column));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
