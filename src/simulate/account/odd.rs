//! Envelopes written otherwise than usual, in ways that Impilo's documents and examples show. What they mean stays.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::simulate::chance::Chance;

/// A way of writing an envelope; false where it has nothing to change.
type Way = fn(&mut Map<String, Value>, &mut Chance) -> bool;

/// What fits few envelopes stands first: where it does not fit, the next one is tried.
const WAYS: [Way; 9] = [
    empty_objects,
    numbers_for_texts,
    event_and_data,
    bare_device,
    other_times,
    upper_snake,
    nulls,
    left_out,
    unknown_fields,
];

/// The envelope in another way; `None` where it cannot be read.
pub(super) fn written(envelope: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice(envelope) else { return None };
    let first = usize::try_from(chance.number(0..=WAYS.len() as u64 - 1)).ok()?;
    let (before, from) = WAYS.split_at(first);
    from.iter().chain(before).find(|way| way(&mut envelope, chance))?;
    serde_json::to_vec(&envelope).ok()
}

/// Goes through everything in a value, itself last: what a change puts in is not gone through.
fn each(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| each(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each(value, change)),
        _ => {}
    }
    change(value);
}

/// Goes through every object of the payload.
fn each_object(envelope: &mut Map<String, Value>, mut change: impl FnMut(&mut Map<String, Value>)) {
    if let Some(payload) = envelope.get_mut("payload") {
        each(payload, &mut |value| {
            if let Value::Object(fields) = value {
                change(fields);
            }
        });
    }
}

/// Times without or with one digit of a second's parts, with an offset, or as milliseconds.
fn other_times(envelope: &mut Map<String, Value>, chance: &mut Chance) -> bool {
    let form = chance.number(0..=3);
    let mut found = false;
    let Some(payload) = envelope.get_mut("payload") else { return false };
    each(payload, &mut |value| {
        let Some(at) = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) else { return };
        found = true;
        let east = FixedOffset::east_opt(3600).map(|zone| at.with_timezone(&zone));
        *value = match form {
            0 => at.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true).into(),
            1 => at.with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%S.0Z").to_string().into(),
            2 => east.unwrap_or(at).to_rfc3339_opts(SecondsFormat::Millis, false).into(),
            _ => at.timestamp_millis().into(),
        };
    });
    found
}

/// Statuses in capitals with underscores.
fn upper_snake(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    let mut found = false;
    each_object(envelope, |fields| {
        for name in ["currentStatus", "orderStatusName"] {
            if let Some(Value::String(status)) = fields.get_mut(name) {
                found = true;
                let spelled = status.chars().flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c]));
                *status = spelled.collect::<String>().to_uppercase();
            }
        }
    });
    found
}

/// Fields that may be missing, as null.
const OPTIONAL: [&str; 6] = ["externalIdentifier", "note", "sex", "deviceEvents", "manual", "used"];

fn nulls(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    replace_optional(envelope, &Value::Null)
}

fn empty_objects(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    let mut found = false;
    each_object(envelope, |fields| {
        for value in fields.values_mut().filter(|value| value.is_null()) {
            found = true;
            *value = json!({});
        }
    });
    found
}

fn replace_optional(envelope: &mut Map<String, Value>, by: &Value) -> bool {
    let mut found = false;
    each_object(envelope, |fields| {
        for name in OPTIONAL {
            if let Some(value) = fields.get_mut(name) {
                found = true;
                *value = by.clone();
            }
        }
    });
    found
}

fn left_out(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    let mut found = false;
    each_object(envelope, |fields| {
        for name in OPTIONAL {
            found |= fields.remove(name).is_some();
        }
    });
    found
}

/// Fields that no model has, and texts in other scripts.
fn unknown_fields(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    envelope.insert("schemaVersion".to_owned(), json!("3.1"));
    each_object(envelope, |fields| {
        fields.insert("futureField".to_owned(), json!({ "nested": [1, 2.5, null, "Žofie Łęcka 山田 🙂"] }));
    });
    true
}

/// External numbers of orders as numbers, whole percents with a point.
fn numbers_for_texts(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    let mut found = false;
    each_object(envelope, |fields| {
        if let Some(Value::Array(ids)) = fields.get_mut("externalOrderIds") {
            found = true;
            for id in ids {
                let digits = id.as_str().map(|text| text.chars().filter(char::is_ascii_digit).collect::<String>());
                if let Some(number) = digits.and_then(|digits| digits.parse::<u64>().ok()) {
                    *id = number.into();
                }
            }
        }
        if let Some(percent) = fields.get_mut("batteryPercentage")
            && let Some(number) = percent.as_f64()
        {
            found = true;
            *percent = number.into();
        }
    });
    found
}

/// A health check whose payload is the device itself.
fn bare_device(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    if envelope.get("type").and_then(Value::as_str) != Some("device.healthcheck") {
        return false;
    }
    let device = envelope.get_mut("payload").and_then(|payload| payload.get_mut("device")).map(Value::take);
    device.is_some_and(|device| envelope.insert("payload".to_owned(), device).is_some())
}

/// The second published envelope, for patients alone: `event` and `data`, and no number.
fn event_and_data(envelope: &mut Map<String, Value>, _: &mut Chance) -> bool {
    let kind = envelope.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !kind.starts_with("patient.") {
        return false;
    }
    let Some(mut patient) = envelope.remove("payload") else { return false };
    if let Some(id) = patient.get("id").map(ToString::to_string) {
        patient["id"] = id.into();
    }
    *envelope = Map::from_iter([("event".to_owned(), kind.into()), ("data".to_owned(), patient)]);
    true
}
