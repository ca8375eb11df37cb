//! From the satisfied and the erring policies to one outcome.

use crate::domain::outcome::Outcome;
use crate::policy::bundle::PolicyClass;

/// Which classes of policies were satisfied, or erred, for one query.
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each class of policies, independent of each other"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// An automatic permit is satisfied.
    pub automatic_permit: bool,
    /// A manual permit is satisfied.
    pub manual_permit: bool,
    /// A hard forbid is satisfied or erred.
    pub hard_forbid: bool,
    /// A holding forbid is satisfied or erred.
    pub holding_forbid: bool,
}

impl Findings {
    /// Notes a satisfied policy.
    pub fn satisfied(&mut self, class: PolicyClass) {
        match class {
            PolicyClass::AutomaticPermit => self.automatic_permit = true,
            PolicyClass::ManualPermit => self.manual_permit = true,
            PolicyClass::HardForbid => self.hard_forbid = true,
            PolicyClass::HoldingForbid => self.holding_forbid = true,
        }
    }

    /// Notes a policy that erred: a forbid counts as satisfied, a permit does not.
    pub fn erred(&mut self, class: PolicyClass) {
        match class {
            PolicyClass::AutomaticPermit | PolicyClass::ManualPermit => {}
            PolicyClass::HardForbid | PolicyClass::HoldingForbid => self.satisfied(class),
        }
    }
}

/// The outcome: accept if the automatic policies allow, else review if the ceiling does, else
/// reject.
pub fn combine(findings: Findings) -> Outcome {
    let automatic = findings.automatic_permit && !findings.hard_forbid && !findings.holding_forbid;
    let ceiling = (findings.automatic_permit || findings.manual_permit) && !findings.hard_forbid;
    if automatic {
        Outcome::Accept
    } else if ceiling {
        Outcome::Review
    } else {
        Outcome::Reject
    }
}
