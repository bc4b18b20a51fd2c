//! Shapes of single values: names, numbers, texts, lengths of time.

use serde_json::{Value as Json, json};

use super::Parts;
use crate::config::rules::{BUILT_IN_LABELS, MOST_COUNTED};

/// How a setting is written where its value is wanted.
const SETTING: &str = r"settings\.[A-Za-z_][A-Za-z0-9_]*";

/// A length of time of the clock.
const CLOCK: &str = r"([0-9]+(ms|s|m|h|d|w))+";

pub(super) fn parts() -> Parts {
    vec![
        ("name", name()),
        ("text", text()),
        ("flag", json!({ "type": "boolean" })),
        ("condition", condition()),
        ("length", length()),
        ("length_or_never", length_or_never()),
        ("clock", clock()),
        ("count", count()),
        ("number", number()),
        ("percentage", percentage()),
        ("label", json!({ "enum": BUILT_IN_LABELS })),
        ("own_label", own_label()),
        ("settings", settings()),
        ("setting", setting()),
    ]
}

/// Refers to a part by its name.
pub(super) fn to(part: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{part}") })
}

/// The names of the parts that a schema refers to.
pub(super) fn referred(schema: &Json) -> Vec<String> {
    match schema {
        Json::Object(keys) => keys
            .iter()
            .flat_map(|(key, value)| match value.as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
                Some(part) if key == "$ref" => vec![part.to_owned()],
                _ => referred(value),
            })
            .collect(),
        Json::Array(items) => items.iter().flat_map(referred).collect(),
        _ => Vec::new(),
    }
}

/// A list, for which a single item may stand.
pub(super) fn one_or_many(item: &Json) -> Json {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

/// The same, with one item at least.
pub(super) fn one_or_more(item: &Json) -> Json {
    json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
}

/// Text that says something.
pub(super) fn text() -> Json {
    json!({ "type": "string", "pattern": r"\S" })
}

fn condition() -> Json {
    let mut condition = text();
    condition["examples"] = json!(["payload.batteryPercentage <= 20", "device.status == 'withPatient'"]);
    condition
}

/// The name of a setting, a calendar or a label.
pub(super) fn identifier() -> Json {
    json!({
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        "errorMessage": "use letters, digits and `_`, beginning with a letter",
    })
}

fn name() -> Json {
    json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,100}$",
        "errorMessage": "use letters, digits, `_` and `-`, at most 100 of them",
    })
}

/// A length of time of the clock or of business, or a setting that holds one.
fn length() -> Json {
    json!({
        "type": "string",
        "pattern": format!(r"^\s*({CLOCK}|[0-9]+\s+business\s+(day|hour|minute)s?)\s*$|^{SETTING}$"),
        "errorMessage": "write a number with s, m, h, d or w, as in 72h; or 2 business days; or settings.NAME",
        "examples": ["72h", "14d", "2 business days", "settings.patience"],
    })
}

fn length_or_never() -> Json {
    let mut length = length();
    length["pattern"] = json!(format!("{}|^never$", length["pattern"].as_str().unwrap_or_default()));
    length["examples"] = json!(["14d", "60d", "never"]);
    length
}

/// A length of time of the clock, or a setting that holds one.
fn clock() -> Json {
    json!({
        "type": "string",
        "pattern": format!(r"^\s*{CLOCK}\s*$|^{SETTING}$"),
        "errorMessage": "write a number with s, m, h, d or w, as in 30m; or settings.NAME",
        "examples": ["30s", "30m", "24h"],
    })
}

/// A length of time of the clock, written out.
pub(super) fn plain_clock(examples: &[&str]) -> Json {
    json!({
        "type": "string",
        "pattern": format!(r"^\s*{CLOCK}\s*$"),
        "errorMessage": "write a number with s, m, h, d or w, as in 30m",
        "examples": examples,
    })
}

/// A number, or a setting that holds one.
pub(super) fn number() -> Json {
    json!({
        "type": ["number", "string"],
        "pattern": format!("^{SETTING}$"),
        "errorMessage": "write a number, or settings.NAME",
    })
}

/// A number of events, or a setting that holds one.
fn count() -> Json {
    json!({
        "type": ["integer", "string"],
        "minimum": 1,
        "maximum": MOST_COUNTED,
        "pattern": format!("^{SETTING}$"),
        "errorMessage": format!("write a number from 1 to {MOST_COUNTED}, or settings.NAME"),
    })
}

fn percentage() -> Json {
    json!({
        "type": "string",
        "pattern": format!(r"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*%\s*$|^{SETTING}$"),
        "errorMessage": "write a number with %, as in 5%; or settings.NAME",
        "examples": ["5%", "2.5%"],
    })
}

/// The name of a label that no alert has by itself.
fn own_label() -> Json {
    let mut label = identifier();
    label["not"] = to("label");
    label
}

fn settings() -> Json {
    json!({
        "title": "Settings by name",
        "type": "object",
        "propertyNames": identifier(),
        "additionalProperties": to("setting"),
    })
}

fn setting() -> Json {
    json!({
        "description": "a number, a length of time, a percentage, true or false, text, or a list of these",
        "type": ["number", "string", "boolean", "array"],
        "items": to("setting"),
        "examples": [20, "72h", "2 business days", "5%"],
    })
}
