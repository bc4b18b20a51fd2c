//! Hours of business: weekdays, times of day in a zone, holidays; and the open time counted over them.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use super::time::Timestamp;

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * MINUTE;

/// Minutes of a day.
const MINUTES_OF_DAY: u16 = 24 * 60;

/// Later instants than this, in milliseconds since 1970, are never reached: some 73 million years.
const NEVER: i64 = i64::MAX / 4;

/// The last day that is looked at, counted from 1970-01-01. Nearer to the end of time than any rule can reach.
const LAST_DAY: i64 = NEVER / DAY;

/// Where the clock changes of a zone are looked for, in seconds since 1970: until 2100-01-01.
const KNOWN_UNTIL: i64 = 4_102_444_800;

/// How far a zone's clock is from UTC at most, in milliseconds, with a day to spare.
const FAR: i64 = 2 * DAY;

/// Why a calendar cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("it has no weekday, so nothing is ever open")]
    NoDays,
    #[error("`from` must lie between 00:00 and 23:59, and `to` between 00:00 and 24:00")]
    NoSuchTime,
}

/// The hours in which business is done.
///
/// Each open day has one shift. It opens when the clock of the zone first shows `from`, or a later time where that one
/// is skipped, and closes in the same way by `to`. Where `to` is not later than `from`, the shift runs over midnight
/// and belongs to the day on which it begins: a holiday takes away the shift that begins on it, and not the end of the
/// one before. Time that passes while the shift is open counts as it passes, so a night shift in which the clocks
/// change is an hour longer or shorter. A day on which the clock skips the whole shift is closed.
///
/// Clock changes are known from 1970 to 2100; before and after, the first and the last offset hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar {
    name: String,
    clock: Clock,
    /// Milliseconds from midnight to the opening.
    from: i64,
    /// Milliseconds from midnight of the day on which a shift begins to its closing.
    to: i64,
    /// Open weekdays before each weekday of a week, Monday first, and last in all.
    weekdays: [i64; 8],
    /// Days without a shift on a weekday that has one, counted from 1970-01-01; sorted.
    closed: Vec<i64>,
    /// Shifts in which the clock changes: the day, and how much longer than the clock says all of them up to this one
    /// were together, in milliseconds.
    uneven: Vec<(i64, i64)>,
}

impl Calendar {
    /// Makes a calendar. `days` are the open weekdays, Monday first; `from` and `to` are minutes since midnight, and
    /// `to` may be 24:00.
    ///
    /// # Errors
    /// When nothing would ever be open, or a time is none of a day.
    pub fn new(
        name: &str,
        days: [bool; 7],
        from: u16,
        to: u16,
        zone: Tz,
        holidays: &BTreeSet<NaiveDate>,
    ) -> Result<Self, CalendarError> {
        if from >= MINUTES_OF_DAY || to > MINUTES_OF_DAY {
            return Err(CalendarError::NoSuchTime);
        }
        let mut weekdays = [0; 8];
        for (day, open) in days.into_iter().enumerate() {
            weekdays[day + 1] = weekdays[day] + i64::from(open);
        }
        if weekdays[7] == 0 {
            return Err(CalendarError::NoDays);
        }
        let next_day = if to <= from { DAY } else { 0 };
        let mut calendar = Self {
            name: name.to_owned(),
            clock: Clock::of(zone),
            from: i64::from(from) * MINUTE,
            to: i64::from(to) * MINUTE + next_day,
            weekdays,
            closed: Vec::new(),
            uneven: Vec::new(),
        };
        let days = holidays.iter().map(|date| i64::from(date.to_epoch_days()));
        let mut closed: BTreeSet<i64> = days.filter(|day| calendar.has_shift(*day)).collect();
        let (mut uneven, mut together) = (Vec::new(), 0);
        for day in calendar.changing_days() {
            match calendar.longer(day) {
                _ if !calendar.has_shift(day) || closed.contains(&day) => {}
                Some(0) => {}
                Some(longer) => {
                    together += longer;
                    uneven.push((day, together));
                }
                None => drop(closed.insert(day)),
            }
        }
        calendar.closed = closed.into_iter().collect();
        calendar.uneven = uneven;
        Ok(calendar)
    }

