//! Conditions that cannot be computed: a mistake in one rule leaves the others alone, and is told.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{battery, device};
use crate::world::{World, play};

const RULES: &str = r#"
rules:
  - { alert: Divides, subject: device, event: device.lowBattery, where: "100 / (payload.batteryPercentage - 9) > 1" }
  - { alert: Low, subject: device, event: device.lowBattery, where: "payload.batteryPercentage < 20" }
  - { alert: Counts, subject: device, event: device.lowBattery, while: "100 / (device.battery - 9) > 1",
      count: { at_least: 2, within: 24h } }
  - { alert: Holds, subject: device, while: "100 / (device.battery - 9) > 1", for: 2h }
  - { alert: Resolves, subject: device, event: device.lowBattery, where: "payload.batteryPercentage < 20",
      resolve: [{ event: device.healthcheck, where: "100 / (device.battery - 9) > 1" }] }
  - { alert: Raises, subject: device, event: device.lowBattery,
      raise: [{ to: critical, where: "100 / (payload.batteryPercentage - 9) > 1" }] }
"#;

/// What was told since the last look.
fn faults(world: &mut World) -> String {
    let faults = std::mem::take(&mut world.faults);
    faults.iter().map(|(rule, error)| format!("{rule}: {error}\n")).collect()
}

#[test]
fn a_rule_that_cannot_be_computed_is_told_once_and_leaves_the_others_alone() {
    let mut world = World::new(RULES);
    world.at_once(|world| {
        for id in [7, 8] {
            world.post("device.lowBattery", battery(id, 9));
            world.post("device.lowBattery", battery(id, 9));
        }
    });
    expect![[r#"
        Counts: it divides by zero
        Divides: it divides by zero
        Holds: it divides by zero
        Raises: it divides by zero
    "#]]
    .assert_eq(&faults(&mut world));
    world.post("device.healthcheck", json!({ "device": device(7) }));
    expect![[r#"
        Resolves: it divides by zero
    "#]]
    .assert_eq(&faults(&mut world));
    world.wait("1d");
    expect![[""]].assert_eq(&faults(&mut world));
    expect![[r#"
        #1 Low on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 Resolves on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 Raises on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #4 Low on device 8, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #5 Resolves on device 8, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #6 Raises on device 8, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.history());
}

#[test]
fn what_cannot_be_computed_changes_nothing_of_what_is_so() {
    let low = |percentage: i64| -> Value { battery(7, percentage) };
    let history = play(RULES, |world| {
        world.post("device.lowBattery", low(12));
        world.wait("1h");
        // The state cannot be computed when its time is over, nor whether it has ended.
        world.post("device.lowBattery", low(9));
        world.wait("3h");
        world.post("device.lowBattery", low(12));
        world.wait("1h");
        world.post("device.lowBattery", low(9));
        world.wait("1h");
        world.post("device.lowBattery", low(5));
    });
    expect![[r#"
        #1 Divides on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 Low on device 7, seen 5×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 Resolves on device 7, seen 5×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #4 Raises on device 7, seen 5×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
        #5 Counts on device 7, seen 2×
          2026-03-02T14:00:00.000Z firing warning: 2 × device.lowBattery within 24h
        #6 Holds on device 7, seen 1×
          2026-03-02T14:00:00.000Z firing warning, as of 2026-03-02T12:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-02T16:00:00.000Z resolved warning: no longer so: 100 / (device.battery - 9) > 1
    "#]].assert_eq(&history);
}

#[test]
fn types_that_do_not_fit_are_a_fault_and_what_is_missing_is_none() {
    let rules = r#"
rules:
  - { alert: Types, subject: device, event: device.weakSignal, where: "payload.device.strength > 5" }
"#;
    let mut world = World::new(rules);
    let strength = |strength: Value| {
        let mut device = device(7);
        device["strength"] = strength;
        json!({ "device": device })
    };
    world.post("device.weakSignal", strength(json!("weak")));
    expect![[r#"
        Types: an operator or function got values of types that it does not take
    "#]]
    .assert_eq(&faults(&mut world));
    world.post("device.weakSignal", strength(Value::Null));
    expect![[""]].assert_eq(&faults(&mut world));
    world.post("device.weakSignal", strength(json!(6)));
    expect![[r#"
        #1 Types on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.weakSignal met the rule's condition
    "#]]
    .assert_eq(&world.history());
}
