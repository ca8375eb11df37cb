//! What was taken back since it was asked for: the last word of whoever asks stands, whenever the older request is
//! approved. A later deletion takes back an addition, and a later addition that was granted takes back a deletion.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::error::AppError;
use crate::decision::facts::Facts;
use crate::decision::facts::other_system;
use crate::decision::query::is_reducing;
use crate::decision_log::LogIndex;
use crate::domain::agreement::AgreementStatus;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::ItemState;
use crate::domain::operation::Direction;
use crate::domain::request::CooperationChange;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::OperationBody;
use crate::store::command::Turn;
use crate::store::command::Turned;
use crate::store::state::State;

/// Items that a later request took back.
#[derive(Clone, Debug)]
pub(in crate::app) struct TakenBack {
    /// Their numbers.
    pub(in crate::app) items: BTreeSet<usize>,
    /// The last request that was looked at.
    pub(in crate::app) seen: Turned,
}

/// Whether a request gives again what others take away.
pub(in crate::app) fn gives_again(body: &OperationBody) -> bool {
    if let OperationBody::GroupMembershipUpdate(update) = body {
        return update.change == MembershipChange::Add;
    }
    if let OperationBody::MigrationUsersUpdate(update) = body {
        return update.change == MembershipChange::Add;
    }
    if let OperationBody::CooperationStatusChange(change) = body {
        return change.change == CooperationChange::Resume;
    }
    false
}

/// Whether we interrupted our half after the partner asked that the cooperation goes on: whoever agreed to that agreed to
/// something else, and the partner asks anew.
pub(in crate::app) fn is_interrupted_since(
    request: &InterSystemRequest,
    then: &Facts,
    now: &Facts,
) -> bool {
    let OperationBody::CooperationStatusChange(change) = &request.body else {
        return false;
    };
    let goes_on = matches!(
        change.change,
        CooperationChange::Activate | CooperationChange::Resume
    );
    let status = |facts: &Facts| {
        facts
            .shared
            .agreement
            .as_ref()
            .map(|found| found.value.status)
    };
    goes_on
        && request.direction == Direction::Inbound
        && status(now) != status(then)
        && status(now) != Some(AgreementStatus::Active)
}

impl App {
    /// What requests since one that was submitted have taken back of it.
    pub(in crate::app) fn taken_back(
        &self,
        request: &InterSystemRequest,
        submitted: LogIndex,
    ) -> Result<TakenBack, AppError> {
        let partner = other_system(request);
        let turn = if is_reducing(&request.body) {
            Turn::Adds
        } else {
            Turn::Reduces
        };
        let (later, last) = self.store().view(|state: &State| {
            let later = state.turns_since(partner, turn, submitted);
            (later.collect::<Vec<_>>(), state.last_turn(partner, turn))
        });
        let mut items = BTreeSet::new();
        for (index, id) in later {
            let states = self.request_entry(id)?.items;
            let stands: Vec<bool> = states.into_iter().map(|it| stands(turn, it)).collect();
            // Few of them are about the same, but that takes their record to see.
            if stands.contains(&true) {
                let later = self.submitted_record_at(index)?.request;
                items.extend(taken_back_by(request, &later, turn, &stands));
            }
        }
        Ok(TakenBack {
            items,
            seen: Turned {
                partner: partner.clone(),
                turn,
                last,
            },
        })
    }
}

impl App {
    /// Notes of a deletion whom an addition that waits could bring into the group: there is something to take back.
    pub(in crate::app) fn note_waiting_additions(
        &self,
        request: &InterSystemRequest,
        facts: &mut Facts,
    ) -> Result<(), AppError> {
        let OperationBody::GroupMembershipUpdate(deletion) = &request.body else {
            return Ok(());
        };
        let is_deletion =
            request.direction == Direction::Inbound && deletion.change == MembershipChange::Delete;
        if !is_deletion || facts.subjects.iter().all(|person| person.is_member) {
            return Ok(());
        }
        let waiting = self.waiting_additions(other_system(request), deletion)?;
        for (member, person) in deletion.members.iter().zip(&mut facts.subjects) {
            person.is_member |= waiting.contains(member.uri().subscriber());
        }
        Ok(())
    }

    /// Who waits to be added to the group from which a partner deletes.
    fn waiting_additions(
        &self,
        partner: &McSystemId,
        deletion: &GroupMembershipUpdate,
    ) -> Result<BTreeSet<String>, AppError> {
        let open = self.store().view(|state| {
            let waiting = state.waiting_under(partner);
            let entries = waiting.filter_map(|id| state.request(id));
            let entries = entries.map(|entry| (entry.submitted, entry.items.clone()));
            entries.collect::<Vec<_>>()
        });
        let mut added = BTreeSet::new();
        for (submitted, items) in open {
            let asked = self.submitted_record_at(submitted)?.request;
            if let OperationBody::GroupMembershipUpdate(asked) = &asked.body
                && asked.change == MembershipChange::Add
                && asked.group == deletion.group
            {
                let waiting = asked.members.iter().zip(&items);
                let waiting = waiting.filter(|(_, item)| item.is_pending());
                added.extend(waiting.map(|(member, _)| member.uri().subscriber().to_owned()));
            }
        }
        Ok(added)
    }
}

/// Whether an item of a later request counts: one that takes away as soon as it waits, since whoever asked for both has
/// changed their mind, whether or not somebody has agreed yet; one that gives again only where it is granted, since
/// nothing is given before.
fn stands(turn: Turn, item: ItemState) -> bool {
    match turn {
        Turn::Reduces => item.is_granted_here() || item.is_pending(),
        Turn::Adds => item.is_granted_here(),
    }
}

/// The items of a request that those of a later one take back.
fn taken_back_by(
    request: &InterSystemRequest,
    later: &InterSystemRequest,
    turn: Turn,
    stands: &[bool],
) -> Vec<usize> {
    if request.direction != later.direction {
        return Vec::new();
    }
    let change = match turn {
        Turn::Reduces => MembershipChange::Delete,
        Turn::Adds => MembershipChange::Add,
    };
    let users = |asked: &[McServiceId], later: &[McServiceId]| {
        let turned = later.iter().zip(stands).filter(|(_, stands)| **stands);
        let turned = turned.map(|(user, _)| user.uri().subscriber().to_owned());
        let turned: BTreeSet<String> = turned.collect();
        let numbered = asked.iter().enumerate();
        let named = numbered.filter(|(_, user)| turned.contains(user.uri().subscriber()));
        named.map(|(number, _)| number).collect()
    };
    match (&request.body, &later.body) {
        (
            OperationBody::GroupMembershipUpdate(asked),
            OperationBody::GroupMembershipUpdate(later),
        ) if later.change == change && later.group == asked.group => {
            users(&asked.members, &later.members)
        }
        (
            OperationBody::MigrationUsersUpdate(asked),
            OperationBody::MigrationUsersUpdate(later),
        ) if later.change == change => users(&asked.users, &later.users),
        (OperationBody::CooperationStatusChange(_), OperationBody::CooperationStatusChange(_)) => {
            vec![0]
        }
        (_, _) => Vec::new(),
    }
}
