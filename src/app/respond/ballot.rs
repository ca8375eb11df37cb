//! What an answer makes of each item: settled, or counted while it goes on waiting.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::app::clock::Present;
use crate::app::clock::Unsettled;
use crate::app::error::AppError;
use crate::app::respond::agreed::Agreed;
use crate::app::respond::form::Answered;
use crate::app::respond::form::Said;
use crate::app::respond::form::Verdict;
use crate::app::respond::standing;
use crate::app::reviewer::Answerers;
use crate::app::reviewer::Approvers;
use crate::app::reviewer::Reviewer;
use crate::app::reviewer::escalated_to;
use crate::app::submit::Evaluation;
use crate::app::submit::awaited_until;
use crate::decision::decide::ItemDecision;
use crate::decision::quorum::Quorum;
use crate::domain::lifecycle::Expired;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Pending;
use crate::domain::outcome::Outcome;
use crate::domain::request::InterSystemRequest;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::store::command::Person;
use crate::store::command::PersonDigest;
use crate::store::command::Vote;
use crate::store::state::RequestEntry;
use crate::store::state::Tally;

/// What an answer makes of one item.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) number: usize,
    pub(super) state: ItemState,
    /// How it counts, if the item goes on waiting.
    pub(super) vote: Option<Vote>,
    /// Whose approvals before count no more, if it does.
    pub(super) lapsed: Vec<PersonDigest>,
    /// How an approval that grants it was counted.
    pub(super) completes: Option<Completing>,
}

/// An approval that grants an item: whatever rests on it later is judged by whose it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::app) struct Completing {
    /// The person.
    pub(in crate::app) person: PersonDigest,
    /// Those of their roles that the item waited for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::app) roles: BTreeSet<Role>,
    /// Whose approvals before did not count any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::app) lapsed: Vec<PersonDigest>,
    /// Who had been turned to, since nobody had answered in time.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::app) escalated_to: BTreeSet<Role>,
}

/// Whose answer it is.
#[derive(Clone, Copy)]
pub(super) struct Voter<'a> {
    pub(super) reviewer: &'a Reviewer,
    pub(super) person: &'a Person,
}

/// A request as it waits, and as it is decided now.
pub(super) struct Waiting<'a> {
    pub(super) entry: &'a RequestEntry,
    pub(super) request: &'a InterSystemRequest,
    pub(super) evaluation: &'a Evaluation,
    /// The policies that reviewers could have seen.
    pub(super) known: &'a BTreeSet<String>,
    /// What each item waits for, as far as reviewers could have seen.
    pub(super) quorums: &'a [Quorum],
    /// Since when each item waits for that.
    pub(super) since: &'a [Timestamp],
    /// What those who approved before agreed to.
    pub(super) agreed: &'a Agreed,
    /// Who approved before, read afresh.
    pub(super) approvers: &'a Approvers,
    /// Items that were taken back since they were asked for.
    pub(super) taken_back: &'a BTreeSet<usize>,
    /// Between which moments the present one is.
    pub(super) present: Present,
    /// What is told of items of which nobody knows whether they are in time.
    pub(super) unsettled: Unsettled,
}

/// How an answer settles an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Granted,
    Refused,
}

/// Why an item is not this person's to answer.
enum Barred {
    NotPending(String),
    Other(AppError),
}

