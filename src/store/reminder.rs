//! What is done while items of a request wait, and what was: kept with the request, as its log entries say.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::role::Role;
use crate::domain::time::Timestamp;

/// The reminders of items that wait alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reminder {
    /// The items, by number.
    pub items: BTreeSet<u32>,
    /// How often those who can answer are reminded, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<i64>,
    /// When they are reminded next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// Who will be turned to as well, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub escalate: BTreeMap<Role, Timestamp>,
    /// When they were reminded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// Who was turned to, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub escalated: BTreeMap<Role, Timestamp>,
}

impl Reminder {
    /// When something is to be done next.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.escalate.values().copied().chain(self.next).min()
    }

    /// Whether they are to be reminded.
    pub fn is_to_remind(&self, now: Timestamp) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// Who is to be turned to.
    pub fn to_escalate(&self, now: Timestamp) -> impl Iterator<Item = &Role> {
        let due = self.escalate.iter().filter(move |(_, at)| **at <= now);
        due.map(|(role, _)| role)
    }

    /// Takes in that they were reminded. What was missed meanwhile is not made up for.
    pub(super) fn note_reminded(&mut self, at: Timestamp) {
        self.reminded_at = Some(at);
        self.next = self.every.map(|every| at.plus_milliseconds(every));
    }

    /// Takes in that a role was turned to.
    pub(super) fn note_escalated(&mut self, role: &Role, at: Timestamp) {
        self.escalate.remove(role);
        self.escalated.entry(role.clone()).or_insert(at);
    }

    /// Takes over what was done by another one, which it takes the place of.
    pub(super) fn take_over(&mut self, before: &Self) {
        for (role, at) in &before.escalated {
            self.note_escalated(role, *at);
        }
        if let Some(at) = before.reminded_at
            && self.reminded_at.is_none_or(|known| known < at)
        {
            self.note_reminded(at);
        }
    }

    /// The same of other items.
    #[must_use]
    pub fn of_items(&self, items: BTreeSet<u32>) -> Self {
        Self {
            items,
            ..self.clone()
        }
    }
}
