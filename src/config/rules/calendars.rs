//! Calendars: the hours in which business is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;

use super::values::is_identifier;
use super::{File, Placed, zone};
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::{Entry, Node, Value};
use crate::engine::Calendar;

/// How to write one.
const EXAMPLE: &str =
    "calendars: { office: { days: mon-fri, from: \"08:00\", to: \"18:00\", time_zone: America/New_York } }";

/// What stands under the name of one.
const KEYS: &str = "{ days: mon-fri, from: \"08:00\", to: \"18:00\", time_zone: America/New_York }";

/// The most calendars, and the most holidays of one.
const MOST: usize = 50;
pub(in crate::config) const MOST_HOLIDAYS: usize = 1000;

pub(in crate::config) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
pub(super) const WHOLE_DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Words for several days, and what they are here.
const SEVERAL: [(&str, &str); 7] = [
    ("weekdays", "mon-fri"),
    ("workdays", "mon-fri"),
    ("weekday", "mon-fri"),
    ("weekend", "sat-sun"),
    ("daily", "mon-sun"),
    ("every day", "mon-sun"),
    ("all", "mon-sun"),
];

/// Open hours of a day beyond which two times were probably mixed up.
const LONG_DAY: u16 = 16 * 60;

/// The calendars by name; one that is wrong in itself is known by its name alone.
#[derive(Default)]
pub(super) struct Calendars {
    pub known: BTreeMap<String, Placed<Option<Arc<Calendar>>>>,
    /// A file could not be read, so that there may be others.
    pub incomplete: bool,
}

impl Calendars {
    /// The calendar that a rule names.
    pub(super) fn named(&self, walk: &Walk, node: &Node) -> Option<Arc<Calendar>> {
        let name = walk.full_text(node, "office")?;
        if let Some(found) = self.known.get(name) {
            return found.value.clone();
        }
        if !self.incomplete {
            walk.error(node, format!("no calendar is named `{name}`"), self.instead(name));
        }
        None
    }

    /// The one calendar that there is, for a length of business time in a rule that names none.
    pub(super) fn only(&self, walk: &Walk, node: &Node) -> Option<Arc<Calendar>> {
        let mut all = self.known.values();
        match (all.next(), all.next()) {
            (Some(only), None) => only.value.clone(),
            (None, _) => {
                if !self.incomplete {
                    walk.error(node, "there is no calendar that says what business time is", format!("add {EXAMPLE}"));
                }
                None
            }
            (Some(_), Some(_)) => {
                let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
                let help = format!("add `calendar:` to the rule; there are {}", names.join(", "));
                walk.error(node, "this is business time, and the rule does not say of which calendar", help);
                None
            }
        }
    }

    /// What to write instead of a name that no calendar has.
    pub(super) fn instead(&self, name: &str) -> String {
        let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("add {}", EXAMPLE.replace("office", name)),
            None => format!("the calendars are {}", names.join(", ")),
        }
    }
}

/// Reads `calendars:`; one of a customer's own file replaces a shipped one.
pub(super) fn read(file: &File<'_>, node: &Node, calendars: &mut Calendars) {
    let walk = file.walk;
    if matches!(node.value, Value::Empty) {
        return;
    }
    if let Value::List(_) = node.value {
        walk.error(node, "`calendars` is a map by name, and this is a list", format!("write {EXAMPLE}"));
        return;
    }
    let Some(fields) = walk.fields(node, "calendars by name", &format!("{{ office: {KEYS} }}")) else { return };
    for Entry { key, place, value: node } in fields.all() {
        let place = place.clone();
        if !is_identifier(key) {
            let problem = Problem::error(place, format!("`{key}` cannot be the name of a calendar"));
            walk.add(problem.help("use letters, digits and `_`, beginning with a letter"));
            continue;
        }
        if let Some(known) = calendars.known.get(key).filter(|known| known.origin == file.origin) {
            let problem = Problem::error(place, format!("the calendar `{key}` is given twice"));
            walk.add(problem.related(known.place.clone(), "first here").help("keep one of the two"));
            continue;
        }
        if calendars.known.len() == MOST {
            walk.add(
                Problem::error(place, format!("more than {MOST} calendars")).help("remove those that no rule names"),
            );
            return;
        }
        let value = calendar(walk, key, node).map(Arc::new);
        calendars.known.insert(key.clone(), Placed { value, origin: file.origin, place });
    }
}

