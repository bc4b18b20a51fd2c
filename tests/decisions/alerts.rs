//! The life of an alert: fires once, is refreshed and raised, resolves by evidence, expires without news.

use expect_test::expect;
use serde_json::json;

use crate::world::{World, battery, device};

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
    expect![[""]].assert_eq(&world.timeline());
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
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn resolves_by_event_and_may_fire_anew() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 12));
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn resolves_when_heard_after_a_quiet_time_and_not_before() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("10d");
    world.post("device.healthcheck", json!({ "device": device(7) }));
    world.wait("5d");
    world.post("device.healthcheck", json!({ "device": device(7) }));
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn expires_without_news_and_is_not_announced_as_resolved() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("30d");
    world.post("device.weakSignal", json!({ "device": { "id": 7 } }));
    world.wait("59d");
    expect![[""]].assert_eq(&world.timeline());
    world.wait("2d");
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn closes_when_its_rule_is_removed() {
    let mut world = World::new(LOW_BATTERY);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&LOW_BATTERY.replace("DeviceBatteryLow", "AnotherName"));
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn a_missing_field_neither_fires_nor_resolves() {
    let mut world = World::new(&LOW_BATTERY.replace("!has(payload.batteryPercentage) || ", ""));
    world.post("device.lowBattery", json!({ "device": device(7) }));
    world.post("device.lowBattery", battery(7, 9));
    world.post("device.lowBattery", json!({ "device": device(7) }));
    expect![[""]].assert_eq(&world.timeline());
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
