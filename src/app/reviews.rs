//! What waits for whom: the pending items that a reviewer can answer, and the reviewers who can answer an item.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::app::answer::DecisionAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::answer::QuorumAnswer;
use crate::app::answer::ReminderAnswer;
use crate::app::answer::RequestAnswer;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::Standing;
use crate::app::requests::Tallies;
use crate::app::reviewer::Answerers;
use crate::app::reviewer::Eligible;
use crate::app::reviewer::Reviewer;
use crate::app::reviewer::escalated_to;
use crate::decision::facts::Lookup;
use crate::decision::quorum::Quorum;
use crate::domain::document::Document;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::ItemState;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::registry::Revision;
use crate::domain::request::Urgency;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::command::RequestId;
use crate::store::command::Vote;
use crate::store::state::Tally;

/// How many pending items are listed at once, at most.
pub const PAGE_ITEMS_MAX: usize = 1_000;

/// How many users are asked about for one request; beyond it, the count says that it is not complete.
const USERS_ASKED_MAX: usize = 2_000;

/// How many of those who can answer an item are named.
const USERS_NAMED_MAX: usize = 100;

/// A pending item that a reviewer can answer.
#[derive(Clone, Debug, Serialize)]
pub struct PendingItem {
    /// The request.
    pub request_id: String,
    /// The version of the request, for `If-Match`.
    pub version: u64,
    /// What is seen of it now, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The number of the item.
    pub number: usize,
    /// How urgent it was said to be.
    pub urgency: Urgency,
    /// When it was decided that it waits.
    pub decided_at: Timestamp,
    /// The operation.
    pub operation: Operation,
    /// The side on which it is decided.
    pub direction: Direction,
    /// Who asks.
    pub requesting_system: McSystemId,
    /// Joins what both systems record about one exchange.
    pub correlation_id: String,
    /// Whether an approval is all that is asked for: it permits one evaluation later, and nothing by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks_for_approval: bool,
    /// Which answers of the reviewer would count.
    pub can: Vec<&'static str>,
    /// The item.
    pub item: ItemAnswer,
    #[serde(skip)]
    place: Place,
}

/// Where an item stands in the list: the most urgent first, then what expires first, then the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(std::cmp::Reverse<Urgency>, i64, u64, usize);

/// Who can approve an item.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerableBy {
    /// How many enabled users of this system.
    pub count: usize,
    /// Whether all users were asked about.
    pub complete: bool,
    /// Their MC service IDs, for those who may see them: of the first hundred persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<BTreeSet<McServiceId>>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}.{}", self.0.0, self.1, self.2, self.3)
    }
}

impl std::str::FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split('.');
        let (Some(urgency), Some(expiry), Some(index), Some(item), None) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            return Err(());
        };
        let urgency = serde_json::from_value(urgency.into()).map_err(drop)?;
        let (expiry, index, item) = (expiry.parse(), index.parse(), item.parse());
        let (Ok(expiry), Ok(index), Ok(item)) = (expiry, index, item) else {
            return Err(());
        };
        Ok(Self(std::cmp::Reverse(urgency), expiry, index, item))
    }
}

impl PendingItem {
    /// Where it stands in the list.
    pub fn place(&self) -> Place {
        self.place
    }
}