impl Waiting<'_> {
    /// What becomes of the items that are answered, in the order of the answer.
    ///
    /// Of items that are named each must be the reviewer's to answer; where none is named, those that are not are
    /// left alone.
    pub(super) fn count(
        &self,
        voter: Voter<'_>,
        answered: &Answered,
        answerers: &mut Answerers<'_>,
    ) -> Result<Vec<Counted>, AppError> {
        let mut counted = Vec::new();
        for said in &answered.said {
            match &said.items {
                Some(numbers) => {
                    for number in numbers {
                        let item = self.item(*number, said.verdict, voter, answerers);
                        counted.push(item.map_err(|barred| self.error(barred))?);
                    }
                }
                None => counted.extend(self.every(said, voter, answerers)?),
            }
        }
        if counted.is_empty() {
            let detail = "no item of the request is pending".to_owned();
            return Err(self.not_pending(detail));
        }
        Ok(counted)
    }

    fn every(
        &self,
        said: &Said,
        voter: Voter<'_>,
        answerers: &mut Answerers<'_>,
    ) -> Result<Vec<Counted>, AppError> {
        let (mut counted, mut barred) = (Vec::new(), None);
        for number in 0..self.entry.items.len() {
            match self.item(number, said.verdict, voter, answerers) {
                Ok(item) => counted.push(item),
                Err(Barred::NotPending(_)) => {}
                Err(Barred::Other(error)) => barred = barred.or(Some(error)),
            }
        }
        match barred {
            Some(error) if counted.is_empty() => Err(error),
            Some(_) | None => Ok(counted),
        }
    }

    fn item(
        &self,
        number: usize,
        verdict: Verdict,
        voter: Voter<'_>,
        answerers: &mut Answerers<'_>,
    ) -> Result<Counted, Barred> {
        let present = self.pending(number).map_err(Barred::NotPending)?;
        let expires_at = present.expires_at();
        if expires_at.is_some_and(|expires_at| self.present.latest >= expires_at) {
            return Err(Barred::Other(self.unsettled.into()));
        }
        let decision = self.evaluation.items.get(number);
        let categories = decision.map_or(&[][..], |decision| &decision.categories);
        let escalated_to = escalated_to(self.entry, number);
        if !answerers.may_answer(voter.reviewer, categories, &escalated_to) {
            return Err(Barred::Other(AppError::ReviewerForbidden(format!(
                "the access bundle does not permit `respond` to the reviewer for item {number}"
            ))));
        }
        let mut stands = self.stands(number, decision);
        let asked = (categories, &escalated_to);
        let (tally, lapsed) = self.approvers.counting(stands.tally, asked, answerers);
        stands.tally = tally;
        stands.is_more |= self.is_other(number, &stands.tally, decision);
        let until = self.until(number, present.expires_at(), stands.is_more, decision);
        let is_over = self.is_over(until)?;
        let (settled, vote) = match verdict {
            // Nobody can answer any more what the policies of now leave no time for: it expires.
            _ if is_over => (None, None),
            Verdict::Approve => self.approved(number, decision, &stands, voter)?,
            Verdict::Deny => denied(number, &stands, voter)?,
        };
        let state = self
            .moved(present, settled, until)
            .map_err(|_| Barred::NotPending(format!("item {number} has expired")))?;
        let completes = (settled == Some(Settled::Granted)).then(|| Completing {
            person: voter.person.id,
            roles: voter.reviewer.roles_among(&stands.quorum.groups()),
            lapsed: lapsed.clone(),
            escalated_to,
        });
        Ok(Counted {
            number,
            state,
            lapsed: if vote.is_some() { lapsed } else { Vec::new() },
            vote,
            completes,
        })
    }

    /// Whether what would be granted now is something else than what those agreed to whose approvals count. What is
    /// refused now is refused, whoever agreed.
    fn is_other(&self, number: usize, tally: &Tally, decision: Option<&ItemDecision>) -> bool {
        decision.is_some_and(|decision| {
            let agreed = self.agreed;
            decision.outcome != Outcome::Reject
                && !agreed.covers((number, tally), decision, self.evaluation.now)
        })
    }

    /// How long the policies of now let an item wait: from the moment when it was asked, or held anew, like those of then.
    /// What holds it anew lets it wait from now on. What never expires goes on so (ruling 15).
    fn until(
        &self,
        number: usize,
        before: Option<Timestamp>,
        is_anew: bool,
        decision: Option<&ItemDecision>,
    ) -> Option<Timestamp> {
        let until = before.and(decision?.expires_at)?;
        if is_anew {
            return Some(until);
        }
        let since = self.since.get(number).copied();
        let (asked, now) = (since.unwrap_or(self.entry.at), self.evaluation.now);
        let waited = now.as_milliseconds() - asked.as_milliseconds();
        Some(until.plus_milliseconds(-waited.max(0)))
    }

    fn is_over(&self, until: Option<Timestamp>) -> Result<bool, Barred> {
        match until {
            Some(until) if self.present.earliest >= until => Ok(true),
            Some(until) if self.present.latest >= until => {
                Err(Barred::Other(self.unsettled.into()))
            }
            Some(_) | None => Ok(false),
        }
    }

    fn pending(&self, number: usize) -> Result<Pending, String> {
        let present = self.entry.items.get(number).copied();
        let pending = present.and_then(ItemState::pending);
        pending.ok_or_else(|| match present {
            Some(ItemState::Expired) => format!("item {number} has expired"),
            Some(ItemState::Withdrawn) => format!("item {number} was withdrawn"),
            Some(
                ItemState::Granted
                | ItemState::Refused
                | ItemState::Pending { .. }
                | ItemState::AtPartner { .. }
                | ItemState::Answered { .. }
                | ItemState::Revoked,
            )
            | None => format!("item {number} is not pending"),
        })
    }

    /// The step that an item takes: settled, or it waits on, no longer than the holds of now allow.
    fn moved(
        &self,
        present: Pending,
        settled: Option<Settled>,
        until: Option<Timestamp>,
    ) -> Result<ItemState, Expired> {
        let now = self.present.latest;
        Ok(match settled {
            // Nothing of an approval goes to a partner.
            Some(Settled::Granted)
                if self.entry.asked().is_none() && self.request.is_answered_by_partner() =>
            {
                let until = awaited_until(self.request, self.evaluation.now);
                present.clear(now, until)?.into()
            }
            Some(Settled::Granted) => present.approve(now)?.into(),
            Some(Settled::Refused) => present.deny(now)?.into(),
            None => present.wait_on(now, until)?.into(),
        })
    }

    fn error(&self, barred: Barred) -> AppError {
        match barred {
            Barred::NotPending(detail) => self.not_pending(detail),
            Barred::Other(error) => error,
        }
    }

    fn not_pending(&self, detail: String) -> AppError {
        AppError::NotPending {
            detail,
            current: Some(Box::new(standing(self.entry))),
        }
    }

    /// What an item waits for as it is decided at this moment, and whether that is more than reviewers could have seen.
    fn stands(&self, number: usize, decision: Option<&ItemDecision>) -> Stands {
        let seen = self.quorums.get(number).cloned().unwrap_or_default();
        let tally = u32::try_from(number).map(|number| self.entry.tally(number));
        let tally = tally.unwrap_or_default();
        let held = decision.filter(|decision| decision.outcome == Outcome::Review);
        let Some(held) = held else {
            return Stands {
                quorum: seen,
                is_more: false,
                tally,
            };
        };
        let quorum = if seen == held.quorum {
            seen.clone()
        } else {
            seen.and(&held.quorum)
        };
        let is_new = |id: &String| !self.known.contains(id);
        let is_more = quorum != seen || held.policies.iter().any(|it| is_new(&it.id));
        Stands {
            quorum,
            is_more,
            tally,
        }
    }

    /// What an approval makes of an item: the ceiling, evaluated now, has the last word, and what reviewers could not
    /// have seen keeps it pending.
    fn approved(
        &self,
        number: usize,
        decision: Option<&ItemDecision>,
        stands: &Stands,
        voter: Voter<'_>,
    ) -> Result<(Option<Settled>, Option<Vote>), Barred> {
        let Some(decision) = decision else {
            return Ok((Some(Settled::Refused), None));
        };
        if self.taken_back.contains(&number) {
            return Ok((Some(Settled::Refused), None));
        }
        if stands.is_more {
            return Ok((None, Some(Vote::Afresh)));
        }
        let roles = voter.reviewer.roles_among(&stands.quorum.groups());
        let vote = Vote::Approval {
            roles: roles.clone(),
        };
        stands.admits(number, voter, &vote)?;
        let mut given = stands.tally.given();
        if !stands.quorum.advances(&given, &roles) {
            return Err(Barred::Other(AppError::ReviewerForbidden(not_asked(
                number,
                &stands.quorum,
                &given,
            ))));
        }
        given.push(roles);
        match decision.outcome {
            Outcome::Reject => Ok((Some(Settled::Refused), None)),
            Outcome::Accept | Outcome::Review if stands.quorum.is_met(&given) => {
                Ok((Some(Settled::Granted), None))
            }
            Outcome::Accept | Outcome::Review => Ok((None, Some(vote))),
        }
    }
}

