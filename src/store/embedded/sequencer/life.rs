//! Whether the state allows that a request is withdrawn, what it granted revoked, or what
//! became of it acknowledged.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::lifecycle::ItemState;
use crate::store::command::Acknowledge;
use crate::store::command::Command;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Revoke;
use crate::store::command::Withdraw;
use crate::store::embedded::sequencer::check::Checked;
use crate::store::embedded::sequencer::check::changes;
use crate::store::embedded::sequencer::check::changing;
use crate::store::embedded::sequencer::check::ending;
use crate::store::embedded::sequencer::check::obliging;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// A withdrawal of what still waits.
pub(super) fn withdraw(state: &State, command: Withdraw) -> Result<Checked, Refusal> {
    let request_id = command.request_id;
    let Some(entry) = state.request(request_id) else {
        return Err(match state.put_away(request_id) {
            Some(request) => {
                let version = (request.version(), command.expected_version);
                check_version(request_id, version).err().unwrap_or({
                    // Of a request that was put away nothing waits.
                    let item = command.items.first().copied().unwrap_or_default();
                    Refusal::NotPending { item }
                })
            }
            None => Refusal::UnknownRequest(request_id),
        });
    };
    check_version(request_id, (entry.version, command.expected_version))?;
    let may = |entry: &RequestEntry, item: u32| {
        let present = entry.item(item);
        present.is_some_and(|it| it.may_be_withdrawn(command.in_time_at))
    };
    if let Some(item) = first_refused(entry, &command.items, may) {
        return Err(Refusal::NotPending { item });
    }
    if command.items.is_empty() {
        return Err(Refusal::Invalid("it withdraws no item".to_owned()));
    }
    let body = EventBody::Withdrawn {
        request_id,
        items: command.items,
        changes: changes(state, command.writes, command.at)?,
    };
    let event = obliging(changing(command.at, body), command.obligations);
    let event = ending(event, command.ends);
    Ok(Checked::Event(event, command.parts))
}

/// A revocation of what is granted; `ended` is the request where it was put away.
pub(super) fn revoke(
    state: &State,
    command: Revoke,
    ended: Option<&RequestEntry>,
) -> Result<Checked, Refusal> {
    let request_id = command.request_id;
    let present = state.request(request_id).map(AsRef::as_ref);
    let entry = present.or(ended.filter(|entry| entry.id == request_id));
    let entry = entry.ok_or(Refusal::UnknownRequest(request_id))?;
    check_version(request_id, (entry.version, command.expected_version))?;
    let may = |entry: &RequestEntry, item: u32| {
        let present = entry.item(item);
        present.is_some_and(ItemState::may_be_revoked) && !entry.ended.contains_key(&item)
    };
    if let Some(item) = first_refused(entry, &command.items, may) {
        return Err(Refusal::NotGranted { item });
    }
    if command.items.is_empty() {
        return Err(Refusal::Invalid("it revokes no item".to_owned()));
    }
    let body = EventBody::Revoked {
        request_id,
        submitter: Arc::clone(&entry.caller),
        items: command.items,
        ended: command.ended,
        changes: changes(state, command.writes, command.at)?,
    };
    let event = obliging(changing(command.at, body), command.obligations);
    let event = ending(event, command.ends);
    Ok(Checked::Event(event, command.parts))
}

/// That the caller has seen a version, which is not ahead of the present one; `ended` is the request where it was put
/// away.
pub(super) fn acknowledge(
    state: &State,
    command: Acknowledge,
    ended: Option<&RequestEntry>,
) -> Result<Checked, Refusal> {
    let request_id = command.request_id;
    let present = state.request(request_id).map(AsRef::as_ref);
    let entry = present.or(ended.filter(|entry| entry.id == request_id));
    let entry = entry.ok_or(Refusal::UnknownRequest(request_id))?;
    let version = command.version;
    if version > entry.version {
        return Err(Refusal::Version {
            request_id,
            current: entry.version,
        });
    }
    let acknowledged = entry.delivery.acknowledged;
    if version <= acknowledged {
        return Err(Refusal::Acknowledged { acknowledged });
    }
    let body = EventBody::Acknowledged {
        request_id,
        version,
    };
    Ok(Checked::Event(changing(command.at, body), Vec::new()))
}

fn check_version(request_id: RequestId, (current, expected): (u64, u64)) -> Result<(), Refusal> {
    if current == expected {
        return Ok(());
    }
    Err(Refusal::Version {
        request_id,
        current,
    })
}

/// The first item that cannot take the step, or is named a second time.
fn first_refused(
    entry: &RequestEntry,
    items: &[u32],
    may: impl Fn(&RequestEntry, u32) -> bool,
) -> Option<u32> {
    let mut seen = BTreeSet::new();
    let mut items = items.iter().copied();
    items.find(|item| !may(entry, *item) || !seen.insert(*item))
}

/// The request that a command is about which may change it though it has ended and was put away.
pub(super) fn may_concern_ended(command: &Command) -> Option<RequestId> {
    match command {
        Command::Revoke(revoke) => Some(revoke.request_id),
        Command::Acknowledge(acknowledge) => Some(acknowledge.request_id),
        Command::NoteObligation(note) => Some(note.request_id),
        Command::WriteDocuments(_)
        | Command::Submit(_)
        | Command::SubmitTogether(_)
        | Command::Respond(_)
        | Command::Report(_)
        | Command::Withdraw(_)
        | Command::Expire(_)
        | Command::Interrupt(_)
        | Command::TellOverdue(_)
        | Command::Remind(_)
        | Command::Publish(_)
        | Command::RefusePublication(_)
        | Command::DryRuns(_)
        | Command::BeginSigning(_)
        | Command::NoteSecretsRead(_)
        | Command::Erasure(_)
        | Command::NoteRecordsRead(_) => None,
    }
}