    /// The name by which rules know it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether business is done at this instant. A shift's opening belongs to it, its closing does not.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = bounded(at);
        let day = self.shift_at(at);
        self.has_shift(day) && at < self.closing(day)
    }

    /// The open time between two instants; zero where `b` is not later than `a`.
    #[must_use]
    pub fn open_between(&self, a: Timestamp, b: Timestamp) -> Duration {
        let open = self.open_before(bounded(b)) - self.open_before(bounded(a));
        Duration::from_millis(u64::try_from(open).unwrap_or(0))
    }

    /// The earliest instant by which `open` of open time has passed since `start`; the end of time where it is never
    /// reached.
    #[must_use]
    pub fn add(&self, start: Timestamp, open: Duration) -> Timestamp {
        let Some(open) = i64::try_from(open.as_millis()).ok().filter(|open| *open < NEVER) else {
            return Timestamp(i64::MAX);
        };
        if open == 0 || start.0 >= NEVER {
            return if open == 0 { start } else { Timestamp(i64::MAX) };
        }
        let at = bounded(start);
        let wanted = self.open_before(at) + open;
        // The last day before which less has passed has the shift in which it is reached.
        match first_day(self.shift_at(at), |day| self.worked(day + 1) >= wanted) {
            Some(day) => Timestamp(self.opening(day) + (wanted - self.worked(day))),
            None => Timestamp(i64::MAX),
        }
    }

    /// The same local time `days` business days later, and not later than that day's closing; the end of time where it
    /// is never reached.
    ///
    /// A start outside the hours counts from the next opening; so with zero days this is the first instant, from
    /// `start` on, at which business is done. A local time that the clock skips on the last day is the first instant
    /// after the gap, and one that it shows twice is the first of both. A start in an hour that the clock shows for the
    /// second time counts from that hour's end, so that a later start never ends earlier.
    #[must_use]
    pub fn add_days(&self, start: Timestamp, days: u32) -> Timestamp {
        if start.0 >= NEVER {
            return Timestamp(i64::MAX);
        }
        let at = bounded(start);
        let mut first = self.shift_at(at);
        let mut local = self.clock.highest_shown(at) - first * DAY;
        let open = self.has_shift(first) && at < self.closing(first);
        if open && days == 0 {
            return start;
        }
        if !open {
            match self.shift_after(first, 1) {
                Some(day) => (first, local) = (day, self.from),
                None => return Timestamp(i64::MAX),
            }
        }
        match self.shift_after(first, days) {
            Some(day) => {
                let (opening, closing) = (self.opening(day), self.closing(day));
                Timestamp(self.clock.first_showing(day * DAY + local).max(opening).min(closing))
            }
            None => Timestamp(i64::MAX),
        }
    }

    /// When the shift of a day opens, if it has one.
    fn opening(&self, day: i64) -> i64 {
        self.clock.first_showing(day * DAY + self.from)
    }

    /// When the shift of a day closes, if it has one.
    fn closing(&self, day: i64) -> i64 {
        self.clock.first_showing(day * DAY + self.to)
    }

    /// The newest day whose opening, or what would be its opening, is not later than this instant.
    fn shift_at(&self, at: i64) -> i64 {
        let mut day = (at + self.clock.offset(at) - self.from).div_euclid(DAY);
        while self.opening(day + 1) <= at {
            day += 1;
        }
        while self.opening(day) > at {
            day -= 1;
        }
        day
    }

    fn has_shift(&self, day: i64) -> bool {
        let weekday = weekday(day);
        self.weekdays[weekday + 1] > self.weekdays[weekday] && self.closed.binary_search(&day).is_err()
    }

    /// How many shifts begin before this day, counted from a day that is always the same one.
    fn shifts_before(&self, day: i64) -> i64 {
        let weeks = (day - day_of_a_monday()).div_euclid(7);
        let closed = self.closed.partition_point(|closed| *closed < day);
        weeks * self.weekdays[7] + self.weekdays[weekday(day)] - i64::try_from(closed).unwrap_or(i64::MAX)
    }

    /// The day of the `count`th shift after that of `day`; with zero, `day` itself.
    fn shift_after(&self, day: i64, count: u32) -> Option<i64> {
        if count == 0 {
            return Some(day);
        }
        let wanted = self.shifts_before(day + 1) + i64::from(count);
        first_day(day, |later| self.shifts_before(later + 1) >= wanted)
    }

    /// The open time of all shifts that begin before this day, counted from a day that is always the same one.
    fn worked(&self, day: i64) -> i64 {
        let uneven = self.uneven.partition_point(|(uneven, _)| *uneven < day);
        let longer = uneven.checked_sub(1).and_then(|last| self.uneven.get(last)).map_or(0, |(_, together)| *together);
        self.shifts_before(day) * (self.to - self.from) + longer
    }

    /// The open time before this instant, counted from a day that is always the same one.
    fn open_before(&self, at: i64) -> i64 {
        let day = self.shift_at(at);
        let begun = if self.has_shift(day) { at.min(self.closing(day)) - self.opening(day) } else { 0 };
        self.worked(day) + begun
    }

    /// How much longer than the clock says the shift of a day is, if it is open at all.
    fn longer(&self, day: i64) -> Option<i64> {
        let open = self.closing(day) - self.opening(day);
        (open > 0).then(|| open - (self.to - self.from))
    }

    /// Every day near a change of the clock.
    fn changing_days(&self) -> BTreeSet<i64> {
        let changes = self.clock.changes.iter().map(|(at, _)| at.div_euclid(DAY));
        changes.flat_map(|day| day - 3..=day + 3).collect()
    }
}

