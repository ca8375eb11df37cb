//! What was taken back since it was asked for: the last word of whoever asks stands, whenever the older request is
//! approved (ADR 0026). A later deletion takes back an addition, and a later addition that was granted takes back a
//! deletion; a later request that sets the same thing otherwise, and was granted, overtakes an older one; and whatever
//! interrupts a cooperation outlives every wish to go on that is older. Compared is by place in the log, never by status.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

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
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::request::CooperationChange;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::MembershipChange;
use crate::domain::request::MigrationUsersUpdate;
use crate::domain::request::OperationBody;
use crate::domain::request::ProposedProfile;
use crate::domain::request::UserConfigurationChange;
use crate::domain::service::McService;
use crate::store::command::RequestId;
use crate::store::command::Turn;
use crate::store::command::Turned;
use crate::store::state::RequestEntry;
use crate::store::state::State;

/// What took something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBackBy {
    /// The entry of the log.
    pub record: LogIndex,
    /// The request that it decided; none where it wrote the agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

/// An item that was taken back, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBackItem {
    /// Its number.
    pub item: usize,
    /// By what.
    #[serde(flatten)]
    pub by: TakenBackBy,
}

/// Items that were taken back since they were asked for.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct TakenBack {
    /// By what, by their numbers.
    pub(in crate::app) by: BTreeMap<usize, TakenBackBy>,
    /// Up to where requests were looked at.
    pub(in crate::app) seen: Vec<Turned>,
}

impl TakenBack {
    /// The numbers of the items.
    pub(in crate::app) fn items(&self) -> BTreeSet<usize> {
        self.by.keys().copied().collect()
    }

    /// Those of some items that were taken back.
    pub(in crate::app) fn among(&self, items: impl Iterator<Item = usize>) -> Vec<TakenBackItem> {
        let found = items.filter_map(|item| {
            let by = *self.by.get(&item)?;
            Some(TakenBackItem { item, by })
        });
        found.collect()
    }
}

/// Whether a request gives what others take away, or sets what others set too.
pub(in crate::app) fn gives(body: &OperationBody) -> bool {
    if let OperationBody::GroupMembershipUpdate(update) = body {
        return update.change == MembershipChange::Add;
    }
    sets(body) || goes_on(body)
}

/// Whether a request sets something as a whole, so that of two about the same the newer one counts.
fn sets(body: &OperationBody) -> bool {
    if let OperationBody::MigrationUsersUpdate(update) = body {
        return update.change == MembershipChange::Add;
    }
    matches!(
        body,
        OperationBody::UeConfigurationPush(_) | OperationBody::UserConfigurationChange(_)
    )
}

/// Whether a request asks that a cooperation goes on.
pub(in crate::app) fn goes_on(body: &OperationBody) -> bool {
    if let OperationBody::CooperationStatusChange(change) = body {
        return matches!(
            change.change,
            CooperationChange::Activate | CooperationChange::Resume
        );
    }
    false
}

/// By which requests one can be taken back.
fn turns(body: &OperationBody) -> &'static [Turn] {
    if is_reducing(body) {
        &[Turn::Adds]
    } else if sets(body) {
        &[Turn::Reduces, Turn::Adds]
    } else {
        &[Turn::Reduces]
    }
}

impl App {
    /// What requests since one that was submitted have taken back of it, and what interrupted the cooperation since that
    /// it would let go on.
    pub(in crate::app) fn taken_back(
        &self,
        request: &InterSystemRequest,
        entry: &RequestEntry,
    ) -> Result<TakenBack, AppError> {
        let since = self.asked_at(request, entry);
        let partner = other_system(request);
        let mut taken_back = TakenBack::default();
        if goes_on(&request.body)
            && let Some(record) = self.interrupted_since(partner, since)
        {
            let request_id = None;
            taken_back.by.insert(0, TakenBackBy { record, request_id });
        }
        for turn in turns(&request.body).iter().copied() {
            let (later, last) = self.store().view(|state: &State| {
                let later = state.turns_since(partner, turn, since);
                let later = later.filter(|(_, id)| *id != entry.id);
                (later.collect::<Vec<_>>(), state.last_turn(partner, turn))
            });
            for (record, id) in later {
                let by = TakenBackBy {
                    record,
                    request_id: Some(id),
                };
                let items = self.taken_back_by(request, (record, id), turn)?;
                taken_back
                    .by
                    .extend(items.into_iter().map(|item| (item, by)));
            }
            taken_back.seen.push(Turned {
                partner: partner.clone(),
                turn,
                last,
            });
        }
        Ok(taken_back)
    }

    fn taken_back_by(
        &self,
        request: &InterSystemRequest,
        (submitted, id): (LogIndex, RequestId),
        turn: Turn,
    ) -> Result<Vec<usize>, AppError> {
        let states = self.request_entry(id)?.items;
        let stands: Vec<bool> = states.into_iter().map(|it| stands(turn, it)).collect();
        // Few of them are about the same, but that takes their record to see.
        if !stands.contains(&true) {
            return Ok(Vec::new());
        }
        let later = self.submitted_record_at(submitted)?.request;
        Ok(taken_back_by(request, &later, turn, &stands))
    }

