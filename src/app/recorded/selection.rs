//! Which of the recorded decisions are wanted.

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::error::Invalid;
use crate::decision::decide::ItemDecision;
use crate::decision::facts::other_system;
use crate::decision::record::DecisionRecord;
use crate::decision::record::ItemPart;
use crate::decision::record::StatePart;
use crate::decision_log::Leaf;
use crate::decision_log::TreeSize;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;
use crate::policy::source::BundleDigest;

/// What is absent does not matter; what is there has to fit all together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// The index of the first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The index of the last entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// Recorded no earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Recorded earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What came out for at least one item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The other system of the exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<McSystemId>,
    /// A category of at least one item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
    /// The digest of the bundle that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
}

/// What a selection looks at of a decision, be its people erased or not.
#[derive(Debug)]
pub(in crate::app) struct Decided<'a> {
    request: Uuid,
    operation: Operation,
    partner: &'a McSystemId,
    bundle: &'a str,
    items: Vec<(Outcome, &'a [String])>,
}

impl Selection {
    /// What cannot be meant.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Vec::new();
        if let (Some(first), Some(last)) = (self.first, self.last)
            && last < first
        {
            let detail = format!("the last entry, {last}, is before the first, {first}");
            problems.push(Invalid::at("/last", detail));
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            let detail = format!("nothing is from {from} on and before {until}");
            problems.push(Invalid::at("/until", detail));
        }
        if let Some(bundle) = &self.bundle
            && let Err(error) = bundle.parse::<BundleDigest>()
        {
            problems.push(Invalid::at("/bundle", error.to_string()));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// The entries of a log that can be wanted: from the first on, and not the end.
    pub(in crate::app) fn entries(&self, size: TreeSize) -> std::ops::Range<u64> {
        let end = self.last.map_or(size.0, |last| last.saturating_add(1));
        let end = end.min(size.0);
        self.first.unwrap_or(0).min(end)..end
    }

    /// Whether it asks for a time.
    pub(in crate::app) fn names_times(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Whether an entry is of the time that it asks for.
    pub(in crate::app) fn fits_time(&self, leaf: &Leaf) -> bool {
        let at = Timestamp::from_milliseconds(leaf.time().as_millisecond());
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }

    /// Whether it asks for more than a leaf says.
    pub(in crate::app) fn looks_inside(&self) -> bool {
        // Names every member, so that a new one cannot be forgotten.
        let Self {
            first: _,
            last: _,
            from: _,
            until: _,
            operation,
            outcome,
            partner,
            category,
            request,
            bundle,
        } = self;
        operation.is_some()
            || outcome.is_some()
            || partner.is_some()
            || category.is_some()
            || request.is_some()
            || bundle.is_some()
    }

    /// Whether a decision is wanted, its leaf left aside.
    pub(in crate::app) fn fits(&self, decided: &Decided<'_>) -> bool {
        let category = self.category.as_ref();
        self.operation.is_none_or(|it| it == decided.operation)
            && self.request.is_none_or(|it| it == decided.request)
            && self.partner.as_ref().is_none_or(|it| it == decided.partner)
            && self.bundle.as_ref().is_none_or(|it| it == decided.bundle)
            && self
                .outcome
                .is_none_or(|wanted| decided.items.iter().any(|(it, _)| *it == wanted))
            && category.is_none_or(|wanted| {
                let mut items = decided.items.iter();
                items.any(|(_, categories)| categories.contains(wanted))
            })
    }
}

impl<'a> Decided<'a> {
    pub(in crate::app) fn of_record(record: &'a DecisionRecord) -> Self {
        let item = |item: &'a ItemDecision| (item.outcome, item.categories.as_slice());
        Self {
            request: record.request_id,
            operation: record.request.body.operation(),
            partner: other_system(&record.request),
            bundle: &record.bundle.digest,
            items: record.items.iter().map(item).collect(),
        }
    }

    pub(in crate::app) fn of_state(state: &'a StatePart) -> Self {
        let item = |item: &'a ItemPart| (item.outcome, item.categories.as_slice());
        let partner = match state.direction {
            Direction::Outbound => &state.receiving_system,
            Direction::Inbound | Direction::HomeConsent => &state.requesting_system,
        };
        Self {
            request: state.request_id,
            operation: state.operation.operation,
            partner,
            bundle: &state.bundle.digest,
            items: state.items.iter().map(item).collect(),
        }
    }
}
