//! Reminders of what waits, as simply as can be: one for all items of a request, every hour, and after two a role.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use comity::store::command::Remind;
use comity::store::command::Submit;
use comity::store::reminder::Reminder;
use comity::store::state::RequestEntry;

use super::HOUR;
use super::Model;
use super::ModelRequest;
use crate::store::support::at;

const ROLE: &str = "shift-leader";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelReminder {
    next: i64,
    turns: i64,
    reminded: Option<i64>,
    turned: Option<i64>,
}

/// What a submission asks for.
pub(super) fn asked(submit: &Submit, now: i64) -> Vec<Reminder> {
    let items = (0..).zip(&submit.items);
    let items: BTreeSet<u32> = items
        .filter(|(_, item)| item.is_pending())
        .map(|(number, _)| number)
        .collect();
    let reminder = Reminder {
        items,
        every: Some(HOUR),
        next: Some(at(now + HOUR)),
        escalate: [(ROLE.parse().unwrap(), at(now + 2 * HOUR))].into(),
        ..Reminder::default()
    };
    Some(reminder)
        .filter(|reminder| !reminder.items.is_empty())
        .into_iter()
        .collect()
}

impl ModelReminder {
    pub(super) fn of(submit: &Submit) -> Option<Self> {
        let since = submit.at.as_milliseconds() - at(0).as_milliseconds();
        (!submit.reminders.is_empty()).then_some(Self {
            next: since + HOUR,
            turns: since + 2 * HOUR,
            reminded: None,
            turned: None,
        })
    }
}

impl Model {
    pub(super) fn reminded(&self, remind: &Remind) -> Result<Self, &'static str> {
        let mut after = self.clone();
        let now = remind.at.as_milliseconds() - at(0).as_milliseconds();
        let request = after.find(remind.request_id)?;
        let mut items = request.items.iter();
        let waits = items.any(|item| item.is_pending() && !item.is_overdue(remind.at));
        let reminder = request.reminder.as_mut().filter(|_| waits);
        let reminder = reminder.ok_or("nothing due")?;
        let (reminds, turns) = (
            reminder.next <= now,
            reminder.turned.is_none() && reminder.turns <= now,
        );
        if !reminds && !turns {
            return Err("nothing due");
        }
        if reminds {
            reminder.next = now + HOUR;
            reminder.reminded = Some(now);
        }
        if turns {
            reminder.turned = Some(now);
        }
        Ok(after)
    }
}

impl ModelRequest {
    pub(super) fn check_reminders(&self, entry: &RequestEntry) {
        let items = (0..).zip(&self.items);
        let waiting: BTreeSet<u32> = items
            .filter(|(_, item)| item.is_pending())
            .map(|(number, _)| number)
            .collect();
        let role = || ROLE.parse().unwrap();
        let expected = self.reminder.as_ref().filter(|_| !waiting.is_empty());
        let expected = expected.map(|reminder| Reminder {
            items: waiting.clone(),
            every: Some(HOUR),
            next: Some(at(reminder.next)),
            escalate: match reminder.turned {
                None => [(role(), at(reminder.turns))].into(),
                Some(_) => BTreeMap::new(),
            },
            reminded_at: reminder.reminded.map(at),
            escalated: reminder
                .turned
                .map(|turned| (role(), at(turned)))
                .into_iter()
                .collect(),
        });
        assert_eq!(entry.reminders, Vec::from_iter(expected));
    }

    /// Whether people would be reminded of it by its schedule, overdue or not.
    pub(super) fn is_to_remind(&self, now: i64) -> bool {
        let waits = self.items.iter().any(|item| item.is_pending());
        let reminder = self.reminder.as_ref().filter(|_| waits);
        reminder.is_some_and(|it| it.next <= now || (it.turned.is_none() && it.turns <= now))
    }
}
