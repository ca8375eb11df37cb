//! The definition of a decision, taken at its word: slow, and what the engine is held against.
//!
//! Two ordinary Cedar policy sets are derived from a bundle: *automatic* (automatic permits and all
//! forbids) and *ceiling* (all permits and the hard forbids).

use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Decision;
use cedar_policy::Entities;
use cedar_policy::PolicySet;
use cedar_policy::PolicySetError;
use cedar_policy::Request;
use cedar_policy::Response;

use crate::domain::outcome::Outcome;
use crate::policy::bundle::Bundle;
use crate::policy::bundle::PolicyClass;
use crate::policy::bundle::Rebuilt;

/// The two derived policy sets of a bundle.
#[derive(Clone, Debug)]
pub struct Derived {
    automatic: PolicySet,
    ceiling: PolicySet,
}

impl Derived {
    /// Derives the sets.
    pub fn new(bundle: &Bundle) -> Result<Self, Box<PolicySetError>> {
        let automatic = subset(bundle, |class| match class {
            PolicyClass::AutomaticPermit | PolicyClass::HardForbid | PolicyClass::HoldingForbid => {
                true
            }
            PolicyClass::ManualPermit => false,
        })?;
        let ceiling = subset(bundle, |class| match class {
            PolicyClass::AutomaticPermit | PolicyClass::ManualPermit | PolicyClass::HardForbid => {
                true
            }
            PolicyClass::HoldingForbid => false,
        })?;
        Ok(Self { automatic, ceiling })
    }

    /// Automatic permits and all forbids.
    pub fn automatic(&self) -> &PolicySet {
        &self.automatic
    }

    /// All permits and the hard forbids.
    pub fn ceiling(&self) -> &PolicySet {
        &self.ceiling
    }

    /// What the two sets answer as Cedar evaluates them, skipping policies that err.
    pub fn plain_outcome(&self, request: &Request, entities: &Entities) -> Outcome {
        outcome(
            |set| {
                let response = Authorizer::new().is_authorized(request, set, entities);
                response.decision() == Decision::Allow
            },
            self,
        )
    }

    /// The same with errors closed over: a set with an erring forbid allows nothing.
    pub fn outcome(&self, request: &Request, entities: &Entities) -> Outcome {
        outcome(
            |set| {
                let response = Authorizer::new().is_authorized(request, set, entities);
                response.decision() == Decision::Allow && !forbid_erred(&response, set)
            },
            self,
        )
    }
}

fn outcome(allows: impl Fn(&PolicySet) -> bool, derived: &Derived) -> Outcome {
    if allows(&derived.automatic) {
        Outcome::Accept
    } else if allows(&derived.ceiling) {
        Outcome::Review
    } else {
        Outcome::Reject
    }
}

fn forbid_erred(response: &Response, set: &PolicySet) -> bool {
    response.diagnostics().errors().any(|error| {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        set.policy(error.policy_id())
            .is_none_or(|policy| policy.effect() == cedar_policy::Effect::Forbid)
    })
}

/// The policies of some classes as one Cedar policy set.
pub fn subset(
    bundle: &Bundle,
    holds: impl Fn(PolicyClass) -> bool,
) -> Result<PolicySet, Box<PolicySetError>> {
    let mut set = PolicySet::new();
    for template in bundle.templates() {
        set.add_template(template.rebuild())?;
    }
    for policy in bundle.compiled() {
        if holds(policy.info().class()) {
            match policy.rebuild() {
                Rebuilt::Static(policy) => set.add(*policy)?,
                Rebuilt::Link {
                    template,
                    id,
                    values,
                } => set.link(template, id, values)?,
            }
        }
    }
    Ok(set)
}
