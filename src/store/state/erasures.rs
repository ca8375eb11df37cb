//! Orders to erase: kept for ever, so that restored files can be held against them.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::erasure::ErasureStep;
use crate::store::erasure::OrderStatus;
use crate::store::state::RowKey;

/// All orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Erasures(BTreeMap<ErasureId, ErasureOrder>);

impl Erasures {
    pub(super) fn get(&self, id: ErasureId) -> Option<&ErasureOrder> {
        self.0.get(&id)
    }

    pub(super) fn after(
        &self,
        after: Option<ErasureId>,
    ) -> impl Iterator<Item = (ErasureId, &ErasureOrder)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.0.range((from, Bound::Unbounded));
        range.map(|(id, order)| (*id, order))
    }

    pub(super) fn restore(&mut self, id: ErasureId, order: ErasureOrder) {
        self.0.insert(id, order);
    }

    /// Takes in a step; one of an order that is not there is left alone.
    pub(super) fn take_in(
        &mut self,
        id: ErasureId,
        step: &ErasureStep,
        (index, at): (LogIndex, Timestamp),
        changed: &mut Vec<RowKey>,
    ) {
        match step {
            ErasureStep::Retention { .. } => return,
            ErasureStep::Asked { scope, ground, by } => {
                let order = ErasureOrder {
                    scope: scope.clone(),
                    ground: *ground,
                    status: OrderStatus::Asked,
                    asked: index,
                    asked_at: at,
                    by: Some(by.clone()),
                    confirmed: None,
                    before: None,
                    last: index,
                    entries: 0,
                    parts: 0,
                };
                self.0.entry(id).or_insert(order);
            }
            ErasureStep::Restored {
                scope,
                ground,
                before,
            } => {
                let new = || ErasureOrder {
                    scope: scope.clone(),
                    ground: *ground,
                    status: OrderStatus::Confirmed,
                    asked: index,
                    asked_at: at,
                    by: None,
                    confirmed: None,
                    before: None,
                    last: index,
                    entries: 0,
                    parts: 0,
                };
                let order = self.0.entry(id).or_insert_with(new);
                order.status = OrderStatus::Confirmed;
                order.confirmed = Some(index);
                order.before = Some(*before);
                order.last = index;
            }
            ErasureStep::Confirmed { before, .. } => {
                if let Some(order) = self.0.get_mut(&id) {
                    order.status = OrderStatus::Confirmed;
                    order.confirmed = Some(index);
                    order.before = Some(*before);
                    order.last = index;
                }
            }
            ErasureStep::Dropped => {
                if let Some(order) = self.0.get_mut(&id) {
                    order.status = OrderStatus::Dropped;
                    order.last = index;
                }
            }
            ErasureStep::Done(erased) => {
                if let Some(order) = self.0.get_mut(&id) {
                    if erased.left == 0 {
                        order.status = OrderStatus::Done;
                    }
                    order.last = index;
                    order.entries = order.entries.saturating_add(erased.entries);
                    order.parts = order.parts.saturating_add(erased.parts);
                }
            }
        }
        changed.push(RowKey::Erasure(id));
    }
}
