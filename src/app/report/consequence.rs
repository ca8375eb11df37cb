//! What a partner's answer changes in the registry, written in the entry of the log that records the report.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::consequence::Granted;
use crate::app::cooperation::GrantedChange;
use crate::app::error::AppError;
use crate::app::report::effect::Move;
use crate::app::submit::Evaluation;
use crate::decision::facts::Lookup;
use crate::decision::facts::ReadKey;
use crate::decision::record::DecisionRecord;
use crate::domain::document::Document;
use crate::domain::home_refusal::HomeRefusal;
use crate::domain::lifecycle::ItemState;
use crate::domain::migration::Migration;
use crate::domain::open_deletion::OpenDeletion;
use crate::domain::operation::Direction;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::InvalidDocumentId;
use crate::domain::registry::Revision;
use crate::domain::request::CooperationStatusChange;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::MembershipChange;
use crate::domain::request::OperationBody;
use crate::domain::request::elements::InformationElements;
use crate::domain::time::Timestamp;
use crate::store::command::Expected;
use crate::store::command::RequestId;
use crate::store::command::Write;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// A partner's answer, and what was asked.
pub(super) struct Consequence<'a> {
    pub(super) id: RequestId,
    pub(super) entry: &'a RequestEntry,
    pub(super) submitted: &'a DecisionRecord,
    pub(super) moves: &'a [Move],
    /// What was decided again, where the partner granted something.
    pub(super) evaluation: Option<&'a Evaluation>,
    pub(super) at: Timestamp,
}

/// Documents to write, and what was read to know it.
pub(super) struct Changes<'a> {
    state: &'a State,
    made: BTreeMap<DocumentKey, Option<Document>>,
    read: Vec<(ReadKey, Option<Revision>)>,
}

type Written = (Vec<Write>, Vec<(ReadKey, Option<Revision>)>);

impl Changes<'_> {
    /// Reads a document, and remembers that.
    fn document(&mut self, key: &DocumentKey) -> Option<Arc<Document>> {
        let found = self.state.document(key);
        let revision = found.as_ref().map(|found| found.revision);
        self.read.push((ReadKey::Document(key.clone()), revision));
        found.map(|found| found.value)
    }
}

