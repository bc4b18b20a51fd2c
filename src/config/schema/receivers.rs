//! Who is told: receivers, the route to them, digests.

use serde_json::{Value as Json, json};

use super::Parts;
use super::keys::Keys;
use super::shapes::{one_or_more, to};
use super::words::Words;
use crate::config::rules::{BUILT_IN_LABELS, PHI, SECTIONS, TOO_FINE};

pub(super) fn parts() -> Parts {
    vec![
        ("receiver", receiver()),
        ("mail", mail()),
        ("slack", slack()),
        ("route", route()),
        ("route_below", route_below()),
        ("group_label", group_label()),
        ("matcher", matcher()),
        ("digest", digest()),
    ]
}

fn receiver() -> Json {
    Keys::new("A receiver", Words::of_rules("A receiver", 0))
        .must("name", to("name"))
        .may("phi", json!({ "enum": PHI.map(|(word, _)| word) }))
        .may("email", one_or_more(&to("mail")))
        .may("slack", one_or_more(&to("slack")))
        .may("send_resolved", to("flag"))
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
    let mut webhook = super::shapes::text();
    // The address itself is a secret.
    webhook["not"] = json!({ "pattern": "://" });
    Keys::new("A Slack channel", Words::of_rules("A receiver", 2)).must("webhook", webhook).whole()
}

fn route() -> Json {
    gathered(Keys::new("The route", Words::of_rules("The route", 0)).must("receiver", to("name"))).whole()
}

fn route_below() -> Json {
    let keys = Keys::new("A route", Words::of_rules("The route", 1))
        .may("matchers", one_or_more(&to("matcher")))
        .may("continue", to("flag"))
        .may("receiver", to("name"));
    gathered(keys).whole()
}

/// A test of a label.
fn matcher() -> Json {
    json!({
        "type": "string",
        "pattern": "^[ ]*[A-Za-z0-9_]+[ ]*(=~|!~|!=|=)",
        "errorMessage": "write a label, one of = != =~ !~, and a text in quotes",
        "examples": ["severity = \"critical\""],
    })
}

/// What every route may say.
fn gathered(keys: Keys) -> Keys {
    let each = json!({ "const": "...", "description": "each alert has a message of its own" });
    let labels = to("group_label");
    let many = |item: &Json| json!({ "type": "array", "items": item });
    let group_by = json!({ "anyOf": [many(&labels), labels, each, many(&each)] });
    keys.may("group_by", group_by)
        .may("group_wait", to("clock"))
        .may("group_interval", to("clock"))
        .may("repeat_interval", to("clock"))
        .may("routes", one_or_more(&to("route_below")))
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