fn calendar(walk: &Walk, name: &str, node: &Node) -> Option<Calendar> {
    let fields = walk.fields(node, "a calendar", KEYS)?;
    let days = fields
        .need(walk, "days", "a calendar", "say on which days business is done: days: mon-fri")
        .and_then(|node| days(walk, node));
    let times = times(walk, &fields);
    let zone = fields
        .renamed(walk, "time_zone", &["zone", "tz"])
        .or_else(|| fields.need(walk, "time_zone", "a calendar", "say in which zone: time_zone: America/New_York"))
        .and_then(|node| zone::read(walk, node));
    let holidays = fields.get("holidays").map_or_else(|| Some(BTreeSet::new()), |node| holidays(walk, node));
    fields.done(walk, "a calendar", &[]);
    let (days, (from, to), zone, holidays) = (days?, times?, zone?, holidays?);
    match Calendar::new(name, days, from, to, zone, &holidays) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            walk.error(node, format!("this calendar cannot be used: {error}"), format!("write it as in {KEYS}"));
            None
        }
    }
}

/// `mon-fri`, `[mon, wed]`, `[mon-thu, sat]`.
fn days(walk: &Walk, node: &Node) -> Option<[bool; 7]> {
    let mut open = [false; 7];
    let mut wrong = false;
    for node in walk.some_items(node, "mon, tue, wed") {
        let Some(text) = walk.full_text(node, "mon-fri") else {
            wrong = true;
            continue;
        };
        match stretch(text) {
            Ok((first, last)) => {
                let mut day = first;
                open[day] = true;
                while day != last {
                    day = (day + 1) % DAYS.len();
                    open[day] = true;
                }
            }
            Err(help) => {
                walk.error(node, format!("`{text}` is neither a day nor days"), help);
                wrong = true;
            }
        }
    }
    (!wrong && open.contains(&true)).then_some(open)
}

/// The first and the last day of a stretch, or what to write instead.
fn stretch(text: &str) -> Result<(usize, usize), String> {
    let lower = text.to_ascii_lowercase();
    let days: Vec<&str> = lower.split(['-', '–']).map(str::trim).collect();
    let known = |day: &str| DAYS.iter().position(|known| *known == day);
    match *days {
        [day] if known(day).is_some() => return Ok((known(day).unwrap_or(0), known(day).unwrap_or(0))),
        [first, last] => {
            if let (Some(first), Some(last)) = (known(first), known(last)) {
                return Ok((first, last));
            }
        }
        _ => {}
    }
    if let Some((_, days)) = SEVERAL.iter().find(|(word, _)| *word == lower) {
        return Err(format!("write {days}"));
    }
    let meant = |word: &str| {
        let near = |days: [&str; 7]| days.iter().position(|day| nearest(word, [*day]).is_some());
        near(WHOLE_DAYS)
            .or_else(|| near(DAYS))
            .or_else(|| DAYS.iter().position(|day| word.starts_with(day)))
            .map(|at| DAYS[at])
    };
    let words: Vec<&str> = lower.split([',', ';', ' ', '-', '–']).filter(|word| !word.is_empty()).collect();
    let meant: Option<Vec<&str>> = words.iter().map(|word| meant(word)).collect();
    let joined =
        |days: Vec<&str>| if lower.contains([',', ';']) { format!("[{}]", days.join(", ")) } else { days.join("-") };
    Err(match meant {
        Some(days) if !days.is_empty() => format!("write {}", joined(days)),
        _ => format!("days are {}; write mon-fri or [mon, wed]", DAYS.join(", ")),
    })
}

