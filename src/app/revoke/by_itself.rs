//! Grants that are over though no person took them back: their time has come, or the agreement went out of force under
//! which they stood.
//!
//! Both are written by the housekeeping, an entry a request, each with what has to be undone of it. What is left to be
//! written follows from the state, so it goes on after a restart where it was. A call in emergency or imminent peril is
//! left standing (ruling 22).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::requests::Standing;
use crate::app::revoke::Chosen;
use crate::app::revoke::RevokedPart;
use crate::app::revoke::undo;
use crate::app::revoke::undo::Written;
use crate::app::revoke::unlike;
use crate::app::undone::part;
use crate::app::withdraw::narrow;
use crate::decision::facts::Lookup;
use crate::decision::record::PartClass;
use crate::domain::document::Document;
use crate::domain::given::ended;
use crate::domain::given::given;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interrupted;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Versioned;
use crate::domain::time::Timestamp;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Expected;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Revoke;
use crate::store::command::Write;
use crate::store::command::WriteDocuments;

/// Who writes what happens by itself.
const ACTOR: &str = "comity";

/// How many grants of one request end in one entry of the log, and are looked at in one round.
const ENDED_AT_ONCE_MAX: usize = 1_000;

/// How many requests are revoked in one round for one agreement.
const REVOKED_AT_ONCE_MAX: usize = 250;

/// The part of a record that says what has ended by itself; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "ended-grants")]
struct EndedPart {
    items: Vec<usize>,
    ended_at: Timestamp,
}

/// How far the grants were revoked that stood under agreements which went out of force.
///
/// It spares looking at what was looked at; without it everything is looked at once more.
#[derive(Debug, Default)]
pub struct Passes(BTreeMap<McSystemId, Pass>);

/// How far the grants under one agreement were revoked.
#[derive(Debug)]
struct Pass {
    /// The entry that took the agreement out of force.
    index: u64,
    /// The last grant that is left as it is.
    after: Option<DocumentKey>,
    is_done: bool,
}

impl Passes {
    fn of(&mut self, partner: &McSystemId, index: u64) -> &mut Pass {
        let begun = || Pass {
            index,
            after: None,
            is_done: false,
        };
        let pass = self.0.entry(partner.clone()).or_insert_with(begun);
        if pass.index != index {
            *pass = begun();
        }
        pass
    }
}

/// What one step of a round came to.
enum Step {
    /// There may be more.
    Onward,
    /// Nothing more is to be done now.
    Stop,
}

/// Grants that have ended, by the request that was granted.
type Due = BTreeMap<RequestId, BTreeMap<DocumentKey, Versioned<Arc<Document>>>>;

impl App {
    /// Revokes what stood under agreements when they went out of force, whatever became of them since.
    ///
    /// That they did is an entry of the log, so no clock is asked.
    pub async fn revoke_lapsed(&self, passes: &mut Passes) {
        let interrupted: Vec<(McSystemId, Interrupted)> = self.store().view(|state| {
            let all = state.interruptions();
            all.map(|(partner, it)| (partner.clone(), it)).collect()
        });
        for (partner, interrupted) in &interrupted {
            let (partner, interrupted) = (partner.clone(), *interrupted);
            let pass = passes.of(&partner, interrupted.index);
            for _ in 0..REVOKED_AT_ONCE_MAX {
                if pass.is_done {
                    break;
                }
                match Box::pin(self.revoke_next(&partner, interrupted, pass)).await {
                    Ok(Step::Onward) => {}
                    Ok(Step::Stop) => break,
                    Err(error) => {
                        tracing::warn!(%error, "what was granted under an agreement that went out of force could not be revoked yet");
                        return;
                    }
                }
            }
        }
        self.note_lapsed(&interrupted, passes);
    }

    /// Notes up to which interruption nothing is left to be revoked.
    fn note_lapsed(&self, interrupted: &[(McSystemId, Interrupted)], passes: &mut Passes) {
        let mut all = interrupted.iter();
        if all.all(|(partner, it)| passes.of(partner, it.index).is_done)
            && let Some(last) = interrupted.iter().map(|(_, it)| it.index).max()
        {
            self.0.lapsed_to.store(last, Ordering::Release);
        }
    }

