//! How the simulated time passes.

use std::time::{Duration, Instant};

use crate::engine::Timestamp;

/// How the simulated time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times faster than on the wall.
    Times(f64),
    /// Only when somebody moves it.
    ByHand,
}

/// The simulated clock.
pub(super) struct Clock {
    pace: Pace,
    begin: Timestamp,
    since: Instant,
    /// Where a clock that is moved by hand stands.
    stands_at: Timestamp,
}

impl Clock {
    pub fn new(pace: Pace, begin: Timestamp) -> Self {
        Self { pace, begin, since: Instant::now(), stands_at: begin }
    }

    pub fn now(&self) -> Timestamp {
        match self.pace {
            Pace::Times(speed) => {
                let passed = (self.since.elapsed().as_secs_f64() * speed).clamp(0.0, 1e12);
                self.begin.plus(Duration::from_secs_f64(passed))
            }
            Pace::ByHand => self.stands_at,
        }
    }

    /// Moves a clock that is moved by hand, never back; false where it goes by itself.
    pub fn move_to(&mut self, at: Timestamp) -> bool {
        self.stands_at = self.stands_at.max(at);
        self.pace == Pace::ByHand
    }

    /// How long it takes on the wall until `at`; `None` where somebody must move the clock.
    pub fn wait(&self, at: Timestamp) -> Option<Duration> {
        match self.pace {
            Pace::Times(speed) => Some(at.since(self.now()).div_f64(speed)),
            Pace::ByHand => None,
        }
    }
}
