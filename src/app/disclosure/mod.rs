//! Disclosure of configuration information (A2): the view that a partner is told, computed with the grant and recorded.
//!
//! What the view rests on is in the read set, so that nothing is told after the entry of the log that takes it away.

mod parts;

pub use parts::DisclosureAnswer;
pub use parts::View;

pub(in crate::app) use parts::told;

use std::sync::Arc;

use crate::app::App;
use crate::app::disclosure::parts::recorded;
use crate::app::error::AppError;
use crate::app::submit::Evaluation;
use crate::decision::facts::ReadKey;
use crate::decision::record::RecordPart;
use crate::domain::agreement::Agreement;
use crate::domain::agreement::DisclosureKind;
use crate::domain::disclosure::DISCLOSED_MAX;
use crate::domain::disclosure::DisclosedGroup;
use crate::domain::disclosure::DisclosedSecurity;
use crate::domain::disclosure::DisclosedUser;
use crate::domain::disclosure::is_asked_for;
use crate::domain::disclosure::is_in_any;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::operation::Direction;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::ConfigurationInformation;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::user::User;
use crate::store::command::RequestId;
use crate::store::state::State;

/// What was looked up for a view, and in which revision.
type Reads = Vec<(ReadKey, Option<Revision>)>;

impl App {
    /// What the granted items of a request disclose, as parts of its record; what was read joins the read set.
    pub(in crate::app) fn disclosed(
        &self,
        (request, id): (&InterSystemRequest, RequestId),
        evaluation: &mut Evaluation,
        granted: &[usize],
    ) -> Result<Vec<RecordPart>, AppError> {
        let OperationBody::ConfigurationInformation(asked) = &request.body else {
            return Ok(Vec::new());
        };
        let agreement = evaluation.facts.shared.agreement.as_ref();
        let (Direction::Inbound, Some(agreement)) = (request.direction, agreement) else {
            return Ok(Vec::new());
        };
        let kinds = granted.iter().filter_map(|number| asked.kinds.get(*number));
        let agreed = &agreement.value;
        // Policy has said so already; the view does not rest on that alone.
        let ceiling = agreed.acm.as_ref().map(|acm| &acm.disclosure);
        let kinds: Vec<DisclosureKind> = kinds
            .copied()
            .filter(|kind| ceiling.is_some_and(|ceiling| ceiling.contains(kind)))
            .collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = Reads::new();
        let view = self
            .store()
            .view(|state| view(state, (asked, agreed), &kinds, &mut reads))?;
        let read_set = &mut evaluation.read_set.entries;
        read_set.extend(reads);
        read_set.sort_by(|(one, _), (other, _)| one.cmp(other));
        // What was read twice must be as it was the first time, or the entry is stale.
        read_set.dedup();
        recorded(id, &view)
    }
}

fn view(
    state: &State,
    (asked, agreement): (&ConfigurationInformation, &Agreement),
    kinds: &[DisclosureKind],
    reads: &mut Reads,
) -> Result<View, AppError> {
    let mut view = View::new()?;
    let wants_groups = kinds.contains(&DisclosureKind::Groups);
    let wants_users = kinds.contains(&DisclosureKind::Users);
    let mut within: Option<Vec<Group>> = (!asked.groups.is_empty()).then(Vec::new);
    // Where groups may not be told of, nobody is found by their groups either.
    let acm = agreement.acm.as_ref();
    let may_know_groups = acm.is_some_and(|acm| acm.disclosure.contains(&DisclosureKind::Groups));
    if wants_groups || (wants_users && within.is_some() && may_know_groups) {
        let mut groups = Vec::new();
        for (key, revision, document) in found(state, DocumentKind::Group) {
            let Document::Group(group) = document.as_ref() else {
                continue;
            };
            let told = DisclosedGroup::of(group, agreement);
            let Some(told) = told.filter(|_| is_asked_for(&asked.groups, &group.id)) else {
                continue;
            };
            if groups.len() == DISCLOSED_MAX {
                view.complete = false;
                break;
            }
            reads.push((ReadKey::Document(key), Some(revision)));
            if let Some(within) = &mut within {
                within.push(group.clone());
            }
            groups.push(told);
        }
        view.groups = wants_groups.then_some(groups);
    }
    if wants_users {
        view.users = Some(users(
            state,
            agreement,
            within.as_deref(),
            (reads, &mut view.complete),
        ));
    }
    if kinds.contains(&DisclosureKind::SecurityLevel) {
        view.security_level = Some(DisclosedSecurity::of(agreement));
    }
    Ok(view)
}

fn users(
    state: &State,
    agreement: &Agreement,
    within: Option<&[Group]>,
    (reads, complete): (&mut Reads, &mut bool),
) -> Vec<DisclosedUser> {
    let is_asked_for = |user: &User| within.is_none_or(|groups| is_in_any(user, groups));
    let mut users = Vec::new();
    for (key, revision, document) in found(state, DocumentKind::User) {
        let Document::User(user) = document.as_ref() else {
            continue;
        };
        let told = DisclosedUser::of(user, agreement).filter(|_| is_asked_for(user));
        let Some(told) = told else {
            continue;
        };
        if users.len() == DISCLOSED_MAX {
            *complete = false;
            break;
        }
        reads.push((ReadKey::Document(key), Some(revision)));
        users.push(told);
    }
    users
}

fn found(
    state: &State,
    kind: DocumentKind,
) -> impl Iterator<Item = (DocumentKey, Revision, &Arc<Document>)> {
    let documents = state.documents(kind, None);
    documents.map(move |(id, found)| {
        let id = id.clone();
        (DocumentKey { kind, id }, found.revision, found.value)
    })
}
