//! Change of status of the cooperation (A9, study item on sharing administrative configuration).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::time::Timestamp;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
/// Request to change the status of the cooperation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CooperationStatusChange {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What is to happen to the cooperation.
    pub change: CooperationChange,
    /// Why.
    pub reason: String,
    /// When it takes effect; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// What becomes of sessions that are running.
    #[serde(default)]
    pub running_sessions: RunningSessions,
}

/// What is to happen to a cooperation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CooperationChange {
    /// It begins.
    Activate,
    /// It is interrupted.
    Suspend,
    /// It goes on.
    Resume,
    /// It is over.
    End,
    /// Its terms change.
    Amend,
}

impl CooperationChange {
    /// Every change, by its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("activate", Self::Activate),
        ("suspend", Self::Suspend),
        ("resume", Self::Resume),
        ("end", Self::End),
        ("amend", Self::Amend),
    ];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::End => "end",
            Self::Amend => "amend",
        }
    }
}

/// What becomes of sessions that are running when a cooperation is interrupted; emergency and imminent-peril
/// calls are never cut automatically (ruling 22).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunningSessions {
    /// They go on until they end by themselves.
    #[default]
    Continue,
    /// They are ended.
    End,
}

impl RunningSessions {
    /// Every treatment, by its word.
    pub const WORDS: [(&'static str, Self); 2] = [("continue", Self::Continue), ("end", Self::End)];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::End => "end",
        }
    }
}

const REASON_BYTES_MAX: usize = 4_096;

impl ReadElements for CooperationStatusChange {
    const MEMBERS: &'static [&'static str] = &[
        "requester",
        "target",
        "change",
        "reason",
        "effective_at",
        "running_sessions",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["change", "effective_at", "running_sessions"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.optional("target").and_then(|whom| target(&whom));
        let change = members
            .required("change")
            .and_then(|word| word.word("a change", &CooperationChange::WORDS));
        let reason = members
            .required("reason")
            .and_then(|text| text.bounded_text(REASON_BYTES_MAX));
        let effective_at = members.optional("effective_at").and_then(|at| at.parsed());
        let running_sessions = members
            .optional("running_sessions")
            .and_then(|word| word.word("a treatment", &RunningSessions::WORDS));
        Some(Self {
            requester: requester?,
            target,
            change: change?,
            reason: reason?,
            effective_at,
            running_sessions: running_sessions.unwrap_or_default(),
        })
    }
}

impl InformationElements for CooperationStatusChange {
    fn action(&self) -> &'static str {
        if self.is_reducing() {
            "interruptCooperation"
        } else {
            "extendCooperation"
        }
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    fn is_reducing(&self) -> bool {
        matches!(
            self.change,
            CooperationChange::Suspend | CooperationChange::End
        )
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let mut particulars = vec![
            ("addressed", Particular::Bool(self.target.is_some())),
            ("change", Particular::Text(self.change.as_str())),
            (
                "running_sessions",
                Particular::Text(self.running_sessions.as_str()),
            ),
        ];
        if let Some(at) = self.effective_at {
            particulars.push(("effective_at", Particular::Moment(at)));
        }
        particulars
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Target]
    }
}
