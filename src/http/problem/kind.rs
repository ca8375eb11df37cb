//! Every kind of problem that the interface answers with; `docs/problems.md` lists them.

use axum::http::StatusCode;

/// What all problem types begin with.
pub const TYPE_PREFIX: &str = "urn:comity:problem:";

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
    /// The caller asks without consequence too often.
    TooManyDryRuns,
    /// Something is broken.
    Internal,
    /// What was read kept changing.
    Contended,
    /// The clock has just jumped.
    ClockUnsettled,
    /// Nothing happened.
    NotRecorded,
    /// Configuration is kept and cannot be read.
    ConfigurationUnreadable,
    /// It may have happened.
    OutcomeUnknown,
    /// The answer took too long.
    Timeout,
}

impl ProblemKind {
    /// Every kind, by status.
    pub const ALL: [Self; 35] = [
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
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::IdempotencyKeyReused,
        Self::NotPending,
        Self::AlreadyAnswered,
        Self::NotAtPartner,
        Self::ObligationSettled,
        Self::RevisionMismatch,
        Self::FactsChanged,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidInput,
        Self::BundleRefused,
        Self::PreconditionRequired,
        Self::TooManyDryRuns,
        Self::Internal,
        Self::Contended,
        Self::ClockUnsettled,
        Self::NotRecorded,
        Self::ConfigurationUnreadable,
        Self::OutcomeUnknown,
        Self::Timeout,
    ];

    /// The name; the type is this after [`TYPE_PREFIX`].
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
            Self::RevisionMismatch => "revision-mismatch",
            Self::FactsChanged => "facts-changed",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::InvalidInput => "invalid-input",
            Self::BundleRefused => "bundle-refused",
            Self::PreconditionRequired => "precondition-required",
            Self::TooManyDryRuns => "too-many-dry-runs",
            Self::Internal => "internal",
            Self::Contended => "contended",
            Self::ClockUnsettled => "clock-unsettled",
            Self::NotRecorded => "not-recorded",
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
            Self::RevisionMismatch => "Revision mismatch",
            Self::FactsChanged => "Facts changed",
            Self::BodyTooLarge => "Body too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::InvalidInput => "Invalid input",
            Self::BundleRefused => "Bundle refused",
            Self::PreconditionRequired => "Precondition required",
            Self::TooManyDryRuns => "Too many dry runs",
            Self::Internal => "Internal error",
            Self::Contended => "Contended; nothing was recorded",
            Self::ClockUnsettled => "Clock unsettled",
            Self::NotRecorded => "Not recorded",
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
            | Self::InvalidPrecondition => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden
            | Self::Originator
            | Self::UnknownReviewer
            | Self::ReviewerForbidden
            | Self::NoPolicyAdministrator
            | Self::PeerRefused => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::IdempotencyKeyReused
            | Self::NotPending
            | Self::AlreadyAnswered
            | Self::NotAtPartner
            | Self::ObligationSettled => StatusCode::CONFLICT,
            Self::RevisionMismatch | Self::FactsChanged => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidInput | Self::BundleRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyDryRuns => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Contended
            | Self::ClockUnsettled
            | Self::NotRecorded
            | Self::ConfigurationUnreadable
            | Self::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What the caller can do about it.
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
            Self::IdempotencyKeyReused => "use a new key for another body",
            Self::AlreadyAnswered => "let somebody else answer; nobody counts twice",
            Self::NotPending | Self::NotAtPartner => {
                "read the request again; `current` says where it stands"
            }
            Self::ObligationSettled => {
                "read the request; what was done stays done, and of a request that ended long ago nothing more is noted"
            }
            Self::RevisionMismatch => "read again, and repeat with the entity tag of now",
            Self::FactsChanged => {
                "look again: read the request, and answer with `seen` of now if the answer is still the same"
            }
            Self::BodyTooLarge => "send less at once",
            Self::UnsupportedMediaType => "send `Content-Type: application/json`",
            Self::InvalidInput => "correct every place that `errors` names",
            Self::BundleRefused => "mend the bundle; `comity check` shows where it breaks",
            Self::PreconditionRequired => {
                "read first, and repeat with `If-Match`, or with `If-None-Match: *` for what is new"
            }
            Self::TooManyDryRuns => "wait as long as `Retry-After` says",
            Self::Internal => "tell the operator the `instance`; the log says more under it",
            Self::ClockUnsettled => {
                "repeat the answer as late as `Retry-After` says; nothing happened, and nothing expires until then"
            }
            Self::Contended | Self::NotRecorded => "repeat the request; nothing happened",
            Self::ConfigurationUnreadable => {
                "let the operator restore the key that `detail` names, or the partner push again"
            }
            Self::OutcomeUnknown | Self::Timeout => {
                "repeat with the same `Idempotency-Key` and get the original answer"
            }
        }
    }
}
