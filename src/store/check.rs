//! Whether a command fits the state; what fits becomes an event.

use std::sync::Arc;

use crate::decision::facts::ReadSet;
use crate::decision::record::RecordPart;
use crate::decision_log::LogIndex;
use crate::domain::lifecycle::ItemState;
use crate::domain::registry::DocumentKey;
use crate::store::command::Command;
use crate::store::command::Expected;
use crate::store::command::Expire;
use crate::store::command::Publish;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Respond;
use crate::store::command::StaleRead;
use crate::store::command::Submit;
use crate::store::command::Write;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::State;
use crate::store::state::claims_of;

/// What becomes of a command that fits.
#[derive(Debug)]
pub enum Checked {
    /// An event, with the parts of its decision record.
    New(Event, Vec<RecordPart>),
    /// The submission was made before.
    Duplicate {
        /// The request that it made.
        request_id: RequestId,
        /// Where it was decided.
        submitted: LogIndex,
    },
}

/// Checks a command against everything sequenced before it.
pub fn check(state: &State, command: Command) -> Result<Checked, Refusal> {
    match command {
        Command::WriteDocuments(write) => {
            let changes = changes(state, &write.writes)?;
            let body = EventBody::DocumentsWritten {
                changes,
                actor: Some(write.actor),
            };
            Ok(Checked::New(Event { at: write.at, body }, Vec::new()))
        }
        Command::Submit(submit) => check_submit(state, submit),
        Command::Respond(respond) => check_respond(state, respond),
        Command::Expire(expire) => check_expire(state, expire),
        Command::Publish(publish) => check_publish(state, publish),
        Command::RefusePublication(refuse) => {
            let body = EventBody::PublicationRefused {
                digest: refuse.digest,
                summary: Some(refuse.summary),
            };
            Ok(Checked::New(
                Event {
                    at: refuse.at,
                    body,
                },
                Vec::new(),
            ))
        }
        Command::DryRuns(runs) => {
            let body = EventBody::DryRuns {
                caller: runs.caller,
                minute: runs.minute,
                counts: runs.counts,
            };
            Ok(Checked::New(Event { at: runs.at, body }, Vec::new()))
        }
    }
}

fn check_submit(state: &State, submit: Submit) -> Result<Checked, Refusal> {
    if let Some(idempotency) = submit.idempotency
        && let Some(kept) = state.kept_key(&idempotency.key)
    {
        let request_id = kept.request_id;
        if kept.body != idempotency.body {
            return Err(Refusal::KeyReused { request_id });
        }
        let submitted = state
            .request(request_id)
            .ok_or(Refusal::UnknownRequest(request_id))?
            .submitted;
        return Ok(Checked::Duplicate {
            request_id,
            submitted,
        });
    }
    if state.request(submit.request_id).is_some() {
        return Err(Refusal::RequestExists(submit.request_id));
    }
    check_read_set(state, &submit.read_set)?;
    let body = EventBody::Submitted {
        request_id: submit.request_id,
        caller: submit.caller,
        idempotency: submit.idempotency,
        items: submit.items,
        changes: changes(state, &submit.writes)?,
        counts: submit.counts,
    };
    Ok(Checked::New(
        Event {
            at: submit.at,
            body,
        },
        submit.parts,
    ))
}

fn check_respond(state: &State, respond: Respond) -> Result<Checked, Refusal> {
    let id = respond.request_id;
    let entry = state.request(id).ok_or(Refusal::UnknownRequest(id))?;
    if entry.version != respond.expected_version {
        return Err(Refusal::Version {
            request_id: id,
            current: entry.version,
        });
    }
    if let Some((item, _)) = respond
        .items
        .iter()
        .find(|(item, _)| !entry.item(*item).is_some_and(ItemState::is_pending))
    {
        return Err(Refusal::NotPending { item: *item });
    }
    check_read_set(state, &respond.read_set)?;
    let changes = changes(state, &respond.writes)?;
    let body = EventBody::Responded {
        request_id: id,
        items: respond.items,
        changes,
    };
    Ok(Checked::New(
        Event {
            at: respond.at,
            body,
        },
        respond.parts,
    ))
}

fn check_expire(state: &State, expire: Expire) -> Result<Checked, Refusal> {
    let id = expire.request_id;
    let entry = state.request(id).ok_or(Refusal::UnknownRequest(id))?;
    let overdue = |item: &u32| {
        entry
            .item(*item)
            .is_some_and(|item| item.is_overdue(expire.at))
    };
    let items: Vec<u32> = expire.items.into_iter().filter(overdue).collect();
    if items.is_empty() {
        return Err(Refusal::NothingDue);
    }
    Ok(Checked::New(
        Event {
            at: expire.at,
            body: EventBody::Expired {
                request_id: id,
                items,
            },
        },
        Vec::new(),
    ))
}

fn check_publish(state: &State, publish: Publish) -> Result<Checked, Refusal> {
    let current = state.generation();
    if publish.generation != current + 1 {
        return Err(Refusal::Generation { current });
    }
    let body = EventBody::Published {
        digest: publish.digest,
        generation: publish.generation,
        actor: Some(publish.actor),
        summary: Some(publish.summary),
    };
    Ok(Checked::New(
        Event {
            at: publish.at,
            body,
        },
        Vec::new(),
    ))
}

fn check_read_set(state: &State, read_set: &ReadSet) -> Result<(), Refusal> {
    let current = state.generation();
    if read_set.generation != current {
        return Err(Refusal::Stale(StaleRead::Bundle { current }));
    }
    match read_set
        .entries
        .iter()
        .find(|(key, revision)| state.read(key) != *revision)
    {
        Some((key, _)) => Err(Refusal::Stale(StaleRead::Key(key.clone()))),
        None => Ok(()),
    }
}

fn changes(state: &State, writes: &[Write]) -> Result<Vec<DocumentChange>, Refusal> {
    let written: Vec<&DocumentKey> = writes.iter().map(|write| &write.key).collect();
    writes
        .iter()
        .map(|write| {
            let current = state.revision(&write.key);
            let fits = match write.expected {
                Expected::Any => true,
                Expected::Absent => current.is_none(),
                Expected::Revision(revision) => current == Some(revision),
            };
            if !fits {
                return Err(Refusal::Revision {
                    key: write.key.clone(),
                    current,
                });
            }
            let Some(document) = &write.document else {
                return Ok(DocumentChange::Deleted(write.key.clone()));
            };
            for claim in claims_of(document) {
                if let Some(holder) = state.holder(&claim)
                    && !written.contains(&&holder)
                {
                    return Err(Refusal::Taken { claim, holder });
                }
            }
            Ok(DocumentChange::Put(write.key.clone(), Arc::clone(document)))
        })
        .collect()
}
