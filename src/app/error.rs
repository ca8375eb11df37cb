//! What a use case can answer instead of doing what was asked; the HTTP floor maps each to one status.

use crate::app::access_request::AccessProblem;
use crate::app::permission::Action;
use crate::app::seen::Change;
use crate::app::seen::FactsChanged;
use crate::decision_log::LogIndex;
use crate::domain::obligation::ObligationId;
use crate::domain::outcome::RequestStatus;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Revision;
use crate::policy::diagnostics::Diagnostics;

/// Why a use case was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller may not do this.
    #[error("`{caller}` may not {}: the access bundle does not permit `{}`", action.words(), action.as_str())]
    Forbidden {
        /// Who asked.
        caller: String,
        /// The action of the access bundle.
        action: Action,
    },
    /// There is no such request.
    #[error("there is no request `{0}`")]
    UnknownRequest(String),
    /// The request has no such obligation.
    #[error("the request has no obligation `{0}`")]
    UnknownObligation(ObligationId),
    /// Nothing can be reported of an obligation any more that was not before.
    #[error("{0}")]
    ObligationSettled(String),
    /// There is no such document.
    #[error("there is no document `{0}`")]
    UnknownDocument(DocumentKey),
    /// There is no such configuration, or its data is not kept.
    #[error("{0}")]
    NoConfiguration(String),
    /// Configuration is kept and cannot be read.
    #[error("the configuration cannot be read: {0}")]
    ConfigurationUnreadable(String),
    /// There was nothing at that time, as far as the log says.
    #[error("{0}")]
    NoPastState(String),
    /// The log is still being read for its history.
    #[error("{read} of {entries} entries of the log were read for their history so far")]
    HistoryUnread {
        /// How many were.
        read: u64,
        /// Of how many.
        entries: u64,
    },
    /// There is no record at this index.
    #[error("there is no record {0}")]
    UnknownRecord(u64),
    /// No enabled user of ours has this identity.
    #[error("no enabled user of this system has the MC service ID `{0}`")]
    UnknownUser(String),
    /// There is no such webhook, or it has no such dead letter.
    #[error("{0}")]
    NoWebhook(String),
    /// The event named is ahead of the log, or of another log.
    #[error("the log has no event `{0}`")]
    UnknownEvent(String),
    /// Access requests are not offered.
    #[error("access requests are not offered: the service has no `public_url`")]
    NotOffered,
    /// Something is wrong with an access request.
    #[error("{detail}")]
    Access {
        /// What.
        problem: AccessProblem,
        /// What is wrong this time.
        detail: String,
    },
    /// There is a request of this name already.
    #[error("there is such a request already")]
    RequestExists,
    /// An entry took no such agreement out of force.
    #[error("entry {0} took no agreement with this partner out of force")]
    NoLapse(u64),
    /// The key was used before for another body.
    #[error("the idempotency key was used before with another body")]
    IdempotencyKeyReused,
    /// The revision that the caller saw is not the present one.
    #[error("`{key}` is at revision {}, not at the one required", Displayed(*.present))]
    RevisionMismatch {
        /// What was to be changed.
        key: String,
        /// The present revision; absent: there is no such document.
        present: Option<Revision>,
    },
    /// What the reviewer saw is no longer so.
    #[error("what the reviewer saw of the request is no longer so: {}", named(&.changed.changed))]
    FactsChanged {
        /// What.
        changed: Box<FactsChanged>,
        /// Where the request stands.
        current: Box<Standing>,
    },
    /// The input says something that cannot be.
    #[error("the input is invalid")]
    Invalid(Vec<Invalid>),
    /// The items named are not pending.
    #[error("{detail}")]
    NotPending {
        /// Which, and why.
        detail: String,
        /// Where the request stands, where it is known.
        current: Option<Box<Standing>>,
    },
    /// What is reported cannot have become of these items.
    #[error("{detail}")]
    NotAtPartner {
        /// Which, and why.
        detail: String,
        /// Where the request stands, where it is known.
        current: Option<Box<Standing>>,
    },
    /// What is to be revoked is not granted, or is no grant that can be.
    #[error("{detail}")]
    NotGranted {
        /// Which, and why.
        detail: String,
        /// Where the request stands, where it is known.
        current: Option<Box<Standing>>,
    },
    /// The caller asks without consequence more often than is allowed.
    #[error("no more dry runs for {retry_after_seconds} s")]
    TooManyDryRuns {
        /// When the next one is answered.
        retry_after_seconds: u64,
    },
    /// As much of the log is read for callers as may be at once.
    #[error("{running} replays and impacts run already, and no more may at once")]
    TooManyJobs {
        /// How many run.
        running: usize,
    },
    /// Not all of the log is indexed, and so not all could be found.
    #[error("records cannot be searched yet: {detail}")]
    SearchNotReady {
        /// How far it has come.
        detail: String,
        /// When it is worth another try.
        retry_after_seconds: u64,
    },
    /// There are more periods than are told at once.
    #[error(
        "there are records in more than {most} buckets; name a shorter period or longer buckets"
    )]
    TooManyBuckets {
        /// How many are told at once.
        most: usize,
    },
    /// There is no such job, or it is told of no longer.
    #[error("there is no `{0}`, or it is told of no longer")]
    UnknownJob(String),
    /// Parts of a record were erased without which this cannot be said or done.
    #[error("parts of entry {0} were erased, and this cannot be said or done without them")]
    RecordErased(LogIndex),
    /// There is no such order to erase.
    #[error("there is no order to erase `{0}`")]
    UnknownErasure(String),
    /// The order does not wait for a second person.
    #[error("{0}")]
    ErasureNotAsked(String),
    /// Whoever asked for an erasure confirms it.
    #[error("whoever asked for an erasure cannot confirm it, under whatever name")]
    ErasureSamePerson,
    /// What is to be erased is still needed.
    #[error("it cannot be erased yet: {}", .0.join("; "))]
    ErasureBlocked(Vec<String>),
    /// The caller asked for this request, and so may not answer it.
    #[error("the originator of a request never answers it")]
    Originator,
    /// Whoever answers is not a user of ours, or not an enabled one.
    #[error("the reviewer is not an enabled user of this system")]
    UnknownReviewer,
    /// The reviewer may not answer these items.
    #[error("{0}")]
    ReviewerForbidden(String),
    /// The reviewer has answered the items already.
    #[error("{0}")]
    AlreadyAnswered(String),
    /// Whoever answers is not a policy administrator, and only one may.
    #[error(
        "the reviewer is not a policy administrator: their profile does not name `automatic-response-change`"
    )]
    NoPolicyAdministrator,
    /// Who is said to answer was not asked, or is not known so.
    #[error("the answer is not the partner's: {0}")]
    PeerRefused(String),
    /// The bundle does not pass the gate.
    #[error("the bundle was refused: {0}")]
    Refused(Diagnostics),
    /// The clock has just jumped: by one of the times that may be right it is too late.
    #[error(
        "the clock has just jumped by {milliseconds} ms; whether this is still in time will be known in {retry_after_seconds} s, and nothing expires until then"
    )]
    ClockUnsettled {
        /// By how much.
        milliseconds: i64,
        /// When it has settled.
        retry_after_seconds: u64,
    },
    /// What the decision read kept changing.
    #[error("the facts kept changing while the request was decided; nothing was recorded")]
    Contended,
    /// Approved responses could not be put in force yet.
    #[error(
        "nothing was recorded: approved responses (A12) are not in force yet, and nothing is decided until they are; it is safe to repeat the request"
    )]
    ResponsesBehind,
    /// Nothing happened; it is safe to repeat.
    #[error("nothing was recorded; it is safe to repeat the request")]
    NotRecorded(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk is full; nothing happened.
    #[error(
        "nothing was recorded: the disk that holds the log is full; it is safe to repeat the request when there is room"
    )]
    NoSpace(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have happened; repeat with the same key.
    #[error("the outcome is unknown; repeat the request with the same idempotency key")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something is broken that the caller cannot mend.
    #[error("the service could not carry this out")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AppError {
    /// The same once something is recorded: what could not be read back then is not known to have failed.
    pub(in crate::app) fn after_commit(self) -> Self {
        let Self::Broken(error) = self else {
            return self;
        };
        Self::OutcomeUnknown(error)
    }
}

/// Where a request stands that cannot be answered so.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    /// A pure function of the items.
    pub status: RequestStatus,
    /// The state of every item, in the order of the request.
    pub states: Vec<&'static str>,
    /// The version of the request.
    pub version: u64,
}

/// One thing that is wrong with an input, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Invalid {
    /// JSON pointer to the place.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Invalid {
    /// A problem at a place.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// The kinds of what changed, each once.
fn named(changed: &[Change]) -> String {
    let mut kinds: Vec<&str> = changed.iter().map(|change| change.kind).collect();
    kinds.dedup();
    kinds.join(", ")
}

struct Displayed(Option<Revision>);

impl std::fmt::Display for Displayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(revision) => revision.fmt(f),
            None => f.write_str("none"),
        }
    }
}
