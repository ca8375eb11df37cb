//! Which policies of a bundle determined nothing.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::decision::decide::ItemDecision;
use crate::policy::bundle::Bundle;

/// The policies that determined some item of some scenario, and those that did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// How many policies the bundle has.
    pub policies: usize,
    /// Those that determined no item, with their places, in the order of the bundle.
    pub idle: Vec<IdlePolicy>,
}

/// A policy that determined no item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdlePolicy {
    /// Its stable name.
    pub id: String,
    /// File, line and column.
    pub place: String,
}

/// Names of policies that determined an item.
#[derive(Clone, Debug, Default)]
pub struct Determining(BTreeSet<String>);

impl Determining {
    /// Counts the policies of a decision in.
    pub fn add(&mut self, decided: &[ItemDecision]) {
        let policies = decided.iter().flat_map(|item| &item.policies);
        self.0.extend(policies.map(|policy| policy.id.clone()));
    }

    /// What that says about a bundle.
    pub fn coverage(&self, bundle: &Bundle) -> Coverage {
        let idle = bundle
            .policies()
            .filter(|policy| !self.0.contains(&policy.id.to_string()))
            .map(|policy| IdlePolicy {
                id: policy.id.to_string(),
                place: policy.place.to_string(),
            })
            .collect();
        Coverage {
            policies: bundle.policies().len(),
            idle,
        }
    }
}
