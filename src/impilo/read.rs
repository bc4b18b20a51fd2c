//! Reading one field out of JSON that may hold anything: missing, null and `{}` are alike, and so is what has the wrong type.

use serde_json_borrow::Value;
use smol_str::{SmolStr, ToSmolStr};

use super::time;
use crate::engine::{Fact, Timestamp, Value as Known};

/// How much of a text is taken: names, statuses and serials are far shorter.
const LONGEST_TEXT: usize = 300;

/// How long an identifier may be. Impilo's are int64 (documented).
const LONGEST_ID: usize = 200;

/// How many entries of one list are read, so that no body can make an event speak of endless subjects. A body of the
/// largest usual size holds about 700 devices.
pub(super) const LONGEST_LIST: usize = 1000;

/// What stands at `name`, null included.
pub(super) fn at<'v>(value: &'v Value<'v>, name: &str) -> Option<&'v Value<'v>> {
    value.as_object()?.get(name)
}

/// The object at `name`, unless it is empty.
pub(super) fn object<'v>(value: &'v Value<'v>, name: &str) -> Option<&'v Value<'v>> {
    at(value, name).filter(|inner| inner.as_object().is_some_and(|object| !object.is_empty()))
}

/// The list at `name`.
pub(super) fn list<'v>(value: &'v Value<'v>, name: &str) -> impl Iterator<Item = &'v Value<'v>> {
    at(value, name).and_then(Value::as_array).into_iter().flatten().take(LONGEST_LIST)
}

/// The text at `name`, unless it is blank; cut where it is endless.
pub(super) fn text<'v>(value: &'v Value<'v>, name: &str) -> Option<&'v str> {
    at(value, name).and_then(Value::as_str).and_then(bounded)
}

fn bounded(text: &str) -> Option<&str> {
    let text = text.trim();
    let end = if text.len() > LONGEST_TEXT { text.char_indices().nth(LONGEST_TEXT) } else { None };
    let end = end.map_or(text.len(), |(end, _)| end);
    Some(&text[..end]).filter(|text| !text.is_empty())
}

/// The identifier at `name`: a whole number (int64, documented) or a text (shown in one guide).
pub(super) fn id(value: &Value, name: &str) -> Option<SmolStr> {
    match at(value, name)? {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_smolstr()),
        Value::Number(number) => match numeric(number.as_f64()?) {
            Known::Int(whole) => Some(whole.to_smolstr()),
            _ => None,
        },
        Value::Str(text) => {
            let text = text.trim();
            let fits = !text.is_empty() && text.len() <= LONGEST_ID && !text.chars().any(char::is_control);
            fits.then(|| text.into())
        }
        _ => None,
    }
}

/// The identifier at the first of `names` that has one.
pub(super) fn first_id(value: &Value, names: &[&str]) -> Option<SmolStr> {
    names.iter().find_map(|name| id(value, name))
}

/// The text at the first of `names` that has one, there or as the `name` of an object there.
pub(super) fn first_text<'v>(value: &'v Value<'v>, names: &[&str]) -> Option<&'v str> {
    names
        .iter()
        .find_map(|name| text(value, name).or_else(|| object(value, name).and_then(|inner| text(inner, "name"))))
}

/// The number at `name`, also where it is written as a text, with or without a percent sign.
pub(super) fn number(value: &Value, name: &str) -> Option<f64> {
    let number = match at(value, name)? {
        Value::Number(number) => number.as_f64(),
        Value::Str(text) => text.trim().trim_end_matches('%').trim_end().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// The flag at `name`, also where it is written as a text.
pub(super) fn flag(value: &Value, name: &str) -> Option<bool> {
    match at(value, name)? {
        Value::Bool(flag) => Some(*flag),
        Value::Str(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::Str(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The instant at `name`.
pub(super) fn instant(value: &Value, name: &str) -> Option<Timestamp> {
    at(value, name).and_then(time::instant)
}

/// A fact as of the event's own time.
pub(super) fn fact(name: &'static str, value: Known) -> Fact {
    Fact { name, value, at: None, stage: None }
}

/// A text as a value, on one line: it may stand in the subject of a mail.
pub(super) fn known(text: impl Into<SmolStr>) -> Known {
    let text: SmolStr = text.into();
    // No text without one of these bytes has a control character.
    let may_have = text.bytes().any(|byte| byte < b' ' || byte == 0x7f || byte == 0xc2);
    Known::Text(if may_have && text.chars().any(char::is_control) {
        text.replace(char::is_control, " ").into()
    } else {
        text
    })
}

/// Numbers without a fraction are whole, so that messages say 8 and not 8.0.
pub(super) fn numeric(number: f64) -> Known {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    if number.fract() == 0.0 && number.abs() < 1e15 { Known::Int(number as i64) } else { Known::Float(number) }
}
