//! When a length of time is over, also where part of it could not be heard.

use std::sync::Arc;
use std::time::Duration;

use pulsewarden::engine::{BusinessTime, Calendar, Interval, Length, Timestamp};

use crate::{EVERY_DAY, MON_TO_FRI, at, calendar, hours, minutes, office};

const NEVER: Timestamp = Timestamp(i64::MAX);

fn days(calendar: &Arc<Calendar>, days: u32) -> Length {
    Length::Business { calendar: Arc::clone(calendar), amount: BusinessTime::Days(days) }
}

fn open(calendar: &Arc<Calendar>, open: Duration) -> Length {
    Length::Business { calendar: Arc::clone(calendar), amount: BusinessTime::Open(open) }
}

fn blind(intervals: &[(&str, &str)]) -> Vec<Interval> {
    intervals.iter().map(|(from, to)| Interval { from: at(from), to: at(to) }).collect()
}

#[test]
fn lengths_are_shown_as_people_write_them() {
    let office = Arc::new(office(&[]));
    let shown = [
        (Length::from(hours(72)), "72h"),
        (Length::from(hours(24)), "24h"),
        (Length::from(hours(14 * 24)), "14d"),
        (Length::from(hours(4 * 24)), "4d"),
        (Length::from(hours(100)), "100h"),
        (Length::from(minutes(90)), "90m"),
        (Length::from(Duration::from_secs(30)), "30s"),
        (Length::from(Duration::from_millis(1500)), "1500ms"),
        (Length::from(Duration::ZERO), "0s"),
        (days(&office, 2), "2 business days"),
        (days(&office, 1), "1 business day"),
        (open(&office, hours(8)), "8 business hours"),
        (open(&office, hours(48)), "48 business hours"),
        (open(&office, hours(240)), "240 business hours"),
        (open(&office, hours(1)), "1 business hour"),
        (open(&office, minutes(90)), "90 business minutes"),
        (open(&office, Duration::ZERO), "0 business seconds"),
    ];
    for (length, text) in shown {
        assert_eq!(length.to_string(), text);
    }
}

#[test]
fn intervals_are_stored_as_they_were() {
    let interval = Interval { from: Timestamp(1), to: Timestamp(2) };
    let text = serde_json::to_string(&interval).unwrap();
    assert_eq!(text, r#"{"from":1,"to":2}"#);
    assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), interval);
}

#[test]
fn a_length_counts_from_its_start() {
    let office = Arc::new(office(&[]));
    let start = at("2026-01-16T20:00:00Z");
    assert_eq!(Length::from(hours(72)).after(start), at("2026-01-19T20:00:00Z"));
    assert_eq!(days(&office, 2).after(start), at("2026-01-20T20:00:00Z"));
    assert_eq!(open(&office, hours(8)).after(start), at("2026-01-19T18:00:00Z"));
    for length in [Length::from(Duration::MAX), days(&office, u32::MAX), open(&office, Duration::MAX)] {
        assert_eq!(length.after(NEVER), NEVER);
        assert_eq!(length.after_hearing(NEVER, &[]), NEVER);
        assert_eq!(length.after_hearing(NEVER, &blind(&[("2026-01-16T20:00:00Z", "2026-01-17T20:00:00Z")])), NEVER);
    }
}

