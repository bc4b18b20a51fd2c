//! Event types, kinds of subject and their fields.

use serde_json::{Value as Json, json};

use super::Parts;
use super::shapes::{one_or_more, to};
use crate::config::check::article;
use crate::config::rules::SEVERITIES;
use crate::engine::{FIELDS, Field, FieldType, SubjectKind};
use crate::impilo::schema::{EVENT_TYPES, EventType};

pub(super) fn parts() -> Parts {
    let severities = SEVERITIES.map(|(word, _)| word);
    let kinds = SubjectKind::NAMED.map(SubjectKind::as_str);
    vec![
        ("known_event", json!({ "anyOf": EVENT_TYPES.iter().map(known).collect::<Vec<_>>() })),
        ("event", event()),
        ("events", one_or_more(&to("event"))),
        ("subject", json!({ "enum": kinds })),
        ("severity", json!({ "enum": severities })),
        ("field", json!({ "enum": fields(|_| true) })),
        ("number_field", json!({ "enum": fields(|field| field.ty == FieldType::Number) })),
    ]
}

/// An event type or a family of them. Impilo's types are an open set: one that nobody knows may still be right.
fn event() -> Json {
    let mut families: Vec<&str> = EVENT_TYPES.iter().filter_map(|event| event.name.split('.').next()).collect();
    families.dedup();
    let family = |name: &&str| json!({ "const": format!("{name}.*"), "description": format!("every event type that begins with {name}.") });
    let mut ways: Vec<Json> = families.iter().map(family).collect();
    ways.push(to("known_event"));
    ways.push(json!({ "title": "Another event type, or a family of them" }));
    json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]*\\.[A-Za-z0-9._-]*$|^[A-Za-z0-9._-]*\\.\\*$",
        "errorMessage": "a type is a family, a dot and a name, as in device.lowBattery; a family is written reading.*",
        "anyOf": ways,
        "examples": ["device.lowBattery", "reading.*"],
    })
}

fn known(event: &EventType) -> Json {
    let others: Vec<&str> = event.names.iter().skip(1).map(|kind| kind.as_str()).collect();
    let about = article(event.subject);
    let description = match others.as_slice() {
        [] => format!("about {about}"),
        others => format!("about {about}; can name also {}", others.join(", ")),
    };
    json!({ "const": event.name, "description": description })
}

/// The whole names of fields, as in `device.battery`.
fn fields(wanted: fn(&Field) -> bool) -> Vec<String> {
    FIELDS.iter().filter(|field| wanted(field)).map(|field| format!("{}.{}", field.kind, field.name)).collect()
}
