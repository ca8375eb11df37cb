//! How long to wait before something is tried again.

use std::time::Duration;

/// How often and how far apart a message is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest that the second attempt waits after the first.
    pub first: Duration,
    /// No attempt waits longer.
    pub longest: Duration,
    /// After so many attempts a message is laid aside.
    pub attempts_max: u32,
}

/// Twenty attempts take about two hours.
impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(10),
            attempts_max: 20,
        }
    }
}

impl Backoff {
    /// How long to wait after so many attempts: twice as long each time, and between half of that and all of it by
    /// chance, so that receivers are not met by everybody at once.
    pub fn after(&self, attempts: u32, chance: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let half = whole / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Backoff;

    proptest! {
        #[test]
        fn each_wait_is_bounded_and_none_is_nothing(attempts in 1_u32..1_000, chance in any::<u32>()) {
            let backoff = Backoff::default();
            let wait = backoff.after(attempts, chance);
            prop_assert!(wait <= backoff.longest);
            prop_assert!(wait >= backoff.first / 2);
            let most = backoff.after(attempts, u32::MAX);
            let least = backoff.after(attempts.saturating_add(1), 0);
            prop_assert!(least >= most / 2);
        }
    }

    #[test]
    fn all_attempts_together_take_about_two_hours() {
        let backoff = Backoff::default();
        let waits = (1..backoff.attempts_max).map(|attempts| backoff.after(attempts, u32::MAX / 2));
        let all: Duration = waits.sum();
        let hours = all.as_secs_f64() / 3_600.0;
        assert!((1.0..3.0).contains(&hours), "{hours}");
    }
}
