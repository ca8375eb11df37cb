//! A record as parts: one that is nobody's, and the parts of each person it speaks of.
//!
//! Whatever a front-end or a partner wrote freely (correlation id, justification, organisation, error
//! texts) counts as personal, since nobody can tell what it says.

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision::attention::Attention;
use crate::decision::decide::DeterminingPolicy;
use crate::decision::decide::PolicyError;
use crate::decision::decide::Selection;
use crate::decision::facts::CandidateFacts;
use crate::decision::facts::ListedGroupFacts;
use crate::decision::facts::PersonFacts;
use crate::decision::facts::SharedFacts;
use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::decision::quorum::Quorum;
use crate::decision::reason::ReasonCode;
use crate::decision::record::BundleReference;
use crate::decision::record::FORMAT_VERSION;
use crate::domain::agreement::DisclosureKind;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::request::Peer;
use crate::domain::request::Target;
use crate::domain::request::Urgency;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;

/// Why a record cannot be written as parts, or read from them.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A part is not what a part looks like.
    #[error("a part of the record cannot be read or written")]
    Json(#[from] serde_json::Error),
    /// A part of a person was erased, or never written.
    #[error("the record is incomplete: {0}")]
    Incomplete(&'static str),
    /// The same part is there twice, or the parts contradict each other.
    #[error("the parts of the record contradict each other: {0}")]
    Contradiction(&'static str),
    /// The format is newer than this program.
    #[error("the record has format {0}, newer than the {FORMAT_VERSION} that this program reads")]
    Newer(u16),
    /// Configuration data in clear is never written down.
    #[error("the configuration data is in clear; seal it first")]
    NotSealed,
    /// The request is not written as an object of elements.
    #[error("the request cannot be divided into its elements")]
    NotDivisible,
}

/// What a record says that is nobody's: it outlives the erasure of every person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatePart {
    /// The version of the format.
    pub version: u16,
    /// The request, by the random name it has here.
    pub request_id: Uuid,
    /// On which side the question was asked.
    pub direction: Direction,
    /// The other system as it was authenticated.
    pub peer: Option<Peer>,
    /// The system that asked.
    pub requesting_system: McSystemId,
    /// The system that was asked.
    pub receiving_system: McSystemId,
    /// How urgent it was said to be.
    pub urgency: Urgency,
    /// The operation, without the people.
    pub operation: OperationPart,
    /// The facts that are about nobody.
    pub facts: SharedFacts,
    /// The groups of a request that is decided group by group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ListedGroupFacts>,
    /// The systems to which the user might migrate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CandidateFacts>,
    /// How many people are listed in the request.
    pub listed_count: usize,
    /// Of how many subjects facts are known.
    pub subject_count: usize,
    /// When it was decided.
    pub now: Timestamp,
    /// Who submitted it.
    pub caller: String,
    /// Under which policies.
    pub bundle: BundleReference,
    /// Which engine decided.
    pub engine_version: String,
    /// What became of each item, in order.
    pub items: Vec<ItemPart>,
}

/// The information elements of an operation that are about nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationPart {
    /// The operation.
    pub operation: Operation,
    /// Whether it was addressed to somebody, who has a part.
    pub has_target: bool,
    /// Whether it asks for a user, who has a part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_asked: bool,
    /// Its elements, by name.
    pub(super) elements: Elements,
}

/// Information elements in JSON, by name.
pub(super) type Elements = serde_json::Map<String, serde_json::Value>;

/// What became of an item, and by which policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemPart {
    /// Accept, reject or review.
    pub outcome: Outcome,
    /// Why, in one word.
    pub reason: ReasonCode,
    /// What the partner may be told beside the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_text: Option<String>,
    /// What the determining policies tell our own officer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The policies that made it so.
    pub policies: Vec<DeterminingPolicy>,
    /// The categories.
    pub categories: Vec<String>,
    /// Permits that apply to an item that is refused.
    pub would_permit: Vec<String>,
    /// When a held item can no longer be approved.
    pub expires_at: Option<Timestamp>,
    /// Who has to agree before a held item is granted.
    #[serde(default, skip_serializing_if = "Quorum::is_default")]
    pub quorum: Quorum,
    /// What is done so that a held item is not forgotten.
    #[serde(default, skip_serializing_if = "Attention::is_none")]
    pub attention: Attention,
    /// What the item is about beside a person.
    pub service: Option<McService>,
    /// The group, where the operation is decided group by group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The kind of information, where the operation is decided kind by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DisclosureKind>,
    /// The system to which the user might migrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// What an item about nobody says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ItemDetail>,
}

/// What a record says about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum PersonalPart {
    Requester(Box<RequesterPart>),
    Target { target: Target },
    Subject(Box<SubjectPart>),
    Asked(Box<AskedPart>),
}

/// Who asked, and everything that was written freely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequesterPart {
    pub(super) correlation_id: String,
    pub(super) justification: Option<String>,
    /// The information elements that are about people, except whom the request lists, asks for and is addressed to.
    pub(super) elements: Elements,
    pub(super) facts: Option<PersonFacts>,
    /// It says in which area the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) selection: Option<Selection>,
}

/// The user who is asked for: the called one, or the one whom data is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedPart {
    /// The element that names them.
    pub(super) element: serde_json::Value,
    pub(super) facts: Option<PersonFacts>,
}

/// One subject, and what became of their items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectPart {
    pub(super) subject: McServiceId,
    /// Positions in the list of the request, with what is listed there.
    pub(super) listed: Vec<(usize, serde_json::Value)>,
    /// Positions among the subjects whose facts are known, with the facts.
    pub(super) facts: Vec<(usize, PersonFacts)>,
    pub(super) items: Vec<(usize, ItemDetail)>,
}

/// What an item says that may name people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemDetail {
    /// How the grant is less than what was asked.
    pub limits: Limits,
    /// What has to be done.
    pub obligations: Vec<Obligation>,
    /// What has to be done once the partner has granted it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_accepted: Vec<Obligation>,
    /// What has to be done once the partner has refused it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_refused: Vec<Obligation>,
    /// What could not be evaluated.
    pub errors: Vec<PolicyError>,
}
