//! YAML as programs other than ours read it, and written on one line.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value as Json};

/// The one document of a text by YAML 1.2's core schema; `None` where it is none, or is none without tags, anchors, aliases
/// and keys that stand twice.
pub fn read(text: &str) -> Option<Json> {
    let events: Vec<Event<'_>> = Parser::new_from_str(text).map(|event| Some(event.ok()?.0)).collect::<Option<_>>()?;
    let mut events = events.into_iter().peekable();
    let document = |event: &Event<'_>| matches!(event, Event::StreamStart | Event::DocumentStart(_));
    while events.next_if(document).is_some() {}
    if events.next_if(|event| matches!(event, Event::StreamEnd)).is_some() {
        return Some(Json::Null);
    }
    let found = value(&mut events)?;
    let rest: Vec<_> = events.collect();
    matches!(rest[..], [Event::DocumentEnd, Event::StreamEnd]).then_some(found)
}

fn value<'e>(events: &mut std::iter::Peekable<impl Iterator<Item = Event<'e>>>) -> Option<Json> {
    match events.next()? {
        Event::Scalar(text, ScalarStyle::Plain, 0, None) => Some(plain(&text)),
        Event::Scalar(text, _, 0, None) => Some(Json::String(text.into_owned())),
        Event::SequenceStart(0, None) => {
            let mut items = Vec::new();
            while events.next_if(|event| matches!(event, Event::SequenceEnd)).is_none() {
                items.push(value(events)?);
            }
            Some(Json::Array(items))
        }
        Event::MappingStart(0, None) => {
            let mut keys = Map::new();
            while events.next_if(|event| matches!(event, Event::MappingEnd)).is_none() {
                let Event::Scalar(key, _, 0, None) = events.next()? else { return None };
                if keys.insert(key.into_owned(), value(events)?).is_some() {
                    return None;
                }
            }
            Some(Json::Object(keys))
        }
        _ => None,
    }
}

/// What an unquoted scalar is.
fn plain(text: &str) -> Json {
    let number = || -> Option<Number> {
        if !text.starts_with(['+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
            return None;
        }
        text.parse::<i64>().ok().map(Number::from).or_else(|| Number::from_f64(text.parse().ok()?))
    };
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Json::Null,
        "true" | "True" | "TRUE" => Json::Bool(true),
        "false" | "False" | "FALSE" => Json::Bool(false),
        _ => number().map_or_else(|| Json::String(text.to_owned()), Json::Number),
    }
}

/// The value on one line, with quotes only where they are needed. `nothing` is written after a key whose value is null.
pub fn write(value: &Json, nothing: &str) -> String {
    match value {
        Json::String(text) if needs_no_quotes(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| write(item, nothing)).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(keys) => {
            let keys = keys.iter().map(|(key, value)| match value {
                Json::Null => format!("{key}: {nothing}"),
                value => format!("{key}: {}", write(value, nothing)),
            });
            format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
        }
        Json::Null => "~".to_owned(),
        other => other.to_string(),
    }
}

fn needs_no_quotes(text: &str) -> bool {
    let words = ["yes", "no", "on", "off", "y", "n"];
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '%' | ' ');
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    first
        && text.chars().all(word)
        && !text.ends_with(' ')
        && plain(text).is_string()
        && !words.contains(&&*text.to_ascii_lowercase())
}
