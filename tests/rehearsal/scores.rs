//! `score`: rules against an invented fleet, as people and programs read it.

use serde_json::Value;

use crate::{folder, pulsewarden};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");

#[test]
fn a_score_tells_what_was_found_missed_and_false_and_says_the_same_twice() {
    let folder = folder(&[]);
    let arguments = ["score", "--rules", RULES, "--devices", "25", "--days", "30", "--seed", "5"];
    let first = pulsewarden(folder.path(), &arguments);
    assert_eq!(first.code, 0, "{}", first.errors);
    let shown = &first.printed;
    assert!(shown.contains("over 30 days of 25 invented devices, seed 5"), "{shown}");
    assert!(shown.contains("of the problems that the webhooks show") && shown.contains("low-battery"), "{shown}");
    assert!(shown.contains("DeviceBatteryLow"), "{shown}");
    assert_eq!(first.errors, "", "no progress where nobody looks");
    assert_eq!(pulsewarden(folder.path(), &arguments).printed, first.printed);
}

#[test]
fn fewer_rules_score_worse_and_every_miss_has_its_cause() {
    let rule = "rules:\n  - { alert: Mine, subject: device, event: device.lowBattery }\n";
    let folder = folder(&[("own/own.yaml", rule)]);
    let arguments = ["score", "--rules", "own", "--devices", "25", "--days", "30", "--seed", "5", "--json"];
    let scored = pulsewarden(folder.path(), &arguments);
    assert_eq!(scored.code, 1, "{}", scored.errors);
    let score: Value = serde_json::from_str(&scored.printed).unwrap();
    assert_eq!(score["found"], 0);
    let misses = score["misses"].as_array().unwrap();
    assert_eq!(Some(misses.len() as u64), score["visible"].as_u64());
    assert!(misses.iter().all(|miss| miss["cause"] == "no-rule" && miss["due"].is_number()), "{misses:#?}");
    let mine = &score["rules"]["Mine"];
    assert!(mine["alerts"].as_u64() > Some(0) && mine["alerts"] == mine["not_judged"], "{mine}");
}

#[test]
fn where_there_is_nothing_to_find_nothing_is_found() {
    let folder =
        folder(&[("own/own.yaml", "rules:\n  - { alert: Mine, subject: device, event: device.healthcheck }\n")]);
    let scored = pulsewarden(folder.path(), &["score", "--rules", "own", "--devices", "1", "--days", "2"]);
    assert_eq!(scored.code, 1, "{}", scored.printed);
    assert!(
        scored.printed.contains("There was nothing to find") && !scored.printed.contains("100"),
        "{}",
        scored.printed
    );
    assert!(scored.printed.contains("no problem of the fleet is theirs by name: Mine ("), "{}", scored.printed);
}

#[test]
fn without_rules_there_is_nothing_to_score() {
    let folder = folder(&[]);
    let scored = pulsewarden(folder.path(), &["score"]);
    assert_eq!(scored.code, 1);
    assert!(scored.errors.contains("say which: --rules FOLDER"), "{}", scored.errors);
}
