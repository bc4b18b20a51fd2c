//! Who is told: receivers, the route to them, digests.

use serde_json::{Value as Json, json};

use super::Parts;
use super::keys::{Keys, together};
use super::shapes::{one_or_more, to};
use super::words::Words;
use crate::config::rules::{BUILT_IN_LABELS, PHI, SECTIONS, TOO_FINE};

pub(super) fn parts() -> Parts {
    vec![
        ("receiver", receiver()),
        ("mail", mail()),
        ("slack", slack()),
        ("endpoint", endpoint()),
        ("pagerduty", pagerduty()),
        ("group_label", group_label()),
        ("digest", digest()),
    ]
}

fn receiver() -> Json {
    Keys::new("A receiver", Words::of_rules("A receiver", 0))
        .must("name", to("name"))
        .may("phi", json!({ "enum": PHI.map(|(word, _)| word) }))
        .may("email", one_or_more(&to("mail")))
        .may("slack", one_or_more(&to("slack")))
        .may("webhook", one_or_more(&to("endpoint")))
        .may("pagerduty", one_or_more(&to("pagerduty")))
        .may("send_resolved", to("flag"))
        .may("cap", cap())
        .may("quiet", quiet())
        .may("fallback", to("name"))
        .may("fallback_after", to("clock"))
        .whole()
}

fn mail() -> Json {
    let address = json!({
        "type": "string",
        "pattern": "@",
        "errorMessage": "write a mail address",
        "examples": ["logistics@clinic.example"],
    });
    Keys::new("A mail", Words::of_rules("A receiver", 1)).must("to", one_or_more(&address)).whole()
}

fn slack() -> Json {
    let channel = json!({
        "type": "string",
        "pattern": "^(#[^ #@,/A-Z]{1,80}|[CGD][A-Z0-9]{8,})$",
        "errorMessage": "write the name of a channel, as in \"#device-alerts\", or its id",
        "examples": ["#device-alerts"],
    });
    Keys::new("A Slack channel", Words::of_rules("A receiver", 2))
        .may("webhook", name_of_secret())
        .may("channel", channel)
        .one_of(&[
            together("By an incoming webhook", &["webhook"], &["channel"]),
            together("By the bot", &["channel"], &["webhook"]),
        ])
        .whole()
}

fn endpoint() -> Json {
    Keys::new("A webhook", Words::of_rules("A receiver", 3)).must("endpoint", name_of_secret()).whole()
}

fn pagerduty() -> Json {
    Keys::new("A PagerDuty integration", Words::of_rules("A receiver", 4)).must("integration", name_of_secret()).whole()
}

/// The name of something in the configuration; what it stands for is a secret.
fn name_of_secret() -> Json {
    let mut name = super::shapes::text();
    name["not"] = json!({ "pattern": "://|^[A-Za-z0-9]{32,}$" });
    name
}

fn cap() -> Json {
    let messages = json!({ "type": "integer", "minimum": 1, "maximum": 10_000 });
    let keys = Keys::new("A cap", Words::of_rules("A receiver", 5)).must("messages", messages).must("per", to("clock"));
    json!({ "anyOf": [keys.whole(), { "const": "never" }] })
}

fn quiet() -> Json {
    Keys::new("Quiet hours", Words::of_rules("A receiver", 6))
        .must("calendar", super::shapes::identifier())
        .may("except", one_or_more(&json!({ "enum": ["info", "warning", "critical"] })))
        .whole()
}

/// A label: one that every alert has, or one that a rule or a table gives.
fn group_label() -> Json {
    json!({
        "type": "string",
        "pattern": "^[,; ]*[^,; ]+[,; ]*$",
        "errorMessage": "write several labels as [alertname, site]",
        "anyOf": [{ "enum": BUILT_IN_LABELS }, { "title": "Another label" }],
        "not": { "const": "..." },
    })
}

fn digest() -> Json {
    let schedule = json!({
        "type": "string",
        "pattern": r"^\s*\S+(\s+\S+){4}\s*$",
        "errorMessage": "write five fields: minute, hour, day of month, month, day of week",
        "examples": ["0 8 * * MON-FRI"],
    });
    let split_by = json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9_]+$",
        "errorMessage": "write one label that many alerts share, such as site",
        "examples": ["site", "team"],
        "not": { "enum": TOO_FINE },
    });
    Keys::new("A digest", Words::of_rules("A digest", 0))
        .must("digest", to("name"))
        .must("schedule", one_or_more(&schedule))
        .must("time_zone", to("time_zone"))
        .must("receiver", to("name"))
        .may("sections", sections())
        .may("matchers", one_or_more(&to("matcher")))
        .may("split_by", split_by)
        .may("csv", to("flag"))
        .may("skip_when_empty", to("flag"))
        .whole()
}

fn sections() -> Json {
    let section = json!({ "enum": SECTIONS.map(|(word, _)| word) });
    json!({ "anyOf": [section, { "type": "array", "items": section, "minItems": 1, "uniqueItems": true }] })
}
