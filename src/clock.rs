//! The only reader of the time of day.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;

use crate::engine::Timestamp;

/// The wall clock, or a hand-moved one for tests and tools.
#[derive(Clone, Debug)]
pub enum Clock {
    Wall,
    /// Stands still until it is moved.
    Hand(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn standing_at(at: Timestamp) -> Self {
        Self::Hand(Arc::new(AtomicI64::new(at.0)))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::from(Utc::now()),
            Self::Hand(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }
}
