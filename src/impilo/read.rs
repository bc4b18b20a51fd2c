//! Reading one field out of JSON that may hold anything: missing, null and `{}` are alike.

use serde_json::Value;

use super::time;
use crate::engine::{Fact, Timestamp, Value as Known};

/// The object at `name`, unless it is empty.
pub(super) fn object<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|inner| inner.as_object().is_some_and(|object| !object.is_empty()))
}

/// The list at `name`.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The text at `name`, unless it is blank.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The identifier at `name`: a whole number (int64, documented) or a text (shown in one guide).
pub(super) fn id(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::String(text) if !text.trim().is_empty() && text.len() <= 200 => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// The identifier at the first of `names` that has one.
pub(super) fn first_id(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| id(value, name))
}

/// The text at the first of `names` that has one.
pub(super) fn first_text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| text(value, name))
}

/// The number at `name`, also where it is written as a text.
pub(super) fn number(value: &Value, name: &str) -> Option<f64> {
    let number = match value.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// The flag at `name`.
pub(super) fn flag(value: &Value, name: &str) -> Option<bool> {
    value.get(name).and_then(Value::as_bool)
}

/// The instant at `name`.
pub(super) fn instant(value: &Value, name: &str) -> Option<Timestamp> {
    value.get(name).and_then(time::instant)
}

/// A fact as of the event's own time.
pub(super) fn fact(name: &'static str, value: Known) -> Fact {
    Fact { name, value, at: None, stage: None }
}

/// A text as a value.
pub(super) fn known(text: impl Into<String>) -> Known {
    Known::Text(text.into())
}

/// Numbers without a fraction are whole, so that messages say 8 and not 8.0.
pub(super) fn numeric(number: f64) -> Known {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    if number.fract() == 0.0 && number.abs() < 1e15 { Known::Int(number as i64) } else { Known::Float(number) }
}
