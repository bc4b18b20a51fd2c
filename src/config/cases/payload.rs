//! From YAML to the JSON of a payload.

use serde_json::{Map, Number, Value as Json};

use crate::config::walk::Walk;
use crate::config::yaml::{Node, Value};

/// The JSON that a node stands for; `None` where a part of it stands for none, which has been noted.
pub(super) fn read(walk: &Walk, node: &Node) -> Option<Json> {
    match &node.value {
        Value::Empty => Some(Json::Null),
        Value::Scalar(scalar) if scalar.faulty => None,
        Value::Scalar(scalar) => match scalar.describe() {
            "nothing" => Some(Json::Null),
            "true or false" => walk.flag(node).map(Json::Bool),
            "a number" => {
                let number = number(&scalar.text);
                if number.is_none() {
                    walk.error(node, "this number cannot stand in JSON", "write a plain decimal number");
                }
                number.map(Json::Number)
            }
            _ => Some(Json::String(scalar.text.clone())),
        },
        Value::List(items) => items.iter().map(|item| read(walk, item)).collect::<Option<_>>().map(Json::Array),
        Value::Map(entries) => {
            let fields = entries.iter().map(|entry| Some((entry.key.clone(), read(walk, &entry.value)?)));
            fields.collect::<Option<Map<_, _>>>().map(Json::Object)
        }
    }
}

fn number(text: &str) -> Option<Number> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    text.parse().ok().and_then(Number::from_f64)
}
