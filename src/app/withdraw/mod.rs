//! Withdrawing what still waits: whoever asked wants it no longer.
//!
//! What waits for a person here is gone with it. What may be sent, or was, is the partner's affair too: the front-end has
//! to undo what it did of the obligations under which it was put there, and what the partner answers afterwards is not
//! taken in. What only waited for the partner's answer ends with it: our refusal of affiliation while a deletion is open
//! (ruling 15), and the place of a visitor whose home is being asked. What we took back on our own side at once stays.

mod form;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::app::App;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::Receipt;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::Standing;
use crate::app::respond::check_version;
use crate::app::submit::ATTEMPTS_MAX;
use crate::app::undone::TEXT_SUBJECT;
use crate::app::undone::Undone;
use crate::app::undone::part;
use crate::app::undone::to_undo;
use crate::app::undone::undoing;
use crate::app::undone::undone_parts;
use crate::decision::decide::ItemKey;
use crate::decision::facts::Lookup;
use crate::decision::obligation::Obligation;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::lifecycle::ItemState;
use crate::domain::migration::Migration;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::OperationBody;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::Command;
use crate::store::command::CommitError;
use crate::store::command::Expected;
use crate::store::command::Refusal;
use crate::store::command::RequestId;
use crate::store::command::Withdraw;
use crate::store::command::Write;
use crate::store::state::RequestEntry;
use crate::store::state::State;

pub use form::Withdrawal;
pub(in crate::app) use form::check_reason;
pub(in crate::app) use form::numbers;

/// The part of a record that says what was withdrawn; nothing personal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "withdrawal")]
pub(in crate::app) struct WithdrawalPart {
    pub(in crate::app) items: Vec<usize>,
    pub(in crate::app) withdrawn_at: Timestamp,
    pub(in crate::app) caller: String,
}

/// The part of a record that says who withdrew, and in which words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename = "withdrawn-by")]
pub(in crate::app) struct WithdrawnByPart {
    pub(in crate::app) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::app) person: Option<McServiceId>,
}

/// That items were withdrawn.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawalAnswer {
    /// The items, by number.
    pub items: Vec<usize>,
    /// Why.
    pub reason: String,
    /// When.
    pub withdrawn_at: Timestamp,
    /// Where the record of it is.
    pub record: Receipt,
}

impl App {
    /// Withdraws what still waits of a request; what was withdrawn before stays so.
    ///
    /// `required` is the version of the request that the caller saw.
    pub async fn withdraw(
        &self,
        caller: Caller,
        id: RequestId,
        withdrawal: Withdrawal,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        self.permit_on_request(&caller, Action::WithdrawRequest, id)?;
        withdrawal.check()?;
        let app = self.clone();
        let work = async move {
            let withdrawn = app.withdraw_checked(&caller, id, &withdrawal, required);
            Box::pin(withdrawn).await
        };
        tokio::spawn(work)
            .await
            .map_err(|error| AppError::OutcomeUnknown(Box::new(error)))?
    }

    async fn withdraw_checked(
        &self,
        caller: &Caller,
        id: RequestId,
        withdrawal: &Withdrawal,
        required: Option<u64>,
    ) -> Result<RequestAnswer, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let standing = self.aside(move |app| app.standing(id)).await?;
            check_version(id, &standing.entry, required)?;
            withdrawal.check_person(&standing.record.request)?;
            let now = self.now();
            // It only takes away: what may be in time is.
            let in_time_at = self.present().earliest;
            let chosen = withdrawal.chosen(&standing.entry, in_time_at)?;
            if chosen.is_empty() {
                return self.answer_after(caller, id).await;
            }
            let withdrawn = Withdrawn {
                standing: &standing,
                decisions: standing.latest(),
                chosen: &chosen,
                now,
            };
            let writes = self.store().view(|state| withdrawn.writes(state))?;
            let undone = withdrawn.undone();
            let ends = withdrawn.given_up();
            let ends = ends.filter_map(|item| self.thing(withdrawn.request(), item));
            let ends = ends.collect();
            let command = Withdraw {
                request_id: id,
                expected_version: standing.entry.version,
                items: chosen.iter().copied().map(narrow).collect(),
                writes,
                ends,
                obligations: to_undo((withdrawn.request(), id), &undone, now),
                parts: withdrawn.parts(caller, withdrawal, undone)?,
                at: now,
                in_time_at,
            };
            match self.commit(Command::Withdraw(command)).await {
                Ok(_) => return self.answer_after(caller, id).await,
                // Documents changed that end with it.
                Err(CommitError::Refused(Refusal::Revision { .. })) => {}
                // Somebody answered first: what that left is looked at anew.
                Err(CommitError::Refused(Refusal::Version { .. } | Refusal::NotPending { .. }))
                    if required.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contended)
    }

    pub(in crate::app) async fn answer_after(
        &self,
        caller: &Caller,
        id: RequestId,
    ) -> Result<RequestAnswer, AppError> {
        let answer = self.aside(move |app| app.request_answer(id)).await;
        let answer = answer.map_err(AppError::after_commit)?;
        Ok(self.shown_to(caller, id, answer))
    }
}

pub(in crate::app) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What is withdrawn.
struct Withdrawn<'a> {
    standing: &'a Standing,
    decisions: Vec<DecisionAnswer>,
    chosen: &'a [usize],
    now: Timestamp,
}

