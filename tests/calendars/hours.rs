//! What a calendar says of hours: open or not, how much, until when.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono_tz::Tz;
use pulsewarden::engine::{Calendar, CalendarError, Timestamp};

use crate::{EVERY_DAY, MON_TO_FRI, at, calendar, hours, minutes, office};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

#[test]
fn what_is_never_open_is_no_calendar() {
    let of = |days, from, to| Calendar::new("c", days, from, to, Tz::UTC, &BTreeSet::new()).map(drop);
    assert_eq!(of([false; 7], 480, 1080), Err(CalendarError::NoDays));
    assert_eq!(of(EVERY_DAY, 1440, 1080), Err(CalendarError::NoSuchTime));
    assert_eq!(of(EVERY_DAY, 480, 1441), Err(CalendarError::NoSuchTime));
    assert_eq!(of(EVERY_DAY, u16::MAX, u16::MAX), Err(CalendarError::NoSuchTime));
    assert_eq!(of(EVERY_DAY, 0, 1440), Ok(()));
    assert_eq!(of(EVERY_DAY, 480, 480), Ok(()), "a shift of a day");
}

#[test]
fn a_shift_begins_with_its_opening_and_ends_before_its_closing() {
    let office = office(&["2026-12-25"]);
    // A Thursday.
    let (opening, closing) = (at("2026-01-15T13:00:00Z"), at("2026-01-15T23:00:00Z"));
    assert!(!office.is_open(Timestamp(opening.0 - 1)));
    assert!(office.is_open(opening));
    assert!(office.is_open(Timestamp(closing.0 - 1)));
    assert!(!office.is_open(closing));
    assert!(!office.is_open(at("2026-01-17T15:00:00Z")), "a Saturday");
    assert!(!office.is_open(at("2026-12-25T15:00:00Z")), "a holiday");
    assert_eq!(office.name(), "office");
}

#[test]
fn open_time_is_what_passes_while_open() {
    let office = office(&["2026-12-25"]);
    let between = |a: &str, b: &str| office.open_between(at(a), at(b));
    assert_eq!(between("2026-01-15T13:00:00Z", "2026-01-15T14:30:00Z"), minutes(90));
    assert_eq!(between("2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z"), hours(10));
    assert_eq!(between("2026-01-16T22:00:00Z", "2026-01-19T14:00:00Z"), hours(2), "over a weekend");
    assert_eq!(between("2026-01-16T23:00:00Z", "2026-01-19T13:00:00Z"), hours(0), "a weekend");
    assert_eq!(between("2026-12-24T22:00:00Z", "2026-12-28T14:00:00Z"), hours(2), "over a holiday");
    assert_eq!(between("2026-01-19T14:00:00Z", "2026-01-16T22:00:00Z"), hours(0), "backwards");
    assert_eq!(between("2026-01-15T13:00:00Z", "2026-01-15T13:00:00.001Z"), Duration::from_millis(1));
    // 2026 has 261 days from Monday to Friday.
    assert_eq!(between("2026-01-01T05:00:00Z", "2027-01-01T05:00:00Z"), hours(2600));
}

#[test]
fn open_time_is_over_at_the_first_instant_at_which_it_has_passed() {
    let office = office(&["2026-12-25"]);
    let add = |start: &str, open| office.add(at(start), open);
    assert_eq!(
        add("2026-01-15T15:00:00Z", hours(8)),
        at("2026-01-15T23:00:00Z"),
        "at the closing, not the next opening"
    );
    assert_eq!(add("2026-01-15T15:00:00Z", hours(9)), at("2026-01-16T14:00:00Z"));
    assert_eq!(add("2026-01-15T15:00:00Z", Duration::from_millis(8 * 3_600_000 + 1)), at("2026-01-16T13:00:00.001Z"));
    assert_eq!(add("2026-01-17T15:00:00Z", hours(2)), at("2026-01-19T15:00:00Z"), "from a Saturday");
    assert_eq!(add("2026-01-17T15:00:00Z", hours(0)), at("2026-01-17T15:00:00Z"), "nothing has passed at once");
    assert_eq!(add("2026-12-24T22:00:00Z", hours(2)), at("2026-12-28T14:00:00Z"), "over a holiday");
    assert_eq!(add("2026-01-01T05:00:00Z", hours(2600)), at("2026-12-31T23:00:00Z"), "a year");
}