    /// Since when something counts against a request. Whoever asks for an approval of what would be given said what they
    /// want when it was evaluated; what takes away they want until they say otherwise.
    fn asked_at(&self, request: &InterSystemRequest, entry: &RequestEntry) -> LogIndex {
        let asked = entry.asked().filter(|_| !is_reducing(&request.body));
        let evaluated = asked.and_then(|asked| {
            self.store()
                .view(|state| state.submission(asked.evaluation))
        });
        evaluated.map_or(entry.submitted, |it| it.min(entry.submitted))
    }

    /// The last entry after another that took the agreement with a partner out of force, or said again that it is.
    fn interrupted_since(&self, partner: &McSystemId, since: LogIndex) -> Option<LogIndex> {
        let key = DocumentKey {
            kind: DocumentKind::Agreement,
            id: partner.as_str().parse().ok()?,
        };
        let last = self.store().view(|state| {
            let is_active = |status| status == AgreementStatus::Active;
            let agreement = state.agreement(partner);
            let written = agreement.filter(|agreement| !is_active(agreement.status));
            let written = written.and_then(|_| state.revision(&key));
            let written = written.map(|revision| LogIndex(revision.0));
            state.last_interruption(partner).max(written)
        });
        last.filter(|last| *last > since)
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
/// changed their mind, whether or not somebody has agreed yet; one that gives or sets only where it is granted, since
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
    let is_same_side = request.direction == later.direction;
    match (&request.body, &later.body) {
        // Whoever interrupts, us or the partner: an older wish to go on does not undo it.
        (OperationBody::CooperationStatusChange(_), OperationBody::CooperationStatusChange(_))
            if is_same_side || (turn == Turn::Reduces && goes_on(&request.body)) =>
        {
            vec![0]
        }
        (_, _) if !is_same_side => Vec::new(),
        (
            OperationBody::GroupMembershipUpdate(asked),
            OperationBody::GroupMembershipUpdate(later),
        ) if later.change == change_of(turn) && later.group == asked.group => {
            users(&asked.members, &later.members, stands)
        }
        (
            OperationBody::MigrationUsersUpdate(asked),
            OperationBody::MigrationUsersUpdate(later),
        ) if later.change == change_of(turn) && is_otherwise(asked, later) => {
            users(&asked.users, &later.users, stands)
        }
        (
            OperationBody::UserConfigurationChange(asked),
            OperationBody::UserConfigurationChange(later),
        ) => profiles(asked, later, stands),
        (OperationBody::UeConfigurationPush(asked), OperationBody::UeConfigurationPush(later))
            if asked.configuration.describes() == later.configuration.describes() =>
        {
            vec![0]
        }
        (_, _) => Vec::new(),
    }
}

fn change_of(turn: Turn) -> MembershipChange {
    match turn {
        Turn::Reduces => MembershipChange::Delete,
        Turn::Adds => MembershipChange::Add,
    }
}

/// Whether a later list says something else about a user: the opposite, or other services.
fn is_otherwise(asked: &MigrationUsersUpdate, later: &MigrationUsersUpdate) -> bool {
    asked.change != later.change || set(&asked.services) != set(&later.services)
}

fn set(services: &[McService]) -> BTreeSet<McService> {
    services.iter().copied().collect()
}

/// The numbers of the users whom a later request names too.
fn users(asked: &[McServiceId], later: &[McServiceId], stands: &[bool]) -> Vec<usize> {
    let turned = later.iter().zip(stands).filter(|(_, stands)| **stands);
    let turned: BTreeSet<&str> = turned.map(|(user, _)| user.uri().subscriber()).collect();
    let numbered = asked.iter().enumerate();
    let named = numbered.filter(|(_, user)| turned.contains(user.uri().subscriber()));
    named.map(|(number, _)| number).collect()
}

/// The numbers of the users of whom a later request says something else.
fn profiles(
    asked: &UserConfigurationChange,
    later: &UserConfigurationChange,
    stands: &[bool],
) -> Vec<usize> {
    let said = |profile: &ProposedProfile| {
        let services = set(&profile.services);
        (services, profile.priority, profile.profile_index)
    };
    let is_overtaken = |one: &ProposedProfile| {
        let mut later = later.changes.iter().zip(stands);
        later.any(|(other, stands)| {
            let is_same = one.user.uri().subscriber() == other.user.uri().subscriber();
            *stands && is_same && said(one) != said(other)
        })
    };
    let numbered = asked.changes.iter().enumerate();
    let older = numbered.filter(|(_, one)| is_overtaken(one));
    older.map(|(number, _)| number).collect()
}
