//! Generic evaluation: a Cedar request and its entities against a bundle.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Decision;
use cedar_policy::Effect;
use cedar_policy::Entities;
use cedar_policy::PolicyId;
use cedar_policy::Request;
use cedar_policy::Response;

use crate::decision::combine::Findings;
use crate::decision::combine::combine;
use crate::decision::slice::Slices;
use crate::domain::outcome::Outcome;
use crate::policy::annotation::Category;
use crate::policy::annotation::Expiry;
use crate::policy::annotation::Limit;
use crate::policy::annotation::Obligation;
use crate::policy::bundle::Bundle;
use crate::policy::bundle::CompiledPolicy;
use crate::policy::bundle::PolicyClass;
use crate::policy::bundle::PolicyInfo;
use crate::policy::due::DueWithin;

/// A bundle made ready to be asked; one for each worker.
pub struct Engine {
    bundle: Arc<Bundle>,
    slices: Slices,
    authorizer: Authorizer,
}

impl Engine {
    /// Partitions the bundle's policies into prebuilt sets.
    pub fn new(bundle: Arc<Bundle>) -> Self {
        Self {
            slices: Slices::new(&bundle),
            authorizer: Authorizer::new(),
            bundle,
        }
    }

    /// A copy for another worker: built anew, since clones of Cedar's values share reference
    /// counts and two workers would fight for them.
    #[must_use]
    pub fn replicate(&self) -> Self {
        Self::new(Arc::clone(&self.bundle))
    }

    /// The bundle in force.
    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// Evaluates every policy that can match, each by itself, and derives the outcome.
    ///
    /// The entities must hold the ancestors of principal, action and resource: start from
    /// [`Bundle::entities_of_action`].
    pub fn evaluate(&self, request: &Request, entities: &Entities) -> Evaluation<'_> {
        let mut tally = Tally::default();
        self.slices.visit(request, entities, |set| {
            let response = self.authorizer.is_authorized(request, set, entities);
            tally.note(&response, &self.bundle);
        });
        tally.finish(&self.bundle)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("bundle", &self.bundle.digest())
            .finish_non_exhaustive()
    }
}

/// Positions in the bundle of what was satisfied and what erred.
#[derive(Default)]
struct Tally {
    satisfied: Vec<usize>,
    erred: Vec<(usize, String)>,
}

impl Tally {
    fn note(&mut self, response: &Response, bundle: &Bundle) {
        let diagnostics = response.diagnostics();
        let reasons = diagnostics.reason().filter_map(|id| bundle.position(id));
        self.satisfied.extend(reasons);
        for error in diagnostics.errors() {
            let AuthorizationError::PolicyEvaluationError(error) = error;
            if let Some(position) = bundle.position(error.policy_id()) {
                self.erred.push((position, error.inner().to_string()));
            }
        }
    }

    fn finish(mut self, bundle: &Bundle) -> Evaluation<'_> {
        self.satisfied.sort_unstable();
        self.satisfied.dedup();
        self.erred.sort_unstable();
        self.erred.dedup_by_key(|(position, _)| *position);
        let info = |position: usize| bundle.compiled().get(position).map(CompiledPolicy::info);
        let satisfied: Vec<&PolicyInfo> = self.satisfied.into_iter().filter_map(info).collect();
        let errors: Vec<PolicyError<'_>> = self
            .erred
            .into_iter()
            .filter_map(|(position, message)| {
                info(position).map(|policy| PolicyError { policy, message })
            })
            .collect();
        let mut findings = Findings::default();
        for policy in &satisfied {
            findings.satisfied(policy.class());
        }
        for error in &errors {
            findings.erred(error.policy.class());
        }
        Evaluation {
            outcome: combine(findings),
            satisfied,
            errors,
            default_expiry: bundle.default_expiry(),
            default_due: bundle.default_due(),
        }
    }
}

/// A policy that could not be evaluated.
#[derive(Clone, Debug)]
pub struct PolicyError<'e> {
    /// The policy.
    pub policy: &'e PolicyInfo,
    /// Why.
    pub message: String,
}

/// What the policies say to one query, in the order of the bundle.
#[derive(Clone, Debug)]
pub struct Evaluation<'e> {
    outcome: Outcome,
    satisfied: Vec<&'e PolicyInfo>,
    errors: Vec<PolicyError<'e>>,
    default_expiry: Expiry,
    default_due: Option<DueWithin>,
}

