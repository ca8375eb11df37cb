//! Whether the state allows a command, and which event it becomes.

mod erasure;
mod obligations;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::decision::facts::ReadSet;
use crate::decision::record::RecordPart;
use crate::decision_log::LogIndex;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interruption;
use crate::domain::lapse::Lapse;
use crate::domain::lifecycle::ItemState;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::command::Arising;
use crate::store::command::Command;
use crate::store::command::Expected;
use crate::store::command::Expire;
use crate::store::command::ITEMS_LIMIT;
use crate::store::command::Interrupt;
use crate::store::command::Publish;
use crate::store::command::Refusal;
use crate::store::command::Report;
use crate::store::command::RequestId;
use crate::store::command::Respond;
use crate::store::command::ScopeDigest;
use crate::store::command::StaleRead;
use crate::store::command::Submit;
use crate::store::command::Turned;
use crate::store::command::Votes;
use crate::store::command::WRITES_LIMIT;
use crate::store::command::Write;
use crate::store::embedded::sequencer::life;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::Claim;
use crate::store::state::RequestEntry;
use crate::store::state::State;
use crate::store::state::claims_of;

mod remind;
mod together;

/// What becomes of a command that the state allows.
#[derive(Debug)]
pub(super) enum Checked {
    /// This event, with the parts of its decision record.
    Event(Box<Event>, Vec<RecordPart>),
    /// These events, all of them or none, each with the parts of its decision record.
    Together(Vec<(Box<Event>, Vec<RecordPart>)>),
    /// Nothing: the same was sequenced before.
    Duplicate(RequestId, LogIndex),
}

/// Checks a command against the state.
///
/// `ended` is the request that the command is about, where it was put away.
pub(super) fn check(
    state: &State,
    command: Command,
    ended: Option<&RequestEntry>,
) -> Result<Checked, Refusal> {
    match command {
        Command::WriteDocuments(write) => {
            if write.writes.is_empty() {
                return Err(Refusal::Invalid("it writes nothing".to_owned()));
            }
            let changes = changes(state, write.writes, write.at)?;
            let actor = Some(write.actor);
            let body = EventBody::DocumentsWritten { changes, actor };
            let event = ending(changing(write.at, body), write.ends);
            Ok(Checked::Event(event, Vec::new()))
        }
        Command::Submit(command) => submit(state, command),
        Command::SubmitTogether(commands) => together::submit(state, commands),
        Command::Respond(command) => respond(state, command),
        Command::Report(command) => report(state, command),
        Command::Withdraw(command) => life::withdraw(state, command),
        Command::NoteObligation(command) => obligations::note(state, command, ended),
        Command::TellOverdue(command) => obligations::tell(state, &command),
        Command::Revoke(command) => life::revoke(state, command, ended),
        Command::Acknowledge(command) => life::acknowledge(state, command, ended),
        Command::Expire(command) => expire(state, &command),
        Command::Remind(command) => remind::remind(state, &command),
        Command::Interrupt(command) => interrupt(state, command),
        Command::Publish(command) => publish(state, command),
        Command::RefusePublication(refused) => Ok(event(
            refused.at,
            EventBody::PublicationRefused {
                digest: refused.digest,
                summary: Some(refused.summary),
            },
        )),
        Command::DryRuns(runs) => Ok(event(
            runs.at,
            EventBody::DryRuns {
                caller: runs.caller,
                minute: runs.minute,
                counts: runs.counts,
            },
        )),
        Command::BeginSigning(begun) => Ok(event(begun.at, EventBody::SigningBegun(begun.signing))),
        Command::NoteRecordsRead(noted) => Ok(event(
            noted.at,
            EventBody::RecordsRead {
                reads: noted.reads,
                actor: Some(noted.actor),
            },
        )),
        Command::Erasure(noted) => erasure::note(state, noted),
        Command::NoteSecretsRead(read) => Ok(event(
            read.at,
            EventBody::SecretsRead {
                key: read.key,
                version: read.version,
                actor: Some(read.actor),
            },
        )),
    }
}

fn event(at: Timestamp, body: EventBody) -> Checked {
    Checked::Event(changing(at, body), Vec::new())
}