    /// Whether the grants that stood with a partner before a place in the log are about to be revoked.
    pub(in crate::app) fn is_lapsing(&self, partner: &McSystemId, granted: u64) -> bool {
        let interrupted = self.store().view(|state| state.interrupted(partner));
        interrupted.is_some_and(|it| {
            granted < it.index && self.0.lapsed_to.load(Ordering::Acquire) < it.index
        })
    }

    /// Lets whoever would give anew what is about to be revoked come again: written over, it would escape.
    pub(in crate::app) fn refuse_over_lapsing(
        &self,
        partner: &McSystemId,
        writes: &[Write],
    ) -> Result<(), AppError> {
        let is_over = |write: &Write| {
            let written = self.store().view(|state| {
                let found = state.document(&write.key)?;
                given(found.value.as_ref())?;
                Some(found.revision.0)
            });
            let is_anew = write.document.is_some();
            is_anew && written.is_some_and(|written| self.is_lapsing(partner, written))
        };
        if writes.iter().any(is_over) {
            return Err(AppError::Contended);
        }
        Ok(())
    }

    async fn revoke_next(
        &self,
        partner: &McSystemId,
        interrupted: Interrupted,
        pass: &mut Pass,
    ) -> Result<Step, CommitError> {
        let now = self.now();
        let next = self.store().view(|state| {
            let mut granted = state.granted_under(partner, now, pass.after.as_ref());
            let next = granted.find(|(_, revision, _)| revision.0 < interrupted.index);
            next.map(|(key, _, id)| (key.clone(), id))
        });
        let Some((key, id)) = next else {
            pass.is_done = true;
            return Ok(Step::Stop);
        };
        let command = self.aside(move |app| app.lapsing(id, interrupted, now));
        match command.await {
            Ok(Some(command)) => {
                let goes = command.writes.iter().any(|write| write.key == key);
                match self.commit(Command::Revoke(command)).await {
                    Ok(_) if goes => return Ok(Step::Onward),
                    Ok(_) => {}
                    Err(CommitError::Refused(
                        Refusal::Version { .. }
                        | Refusal::Revision { .. }
                        | Refusal::NotGranted { .. },
                    )) => return Ok(Step::Stop),
                    Err(CommitError::Refused(refusal)) => {
                        tracing::warn!(request = %id, error = %refusal, "what a request granted is not revoked with its agreement");
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(request = %id, %error, "what a request granted is not revoked with its agreement");
            }
        }
        pass.after = Some(key);
        Ok(Step::Onward)
    }

    /// What revokes the grants of a request that stood when the agreement went out of force.
    fn lapsing(
        &self,
        id: RequestId,
        interrupted: Interrupted,
        now: Timestamp,
    ) -> Result<Option<Revoke>, AppError> {
        let standing = self.standing(id)?;
        let is_before = |written: &Written| {
            let mut own = written.own();
            own.any(|(_, _, revision)| revision.0 < interrupted.index)
        };
        let chosen = self.over(&standing, now, is_before)?;
        if chosen.is_empty() {
            return Ok(None);
        }
        let said = RevokedPart {
            items: chosen.iter().map(|it| it.number).collect(),
            revoked_at: now,
            caller: ACTOR.to_owned(),
            because: Some(interrupted.lapse),
        };
        let parts = vec![part(PartClass::State, &said)?];
        let revoke = self.taking_back(&standing, parts, (&chosen, now))?;
        Ok(Some(Revoke {
            writes: unlike(chosen.into_iter().flat_map(|it| it.written.writes())),
            ..revoke
        }))
    }

    /// Writes down which grants have ended by their time; while the clock has just jumped, nothing.
    pub async fn end_grants(&self) {
        if self.clock().jump().is_some() {
            return;
        }
        let surely = self.present().earliest;
        let (by_request, mut unknown) = self.due(surely);
        for (id, due) in by_request {
            let now = self.now();
            let keys: BTreeSet<DocumentKey> = due.keys().cloned().collect();
            let command = self.aside(move |app| app.ending(id, &keys, now)).await;
            let command = match command {
                Ok(Some(command)) => command,
                Ok(None) => {
                    unknown.extend(due);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(request = %id, %error, "that a grant has ended could not be written down yet");
                    continue;
                }
            };
            let written: BTreeSet<&DocumentKey> = command.writes.iter().map(|it| &it.key).collect();
            unknown.extend(due.into_iter().filter(|(key, _)| !written.contains(key)));
            if let Err(error) = self.commit(Command::Revoke(command)).await {
                tracing::warn!(%error, "that a grant has ended could not be written down yet; the next round tries again");
                return;
            }
        }
        self.end_unasked(unknown).await;
    }

    /// The grants whose time is over, by request, and those of which no request is known.
    fn due(&self, surely: Timestamp) -> (Due, BTreeMap<DocumentKey, Versioned<Arc<Document>>>) {
        self.store().view(|state| {
            let (mut by_request, mut unknown) = (Due::new(), BTreeMap::new());
            for key in state.ended_grants(surely).take(ENDED_AT_ONCE_MAX) {
                let Some(found) = state.document(key) else {
                    continue;
                };
                let id = given(&found.value).map(|given| RequestId(given.request_id));
                match id.filter(|id| state.submission(*id).is_some()) {
                    Some(id) => {
                        let of_request = by_request.entry(id).or_default();
                        of_request.insert(key.clone(), found);
                    }
                    None => {
                        unknown.insert(key.clone(), found);
                    }
                }
            }
            (by_request, unknown)
        })
    }

    /// What writes down that grants of a request have ended, as far as they are its items'.
    fn ending(
        &self,
        id: RequestId,
        due: &BTreeSet<DocumentKey>,
        now: Timestamp,
    ) -> Result<Option<Revoke>, AppError> {
        let standing = self.standing(id)?;
        let is_due = |written: &Written| {
            let mut is_any = false;
            let are_over = written.own().all(|(key, document, _)| {
                is_any |= due.contains(key);
                given(document).is_some_and(|given| !given.holds(now))
            });
            is_any && are_over
        };
        let chosen = self.over(&standing, now, is_due)?;
        if chosen.is_empty() {
            return Ok(None);
        }
        let said = EndedPart {
            items: chosen.iter().map(|it| it.number).collect(),
            ended_at: now,
        };
        let parts = vec![part(PartClass::State, &said)?];
        let revoke = self.taking_back(&standing, parts, (&chosen, now))?;
        Ok(Some(Revoke {
            writes: unlike(chosen.into_iter().flat_map(|it| it.written.endings(now))),
            ended: true,
            // Time takes nothing back: what was approved since may be used.
            ends: Vec::new(),
            ..revoke
        }))
    }

    /// What no request of this log granted is only marked.
    async fn end_unasked(&self, due: BTreeMap<DocumentKey, Versioned<Arc<Document>>>) {
        let now = self.now();
        let writes = due.into_iter().map(|(key, found)| Write {
            key,
            expected: Expected::Revision(found.revision),
            document: ended(&found.value, now).map(Arc::new),
        });
        let writes: Vec<Write> = writes.collect();
        if writes.is_empty() {
            return;
        }
        let command = Command::WriteDocuments(WriteDocuments {
            writes,
            ends: Vec::new(),
            actor: ACTOR.to_owned(),
            at: now,
        });
        if let Err(error) = self.commit(command).await {
            tracing::warn!(%error, "that a grant has ended could not be written down yet; the next round tries again");
        }
    }

    /// The items of a request that are granted and of which what they wrote is over; a bounded number.
    fn over(
        &self,
        standing: &Standing,
        now: Timestamp,
        is_over: impl Fn(&Written) -> bool,
    ) -> Result<Vec<Chosen>, AppError> {
        let entry = &standing.entry;
        let request = &standing.record.request;
        let mut chosen = Vec::new();
        if undo::bar(request).is_some() || undo::is_never_cut(request) {
            return Ok(chosen);
        }
        for (number, decision) in standing.latest().iter().enumerate() {
            let state = entry.items.get(number);
            let is_granted = state.is_some_and(|state| state.may_be_revoked());
            if !is_granted || entry.ended.contains_key(&narrow(number)) {
                continue;
            }
            let written = self.written(standing, (number, &decision.item), now)?;
            if is_over(&written) {
                chosen.push(Chosen {
                    number,
                    thing: self.thing(request, &decision.item),
                    obligations: standing.granted_obligations(number, decision),
                    subject: decision.item.subject.as_ref().map(ToString::to_string),
                    written,
                });
            }
            if chosen.len() == ENDED_AT_ONCE_MAX {
                break;
            }
        }
        Ok(chosen)
    }
}
