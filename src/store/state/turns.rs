//! Requests that take away, and those that give, or set what others set too: by partner, in the order of their
//! submission. They are never forgotten, whatever is put away, so that the last word of a partner can always be found.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::store::command::RequestId;
use crate::store::command::Turn;

/// The requests of one partner, by submission.
type Submitted = BTreeMap<LogIndex, RequestId>;

/// All such requests: about 40 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turns {
    reductions: BTreeMap<McSystemId, Submitted>,
    additions: BTreeMap<McSystemId, Submitted>,
    /// The last entry about any of them.
    reduced: BTreeMap<McSystemId, LogIndex>,
    added: BTreeMap<McSystemId, LogIndex>,
}

impl Turns {
    /// Notes a request and the last entry about it, as often as one likes.
    pub(super) fn insert(
        &mut self,
        (reduces, adds): (Option<&McSystemId>, Option<&McSystemId>),
        (submitted, id): (LogIndex, RequestId),
        changed: LogIndex,
    ) {
        let both = [
            (&mut self.reductions, &mut self.reduced, reduces),
            (&mut self.additions, &mut self.added, adds),
        ];
        for (all, last, partner) in both {
            let Some(partner) = partner else {
                continue;
            };
            let last = last.entry(partner.clone()).or_insert(changed);
            *last = changed.max(*last);
            if let Some(of_partner) = all.get_mut(partner) {
                of_partner.insert(submitted, id);
            } else {
                all.insert(partner.clone(), [(submitted, id)].into());
            }
        }
    }

    fn with(&self, partner: &McSystemId, turn: Turn) -> Option<&Submitted> {
        match turn {
            Turn::Reduces => self.reductions.get(partner),
            Turn::Adds => self.additions.get(partner),
        }
    }

    /// Those submitted after an entry, oldest first.
    pub(super) fn since(
        &self,
        partner: &McSystemId,
        turn: Turn,
        since: LogIndex,
    ) -> impl Iterator<Item = (LogIndex, RequestId)> {
        let found = self.with(partner, turn).into_iter();
        let found =
            found.flat_map(move |all| all.range((Bound::Excluded(since), Bound::Unbounded)));
        found.map(|(submitted, id)| (*submitted, *id))
    }

    /// The last entry that submitted or changed one.
    pub(super) fn last(&self, partner: &McSystemId, turn: Turn) -> Option<LogIndex> {
        let last = match turn {
            Turn::Reduces => &self.reduced,
            Turn::Adds => &self.added,
        };
        last.get(partner).copied()
    }
}
