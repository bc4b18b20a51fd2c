//! What a receiver may see: values above its class never reach a text.

use chrono::DateTime;
use minijinja::value::Value as Shown;

use crate::engine::{Phi, Seen, Timestamp, Value};

/// What stands for a value that a receiver may not see.
pub(super) const HIDDEN: &str = "[hidden]";

/// A value for a template, or [`HIDDEN`].
pub(super) fn shown(seen: &Seen, phi: Phi) -> Shown {
    if seen.protection > phi { Shown::from(HIDDEN) } else { plain(&seen.value) }
}

/// A value as text, or [`HIDDEN`].
pub(super) fn text(seen: &Seen, phi: Phi) -> String {
    if seen.protection > phi { HIDDEN.to_owned() } else { plain(&seen.value).to_string() }
}

fn plain(value: &Value) -> Shown {
    match value {
        Value::Bool(flag) => Shown::from(*flag),
        Value::Int(number) => Shown::from(*number),
        Value::Float(number) => Shown::from(*number),
        Value::Text(text) => Shown::from(printable(text)),
        Value::Time(at) => Shown::from(instant(*at)),
        Value::Span(millis) => Shown::from(span(*millis)),
        Value::List(values) => {
            let items: Vec<String> = values.iter().map(|value| plain(value).to_string()).collect();
            Shown::from(items.join(", "))
        }
    }
}

/// An instant for people, to the minute.
pub(super) fn instant(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.0)
        .map_or_else(|| "an unknown time".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        _ if seconds != 0 && seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        _ if seconds != 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        _ if seconds != 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// Text without control characters: payloads may hold any.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}
