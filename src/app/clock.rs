//! The one place that reads the clock, and what it does when the clock jumps.
//!
//! Time never runs backwards past what is recorded: a wall clock that jumps back is held at the
//! newest time handed out. A jump in either direction is reported, and while it is, nothing expires. Until the wall clock
//! has settled nobody knows which of two times is right, the one that it shows or the one that passed since by a clock that
//! does not jump; what ends by itself has ended when both say so, and is in time when both say so.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::app::error::AppError;
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

/// That nothing expires, because the clock has just jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ExpiryPaused {
    /// When the jump was noticed, by the new wall clock.
    pub since: Timestamp,
    /// By how much the wall clock ran ahead (negative: fell back).
    pub milliseconds: i64,
}

impl From<ClockJump> for ExpiryPaused {
    fn from(jump: ClockJump) -> Self {
        Self {
            since: jump.noticed_at,
            milliseconds: jump.milliseconds,
        }
    }
}

/// What is told of a clock that has just jumped, where it matters which time is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// By how much it jumped.
    pub milliseconds: i64,
    /// When it has settled.
    pub retry_after_seconds: u64,
}

impl From<Unsettled> for AppError {
    fn from(unsettled: Unsettled) -> Self {
        let Unsettled {
            milliseconds,
            retry_after_seconds,
        } = unsettled;
        Self::ClockUnsettled {
            milliseconds,
            retry_after_seconds,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    newest: i64,
    offset: i64,
    /// How far the wall clock was ahead of the steady one when it last was settled.
    settled: i64,
    /// The newest time that was recorded before the start; it is believed.
    floor: i64,
    jump: Option<(ClockJump, i64)>,
}

/// Between which moments the present one surely is; the same one while the clock is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// It is no earlier.
    pub earliest: Timestamp,
    /// It is no later.
    pub latest: Timestamp,
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
                settled: offset,
                floor: newest,
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
        if reading.jump.is_none() {
            reading.settled = offset;
        }
        reading.newest = reading.newest.max(wall);
        Timestamp::from_milliseconds(reading.newest)
    }

    /// Between which moments the present one surely is.
    ///
    /// A clock that is set back where it was before it has settled leaves nothing behind, though what was recorded in between
    /// has the times of then.
    pub fn present(&self) -> Present {
        self.now();
        let (wall, steady) = (
            self.source.wall_milliseconds(),
            self.source.steady_milliseconds(),
        );
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = reading.settled.saturating_add(steady);
        let at_least = |moment: i64| Timestamp::from_milliseconds(moment.max(reading.floor));
        Present {
            earliest: at_least(wall.min(passed)),
            latest: at_least(wall.max(passed)),
        }
    }

    /// How long it takes until the clock has settled, in whole seconds; zero if it has.
    pub fn settles_in_seconds(&self) -> u64 {
        let steady = self.source.steady_milliseconds();
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let left = reading.jump.map_or(0, |(_, noticed)| {
            noticed
                .saturating_add(SETTLING_MILLISECONDS)
                .saturating_sub(steady)
        });
        u64::try_from(left).unwrap_or(0).div_ceil(1_000)
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
    fn until_a_jump_settles_two_times_are_possible() {
        let hands = Hands::default();
        let clock = Clock::new(Box::new(hands.clone()), None);
        let present = || {
            let present = clock.present();
            [present.earliest, present.latest].map(Timestamp::as_milliseconds)
        };
        hands.pass(10_000);
        assert_eq!(present(), [10_000, 10_000]);
        // Ahead: it may be so, or have passed as before.
        hands.jump(3_600_000);
        hands.pass(1_000);
        assert_eq!(present(), [11_000, 3_611_000]);
        assert_eq!(clock.settles_in_seconds(), 60);
        // And back where it was: nothing is left of it, though what is handed out is held.
        hands.jump(-3_600_000);
        hands.pass(1_000);
        assert_eq!(present(), [12_000, 12_000]);
        assert_eq!(clock.now().as_milliseconds(), 3_611_000);
        hands.pass(61_000);
        assert_eq!(present(), [73_000, 73_000]);
        // Back and stays so: until it has settled it may be later.
        hands.jump(-30_000);
        assert_eq!(present(), [43_000, 73_000]);
        hands.pass(60_000);
        assert_eq!(present(), [103_000, 103_000]);
        assert_eq!(clock.settles_in_seconds(), 0);
        // Ahead and stays so.
        hands.jump(3_600_000);
        assert_eq!(present(), [103_000, 3_703_000]);
        hands.pass(60_000);
        assert_eq!(present(), [3_763_000, 3_763_000]);
    }

    #[test]
    fn what_was_recorded_before_the_start_is_believed() {
        let recorded = Timestamp::from_milliseconds(5_000);
        let clock = Clock::new(Box::new(Hands::default()), Some(recorded));
        let present = clock.present();
        assert_eq!([present.earliest, present.latest], [recorded; 2]);
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
