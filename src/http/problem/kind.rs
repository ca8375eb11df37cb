//! Every kind of problem that the interface answers with; `docs/problems.md` lists them.

use axum::http::StatusCode;

/// What our own problem types begin with.
pub const TYPE_PREFIX: &str = "urn:comity:problem:";

/// What those begin with that the profile for access requests names.
pub const ACCESS_TYPE_PREFIX: &str = "urn:openid:authzen:access-request:error:";

/// A kind of problem; its name and status never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The address or a parameter cannot be read.
    InvalidRequest,
    /// The body is no JSON, or says a member twice, or is nested too deeply.
    MalformedBody,
    /// The `Idempotency-Key` is none.
    InvalidIdempotencyKey,
    /// The service insists on an `Idempotency-Key`.
    IdempotencyKeyRequired,
    /// The condition is none.
    InvalidPrecondition,
    /// Nobody knows who calls.
    Unauthenticated,
    /// The access bundle does not permit it.
    Forbidden,
    /// The originator answers their own request.
    Originator,
    /// Whoever answers is no enabled user of this system.
    UnknownReviewer,
    /// Whoever answers may not answer these items.
    ReviewerForbidden,
    /// Whoever answers is no policy administrator.
    NoPolicyAdministrator,
    /// Who is said to answer was not asked, or is not known so.
    PeerRefused,
    /// Whoever asked for an erasure confirms it.
    ErasureSamePerson,
    /// There is no such thing.
    NotFound,
    /// The resource does not know this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The key was used with another body.
    IdempotencyKeyReused,
    /// What is to be answered is not pending.
    NotPending,
    /// Whoever answers has answered it already.
    AlreadyAnswered,
    /// What is reported cannot have become of it.
    NotAtPartner,
    /// What is reported of an obligation comes after it was done, or too late.
    ObligationSettled,
    /// The event named is ahead of the log, or of another log.
    UnknownEvent,
    /// Parts of the record were erased.
    RecordErased,
    /// What is to be revoked is not granted.
    NotGranted,
    /// What is to be erased is still needed.
    ErasureBlocked,
    /// An order to erase does not wait for a second person.
    ErasureNotAsked,
    /// Something changed since it was read.
    RevisionMismatch,
    /// What the reviewer saw is no longer so.
    FactsChanged,
    /// The body is too long.
    BodyTooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The body is JSON, and says something that cannot be.
    InvalidInput,
    /// The bundle does not pass the gate.
    BundleRefused,
    /// A write needs a condition.
    PreconditionRequired,
    /// The denial is not one for which an approval can be asked.
    NotRequestable,
    /// The denial is too old.
    ExpiredDenial,
    /// The denial is not of what is asked.
    InvalidDenialBinding,
    /// The key of an access request was used with another body.
    DuplicateRequest,
    /// There is no such task for this caller.
    UnknownTask,
    /// The task is told of no longer.
    TaskExpired,
    /// The task has ended.
    InvalidTaskState,
    /// An AuthZEN body says something that cannot be.
    InvalidAccessBody,
    /// Nothing proves for whom the caller says that it acts.
    ActorNotVerified,
    /// Nothing can be sent where the caller wants to be told.
    CallbackRefused,
    /// The caller asks without consequence too often.
    TooManyDryRuns,
    /// The caller has as many event streams open as one may.
    TooManyStreams,
    /// As many replays and impacts run as may at once.
    TooManyJobs,
    /// Something is broken.
    Internal,
    /// What was read kept changing.
    Contended,
    /// The clock has just jumped.
    ClockUnsettled,
    /// Not all of the log is indexed.
    SearchNotReady,
    /// Nothing happened.
    NotRecorded,
    /// All event streams are open.
    NoStreamLeft,
    /// The log is still being read for its history.
    HistoryUnread,
    /// Configuration is kept and cannot be read.
    ConfigurationUnreadable,
    /// It may have happened.
    OutcomeUnknown,
    /// The answer took too long.
    Timeout,
}

