//! Stretches in which nothing could be heard, put into the journal, so that no silence in them is held against a device.

use std::sync::PoisonError;
use std::time::Duration;

use super::Shared;
use crate::engine::{Interval, Recovery, Timestamp};
use crate::store::{Entry, NewRow, Store, StoreError};
use crate::telemetry;

/// A daemon that comes back sooner has missed nothing: Impilo tries again after a quarter of an hour (documented).
const BRIEF: Duration = Duration::from_secs(60);

/// Notes that nobody listened from the last commit until now, before anything that was due in between is decided. True where
/// that is to be made up for before anything is decided, also from a start before this one that did not come so far.
///
/// # Errors
/// When the store fails; silence must not be judged then.
pub(super) fn note_absence(store: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
    let vitals = store.vitals()?;
    let mut notes = store.recovery()?;
    let last = vitals.last_webhook().max(vitals.last_commit).max(Some(vitals.reached));
    if let Some(from) = last.filter(|last| vitals.last_position > 0 && now.since(*last) > BRIEF) {
        let absence = Interval { from, to: now };
        notes.absences.push(absence);
        if notes.returning.is_none() {
            notes.returned = 0;
        }
        let from = notes.returning.map_or(from, |before| before.from.min(from));
        notes.returning = Some(Interval { from, to: now });
        store.note_recovery(&notes)?;
        let row = |entry| NewRow { received_at: now, entry };
        let begun = Recovery::Begun { interval: absence };
        store.append(&[row(Entry::Blind(absence)), row(Entry::Recovery(begun))], absence.from)?;
        telemetry::heard_nothing(absence.from, absence.to);
    }
    Ok(notes.returning.is_some())
}

/// While nothing comes from the whole account, the stretch reaches this far ahead, and is lengthened before that is over.
const AHEAD: Duration = Duration::from_secs(10 * 60);

impl Shared {
    /// Nothing has come from the whole account since `since`, for too long to be chance.
    pub fn hear_nothing(&self, since: Option<Timestamp>, now: Timestamp) {
        let mut noted = self.deaf_until.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_some_and(|until| now.plus(AHEAD / 2) < until) {
            return;
        }
        // What was made up for was heard.
        let made_up = self.store.recovery().ok().and_then(|notes| notes.last_outage);
        let made_up = made_up.filter(|outage| outage.lacks.is_none()).map(|outage| outage.interval.to);
        let from = since.unwrap_or(self.started_at).max(made_up.unwrap_or_default());
        let interval = Interval { from, to: now.plus(AHEAD) };
        if note(&*self.store, interval, now).is_ok() {
            *noted = Some(interval.to);
            self.process.wake();
        }
    }
}

/// Puts a stretch into the journal: where it begins, or right behind what is decided already. So what is due in it is decided
/// after this row, and knows of it, however the rows are batched.
///
/// # Errors
/// When the store fails; nothing is kept then.
fn note(store: &dyn Store, interval: Interval, now: Timestamp) -> Result<(), StoreError> {
    store.append(&[NewRow { received_at: now, entry: Entry::Blind(interval) }], interval.from)?;
    telemetry::heard_nothing(interval.from, interval.to);
    Ok(())
}