#[test]
fn plain_time_in_which_nothing_could_be_heard_does_not_count() {
    let after = |start: &str, span, intervals: &[(&str, &str)]| {
        Length::from(span).after_hearing(at(start), &blind(intervals)).to_string()
    };
    let gap = ("2026-01-01T10:00:00Z", "2026-01-01T12:00:00Z");
    let later = ("2026-01-01T13:00:00Z", "2026-01-01T13:30:00Z");
    assert_eq!(after("2026-01-01T08:00:00Z", hours(1), &[gap, later]), "2026-01-01T09:00:00.000Z", "over before");
    assert_eq!(after("2026-01-01T08:00:00Z", hours(2), &[gap, later]), "2026-01-01T10:00:00.000Z", "just over");
    assert_eq!(after("2026-01-01T08:00:00Z", hours(3), &[gap, later]), "2026-01-01T13:00:00.000Z");
    assert_eq!(after("2026-01-01T08:00:00Z", minutes(181), &[gap, later]), "2026-01-01T13:31:00.000Z");
    assert_eq!(after("2026-01-01T10:00:00Z", hours(1), &[gap]), "2026-01-01T13:00:00.000Z", "from its beginning");
    assert_eq!(after("2026-01-01T11:00:00Z", hours(1), &[gap]), "2026-01-01T13:00:00.000Z", "from inside");
    assert_eq!(after("2026-01-01T12:00:00Z", hours(1), &[gap]), "2026-01-01T13:00:00.000Z", "from its end");
    assert_eq!(after("2026-01-01T14:00:00Z", hours(1), &[gap, later]), "2026-01-01T15:00:00.000Z", "all before");
    assert_eq!(
        after("2026-01-01T11:00:00Z", Duration::ZERO, &[gap]),
        "2026-01-01T11:00:00.000Z",
        "nothing to wait for"
    );
    let ever = [Interval { from: at("2026-01-01T10:00:00Z"), to: NEVER }];
    assert_eq!(Length::from(hours(3)).after_hearing(at("2026-01-01T08:00:00Z"), &ever), NEVER);
}

#[test]
fn business_hours_in_which_nothing_could_be_heard_do_not_count() {
    let office = Arc::new(office(&[]));
    let after = |start: &str, length: &Length, intervals: &[(&str, &str)]| {
        length.after_hearing(at(start), &blind(intervals)).to_string()
    };
    // Two of the four hours are open ones. The office is open from 13:00 to 23:00 UTC.
    let gap = ("2026-01-15T11:00:00Z", "2026-01-15T15:00:00Z");
    let night = ("2026-01-15T23:30:00Z", "2026-01-16T12:30:00Z");
    let eight = open(&office, hours(8));
    assert_eq!(after("2026-01-14T22:00:00Z", &eight, &[gap]), "2026-01-15T22:00:00.000Z");
    assert_eq!(after("2026-01-15T14:00:00Z", &eight, &[gap]), "2026-01-15T23:00:00.000Z");
    assert_eq!(after("2026-01-15T16:00:00Z", &eight, &[night]), "2026-01-16T14:00:00.000Z", "a night takes nothing");
    let one = days(&office, 1);
    assert_eq!(after("2026-01-14T22:00:00Z", &one, &[gap]), "2026-01-16T14:00:00.000Z", "one open hour went before");
    assert_eq!(after("2026-01-15T16:00:00Z", &one, &[night]), "2026-01-16T16:00:00.000Z", "a night takes nothing");
    assert_eq!(after("2026-01-15T14:00:00Z", &one, &[gap]), "2026-01-16T15:00:00.000Z", "it begins with the hearing");
    assert_eq!(after("2026-01-15T16:00:00Z", &one, &[gap]), "2026-01-16T16:00:00.000Z", "all before");
    // From a weekend the end is an opening. A night before it takes nothing, and one over it waits for hearing.
    assert_eq!(after("2026-01-11T16:00:00Z", &days(&office, 4), &[night]), "2026-01-16T13:00:00.000Z");
    let morning = ("2026-01-15T23:30:00Z", "2026-01-16T14:30:00Z");
    assert_eq!(after("2026-01-11T16:00:00Z", &days(&office, 4), &[morning]), "2026-01-16T14:30:00.000Z");
}

/// Every second of blind time is taken out, and what is left is measured as if it followed on.
#[test]
fn what_could_be_heard_is_as_long_as_what_was_asked_for() {
    let mut chance = fastrand::Rng::with_seed(11);
    let night = Arc::new(calendar(EVERY_DAY, "20:00", "06:00", "Europe/Berlin", &[]));
    for _ in 0..2000 {
        let (blind, start, span) = chances(&mut chance, at("2026-03-24T00:00:00Z"));
        let heard_until = |end: Timestamp, open: &dyn Fn(Timestamp, Timestamp) -> Duration| {
            let lost = blind.iter().map(|interval| open(interval.from.max(start), interval.to.min(end)));
            open(start, end) - lost.sum::<Duration>()
        };
        let plain = Length::from(span).after_hearing(start, &blind);
        assert_eq!(heard_until(plain, &|from, to| to.since(from)), span);
        let worked = open(&night, span).after_hearing(start, &blind);
        assert_eq!(heard_until(worked, &|from, to| night.open_between(from, to)), span);
        assert!(night.is_open(Timestamp(worked.0 - 1)), "the earliest instant");
        for end in [plain, worked] {
            assert!(!blind.iter().any(|interval| interval.from < end && end <= interval.to), "{end} in {blind:?}");
        }
    }
}

