//! When the agreement with each partner was last out of force, or said again to be: by the entry of the log that did it.
//! Whoever asked before that the cooperation goes on asked about something else.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::decision_log::LogIndex;
use crate::domain::identity::McSystemId;
use crate::store::event::Event;
use crate::store::state::RowKey;

/// The last interruption of each cooperation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interruptions(BTreeMap<McSystemId, LogIndex>);

impl Interruptions {
    /// Takes in what an event takes out of force.
    pub(super) fn take_in(&mut self, event: &Event, index: LogIndex, changed: &mut Vec<RowKey>) {
        for interruption in &event.interrupted {
            let partner = &interruption.partner;
            self.insert(partner.clone(), index);
            changed.push(RowKey::Interrupted(partner.clone()));
        }
    }

    pub(super) fn insert(&mut self, partner: McSystemId, index: LogIndex) {
        self.0.insert(partner, index);
    }

    pub(super) fn last(&self, partner: &McSystemId) -> Option<LogIndex> {
        self.0.get(partner).copied()
    }

    /// The partners, in their order, from the one after `after` on.
    pub(super) fn partners_after<'a>(
        &'a self,
        after: Option<&'a McSystemId>,
    ) -> impl Iterator<Item = &'a McSystemId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.0.range::<McSystemId, _>((from, Bound::Unbounded));
        range.map(|(partner, _)| partner)
    }
}
