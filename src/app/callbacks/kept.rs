//! What is kept of a receiver over restarts: how far its log was looked at, and which calls were not taken. Where to call
//! and what to say stands in the log.
//!
//! Without the file the log is looked at from its beginning: calls are repeated then, and none is left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::webhooks::DeadLetter;

/// So many dead letters are kept; then the oldest goes. The task itself is read as before.
pub(super) const DEAD_LETTERS_MAX: usize = 1_000;

/// What is kept of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The log that is looked at.
    pub(super) log: Uuid,
    /// How many of its entries were.
    pub(super) entries: u64,
    /// How often each task was tried that nobody took yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) waiting: BTreeMap<String, u32>,
    /// What was never taken, by the task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) dead: BTreeMap<String, DeadLetter>,
}

impl Kept {
    /// Nothing was looked at.
    pub(super) fn new(log: Uuid) -> Self {
        Self {
            log,
            entries: 0,
            waiting: BTreeMap::new(),
            dead: BTreeMap::new(),
        }
    }

    /// Lays a call aside.
    pub(super) fn lay_aside(&mut self, task: &str, letter: DeadLetter) {
        self.waiting.remove(task);
        self.dead.insert(task.to_owned(), letter);
        while self.dead.len() > DEAD_LETTERS_MAX {
            let oldest = self.dead.iter().min_by_key(|(_, letter)| letter.failed_at);
            let Some(oldest) = oldest.map(|(task, _)| task.clone()) else {
                return;
            };
            tracing::warn!(task = %oldest, "a callback that was never taken is forgotten: there are too many");
            self.dead.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DEAD_LETTERS_MAX;
    use super::Kept;
    use crate::app::webhooks::DeadLetter;
    use crate::domain::time::Timestamp;

    #[test]
    fn of_too_many_dead_letters_the_oldest_goes() {
        let mut kept = Kept::new(uuid::Uuid::nil());
        for number in 0..=DEAD_LETTERS_MAX {
            let task = format!("{:04}", DEAD_LETTERS_MAX - number);
            kept.waiting.insert(task.clone(), 20);
            let letter = DeadLetter {
                r#type: "approved".to_owned(),
                failed_at: Timestamp::from_milliseconds(i64::try_from(number).unwrap()),
                attempts: 20,
                error: "the receiver answered 500".to_owned(),
            };
            kept.lay_aside(&task, letter);
        }
        assert_eq!((kept.dead.len(), kept.waiting.len()), (DEAD_LETTERS_MAX, 0));
        assert!(
            !kept.dead.contains_key("1000"),
            "the first that was laid aside"
        );
    }
}
