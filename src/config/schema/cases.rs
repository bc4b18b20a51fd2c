//! Test cases: events, and what is expected of them.

use serde_json::{Value as Json, json};

use super::Parts;
use super::keys::{Keys, described, together};
use super::shapes::{one_or_many, plain_clock, text, to};
use super::words::Words;
use crate::engine::SubjectKind;

/// How alerts can have ended.
const ENDED: [&str; 3] = ["resolved", "expired", "closed"];

pub(super) fn parts() -> Parts {
    vec![
        ("test", test()),
        ("test_event", event()),
        ("expectation", expectation()),
        ("expected_alert", alert()),
        ("message", message()),
        ("id", json!({ "type": ["integer", "string", "null"], "pattern": r"\S" })),
        ("offset", plain_clock(&["30m", "2h", "3d"])),
    ]
}

pub(super) fn file() -> Keys {
    Keys::new("A test file", Words::told(&[("tests", "the test cases")])).may("tests", one_or_many(&to("test")))
}

fn test() -> Json {
    let start = json!({
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]",
        "errorMessage": "write date, time and zone, as in 2026-03-02T10:00:00Z",
        "examples": ["2026-03-02T10:00:00Z"],
    });
    Keys::new("A test", Words::of_tests("A test", 0))
        .must("test", text())
        .may("start", start)
        .may("settings", to("settings"))
        .may("events", one_or_many(&to("test_event")))
        .may("expect", one_or_many(&to("expectation")))
        .may("messages", one_or_many(&to("message")))
        .any_of(&[json!({ "required": ["expect"] }), json!({ "required": ["messages"] })])
        .whole()
}

fn event() -> Json {
    let mut keys = Keys::new("An event, or a series of them", Words::of_tests("An event", 0))
        .may("at", to("offset"))
        .may("every", to("offset"))
        .may("from", to("offset"))
        .may("until", to("offset"))
        .must("event", json!({ "anyOf": [to("known_event"), text()] }))
        .may("devices", one_or_many(&to("id")))
        .may("status", text())
        .may("late", to("offset"))
        .may("payload", json!({ "type": ["object", "array", "string", "number", "boolean", "null"] }));
    for kind in SubjectKind::NAMED {
        keys = keys.may(kind.as_str(), to("id"));
    }
    let ways =
        [together("Once", &["at"], &["every", "from", "until"]), together("A series", &["every", "until"], &["at"])];
    keys.one_of(&ways).whole()
}

fn expectation() -> Json {
    let mut keys = Keys::new("What alerts a rule must have", Words::of_tests("An expectation", 0))
        .must("at", to("offset"))
        .must("alert", text());
    for state in ["pending", "firing"].into_iter().chain(ENDED) {
        keys = keys.may(state, one_or_many(&to("expected_alert")));
    }
    keys.whole()
}

fn alert() -> Json {
    let texts = json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } });
    let named = SubjectKind::NAMED.map(|kind| json!({ "required": [kind.as_str()] }));
    Keys::new("An alert", Words::of_tests("An expectation", 1))
        .with(subjects())
        .may("severity", to("severity"))
        .may("labels", texts.clone())
        .may("annotations", texts)
        .may("count", json!({ "type": "integer", "minimum": 1 }))
        .may("because", text())
        .any_of(&named)
        .whole()
}

fn message() -> Json {
    let words = Words::told(&[
        ("at", "when, counted from the start: what was sent since the expectation before counts"),
        ("receiver", "who gets it"),
        ("firing", "rules of which it says that their alerts fire; with none at all there must be no message"),
        ("resolved", "rules of which it says that their alerts are resolved"),
        ("expired", "rules of which it says that their alerts expired"),
        ("closed", "rules of which it says that their alerts are no longer watched"),
    ]);
    let mut keys = Keys::new("A message", words).must("at", to("offset")).must("receiver", text());
    let states = || ["firing"].into_iter().chain(ENDED);
    for state in states() {
        keys = keys.may(state, one_or_many(&text()));
    }
    let ways: Vec<Json> = states().map(|state| json!({ "required": [state] })).collect();
    keys.any_of(&ways).whole()
}

/// What an alert can be about.
fn subjects() -> impl Iterator<Item = (String, Json)> {
    SubjectKind::NAMED.into_iter().map(|kind| {
        let meaning = format!("Impilo's id of the {kind} that the alert is about");
        let id = json!({ "type": ["integer", "string"], "pattern": r"\S", "not": { "const": "none" } });
        (kind.as_str().to_owned(), described(id, &meaning))
    })
}
