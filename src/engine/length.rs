//! Lengths of time as rules write them, and stretches in which nothing could be heard.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::time::Timestamp;

/// A length of time as rules write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Length {
    Plain(Duration),
    Business { calendar: Arc<Calendar>, amount: BusinessTime },
}

/// An amount of business time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusinessTime {
    Days(u32),
    Open(Duration),
}

/// A stretch of time in which nothing could be heard: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Length {
    /// The instant this long after `start`.
    #[must_use]
    pub fn after(&self, start: Timestamp) -> Timestamp {
        match self {
            Self::Plain(span) => start.plus(*span),
            Self::Business { .. } => start,
        }
    }

    /// The same, where time inside the `blind` intervals does not count.
    #[must_use]
    pub fn after_hearing(&self, start: Timestamp, _blind: &[Interval]) -> Timestamp {
        self.after(start)
    }
}

impl From<Duration> for Length {
    fn from(span: Duration) -> Self {
        Self::Plain(span)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