#[test]
fn business_days_keep_the_local_time() {
    let office = office(&["2026-12-25"]);
    let add = |start: &str, days| office.add_days(at(start), days);
    assert_eq!(add("2026-01-15T15:30:00Z", 0), at("2026-01-15T15:30:00Z"));
    assert_eq!(add("2026-01-15T15:30:00Z", 1), at("2026-01-16T15:30:00Z"));
    assert_eq!(add("2026-01-15T15:30:00Z", 2), at("2026-01-19T15:30:00Z"), "over a weekend");
    assert_eq!(add("2026-12-24T15:30:00Z", 1), at("2026-12-28T15:30:00Z"), "over a holiday");
    assert_eq!(add("2026-01-15T12:00:00Z", 0), at("2026-01-15T13:00:00Z"), "before the opening");
    assert_eq!(add("2026-01-15T12:00:00Z", 1), at("2026-01-16T13:00:00Z"), "before the opening");
    assert_eq!(add("2026-01-15T23:00:00Z", 1), at("2026-01-19T13:00:00Z"), "at the closing of a Thursday");
    assert_eq!(add("2026-01-17T15:00:00Z", 2), at("2026-01-21T13:00:00Z"), "from a Saturday");
    assert_eq!(add("2026-12-25T15:00:00Z", 1), at("2026-12-29T13:00:00Z"), "from a holiday");
    assert_eq!(add("2026-03-06T15:30:00Z", 1), at("2026-03-09T14:30:00Z"), "into summer time");
    assert_eq!(add("2026-10-30T15:30:00Z", 1), at("2026-11-02T16:30:00Z"), "out of summer time");
    assert_eq!(add("2026-01-05T15:30:00Z", 260), at("2027-01-05T15:30:00Z"), "a year, with a holiday");
}

#[test]
fn over_the_end_of_a_year() {
    let office = office(&["2026-12-31", "2027-01-01"]);
    assert_eq!(office.add(at("2026-12-30T22:00:00Z"), hours(2)), at("2027-01-04T14:00:00Z"));
    assert_eq!(office.add_days(at("2026-12-30T22:00:00Z"), 1), at("2027-01-04T22:00:00Z"));
    assert_eq!(office.open_between(at("2026-12-30T22:00:00Z"), at("2027-01-04T14:00:00Z")), hours(2));
    // A night shift of New Year's Eve belongs to the old year, and to a leap day's end.
    let night = calendar(EVERY_DAY, "20:00", "06:00", "UTC", &["2027-01-01"]);
    assert!(night.is_open(at("2027-01-01T05:59:59Z")));
    assert!(!night.is_open(at("2027-01-01T20:00:00Z")));
    assert!(!night.is_open(at("2027-01-02T05:00:00Z")), "the shift of the holiday");
    assert_eq!(night.add_days(at("2028-02-28T22:00:00Z"), 1), at("2028-02-29T22:00:00Z"));
    assert_eq!(night.add_days(at("2028-02-29T03:00:00Z"), 1), at("2028-03-01T03:00:00Z"));
}

#[test]
fn a_night_shift_belongs_to_the_day_on_which_it_begins() {
    let night = calendar(MON_TO_FRI, "20:00", "06:00", "Europe/Berlin", &[]);
    assert!(night.is_open(at("2026-01-17T04:00:00Z")), "Friday's shift ends on Saturday");
    assert!(!night.is_open(at("2026-01-17T05:00:00Z")));
    assert!(!night.is_open(at("2026-01-18T22:00:00Z")), "a Sunday has none");
    assert!(!night.is_open(at("2026-01-19T03:00:00Z")), "so Monday's morning has none either");
    assert_eq!(night.add_days(at("2026-01-17T04:00:00Z"), 1), at("2026-01-20T04:00:00Z"));
    assert_eq!(night.add(at("2026-01-17T04:00:00Z"), hours(2)), at("2026-01-19T20:00:00Z"));
    let round = calendar(EVERY_DAY, "08:00", "08:00", "Europe/Berlin", &[]);
    assert_eq!(round.open_between(at("2026-01-01T00:00:00Z"), at("2026-01-11T00:00:00Z")), hours(240));
}

