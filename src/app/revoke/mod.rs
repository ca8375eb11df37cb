//! Revoking what is granted: what the grant wrote goes in the same entry, and what others did of it is to be undone.
//!
//! Reducing access is always possible (ruling 14): nobody else has to agree, and whatever became of the agreement does
//! not matter. A call in emergency or imminent peril is left standing, and listed for a person (ruling 22).

mod by_itself;
mod form;
mod undo;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::answer::Receipt;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::permission::Action;
use crate::app::requests::Standing;
use crate::app::respond::check_version;
use crate::app::respond::standing as standing_of;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::undone::Undone;
use crate::app::undone::part;
use crate::app::undone::to_undo;
use crate::app::undone::undone_parts;
use crate::app::withdraw::narrow;
use crate::decision::decide::ItemKey;
use crate::decision::facts::Lookup;
use crate::decision::obligation::Obligation;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::lapse::Lapse;
use crate::domain::lifecycle::ItemState;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::access::Asked;
use crate::store::access::Fate;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Revoke;
use crate::store::command::ScopeDigest;
use crate::store::command::Write;
use crate::store::state::RequestEntry;
use crate::store::state::State;

use undo::Written;

pub use by_itself::Passes;
pub use form::Revocation;

/// The part of a record that says what was revoked; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "revoked-grants")]
pub(in crate::app) struct RevokedPart {
    pub(in crate::app) items: Vec<usize>,
    pub(in crate::app) revoked_at: Timestamp,
    pub(in crate::app) caller: String,
    /// Why the agreement was out of force that took it back, where no person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) because: Option<Lapse>,
}

/// The part of a record that says who revoked, and in which words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "revoked-by")]
pub(in crate::app) struct RevokedByPart {
    pub(in crate::app) reason: String,
    pub(in crate::app) person: McServiceId,
}

