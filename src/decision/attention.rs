//! What is done so that a held item is not forgotten: reminders, and turning to others.

use serde::Deserialize;
use serde::Serialize;

use crate::policy::bundle::PolicyClass;
use crate::policy::bundle::PolicyInfo;
use crate::policy::reminders::Escalations;
use crate::policy::reminders::Wait;

/// What the policies that hold an item ask for together; it never changes who has to agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// How often those who can answer are reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Wait>,
    /// Who else is turned to, and after how long.
    #[serde(default, skip_serializing_if = "Escalations::is_empty")]
    pub escalate: Escalations,
}

impl Attention {
    /// What the policies that hold ask for together: the shortest reminder, everybody, each at the earliest time.
    pub fn of<'p>(holding: impl IntoIterator<Item = &'p PolicyInfo>) -> Self {
        let mut attention = Self::default();
        for policy in holding {
            match policy.class() {
                PolicyClass::HoldingForbid | PolicyClass::ManualPermit => {}
                PolicyClass::AutomaticPermit | PolicyClass::HardForbid => continue,
            }
            let reminders = [attention.remind, policy.remind].into_iter().flatten();
            attention.remind = reminders.min();
            if let Some(escalate) = &policy.escalate {
                attention.escalate = attention.escalate.and(escalate);
            }
        }
        attention
    }

    /// Whether nothing is done.
    pub fn is_none(&self) -> bool {
        self.remind.is_none() && self.escalate.is_empty()
    }
}
