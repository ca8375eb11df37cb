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

    /// Puts others in the place of the reminders of these items. What was done since they were made stays done.
    pub(super) fn remind_anew(&mut self, reminders: &[Reminder]) {
        let mut others = reminders.to_vec();
        for reminder in &mut others {
            let first = reminder.items.first().copied();
            if let Some(before) = first.and_then(|first| self.reminder(first)) {
                reminder.take_over(before);
            }
        }
        let anew: BTreeSet<u32> = reminders
            .iter()
            .flat_map(|it| it.items.iter().copied())
            .collect();
        for reminder in &mut self.reminders {
            reminder.items.retain(|item| !anew.contains(item));
        }
        self.reminders.extend(others);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::decision_log::LogIndex;
    use crate::domain::lifecycle::ItemState;
    use crate::domain::time::Timestamp;
    use crate::store::event::Event;
    use crate::store::event::EventBody;
    use crate::store::reminder::Reminder;
    use crate::store::state::RequestEntry;

    fn at(time: i64) -> Timestamp {
        Timestamp::from_milliseconds(time)
    }

    fn reminder(items: &[u32], escalate: &[(&str, i64)]) -> Reminder {
        Reminder {
            items: items.iter().copied().collect(),
            every: Some(10),
            next: Some(at(10)),
            escalate: escalate
                .iter()
                .map(|(role, time)| (role.parse().unwrap(), at(*time)))
                .collect(),
            ..Reminder::default()
        }
    }

    fn entry(reminders: Vec<Reminder>) -> RequestEntry {
        let entry = json!({
            "id": "00000000-0000-4000-8000-000000000000", "caller": "acms", "version": 1, "submitted": 1,
            "items": [{ "state": "pending", "expires_at": null }, { "state": "pending", "expires_at": null }],
            "at": "2026-01-01T00:00:00.000Z",
        });
        let entry: RequestEntry = serde_json::from_value(entry).unwrap();
        RequestEntry { reminders, ..entry }
    }

    fn reminded(entry: &RequestEntry, time: i64, items: &[u32], role: &str) -> Event {
        let body = EventBody::Reminded {
            request_id: entry.id,
            items: items.to_vec(),
            escalated: [(role.parse().unwrap(), items.to_vec())].into(),
        };
        Event::new(at(time), body)
    }

    fn responded(
        entry: &RequestEntry,
        items: Vec<(u32, ItemState)>,
        reminders: Vec<Reminder>,
    ) -> Event {
        let body = EventBody::Responded {
            request_id: entry.id,
            items,
            votes: None,
            reminders,
            approval: None,
            changes: Vec::new(),
        };
        Event::new(at(20), body)
    }

    const WAITS: ItemState = ItemState::Pending { expires_at: None };

    #[test]
    fn what_was_done_stays_done_when_an_answer_brings_others() {
        let mut entry = entry(vec![reminder(&[0, 1], &[("one", 15)])]);
        assert_eq!(entry.remind_at(), Some(at(10)));
        entry.reminded_by(&reminded(&entry, 15, &[0, 1], "one"));
        assert_eq!((entry.version, entry.remind_at()), (1, Some(at(25))));
        // Made before anybody was reminded, and sequenced after.
        let stale = reminder(&[1], &[("one", 15), ("two", 40)]);
        let event = responded(&entry, vec![(1, WAITS)], vec![stale]);
        entry.change_by(&event, LogIndex(2));
        let (first, second) = (entry.reminder(0).unwrap(), entry.reminder(1).unwrap());
        assert_eq!(first.items, [0].into());
        assert_eq!(second.escalated, first.escalated);
        assert_eq!(second.escalate, [("two".parse().unwrap(), at(40))].into());
        assert_eq!(
            (second.reminded_at, second.next),
            (Some(at(15)), Some(at(25)))
        );
    }

    #[test]
    fn nobody_is_reminded_of_what_waits_no_longer() {
        let mut entry = entry(vec![reminder(&[0], &[]), reminder(&[1], &[])]);
        let event = responded(&entry, vec![(0, ItemState::Granted)], Vec::new());
        entry.change_by(&event, LogIndex(2));
        assert!(entry.reminder(0).is_none() && entry.reminder(1).is_some());
        let event = responded(&entry, vec![(1, ItemState::Refused)], Vec::new());
        entry.change_by(&event, LogIndex(3));
        assert_eq!((entry.reminders.len(), entry.remind_at()), (0, None));
    }
}