fn denied(
    number: usize,
    stands: &Stands,
    voter: Voter<'_>,
) -> Result<(Option<Settled>, Option<Vote>), Barred> {
    let vote = Vote::Denial {
        afresh: stands.is_more,
    };
    stands.admits(number, voter, &vote)?;
    if stands.quorum.is_refused(stands.tally.denials.len() + 1) {
        Ok((Some(Settled::Refused), None))
    } else {
        Ok((None, Some(vote)))
    }
}

struct Stands {
    quorum: Quorum,
    is_more: bool,
    tally: Tally,
}

impl Stands {
    fn admits(&self, number: usize, voter: Voter<'_>, vote: &Vote) -> Result<(), Barred> {
        if self.tally.admits(voter.person, vote) {
            return Ok(());
        }
        Err(Barred::Other(AppError::AlreadyAnswered(format!(
            "the reviewer has answered item {number} already, and counts once"
        ))))
    }
}

/// Which groups are waited for whose person did not approve.
fn not_asked(number: usize, quorum: &Quorum, given: &[BTreeSet<Role>]) -> String {
    let mut waited = BTreeSet::new();
    for progress in quorum.progress(given) {
        for (group, count) in progress.groups {
            if count.given < count.needed {
                waited.insert(format!("`{group}`"));
            }
        }
    }
    let waited: Vec<String> = waited.into_iter().collect();
    format!(
        "item {number} waits for an approval by {}, and the reviewer is none",
        waited.join(" or ")
    )
}
