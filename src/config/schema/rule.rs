//! Rules, and what is changed of them elsewhere.

use serde_json::{Map, Value as Json, json};

use super::Parts;
use super::keys::{Keys, together};
use super::kinds::{self, WITH_KEYS};
use super::shapes::{identifier, number, one_or_many, to};
use super::words::Words;
use crate::config::rules::BUILT_IN_LABELS;

pub(super) fn parts() -> Parts {
    let mut rule = keys("rule_").must("alert", to("name")).any_of(&kinds::kinds()).whole();
    rule["allOf"] = json!(kinds::more());
    rule["dependentRequired"] = json!({ "each": ["for"] });
    vec![
        ("rule", rule),
        ("override", change()),
        ("raise", raise()),
        ("end", end()),
        ("end_count", end_count()),
        ("labels", labels()),
        ("annotations", annotations()),
    ]
}

/// The keys of a rule. `part` is how the names of the parts begin that hold the keys of its kind.
fn keys(part: &str) -> Keys {
    let mut backoff = number();
    (backoff["minimum"], backoff["maximum"]) = (json!(1), json!(10));
    let mut keys = Keys::new("A rule", Words::of_rules("A rule", 0))
        .may("alert", to("name"))
        .may("was", one_or_many(&to("name")))
        .may("subject", to("subject"))
        .may("event", to("events"))
        .may("where", to("condition"));
    for key in WITH_KEYS {
        keys = keys.may(key, to(&format!("{part}{key}")));
    }
    keys.may("while", to("condition"))
        .may("for", to("length"))
        .may("each", to("field"))
        .may("severity", to("severity"))
        .may("raise", one_or_many(&to("raise")))
        .may("labels", to("labels"))
        .may("annotations", to("annotations"))
        .may("resolve", one_or_many(&to("end")))
        .may("expire", to("length_or_never"))
        .may("ends_with_relations", to("flag"))
        .may("calendar", to("name"))
        .may("grace", to("length"))
        .may("keep_firing_for", to("length"))
        .may("repeat_backoff", backoff)
        .may("shadow", to("flag"))
}

/// What is changed of a rule that stands elsewhere: everything but what it is about.
fn change() -> Json {
    let mut changes = keys("changes_of_").into_properties();
    changes.remove("subject");
    let words = [("alert", "the name of the rule that is changed"), ("disabled", "true switches the rule off")];
    Keys::new("An override", Words::told(&words))
        .with(changes)
        .must("alert", to("name"))
        .may("disabled", to("flag"))
        .whole()
}

fn raise() -> Json {
    Keys::new("A raise", Words::of_rules("A raise", 0))
        .must("to", to("severity"))
        .may("where", to("condition"))
        .may("after", to("length"))
        .one_of(&[json!({ "required": ["where"] }), json!({ "required": ["after"] })])
        .whole()
}

fn end() -> Json {
    Keys::new("An end", Words::of_rules("An end", 0))
        .may("event", to("events"))
        .may("where", to("condition"))
        .may("after", to("length"))
        .may("count", to("end_count"))
        .one_of(&[
            together("An event", &["event"], &["after", "count"]),
            together("Nothing new for so long", &["after"], &["event", "where", "count"]),
            together("Fewer than so many", &["count"], &["event", "where", "after"]),
        ])
        .whole()
}

fn end_count() -> Json {
    Keys::new("Fewer than so many", Words::of_rules("An end", 1))
        .must("below", to("count"))
        .must("within", to("length"))
        .whole()
}

fn labels() -> Json {
    let built_in: Map<String, Json> =
        BUILT_IN_LABELS.iter().map(|label| ((*label).to_owned(), Json::Bool(false))).collect();
    json!({
        "title": "Labels by name",
        "type": "object",
        "propertyNames": identifier(),
        "properties": built_in,
        "additionalProperties": {
            "description": "a fixed word",
            "type": "string",
            "not": { "pattern": r"\{\{" },
        },
        "examples": [{ "team": "logistics" }],
    })
}

fn annotations() -> Json {
    let words = [
        ("summary", "what is the matter"),
        ("description", "more of what is the matter"),
        ("action", "what to do"),
        ("runbook", "where what to do is written down"),
    ];
    let mut keys = Keys::new("Texts by name", Words::told(&words));
    for (key, _) in words {
        keys = keys.may(key, to("text"));
    }
    let mut annotations = keys.whole();
    // Others are allowed, though no message shows them.
    annotations["additionalProperties"] = to("text");
    annotations
}
