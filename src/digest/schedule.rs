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
        let crons = digest.schedules.iter().flat_map(|text| one_by_one(text));
        let crons =
            crons.map(|text| text.parse().map_err(|error| failed(&error))).collect::<Result<_, DigestError>>()?;
        let zone = digest.time_zone.parse().map_err(|error| failed(&error))?;
        Ok(Self { name: digest.name.clone(), crons, zone })
    }

    /// The first due time after `after`: where several schedules come at one instant, that is one due time.
    ///
    /// A local time that a change of clocks skips is due at the first instant after the gap; one that comes twice is due
    /// once, the first time. What repeats (`*/20`, `8-18`) goes on by the clock on the wall.
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

/// A schedule of each time of day that a list names (`0,30 2 * * *`): only such a schedule is kept apart from those that
/// repeat, which leave out what a change of clocks skips.
fn one_by_one(schedule: &str) -> Vec<String> {
    let mut fields = schedule.split_whitespace();
    let (minutes, hours) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let is_list = |field: &str| field.chars().all(|c| c.is_ascii_digit() || c == ',');
    if !is_list(minutes) || !is_list(hours) {
        return vec![schedule.to_owned()];
    }
    let rest = fields.collect::<Vec<_>>().join(" ");
    let pairs = hours.split(',').flat_map(|hour| minutes.split(',').map(move |minute| (minute, hour)));
    pairs.map(|(minute, hour)| format!("{minute} {hour} {rest}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::due_times;
    use crate::engine::DigestPart;

    fn digest(schedules: &str, time_zone: &str) -> Digest {
        Digest {
            name: "daily".to_owned(),
            schedules: schedules.split(';').map(str::to_owned).collect(),
            time_zone: time_zone.to_owned(),
            receiver: "team".to_owned(),
            parts: DigestPart::ALL.to_vec(),
            matchers: Vec::new(),
            split_by: None,
            csv: false,
            skip_when_empty: false,
        }
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<DateTime<Utc>>().unwrap())
    }

    /// The due times after `from`, each in the zone and in UTC.
    fn runs(schedules: &str, time_zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone: Tz = time_zone.parse().unwrap();
        let told = |at: &Timestamp| {
            let at = at.to_utc().unwrap();
            format!("{} = {}", at.with_timezone(&zone).format("%d %H:%M %:z"), at.format("%H:%M"))
        };
        due_times(&digest(schedules, time_zone), time(from), count).unwrap().iter().map(told).collect()
    }

    #[test]
    fn eight_in_the_morning_stays_eight_across_both_clock_changes() {
        for (zone, from, told) in [
            ("America/New_York", "2026-03-06T20:00:00Z", ["07 08:00 -05:00 = 13:00", "08 08:00 -04:00 = 12:00"]),
            ("America/New_York", "2026-10-30T20:00:00Z", ["31 08:00 -04:00 = 12:00", "01 08:00 -05:00 = 13:00"]),
            ("Europe/Berlin", "2026-03-27T20:00:00Z", ["28 08:00 +01:00 = 07:00", "29 08:00 +02:00 = 06:00"]),
            ("Europe/Berlin", "2026-10-23T20:00:00Z", ["24 08:00 +02:00 = 06:00", "25 08:00 +01:00 = 07:00"]),
            ("Australia/Lord_Howe", "2026-10-02T12:00:00Z", ["03 08:00 +10:30 = 21:30", "04 08:00 +11:00 = 21:00"]),
            ("Australia/Lord_Howe", "2026-04-03T12:00:00Z", ["04 08:00 +11:00 = 21:00", "05 08:00 +10:30 = 21:30"]),
        ] {
            assert_eq!(runs("0 8 * * *", zone, from, 2), told, "{zone}");
        }
    }

    #[test]
    fn a_time_that_is_skipped_comes_at_the_end_of_the_gap() {
        for (zone, schedule, from, told) in [
            (
                "America/New_York",
                "30 2 * * *",
                "2026-03-07T12:00:00Z",
                ["08 03:00 -04:00 = 07:00", "09 02:30 -04:00 = 06:30"],
            ),
            (
                "Europe/Berlin",
                "30 2 * * *",
                "2026-03-28T12:00:00Z",
                ["29 03:00 +02:00 = 01:00", "30 02:30 +02:00 = 00:30"],
            ),
            (
                "Australia/Sydney",
                "30 2 * * *",
                "2026-10-03T12:00:00Z",
                ["04 03:00 +11:00 = 16:00", "05 02:30 +11:00 = 15:30"],
            ),
            (
                "Australia/Lord_Howe",
                "15 2 * * *",
                "2026-10-03T12:00:00Z",
                ["04 02:30 +11:00 = 15:30", "05 02:15 +11:00 = 15:15"],
            ),
        ] {
            assert_eq!(runs(schedule, zone, from, 2), told, "{zone}");
        }
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once_the_first_time() {
        for (zone, schedule, from, told) in [
            (
                "America/New_York",
                "30 1 * * *",
                "2026-10-31T12:00:00Z",
                ["01 01:30 -04:00 = 05:30", "02 01:30 -05:00 = 06:30"],
            ),
            (
                "Europe/Berlin",
                "30 2 * * *",
                "2026-10-24T12:00:00Z",
                ["25 02:30 +02:00 = 00:30", "26 02:30 +01:00 = 01:30"],
            ),
            (
                "Australia/Sydney",
                "30 2 * * *",
                "2026-04-04T12:00:00Z",
                ["05 02:30 +11:00 = 15:30", "06 02:30 +10:00 = 16:30"],
            ),
            (
                "Australia/Lord_Howe",
                "45 1 * * *",
                "2026-04-04T12:00:00Z",
                ["05 01:45 +11:00 = 14:45", "06 01:45 +10:30 = 15:15"],
            ),
        ] {
            assert_eq!(runs(schedule, zone, from, 2), told, "{zone}");
        }
    }

    #[test]
    fn each_time_of_a_list_keeps_to_the_same_rules() {
        assert_eq!(
            runs("0,30 2,8 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 4),
            [
                "29 03:00 +02:00 = 01:00",
                "29 08:00 +02:00 = 06:00",
                "29 08:30 +02:00 = 06:30",
                "30 02:00 +02:00 = 00:00",
            ]
        );
        assert_eq!(
            runs("30 1,2 * * *", "America/New_York", "2026-11-01T04:00:00Z", 3),
            ["01 01:30 -04:00 = 05:30", "01 02:30 -05:00 = 07:30", "02 01:30 -05:00 = 06:30"]
        );
    }

    #[test]
    fn what_repeats_within_the_hour_goes_by_the_clock_on_the_wall() {
        assert_eq!(
            runs("*/20 2 * * *", "Europe/Berlin", "2026-10-24T23:55:00Z", 7),
            [
                "25 02:00 +02:00 = 00:00",
                "25 02:20 +02:00 = 00:20",
                "25 02:40 +02:00 = 00:40",
                "25 02:00 +01:00 = 01:00",
                "25 02:20 +01:00 = 01:20",
                "25 02:40 +01:00 = 01:40",
                "26 02:00 +01:00 = 01:00",
            ]
        );
    }

    #[test]
    fn several_schedules_make_one_timetable_and_one_instant_is_due_once() {
        assert_eq!(
            runs("0 8 * * MON-FRI;0 8 1 * *;0 16 * * *", "UTC", "2026-05-29T09:00:00Z", 6),
            [
                "29 16:00 +00:00 = 16:00",
                "30 16:00 +00:00 = 16:00",
                "31 16:00 +00:00 = 16:00",
                "01 08:00 +00:00 = 08:00",
                "01 16:00 +00:00 = 16:00",
                "02 08:00 +00:00 = 08:00",
            ]
        );
    }

    #[test]
    fn what_was_missed_is_counted_and_the_newest_of_it_named() {
        let passed = |schedule: &str, now: &str| {
            let timetable = Timetable::of(&digest(schedule, "UTC")).unwrap();
            timetable.passed(time("2026-03-01T08:00:00Z"), time(now)).unwrap()
        };
        let few = passed("0 8 * * *", "2026-03-03T09:00:00Z");
        assert_eq!((few.newest, few.missed_total), (time("2026-03-03T08:00:00Z"), 2));
        assert_eq!(few.missed, [time("2026-03-01T08:00:00Z"), time("2026-03-02T08:00:00Z")]);
        let many = passed("0 * * * *", "2026-03-03T08:30:00Z");
        assert_eq!((many.newest, many.missed_total), (time("2026-03-03T08:00:00Z"), 48));
        assert_eq!(many.missed.len(), NAMED);
        assert_eq!(many.missed.last(), Some(&time("2026-03-03T07:00:00Z")));
        assert_eq!(passed("0 8 * * *", "2026-03-01T08:00:00Z").missed_total, 0);
    }

    #[test]
    fn days_end_at_midnight_of_their_zone_also_where_there_is_none() {
        let days = |zone: &str, now: &str| -> Vec<String> {
            let days = Timetable::of(&digest("0 8 * * *", zone)).unwrap().days(2, time(now));
            days.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            days("America/New_York", "2026-03-09T12:00:00Z"),
            ["2026-03-08T05:00:00.000Z", "2026-03-09T04:00:00.000Z", "2026-03-09T12:00:00.000Z"]
        );
        // In Beirut, clocks go forward at midnight.
        assert_eq!(
            days("Asia/Beirut", "2026-03-29T12:00:00Z"),
            ["2026-03-27T22:00:00.000Z", "2026-03-28T22:00:00.000Z", "2026-03-29T12:00:00.000Z"]
        );
    }
}
