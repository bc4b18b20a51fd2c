//! The kinds of rule: the keys of each, and which go together.

use serde_json::{Value as Json, json};

use super::Parts;
use super::keys::{Keys, together};
use super::shapes::to;
use super::words::Words;

/// The keys that make a rule one of a kind, beside `event`.
const OTHER_KINDS: [&str; 5] = ["count", "share", "silent", "not_followed_by", "not_preceded_by"];

pub(super) fn parts() -> Parts {
    vec![
        ("rule_falls", falls().whole()),
        ("rule_rises", rises().whole()),
        ("rule_count", count().whole()),
        ("rule_share", share().whole()),
        ("rule_silent", silent().whole()),
        ("rule_not_followed_by", not_followed_by().whole()),
        ("rule_not_preceded_by", not_preceded_by().whole()),
        ("changes_of_falls", falls().changes()),
        ("changes_of_rises", rises().changes()),
        ("changes_of_count", count().changes()),
        ("changes_of_share", share().changes()),
        ("changes_of_silent", silent().changes()),
        ("changes_of_not_followed_by", not_followed_by().changes()),
        ("changes_of_not_preceded_by", not_preceded_by().changes()),
    ]
}

/// The keys that hold the keys of a kind, and the part that is changed key by key.
pub(super) const WITH_KEYS: [&str; 7] =
    ["falls", "rises", "count", "share", "silent", "not_followed_by", "not_preceded_by"];

/// Which keys go together, for each kind of rule.
pub(super) fn kinds() -> Vec<Json> {
    let event = |title: &str, key: &'static str| {
        let other = OTHER_KINDS.into_iter().filter(|other| *other != key);
        let not: Vec<&str> = other.chain(["for", "each"]).collect();
        let must = if key == "event" { vec!["event"] } else { vec!["event", key] };
        together(title, &must, &not)
    };
    let not: Vec<&str> = OTHER_KINDS.into_iter().filter(|key| *key != "silent").collect();
    let without_event = ["event", "where", "falls", "rises"];
    vec![
        event("One event", "event"),
        event("Several events", "count"),
        event("A share", "share"),
        together("A silence", &["silent"], &[&not[..], &without_event, &["for", "each"]].concat()),
        together("A state", &["subject", "while"], &[&OTHER_KINDS[..], &without_event].concat()),
        event("One event and not another after it", "not_followed_by"),
        event("One event and not another before it", "not_preceded_by"),
    ]
}

/// What else holds of rules that have one of the keys.
pub(super) fn more() -> [Json; 3] {
    let more = |key: &str, then: Json| json!({ "if": { "required": [key] }, "then": then });
    [
        more("falls", json!({ "properties": { "rises": false } })),
        more("share", json!({ "required": ["subject"], "properties": { "subject": { "enum": ["site", "item"] } } })),
        more("silent", json!({ "properties": { "subject": { "enum": ["device", "patient", "site", "item"] } } })),
    ]
}

fn falls() -> Keys {
    Keys::new("A number that falls", Words::of_rules("One event", 0))
        .must("field", to("number_field"))
        .must("below", to("number"))
}

fn rises() -> Keys {
    Keys::new("A number that rises", Words::of_rules("One event", 1))
        .must("field", to("number_field"))
        .must("above", to("number"))
}

fn count() -> Keys {
    Keys::new("Several events", Words::of_rules("Several events", 0))
        .must("at_least", to("count"))
        .must("within", to("length"))
        .may("distinct", to("subject"))
}

fn share() -> Keys {
    Keys::new("A share of the devices", Words::of_rules("A share", 0))
        .may("at_least", to("percentage"))
        .may("more_than", to("percentage"))
        .may("and_at_least", to("count"))
        .may("of", json!({ "enum": ["devices_with_patients"] }))
        .may("distinct", json!({ "enum": ["device"] }))
        .must("within", to("length"))
        .one_of(&[json!({ "required": ["at_least"] }), json!({ "required": ["more_than"] })])
}

fn silent() -> Keys {
    Keys::new("A silence", Words::of_rules("A silence", 0))
        .must("longer_than", to("length"))
        .may("event", to("events"))
        .may("since", json!({ "enum": ["associated", "delivered"] }))
}

fn not_followed_by() -> Keys {
    awaited("What must follow", Words::of_rules("One event and not another", 0))
}

fn not_preceded_by() -> Keys {
    awaited("What must come before", Words::of_rules("One event and not another", 1))
}

fn awaited(title: &'static str, words: Words) -> Keys {
    Keys::new(title, words)
        .must("event", to("events"))
        .may("where", to("condition"))
        .may("same", to("subject"))
        .must("within", to("length"))
}
