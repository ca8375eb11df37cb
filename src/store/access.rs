//! Access requests: evaluations of which nothing waits, requests that ask for an approval alone, and approvals, each
//! used once.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;

/// The name of an approval: random, so that it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApprovalId(pub Uuid);

impl std::str::FromStr for ApprovalId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a submission has to do with access requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Access {
    /// It is an evaluation: what is held of it waits for nobody.
    Evaluation {
        /// What exactly was asked.
        scope: ScopeDigest,
        /// Until when an approval of it can be asked for, if one can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requestable_until: Option<Timestamp>,
        /// The approval that it uses up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<Use>,
    },
    /// It asks for an approval: nothing follows from its grant but that.
    Approval(Asked),
}

/// What a request for an approval is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The task that it belongs to, by the first of its requests.
    pub task: RequestId,
    /// Which of the task's items it is; absent where the task has no list of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundled: Option<Bundled>,
    /// The evaluation that was held.
    pub evaluation: RequestId,
    /// What exactly was asked.
    pub scope: ScopeDigest,
    /// What is asked for, however it is said; absent in what earlier versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<ScopeDigest>,
    /// How long an approval lasts, in milliseconds.
    pub lasts: i64,
    /// From when on the task is told of no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle_until: Option<Timestamp>,
    /// The last moment at which whoever asks wants to use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_until: Option<Timestamp>,
    /// The approval, once it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approved>,
    /// Whether somebody wants to be called when the task has ended. Where, the record of its first request says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub callback: bool,
}

impl Asked {
    /// The approval that is given at a moment; none where it could not be used any more.
    pub fn approve(&self, id: ApprovalId, at: Timestamp) -> Option<Approved> {
        let until = at.plus_milliseconds(self.lasts);
        let until = self.wanted_until.map_or(until, |wanted| wanted.min(until));
        (at < until).then_some(Approved { id, at, until })
    }
}

/// The place of an item in its task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundled {
    /// Its number.
    pub number: u32,
    /// With the first, the evaluations of all, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<RequestId>,
}

/// An approval as it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// Its name.
    pub id: ApprovalId,
    /// Since when.
    pub at: Timestamp,
    /// The first moment at which it can no longer be used.
    pub until: Timestamp,
}

/// Which approval an evaluation uses up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The approval.
    pub approval: ApprovalId,
    /// The request that asked for it.
    pub request: RequestId,
}

/// An approval as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptApproval {
    /// The request that asked for it.
    pub request: RequestId,
    /// The account that asked, and may use it.
    pub caller: Arc<str>,
    /// What exactly was asked.
    pub scope: ScopeDigest,
    /// What was asked for, however it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<ScopeDigest>,
    /// The first moment at which it can no longer be used.
    pub until: Timestamp,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Fate::is_open")]
    pub fate: Fate,
}

/// What became of an approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fate {
    /// Nothing yet.
    #[default]
    Open,
    /// An entry used it.
    Used(LogIndex),
    /// It was revoked.
    Revoked,
    /// An entry took back what it would have granted.
    Superseded(LogIndex),
}

impl Fate {
    fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

impl KeptApproval {
    /// Whether it can be used at a moment, for what was asked by the account that asked.
    pub fn fits(&self, caller: &str, scope: &ScopeDigest, at: Timestamp) -> bool {
        self.fate.is_open() && *self.caller == *caller && self.scope == *scope && at < self.until
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::ApprovalId;
    use super::Asked;
    use crate::domain::time::Timestamp;
    use crate::store::command::RequestId;
    use crate::store::command::ScopeDigest;

    #[test]
    fn no_approval_is_given_that_could_not_be_used() {
        let moment = Timestamp::from_milliseconds;
        let asked = |wanted_until: Option<i64>| Asked {
            task: RequestId(Uuid::nil()),
            bundled: None,
            evaluation: RequestId(Uuid::nil()),
            scope: ScopeDigest::from_bytes([0; 32]),
            thing: None,
            lasts: 100,
            handle_until: None,
            wanted_until: wanted_until.map(moment),
            approval: None,
            callback: false,
        };
        for (wanted, until) in [
            (None, Some(150)),
            (Some(500), Some(150)),
            (Some(51), Some(51)),
            (Some(50), None),
            (Some(49), None),
        ] {
            let given = asked(wanted).approve(ApprovalId(Uuid::nil()), moment(50));
            assert_eq!(given.map(|it| it.until), until.map(moment), "{wanted:?}");
        }
    }
}
