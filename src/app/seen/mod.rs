//! What a reviewer saw, and whether it is still so when they answer.
//!
//! A view of a request that waits says what policy makes of it now, and carries a token over that, over the facts, and over how
//! the request stands. An answer with the token is refused where any of it has changed in a way that could matter, and says what.

mod digest;
mod token;
mod views;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::PoisonError;

use serde::Serialize;

use crate::app::App;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::Standing;
use crate::app::respond::standing;
use crate::app::reviews::PendingItem;
use crate::app::submit::Evaluation;
use crate::decision::facts::ReadKey;
use crate::decision_log::LogIndex;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::InterSystemRequest;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::state::RequestEntry;
use crate::store::state::State;

use digest::Digests;
use digest::judged;

pub use token::Required;
pub use token::Seen;
pub(in crate::app) use views::Views;

/// Something that is no longer as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What kind of thing: a kind of document, `policies`, or `time` where nothing was written.
    pub kind: &'static str,
    /// Which one, for those who may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The revision in which it was seen, as far as that is known; of policies the generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<u64>,
    /// The revision in which it is; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<u64>,
}

/// What is no longer as the reviewer saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactsChanged {
    /// What.
    pub changed: Vec<Change>,
    /// The token of now.
    pub seen: String,
}

/// A request that waits, as it is seen now.
struct Looked {
    version: u64,
    seen: Seen,
    /// What policy says of pending items where that is no longer what was decided, by number.
    now: Vec<(usize, DecisionAnswer)>,
}

impl App {
    /// Tells of a request that waits, to those who may answer it, what they see: its token, and what policy says of
    /// pending items where that is no longer what was decided.
    pub async fn tell_seen(
        &self,
        caller: &Caller,
        id: RequestId,
        answer: &mut RequestAnswer,
    ) -> Result<(), AppError> {
        let waits = answer.items.iter().any(|item| item.quorum.is_some());
        let may = self.permit_on_request(caller, Action::AnswerRequest, id);
        if !waits || may.is_err() {
            return Ok(());
        }
        let standing = self.aside(move |app| app.standing(id)).await?;
        let Some(looked) = self.looked_at(id, &standing).await else {
            return Ok(());
        };
        if looked.version != answer.version {
            // It changed while it was read: whoever wants to answer reads it again.
            return Ok(());
        }
        for (number, decision) in looked.now {
            if let Some(item) = answer.items.get_mut(number) {
                item.now = Some(decision);
            }
        }
        answer.seen = Some(looked.seen.to_string());
        answer.request = Some(Box::new(standing.record.request));
        Ok(())
    }

    /// The same of listed items.
    pub async fn tell_seen_items(&self, items: &mut [PendingItem]) -> Result<(), AppError> {
        let mut known: BTreeMap<RequestId, Option<Looked>> = BTreeMap::new();
        for item in items {
            let Ok(id) = item.request_id.parse::<RequestId>() else {
                continue;
            };
            if let Entry::Vacant(vacant) = known.entry(id) {
                let standing = self.aside(move |app| app.standing(id)).await?;
                vacant.insert(self.looked_at(id, &standing).await);
            }
            if let Some(Some(looked)) = known.get(&id)
                && looked.version == item.version
            {
                item.seen = Some(looked.seen.to_string());
                let mut now = looked.now.iter();
                let now = now.find(|(number, _)| *number == item.number);
                item.item.now = now.map(|(_, decision)| decision.clone());
            }
        }
        Ok(())
    }

    /// What a request that waits looks like now. What was read for it is remembered. Where nothing can be decided, there
    /// is no token, and reading goes on.
    async fn looked_at(&self, id: RequestId, standing: &Standing) -> Option<Looked> {
        let looked = self.judged_now(id, standing).await;
        if let Err(error) = &looked {
            tracing::warn!(request = %id, %error, "shown without a token");
        }
        looked.ok()
    }

    async fn judged_now(&self, id: RequestId, standing: &Standing) -> Result<Looked, AppError> {
        let request = &standing.record.request;
        let applied = self.store().view(State::applied).0;
        let evaluation = self.evaluate(request).await?;
        let decisions = decisions(&evaluation);
        let about = (id, request, &standing.entry);
        let seen = self.seen(about, &evaluation, applied)?;
        let latest = standing.latest();
        let items = standing
            .entry
            .items
            .iter()
            .zip(latest.iter().zip(decisions));
        let changed = items
            .enumerate()
            .filter_map(|(number, (item, (before, now)))| {
                let differs = item.is_pending() && judged(before) != judged(&now);
                // By when it can be approved was settled when it was submitted.
                let expires_at = None;
                differs.then_some((number, DecisionAnswer { expires_at, ..now }))
            });
        let now = changed.collect();
        let reads = Arc::new(evaluation.read_set.entries);
        self.views().remember(id, seen, reads);
        Ok(Looked {
            version: standing.entry.version,
            seen,
            now,
        })
    }

