//! What entries are found by: a dimension and a value in it.

/// By what an entry can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The kind of its leaf.
    Kind,
    /// What came out for at least one of its items, as its leaf counts them.
    Outcome,
    /// The operation that it decides about.
    Operation,
    /// The other system of the exchange, or one that a document of it concerns.
    Partner,
    /// A category of at least one item.
    Category,
    /// A policy that determined the outcome of at least one item.
    Policy,
    /// The bundle that decided, or that it is about.
    Bundle,
    /// A group that it is about.
    Group,
    /// The request that it submits or changes.
    Request,
    /// A person whom one of its parts is about.
    User,
    /// The person who answered.
    Reviewer,
    /// The account that submitted, wrote or read.
    Caller,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 12] = [
        Self::Kind,
        Self::Outcome,
        Self::Operation,
        Self::Partner,
        Self::Category,
        Self::Policy,
        Self::Bundle,
        Self::Group,
        Self::Request,
        Self::User,
        Self::Reviewer,
        Self::Caller,
    ];

    /// Its name, as a parameter and in what is recorded of a read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Outcome => "outcome",
            Self::Operation => "operation",
            Self::Partner => "partner",
            Self::Category => "category",
            Self::Policy => "policy",
            Self::Bundle => "bundle",
            Self::Group => "group",
            Self::Request => "request",
            Self::User => "user",
            Self::Reviewer => "reviewer",
            Self::Caller => "caller",
        }
    }

    /// Whether its values name a person, or an account that may be named after one.
    pub fn is_personal(self) -> bool {
        match self {
            Self::User | Self::Reviewer | Self::Caller => true,
            Self::Kind
            | Self::Outcome
            | Self::Operation
            | Self::Partner
            | Self::Category
            | Self::Policy
            | Self::Bundle
            | Self::Group
            | Self::Request => false,
        }
    }

    /// Whether an index file says its values in the open, so that entries can be counted by them.
    ///
    /// These have few values, and none of them names a person.
    pub fn is_named(self) -> bool {
        match self {
            Self::Kind
            | Self::Outcome
            | Self::Operation
            | Self::Partner
            | Self::Category
            | Self::Policy => true,
            Self::Bundle
            | Self::Group
            | Self::Request
            | Self::User
            | Self::Reviewer
            | Self::Caller => false,
        }
    }

    /// The byte that stands for it in a digest.
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Kind => 1,
            Self::Outcome => 2,
            Self::Operation => 3,
            Self::Partner => 4,
            Self::Category => 5,
            Self::Policy => 6,
            Self::Bundle => 7,
            Self::Group => 8,
            Self::Request => 9,
            Self::User => 10,
            Self::Reviewer => 11,
            Self::Caller => 12,
        }
    }

    /// The dimension of this name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// A value in a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// Which dimension.
    pub dimension: Dimension,
    /// Which value, in its normal form.
    pub value: String,
}

impl Term {
    /// A value in a dimension.
    pub fn new(dimension: Dimension, value: impl Into<String>) -> Self {
        Self {
            dimension,
            value: value.into(),
        }
    }
}
