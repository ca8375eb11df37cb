//! Reminders of what waits: made with the decision that holds it, carried out when they are due.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::app::App;
use crate::decision::attention::Attention;
use crate::decision::decide::ItemDecision;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;
use crate::policy::reminders::Wait;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::Remind;
use crate::store::reminder::Reminder;
use crate::store::state::RequestEntry;

/// How many requests are looked after in one round.
const REQUESTS_AT_ONCE_MAX: usize = 1_000;

/// The reminders of items that are held from now on; items that wait alike share theirs.
pub(in crate::app) fn first_reminders(items: &[ItemDecision], now: Timestamp) -> Vec<Reminder> {
    let mut alike: BTreeMap<&Attention, BTreeSet<u32>> = BTreeMap::new();
    for (number, item) in (0..).zip(items) {
        if item.outcome == Outcome::Review && !item.attention.is_none() {
            alike.entry(&item.attention).or_default().insert(number);
        }
    }
    let reminders = alike.into_iter();
    let reminders = reminders.map(|(attention, items)| Reminder {
        items,
        ..with_attention(Reminder::default(), attention, now)
    });
    reminders.collect()
}

/// The reminders of items that go on waiting, where what holds them now asks for more than before.
pub(in crate::app) fn further_reminders<'d>(
    entry: &RequestEntry,
    waiting: impl Iterator<Item = (u32, &'d ItemDecision)>,
    now: Timestamp,
) -> Vec<Reminder> {
    let mut alike: BTreeMap<Reminder, BTreeSet<u32>> = BTreeMap::new();
    for (number, decision) in waiting.filter(|(_, it)| it.outcome == Outcome::Review) {
        let before = entry.reminder(number);
        let before = before.map(|it| it.of_items(BTreeSet::new()));
        let before = before.unwrap_or_default();
        let after = with_attention(before.clone(), &decision.attention, now);
        if after != before {
            alike.entry(after).or_default().insert(number);
        }
    }
    let reminders = alike.into_iter();
    let reminders = reminders.map(|(reminder, items)| reminder.of_items(items));
    reminders.collect()
}

/// The shorter period, and everybody, each at the earlier time; nobody is turned to twice.
fn with_attention(mut reminder: Reminder, attention: &Attention, now: Timestamp) -> Reminder {
    if let Some(every) = attention.remind.map(Wait::milliseconds)
        && reminder.every.is_none_or(|before| every < before)
    {
        let next = now.plus_milliseconds(every);
        reminder.every = Some(every);
        reminder.next = Some(reminder.next.map_or(next, |before| before.min(next)));
    }
    for (role, wait) in attention.escalate.roles() {
        if reminder.escalated.contains_key(role) {
            continue;
        }
        let at = now.plus_milliseconds(wait.milliseconds());
        let earliest = reminder.escalate.entry(role.clone()).or_insert(at);
        *earliest = (*earliest).min(at);
    }
    reminder
}

impl App {
    /// Reminds of what waits and turns to others, where it is time; while the clock has just jumped, nobody.
    pub async fn remind_of_waiting(&self) {
        let now = self.now();
        if self.clock().jump().is_some() {
            return;
        }
        let due: Vec<_> = self.store().view(|state| {
            let due = state.reminders_due(now);
            due.take(REQUESTS_AT_ONCE_MAX).collect()
        });
        for request_id in due {
            let command = Command::Remind(Remind {
                request_id,
                at: now,
            });
            match self.commit(command).await {
                // What is overdue is not reminded of: it expires.
                Ok(_) | Err(CommitError::Refused(Refusal::NothingDue)) => {}
                Err(error) => {
                    tracing::warn!(%error, "what waits could not be reminded of yet; the next round tries again");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::with_attention;
    use crate::decision::attention::Attention;
    use crate::domain::time::Timestamp;
    use crate::store::reminder::Reminder;

    const MINUTE: i64 = 60_000;

    fn attention(remind: &str, escalate: &[(&str, &str)]) -> Attention {
        let escalate: serde_json::Map<_, _> = escalate
            .iter()
            .map(|(role, wait)| ((*role).to_owned(), json!(wait)))
            .collect();
        serde_json::from_value(json!({ "remind": remind, "escalate": escalate })).unwrap()
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_milliseconds(minutes * MINUTE)
    }

    #[test]
    fn what_holds_later_adds_its_own_and_the_earlier_time_counts() {
        let role = |role: &str| role.parse().unwrap();
        let first = attention("PT30M", &[("shift-leader", "PT1H")]);
        let begun = with_attention(Reminder::default(), &first, at(0));
        assert_eq!((begun.every, begun.next), (Some(30 * MINUTE), Some(at(30))));
        assert_eq!(begun.escalate, [(role("shift-leader"), at(60))].into());
        // The same policies later change nothing.
        assert_eq!(with_attention(begun.clone(), &first, at(20)), begun);
        // Seldom does not slow down, and a later time does not put off.
        let slower = attention("PT2H", &[("shift-leader", "PT1H")]);
        assert_eq!(with_attention(begun.clone(), &slower, at(20)), begun);
        let more = attention(
            "PT5M",
            &[("shift-leader", "PT10M"), ("security-officer", "PT1H")],
        );
        let more = with_attention(begun, &more, at(20));
        assert_eq!((more.every, more.next), (Some(5 * MINUTE), Some(at(25))));
        let expected = [
            (role("security-officer"), at(80)),
            (role("shift-leader"), at(30)),
        ];
        assert_eq!(more.escalate, expected.into());
        // Nobody is turned to twice.
        let turned = Reminder {
            escalate: [].into(),
            escalated: [(role("shift-leader"), at(60))].into(),
            ..Reminder::default()
        };
        assert_eq!(
            with_attention(turned.clone(), &first, at(61)).escalated,
            turned.escalated
        );
        assert!(with_attention(turned, &first, at(61)).escalate.is_empty());
    }
}