    fn seen(
        &self,
        (id, request, entry): (RequestId, &InterSystemRequest, &RequestEntry),
        evaluation: &Evaluation,
        applied: u64,
    ) -> Result<Seen, AppError> {
        let key = self.sealing_key();
        let digests = Digests { key, id };
        Ok(Seen {
            applied,
            generation: evaluation.bundle.generation,
            stands: digests.stands(entry)?,
            facts: digests.facts(request, entry, &evaluation.facts)?,
            judged: digests.judged(entry, &decisions(evaluation))?,
        })
    }

    /// Refuses an answer whose reviewer saw something else.
    pub(in crate::app) fn check_seen(
        &self,
        caller: &Caller,
        (id, request, entry): (RequestId, &InterSystemRequest, &RequestEntry),
        evaluation: &Evaluation,
        required: Option<Required>,
    ) -> Result<(), AppError> {
        let Some(Required::Seen(before)) = required else {
            return Ok(());
        };
        if !entry.is_open() {
            // Nothing waits any more, and that is what they are told.
            return Ok(());
        }
        let applied = self.store().view(State::applied).0;
        let now = self.seen((id, request, entry), evaluation, applied)?;
        if now.stands != before.stands {
            return Err(AppError::RevisionMismatch {
                key: id.to_string(),
                present: Some(Revision(entry.version)),
            });
        }
        if (now.facts, now.judged) == (before.facts, before.judged) {
            return Ok(());
        }
        let may_name = self.permit(caller, Action::ReadRegistry).is_ok();
        let mut changed = self.changes((id, before, now), evaluation, may_name);
        if changed.is_empty() {
            changed.push(Change {
                kind: "time",
                id: None,
                old: None,
                new: None,
            });
        }
        let reads = Arc::new(evaluation.read_set.entries.clone());
        self.views().remember(id, now, reads);
        Err(AppError::FactsChanged {
            changed: Box::new(FactsChanged {
                changed,
                seen: now.to_string(),
            }),
            current: Box::new(standing(entry)),
        })
    }

    /// What was written since. Where nobody remembers what was read then, its place in the log tells; what is gone
    /// is not told then.
    fn changes(
        &self,
        (id, before, now): (RequestId, Seen, Seen),
        evaluation: &Evaluation,
        may_name: bool,
    ) -> Vec<Change> {
        let then = self.views().find(id, before);
        let then: Option<BTreeMap<&ReadKey, Option<Revision>>> = then
            .as_ref()
            .map(|reads| reads.iter().map(|(key, it)| (key, *it)).collect());
        let mut changed = Vec::new();
        for (key, new) in &evaluation.read_set.entries {
            let (old, is_new) = match &then {
                // What was not read then is the reviewer's own, or follows from what is told.
                Some(then) => match then.get(key) {
                    Some(old) => (*old, old != new),
                    None => (None, false),
                },
                None => (
                    None,
                    new.is_some_and(|new| before.is_before(LogIndex(new.0))),
                ),
            };
            if is_new {
                changed.extend(change(key, (old, *new), may_name));
            }
        }
        changed.sort_unstable();
        changed.dedup();
        if now.judged != before.judged && now.generation != before.generation {
            changed.push(Change {
                kind: "policies",
                id: None,
                old: Some(before.generation),
                new: Some(now.generation),
            });
        }
        changed
    }

    fn views(&self) -> std::sync::MutexGuard<'_, Views> {
        self.0.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decisions(evaluation: &Evaluation) -> Vec<DecisionAnswer> {
    let items = evaluation.items.iter().cloned();
    items.map(DecisionAnswer::from).collect()
}

/// Documents stand in the read set beside the look-ups that led to them; a look-up that found nothing, then or now, says itself
/// what it was about. Who is named by it is for those who may read the registry.
fn change(
    key: &ReadKey,
    (old, new): (Option<Revision>, Option<Revision>),
    may_name: bool,
) -> Option<Change> {
    let (kind, id) = match key {
        ReadKey::Document(key) => {
            let may_name = may_name || !key.kind.is_personal();
            (key.kind, may_name.then(|| key.id.to_string()))
        }
        ReadKey::Identity(_) | ReadKey::Alias(_) => (DocumentKind::User, None),
        ReadKey::Number(_) => (DocumentKind::System, None),
        ReadKey::MigratedProfile { .. } => (DocumentKind::MigratedProfile, None),
        ReadKey::Visitors(_) | ReadKey::ServedAs(_) => (DocumentKind::Migration, None),
        ReadKey::Access(_) => (DocumentKind::AccessGrant, None),
    };
    let is_document = matches!(key, ReadKey::Document(_));
    // What a look-up finds has an entry of its own.
    if !is_document && old.is_some() && new.is_some() {
        return None;
    }
    Some(Change {
        kind: kind.plural(),
        id,
        old: old.map(|old| old.0),
        new: new.map(|new| new.0),
    })
}
