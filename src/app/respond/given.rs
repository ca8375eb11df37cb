//! Who gave the approval that a request asked for: read from its answers, since the state forgets it with the last of them.

use std::collections::BTreeSet;

use crate::app::respond::Completing;
use crate::domain::role::Role;
use crate::store::command::Vote;
use crate::store::command::Votes;
use crate::store::state::Tally;

/// The approvals of a request that has one item.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct GivenBy {
    pub(in crate::app) tally: Tally,
    /// Who had been turned to when the last was given.
    pub(in crate::app) escalated_to: BTreeSet<Role>,
    is_complete: bool,
}

impl GivenBy {
    /// Takes in the next answer: how it counted, or that it gave the approval.
    pub(in crate::app) fn take(&mut self, votes: Option<&Votes>, completes: Option<Completing>) {
        if let Some(votes) = votes {
            self.tally.lapse(votes.lapsed_of(0));
            for (_, vote) in votes.items.iter().filter(|(number, _)| *number == 0) {
                self.tally.count(&votes.who(), vote);
            }
        }
        if let Some(by) = completes {
            self.tally.lapse(by.lapsed.into_iter());
            let vote = Vote::Approval { roles: by.roles };
            self.tally.count(&by.person.into(), &vote);
            self.escalated_to = by.escalated_to;
            self.is_complete = true;
        }
    }

    /// All of them; nothing where it was not given, or before that was recorded.
    pub(in crate::app) fn complete(self) -> Option<Self> {
        self.is_complete.then_some(self)
    }
}
