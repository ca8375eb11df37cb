//! The one place that reads the clock, and what it does when the clock jumps.
//!
//! Time never runs backwards past what is recorded: a wall clock that jumps back is held at the
//! newest time handed out. A jump in either direction is reported, and while it is, nothing expires.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::domain::time::Timestamp;

const JUMP_MILLISECONDS: i64 = 5_000;
const SETTLING_MILLISECONDS: i64 = 60_000;

/// Where wall time comes from; tests bring their own.
pub trait WallClock: Send + Sync {
    /// Milliseconds since the epoch, by a clock that may jump.
    fn wall_milliseconds(&self) -> i64;
    /// Milliseconds by a clock that never jumps, from any beginning.
    fn steady_milliseconds(&self) -> i64;
}

/// The system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl WallClock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    fn wall_milliseconds(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn steady_milliseconds(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// A jump of the wall clock that has not settled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClockJump {
    /// When it was noticed, by the new wall clock.
    pub noticed_at: Timestamp,
    /// By how much the wall clock ran ahead (negative: fell back).
    pub milliseconds: i64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    newest: i64,
    offset: i64,
    jump: Option<(ClockJump, i64)>,
}

/// Hands out the present moment.
pub struct Clock {
    source: Box<dyn WallClock>,
    reading: Mutex<Reading>,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

impl Clock {
    /// A clock that never hands out a time before `newest_recorded`.
    pub fn new(source: Box<dyn WallClock>, newest_recorded: Option<Timestamp>) -> Self {
        let offset = source
            .wall_milliseconds()
            .saturating_sub(source.steady_milliseconds());
        let newest = newest_recorded.map_or(i64::MIN, Timestamp::as_milliseconds);
        Self {
            source,
            reading: Mutex::new(Reading {
                newest,
                offset,
                jump: None,
            }),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        let (wall, steady) = (
            self.source.wall_milliseconds(),
            self.source.steady_milliseconds(),
        );
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = wall.saturating_sub(steady);
        let drift = offset.saturating_sub(reading.offset);
        if drift.saturating_abs() >= JUMP_MILLISECONDS {
            let jump = ClockJump {
                noticed_at: Timestamp::from_milliseconds(wall),
                milliseconds: drift,
            };
            tracing::warn!(
                milliseconds = drift,
                "the wall clock jumped; nothing expires until it has settled"
            );
            reading.jump = Some((jump, steady));
        }
        reading.offset = offset;
        if reading
            .jump
            .is_some_and(|(_, noticed)| steady.saturating_sub(noticed) >= SETTLING_MILLISECONDS)
        {
            reading.jump = None;
        }
        reading.newest = reading.newest.max(wall);
        Timestamp::from_milliseconds(reading.newest)
    }

    /// The jump that has not settled, if there was one.
    pub fn jump(&self) -> Option<ClockJump> {
        self.reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .jump
            .map(|(jump, _)| jump)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;
    use std::sync::atomic::Ordering;

    use super::Clock;
    use super::WallClock;
    use crate::domain::time::Timestamp;

    #[derive(Clone, Default)]
    struct Hands(Arc<(AtomicI64, AtomicI64)>);

    impl Hands {
        fn pass(&self, milliseconds: i64) {
            self.0.0.fetch_add(milliseconds, Ordering::SeqCst);
            self.0.1.fetch_add(milliseconds, Ordering::SeqCst);
        }

        fn jump(&self, milliseconds: i64) {
            self.0.0.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    impl WallClock for Hands {
        fn wall_milliseconds(&self) -> i64 {
            self.0.0.load(Ordering::SeqCst)
        }

        fn steady_milliseconds(&self) -> i64 {
            self.0.1.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn time_never_runs_back_past_what_is_recorded() {
        let hands = Hands::default();
        let clock = Clock::new(
            Box::new(hands.clone()),
            Some(Timestamp::from_milliseconds(5_000)),
        );
        assert_eq!(clock.now(), Timestamp::from_milliseconds(5_000));
        hands.pass(20_000);
        assert_eq!(clock.now(), Timestamp::from_milliseconds(20_000));
        hands.jump(-15_000);
        assert_eq!(clock.now(), Timestamp::from_milliseconds(20_000));
        assert_eq!(clock.jump().unwrap().milliseconds, -15_000);
    }

    #[test]
    fn a_jump_settles() {
        let hands = Hands::default();
        let clock = Clock::new(Box::new(hands.clone()), None);
        hands.pass(1_000);
        clock.now();
        assert_eq!(clock.jump(), None);
        hands.jump(3_600_000);
        clock.now();
        assert_eq!(clock.jump().unwrap().milliseconds, 3_600_000);
        hands.pass(61_000);
        clock.now();
        assert_eq!(clock.jump(), None);
    }
}