/// An event, with what its changes interrupt.
pub(super) fn changing(at: Timestamp, body: EventBody) -> Box<Event> {
    let interrupted = body.changes().iter().filter_map(|change| {
        let lapse = match change {
            DocumentChange::Put(_, document) => document
                .agreement()
                .and_then(|agreement| Lapse::of(Some(agreement), at)),
            DocumentChange::Deleted(key) => {
                (key.kind == DocumentKind::Agreement).then_some(Lapse::Missing)
            }
        };
        let partner = change.key().id.as_str().parse().ok()?;
        lapse.map(|lapse| Interruption {
            partner,
            lapse,
            at_partner: true,
            revokes: true,
        })
    });
    Box::new(Event {
        interrupted: interrupted.collect(),
        ..Event::new(at, body)
    })
}

pub(super) fn obliging(mut event: Box<Event>, obligations: Vec<Arising>) -> Box<Event> {
    event.obligations = obligations;
    event
}

/// An event, with what it takes back.
pub(super) fn ending(mut event: Box<Event>, ends: Vec<ScopeDigest>) -> Box<Event> {
    event.ends = ends;
    event
}

fn submit(state: &State, command: Submit) -> Result<Checked, Refusal> {
    if let Some(idempotency) = command.idempotency
        && let Some(kept) = state.kept_key(&idempotency.key)
    {
        let request_id = kept.request_id;
        return match state.submission(request_id) {
            Some(submitted) if kept.body == idempotency.body => {
                Ok(Checked::Duplicate(request_id, submitted))
            }
            Some(_) | None => Err(Refusal::KeyReused { request_id }),
        };
    }
    if command.items.len() > ITEMS_LIMIT {
        let message = format!("it has more than {ITEMS_LIMIT} items");
        return Err(Refusal::Invalid(message));
    }
    if state.submission(command.request_id).is_some() {
        return Err(Refusal::RequestExists(command.request_id));
    }
    check_use(state, &command)?;
    check_turned(state, &command.turned)?;
    check_reads(state, &command.read_set)?;
    let body = EventBody::Submitted {
        request_id: command.request_id,
        caller: command.caller,
        idempotency: command.idempotency,
        correlation: command.correlation,
        items: command.items,
        changes: changes(state, command.writes, command.at)?,
        counts: command.counts,
        bound_to: command.bound_to,
        reminders: command.reminders,
        reduces: command.reduces,
        adds: command.adds,
        access: command.access,
    };
    let event = obliging(changing(command.at, body), command.obligations);
    Ok(Checked::Event(event, command.parts))
}

/// An approval is used once, for what was asked, by whom it was asked.
fn check_use(state: &State, command: &Submit) -> Result<(), Refusal> {
    let Some(Access::Evaluation {
        scope,
        uses: Some(used),
        ..
    }) = command.access.as_deref()
    else {
        return Ok(());
    };
    let kept = state.approval(used.approval);
    let fits = kept.is_some_and(|kept| {
        kept.request == used.request && kept.fits(&command.caller, scope, command.in_time_at)
    });
    if fits {
        Ok(())
    } else {
        Err(Refusal::Approval(used.approval))
    }
}

fn respond(state: &State, command: Respond) -> Result<Checked, Refusal> {
    let Some(entry) = state.request(command.request_id) else {
        return Err(put_away_refusal(state, &command));
    };
    if entry.version != command.expected_version {
        return Err(Refusal::Version {
            request_id: entry.id,
            current: entry.version,
        });
    }
    let mut answered = BTreeMap::new();
    for (item, to) in &command.items {
        let waits = entry
            .item(*item)
            .is_some_and(|now| now.may_be_answered(*to, command.in_time_at));
        if !waits || answered.insert(*item, to).is_some() {
            return Err(Refusal::NotPending { item: *item });
        }
    }
    if answered.is_empty() {
        return Err(Refusal::Invalid("it answers no item".to_owned()));
    }
    if let Some(votes) = &command.votes {
        check_votes(entry, &answered, votes)?;
    }
    check_turned(state, &command.turned)?;
    check_reads(state, &command.read_set)?;
    let body = EventBody::Responded {
        request_id: command.request_id,
        items: command.items,
        votes: command.votes,
        reminders: command.reminders,
        approval: command.approval,
        changes: changes(state, command.writes, command.at)?,
    };
    let event = obliging(changing(command.at, body), command.obligations);
    Ok(Checked::Event(event, command.parts))
}

