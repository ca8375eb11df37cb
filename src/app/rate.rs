//! How often a caller may ask: a minute's worth at once, then at an even pace.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::time::Timestamp;

const MINUTE_MICROSECONDS: i64 = 60_000_000;

/// What each caller has asked, as the moment at which it will be forgotten.
#[derive(Debug)]
pub(in crate::app) struct Rate {
    interval_microseconds: i64,
    spent_until: BTreeMap<Arc<str>, i64>,
}

impl Rate {
    /// So many in a minute.
    pub(in crate::app) fn new(per_minute: u64) -> Self {
        let per_minute = i64::try_from(per_minute).unwrap_or(i64::MAX).max(1);
        Self {
            interval_microseconds: (MINUTE_MICROSECONDS / per_minute).max(1),
            spent_until: BTreeMap::new(),
        }
    }

    /// Takes one, or says in how many seconds there is one.
    pub(in crate::app) fn take(&mut self, caller: &str, now: Timestamp) -> Result<(), u64> {
        let now = now.as_milliseconds().saturating_mul(1_000);
        let spent = self
            .spent_until
            .get(caller)
            .map_or(now, |spent| now.max(*spent));
        let after = spent.saturating_add(self.interval_microseconds);
        let wait = after
            .saturating_sub(now)
            .saturating_sub(MINUTE_MICROSECONDS);
        if wait > 0 {
            let seconds = wait.saturating_add(999_999) / 1_000_000;
            return Err(u64::try_from(seconds).unwrap_or(1));
        }
        self.spent_until.insert(caller.into(), after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;
    use crate::domain::time::Timestamp;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(milliseconds)
    }

    #[test]
    fn a_minutes_worth_at_once_then_an_even_pace() {
        let mut rate = Rate::new(3);
        for _ in 0..3 {
            assert_eq!(rate.take("acms", at(0)), Ok(()));
        }
        assert_eq!(rate.take("acms", at(0)), Err(20));
        assert_eq!(rate.take("acms", at(19_001)), Err(1));
        assert_eq!(rate.take("acms", at(20_000)), Ok(()));
        assert_eq!(rate.take("acms", at(20_000)), Err(20));
        // Each caller has their own, and what is long ago counts no more.
        assert_eq!(rate.take("officer", at(0)), Ok(()));
        for _ in 0..3 {
            assert_eq!(rate.take("acms", at(600_000)), Ok(()));
        }
        assert_eq!(rate.take("acms", at(600_000)), Err(20));
    }
}
