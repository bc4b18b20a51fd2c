//! What rules can name wherever they stand: calendars and tables.

use chrono_tz::TZ_VARIANTS;
use serde_json::{Value as Json, json};

use super::Parts;
use super::keys::Keys;
use super::shapes::{identifier, one_or_many, one_or_more, to};
use super::words::Words;
use crate::config::rules::{DAYS, MOST_HOLIDAYS};

pub(super) fn parts() -> Parts {
    vec![
        ("calendars", calendars()),
        ("calendar", calendar()),
        ("days", days()),
        ("time_zone", time_zone()),
        ("table", table()),
    ]
}

fn calendars() -> Json {
    json!({
        "title": "Calendars by name",
        "type": "object",
        "propertyNames": identifier(),
        "additionalProperties": to("calendar"),
    })
}

fn calendar() -> Json {
    let mut holidays = one_or_many(&json!({
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "errorMessage": "write year, month and day, as in 2026-12-25",
    }));
    holidays["maxItems"] = json!(MOST_HOLIDAYS);
    Keys::new("A calendar", Words::of_rules("A calendar", 0))
        .must("days", one_or_more(&to("days")))
        .must("from", time_of_day(false))
        .must("to", time_of_day(true))
        .must("time_zone", to("time_zone"))
        .may("holidays", holidays)
        .whole()
}

/// A day, or from one day to another, in letters of any case.
fn days() -> Json {
    let letter = |c: char| format!("[{}{c}]", c.to_ascii_uppercase());
    let day = DAYS.map(|day| day.chars().map(letter).collect::<String>()).join("|");
    let words: Vec<&str> = ["mon-fri", "mon-sun"].into_iter().chain(DAYS).collect();
    json!({
        "type": "string",
        "pattern": format!(r"^\s*({day})\s*([-–]\s*({day})\s*)?$"),
        "errorMessage": "write mon-fri, or [mon, tue, wed]",
        "anyOf": [{ "enum": words }, { "title": "From a day to another" }],
    })
}

/// Hours and minutes; a day has an end, and does not begin there.
fn time_of_day(end: bool) -> Json {
    let last = if end { "|24:00" } else { "" };
    json!({
        "type": "string",
        "pattern": format!(r"^\s*(([01]?[0-9]|2[0-3]):[0-5][0-9]{last})\s*$"),
        "errorMessage": "write hours and minutes of 24 hours in quotes, as in \"08:00\"",
        "examples": [if end { "18:00" } else { "08:00" }],
    })
}

fn time_zone() -> Json {
    let names: Vec<&str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    json!({ "enum": names, "errorMessage": "write the zone of a place, such as America/New_York" })
}

fn table() -> Json {
    let file = json!({
        "type": "string",
        "pattern": r"^([^./\\][^/\\]*/)*[^./\\][^/\\]*\.csv$",
        "errorMessage": "put a CSV file beside this one, and write its name alone, as in teams.csv",
        "examples": ["teams.csv"],
    });
    Keys::new("A table", Words::of_rules("A table", 0))
        .must("file", file)
        .must("key", to("label"))
        .must("columns", one_or_more(&to("own_label")))
        .whole()
}
