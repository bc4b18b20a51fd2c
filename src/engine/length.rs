//! Lengths of time as rules write them: of the clock, or of business hours.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::time::Timestamp;

/// A length of time as rules write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Length {
    /// Time as it passes.
    Plain(Duration),
    /// Time in which business is done.
    Business { calendar: Arc<Calendar>, amount: BusinessTime },
}

/// How long, by a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusinessTime {
    /// Until the same local time so many business days later.
    Days(u32),
    /// Until so much open time has passed.
    Open(Duration),
}

/// A stretch of time in which nothing could be heard: from `from` on, up to and without `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Length {
    /// When it is over, counted from `start`; the end of time where it never is. A later start never ends earlier.
    #[must_use]
    pub fn after(&self, start: Timestamp) -> Timestamp {
        match self {
            Self::Plain(span) => start.plus(*span),
            Self::Business { calendar, amount: BusinessTime::Open(span) } => calendar.add(start, *span),
            Self::Business { calendar, amount: BusinessTime::Days(days) } => calendar.add_days(start, *days),
        }
    }

    /// The same, where time inside `blind` does not count. The intervals are sorted and do not overlap.
    ///
    /// Business days that meet a blind interval are counted on as open time: the open time that was left when it began
    /// is left when it ends. They end never earlier than without it, never inside one, and never later than those that
    /// begin when it ends. So a later start never ends earlier here either.
    #[must_use]
    pub fn after_hearing(&self, start: Timestamp, blind: &[Interval]) -> Timestamp {
        match self {
            Self::Plain(span) => {
                heard(start, *span, blind, |from, to| to.since(from), |start, span| start.plus(span)).end
            }
            Self::Business { calendar, amount: BusinessTime::Open(span) } => {
                open_heard(calendar, start, *span, blind).end
            }
            Self::Business { calendar, amount: BusinessTime::Days(days) } => days_heard(calendar, start, *days, blind),
        }
    }
}

/// The end of a length, and which of the blind intervals were met on the way.
struct Heard<'b> {
    end: Timestamp,
    met: &'b [Interval],
}

/// Counts up to each blind interval, and takes up at its end. `between` measures, and `add` is its inverse.
fn heard(
    start: Timestamp,
    span: Duration,
    blind: &[Interval],
    between: impl Fn(Timestamp, Timestamp) -> Duration,
    add: impl Fn(Timestamp, Duration) -> Timestamp,
) -> Heard<'_> {
    let blind = blind.get(blind.partition_point(|interval| interval.to <= start)..).unwrap_or_default();
    let (mut at, mut left) = (start, span);
    for (met, interval) in blind.iter().enumerate() {
        let counted = between(at, interval.from.max(at));
        if counted >= left {
            return Heard { end: add(at, left), met: blind.get(..met).unwrap_or_default() };
        }
        left = left.saturating_sub(counted);
        at = at.max(interval.to);
    }
    Heard { end: add(at, left), met: blind }
}

fn open_heard<'b>(calendar: &Calendar, start: Timestamp, open: Duration, blind: &'b [Interval]) -> Heard<'b> {
    heard(start, open, blind, |from, to| calendar.open_between(from, to), |start, open| calendar.add(start, open))
}

fn days_heard(calendar: &Calendar, start: Timestamp, days: u32, blind: &[Interval]) -> Timestamp {
    let counted = |start: Timestamp| {
        let unhindered = calendar.add_days(start, days);
        let Heard { end, met } = open_heard(calendar, start, calendar.open_between(start, unhindered), blind);
        let end = end.max(unhindered);
        let unheard = blind.iter().find(|interval| interval.from < end && end < interval.to);
        (unheard.map_or(end, |interval| interval.to), met)
    };
    // What begins while nothing is heard begins when something is.
    let inside = blind.iter().find(|interval| interval.from <= start && start < interval.to);
    let (end, met) = counted(inside.map_or(start, |interval| interval.to));
    met.iter().map(|interval| counted(interval.to).0).fold(end, Timestamp::min)
}

impl From<Duration> for Length {
    fn from(span: Duration) -> Self {
        Self::Plain(span)
    }
}

/// As people write it: `72h`, `14d`, `2 business days`, `8 business hours`. Whole days are hours up to three days.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self {
            Self::Plain(span) => {
                let (number, short, _) = in_units(*span);
                return write!(f, "{number}{short}");
            }
            Self::Business { amount: BusinessTime::Days(days), .. } => (u128::from(*days), "day"),
            Self::Business { amount: BusinessTime::Open(span), .. } => {
                // A business day may have any number of hours.
                let (number, _, unit) = in_units_of(*span, &UNITS[1..]);
                (number, unit)
            }
        };
        write!(f, "{number} business {unit}{}", if number == 1 { "" } else { "s" })
    }
}

/// Units of time: milliseconds, and how they are written.
const UNITS: [(u128, &str, &str); 5] = [
    (86_400_000, "d", "day"),
    (3_600_000, "h", "hour"),
    (60_000, "m", "minute"),
    (1000, "s", "second"),
    (1, "ms", "millisecond"),
];

/// The largest unit that leaves no rest, and how many of it a length has.
fn in_units(span: Duration) -> (u128, &'static str, &'static str) {
    let hours = span.as_millis() <= 3 * UNITS[0].0;
    in_units_of(span, &UNITS[usize::from(hours)..])
}

fn in_units_of(span: Duration, units: &[(u128, &'static str, &'static str)]) -> (u128, &'static str, &'static str) {
    let millis = span.as_millis();
    let fit = units.iter().find(|(unit, ..)| millis > 0 && millis.is_multiple_of(*unit));
    fit.map_or((0, "s", "second"), |(unit, short, long)| (millis / unit, *short, *long))
}
