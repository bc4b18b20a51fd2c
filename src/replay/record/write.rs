//! A test case as YAML.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::Look;
use crate::config::{CaseEvent, When, spell_duration};
use crate::engine::{SubjectKind, Timestamp};

/// A test file with one case.
pub(super) fn case(name: &str, start: Timestamp, events: &[CaseEvent], looks: &[Look]) -> String {
    let start = start.to_utc().map_or_else(|| start.to_string(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let mut out = format!("tests:\n  - test: {}\n    start: {start}\n    events:\n", text(name));
    for written in events {
        let _ = writeln!(out, "      - {}", event(written));
    }
    out.push_str("    expect:");
    if looks.is_empty() {
        out.push_str(" []\n");
        return out;
    }
    out.push('\n');
    for written in looks {
        look(&mut out, written);
    }
    out
}

fn event(event: &CaseEvent) -> String {
    let at = match event.when {
        When::Once(at) => at,
        When::Series { from, .. } => from,
    };
    let mut parts = vec![format!("at: {}", spell_duration(at)), format!("event: {}", text(&event.kind))];
    for kind in SubjectKind::NAMED {
        parts.extend(event.names.get(&kind).map(|id| format!("{kind}: {id}")));
    }
    if !event.devices.is_empty() {
        let devices: Vec<String> = event.devices.iter().map(ToString::to_string).collect();
        parts.push(format!("devices: [{}]", devices.join(", ")));
    }
    parts.extend(event.status.as_ref().map(|status| format!("status: {}", text(status))));
    parts.extend(event.late.map(|late| format!("late: {}", spell_duration(late))));
    parts.extend(event.payload.as_ref().map(|payload| format!("payload: {}", flow(payload))));
    format!("{{ {} }}", parts.join(", "))
}

fn look(out: &mut String, look: &Look) {
    let _ = write!(out, "      - {{ at: {}, alert: {}", spell_duration(look.at), text(&look.rule));
    for (name, alerts) in &look.alerts {
        let alerts = alerts.iter().map(|alert| {
            let mut parts = vec![format!("{}: {}", alert.subject.kind, text_or_number(&alert.subject.id))];
            parts.extend(alert.severity.as_ref().map(|severity| format!("severity: {severity}")));
            parts.extend(
                alert.summary.as_ref().map(|summary| format!("annotations: {{ summary: {} }}", quoted(summary))),
            );
            format!("{{ {} }}", parts.join(", "))
        });
        let _ = write!(out, ", {name}: [{}]", alerts.collect::<Vec<_>>().join(", "));
    }
    out.push_str(" }");
    if let Some(why) = &look.why {
        let _ = write!(out, " # {}", why.replace(char::is_control, " "));
    }
    out.push('\n');
}

/// Text as it stands, where every reader takes it for that; else in quotes.
fn text(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n", "none"]
            .contains(&&*text.to_ascii_lowercase());
    if plain { text.to_owned() } else { quoted(text) }
}

fn text_or_number(id: &str) -> String {
    if id.parse::<i64>().is_ok_and(|number| number.to_string() == id) { id.to_owned() } else { quoted(id) }
}

/// What JSON puts in quotes means the same in YAML.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// JSON with spaces, on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Json::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", text(name), flow(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(string) => quoted(string),
        other => other.to_string(),
    }
}
