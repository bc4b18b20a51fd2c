//! What digests are put together from: their due times, and alerts in short.

use crate::engine::{Acknowledgement, Labels, Severity, Timestamp};

/// When a digest runs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestDue {
    /// Schedule and zone that `due` was computed from.
    pub schedule: String,
    pub due: Timestamp,
    /// The end of what the last report covered; the start of the next.
    pub covered_until: Timestamp,
}

/// An alert in short: what digests count and sort by.
#[derive(Clone, Debug)]
pub struct Outline {
    pub number: u64,
    pub severity: Severity,
    /// When what fired it happened.
    pub opened_at: Timestamp,
    pub noticed_at: Timestamp,
    /// When it moved to its present state.
    pub moved_at: Timestamp,
    pub acknowledged: Option<Acknowledgement>,
    pub labels: Labels,
}
