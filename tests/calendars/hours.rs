//! What a calendar says of hours: open or not, how much, until when.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono_tz::Tz;
use pulsewarden::engine::{Calendar, CalendarError, Timestamp};

use crate::{EVERY_DAY, at, hours, minutes, office};

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
