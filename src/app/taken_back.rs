//! What was taken back since it was asked for: the last word of whoever asks stands, whenever the older request is
//! approved.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::error::AppError;
use crate::decision::facts::Facts;
use crate::decision::facts::other_system;
use crate::decision::query::is_reducing;
use crate::decision_log::LogIndex;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::ItemState;
use crate::domain::operation::Direction;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::OperationBody;
use crate::store::state::State;

/// Items that a later request took back.
#[derive(Clone, Debug)]
pub(in crate::app) struct TakenBack {
    /// Their numbers.
    pub(in crate::app) items: BTreeSet<usize>,
    /// The partner, and the last of its requests that was looked at.
    pub(in crate::app) seen: (McSystemId, Option<LogIndex>),
}

impl App {
    /// What requests since one that was submitted have taken back of it.
    pub(in crate::app) fn taken_back(
        &self,
        request: &InterSystemRequest,
        submitted: LogIndex,
    ) -> Result<TakenBack, AppError> {
        let partner = other_system(request);
        let widens = !is_reducing(&request.body);
        let (later, last) = self.store().view(|state: &State| {
            let later = state.reductions_since(partner, submitted);
            let later: Vec<_> = later.filter(|_| widens).collect();
            (later, state.last_reduction(partner))
        });
        let mut items = BTreeSet::new();
        for (index, id) in later {
            let reduction = self.submitted_record_at(index)?.request;
            let states = self.request_entry(id)?.items;
            items.extend(taken_back_by(request, &reduction, &states));
        }
        Ok(TakenBack {
            items,
            seen: (partner.clone(), last),
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

/// The items of a request that those of another take back which are granted, or wait: whoever asked for both has changed
/// their mind, whether or not somebody has agreed yet.
fn taken_back_by(
    request: &InterSystemRequest,
    reduction: &InterSystemRequest,
    states: &[ItemState],
) -> Vec<usize> {
    let stands = |number: usize| {
        let state = states.get(number);
        state.is_some_and(|it| it.is_granted_here() || it.is_pending())
    };
    let taken_away = |users: &[McServiceId]| {
        let numbered = users.iter().enumerate();
        let standing = numbered.filter(|(number, _)| stands(*number));
        standing
            .map(|(_, user)| user.uri().subscriber().to_owned())
            .collect::<BTreeSet<String>>()
    };
    let named = |users: &[McServiceId], taken: &BTreeSet<String>| {
        let numbered = users.iter().enumerate();
        let named = numbered.filter(|(_, user)| taken.contains(user.uri().subscriber()));
        named.map(|(number, _)| number).collect()
    };
    match (&request.body, &reduction.body) {
        (
            OperationBody::GroupMembershipUpdate(asked),
            OperationBody::GroupMembershipUpdate(taken),
        ) if taken.change == MembershipChange::Delete
            && taken.group == asked.group
            && request.direction == reduction.direction =>
        {
            named(&asked.members, &taken_away(&taken.members))
        }
        (
            OperationBody::MigrationUsersUpdate(asked),
            OperationBody::MigrationUsersUpdate(taken),
        ) if taken.change == MembershipChange::Delete
            && request.direction == reduction.direction =>
        {
            named(&asked.users, &taken_away(&taken.users))
        }
        (OperationBody::CooperationStatusChange(_), OperationBody::CooperationStatusChange(_))
            if stands(0) =>
        {
            vec![0]
        }
        (_, _) => Vec::new(),
    }
}
