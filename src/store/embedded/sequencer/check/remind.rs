//! Whether it is time to remind of what waits, and of what.

use std::collections::BTreeMap;

use crate::domain::role::Role;
use crate::store::command::Refusal;
use crate::store::command::Remind;
use crate::store::embedded::sequencer::check::Checked;
use crate::store::embedded::sequencer::check::event;
use crate::store::event::EventBody;
use crate::store::state::State;

/// What is overdue is not reminded of: it expires.
pub(super) fn remind(state: &State, command: &Remind) -> Result<Checked, Refusal> {
    let request_id = command.request_id;
    let Some(entry) = state.request(request_id) else {
        return Err(match state.put_away(request_id) {
            Some(_) => Refusal::NothingDue,
            None => Refusal::UnknownRequest(request_id),
        });
    };
    let waits = |item: &u32| {
        let now = entry.item(*item);
        now.is_some_and(|now| now.is_pending() && !now.is_overdue(command.at))
    };
    let mut items: Vec<u32> = Vec::new();
    let mut escalated: BTreeMap<Role, Vec<u32>> = BTreeMap::new();
    for reminder in &entry.reminders {
        let waiting: Vec<u32> = reminder.items.iter().copied().filter(waits).collect();
        if waiting.is_empty() {
            continue;
        }
        if reminder.is_to_remind(command.at) {
            items.extend(&waiting);
        }
        for role in reminder.to_escalate(command.at) {
            escalated.entry(role.clone()).or_default().extend(&waiting);
        }
    }
    if items.is_empty() && escalated.is_empty() {
        return Err(Refusal::NothingDue);
    }
    items.sort_unstable();
    for items in escalated.values_mut() {
        items.sort_unstable();
    }
    let body = EventBody::Reminded {
        request_id,
        items,
        escalated,
    };
    Ok(event(command.at, body))
}