/// Only what goes on waiting is counted for, each item once, and nobody counts twice.
fn check_votes(
    entry: &RequestEntry,
    answered: &BTreeMap<u32, &ItemState>,
    votes: &Votes,
) -> Result<(), Refusal> {
    let mut counted = BTreeSet::new();
    let person = votes.who();
    for (item, vote) in &votes.items {
        let waits = answered.get(item).is_some_and(|to| to.is_pending());
        if !waits || !counted.insert(*item) {
            let message =
                format!("it counts for item {item}, which it settles, or does not answer");
            return Err(Refusal::Invalid(message));
        }
        let mut tally = entry.tally(*item);
        tally.lapse(votes.lapsed_of(*item));
        if !tally.admits(&person, vote) {
            return Err(Refusal::AnsweredBefore { item: *item });
        }
    }
    let mut lapsed = votes.lapsed.iter();
    if let Some((item, _)) = lapsed.find(|(item, _)| !counted.contains(item)) {
        let message = format!("it ends approvals of item {item}, for which it does not count");
        return Err(Refusal::Invalid(message));
    }
    Ok(())
}

/// Nobody may have taken anything away, or given or set it, since the answer was judged.
fn check_turned(state: &State, seen: &[Turned]) -> Result<(), Refusal> {
    let is_stale = |seen: &Turned| state.last_turn(&seen.partner, seen.turn) != seen.last;
    if seen.iter().any(is_stale) {
        return Err(Refusal::Stale(StaleRead::Turns));
    }
    Ok(())
}

fn report(state: &State, command: Report) -> Result<Checked, Refusal> {
    let request_id = command.request_id;
    let Some(entry) = state.request(request_id) else {
        return Err(match state.put_away(request_id) {
            Some(request) if request.version() != command.expected_version => Refusal::Version {
                request_id,
                current: request.version(),
            },
            Some(_) => Refusal::NotAtPartner {
                item: command.items.first().map_or(0, |(item, _)| *item),
            },
            None => Refusal::UnknownRequest(request_id),
        });
    };
    if entry.version != command.expected_version {
        return Err(Refusal::Version {
            request_id,
            current: entry.version,
        });
    }
    let mut reported = BTreeSet::new();
    for (item, to) in &command.items {
        let follows = entry
            .item(*item)
            .is_some_and(|now| now.may_be_reported(*to, command.in_time_at));
        if !follows || !reported.insert(*item) {
            return Err(Refusal::NotAtPartner { item: *item });
        }
    }
    if reported.is_empty() {
        return Err(Refusal::Invalid("it reports on no item".to_owned()));
    }
    check_reads(state, &command.read_set)?;
    let body = EventBody::Reported {
        request_id,
        items: command.items,
        changes: changes(state, command.writes, command.at)?,
    };
    let event = obliging(changing(command.at, body), command.obligations);
    Ok(Checked::Event(event, command.parts))
}

fn expire(state: &State, command: &Expire) -> Result<Checked, Refusal> {
    let Some(entry) = state.request(command.request_id) else {
        return Err(match state.put_away(command.request_id) {
            Some(_) => Refusal::NothingDue,
            None => Refusal::UnknownRequest(command.request_id),
        });
    };
    let mut items = command.items.clone();
    items.retain(|item| {
        let now: Option<ItemState> = entry.item(*item);
        now.is_some_and(|now| now.is_overdue(command.at))
    });
    items.sort_unstable();
    items.dedup();
    if items.is_empty() {
        return Err(Refusal::NothingDue);
    }
    let request_id = command.request_id;
    Ok(event(command.at, EventBody::Expired { request_id, items }))
}

/// Where an agreement is not in force, nothing under it can be approved any more: it is refused.
fn interrupt(state: &State, command: Interrupt) -> Result<Checked, Refusal> {
    let lapsed = |partner: McSystemId| {
        if !state.waits_under(&partner, command.at) && !state.stands_under(&partner, command.at) {
            return None;
        }
        let lapse = Lapse::of(state.agreement(&partner), command.at)?;
        Some(Interruption {
            partner,
            lapse,
            at_partner: true,
            revokes: true,
        })
    };
    let mut interrupted: Vec<Interruption> =
        command.partners.into_iter().filter_map(lapsed).collect();
    interrupted.sort_by(|one, other| one.partner.cmp(&other.partner));
    interrupted.dedup();
    if interrupted.is_empty() {
        return Err(Refusal::NothingDue);
    }
    let body = EventBody::DocumentsWritten {
        changes: Vec::new(),
        actor: Some(command.actor),
    };
    let event = Event {
        interrupted,
        ..Event::new(command.at, body)
    };
    Ok(Checked::Event(Box::new(event), Vec::new()))
}

fn publish(state: &State, command: Publish) -> Result<Checked, Refusal> {
    let current = state.generation();
    if current.checked_add(1) != Some(command.generation) {
        return Err(Refusal::Generation { current });
    }
    let body = EventBody::Published {
        digest: command.digest,
        generation: command.generation,
        actor: Some(command.actor),
        summary: Some(command.summary),
    };
    Ok(event(command.at, body))
}