/// Hours in which the clocks change, with their zones: when it begins and ends, in UTC, and how much of it is open.
#[test]
fn a_shift_is_as_long_as_it_takes() {
    let cases = [
        // Summer time begins at 02:00 and ends at 02:00.
        ("America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T09:00:00Z", 180),
        ("America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T10:00:00Z", 300),
        // At 02:00 and at 03:00.
        ("Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", 180),
        ("Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T04:00:00Z", 300),
        // Both at 02:00, by half an hour.
        ("Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T18:00:00Z", 210),
        ("Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T18:30:00Z", 270),
    ];
    for (zone, opening, closing, open) in cases {
        let night = calendar(EVERY_DAY, "01:00", "05:00", zone, &[]);
        let (opening, closing) = (at(opening), at(closing));
        assert!(!night.is_open(Timestamp(opening.0 - 1)) && night.is_open(opening), "{zone} opens at {opening}");
        assert!(night.is_open(Timestamp(closing.0 - 1)) && !night.is_open(closing), "{zone} closes at {closing}");
        assert_eq!(night.open_between(opening, closing), minutes(open), "{zone} on {opening}");
        assert_eq!(night.add(opening, minutes(open)), closing, "{zone} on {opening}");
        let (before, after) = (opening.minus(hours(72)), closing.plus(hours(72)));
        assert_eq!(night.open_between(before, after), minutes(open) + hours(24), "{zone} around {opening}");
        assert_eq!(night.add(before, minutes(open) + hours(12)), closing, "{zone} before {opening}");
    }
}

#[test]
fn a_local_time_that_is_skipped_is_the_first_instant_after_the_gap() {
    let days = |zone: &str, start: &str| calendar(EVERY_DAY, "00:00", "24:00", zone, &[]).add_days(at(start), 1);
    assert_eq!(days("America/New_York", "2026-03-07T07:30:00Z"), at("2026-03-08T07:00:00Z"));
    assert_eq!(days("Europe/Berlin", "2026-03-28T01:30:00Z"), at("2026-03-29T01:00:00Z"));
    assert_eq!(days("Australia/Lord_Howe", "2026-10-02T15:45:00Z"), at("2026-10-03T15:30:00Z"));
    // An office that opens in the gap opens after it, and the next day in time.
    let early = calendar(EVERY_DAY, "02:30", "04:00", "America/New_York", &[]);
    assert_eq!(early.add_days(at("2026-03-08T00:00:00Z"), 1), at("2026-03-09T06:30:00Z"));
    assert_eq!(early.open_between(at("2026-03-08T00:00:00Z"), at("2026-03-09T00:00:00Z")), hours(1));
    // One that would open and close in it is closed that day.
    let brief = calendar(EVERY_DAY, "02:15", "02:45", "America/New_York", &[]);
    assert_eq!(brief.open_between(at("2026-03-08T00:00:00Z"), at("2026-03-09T00:00:00Z")), hours(0));
    assert_eq!(brief.add_days(at("2026-03-07T07:20:00Z"), 1), at("2026-03-09T06:20:00Z"));
}

#[test]
fn of_a_local_time_that_comes_twice_the_first_one_counts() {
    let days = |zone: &str, start: &str| calendar(EVERY_DAY, "00:00", "24:00", zone, &[]).add_days(at(start), 1);
    assert_eq!(days("America/New_York", "2026-10-31T05:30:00Z"), at("2026-11-01T05:30:00Z"));
    assert_eq!(days("Europe/Berlin", "2026-10-24T00:30:00Z"), at("2026-10-25T00:30:00Z"));
    assert_eq!(days("Australia/Lord_Howe", "2026-04-03T14:45:00Z"), at("2026-04-04T14:45:00Z"));
    // From the second one on, it is as if that hour were over.
    assert_eq!(days("America/New_York", "2026-11-01T05:59:00Z"), at("2026-11-02T06:59:00Z"));
    assert_eq!(days("America/New_York", "2026-11-01T06:30:00Z"), at("2026-11-02T07:00:00Z"));
    assert_eq!(days("America/New_York", "2026-11-01T07:30:00Z"), at("2026-11-02T07:30:00Z"));
}

#[test]
fn business_days_end_with_the_shift_at_the_latest() {
    // The hour from 01:00 comes twice, and the shift ends when it first shows 01:45.
    let night = calendar(EVERY_DAY, "22:00", "01:45", "America/New_York", &[]);
    assert_eq!(night.open_between(at("2026-11-01T02:00:00Z"), at("2026-11-01T12:00:00Z")), minutes(225));
    assert_eq!(night.add_days(at("2026-10-31T05:40:00Z"), 1), at("2026-11-01T05:40:00Z"));
    // A shift that is skipped in part: the local time falls behind its end.
    let late = calendar(EVERY_DAY, "01:30", "02:30", "America/New_York", &[]);
    assert_eq!(late.add_days(at("2026-03-07T07:20:00Z"), 1), at("2026-03-08T07:00:00Z"));
}

