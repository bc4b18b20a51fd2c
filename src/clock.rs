//! The only reader of the time of day, and what notices that it was set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::Utc;

use crate::engine::Timestamp;

/// The wall clock, or another one for the demo, tests and tools.
#[derive(Clone, Debug)]
pub enum Clock {
    Wall,
    /// The wall clock and so many milliseconds: the demo tells of a day of its own.
    Shifted(i64),
    /// Stands still until it is moved.
    Hand(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn standing_at(at: Timestamp) -> Self {
        Self::Hand(Arc::new(AtomicI64::new(at.0)))
    }

    /// A clock that shows `at` now and goes on from there as the wall clock does.
    #[must_use]
    pub fn going_from(at: Timestamp) -> Self {
        Self::Shifted(at.0.saturating_sub(Utc::now().timestamp_millis()))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::from(Utc::now()),
            Self::Shifted(by) => Timestamp(Utc::now().timestamp_millis().saturating_add(*by)),
            Self::Hand(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }
}

/// Notices a clock that moves otherwise than time passes.
#[derive(Debug)]
pub struct Steps {
    clock: Clock,
    shown: Timestamp,
    at: Instant,
}

impl Steps {
    #[must_use]
    pub fn of(clock: Clock) -> Self {
        Self { shown: clock.now(), at: Instant::now(), clock }
    }

    /// By how many milliseconds the clock went ahead of the time that has passed since the last call; negative where it
    /// went back.
    pub fn since_last(&mut self) -> i64 {
        let (shown, at) = (self.clock.now(), Instant::now());
        let passed = i64::try_from(at.duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        let step = shown.0.saturating_sub(self.shown.0).saturating_sub(passed);
        (self.shown, self.at) = (shown, at);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_another_day_goes_on_from_it() {
        let begin = Timestamp(1_767_618_000_000);
        let clock = Clock::going_from(begin);
        let first = clock.now();
        assert!(first >= begin && first < Clock::Wall.now());
        assert!(clock.now() >= first);
    }

    #[test]
    fn a_step_is_seen_once_and_its_way_told() {
        let hand = Arc::new(AtomicI64::new(0));
        let mut steps = Steps::of(Clock::Hand(Arc::clone(&hand)));
        let hour = 3_600_000;
        hand.store(10 * hour, Ordering::SeqCst);
        assert!(steps.since_last() > 9 * hour);
        assert!(steps.since_last().abs() < hour);
        hand.store(hour, Ordering::SeqCst);
        assert!(steps.since_last() <= -9 * hour);
    }
}
