//! `settings:` of rule files: named values that conditions, texts and durations read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{File, Placed};
use crate::config::measure;
use crate::config::problem::{Place, Problem};
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::{Node, Value as Yaml};
use crate::engine::Value;

/// The settings by name.
#[derive(Default)]
pub(super) struct Values {
    pub known: BTreeMap<String, Placed<Value>>,
    /// A file could not be read, so that there may be others.
    pub incomplete: bool,
}

pub(super) fn read(file: &File, node: &Node, settings: &mut Values) {
    let walk = &file.walk;
    if matches!(node.value, Yaml::Empty) {
        return;
    }
    let Some(fields) = walk.fields(node, "settings by name", "{ low_battery: 20 }") else { return };
    for entry in fields.all() {
        let place = Place { source: walk.source.clone(), at: entry.key_at.clone() };
        if !is_identifier(&entry.key) {
            let problem = Problem::error(place, format!("`{}` cannot be the name of a setting", entry.key));
            walk.add(
                problem
                    .help("use letters, digits and `_`, beginning with a letter: conditions read it as settings.NAME"),
            );
            continue;
        }
        let Some(value) = value(walk, &entry.value) else { continue };
        if let Some(known) = settings.known.get(&entry.key) {
            if known.origin == file.origin {
                let problem = Problem::error(place, format!("the setting `{}` is given twice", entry.key));
                walk.add(problem.related(known.place.clone(), "first here").help("keep one of the two"));
                continue;
            }
            if kind(&known.value) != kind(&value) && !(is_number(&known.value) && is_number(&value)) {
                let message = format!("the setting `{}` is {} in the shipped rules", entry.key, kind(&known.value));
                let problem = Problem::error(walk.place(&entry.value), message);
                walk.add(
                    problem.label(format!("this is {}", kind(&value))).related(known.place.clone(), "shipped here"),
                );
                continue;
            }
        }
        settings.known.insert(entry.key.clone(), Placed { value, origin: file.origin, place });
    }
}

fn value(walk: &Walk, node: &Node) -> Option<Value> {
    let example = "20, 72h, true or a word";
    match &node.value {
        Yaml::Scalar(scalar) if scalar.faulty => None,
        Yaml::Scalar(scalar) => match scalar.describe() {
            "true or false" => walk.flag(node).map(Value::Bool),
            "a number" => number(&scalar.text).or_else(|| {
                walk.error(
                    node,
                    format!("the number `{}` cannot be used", scalar.text),
                    "write a plain decimal number",
                );
                None
            }),
            _ if scalar.is_text() && scalar.style == crate::config::yaml::Style::Plain => {
                Some(match measure::duration(&scalar.text) {
                    Ok(length) => Value::Span(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)),
                    Err(_) => Value::Text(scalar.text.clone()),
                })
            }
            _ => Some(Value::Text(scalar.text.clone())),
        },
        Yaml::List(items) => items.iter().map(|item| value(walk, item)).collect::<Option<_>>().map(Value::List),
        _ => {
            walk.wrong_type(node, "a value", example);
            None
        }
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

/// A length of time, written or taken from a setting.
pub(super) fn duration(
    walk: &Walk,
    node: &Node,
    settings: &Values,
    example: &str,
    least: Duration,
) -> Option<Duration> {
    if let Yaml::Scalar(scalar) = &node.value
        && let Some(name) = scalar.text.strip_prefix("settings.")
    {
        let Some(found) = settings.known.get(name) else {
            if settings.incomplete {
                return None;
            }
            let help = match nearest(name, settings.known.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `settings.{near}`?"),
                None => format!("add it: settings: {{ {name}: {example} }}"),
            };
            walk.error(node, format!("no setting is named `{name}`"), help);
            return None;
        };
        let Value::Span(millis) = found.value else {
            let problem = Problem::error(walk.place(node), format!("the setting `{name}` is not a length of time"));
            walk.add(problem.related(found.place.clone(), format!("this is {}", kind(&found.value))));
            return None;
        };
        let length = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        if length < least {
            walk.error(node, "this length of time is too short", format!("at least {}", measure::show_duration(least)));
            return None;
        }
        return Some(length);
    }
    walk.duration(node, example, least)
}

pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Text(_) => "text",
        Value::Time(_) => "a time",
        Value::Span(_) => "a length of time",
        Value::List(_) => "a list",
    }
}
