//! Hours of business and lengths of time: boundary instants, clock changes, holidays, extremes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod conditions;
mod hours;
mod lengths;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use pulsewarden::engine::{Calendar, Timestamp};

const MON_TO_FRI: [bool; 7] = [true, true, true, true, true, false, false];
const EVERY_DAY: [bool; 7] = [true; 7];

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// An instant as RFC 3339 writes it.
fn at(text: &str) -> Timestamp {
    Timestamp::from(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

/// A time of day as minutes since midnight.
fn clock(text: &str) -> u16 {
    let (hours, minutes) = text.split_once(':').unwrap();
    hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap()
}

fn calendar(days: [bool; 7], from: &str, to: &str, zone: &str, holidays: &[&str]) -> Calendar {
    let holidays: BTreeSet<NaiveDate> = holidays.iter().map(|date| date.parse().unwrap()).collect();
    Calendar::new("office", days, clock(from), clock(to), zone.parse::<Tz>().unwrap(), &holidays).unwrap()
}

/// Monday to Friday, 08:00 to 18:00 in New York.
fn office(holidays: &[&str]) -> Calendar {
    calendar(MON_TO_FRI, "08:00", "18:00", "America/New_York", holidays)
}
