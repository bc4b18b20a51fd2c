//! How long what there is stays.

use crate::engine::Timestamp;

/// What one call of [`Store::prune`](super::Store::prune) came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows that were changed or removed.
    pub rows: u64,
    /// True where nothing is left to look at.
    pub complete: bool,
}

/// Before which instants what there is has outlived its retention.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Bodies of `reading.*` events before this instant are reduced by the given function.
    pub readings_before: Timestamp,
    pub payloads_before: Timestamp,
    pub deliveries_before: Timestamp,
    pub alerts_before: Timestamp,
}