impl Withdrawn<'_> {
    fn request(&self) -> &InterSystemRequest {
        &self.standing.record.request
    }

    /// What is wanted no longer. Whoever lets an approval be that they asked for may have another of the same.
    fn given_up(&self) -> impl Iterator<Item = &ItemKey> {
        let is_approval = self.entry().asked().is_some();
        let chosen = self.chosen.iter().filter(move |_| !is_approval);
        let decisions = chosen.filter_map(|number| self.decisions.get(*number));
        decisions.map(|decision| &decision.item)
    }

    fn entry(&self) -> &RequestEntry {
        &self.standing.entry
    }

    /// Documents that were there for as long as the partner had not answered.
    fn writes(&self, state: &State) -> Result<Vec<Write>, AppError> {
        let keys = self.awaiting(state);
        let keys = keys.map_err(|error| AppError::Broken(Box::new(error)))?;
        let id = self.entry().id.0;
        let mut writes = Vec::new();
        for key in keys {
            let Some(found) = state.document(&key) else {
                continue;
            };
            let ends = match found.value.as_ref() {
                Document::OpenDeletion(open) => open.request_id == id,
                Document::Migration(entry) => entry.request_id == id && entry.awaiting_consent,
                Document::System(_)
                | Document::Agreement(_)
                | Document::User(_)
                | Document::Group(_)
                | Document::MigratedProfile(_)
                | Document::Link(_)
                | Document::UeConfiguration(_)
                | Document::AreaMap(_)
                | Document::PartnerKeys(_)
                | Document::AccessGrant(_)
                | Document::ResponseSettings(_)
                | Document::HomeRefusal(_)
                | Document::Membership(_)
                | Document::MigrationUser(_)
                | Document::ScheduledChange(_)
                | Document::SharedGroup(_)
                | Document::GroupOverride(_) => false,
            };
            if ends {
                writes.push(Write {
                    key,
                    expected: Expected::Revision(found.revision),
                    document: None,
                });
            }
        }
        Ok(writes)
    }

    /// Where such documents would be. A person's deletion is open while another item of theirs is.
    fn awaiting(&self, state: &State) -> Result<BTreeSet<DocumentKey>, InvalidDocumentId> {
        let mut keys = BTreeSet::new();
        if let OperationBody::GroupMembershipUpdate(update) = &self.request().body
            && update.change == MembershipChange::Delete
        {
            let numbered = || update.members.iter().enumerate();
            let stays = numbered().filter(|(number, _)| {
                let present = self.entry().items.get(*number);
                let waits = present.is_some_and(|it| it.stage().is_some());
                waits && !self.chosen.contains(number)
            });
            let stays: BTreeSet<_> = stays.filter_map(|(_, it)| state.person(it)).collect();
            for (_, member) in numbered().filter(|(number, _)| self.chosen.contains(number)) {
                let person = state.person(member);
                if let Some(person) = person.filter(|it| !stays.contains(it)) {
                    let id = OpenDeletion::id(&update.group, &person)?;
                    let kind = DocumentKind::OpenDeletion;
                    keys.insert(DocumentKey { kind, id });
                }
            }
        }
        if let OperationBody::MigrationServiceAuthorization(asked) = &self.request().body {
            let decisions = self.chosen.iter().filter_map(|it| self.decisions.get(*it));
            for service in decisions.filter_map(|decision| decision.item.service) {
                let id = Migration::id(&asked.user, service)?;
                let kind = DocumentKind::Migration;
                keys.insert(DocumentKey { kind, id });
            }
        }
        Ok(keys)
    }

    fn parts(
        &self,
        caller: &Caller,
        withdrawal: &Withdrawal,
        undone: Vec<(Option<String>, Undone)>,
    ) -> Result<Vec<RecordPart>, AppError> {
        let said = WithdrawalPart {
            items: self.chosen.to_vec(),
            withdrawn_at: self.now,
            caller: caller.name.clone(),
        };
        let person = withdrawal.withdrawn_by.clone();
        let subject = person.as_ref().map(ToString::to_string);
        let subject = subject.unwrap_or_else(|| TEXT_SUBJECT.to_owned());
        let by = WithdrawnByPart {
            reason: withdrawal.reason.clone(),
            person,
        };
        let mut parts = vec![
            part(PartClass::State, &said)?,
            part(PartClass::Personal(subject), &by)?,
        ];
        parts.extend(undone_parts(undone)?);
        Ok(parts)
    }

    /// What has to be undone of each item, with the person whom it is about.
    fn undone(&self) -> Vec<(Option<String>, Undone)> {
        let undone = self.chosen.iter().map(|item| {
            let decision = self.decisions.get(*item);
            let subject = decision.and_then(|it| it.item.subject.as_ref());
            let undone = Undone {
                item: *item,
                obligations: self.undone_of(*item, decision),
            };
            (subject.map(ToString::to_string), undone)
        });
        undone.collect()
    }

    /// Nothing was done for what waited here.
    fn undone_of(&self, item: usize, decision: Option<&DecisionAnswer>) -> Vec<Obligation> {
        let state = self.entry().items.get(item).copied();
        let was_cleared = state.and_then(ItemState::stage).is_some();
        let obligations = decision.map_or(&[][..], |it| &it.obligations);
        let due = obligations.iter().filter(|_| was_cleared);
        due.map(undoing).collect()
    }
}