impl Consequence<'_> {
    /// The documents to write with the report.
    pub(super) fn writes(&self, state: &State) -> Result<Written, AppError> {
        let mut changes = Changes {
            state,
            made: BTreeMap::new(),
            read: Vec::new(),
        };
        self.changes(&mut changes)
            .map_err(|error| AppError::Broken(Box::new(error)))?;
        let writes = changes.made.into_iter().map(|(key, document)| Write {
            key,
            // What was there is in the read set.
            expected: Expected::Any,
            document: document.map(Arc::new),
        });
        Ok((writes.collect(), changes.read))
    }

    fn changes(&self, changes: &mut Changes<'_>) -> Result<(), InvalidDocumentId> {
        let request = &self.submitted.request;
        if let (Direction::Outbound, OperationBody::GroupMembershipUpdate(update)) =
            (request.direction, &request.body)
        {
            self.deletions(update, changes)?;
        }
        if let (Direction::Inbound, OperationBody::MigrationServiceAuthorization(_)) =
            (request.direction, &request.body)
        {
            self.consents(changes)?;
        }
        if request.direction == Direction::Outbound {
            self.granted(changes)?;
        }
        Ok(())
    }

    /// What is ours to write once the partner agrees and we still do.
    fn granted(&self, changes: &mut Changes<'_>) -> Result<(), InvalidDocumentId> {
        let granted = self.moves.iter();
        let granted = granted.filter(|it| it.is_granted() && it.to != ItemState::Refused);
        let items: Vec<usize> = granted.map(|it| it.number).collect();
        let (Some(evaluation), false) = (self.evaluation, items.is_empty()) else {
            return Ok(());
        };
        let request = &self.submitted.request;
        if let OperationBody::CooperationStatusChange(change) = &request.body {
            self.cooperation(change, evaluation, changes)?;
        }
        if let OperationBody::JointGroupCreation(asked) = &request.body {
            let granted = Granted {
                request,
                request_id: self.id,
                evaluation,
                items,
                submitted: None,
            };
            changes.made.extend(granted.joint_group(asked)?);
        }
        Ok(())
    }

    /// The cooperation goes on as we asked, unless somebody wrote our half since: then it is theirs to say.
    fn cooperation(
        &self,
        change: &CooperationStatusChange,
        evaluation: &Evaluation,
        changes: &mut Changes<'_>,
    ) -> Result<(), InvalidDocumentId> {
        let asked = self.submitted.facts.shared.agreement.as_ref();
        let asked = asked.map(|agreement| agreement.revision);
        let Some(cooperation) = &evaluation.standing.cooperation else {
            return Ok(());
        };
        if change.is_reducing() || asked != Some(cooperation.agreement.revision) {
            return Ok(());
        }
        let granted = GrantedChange {
            change,
            direction: Direction::Outbound,
            is_answered: true,
            request_id: self.id,
            now: self.at,
        };
        changes.made.extend(cooperation.changed(&granted)?);
        Ok(())
    }

    /// What a visitor's home answers: with its consent they are registered, without it they are not served, and a
    /// refusal is final (ruling 11).
    fn consents(&self, changes: &mut Changes<'_>) -> Result<(), InvalidDocumentId> {
        let request = &self.submitted.request;
        for it in self.moves {
            let decision = self.submitted.items.get(it.number).map(|item| &item.item);
            let asked = request.body.elements().subject();
            let service = decision.and_then(|item| item.service);
            let (Some(outcome), Some(user), Some(service)) = (it.outcome, asked, service) else {
                continue;
            };
            let id = Migration::id(user, service)?;
            let entry = DocumentKey {
                kind: DocumentKind::Migration,
                id: id.clone(),
            };
            let refusal = DocumentKey {
                kind: DocumentKind::HomeRefusal,
                id,
            };
            let is_there = changes.document(&entry).is_some();
            match self.consented(it) {
                Some(registered) => {
                    let registered = Document::Migration(registered);
                    changes.made.insert(entry, Some(registered));
                }
                None if is_there => {
                    changes.made.insert(entry, None);
                }
                None => {}
            }
            let was_refused = changes.document(&refusal).is_some();
            match outcome {
                PartnerOutcome::Reject => {
                    let refused = Document::HomeRefusal(HomeRefusal {
                        user: user.clone(),
                        service,
                        home_system: request.requesting_system.clone(),
                        since: self.at,
                        request_id: self.id.0,
                    });
                    changes.made.insert(refusal, Some(refused));
                }
                PartnerOutcome::Accept if was_refused && it.to != ItemState::Refused => {
                    changes.made.insert(refusal, None);
                }
                PartnerOutcome::Accept => {}
            }
        }
        Ok(())
    }

    /// The entry of a visitor to whose migration both sides agree, for no longer than either says.
    fn consented(&self, it: &Move) -> Option<Migration> {
        if !it.is_granted() || it.to == ItemState::Refused {
            return None;
        }
        let evaluation = self.evaluation?;
        let granted = Granted {
            request: &self.submitted.request,
            request_id: self.id,
            evaluation,
            items: Vec::new(),
            submitted: None,
        };
        let entry = granted.entry(evaluation.items.get(it.number)?)?;
        let theirs = it.words.as_ref().and_then(|words| words.limits.end_time);
        let ends = [entry.expires_at, theirs].into_iter().flatten().min();
        Some(Migration {
            expires_at: ends,
            ..entry
        })
    }

    /// A deletion is open until the partner has answered it, whatever it answers; an addition that it accepts puts an
    /// end to one that was asked for before (ruling 15).
    fn deletions(
        &self,
        update: &GroupMembershipUpdate,
        changes: &mut Changes<'_>,
    ) -> Result<(), InvalidDocumentId> {
        let mut waiting = BTreeSet::new();
        for (number, member) in update.members.iter().enumerate() {
            if self
                .after(number)
                .is_some_and(|state| state.stage().is_some())
            {
                waiting.extend(changes.state.person(member));
            }
        }
        for it in self.moves {
            let Some(outcome) = it.outcome else {
                continue;
            };
            let member = update.members.get(it.number);
            let person = member.and_then(|member| changes.state.person(member));
            let Some(person) = person else {
                continue;
            };
            let key = DocumentKey {
                kind: DocumentKind::OpenDeletion,
                id: OpenDeletion::id(&update.group, &person)?,
            };
            let found = changes.document(&key);
            let Some(Document::OpenDeletion(open)) = found.as_deref() else {
                continue;
            };
            let is_over = match update.change {
                MembershipChange::Delete => {
                    open.request_id == self.id.0 && !waiting.contains(&person)
                }
                MembershipChange::Add => {
                    outcome == PartnerOutcome::Accept
                        && it.to != ItemState::Refused
                        && open.since < self.submitted.now
                }
            };
            if is_over {
                changes.made.insert(key, None);
            }
        }
        Ok(())
    }

    /// Where an item is once the report is taken in.
    fn after(&self, number: usize) -> Option<ItemState> {
        let moved = self.moves.iter().find(|it| it.number == number);
        let moved = moved.map(|it| it.to);
        moved.or_else(|| self.entry.items.get(number).copied())
    }
}
