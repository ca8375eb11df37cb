//! When a change has settled: after a quiet time, or after the longest time that anyone should wait.

use std::time::Duration;
use std::time::Instant;

/// Tells how long something has been quiet; time is an argument.
#[derive(Clone, Debug)]
pub(super) struct Quiet {
    pause: Duration,
    longest: Duration,
    stirred: Option<Stirred>,
}

#[derive(Clone, Copy, Debug)]
struct Stirred {
    first: Instant,
    last: Instant,
}

impl Quiet {
    pub(super) fn new(pause: Duration, longest: Duration) -> Self {
        Self {
            pause,
            longest: longest.max(pause),
            stirred: None,
        }
    }

    /// Something moved: the quiet time begins again.
    pub(super) fn stir(&mut self, now: Instant) {
        let first = self.stirred.map_or(now, |stirred| stirred.first);
        self.stirred = Some(Stirred { first, last: now });
    }

    /// When it will have settled, if nothing moves any more; `None` while nothing has moved.
    pub(super) fn due(&self) -> Option<Instant> {
        self.stirred
            .map(|stirred| (stirred.last + self.pause).min(stirred.first + self.longest))
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| now >= due)
    }

    /// Begins anew.
    pub(super) fn settle(&mut self) {
        self.stirred = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::Instant;

    use super::Quiet;

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn quiet() -> Quiet {
        Quiet::new(milliseconds(150), milliseconds(600))
    }

    #[test]
    fn nothing_is_due_before_anything_moved() {
        assert_eq!(quiet().due(), None);
        assert!(!quiet().is_due(Instant::now()));
    }

    #[test]
    fn every_movement_begins_the_quiet_time_again() {
        let (mut quiet, start) = (quiet(), Instant::now());
        quiet.stir(start);
        assert_eq!(quiet.due(), Some(start + milliseconds(150)));
        quiet.stir(start + milliseconds(100));
        assert!(!quiet.is_due(start + milliseconds(249)));
        assert!(quiet.is_due(start + milliseconds(250)));
    }

    #[test]
    fn steady_movement_is_cut_off_and_counted_anew() {
        let (mut quiet, start) = (quiet(), Instant::now());
        for step in 0..60 {
            quiet.stir(start + milliseconds(step * 10));
        }
        assert_eq!(quiet.due(), Some(start + milliseconds(600)));
        quiet.settle();
        assert_eq!(quiet.due(), None);
        quiet.stir(start + milliseconds(610));
        assert_eq!(quiet.due(), Some(start + milliseconds(760)));
    }

    #[test]
    fn the_longest_time_is_never_shorter_than_the_quiet_time() {
        let mut quiet = Quiet::new(milliseconds(150), milliseconds(1));
        let start = Instant::now();
        quiet.stir(start);
        assert_eq!(quiet.due(), Some(start + milliseconds(150)));
    }
}
