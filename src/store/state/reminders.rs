//! The reminders of a request, as they follow from its events.

use std::collections::BTreeSet;

use crate::domain::lifecycle::ItemState;
use crate::domain::time::Timestamp;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::reminder::Reminder;
use crate::store::state::RequestEntry;

impl RequestEntry {
    /// What is done while an item waits.
    pub fn reminder(&self, number: u32) -> Option<&Reminder> {
        let mut reminders = self.reminders.iter();
        reminders.find(|reminder| reminder.items.contains(&number))
    }

    /// When something is to be done next.
    pub fn remind_at(&self) -> Option<Timestamp> {
        self.reminders.iter().filter_map(Reminder::due_at).min()
    }

    /// Takes in that people were reminded, or turned to.
    pub(super) fn reminded_by(&mut self, event: &Event) {
        let EventBody::Reminded {
            items, escalated, ..
        } = &event.body
        else {
            return;
        };
        for reminder in &mut self.reminders {
            if items.iter().any(|item| reminder.items.contains(item)) {
                reminder.note_reminded(event.at);
            }
            for (role, items) in escalated {
                if items.iter().any(|item| reminder.items.contains(item)) {
                    reminder.note_escalated(role, event.at);
                }
            }
        }
    }

    /// Puts others in the place of the reminders of these items.
    pub(super) fn remind_anew(&mut self, reminders: &[Reminder]) {
        let anew: BTreeSet<u32> = reminders
            .iter()
            .flat_map(|it| it.items.iter().copied())
            .collect();
        for reminder in &mut self.reminders {
            reminder.items.retain(|item| !anew.contains(item));
        }
        self.reminders.extend(reminders.iter().cloned());
    }

    /// Nobody is reminded of what waits no longer.
    pub(super) fn forget_reminders(&mut self) {
        let mut reminders = std::mem::take(&mut self.reminders);
        for reminder in &mut reminders {
            let waits = |item: &u32| self.item(*item).is_some_and(ItemState::is_pending);
            reminder.items.retain(waits);
        }
        reminders.retain(|reminder| !reminder.items.is_empty());
        self.reminders = reminders;
    }
}