impl App {
    /// The pending items that a reviewer can answer, the most urgent first, then what expires first; from one place on.
    ///
    /// Every request that waits is read, so this takes the longer the more there are.
    pub fn answerable(
        &self,
        caller: &Caller,
        reviewer: &McServiceId,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<PendingItem>, AppError> {
        self.permit_on_requests_of(caller, Action::AnswerRequest, &caller.name)?;
        let known = self.store().view(|state| {
            let id = state.person(reviewer)?;
            let kind = DocumentKind::User;
            let found = state.document(&DocumentKey { kind, id })?;
            let Document::User(user) = found.value.as_ref() else {
                return None;
            };
            user.enabled.then_some(())
        });
        known.ok_or(AppError::UnknownReviewer)?;
        let open: Vec<RequestId> = self.store().view(|state| {
            let open = state.open_requests(None);
            let others = open.filter(|entry| *entry.caller != *caller.name);
            let readable = others.filter(|entry| {
                let may = self.permit_on_requests_of(caller, Action::AnswerRequest, &entry.caller);
                may.is_ok()
            });
            readable.map(|entry| entry.id).collect()
        });
        let mut found = Vec::new();
        for id in open {
            match self.answerable_items(id, reviewer, after) {
                Ok(items) => found.extend(items),
                // One record that cannot be read must not hide the others.
                Err(error) => tracing::warn!(request = %id, %error, "left out of the reviews"),
            }
        }
        found.sort_by_key(PendingItem::place);
        found.truncate(limit.min(PAGE_ITEMS_MAX));
        Ok(found)
    }

    fn answerable_items(
        &self,
        id: RequestId,
        reviewer: &McServiceId,
        after: Option<Place>,
    ) -> Result<Vec<PendingItem>, AppError> {
        let standing = self.standing(id)?;
        let request = &standing.record.request;
        let about = (&standing.entry, request, &standing.record.facts);
        let Ok(reviewer) = Eligible::new(self, about).find(reviewer) else {
            return Ok(Vec::new());
        };
        let Some(person) = reviewer.person(self.sealing_key(), id) else {
            return Ok(Vec::new());
        };
        let tallies = self.tallies_now(&standing);
        let mut answerers = Answerers::new(self, request);
        let mut items = Vec::new();
        for (number, state, waiting, decision) in waiting(&standing, &tallies) {
            let place = Place(
                std::cmp::Reverse(request.urgency),
                // What never expires comes last.
                state
                    .expires_at()
                    .map_or(i64::MAX, Timestamp::as_milliseconds),
                standing.entry.submitted.0,
                number,
            );
            if after.is_some_and(|after| place <= after)
                || !answerers.may_answer(&reviewer, &waiting.categories, &waiting.escalated_to)
            {
                continue;
            }
            let can = waiting.can(&reviewer, |vote| waiting.tally.admits(&person, vote));
            if can.is_empty() {
                continue;
            }
            let item = ItemAnswer {
                quorum: Some(QuorumAnswer::new(&waiting.quorum, &waiting.tally)),
                reminded: ReminderAnswer::of(&standing.entry, number),
                ..ItemAnswer::new(decision, state, None)
            };
            items.push(PendingItem {
                request_id: id.to_string(),
                version: standing.entry.version,
                seen: None,
                number,
                urgency: request.urgency,
                decided_at: standing.record.now,
                operation: request.body.operation(),
                direction: request.direction,
                requesting_system: request.requesting_system.clone(),
                correlation_id: request.correlation_id.clone(),
                asks_for_approval: standing.entry.asked().is_some(),
                can,
                item,
                place,
            });
        }
        Ok(items)
    }

    /// Tells of each pending item of a request who can approve it.
    pub(in crate::app) fn tell_answerers(
        &self,
        caller: &Caller,
        id: RequestId,
        answer: &mut RequestAnswer,
    ) -> Result<(), AppError> {
        if !answer.items.iter().any(|item| item.quorum.is_some()) {
            return Ok(());
        }
        let may_name = self.permit(caller, Action::ReadRegistry).is_ok()
            || self
                .permit_on_request(caller, Action::ReadAnswerers, id)
                .is_ok();
        let standing = self.standing(id)?;
        let request = &standing.record.request;
        let users: Vec<(DocumentKey, Revision, Arc<Document>)> = self.store().view(|state| {
            let users = state.documents(DocumentKind::User, None);
            let users = users.map(|(id, found)| {
                let kind = DocumentKind::User;
                let key = DocumentKey {
                    kind,
                    id: id.clone(),
                };
                (key, found.revision, Arc::clone(found.value))
            });
            users.collect()
        });
        let eligible = Eligible::new(self, (&standing.entry, request, &standing.record.facts));
        let reviewers: Vec<Reviewer> = users
            .into_iter()
            .filter_map(|(key, revision, document)| eligible.of_user((key, revision), &document))
            .collect();
        let tallies = self.tallies_now(&standing);
        let mut answerers = Answerers::new(self, request);
        let mut told: Vec<(Waiting, AnswerableBy)> = Vec::new();
        for (number, _, waiting, _) in waiting(&standing, &tallies) {
            let known = told.iter().find(|(other, _)| *other == waiting);
            let by = if let Some((_, by)) = known {
                by.clone()
            } else {
                let by = self.answerable_by(id, &waiting, &reviewers, &mut answerers);
                told.push((waiting, by.clone()));
                by
            };
            if let Some(item) = answer.items.get_mut(number) {
                let users = by.users.filter(|_| may_name);
                item.answerable_by = Some(AnswerableBy { users, ..by });
            }
        }
        Ok(())
    }

    fn answerable_by(
        &self,
        id: RequestId,
        waiting: &Waiting,
        reviewers: &[Reviewer],
        answerers: &mut Answerers<'_>,
    ) -> AnswerableBy {
        let (mut count, mut asked, mut complete) = (0, 0, true);
        let mut users = BTreeSet::new();
        for reviewer in reviewers {
            let Some(person) = reviewer.person(self.sealing_key(), id) else {
                continue;
            };
            let can = waiting.can(reviewer, |vote| waiting.tally.admits(&person, vote));
            if !can.contains(&APPROVE) {
                continue;
            }
            if asked == USERS_ASKED_MAX {
                complete = false;
                break;
            }
            asked += 1;
            if answerers.may_answer(reviewer, &waiting.categories, &waiting.escalated_to) {
                count += 1;
                if count <= USERS_NAMED_MAX {
                    users.extend(reviewer.identities());
                }
            }
        }
        AnswerableBy {
            count,
            complete,
            users: Some(users),
        }
    }
}

const APPROVE: &str = "approve";
const DENY: &str = "deny";

/// What a pending item waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    categories: Vec<String>,
    quorum: Quorum,
    tally: Tally,
    escalated_to: BTreeSet<Role>,
}

impl Waiting {
    /// Which answers would count.
    fn can(&self, reviewer: &Reviewer, admits: impl Fn(&Vote) -> bool) -> Vec<&'static str> {
        let roles = reviewer.roles_among(&self.quorum.groups());
        let counts = self.quorum.advances(&self.tally.given(), &roles);
        let approves = counts && admits(&Vote::Approval { roles });
        let denies = admits(&Vote::Denial { afresh: false });
        let can = [approves.then_some(APPROVE), denies.then_some(DENY)];
        can.into_iter().flatten().collect()
    }
}

/// The pending items of a request, by number, and what was last decided about each.
fn waiting(
    standing: &Standing,
    tallies: &Tallies,
) -> Vec<(usize, ItemState, Waiting, DecisionAnswer)> {
    let quorums = standing.quorums().into_iter();
    let decided = quorums.zip(standing.latest());
    let items = standing.entry.items.iter().zip(decided).enumerate();
    let pending = items.filter(|(_, (state, _))| state.is_pending());
    let waiting = pending.map(|(number, (state, (quorum, decision)))| {
        let waiting = Waiting {
            categories: decision.categories.clone(),
            quorum,
            tally: tallies
                .get(&number)
                .map(|it| it.0.clone())
                .unwrap_or_default(),
            escalated_to: escalated_to(&standing.entry, number),
        };
        (number, *state, waiting, decision)
    });
    waiting.collect()
}