/// From when to when it is open, in minutes since midnight.
fn times(walk: &Walk, fields: &Fields<'_>) -> Option<(u16, u16)> {
    let need = |key, help| fields.need(walk, key, "a calendar", help);
    let from_node = need("from", "say from when: from: \"08:00\"");
    let to_node = need("to", "say until when: to: \"18:00\"");
    let from = from_node.and_then(|node| time_of_day(walk, node, "08:00"));
    let to = to_node.and_then(|node| time_of_day(walk, node, "18:00"));
    let (from, to, from_node, to_node) = (from?, to?, from_node?, to_node?);
    if from == 24 * 60 {
        walk.error(from_node, "a day does not begin at its end", "write \"00:00\"");
        return None;
    }
    if from == to {
        let help = "for the whole day, write from: \"00:00\" and to: \"24:00\"";
        walk.error(to_node, "business begins and ends at the same time", help);
        return None;
    }
    let long = to < from && to + 24 * 60 - from > LONG_DAY;
    if long {
        let hours = (to + 24 * 60 - from) / 60;
        let message = format!("this is over midnight, so that business is done {hours} hours a day");
        walk.warn(to_node, message, "times are of 24 hours: six in the evening is \"18:00\"");
    }
    Some((from, to))
}

/// Minutes since midnight.
pub(super) fn time_of_day(walk: &Walk, node: &Node, example: &str) -> Option<u16> {
    let text = walk.full_text(node, &format!("\"{example}\""))?;
    let read = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let digits = |part: &str, most: usize| {
            let fits = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| part.parse::<u16>().ok()).flatten()
        };
        let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2).filter(|_| minutes.len() == 2)?);
        let at = hours * 60 + minutes;
        (minutes < 60 && at <= 24 * 60).then_some(at)
    };
    let found = read(text.trim());
    if found.is_none() {
        let help = match of_twelve_hours(text) {
            Some(meant) => format!("write \"{meant}\""),
            None => format!("write hours and minutes of 24 hours, as in \"{example}\""),
        };
        walk.error(node, format!("`{text}` is not a time of day"), help);
    }
    found
}

/// What `8am`, `6 pm` and `6:30 PM` mean, and `8` alone.
fn of_twelve_hours(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase().replace('.', "");
    let (time, later) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(time), _) => (time, Some(0)),
        (_, Some(time)) => (time, Some(12)),
        _ => (&*lower, None),
    };
    let (hours, minutes) = time.trim().split_once(':').unwrap_or((time.trim(), "00"));
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    let hours = match later {
        Some(later) if (1..=12).contains(&hours) => hours % 12 + later,
        Some(_) => return None,
        None => hours,
    };
    (hours <= 24 && minutes < 60).then(|| format!("{hours:02}:{minutes:02}"))
}

fn holidays(walk: &Walk, node: &Node) -> Option<BTreeSet<NaiveDate>> {
    let items = walk.items(node);
    if let Some(node) = items.get(MOST_HOLIDAYS) {
        walk.error(node, format!("more than {MOST_HOLIDAYS} holidays"), "remove those of past years");
        return None;
    }
    let dates: Vec<_> = items.iter().map(|node| date(walk, node)).collect();
    dates.into_iter().collect()
}

fn date(walk: &Walk, node: &Node) -> Option<NaiveDate> {
    let text = walk.full_text(node, "2026-12-25")?;
    let shape = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        matches!(*parts, [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
    };
    if !shape(text) {
        let parts: Vec<&str> = text.split(['-', '.', '/']).map(str::trim).filter(|part| !part.is_empty()).collect();
        let help = match *parts {
            [_, _] => "holidays are given for each year: write the whole date, as in 2026-12-25",
            _ => "write year, month and day, as in 2026-12-25",
        };
        walk.error(node, format!("`{text}` is not a date"), help);
        return None;
    }
    let found = text.parse().ok();
    if found.is_none() {
        walk.error(node, format!("there is no day `{text}`"), "write year, month and day, as in 2026-12-25");
    }
    found
}
