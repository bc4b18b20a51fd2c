//! Time intervals: when routes are muted, or active.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono_tz::Tz;

use super::calendars::{WHOLE_DAYS, time_of_day};
use super::{File, Placed, rule::name, zone};
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::{Span, TimeInterval};

const EXAMPLE: &str = "{ name: nights, time_intervals: [{ times: [{ start_time: \"18:00\", end_time: \"24:00\" }] }] }";
const EXAMPLE_SPAN: &str = "{ weekdays: [monday:friday], times: [{ start_time: \"09:00\", end_time: \"17:00\" }] }";
const EXAMPLE_TIMES: &str = "{ start_time: \"09:00\", end_time: \"17:00\" }";

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Time intervals by name; one that is wrong in itself is known by its name alone.
#[derive(Default)]
pub(super) struct Intervals {
    known: BTreeMap<String, Placed<Option<TimeInterval>>>,
    /// A file could not be read, so that there may be others.
    pub incomplete: bool,
}

impl Intervals {
    /// The intervals that a route names.
    pub(super) fn named(&self, walk: &Walk, node: &Node) -> Option<Vec<TimeInterval>> {
        let mut found = Vec::new();
        let mut whole = true;
        for node in walk.some_items(node, "nights") {
            match walk.full_text(node, "nights").map(|name| (name, self.known.get(name))) {
                Some((_, Some(placed))) => {
                    whole &= placed.value.is_some();
                    found.extend(placed.value.clone());
                }
                Some((name, None)) if !self.incomplete => {
                    walk.error(node, format!("no time interval is named `{name}`"), self.instead(name));
                    whole = false;
                }
                _ => whole = false,
            }
        }
        whole.then_some(found)
    }

    fn instead(&self, name: &str) -> String {
        let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("add time_intervals: [{}]", EXAMPLE.replace("nights", name)),
            None => format!("the time intervals are {}", names.join(", ")),
        }
    }
}

/// Reads one of `time_intervals:`; one of a customer's own file replaces a shipped one.
pub(super) fn read(file: &File<'_>, node: &Node, intervals: &mut Intervals) {
    let walk = file.walk;
    let Some(fields) = walk.fields(node, "a time interval", EXAMPLE) else { return };
    let named = fields
        .need(walk, "name", "a time interval", "give it a name: name: nights")
        .and_then(|node| name(walk, node).map(|name| (name, walk.place(node))));
    let spans = fields
        .need(walk, "time_intervals", "a time interval", &format!("say when it is: time_intervals: [{EXAMPLE_SPAN}]"))
        .map(|node| all(walk.some_items(node, EXAMPLE_SPAN).iter().map(|node| span(walk, node))));
    fields.done(walk, "a time interval", &[]);
    let Some((name, place)) = named else { return };
    if let Some(known) = intervals.known.get(&name).filter(|known| known.origin == file.origin) {
        let problem = Problem::error(place, format!("the time interval `{name}` is given twice"));
        walk.add(problem.related(known.place.clone(), "first here").help("keep one of the two"));
        return;
    }
    let value = spans.flatten().map(|spans| TimeInterval { name: name.clone(), spans });
    intervals.known.insert(name, Placed { value, origin: file.origin, place });
}

/// All of them, or none; each is read, so that every mistake is found.
pub(super) fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    read.collect::<Vec<_>>().into_iter().collect()
}

