//! When a digest is due: cron schedules in a named zone.

use std::fmt::Display;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use super::DigestError;
use crate::engine::{Digest, Timestamp};

/// How many of the due times that passed unused are named.
const NAMED: usize = 10;

/// A digest's due times.
pub(super) struct Timetable {
    name: String,
    crons: Vec<Cron>,
    zone: Tz,
}

/// What has fallen due since the last run.
pub(super) struct Passed {
    /// The newest due time.
    pub newest: Timestamp,
    /// The newest of those before it, oldest first; and how many there are in all.
    pub missed: Vec<Timestamp>,
    pub missed_total: u64,
}

impl Timetable {
    pub(super) fn of(digest: &Digest) -> Result<Self, DigestError> {
        let failed =
            |cause: &dyn Display| DigestError::Schedule { name: digest.name.clone(), cause: cause.to_string() };
        let crons = digest.schedules.iter().map(|text| text.parse().map_err(|error| failed(&error)));
        let crons = crons.collect::<Result<_, DigestError>>()?;
        let zone = digest.time_zone.parse().map_err(|error| failed(&error))?;
        Ok(Self { name: digest.name.clone(), crons, zone })
    }

    /// The first due time after `after`: where several schedules come at one instant, that is one due time.
    ///
    /// A local time that a change of clocks skips is due at the first instant after the gap; one that comes twice is due
    /// once, the first time. What repeats within the hour (`*/20`) goes on by the clock on the wall.
    pub(super) fn next(&self, after: Timestamp) -> Result<Timestamp, DigestError> {
        let failed = |cause: String| DigestError::Schedule { name: self.name.clone(), cause };
        let after = self.local(after).ok_or_else(|| failed("the time is out of range".to_owned()))?;
        let mut first = None;
        for cron in &self.crons {
            let next = cron.find_next_occurrence(&after, false).map_err(|error| failed(error.to_string()))?;
            let next = Timestamp(next.timestamp_millis());
            first = Some(first.map_or(next, |first: Timestamp| first.min(next)));
        }
        first.ok_or_else(|| failed("it has no schedule".to_owned()))
    }

    /// Everything that has fallen due from `due` on, up to `now`.
    pub(super) fn passed(&self, due: Timestamp, now: Timestamp) -> Result<Passed, DigestError> {
        let mut passed = Passed { newest: due, missed: Vec::new(), missed_total: 0 };
        loop {
            let next = self.next(passed.newest)?;
            if next > now {
                return Ok(passed);
            }
            if passed.missed.len() == NAMED {
                passed.missed.remove(0);
            }
            passed.missed.push(passed.newest);
            passed.missed_total += 1;
            passed.newest = next;
        }
    }

    /// The ends of the last `count` local days before `now`, and `now` itself.
    pub(super) fn days(&self, count: u64, now: Timestamp) -> Vec<Timestamp> {
        let Some(today) = self.local(now).map(|local| local.date_naive()) else { return vec![now] };
        let begins = (0..count).rev().filter_map(|back| {
            let midnight = today.checked_sub_days(Days::new(back))?.and_time(NaiveTime::MIN);
            // Where clocks go forward at midnight, the day begins an hour later.
            let begin = [0, 1, 2].into_iter().find_map(|half_hours| {
                self.zone.from_local_datetime(&(midnight + TimeDelta::minutes(30 * half_hours))).earliest()
            });
            begin.map(|begin| Timestamp(begin.timestamp_millis()))
        });
        begins.chain([now]).collect()
    }

    fn local(&self, at: Timestamp) -> Option<DateTime<Tz>> {
        at.to_utc().map(|at: DateTime<Utc>| at.with_timezone(&self.zone))
    }
}