impl ProblemKind {
    /// Every kind, by status.
    pub const ALL: [Self; 56] = [
        Self::InvalidRequest,
        Self::MalformedBody,
        Self::InvalidIdempotencyKey,
        Self::IdempotencyKeyRequired,
        Self::InvalidPrecondition,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Originator,
        Self::UnknownReviewer,
        Self::ReviewerForbidden,
        Self::NoPolicyAdministrator,
        Self::PeerRefused,
        Self::ErasureSamePerson,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::IdempotencyKeyReused,
        Self::NotPending,
        Self::AlreadyAnswered,
        Self::NotAtPartner,
        Self::ObligationSettled,
        Self::UnknownEvent,
        Self::RecordErased,
        Self::NotGranted,
        Self::ErasureBlocked,
        Self::ErasureNotAsked,
        Self::RevisionMismatch,
        Self::FactsChanged,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidInput,
        Self::BundleRefused,
        Self::PreconditionRequired,
        Self::NotRequestable,
        Self::ExpiredDenial,
        Self::InvalidDenialBinding,
        Self::DuplicateRequest,
        Self::UnknownTask,
        Self::TaskExpired,
        Self::InvalidTaskState,
        Self::InvalidAccessBody,
        Self::ActorNotVerified,
        Self::CallbackRefused,
        Self::TooManyDryRuns,
        Self::TooManyStreams,
        Self::TooManyJobs,
        Self::Internal,
        Self::Contended,
        Self::ClockUnsettled,
        Self::SearchNotReady,
        Self::NotRecorded,
        Self::NoStreamLeft,
        Self::HistoryUnread,
        Self::ConfigurationUnreadable,
        Self::OutcomeUnknown,
        Self::Timeout,
    ];

    /// The type: a prefix and the name.
    pub fn type_uri(self) -> String {
        let prefix = if self.is_of_access_requests() {
            ACCESS_TYPE_PREFIX
        } else {
            TYPE_PREFIX
        };
        format!("{prefix}{}", self.name())
    }

    /// Whether the profile for access requests names it.
    fn is_of_access_requests(self) -> bool {
        [
            Self::NotRequestable,
            Self::ExpiredDenial,
            Self::InvalidDenialBinding,
            Self::DuplicateRequest,
            Self::UnknownTask,
            Self::TaskExpired,
            Self::InvalidTaskState,
        ]
        .contains(&self)
    }

