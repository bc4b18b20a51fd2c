//! How alerts are led to receivers, and what keeps them back: routes, inhibition rules, time intervals.

use serde_json::{Value as Json, json};

use super::Parts;
use super::keys::Keys;
use super::shapes::{one_or_more, to};
use super::words::Words;

pub(super) fn parts() -> Parts {
    vec![
        ("route", route()),
        ("route_below", route_below()),
        ("step", step()),
        ("matcher", matcher()),
        ("inhibit_rule", inhibit_rule()),
        ("time_interval", time_interval()),
        ("span", span()),
        ("times", times()),
    ]
}

fn matcher() -> Json {
    json!({
        "type": "string",
        "pattern": "^[ ]*[A-Za-z0-9_]+[ ]*(=~|!~|!=|=)",
        "errorMessage": "write a label, one of = != =~ !~, and a text in quotes",
        "examples": ["severity = \"critical\""],
    })
}

fn route() -> Json {
    gathered(Keys::new("The route", Words::of_rules("The route", 0)).must("receiver", to("name"))).whole()
}

fn route_below() -> Json {
    let keys = Keys::new("A route", Words::of_rules("The route", 1))
        .may("matchers", one_or_more(&to("matcher")))
        .may("continue", to("flag"))
        .may("receiver", to("name"))
        .may("mute_time_intervals", one_or_more(&to("name")))
        .may("active_time_intervals", one_or_more(&to("name")));
    gathered(keys).whole()
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
        .may("escalate", one_or_more(&to("step")))
        .may("routes", one_or_more(&to("route_below")))
}

fn step() -> Json {
    Keys::new("A step of escalation", Words::of_rules("The route", 2))
        .must("after", to("clock"))
        .must("receiver", to("name"))
        .whole()
}

fn inhibit_rule() -> Json {
    Keys::new("An inhibition rule", Words::of_rules("An inhibition rule", 0))
        .must("source_matchers", one_or_more(&to("matcher")))
        .must("target_matchers", one_or_more(&to("matcher")))
        .must("equal", one_or_more(&to("group_label")))
        .whole()
}

fn time_interval() -> Json {
    Keys::new("A time interval", Words::of_rules("A time interval", 0))
        .must("name", to("name"))
        .must("time_intervals", one_or_more(&to("span")))
        .whole()
}

fn span() -> Json {
    let range = |example: &str| json!({ "type": ["string", "integer"], "examples": [example] });
    Keys::new("A span of time", Words::of_rules("A time interval", 1))
        .may("times", one_or_more(&to("times")))
        .may("weekdays", one_or_more(&range("monday:friday")))
        .may("days_of_month", one_or_more(&range("1:5")))
        .may("months", one_or_more(&range("january:march")))
        .may("years", one_or_more(&range("2026:2027")))
        .may("location", to("time_zone"))
        .whole()
}

fn times() -> Json {
    let time = |example: &str| {
        json!({
            "type": "string",
            "pattern": r"^\s*(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)\s*$",
            "errorMessage": "write hours and minutes of 24 hours in quotes, as in \"20:00\"",
            "examples": [example],
        })
    };
    Keys::new("Times of a day", Words::of_rules("A time interval", 2))
        .must("start_time", time("20:00"))
        .must("end_time", time("24:00"))
        .whole()
}
