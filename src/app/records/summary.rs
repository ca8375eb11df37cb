//! What a search tells of a record.

use serde::Serialize;

use crate::decision_log::Leaf;
use crate::decision_log::LogIndex;
use crate::decision_log::OutcomeCounts;
use crate::decision_log::Payload;
use crate::domain::time::Timestamp;
use crate::store::embedded::search::DescribeError;
use crate::store::embedded::search::Described;
use crate::store::embedded::search::Dimension;
use crate::store::embedded::search::Query;
use crate::store::embedded::search::describe_entry;

/// Under what free text is kept, which is nobody's name.
const TEXT_SUBJECT: &str = "text";

/// A record that was found: what it is found by, as far as that was not erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordSummary {
    /// Its place.
    pub index: LogIndex,
    /// When it was recorded.
    pub time: Timestamp,
    /// The kind of its leaf.
    pub kind: String,
    /// How many items came out which way.
    pub outcomes: OutcomeCounts,
    /// The request that it submits or changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The operation that it decides about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The other system of the exchange, or those that its documents concern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<String>,
    /// The categories of its items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The policies that determined what came out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The bundle that decided, or that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The groups that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
    /// The account that submitted, wrote or read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<String>,
    /// How many of its parts were erased.
    #[serde(skip_serializing_if = "is_zero")]
    pub erased: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl RecordSummary {
    /// What is told of an entry, if it is still what was asked for: an index may be of before something was erased.
    pub(super) fn of(
        index: LogIndex,
        (leaf, payload): (&Leaf, Payload),
        query: &Query,
    ) -> Result<Option<Self>, DescribeError> {
        let parts = payload.parts().iter();
        let erased = parts.filter(|part| part.present().is_none()).count();
        let described = describe_entry(leaf, payload)?;
        let fits = query
            .terms
            .iter()
            .all(|term| described.terms.contains(term));
        Ok(fits.then(|| Self::told(index, leaf, described, erased)))
    }

    fn told(index: LogIndex, leaf: &Leaf, described: Described, erased: usize) -> Self {
        let mut told = Self {
            index,
            time: Timestamp::from_milliseconds(described.time),
            kind: leaf.kind().to_string(),
            outcomes: leaf.outcomes(),
            request: None,
            operation: None,
            partners: Vec::new(),
            categories: Vec::new(),
            policies: Vec::new(),
            bundle: None,
            groups: Vec::new(),
            users: Vec::new(),
            reviewer: None,
            callers: Vec::new(),
            erased,
        };
        for term in described.terms {
            let value = term.value;
            match term.dimension {
                Dimension::Kind | Dimension::Outcome => {}
                Dimension::Operation => told.operation = Some(value),
                Dimension::Partner => told.partners.push(value),
                Dimension::Category => told.categories.push(value),
                Dimension::Policy => told.policies.push(value),
                Dimension::Bundle => told.bundle = Some(value),
                Dimension::Group => told.groups.push(value),
                Dimension::Request => told.request = Some(value),
                Dimension::User => told.users.push(value),
                Dimension::Reviewer => told.reviewer = Some(value),
                Dimension::Caller => told.callers.push(value),
            }
        }
        let callers = &told.callers;
        told.users
            .retain(|user| user != TEXT_SUBJECT && !callers.contains(user));
        told
    }
}
