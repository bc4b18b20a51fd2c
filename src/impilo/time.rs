//! Impilo's forms of time. All that name an instant are read; the rest count as no time.
//!
//! Seen: RFC 3339 with zero to nine digits of a second and any offset; epoch milliseconds under a date-time format; clock
//! times without a zone (`2022-06-30/20:01`, `2025-09-12T06:44:09`), which name no instant; the literal word
//! `readingTimestamp`. Taken too, though never seen: an offset without a colon, epoch seconds, and numbers as text.

use chrono::DateTime;
use serde_json_borrow::Value;

use crate::engine::Timestamp;

/// Epoch numbers from this on (the year 1973, or 5138 in seconds) are milliseconds, below it seconds.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// The first instant of the year 2000: an earlier one is a program's zero, not something that happened to a device.
const EARLIEST: i64 = 946_684_800_000;

/// The first instant of the year 10000.
const END: i64 = 253_402_300_800_000;

/// The longest text that is tried: RFC 3339 with nine digits and an offset has 35 characters.
const LONGEST: usize = 64;

/// The instant that a JSON value names, to the millisecond.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    let millis = match value {
        Value::Str(text) if text.len() <= LONGEST => of_text(text.trim())?,
        Value::Number(number) => of_epoch(number.as_i64().or_else(|| whole(number.as_f64()?))?)?,
        _ => return None,
    };
    (EARLIEST..END).contains(&millis).then_some(Timestamp(millis))
}

fn of_text(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return of_epoch(text.parse().ok()?);
    }
    let read = DateTime::parse_from_rfc3339(text);
    let read = read.or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    read.ok().map(|at| at.timestamp_millis())
}

fn of_epoch(number: i64) -> Option<i64> {
    if number < FIRST_MILLISECONDS { number.checked_mul(1000) } else { Some(number) }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    (0.0..1e15).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use serde_json_borrow::OwnedValue;

    use super::instant;

    fn read(value: Value) -> Option<String> {
        instant(OwnedValue::from_string(value.to_string()).unwrap().get_value()).map(|at| at.to_string())
    }

    #[test]
    fn every_form_that_names_an_instant_is_read() {
        for (form, at) in [
            (json!("2022-03-10T16:15:50Z"), "2022-03-10T16:15:50.000Z"),
            (json!("2023-08-22T14:15:30.345Z"), "2023-08-22T14:15:30.345Z"),
            (json!("2024-01-25T13:50:50.0Z"), "2024-01-25T13:50:50.000Z"),
            (json!("2025-09-12T06:44:09.002417Z"), "2025-09-12T06:44:09.002Z"),
            (json!("2025-09-12T06:44:09.123456789Z"), "2025-09-12T06:44:09.123Z"),
            (json!("2013-10-20T19:20:30+01:00"), "2013-10-20T18:20:30.000Z"),
            (json!("2025-09-12T02:40:00-04:00"), "2025-09-12T06:40:00.000Z"),
            (json!("2025-09-12T06:40:00.000+0000"), "2025-09-12T06:40:00.000Z"),
            (json!("2025-09-12t06:40:00z"), "2025-09-12T06:40:00.000Z"),
            (json!(" 2025-09-12T06:40:00Z "), "2025-09-12T06:40:00.000Z"),
            (json!(1_692_713_730_345_i64), "2023-08-22T14:15:30.345Z"),
            (json!(1_692_713_730_345.0), "2023-08-22T14:15:30.345Z"),
            (json!("1692713730345"), "2023-08-22T14:15:30.345Z"),
            (json!(1_692_713_730), "2023-08-22T14:15:30.000Z"),
        ] {
            assert_eq!(read(form.clone()).as_deref(), Some(at), "{form}");
        }
    }

    #[test]
    fn whatever_names_no_instant_is_no_time() {
        for form in [
            json!("readingTimestamp"),
            json!("2022-06-30/20:01"),
            json!("2025-09-12T06:44:09"),
            json!("2025-09-12"),
            json!("20:00~00:00"),
            json!("2025-13-40T99:00:00Z"),
            json!("0001-01-01T00:00:00Z"),
            json!("1970-01-01T00:00:00Z"),
            json!("2025"),
            json!("20250912"),
            json!(""),
            json!("+"),
            json!("9".repeat(60)),
            json!("9".repeat(4000)),
            json!(0),
            json!(-1_692_713_730_345_i64),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
            json!(-1e300),
            json!(null),
            json!(true),
            json!([2025, 9, 12]),
            json!({}),
        ] {
            assert_eq!(read(form.clone()), None, "{form}");
        }
    }
}