/// Intervals of up to half a day, over two weeks from `day` on; an instant in the first of them; and a length.
fn chances(chance: &mut fastrand::Rng, day: Timestamp) -> (Vec<Interval>, Timestamp, Duration) {
    let (mut blind, mut from) = (Vec::new(), day);
    while from < day.plus(hours(14 * 24)) {
        from = from.plus(minutes(chance.u64(1..60 * 48)));
        let to = from.plus(minutes(chance.u64(1..720)));
        blind.push(Interval { from, to });
        from = to;
    }
    (blind, day.plus(minutes(chance.u64(0..7 * 1440))), minutes(chance.u64(1..4 * 1440)))
}

#[test]
fn a_later_start_never_ends_earlier() {
    let mut chance = fastrand::Rng::with_seed(13);
    let calendars = [
        office(&["2026-11-02"]),
        calendar(EVERY_DAY, "20:00", "06:00", "Europe/Berlin", &["2026-10-24"]),
        calendar(MON_TO_FRI, "00:00", "24:00", "Europe/Berlin", &[]),
        calendar(EVERY_DAY, "00:00", "24:00", "America/New_York", &["2026-03-09"]),
        calendar(EVERY_DAY, "22:00", "01:45", "America/New_York", &[]),
        calendar(EVERY_DAY, "01:15", "02:45", "Australia/Lord_Howe", &[]),
        calendar(EVERY_DAY, "08:00", "18:00", "Pacific/Apia", &[]),
    ];
    let days_around =
        ["2026-03-03", "2026-03-24", "2026-03-30", "2026-09-29", "2026-10-20", "2026-10-27", "2011-12-24"];
    for office in calendars.map(Arc::new) {
        for day in days_around {
            for _ in 0..4 {
                let (blind, _, span) = chances(&mut chance, at(&format!("{day}T00:00:00Z")));
                let blind = if chance.bool() { blind } else { blind.into_iter().step_by(3).collect() };
                let length = match chance.u8(0..3) {
                    0 => days(&office, chance.u32(0..5)),
                    1 => open(&office, span),
                    _ => Length::from(span),
                };
                let mut starts: Vec<Timestamp> = (0..200)
                    .map(|_| at(&format!("{day}T00:00:00Z")).plus(minutes(chance.u64(0..10 * 1440))))
                    .chain(blind.iter().flat_map(|interval| [interval.from, interval.to]))
                    .flat_map(|start| [Timestamp(start.0 - 1), start])
                    .collect();
                starts.sort();
                let mut before = [Timestamp(i64::MIN); 2];
                for start in starts {
                    let name = format!("{length} from {start} with {blind:?}");
                    let [plain, heard] = [length.after(start), length.after_hearing(start, &blind)];
                    assert!(before[0] <= plain && before[1] <= heard, "{name}: {before:?} and {plain}, {heard}");
                    assert!(start <= plain && plain <= heard, "{name}: never earlier than without");
                    before = [plain, heard];
                }
            }
        }
    }
}

#[test]
fn the_ends_of_time_are_never_passed() {
    let mut chance = fastrand::Rng::with_seed(17);
    let office = Arc::new(office(&[]));
    for _ in 0..5000 {
        let some = chance.i64(..) >> chance.u32(0..63);
        let mut starts = [some, chance.i64(..), chance.i64(..) >> 20, i64::MAX - chance.i64(0..9)].map(Timestamp);
        starts.sort();
        let span = Duration::from_millis(chance.u64(..) >> chance.u32(0..64));
        let blind = [Interval { from: starts[1], to: starts[2] }];
        for length in [Length::from(span), open(&office, span), days(&office, chance.u32(..))] {
            for pair in starts.windows(2) {
                assert!(length.after(pair[0]) <= length.after(pair[1]), "{length} from {pair:?}");
                let [first, second] = [pair[0], pair[1]].map(|start| length.after_hearing(start, &blind));
                assert!(first <= second, "{length} from {pair:?} with {blind:?}");
                assert!(length.after(pair[0]) >= pair[0]);
            }
        }
    }
}
