//! Stretches in which nothing could be heard, put into the journal, so that no silence in them is held against a device.

use std::time::Duration;

use crate::engine::{Interval, Timestamp};
use crate::store::{Entry, NewRow, Store, StoreError};
use crate::telemetry;

/// A daemon that comes back sooner has missed nothing: Impilo tries again after a quarter of an hour (documented).
const BRIEF: Duration = Duration::from_secs(60);

/// Notes that nobody listened from the last commit until now, before anything that was due in between is decided.
///
/// # Errors
/// When the store fails; silence must not be judged then.
pub(super) fn note_absence(store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let vitals = store.vitals()?;
    let last = vitals.last_webhook().max(vitals.last_commit).max(Some(vitals.reached));
    let Some(from) = last.filter(|last| vitals.last_position > 0 && now.since(*last) > BRIEF) else { return Ok(()) };
    note(store, Interval { from, to: now }, now)
}

/// Puts a stretch into the journal.
///
/// # Errors
/// When the store fails; nothing is kept then.
pub(super) fn note(store: &dyn Store, interval: Interval, now: Timestamp) -> Result<(), StoreError> {
    store.append(&[NewRow { received_at: now, entry: Entry::Blind(interval) }], now)?;
    telemetry::heard_nothing(interval.from, interval.to);
    Ok(())
}