/// Without the clock changes of a century.
impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar").field("name", &self.name).finish_non_exhaustive()
    }
}

fn bounded(at: Timestamp) -> i64 {
    at.0.clamp(-NEVER, NEVER)
}

/// A Monday, as a day counted from 1970-01-01, which was a Thursday.
fn day_of_a_monday() -> i64 {
    -3
}

/// The weekday of a day, where Monday is 0.
fn weekday(day: i64) -> usize {
    usize::try_from((day - day_of_a_monday()).rem_euclid(7)).unwrap_or(0)
}

/// The first day, from `day` on, of which something is true that is true of every later day too.
fn first_day(day: i64, is_true: impl Fn(i64) -> bool) -> Option<i64> {
    let (mut low, mut high) = (day, LAST_DAY);
    if low > high || !is_true(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_true(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// What the clocks of a zone show. Times are in milliseconds; a local one is what a clock shows, as if it stood in UTC.
#[derive(Clone, PartialEq, Eq)]
struct Clock {
    /// How far the clock is ahead of UTC before the first change.
    first: i64,
    /// From when on the clock is how far ahead of UTC; sorted.
    changes: Vec<(i64, i64)>,
}

impl Clock {
    fn of(zone: Tz) -> Self {
        let offset = |second: i64| {
            let at = DateTime::<Utc>::from_timestamp(second, 0).unwrap_or_default();
            i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) * 1000
        };
        let first = offset(0);
        let (mut known, mut changes) = (first, Vec::new());
        for day in (DAY / 1000..=KNOWN_UNTIL).step_by(86_400) {
            let later = offset(day);
            if later == known {
                continue;
            }
            let (mut before, mut after) = (day - DAY / 1000, day);
            while before + 1 < after {
                let middle = before + (after - before) / 2;
                if offset(middle) == known {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            changes.push((after * 1000, later));
            known = later;
        }
        Self { first, changes }
    }

    /// How many changes have come by this instant.
    fn changes_by(&self, at: i64) -> usize {
        self.changes.partition_point(|(change, _)| *change <= at)
    }

    /// The offset after so many changes.
    fn offset_after(&self, changes: usize) -> i64 {
        changes.checked_sub(1).and_then(|last| self.changes.get(last)).map_or(self.first, |(_, offset)| *offset)
    }

    fn offset(&self, at: i64) -> i64 {
        self.offset_after(self.changes_by(at))
    }

    /// The first instant at which the clock shows this local time or a later one.
    fn first_showing(&self, local: i64) -> i64 {
        let mut changes = self.changes_by(local - FAR);
        loop {
            let at = local - self.offset_after(changes);
            let begun =
                changes.checked_sub(1).and_then(|last| self.changes.get(last)).map_or(at, |(change, _)| *change);
            let at = at.max(begun);
            match self.changes.get(changes) {
                Some((next, _)) if at >= *next => changes += 1,
                _ => return at,
            }
        }
    }

    /// The latest local time that the clock has shown, or was about to show, up to this instant.
    fn highest_shown(&self, at: i64) -> i64 {
        let changes = self.changes_by(at);
        let shown = at + self.offset_after(changes);
        match changes.checked_sub(1).and_then(|last| self.changes.get(last).map(|(change, _)| (last, *change))) {
            Some((before, change)) => shown.max(change + self.offset_after(before)),
            None => shown,
        }
    }
}
