//! The JSON Schemas of rule files and of their tests, by which editors complete, explain and check while people write.
//!
//! A schema knows the shape of a file: keys, what goes together, words, lengths of time. It refuses nothing that the reader
//! takes. What it cannot know (names in other places, fields in conditions) is left to the reader.
//!
//! `errorMessage` is no word of JSON Schema: editors show it in the place of a pattern or of a hundred words.

mod calendars;
mod cases;
mod events;
mod keys;
mod kinds;
mod notifying;
mod receivers;
mod rule;
mod shapes;
mod words;

use serde_json::{Map, Value as Json, json};

use keys::Keys;
use shapes::{one_or_many, to};
use words::Words;

/// The schema of rule files.
#[must_use]
pub fn rules_schema() -> Json {
    let file = Keys::new("A rule file", Words::of_rules("A rule file", 0))
        .may("settings", to("settings"))
        .may("calendars", to("calendars"))
        .may("rules", one_or_many(&to("rule")))
        .may("receivers", one_or_many(&to("receiver")))
        .may("route", to("route"))
        .may("inhibit_rules", one_or_many(&to("inhibit_rule")))
        .may("time_intervals", one_or_many(&to("time_interval")))
        .may("digests", one_or_many(&to("digest")))
        .may("tables", one_or_many(&to("table")))
        .may("override", one_or_many(&to("override")));
    let mut parts = shapes::parts();
    parts.extend(events::parts());
    parts.extend(kinds::parts());
    parts.extend(rule::parts());
    parts.extend(receivers::parts());
    parts.extend(notifying::parts());
    parts.extend(calendars::parts());
    let about = "What raises alerts, what ends them, and who is told. An alert's `alert`, a receiver's `name` and the like \
                 are yours to choose.";
    whole("rules", about, file, parts)
}

/// The schema of test files.
#[must_use]
pub fn tests_schema() -> Json {
    let mut parts = shapes::parts();
    parts.extend(events::parts());
    parts.extend(cases::parts());
    whole("tests", "Invented events, and which alerts and messages must come of them.", cases::file(), parts)
}

/// The parts by name, which schemas refer to.
type Parts = Vec<(&'static str, Json)>;

/// A schema with what it refers to, and nothing else.
fn whole(name: &str, about: &str, file: Keys, parts: Parts) -> Json {
    let mut schema = file.whole();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["$id"] = json!(format!("https://pulsewarden.example/{name}.schema.json"));
    schema["description"] = json!(about);
    // A file in which nothing is written is fine.
    schema["type"] = json!(["object", "null"]);
    let mut known: Map<String, Json> = parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect();
    let mut used = Map::new();
    let mut open = shapes::referred(&schema);
    while let Some(name) = open.pop() {
        if let Some(part) = known.remove(&name) {
            open.extend(shapes::referred(&part));
            used.insert(name, part);
        }
    }
    schema["$defs"] = Json::Object(used);
    schema
}
