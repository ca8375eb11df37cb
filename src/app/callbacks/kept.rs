//! What is kept of a receiver over restarts: how far its log was looked at, and which calls were not taken. Where to call
//! and what to say stands in the log.
//!
//! Without the file the log is looked at from its beginning: calls are repeated then, and none is left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::app::access_request::TaskStatus;
use crate::app::webhooks::DeadLetter;
use crate::domain::time::Timestamp;

/// So many dead letters are kept; then the oldest goes. The task itself is read as before.
pub(super) const DEAD_LETTERS_MAX: usize = 1_000;

/// So many calls may wait to be taken; what comes then is laid aside at once.
pub(super) const WAITING_MAX: usize = 10_000;

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

    /// A call is to be made; false where too many wait, and it is laid aside at once.
    pub(super) fn wait_for(&mut self, task: &str, status: TaskStatus, now: Timestamp) -> bool {
        if self.waiting.len() >= WAITING_MAX {
            tracing::warn!(task, "too many calls wait; one more is laid aside");
            let letter = DeadLetter {
                r#type: status.as_str().to_owned(),
                failed_at: now,
                attempts: 0,
                error: format!("{WAITING_MAX} calls waited already"),
            };
            self.lay_aside(task, letter);
            return false;
        }
        self.waiting.insert(task.to_owned(), 0);
        true
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
    use super::WAITING_MAX;
    use crate::app::access_request::TaskStatus;
    use crate::app::webhooks::DeadLetter;
    use crate::domain::time::Timestamp;

    #[test]
    fn what_nobody_takes_does_not_grow_without_end() {
        let mut kept = Kept::new(uuid::Uuid::nil());
        let now = Timestamp::from_milliseconds(7);
        for number in 0..WAITING_MAX {
            assert!(kept.wait_for(&number.to_string(), TaskStatus::Denied, now));
        }
        assert!(!kept.wait_for("more", TaskStatus::Denied, now));
        assert_eq!((kept.waiting.len(), kept.dead.len()), (WAITING_MAX, 1));
        assert_eq!(kept.dead["more"].r#type, "denied");
    }

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
