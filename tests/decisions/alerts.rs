//! The life of an alert: fires once, is refreshed and raised, resolves by evidence, expires without news.

use expect_test::expect;
use serde_json::json;

use crate::payloads::{battery, device};
use crate::world::World;

const LOW_BATTERY: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "!has(payload.batteryPercentage) || payload.batteryPercentage <= 20"
    severity: warning
    raise:
      - { to: critical, where: "payload.batteryPercentage <= 5" }
      - { to: critical, after: 7d }
    annotations:
      summary: "Battery at {{ device.battery }}% on {{ device.item }} {{ device.serial }}"
    resolve:
      - { event: device.lowBattery, where: "payload.batteryPercentage > 40" }
      - { after: 14d }
    expire: 60d
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
route: { receiver: team, group_by: ["..."], group_wait: 0s, group_interval: 5m, repeat_interval: 90d }
"#;

#[test]
fn fires_once_and_counts_repeats() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 18));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 16));
    world.post("device.lowBattery", battery(8, 50));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn is_raised_by_an_event_and_by_age_but_only_upward() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 18));
    world.post("device.lowBattery", battery(8, 18));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 4));
    world.post("device.lowBattery", battery(7, 15));
    world.wait("8d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z firing critical: severity raised to critical
        #2 DeviceBatteryLow on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-09T10:00:00.000Z firing critical: severity raised to critical
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:00:00.000Z → team (email): #2 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 firing critical;
        2026-03-09T10:00:00.000Z → team (email): #2 firing critical;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn resolves_by_event_and_may_fire_anew() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 12));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T12:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 resolved;
        2026-03-02T12:00:00.000Z → team (email): #2 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn resolves_when_heard_after_a_quiet_time_and_not_before() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("10d");
    world.post("device.healthcheck", json!({ "device": device(7) }));
    world.wait("5d");
    world.post("device.healthcheck", json!({ "device": device(7) }));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-09T10:00:00.000Z firing critical: severity raised to critical
          2026-03-17T10:00:00.000Z resolved critical: heard from, with nothing new since 2026-03-02T10:00:00.000Z
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-09T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-17T10:00:00.000Z → team (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn expires_without_news_and_is_not_announced_as_resolved() {
    let mut world = World::new(&LOW_BATTERY.replace("- { after: 14d }", ""));
    world.post("device.lowBattery", battery(7, 9));
    world.wait("30d");
    world.post("device.weakSignal", json!({ "device": { "id": 7 } }));
    world.wait("59d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-09T10:00:00.000Z firing critical: severity raised to critical
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-09T10:00:00.000Z → team (email): #1 firing critical;
    "#]]
    .assert_eq(&world.timeline());
    world.wait("2d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-09T10:00:00.000Z firing critical: severity raised to critical
          2026-05-31T10:00:00.000Z expired critical: no news since 2026-04-01T10:00:00.000Z; not known to be well
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-09T10:00:00.000Z → team (email): #1 firing critical;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn closes_when_its_rule_is_removed() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&LOW_BATTERY.replace("DeviceBatteryLow", "AnotherName"));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z closed warning: the rule was removed; no longer watched
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 closed;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn deadlines_that_another_rule_set_brings_count_at_once() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1d");
    world.rules(&LOW_BATTERY.replace("after: 7d", "after: 2h").replace("expire: 60d", "expire: 2d"));
    world.wait("2d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-03T10:00:00.000Z firing critical: severity raised to critical
          2026-03-04T10:00:00.000Z expired critical: no news since 2026-03-02T10:00:00.000Z; not known to be well
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-03T10:00:00.000Z → team (email): #1 firing critical;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_missing_field_neither_fires_nor_resolves() {
    let mut world = World::new(&LOW_BATTERY.replace("!has(payload.batteryPercentage) || ", ""));
    world.post("device.lowBattery", json!({ "device": device(7) }));
    world.post("device.lowBattery", battery(7, 9));
    world.post("device.lowBattery", json!({ "device": device(7) }));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn the_same_history_gives_the_same_timeline_across_restarts() {
    let play = |restarts: bool| {
        let mut world = World::new(LOW_BATTERY);
        for round in 0..6 {
            for id in 1..5 {
                world.post("device.lowBattery", battery(id, (id * 7 + round * 11) % 60));
                if restarts {
                    world.restart();
                }
            }
            world.wait("3d");
        }
        world.timeline()
    };
    assert_eq!(play(false), play(true));
}