/// That items were revoked; what has to be undone stands with each.
#[derive(Clone, Debug, Serialize)]
pub struct RevocationAnswer {
    /// The items, by number.
    pub items: Vec<usize>,
    /// Why.
    pub reason: String,
    /// Why the agreement was out of force that took it back, where no person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Lapse>,
    /// When.
    pub revoked_at: Timestamp,
    /// Calls that undoing does not cut: a person decides about them.
    pub never_cut: [&'static str; 2],
    /// Where the record of it is.
    pub record: Receipt,
}

impl App {
    /// Revokes what a request granted; what was revoked before stays so.
    ///
    /// `required` is the version of the request that the caller saw.
    pub async fn revoke(
        &self,
        caller: Caller,
        id: RequestId,
        revocation: Revocation,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(&caller, Action::RevokeRequest, id)?;
        revocation.check()?;
        self.check_revoker(&revocation.revoked_by)?;
        let app = self.clone();
        let work = async move {
            let revoked = app.revoke_checked(&caller, id, &revocation, required);
            Box::pin(revoked).await
        };
        tokio::spawn(work)
            .await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn revoke_checked(
        &self,
        caller: &Caller,
        id: RequestId,
        revocation: &Revocation,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let standing = self.aside(move |app| app.standing(id)).await?;
            check_version(id, &standing.entry, required)?;
            let now = self.now();
            let chosen = match self.chosen(&standing, revocation, now) {
                Ok(chosen) => chosen,
                // What it wrote was looked up after another revocation had taken it back: look at all of it anew.
                Err(AppError::NotGranted { .. }) if self.has_moved(&standing.entry)? => continue,
                Err(error) => return Err(error),
            };
            if chosen.is_empty() {
                return self.answer_after(caller, id).await;
            }
            let command = self.revoke_command(caller, &standing, revocation, (chosen, now))?;
            match self.commit(Command::Revoke(command)).await {
                Ok(_) => return self.answer_after(caller, id).await,
                // Documents changed that go with it.
                Err(CommitError::Refused(Refusal::Revision { .. })) => {}
                Err(CommitError::Refused(Refusal::Version { .. } | Refusal::NotGranted { .. }))
                    if required.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }

    /// Whether more has become of a request since it was read.
    fn has_moved(&self, read: &RequestEntry) -> Result<bool, AppError> {
        Ok(self.request_entry(read.id)?.version != read.version)
    }

    /// Whoever revokes is an enabled user of ours.
    fn check_revoker(&self, identity: &McServiceId) -> Result<(), AppError> {
        let is_known = self.store().view(|state| {
            let id = state.person(identity)?;
            let kind = DocumentKind::User;
            let found = state.document(&DocumentKey { kind, id })?;
            let Document::User(user) = found.value.as_ref() else {
                return None;
            };
            user.enabled.then_some(())
        });
        is_known.ok_or_else(|| {
            let detail = "it is not an enabled user of this system";
            AppError::Invalid(vec![Invalid::at("/revoked_by", detail)])
        })
    }

    /// The items to revoke, with what each wrote.
    fn chosen(
        &self,
        standing: &Standing,
        revocation: &Revocation,
        now: Timestamp,
    ) -> Result<Vec<Chosen>, AppError> {
        let entry = &standing.entry;
        let refused = |detail: String| AppError::NotGranted {
            detail,
            current: Some(Box::new(standing_of(entry))),
        };
        let request = &standing.record.request;
        let bar = match entry.asked() {
            Some(asked) => self.approval_bar(asked, now),
            None => undo::bar(request),
        };
        if let Some(bar) = bar {
            return Err(refused(bar.to_owned()));
        }
        let numbers = match &revocation.items {
            Some(items) => items.clone(),
            None => (0..entry.items.len()).collect(),
        };
        let is_named = revocation.items.is_some();
        let decisions = standing.latest();
        let mut chosen = Vec::new();
        let mut why = "no item of the request is granted".to_owned();
        for number in numbers {
            let state = entry.items.get(number).copied();
            let (Some(state), Some(decision)) = (state, decisions.get(number)) else {
                return Err(refused(format!("there is no item {number}")));
            };
            if state == ItemState::Revoked {
                continue;
            }
            let written = self.written(standing, (number, &decision.item), now)?;
            let is_noted = entry.ended.contains_key(&narrow(number));
            let in_time = decision.limits.end_time.is_none_or(|end| now < end);
            let ended = is_noted || !in_time || !written.lasts();
            // What is asked for is an approval, which has written nothing.
            let is_over = ended && entry.asked().is_none();
            let bar = if !state.may_be_revoked() {
                Some(format!("item {number} is not granted: {}", state.as_str()))
            } else if undo::is_never_cut(request) {
                Some(format!(
                    "item {number} is a call in emergency or imminent peril, which is left standing: a person ends it"
                ))
            } else if is_over {
                Some(format!("the grant of item {number} has ended by now"))
            } else {
                None
            };
            match bar {
                None => chosen.push(Chosen {
                    number,
                    thing: self.thing(request, &decision.item),
                    obligations: standing.granted_obligations(number, decision),
                    subject: decision.item.subject.as_ref().map(ToString::to_string),
                    written,
                }),
                Some(bar) if is_named => return Err(refused(bar)),
                Some(bar) if state.may_be_revoked() => why = bar,
                Some(_) => {}
            }
        }
        if chosen.is_empty() && !is_named && !entry.items.contains(&ItemState::Revoked) {
            return Err(refused(why));
        }
        Ok(chosen)
    }

    /// Why an approval cannot be revoked: it is used, or over.
    fn approval_bar(&self, asked: &Asked, now: Timestamp) -> Option<&'static str> {
        let given = asked.approval?;
        let kept = self
            .store()
            .view(|state| state.approval(given.id).map(|kept| kept.fate));
        match kept {
            Some(Fate::Used(_)) => {
                Some("the approval was used: revoke what the evaluation that used it granted")
            }
            Some(Fate::Open) if now < given.until => None,
            Some(Fate::Revoked) => None,
            Some(Fate::Superseded(_)) => Some("what the approval would grant was taken back since"),
            Some(Fate::Open) | None => Some("the time of the approval is over"),
        }
    }

    fn written(
        &self,
        standing: &Standing,
        item: (usize, &ItemKey),
        now: Timestamp,
    ) -> Result<Written, AppError> {
        let request = (&standing.record.request, standing.entry.id);
        let found = self
            .store()
            .view(|state: &State| Written::find(state, request, item, now));
        found.map_err(|error| AppError::Broken(Box::new(error)))
    }

    fn revoke_command(
        &self,
        caller: &Caller,
        standing: &Standing,
        revocation: &Revocation,
        (chosen, now): (Vec<Chosen>, Timestamp),
    ) -> Result<Revoke, AppError> {
        let numbers: Vec<usize> = chosen.iter().map(|it| it.number).collect();
        let parts = said(caller, revocation, (&numbers, now))?;
        let revoke = self.taking_back(standing, parts, (&chosen, now))?;
        Ok(Revoke {
            writes: unlike(chosen.into_iter().flat_map(|it| it.written.writes())),
            ..revoke
        })
    }

    /// What takes items back, but for what it writes.
    fn taking_back(
        &self,
        standing: &Standing,
        mut parts: Vec<RecordPart>,
        (chosen, now): (&[Chosen], Timestamp),
    ) -> Result<Revoke, AppError> {
        let undone = chosen.iter().map(|it| {
            let obligations = it.written.obligations(&it.obligations, self.local_system());
            let undone = Undone {
                item: it.number,
                obligations,
            };
            (it.subject.clone(), undone)
        });
        let undone: Vec<(Option<String>, Undone)> = undone.collect();
        let about = (&standing.record.request, standing.entry.id);
        let obligations = to_undo(about, &undone, now);
        parts.extend(undone_parts(undone)?);
        let ends = chosen.iter().filter_map(|it| it.thing).collect();
        Ok(Revoke {
            request_id: standing.entry.id,
            expected_version: standing.entry.version,
            items: chosen.iter().map(|it| narrow(it.number)).collect(),
            ended: false,
            writes: Vec::new(),
            parts,
            obligations,
            ends,
            at: now,
        })
    }
}

/// An item that is revoked.
#[derive(Debug)]
struct Chosen {
    number: usize,
    /// What it gave.
    thing: Option<ScopeDigest>,
    /// What its grant obliged to.
    obligations: Vec<Obligation>,
    subject: Option<String>,
    written: Written,
}

/// What two items wrote alike is written once.
fn unlike(writes: impl Iterator<Item = Write>) -> Vec<Write> {
    let writes: BTreeMap<DocumentKey, Write> =
        writes.map(|write| (write.key.clone(), write)).collect();
    writes.into_values().collect()
}

/// What was revoked, and by whom in which words.
fn said(
    caller: &Caller,
    revocation: &Revocation,
    (items, now): (&[usize], Timestamp),
) -> Result<Vec<RecordPart>, AppError> {
    let said = RevokedPart {
        items: items.to_vec(),
        revoked_at: now,
        caller: caller.name.clone(),
        because: None,
    };
    let by = RevokedByPart {
        reason: revocation.reason.clone(),
        person: revocation.revoked_by.clone(),
    };
    let whose = PartClass::Personal(revocation.revoked_by.to_string());
    Ok(vec![part(PartClass::State, &said)?, part(whose, &by)?])
}
