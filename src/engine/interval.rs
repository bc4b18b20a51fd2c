//! Time intervals: recurring stretches of local time, in Alertmanager's words.
//!
//! Times in a list are alternatives; the fields of one interval all have to hold. A stretch of a day ends before its end time.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::time::Timestamp;

/// How many days ahead the next change is looked for.
const FAR: u64 = 400;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HALF_HOUR: Duration = Duration::from_secs(30 * 60);

/// A named list of intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeInterval {
    pub name: String,
    pub spans: Vec<Span>,
}

/// One interval: where a field is empty, everything passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Minutes since midnight; the second is not part of it, and may be 24:00.
    pub times: Vec<(u16, u16)>,
    /// Monday is 0.
    pub weekdays: Vec<RangeInclusive<u8>>,
    /// 1 to 31, or from the end of the month: -1 is its last day.
    pub days_of_month: Vec<(i8, i8)>,
    /// January is 1.
    pub months: Vec<RangeInclusive<u8>>,
    pub years: Vec<RangeInclusive<i32>>,
    pub zone: Tz,
}

impl TimeInterval {
    /// Whether this instant lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.spans.iter().any(|span| span.contains(at))
    }
}

impl Span {
    fn contains(&self, at: Timestamp) -> bool {
        let Some(at) = at.to_utc() else { return false };
        let local = at.with_timezone(&self.zone);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or_default();
        let in_time = self.times.is_empty() || self.times.iter().any(|(from, to)| (*from..*to).contains(&minute));
        in_time && self.has_day(local.date_naive())
    }

    fn has_day(&self, day: NaiveDate) -> bool {
        let weekday = u8::try_from(day.weekday().num_days_from_monday()).unwrap_or_default();
        let month = u8::try_from(day.month()).unwrap_or_default();
        let any = |ranges: &[RangeInclusive<u8>], value: u8| {
            ranges.is_empty() || ranges.iter().any(|range| range.contains(&value))
        };
        let in_years = self.years.is_empty() || self.years.iter().any(|range| range.contains(&day.year()));
        any(&self.weekdays, weekday) && any(&self.months, month) && in_years && self.has_day_of_month(day)
    }

    fn has_day_of_month(&self, day: NaiveDate) -> bool {
        if self.days_of_month.is_empty() {
            return true;
        }
        let last = i32::from(day.num_days_in_month());
        let today = i32::try_from(day.day()).unwrap_or_default();
        let counted = |day: i8| if day < 0 { last + 1 + i32::from(day) } else { i32::from(day) };
        self.days_of_month.iter().any(|(from, to)| {
            // What lies outside a short month is cut to it.
            let (from, to) = (counted(*from).max(1), counted(*to).min(last));
            (from..=to).contains(&today)
        })
    }

    /// Instants of a local day at which it may begin or end.
    fn edges(&self, day: NaiveDate) -> Vec<Timestamp> {
        let minutes = self.times.iter().flat_map(|(from, to)| [*from, *to]).chain([0]);
        let mut edges: Vec<Timestamp> = minutes.filter_map(|minute| first_showing(self.zone, day, minute)).collect();
        // Where the clock is set back, it can show a time that is open anew.
        if let (Some(from), Some(to)) = (first_showing(self.zone, day, 0), first_showing(self.zone, day, 24 * 60))
            && to.since(from) > DAY
        {
            edges.extend((1..52).map(|half_hours| from.plus(HALF_HOUR * half_hours)));
        }
        edges
    }
}

/// The first instant at which the clock of a zone shows this minute of this day, or a later one.
fn first_showing(zone: Tz, day: NaiveDate, minute: u16) -> Option<Timestamp> {
    let (day, minute) = if minute >= 24 * 60 { (day.checked_add_days(Days::new(1))?, 0) } else { (day, minute) };
    // A gap is an hour or two at most.
    (0..=180).find_map(|later| {
        let minute = u32::from(minute) + later;
        let day = day.checked_add_days(Days::new(u64::from(minute / 1440)))?;
        let time = NaiveTime::from_hms_opt(minute % 1440 / 60, minute % 60, 0)?;
        let at = zone.from_local_datetime(&day.and_time(time)).earliest()?;
        Some(Timestamp(at.timestamp_millis()))
    })
}

/// Whether notifications of a route may go now; where not, by which interval, and when they may, as far as that is in sight.
#[must_use]
pub fn muted<'i>(
    mute: &'i [TimeInterval],
    active: &'i [TimeInterval],
    now: Timestamp,
) -> Option<(Muted<'i>, Option<Timestamp>)> {
    let by = why_muted(mute, active, now)?;
    Some((by, next_open(mute, active, now)))
}

/// What keeps notifications back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muted<'i> {
    /// It lies in this interval of `mute_time_intervals`.
    In(&'i str),
    /// It lies in none of `active_time_intervals`.
    Inactive,
}

fn why_muted<'i>(mute: &'i [TimeInterval], active: &'i [TimeInterval], now: Timestamp) -> Option<Muted<'i>> {
    if !active.is_empty() && !active.iter().any(|interval| interval.contains(now)) {
        return Some(Muted::Inactive);
    }
    mute.iter().find(|interval| interval.contains(now)).map(|interval| Muted::In(&interval.name))
}

fn next_open(mute: &[TimeInterval], active: &[TimeInterval], now: Timestamp) -> Option<Timestamp> {
    let open = |at: &Timestamp| *at > now && why_muted(mute, active, *at).is_none();
    (0..FAR).find_map(|days| {
        let spans = mute.iter().chain(active).flat_map(|interval| &interval.spans);
        let edges = spans.flat_map(|span| {
            let today = now.to_utc().map(|now| now.with_timezone(&span.zone).date_naive());
            today
                .and_then(|today| today.checked_add_days(Days::new(days)))
                .map(|day| span.edges(day))
                .unwrap_or_default()
        });
        edges.filter(open).min()
    })
}
