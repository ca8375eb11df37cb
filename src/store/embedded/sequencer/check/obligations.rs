//! Whether the state allows to note what became of an obligation, and which are to be told as overdue.

use crate::store::command::NoteObligation;
use crate::store::command::Refusal;
use crate::store::command::TellOverdue;
use crate::store::embedded::sequencer::check::Checked;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::event::OverdueObligation;
use crate::store::state::ObligationState;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// Whatever failed may be done after all; what was done stays done, and nothing is noted twice. `ended` is the request
/// where it was put away.
pub(super) fn note(
    state: &State,
    command: NoteObligation,
    ended: Option<&RequestEntry>,
) -> Result<Checked, Refusal> {
    let request_id = command.request_id;
    let present = state.request(request_id).map(AsRef::as_ref);
    let entry = present.or(ended.filter(|entry| entry.id == request_id));
    let entry = entry.ok_or(Refusal::UnknownRequest(request_id))?;
    let expected = command.expected_version;
    if expected.is_some_and(|expected| expected != entry.version) {
        return Err(Refusal::Version {
            request_id,
            current: entry.version,
        });
    }
    let obligation = command.obligation;
    let tracked = entry.obligations.get(obligation);
    let tracked = tracked.ok_or(Refusal::UnknownObligation(obligation))?;
    let before = tracked.report.as_ref().map(|noted| noted.outcome);
    if tracked.state() == ObligationState::Done {
        return Err(Refusal::ObligationDone(obligation));
    }
    if before == Some(command.outcome) {
        return Err(Refusal::NothingDue);
    }
    let body = EventBody::ObligationNoted {
        request_id,
        obligation,
        duty: tracked.duty.as_ref().clone(),
        outcome: command.outcome,
        by: command.caller,
    };
    let event = Event::new(command.at, body);
    Ok(Checked::Event(Box::new(event), command.parts))
}

/// Each is told once: what is told is no longer among those that are to be.
pub(super) fn tell(state: &State, command: &TellOverdue) -> Result<Checked, Refusal> {
    let overdue = state.overdue_untold(command.at).take(command.limit);
    let overdue = overdue.filter_map(|(due_at, request_id, obligation)| {
        let owed = state.owed(request_id, obligation)?;
        let duty = owed.tracked.duty.as_ref().clone();
        Some(OverdueObligation {
            request_id,
            obligation,
            duty,
            due_at,
        })
    });
    let obligations: Vec<OverdueObligation> = overdue.collect();
    if obligations.is_empty() {
        return Err(Refusal::NothingDue);
    }
    let event = Event::new(command.at, EventBody::ObligationsOverdue { obligations });
    Ok(Checked::Event(Box::new(event), Vec::new()))
}
