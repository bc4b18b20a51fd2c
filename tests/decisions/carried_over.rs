//! What rules remember and have open, as the rule files change around them.

use expect_test::expect;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::payloads::{association, battery, device_of, person};
use crate::rule_changes::{NONE, check};
use crate::world::{World, play};

const MEMORY: &str = r#"
rules:
  - { alert: Weak, subject: device, event: device.weakSignal, count: { at_least: 3, within: 24h } }
  - { alert: Low, subject: device, event: device.lowBattery, where: "payload.batteryPercentage < 20",
      resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }] }
  - { alert: NoReturn, subject: device, event: device.associationRemoved,
      not_followed_by: { event: return.statusFull, within: 4d } }
  - { alert: NoOrder, subject: device, event: device.associationRemoved,
      not_followed_by: { event: order.statusFull, same: patient, within: 4d } }
  - { alert: Stranger, subject: patient, event: order.statusFull,
      not_preceded_by: { event: patient.created, within: 30d } }
  - { alert: Unordered, subject: device, event: device.associationCreated,
      not_preceded_by: { event: order.statusFull, same: patient, within: 30d } }
  - { alert: Silent, subject: device, silent: { longer_than: 5d } }
  - { alert: Stuck, subject: order, while: "order.status == 'onHold'", for: 4d }
"#;

fn order(id: i64, patient: i64, status: &str) -> Value {
    json!({ "id": id, "currentStatus": status, "patient": person(patient) })
}

/// A story in two parts, between which the rules change.
fn first_part(world: &mut World) {
    world.post("patient.created", person(5));
    world.post("order.statusFull", order(90, 6, "onHold"));
    world.post("device.healthcheck", json!({ "device": device_of(1, Some(5)) }));
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    for _ in 0..2 {
        world.post("device.weakSignal", check(1));
    }
    for (id, patient) in [(2, 7), (3, 8)] {
        let at = "2026-03-02T11:00:00Z";
        world.post("device.associationCreated", association(id, patient, "2026-03-01T10:00:00Z", true));
        world.post("device.associationRemoved", association(id, patient, at, false));
    }
    world.wait("1h");
}

fn second_part(world: &mut World) {
    world.wait("1h");
    world.post("device.weakSignal", check(1));
    world.post("device.lowBattery", battery(1, 8));
    world.post("order.statusFull", order(91, 5, "orderPlaced"));
    world.post("device.associationCreated", association(4, 6, "2026-03-02T13:00:00Z", true));
    // Device 2 is followed by both, device 3 by neither.
    world.post("order.statusFull", order(92, 7, "orderPlaced"));
    world.post("return.statusFull", json!({ "id": 95, "currentStatus": "inTransit", "returnDevices": [{ "id": 2 }] }));
    world.wait("10d");
    world.post("device.lowBattery", battery(1, 90));
}

#[test]
fn rules_that_do_not_change_go_on_as_if_nothing_had_happened() {
    let unchanged = play(MEMORY, |world| {
        first_part(world);
        second_part(world);
    });
    let more =
        format!("{MEMORY}  - {{ alert: Another, subject: device, event: device.healthcheck, where: \"false\" }}\n");
    let changed = play(MEMORY, |world| {
        first_part(world);
        world.rules(&more);
        world.rules(MEMORY);
        world.rules(&more);
        second_part(world);
    });
    assert_eq!(unchanged, changed);
    expect![[r#"
        #1 Stranger on patient 6, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #2 Low on device 1, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-12T13:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #3 Unordered on device 2, seen 1×
          2026-03-02T11:00:00.000Z firing warning, as of 2026-03-01T10:00:00.000Z: device.associationCreated came without what should come before
          2026-03-02T11:00:00.000Z resolved warning: the device was disassociated from its patient
        #4 Unordered on device 3, seen 1×
          2026-03-02T11:00:00.000Z firing warning, as of 2026-03-01T10:00:00.000Z: device.associationCreated came without what should come before
          2026-03-02T11:00:00.000Z resolved warning: the device was disassociated from its patient
        #5 Weak on device 1, seen 3×
          2026-03-02T13:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-12T13:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 24h
        #6 Stranger on patient 7, seen 1×
          2026-03-02T13:00:00.000Z firing warning: order.statusFull came without what should come before
        #7 Stuck on order 90, seen 1×
          2026-03-06T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
        #8 NoOrder on device 3, seen 1×
          2026-03-06T11:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T11:00:00.000Z was not followed by what should come
        #9 NoReturn on device 3, seen 1×
          2026-03-06T11:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T11:00:00.000Z was not followed by what should come
        #10 Silent on device 1, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&unchanged);
}

#[test]
fn a_rule_that_was_called_otherwise_takes_over_what_was_known_and_what_is_open() {
    let mut renamed = String::new();
    for line in MEMORY.lines() {
        match line.strip_prefix("  - { alert: ").and_then(|rest| rest.split_once(',')) {
            Some((name, rest)) => writeln!(renamed, "  - {{ alert: {name}Now, was: {name},{rest}").unwrap(),
            None => writeln!(renamed, "{line}").unwrap(),
        }
    }
    let without = |history: &str| history.replace("Now on", " on");
    let unchanged = play(MEMORY, |world| {
        first_part(world);
        second_part(world);
    });
    let changed = play(MEMORY, |world| {
        first_part(world);
        world.rules(&renamed);
        second_part(world);
    });
    assert_eq!(unchanged, without(&changed));
    assert!(!changed.contains(" Low on"), "{changed}");
}

#[test]
fn a_new_rule_holds_nothing_against_what_came_before_it() {
    let history = play(NONE, |world| {
        world.post("order.statusFull", order(90, 5, "orderPlaced"));
        world.post("device.healthcheck", json!({ "device": device_of(1, Some(5)) }));
        world.wait("1d");
        world.rules(MEMORY);
        world.wait("1d");
        // Nobody knows whether patient 5 was created in the last thirty days; patient 9 was not.
        world.post("order.statusFull", order(91, 5, "shipped"));
        world.post("order.statusFull", order(99, 9, "shipped"));
        world.until("2026-04-01T09:59:59.999Z");
        world.post("order.statusFull", order(92, 5, "shipped"));
        world.wait("1ms");
        world.post("order.statusFull", order(93, 5, "shipped"));
    });
    expect![[r#"
        #1 Stranger on patient 9, seen 1×
          2026-03-04T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #2 Silent on device 1, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #3 Stranger on patient 5, seen 1×
          2026-04-01T10:00:00.000Z firing warning: order.statusFull came without what should come before
    "#]]
    .assert_eq(&history);
}

#[test]
fn an_event_born_alert_stays_when_its_rule_changes() {
    let history = play(MEMORY, |world| {
        world.post("device.lowBattery", battery(1, 9));
        world.wait("1d");
        world.rules(&MEMORY.replace("payload.batteryPercentage < 20", "payload.batteryPercentage < 5"));
        world.wait("1d");
        world.post("device.lowBattery", battery(1, 8));
        world.post("device.lowBattery", battery(1, 4));
        world.wait("1d");
        world.post("device.lowBattery", battery(1, 90));
    });
    expect![[r#"
        #1 Low on device 1, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-05T10:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
    "#]]
    .assert_eq(&history);
}
