//! Impilo's forms of time. All that name an instant are read; the rest count as no time.

use chrono::DateTime;
use serde_json::Value;

use crate::engine::Timestamp;

/// Epoch numbers below this are seconds (the year 5138), from it on milliseconds. Impilo's log wrote milliseconds before
/// June 2024 (documented); seconds were never seen.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// Milliseconds of the first instant of the year 10000.
const END: i64 = 253_402_300_800_000;

/// The instant that a JSON value names: RFC 3339 with any fraction and offset, or epoch milliseconds. A clock time without
/// a zone and a word are none.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    let at = match value {
        Value::String(text) => match DateTime::parse_from_rfc3339(text.trim()) {
            Ok(at) => at.timestamp_millis(),
            Err(_) => return text.trim().parse::<i64>().ok().and_then(epoch),
        },
        Value::Number(number) => return number.as_i64().and_then(epoch),
        _ => return None,
    };
    in_calendar(at)
}

fn epoch(number: i64) -> Option<Timestamp> {
    let millis = if number < FIRST_MILLISECONDS { number.checked_mul(1000)? } else { number };
    in_calendar(millis).filter(|at| at.0 > 0)
}

fn in_calendar(millis: i64) -> Option<Timestamp> {
    (0..END).contains(&millis).then_some(Timestamp(millis))
}