    /// The name, after the prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::MalformedBody => "malformed-body",
            Self::InvalidIdempotencyKey => "invalid-idempotency-key",
            Self::IdempotencyKeyRequired => "idempotency-key-required",
            Self::InvalidPrecondition => "invalid-precondition",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Originator => "originator",
            Self::UnknownReviewer => "unknown-reviewer",
            Self::ReviewerForbidden => "reviewer-forbidden",
            Self::NoPolicyAdministrator => "no-policy-administrator",
            Self::PeerRefused => "peer-refused",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::BodyTimeout => "body-timeout",
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::NotPending => "not-pending",
            Self::AlreadyAnswered => "already-answered",
            Self::NotAtPartner => "not-at-partner",
            Self::ObligationSettled => "obligation-settled",
            Self::UnknownEvent => "unknown-event",
            Self::NotGranted => "not-granted",
            Self::RecordErased => "record-erased",
            Self::ErasureSamePerson => "erasure-same-person",
            Self::ErasureBlocked => "erasure-blocked",
            Self::ErasureNotAsked => "erasure-not-asked",
            Self::RevisionMismatch => "revision-mismatch",
            Self::FactsChanged => "facts-changed",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::InvalidInput => "invalid-input",
            Self::BundleRefused => "bundle-refused",
            Self::PreconditionRequired => "precondition-required",
            Self::NotRequestable => "not_requestable",
            Self::ExpiredDenial => "expired_denial",
            Self::InvalidDenialBinding => "invalid_denial_binding",
            Self::DuplicateRequest => "duplicate_request",
            Self::UnknownTask => "unknown_task",
            Self::TaskExpired => "task_expired",
            Self::InvalidTaskState => "invalid_task_state",
            Self::InvalidAccessBody => "invalid-access-body",
            Self::ActorNotVerified => "actor-not-verified",
            Self::CallbackRefused => "callback-refused",
            Self::TooManyDryRuns => "too-many-dry-runs",
            Self::TooManyJobs => "too-many-jobs",
            Self::TooManyStreams => "too-many-streams",
            Self::NoStreamLeft => "no-stream-left",
            Self::Internal => "internal",
            Self::Contended => "contended",
            Self::ClockUnsettled => "clock-unsettled",
            Self::SearchNotReady => "search-not-ready",
            Self::NotRecorded => "not-recorded",
            Self::HistoryUnread => "history-unread",
            Self::ConfigurationUnreadable => "configuration-unreadable",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Timeout => "timeout",
        }
    }

    /// The kind, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Invalid request",
            Self::MalformedBody => "Malformed body",
            Self::InvalidIdempotencyKey => "Invalid idempotency key",
            Self::IdempotencyKeyRequired => "Idempotency key required",
            Self::InvalidPrecondition => "Invalid precondition",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::Originator => "Originator",
            Self::UnknownReviewer => "Unknown reviewer",
            Self::ReviewerForbidden => "Reviewer forbidden",
            Self::NoPolicyAdministrator => "No policy administrator",
            Self::PeerRefused => "Peer refused",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::BodyTimeout => "Body timeout",
            Self::IdempotencyKeyReused => "Idempotency key reused",
            Self::NotPending => "Not pending",
            Self::AlreadyAnswered => "Already answered",
            Self::NotAtPartner => "Not at the partner",
            Self::ObligationSettled => "Obligation settled",
            Self::UnknownEvent => "Unknown event",
            Self::NotGranted => "Not granted",
            Self::RecordErased => "Record erased",
            Self::ErasureSamePerson => "Erasure by one person",
            Self::ErasureBlocked => "Erasure blocked",
            Self::ErasureNotAsked => "Erasure not asked for",
            Self::RevisionMismatch => "Revision mismatch",
            Self::FactsChanged => "Facts changed",
            Self::BodyTooLarge => "Body too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::InvalidInput => "Invalid input",
            Self::BundleRefused => "Bundle refused",
            Self::PreconditionRequired => "Precondition required",
            Self::NotRequestable => "Not requestable",
            Self::ExpiredDenial => "Denial expired",
            Self::InvalidDenialBinding => "Invalid denial binding",
            Self::DuplicateRequest => "Duplicate request",
            Self::UnknownTask => "Unknown task",
            Self::TaskExpired => "Task expired",
            Self::InvalidTaskState => "Invalid task state",
            Self::InvalidAccessBody => "Invalid AuthZEN body",
            Self::ActorNotVerified => "Actor not verified",
            Self::CallbackRefused => "Callback refused",
            Self::TooManyDryRuns => "Too many dry runs",
            Self::TooManyJobs => "Too many jobs",
            Self::TooManyStreams => "Too many event streams",
            Self::NoStreamLeft => "No event stream left",
            Self::Internal => "Internal error",
            Self::Contended => "Contended; nothing was recorded",
            Self::ClockUnsettled => "Clock unsettled",
            Self::SearchNotReady => "Search not ready",
            Self::NotRecorded => "Not recorded",
            Self::HistoryUnread => "History not read yet",
            Self::ConfigurationUnreadable => "Configuration unreadable",
            Self::OutcomeUnknown => "Outcome unknown",
            Self::Timeout => "Timeout",
        }
    }

    /// The status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::MalformedBody
            | Self::InvalidIdempotencyKey
            | Self::IdempotencyKeyRequired
            | Self::InvalidPrecondition
            | Self::NotRequestable
            | Self::InvalidDenialBinding
            | Self::InvalidAccessBody
            | Self::CallbackRefused => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden
            | Self::Originator
            | Self::UnknownReviewer
            | Self::ReviewerForbidden
            | Self::NoPolicyAdministrator
            | Self::PeerRefused
            | Self::ErasureSamePerson
            | Self::ActorNotVerified => StatusCode::FORBIDDEN,
            Self::ExpiredDenial | Self::TaskExpired | Self::UnknownEvent | Self::RecordErased => {
                StatusCode::GONE
            }
            Self::NotFound | Self::UnknownTask => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::IdempotencyKeyReused
            | Self::NotPending
            | Self::AlreadyAnswered
            | Self::NotAtPartner
            | Self::ObligationSettled
            | Self::NotGranted
            | Self::ErasureBlocked
            | Self::ErasureNotAsked
            | Self::DuplicateRequest
            | Self::InvalidTaskState => StatusCode::CONFLICT,
            Self::RevisionMismatch | Self::FactsChanged => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidInput | Self::BundleRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyDryRuns | Self::TooManyStreams | Self::TooManyJobs => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Contended
            | Self::ClockUnsettled
            | Self::SearchNotReady
            | Self::NotRecorded
            | Self::NoStreamLeft
            | Self::HistoryUnread
            | Self::ConfigurationUnreadable
            | Self::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What the caller can do about it.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::InvalidRequest => "correct the address or the parameter",
            Self::MalformedBody => {
                "send one JSON value, each member once, nested no deeper than the limit"
            }
            Self::InvalidIdempotencyKey => "send one key of 1 to 255 visible ASCII characters",
            Self::IdempotencyKeyRequired => {
                "send an `Idempotency-Key` that names this request alone"
            }
            Self::InvalidPrecondition => "send the entity tag as it was read, such as `\"r12\"`",
            Self::Unauthenticated => {
                "send `Authorization: Bearer` with a token that is in the list of callers and has not ended"
            }
            Self::Forbidden => "ask the operator for a role that may do this",
            Self::Originator => "let somebody else answer, who neither asked for this nor gets it",
            Self::UnknownReviewer => "name an enabled user of this system as the reviewer",
            Self::ReviewerForbidden => {
                "let somebody answer whom the item waits for; its `quorum` names the groups"
            }
            Self::NoPolicyAdministrator => {
                "let a user approve whose `acm_operations` has `automatic-response-change`"
            }
            Self::PeerRefused => {
                "report what the system answered that was asked, under its correlation id and certificate"
            }
            Self::NotFound => "check the address and the identifier",
            Self::MethodNotAllowed => "use a method that `Allow` lists",
            Self::BodyTimeout => {
                "repeat the request and send its body without pause; nothing happened"
            }
            Self::IdempotencyKeyReused | Self::DuplicateRequest => "use a new key for another body",
            Self::AlreadyAnswered => "let somebody else answer; nobody counts twice",
            Self::NotPending | Self::NotAtPartner | Self::NotGranted => {
                "read the request again; `current` says where it stands"
            }
            Self::RecordErased => {
                "read the request: what is left of it is told there; what was erased is nowhere any more"
            }
            Self::ErasureSamePerson => "let another user of this system confirm it",
            Self::ErasureBlocked => {
                "do what `detail` says of each place (delete, answer, withdraw, revoke), and repeat the request"
            }
            Self::ErasureNotAsked => "read the order; `status` says how far it is",
            Self::ObligationSettled => "read the request; what was done stays done",
            Self::UnknownEvent => {
                "begin without a place, and read what is open: the log was restored, or is another one"
            }
            Self::RevisionMismatch => "read again, and repeat with the entity tag of now",
            Self::FactsChanged => {
                "look again: read the request, and answer with `seen` of now if the answer is still the same"
            }
            Self::BodyTooLarge => "send less at once",
            Self::UnsupportedMediaType => "send `Content-Type: application/json`",
            Self::InvalidInput | Self::InvalidAccessBody => {
                "correct every place that `errors` names"
            }
            Self::BundleRefused => "mend the bundle; `comity check` shows where it breaks",
            Self::PreconditionRequired => {
                "read first, and repeat with `If-Match`, or with `If-None-Match: *` for what is new"
            }
            Self::NotRequestable => {
                "evaluate again, and ask only where the answer has `context.access_request`"
            }
            Self::ExpiredDenial => {
                "evaluate again, and ask before `context.access_request.expires_at`"
            }
            Self::InvalidDenialBinding => {
                "send subject, resource, action, `context.request` and `denial` of one evaluation of your own, unchanged, once"
            }
            Self::UnknownTask => "check the task, and who asks for it",
            Self::TaskExpired => "evaluate again",
            Self::InvalidTaskState => "read the task again; it has ended",
            Self::ActorNotVerified => "leave `client.actor` out; the caller itself is who asks",
            Self::CallbackRefused => "leave `callback` out, and read the task instead",
            Self::TooManyDryRuns => "wait as long as `Retry-After` says",
            Self::TooManyStreams => "close one, or read more with one",
            Self::TooManyJobs => "come again when one of those that run has ended",
            Self::NoStreamLeft => "come again; the operator may raise `event_streams_max`",
            Self::Internal => "tell the operator the `instance`; the log says more under it",
            Self::SearchNotReady => {
                "repeat the search as late as `Retry-After` says; `detail` says how far the index has come"
            }
            Self::ClockUnsettled => {
                "repeat the answer as late as `Retry-After` says; nothing happened, and nothing expires until then"
            }
            Self::Contended | Self::NotRecorded => "repeat the request; nothing happened",
            Self::HistoryUnread => "come again in a few seconds: the log is being read meanwhile",
            Self::ConfigurationUnreadable => {
                "let the operator restore the key that `detail` names, or the partner push again"
            }
            Self::OutcomeUnknown | Self::Timeout => {
                "repeat with the same `Idempotency-Key` and get the original answer"
            }
        }
    }
}
