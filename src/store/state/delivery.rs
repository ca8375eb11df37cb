//! Whether whoever asked has fetched what became of a request.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::decision_log::LogIndex;
use crate::domain::lifecycle::ItemState;
use crate::store::event::Event;
use crate::store::event::EventBody;

/// Up to which version a request was answered by others, and acknowledged by its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// The version in which somebody else last settled an item; zero where nobody has since the submission, whose
    /// answer was the response to it.
    pub answered: u64,
    /// The version that the caller acknowledged; zero if none.
    pub acknowledged: u64,
    /// The entry by which they did.
    pub entry: Option<LogIndex>,
}

impl Delivery {
    /// Whether nothing is to be remembered.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is an answer that was not acknowledged.
    pub fn is_due(&self) -> bool {
        self.answered > self.acknowledged
    }

    pub(super) fn acknowledge(&mut self, version: u64, index: LogIndex) {
        if version > self.acknowledged {
            self.acknowledged = version;
            self.entry = Some(index);
        }
    }
}

/// That a request which was put away has an answer that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undelivered {
    /// The account that submitted it.
    pub caller: Arc<str>,
    /// The version in which somebody else last settled an item.
    pub answered: u64,
}

/// Whether an event tells whoever asked something new of an item: it was settled, and not by themselves. A withdrawal
/// and a report are the caller's own.
pub(super) fn is_news(event: &Event, before: ItemState, after: ItemState) -> bool {
    let is_own = matches!(
        event.body,
        EventBody::Withdrawn { .. } | EventBody::Reported { .. }
    );
    !is_own && before != after && !after.is_open()
}