/// Why a request that is not in memory can't be answered: as if it were, since no item of it waits.
fn put_away_refusal(state: &State, command: &Respond) -> Refusal {
    let request_id = command.request_id;
    let Some(request) = state.put_away(request_id) else {
        return Refusal::UnknownRequest(request_id);
    };
    let current = request.version();
    match command.items.first() {
        _ if current != command.expected_version => Refusal::Version {
            request_id,
            current,
        },
        Some((item, _)) => Refusal::NotPending { item: *item },
        None => Refusal::Invalid("it answers no item".to_owned()),
    }
}

/// Checks that what was read is still so.
fn check_reads(state: &State, read_set: &ReadSet) -> Result<(), Refusal> {
    let current = state.generation();
    if read_set.generation != current {
        return Err(Refusal::Stale(StaleRead::Bundle { current }));
    }
    let changed = |(key, revision): &&(_, Option<_>)| state.read(key) != *revision;
    match read_set.entries.iter().find(changed) {
        None => Ok(()),
        Some((key, _)) => Err(Refusal::Stale(StaleRead::Key(key.clone()))),
    }
}

/// Checks writes, which are made together, and makes changes of them.
pub(super) fn changes(
    state: &State,
    writes: Vec<Write>,
    at: Timestamp,
) -> Result<Vec<DocumentChange>, Refusal> {
    if writes.len() > WRITES_LIMIT {
        let message = format!("it writes more than {WRITES_LIMIT} documents");
        return Err(Refusal::Invalid(message));
    }
    let mut changes = BTreeMap::new();
    let mut order = Vec::with_capacity(writes.len());
    for write in writes {
        let change = change(state, write, at)?;
        let key = change.key().clone();
        order.push(key.clone());
        if changes.insert(key.clone(), change).is_some() {
            return Err(Refusal::Invalid(format!("it writes `{key}` twice")));
        }
    }
    check_claims(state, &changes)?;
    Ok(order.iter().filter_map(|key| changes.remove(key)).collect())
}

fn change(state: &State, write: Write, at: Timestamp) -> Result<DocumentChange, Refusal> {
    let current = state.revision(&write.key);
    let fits = match write.expected {
        Expected::Any => true,
        Expected::Absent => current.is_none(),
        Expected::Revision(revision) => current == Some(revision),
    };
    let is_there = current.is_some() || write.document.is_some();
    if !fits || !is_there {
        return Err(Refusal::Revision {
            key: write.key,
            current,
        });
    }
    match write.document {
        None => Ok(DocumentChange::Deleted(write.key)),
        Some(document) if document.key().ok().as_ref() == Some(&write.key) => {
            let document = noted(state, &write.key, document, at);
            Ok(DocumentChange::Put(write.key, document))
        }
        Some(_) => {
            let message = format!("the document under `{}` has another key", write.key);
            Err(Refusal::Invalid(message))
        }
    }
}

/// A document as it is kept. Since when a link has been up follows from what was there, so it is settled here, where
/// nothing comes between.
fn noted(
    state: &State,
    key: &DocumentKey,
    document: Arc<Document>,
    at: Timestamp,
) -> Arc<Document> {
    let Document::Link(link) = document.as_ref() else {
        return document;
    };
    let before = match state.document_under(key) {
        Some(Document::Link(before)) => Some(before),
        Some(_) | None => None,
    };
    Arc::new(Document::Link(link.clone().noted(before, at)))
}

/// Checks that nobody gets what another has. A holder that is written too is judged by its new content.
fn check_claims(
    state: &State,
    changes: &BTreeMap<DocumentKey, DocumentChange>,
) -> Result<(), Refusal> {
    let mut taken: BTreeMap<Claim, &DocumentKey> = BTreeMap::new();
    for change in changes.values() {
        let DocumentChange::Put(key, document) = change else {
            continue;
        };
        for claim in claims_of(document) {
            let held = state.holder(&claim);
            let held = held.filter(|holder| !changes.contains_key(holder));
            let holder = held.or_else(|| taken.get(&claim).map(|holder| (*holder).clone()));
            if let Some(holder) = holder {
                return Err(Refusal::Taken {
                    claim: Box::new(claim),
                    holder,
                    wanted: key.clone(),
                });
            }
            taken.insert(claim, key);
        }
    }
    Ok(())
}