#[test]
fn a_day_that_a_zone_skips_is_no_business_day() {
    // Samoa went over the date line: there was no 30 December 2011.
    let samoa = calendar(EVERY_DAY, "08:00", "18:00", "Pacific/Apia", &[]);
    let (before, after) = (at("2011-12-29T20:00:00Z"), at("2011-12-30T20:00:00Z"));
    assert_eq!(samoa.add_days(before, 1), after);
    assert_eq!(samoa.open_between(before, after), hours(10));
    assert_eq!(samoa.add(before, hours(10)), after);
    assert_eq!(samoa.add(samoa.add_days(before, 0), hours(8)), at("2011-12-30T04:00:00Z"));
}

const NEVER: Timestamp = Timestamp(i64::MAX);

#[test]
fn the_ends_of_time_are_never_passed() {
    let hardly: Vec<String> = (0..9000)
        .map(|day| (NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(day)).to_string())
        .collect();
    let hardly: Vec<&str> = hardly.iter().map(String::as_str).collect();
    for calendar in [
        office(&[]),
        office(&hardly),
        calendar(EVERY_DAY, "20:00", "06:00", "Australia/Lord_Howe", &[]),
        calendar([false, false, false, true, false, false, false], "23:59", "24:00", "Pacific/Apia", &[]),
    ] {
        let open = Duration::from_secs(3600);
        for start in [i64::MAX, i64::MAX - 1, i64::MAX / 2, i64::MAX / 4] {
            let start = Timestamp(start);
            assert_eq!(calendar.add(start, open), NEVER);
            assert_eq!(calendar.add(start, Duration::ZERO), start);
            assert_eq!(calendar.add_days(start, 1_000_000), NEVER);
            assert_eq!(calendar.open_between(start, NEVER).max(open), open);
            let _ = calendar.is_open(start);
        }
        for start in [i64::MIN, i64::MIN / 2, -1, 0, 1] {
            let start = Timestamp(start);
            assert_eq!(calendar.add(start, Duration::MAX), NEVER);
            assert_eq!(calendar.add(start, Duration::from_millis(u64::MAX)), NEVER);
            assert!(calendar.add(start, open) > start && calendar.add(start, open) < NEVER);
            assert!(calendar.add_days(start, 0) >= start);
            assert!(calendar.add_days(start, 1 << 31) > calendar.add_days(start, (1 << 31) - 1));
            assert!(calendar.open_between(start, NEVER) > Duration::from_secs(1 << 36));
            assert_eq!(calendar.open_between(NEVER, start), Duration::ZERO);
            let _ = calendar.is_open(start);
        }
        assert_eq!(calendar.add(Timestamp(0), Duration::from_millis(1 << 62)), NEVER);
    }
    // Wednesday 31 December 1969, 19:00 in New York.
    assert!(!office(&[]).is_open(Timestamp(0)));
    assert_eq!(office(&[]).add_days(Timestamp(0), 0), at("1970-01-01T13:00:00Z"));
    assert_eq!(office(&[]).add(Timestamp(-3_600_000), hours(1)), Timestamp(at("1970-01-01T14:00:00Z").0));
    assert_eq!(office(&[]).open_between(at("1969-12-31T22:00:00Z"), Timestamp(0)), hours(1));
}

/// The same, minute by minute and without arithmetic: each minute's local time, and the shifts as they come.
struct ByMinutes {
    first: i64,
    /// The latest local time that was shown up to each minute.
    shown: Vec<NaiveDateTime>,
    /// The same, or the end of the minute before where the clock went back.
    due: Vec<NaiveDateTime>,
    /// The midnight before each shift, its opening and its closing.
    shifts: Vec<(NaiveDateTime, usize, usize)>,
    /// Minutes that were open before each minute.
    open: Vec<u64>,
}

impl ByMinutes {
    fn around(day: &str, zone: Tz, days: [bool; 7], from: u16, to: u16, holidays: &[NaiveDate]) -> Self {
        let day: NaiveDate = day.parse().unwrap();
        let begin = day.and_time(NaiveTime::MIN) - chrono::TimeDelta::days(8);
        let first = Utc.from_utc_datetime(&begin).timestamp_millis();
        let (mut shown, mut due) = (Vec::new(), Vec::new());
        for minute in 0..16 * 1440 {
            let local = zone.from_utc_datetime(&(begin + chrono::TimeDelta::minutes(minute))).naive_local();
            let before = shown.last().copied().unwrap_or(NaiveDateTime::MIN);
            due.push(local.max(before.checked_add_signed(chrono::TimeDelta::minutes(1)).unwrap()));
            shown.push(local.max(before));
        }
        let mut shifts = Vec::new();
        for date in (-12..12).map(|days| day + chrono::TimeDelta::days(days)) {
            let midnight = date.and_time(NaiveTime::MIN);
            let weekday = usize::try_from(chrono::Datelike::weekday(&date).num_days_from_monday()).unwrap();
            let length = if to > from { to - from } else { to + 1440 - from };
            let opens = midnight + chrono::TimeDelta::minutes(from.into());
            let closes = opens + chrono::TimeDelta::minutes(length.into());
            let [opens, closes] = [opens, closes].map(|local| shown.partition_point(|shown| *shown < local));
            if days[weekday] && !holidays.contains(&date) && opens < closes {
                shifts.push((midnight, opens, closes));
            }
        }
        let mut open = vec![0];
        for minute in 0..shown.len() {
            let now = shifts.iter().any(|(_, opens, closes)| (*opens..*closes).contains(&minute));
            open.push(open[minute] + u64::from(now));
        }
        Self { first, shown, due, shifts, open }
    }

