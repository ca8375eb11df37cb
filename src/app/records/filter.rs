//! By what records are found.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::decision_log::LeafKind;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;
use crate::policy::source::BundleDigest;
use crate::store::embedded::search::Dimension;
use crate::store::embedded::search::Query;
use crate::store::embedded::search::Term;
use crate::store::records_read::ReadWay;
use crate::store::records_read::WhatRead;

/// What is absent does not matter; what is there has to fit all together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Recorded no earlier.
    pub from: Option<Timestamp>,
    /// Recorded earlier.
    pub until: Option<Timestamp>,
    /// The kind of the leaf.
    pub kind: Option<LeafKind>,
    /// What came out for at least one item.
    pub outcome: Option<Outcome>,
    /// The operation.
    pub operation: Option<Operation>,
    /// The other system of the exchange, or one that a document of the entry concerns.
    pub partner: Option<McSystemId>,
    /// A category of at least one item.
    pub category: Option<String>,
    /// A policy that determined the outcome of at least one item.
    pub policy: Option<String>,
    /// The digest of the bundle that decided, or that the entry is about.
    pub bundle: Option<BundleDigest>,
    /// A group that it is about.
    pub group: Option<GroupId>,
    /// The request that it submits or changes.
    pub request: Option<Uuid>,
    /// Somebody whom it is about.
    pub user: Option<McServiceId>,
    /// Who answered.
    pub reviewer: Option<McServiceId>,
    /// The account that submitted, wrote or read.
    pub caller: Option<String>,
}

impl RecordFilter {
    /// What the index is asked for.
    pub(super) fn query(&self) -> Query {
        Query {
            terms: self.terms(),
            from: self.from,
            until: self.until,
        }
    }

    /// What is read by asking for it.
    pub(in crate::app) fn what(&self, way: ReadWay) -> WhatRead {
        let named = |is_personal: bool| -> BTreeMap<String, String> {
            let terms = self.terms().into_iter();
            let terms = terms.filter(|term| term.dimension.is_personal() == is_personal);
            terms
                .map(|term| (term.dimension.as_str().to_owned(), term.value))
                .collect()
        };
        WhatRead {
            way,
            index: None,
            from: self.from,
            until: self.until,
            terms: named(false),
            people: named(true),
        }
    }

    fn terms(&self) -> Vec<Term> {
        // Names every member, so that a new one cannot be forgotten.
        let Self {
            from: _,
            until: _,
            kind,
            outcome,
            operation,
            partner,
            category,
            policy,
            bundle,
            group,
            request,
            user,
            reviewer,
            caller,
        } = self;
        let text = |text: &dyn ToString| text.to_string();
        let terms = [
            (Dimension::Kind, kind.as_ref().map(|it| text(it))),
            (Dimension::Outcome, outcome.as_ref().map(|it| text(it))),
            (
                Dimension::Operation,
                operation.map(|it| it.as_str().to_owned()),
            ),
            (Dimension::Partner, partner.as_ref().map(|it| text(it))),
            (Dimension::Category, category.clone()),
            (Dimension::Policy, policy.clone()),
            (Dimension::Bundle, bundle.as_ref().map(|it| text(it))),
            (Dimension::Group, group.as_ref().map(|it| text(it))),
            (Dimension::Request, request.as_ref().map(|it| text(it))),
            (Dimension::User, user.as_ref().map(|it| text(it))),
            (Dimension::Reviewer, reviewer.as_ref().map(|it| text(it))),
            (Dimension::Caller, caller.clone()),
        ];
        let given = terms.into_iter();
        given
            .filter_map(|(dimension, value)| Some(Term::new(dimension, value?)))
            .collect()
    }
}