impl<'e> Evaluation<'e> {
    /// The answer.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Every satisfied policy, whether it counted in the end or not.
    pub fn satisfied(&self) -> impl Iterator<Item = &'e PolicyInfo> {
        self.satisfied.iter().copied()
    }

    /// The satisfied policies of a class.
    pub fn satisfied_of(&self, class: PolicyClass) -> impl Iterator<Item = &'e PolicyInfo> {
        self.satisfied()
            .filter(move |policy| policy.class() == class)
    }

    /// The policies that erred.
    pub fn errors(&self) -> &[PolicyError<'e>] {
        &self.errors
    }

    /// The policies that brought the outcome about.
    ///
    /// Of an accept the automatic permits; of a review the holding forbids and, unless an
    /// automatic permit would have granted without them, the manual permits; of a reject the hard
    /// forbids, none when nothing permits. Forbids that erred count as satisfied.
    pub fn determining(&self) -> Vec<&'e PolicyInfo> {
        match self.outcome {
            Outcome::Accept => self.counting(PolicyClass::AutomaticPermit).collect(),
            Outcome::Review => {
                let automatic = self.counting(PolicyClass::AutomaticPermit).next().is_some();
                let manual = self.counting(PolicyClass::ManualPermit);
                self.counting(PolicyClass::HoldingForbid)
                    .chain(manual.filter(|_| !automatic))
                    .collect()
            }
            Outcome::Reject => self.counting(PolicyClass::HardForbid).collect(),
        }
    }

    /// The permits that grant, at once or once a person agrees; empty on a reject.
    pub fn granting(&self) -> Vec<&'e PolicyInfo> {
        let automatic = self.counting(PolicyClass::AutomaticPermit);
        let manual = self.counting(PolicyClass::ManualPermit);
        match self.outcome {
            Outcome::Accept => automatic.collect(),
            Outcome::Review => automatic.chain(manual).collect(),
            Outcome::Reject => Vec::new(),
        }
    }

    /// The categories of the request: those of the permits that are satisfied, whether they grant
    /// or not. What a forbid carries names its family, not the request's category.
    pub fn categories(&self) -> BTreeSet<&'e Category> {
        self.satisfied()
            .filter(|policy| policy.effect == Effect::Permit)
            .filter_map(|policy| policy.category.as_ref())
            .collect()
    }

    /// What is to be done when the grant is made, each once: by the granting permits and the
    /// forbids that held it.
    pub fn obligations(&self) -> Vec<&'e Obligation> {
        let policies = self.determining().into_iter().chain(self.granting());
        once(policies.flat_map(|policy| &policy.obligations))
    }

    /// What is to be done once the partner has granted it, likewise.
    pub fn when_accepted(&self) -> Vec<&'e Obligation> {
        let policies = self.determining().into_iter().chain(self.granting());
        once(policies.flat_map(|policy| &policy.when_accepted))
    }

    /// What is to be done once the partner has refused it, likewise.
    pub fn when_refused(&self) -> Vec<&'e Obligation> {
        let policies = self.determining().into_iter().chain(self.granting());
        once(policies.flat_map(|policy| &policy.when_refused))
    }

    /// How long one of these may take: the shortest that a policy says which obliges to it.
    pub fn due(&self, obligation: &Obligation) -> Option<DueWithin> {
        let policies = self.determining().into_iter().chain(self.granting());
        let obliging = policies.filter(|policy| {
            let said = [
                &policy.obligations,
                &policy.when_accepted,
                &policy.when_refused,
            ];
            said.iter().any(|said| said.contains(obligation))
        });
        obliging
            .filter_map(|policy| policy.due.or(self.default_due))
            .min()
    }

    /// What of the grant can be less than what was asked: every limit that a determining or
    /// granting policy names, since a further permit must not lift another's.
    pub fn limits(&self) -> BTreeSet<Limit> {
        let policies = self.determining().into_iter().chain(self.granting());
        policies
            .flat_map(|policy| policy.limits.iter().copied())
            .collect()
    }

    /// How long a held query waits: the shortest of the policies that hold it.
    pub fn expiry(&self) -> Option<Expiry> {
        if self.outcome != Outcome::Review {
            return None;
        }
        let determining = self.determining();
        determining
            .iter()
            .map(|policy| policy.expires.unwrap_or(self.default_expiry))
            .min()
    }

    /// What Cedar would have answered if the bundle were one plain policy set: an erring policy
    /// skipped, a holding forbid a forbid like any other, a manual permit a permit.
    pub fn plain(&self) -> (Decision, Vec<&'e PolicyId>) {
        let of_effect = |effect| {
            self.satisfied()
                .filter(move |policy| policy.effect == effect)
                .map(|policy| &policy.id)
                .collect::<Vec<_>>()
        };
        let forbids = of_effect(Effect::Forbid);
        let permits = of_effect(Effect::Permit);
        if !forbids.is_empty() {
            (Decision::Deny, forbids)
        } else if permits.is_empty() {
            (Decision::Deny, Vec::new())
        } else {
            (Decision::Allow, permits)
        }
    }

    /// The policies of a class that count: satisfied, or forbids that erred.
    fn counting(&self, class: PolicyClass) -> impl Iterator<Item = &'e PolicyInfo> {
        let errors_count = match class {
            PolicyClass::HardForbid | PolicyClass::HoldingForbid => self.errors.as_slice(),
            PolicyClass::AutomaticPermit | PolicyClass::ManualPermit => &[],
        };
        let erred = errors_count.iter().map(|error| error.policy);
        self.satisfied()
            .chain(erred)
            .filter(move |policy| policy.class() == class)
    }
}

/// The items in order of first appearance, each once.
fn once<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}