    fn at(&self, minute: usize) -> Timestamp {
        Timestamp(self.first + i64::try_from(minute).unwrap() * 60_000)
    }

    fn add_days(&self, start: usize, days: usize) -> Option<usize> {
        let first = self.shifts.iter().position(|(_, _, closes)| start < *closes)?;
        let (midnight, opens, _) = self.shifts[first];
        if start >= opens && days == 0 {
            return Some(start);
        }
        let (later, later_opens, later_closes) = *self.shifts.get(first + days)?;
        if start < opens {
            return Some(later_opens);
        }
        let local = later + (self.due[start] - midnight);
        Some(self.shown.partition_point(|shown| *shown < local).clamp(later_opens, later_closes))
    }
}

#[test]
fn arithmetic_agrees_with_counting_minutes() {
    let mut chance = fastrand::Rng::with_seed(7);
    let changes = [
        ("America/New_York", ["2026-03-08", "2026-11-01"]),
        ("Europe/Berlin", ["2026-03-29", "2026-10-25"]),
        ("Australia/Lord_Howe", ["2026-04-05", "2026-10-04"]),
        // At midnight: a day that begins at 01:00, and one that ends with 23:00 twice.
        ("America/Sao_Paulo", ["2018-11-04", "2018-02-18"]),
        ("America/Havana", ["2026-03-08", "2026-11-01"]),
        ("Pacific/Apia", ["2011-12-30", "2011-09-24"]),
        ("Asia/Kathmandu", ["2026-01-01", "1986-01-01"]),
    ];
    let shifts = [
        ("08:00", "18:00"),
        ("20:00", "06:00"),
        ("00:00", "24:00"),
        ("01:30", "01:30"),
        ("01:15", "02:10"),
        ("02:05", "02:20"),
        ("22:00", "01:45"),
        ("23:30", "00:30"),
    ];
    for (zone, days) in changes {
        for day in days {
            for (from, to) in shifts {
                let open = if chance.bool() { EVERY_DAY } else { [true, true, true, true, false, true, true] };
                let date: NaiveDate = day.parse().unwrap();
                let holiday = date + chrono::TimeDelta::days(chance.i64(-4..4));
                let name = format!("{zone} {from} to {to} around {day} without {holiday}");
                let calendar = calendar(open, from, to, zone, &[&holiday.to_string()]);
                let (from, to) = (crate::clock(from), crate::clock(to));
                let minutes_of = ByMinutes::around(day, zone.parse().unwrap(), open, from, to, &[holiday]);
                for _ in 0..150 {
                    let (a, b) = (chance.usize(1440..10 * 1440), chance.usize(1440..14 * 1440));
                    let (start, end) = (minutes_of.at(a), minutes_of.at(b));
                    let now = minutes_of.open[a + 1] > minutes_of.open[a];
                    assert_eq!(calendar.is_open(start), now, "{name}: at {start}");
                    let between = minutes_of.open[b.max(a)] - minutes_of.open[a];
                    assert_eq!(calendar.open_between(start, end), minutes(between), "{name}: {start} to {end}");
                    let wanted = minutes_of.open[a] + chance.u64(1..4000);
                    let reached = minutes_of.open.partition_point(|open| *open < wanted);
                    if reached < minutes_of.shown.len() {
                        let added = calendar.add(start, minutes(wanted - minutes_of.open[a]));
                        assert_eq!(added, minutes_of.at(reached), "{name}: {start} and {wanted} more");
                    }
                    let days = chance.u32(0..4);
                    let reached = minutes_of.add_days(a, usize::try_from(days).unwrap()).unwrap();
                    let added = calendar.add_days(start, days);
                    assert_eq!(added, minutes_of.at(reached), "{name}: {start} and {days} days");
                }
            }
        }
    }
}
