//! Whether the state allows requests that were asked for together: all of them, or none.

use std::collections::HashSet;

use super::Checked;
use crate::store::access::Access;
use crate::store::command::Refusal;
use crate::store::command::Submit;
use crate::store::state::State;

/// Checks each against the same state, which is sound because none changes what another one looks at.
pub(super) fn submit(state: &State, commands: Vec<Submit>) -> Result<Checked, Refusal> {
    check_apart(&commands)?;
    let mut events = Vec::new();
    for command in commands {
        match super::submit(state, command)? {
            Checked::Event(event, record) => events.push((event, record)),
            // Only the first can be: no other has a key.
            duplicate @ Checked::Duplicate(..) => return Ok(duplicate),
            Checked::Together(further) => events.extend(further),
        }
    }
    Ok(Checked::Together(events))
}

/// They ask for approvals, from which nothing follows, on different denials; and one key is for all of them.
fn check_apart(commands: &[Submit]) -> Result<(), Refusal> {
    let invalid = |message: &str| Err(Refusal::Invalid(message.to_owned()));
    if commands.is_empty() {
        return invalid("nothing is asked for");
    }
    let mut names = HashSet::new();
    for (number, command) in commands.iter().enumerate() {
        let asks_for_approval = matches!(command.access.as_deref(), Some(Access::Approval(_)));
        let changes = !command.writes.is_empty()
            || !command.obligations.is_empty()
            || !command.turned.is_empty();
        if !asks_for_approval || changes {
            return invalid("only requests for approvals are submitted together");
        }
        if number > 0 && command.idempotency.is_some() {
            return invalid("one key is for all that are submitted together");
        }
        if !names.insert(command.request_id) {
            return invalid("two of those that are submitted together have one name");
        }
    }
    Ok(())
}