fn span(walk: &Walk, node: &Node) -> Option<Span> {
    let fields = walk.fields(node, "a span of time", EXAMPLE_SPAN)?;
    let list = |key| fields.get(key);
    let times = list("times").map_or(Some(Vec::new()), |node| {
        all(walk.some_items(node, EXAMPLE_TIMES).iter().map(|node| times(walk, node)))
    });
    let ranges = |key, names: &'static [&'static str], least: i32, most: i32, example: &'static str| {
        list(key).map_or(Some(Vec::new()), |node| {
            let read = |node| range(walk, node, names, (least, most), example);
            all(walk.some_items(node, example).iter().map(read))
        })
    };
    let weekdays = ranges("weekdays", &WHOLE_DAYS, 1, 0, "monday:friday");
    let months = ranges("months", &MONTHS, 1, 12, "january:march");
    let years = ranges("years", &[], 1970, 9999, "2026:2027");
    let days_of_month = list("days_of_month").map_or(Some(Vec::new()), |node| {
        all(walk.some_items(node, "1:5").iter().map(|node| days_of_month(walk, node)))
    });
    let zone = match fields.get("location") {
        Some(node) => Some(node),
        None => fields.renamed(walk, "location", &["time_zone", "zone"]),
    };
    let zone = zone.map_or(Some(Tz::UTC), |node| zone::read(walk, node));
    fields.done(walk, "a span of time", &[]);
    let small = |range: (i32, i32)| -> RangeInclusive<u8> {
        u8::try_from(range.0).unwrap_or(0)..=u8::try_from(range.1).unwrap_or(u8::MAX)
    };
    Some(Span {
        times: times?,
        weekdays: weekdays?.into_iter().map(|(from, to)| small((from - 1, to - 1))).collect(),
        days_of_month: days_of_month?,
        months: months?.into_iter().map(small).collect(),
        years: years?.into_iter().map(|(from, to)| from..=to).collect(),
        zone: zone?,
    })
}

fn times(walk: &Walk, node: &Node) -> Option<(u16, u16)> {
    let fields = walk.fields(node, "times", EXAMPLE_TIMES)?;
    let from_node = fields.need(walk, "start_time", "`times`", "say from when: start_time: \"09:00\"");
    let to_node = fields.need(walk, "end_time", "`times`", "say until when: end_time: \"17:00\"");
    fields.done(walk, "`times`", &[]);
    let from = from_node.and_then(|node| time_of_day(walk, node, "09:00"));
    let to = to_node.and_then(|node| time_of_day(walk, node, "17:00"));
    let (from, to) = (from?, to?);
    if from >= to {
        let help = format!(
            "for a night, give two: [{{ start_time: \"{}\", end_time: \"24:00\" }}, {{ start_time: \"00:00\", end_time: \"{}\" }}]",
            clock(from),
            clock(to)
        );
        walk.error(to_node?, "a span of a day ends after it begins", help);
        return None;
    }
    Some((from, to))
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `monday:friday`, `march`, `2026:2027`; words count from 1.
fn range(walk: &Walk, node: &Node, names: &[&str], limits: (i32, i32), example: &str) -> Option<(i32, i32)> {
    let text = &walk.scalar(node, "text or a number", example)?.text;
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let read = |word: &str| {
        let word = word.trim().to_ascii_lowercase();
        let number = word.parse().ok().filter(|number| (limits.0..=limits.1).contains(number));
        let place = names.iter().position(|name| *name == word || name.get(..3) == Some(&word));
        number.or_else(|| i32::try_from(place?).ok().map(|place| place + 1))
    };
    match (read(first), read(last)) {
        (Some(from), Some(to)) if from <= to => Some((from, to)),
        (Some(_), Some(_)) => {
            let help = format!(
                "write two: [\"{first}:{}\", \"{}:{last}\"]",
                edge(names, limits, true),
                edge(names, limits, false)
            );
            walk.error(node, format!("`{text}` ends before it begins"), help);
            None
        }
        _ => {
            walk.error(node, format!("`{text}` is not one of these, nor a range of them"), format!("write {example}"));
            None
        }
    }
}

fn edge(names: &[&str], limits: (i32, i32), last: bool) -> String {
    let name = if last { names.last() } else { names.first() };
    name.map_or_else(|| (if last { limits.1 } else { limits.0 }).to_string(), |name| (*name).to_owned())
}

/// `1:5`, `-3:-1`, `15`.
fn days_of_month(walk: &Walk, node: &Node) -> Option<(i8, i8)> {
    let text = &walk.scalar(node, "text or a number", "\"1:5\"")?.text;
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let read = |word: &str| word.trim().parse::<i8>().ok().filter(|day| *day != 0 && (-31..=31).contains(day));
    let (Some(from), Some(to)) = (read(first), read(last)) else {
        let help = "write days from 1 to 31, or -1 for the last one: \"1:5\", \"-3:-1\"";
        walk.error(node, format!("`{text}` is not a day of the month, nor a range of them"), help);
        return None;
    };
    if from.signum() == to.signum() && from > to {
        walk.error(node, format!("`{text}` ends before it begins"), "write the earlier day first");
        return None;
    }
    Some((from, to))
}
