//! Orders to erase: what is to be erased, who said so, and how far it is ([ADR 0032](../../docs/adr/0032-erasure-is-an-order-of-two-persons.md)).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::domain::time::Timestamp;
use crate::store::command::Person;
use crate::store::command::PersonDigest;

/// How many ranges of entries one entry lists of what was done; further ones are counted.
pub const RANGES_LISTED_MAX: usize = 10_000;

/// The name of an order: random, so that it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErasureId(pub Uuid);

impl std::str::FromStr for ErasureId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for ErasureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The key of a subject as an order keeps it: a digest under a key that the store does not have.
///
/// By it the parts are found, also those of a backup that is restored later, and nobody without the key tells whose
/// they were.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectDigest([u8; 32]);

impl SubjectDigest {
    /// A digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SubjectDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        data_encoding::HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for SubjectDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SubjectDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SubjectDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

/// On what legal ground something is erased; it outlives the erasure (Regulation 2016/679 Article 17(1), Directive
/// 2016/680 Articles 5 and 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErasureGround {
    /// The data is no longer needed for what it was recorded for.
    NoLongerNeeded,
    /// The person withdrew consent.
    ConsentWithdrawn,
    /// The person objected.
    Objection,
    /// The data was recorded unlawfully.
    Unlawful,
    /// The law demands it.
    LegalObligation,
    /// A time limit for storage is over.
    StorageLimit,
}

impl ErasureGround {
    /// Every ground.
    pub const ALL: [Self; 6] = [
        Self::NoLongerNeeded,
        Self::ConsentWithdrawn,
        Self::Objection,
        Self::Unlawful,
        Self::LegalObligation,
        Self::StorageLimit,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoLongerNeeded => "no-longer-needed",
            Self::ConsentWithdrawn => "consent-withdrawn",
            Self::Objection => "objection",
            Self::Unlawful => "unlawful",
            Self::LegalObligation => "legal-obligation",
            Self::StorageLimit => "storage-limit",
        }
    }
}

/// What is to be erased of the entries before a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ErasureScope {
    /// All parts of subjects.
    Subjects(Vec<SubjectDigest>),
    /// All personal parts of entries, with the first and the last.
    Records(LogIndex, LogIndex),
}

impl ErasureScope {
    /// Whether a part is meant.
    pub fn takes(&self, index: LogIndex, subject: &SubjectDigest) -> bool {
        match self {
            Self::Subjects(subjects) => subjects.contains(subject),
            Self::Records(first, last) => (*first..=*last).contains(&index),
        }
    }

    /// Whether an entry can hold a part that is meant.
    pub fn reaches(&self, index: LogIndex) -> bool {
        match self {
            Self::Subjects(_) => true,
            Self::Records(first, last) => (*first..=*last).contains(&index),
        }
    }
}

/// A person as an order keeps them, as [`Person`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPerson {
    id: PersonDigest,
    also: std::collections::BTreeSet<PersonDigest>,
}

impl From<Person> for OrderPerson {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            also: person.also,
        }
    }
}

impl OrderPerson {
    /// Whether two are one person: by document, or by any name.
    pub fn is_same(&self, other: &Self) -> bool {
        let mine = || std::iter::once(&self.id).chain(&self.also);
        mine().any(|name| *name == other.id || other.also.contains(name))
    }
}

/// What happened to an order, as the log says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ErasureStep {
    /// Somebody asked for it.
    Asked {
        /// What is to be erased.
        scope: ErasureScope,
        /// On what ground.
        ground: ErasureGround,
        /// Who asked.
        by: OrderPerson,
    },
    /// Somebody else confirmed it.
    Confirmed {
        /// Who.
        by: OrderPerson,
        /// Entries before this one are reached.
        before: TreeSize,
    },
    /// It is not carried out: somebody withdrew or refused it.
    Dropped,
    /// It was confirmed in a part of the log that was lost, and is known from the file of orders.
    Restored {
        /// What is to be erased.
        scope: ErasureScope,
        /// On what ground.
        ground: ErasureGround,
        /// Entries before this one are reached.
        before: TreeSize,
    },
    /// It was carried out, or once more after older files were restored.
    Done(Erased),
    /// What the settings keep no longer is erased next; no order of anybody.
    Retention {
        /// Records of a kind are kept that are not before this moment.
        kept_since: BTreeMap<LeafKind, Timestamp>,
        /// What is erased.
        erased: Erased,
    },
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// How many entries have lost parts.
    pub entries: u64,
    /// How many parts.
    pub parts: u64,
    /// Which entries, with the first and the last of each range; no more than [`RANGES_LISTED_MAX`].
    pub ranges: Vec<(LogIndex, LogIndex)>,
    /// How many parts had to stay, because documents that are there follow from them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// It waits for a second person.
    Asked,
    /// It is being carried out.
    Confirmed,
    /// It is carried out.
    Done,
    /// It never will be.
    Dropped,
}

/// An order as the state keeps it, for ever: restored files are held against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureOrder {
    /// What is to be erased.
    pub scope: ErasureScope,
    /// On what ground.
    pub ground: ErasureGround,
    /// How far it is.
    pub status: OrderStatus,
    /// The entry that asked, or took it over from the file of orders.
    pub asked: LogIndex,
    /// When.
    pub asked_at: Timestamp,
    /// Who asked; absent where it was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OrderPerson>,
    /// The entry that confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<LogIndex>,
    /// Entries before this one are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<TreeSize>,
    /// The last entry about it.
    pub last: LogIndex,
    /// How many entries have lost parts, each time it was carried out added up.
    pub entries: u64,
    /// How many parts.
    pub parts: u64,
}

/// Why the state does not allow a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErasureRefusal {
    /// There is no such order.
    #[error("there is no such order")]
    Unknown,
    /// There is one of this name already.
    #[error("there is such an order already")]
    Exists,
    /// It does not wait for a second person (any more).
    #[error("the order does not wait for a second person")]
    NotAsked,
    /// It was not confirmed.
    #[error("the order is not confirmed")]
    NotConfirmed,
    /// Whoever asked cannot confirm.
    #[error("whoever asked for an erasure cannot confirm it")]
    SamePerson,
}
