//! Rules that count, and are new or changed: what the journal still has is counted for them.

use expect_test::expect;
use serde_json::json;

use crate::payloads::{battery, device};
use crate::world::World;

const NOTHING: &str = "rules: [{ alert: Other, event: device.healthcheck, where: \"false\" }]\n";

fn weak(id: i64) -> serde_json::Value {
    json!({ "device": device(id) })
}

fn rules(at_least: u32, within: &str) -> String {
    format!(
        "rules:\n  - {{ alert: Weak, subject: device, event: device.weakSignal, count: {{ at_least: {at_least}, within: {within} }} }}\n"
    )
}

#[test]
fn a_new_rule_counts_what_came_before_it_and_opens_as_baseline() {
    let mut world = World::new(NOTHING);
    for _ in 0..3 {
        world.post("device.weakSignal", weak(7));
        world.wait("1h");
    }
    world.post("device.weakSignal", weak(8));
    world.rules(&rules(3, "24h"));
    expect![[r#"
        #1 Weak on device 7, seen 3×, baseline
          2026-03-02T13:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_lies_too_far_back_does_not_count() {
    let mut world = World::new(NOTHING);
    world.post("device.weakSignal", weak(7));
    world.wait("24h");
    world.post("device.weakSignal", weak(7));
    world.post("device.weakSignal", weak(7));
    world.rules(&rules(3, "24h"));
    expect![""].assert_eq(&world.timeline());
    world.wait("1h");
    world.post("device.weakSignal", weak(7));
    expect![[r#"
        #1 Weak on device 7, seen 3×
          2026-03-03T11:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn other_events_are_counted_anew_and_a_higher_number_remembers_more() {
    let mut world = World::new(&rules(2, "24h"));
    world.post("device.lowBattery", battery(7, 30));
    world.post("device.lowBattery", battery(7, 29));
    world.rules(&rules(2, "24h").replace("device.weakSignal", "device.lowBattery"));
    world.rules(&rules(3, "24h").replace("device.weakSignal", "device.lowBattery"));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 28));
    expect![[r#"
        #1 Weak on device 7, seen 3×, baseline
          2026-03-02T10:00:00.000Z firing warning: 2 × device.lowBattery within 24h
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn different_devices_of_a_site_are_counted_over_a_longer_time() {
    let site = |within: &str| {
        format!(
            "rules:\n  - {{ alert: Outage, subject: site, event: device.weakSignal, count: {{ at_least: 3, distinct: device, within: {within} }} }}\n"
        )
    };
    let mut world = World::new(&site("1h"));
    for id in 7..10 {
        world.post("device.weakSignal", weak(id));
        world.wait("50m");
    }
    expect![""].assert_eq(&world.timeline());
    world.rules(&site("12h"));
    expect![[r#"
        #1 Outage on site 3, seen 3×, baseline
          2026-03-02T12:30:00.000Z firing warning: 3 × device.weakSignal within 12h
    "#]]
    .assert_eq(&world.timeline());
}
