//! What has become urgent, or is to go on to others, waits for nothing that others wait for.

use expect_test::expect;
use pulsewarden::engine::Act;

use crate::payloads::battery;
use crate::world::{World, play};

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: warning
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
calendars:
  office: { days: mon-fri, from: "08:00", to: "18:00", time_zone: UTC }
time_intervals:
  - { name: nights, time_intervals: [{ times: [{ start_time: "18:00", end_time: "24:00" }] }] }
receivers:
  - { name: team, email: [{ to: [team@clinic.example] }] }
  - { name: lead, email: [{ to: [lead@clinic.example] }] }
  - { name: head, email: [{ to: [head@clinic.example] }] }
"#;

fn rules(route: &str) -> String {
    format!("{RULES}{route}\n")
}

#[test]
fn raised_out_of_quiet_hours_it_comes_at_once_by_itself() {
    let rules = rules("route: { receiver: team, group_by: [\"...\"], group_wait: 1m, group_interval: 1m }").replace(
        "name: team,",
        "name: team, quiet: { calendar: office, except: critical }, cap: { messages: 20, per: 1h },",
    );
    let mut world = World::new(&rules);
    world.until("2026-03-02T20:00:00Z");
    for device in 1..=4 {
        world.post("device.lowBattery", battery(device, 9));
    }
    world.wait("5m");
    for device in 1..=3 {
        world.post("device.lowBattery", battery(device, 3));
        world.wait("5s");
    }
    world.post("device.lowBattery", battery(5, 3));
    world.until("2026-03-03T09:00:00Z");
    expect![[r#"
        2026-03-02T20:06:00.000Z → team (email): #1 firing critical;
        2026-03-02T20:06:05.000Z → team (email): #2 firing critical;
        2026-03-02T20:06:10.000Z → team (email): #3 firing critical;
        2026-03-02T20:06:15.000Z → team (email): #5 firing critical;
        2026-03-03T08:00:00.000Z → team (email): 1 open, 0 ended in one (Quiet, 1 messages)
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn beyond_three_quarters_of_the_cap_critical_ones_still_come_by_themselves() {
    let rules = rules("route: { receiver: team, group_by: [\"...\"], group_wait: 0s }")
        .replace("name: team,", "name: team, cap: { messages: 8, per: 1h },");
    let mut world = World::new(&rules);
    for device in 1..=12 {
        world.post("device.lowBattery", battery(device, if device > 9 { 3 } else { 9 }));
        world.wait("1s");
    }
    world.wait("3h");
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:00:01.000Z → team (email): #2 firing warning;
        2026-03-02T10:00:02.000Z → team (email): #3 firing warning;
        2026-03-02T10:00:03.000Z → team (email): #4 firing warning;
        2026-03-02T10:00:04.000Z → team (email): #5 firing warning;
        2026-03-02T10:00:05.000Z → team (email): #6 firing warning;
        2026-03-02T10:00:09.000Z → team (email): #10 firing critical;
        2026-03-02T10:01:06.000Z → team (email): 5 open, 0 ended in one (Cap, 5 messages)
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn raised_into_another_route_to_the_same_receiver_it_comes_by_that_one() {
    let rules = rules(
        r#"
route:
  receiver: team
  group_by: [alertname]
  group_interval: 4h
  routes:
    - { matchers: ['severity = "warning"'], mute_time_intervals: [nights] }
    - { matchers: ['severity = "critical"'], group_wait: 0s, group_interval: 1m }
"#,
    );
    let told = play(&rules, |world| {
        world.until("2026-03-02T17:00:00Z");
        world.post("device.lowBattery", battery(1, 9));
        world.wait("10m");
        world.post("device.lowBattery", battery(1, 3));
        world.until("2026-03-02T19:00:00Z");
        world.post("device.lowBattery", battery(2, 9));
        world.wait("1h");
        world.post("device.lowBattery", battery(2, 3));
        world.wait("1h");
        world.post("device.lowBattery", battery(2, 90));
        world.wait("10m");
    });
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 2×
          2026-03-02T17:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T17:10:00.000Z firing critical: severity raised to critical
        #2 DeviceBatteryLow on device 2, seen 2×
          2026-03-02T19:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T20:00:00.000Z firing critical: severity raised to critical
          2026-03-02T21:00:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        2026-03-02T17:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T17:10:00.000Z → team (email): #1 firing critical;
        2026-03-02T20:00:00.000Z → team (email): #1 firing critical; #2 firing critical;
        2026-03-02T21:00:00.000Z → team (email): #1 firing critical; #2 resolved;
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_step_is_held_by_no_other_route_to_its_receiver() {
    let rules = rules(
        r#"
route:
  receiver: team
  group_by: [alertname]
  group_wait: 0s
  routes:
    - { matchers: ['severity = "info"'], receiver: lead, active_time_intervals: [nights] }
    - { matchers: ['subject = "order"'], receiver: lead, mute_time_intervals: [nights] }
    - { matchers: ['severity = "critical"'], escalate: [{ after: 30m, receiver: lead }] }
"#,
    );
    let mut world = World::new(&rules);
    world.post("device.lowBattery", battery(1, 3));
    world.wait("1h");
    world.until("2026-03-02T20:00:00Z");
    world.post("device.lowBattery", battery(2, 3));
    world.wait("1h");
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T10:30:00.000Z → lead (email): #1 firing critical;
        2026-03-02T20:00:00.000Z → team (email): #1 firing critical; #2 firing critical;
        2026-03-02T20:30:00.000Z → lead (email): #1 firing critical; #2 firing critical;
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn a_step_reaches_whoever_waits_to_be_told_and_each_alert_by_itself_unless_it_is_taken_on() {
    let rules = rules(
        r#"
route:
  receiver: team
  group_wait: 0s
  group_interval: 2h
  escalate: [{ after: 30m, receiver: lead }]
  routes:
    - { matchers: ['device = "1"'], receiver: lead, group_wait: 4h, continue: true }
    - { matchers: ['subject = "device"'] }
"#,
    );
    let mut world = World::new(&rules);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    world.post("device.lowBattery", battery(2, 9));
    world.wait("10m");
    world.post("device.lowBattery", battery(3, 9));
    world.wait("25m");
    world.act(3, Act::Acknowledge { until: None });
    world.wait("3h");
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:30:00.000Z → lead (email): #1 firing warning;
        2026-03-02T10:40:00.000Z → lead (email): #2 firing warning;
        2026-03-02T12:00:00.000Z → team (email): #1 firing warning; #2 firing warning; #3 firing warning;
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn routes_with_the_same_matchers_escalate_each_by_itself_and_another_step_is_another_step() {
    let before = r#"
route:
  receiver: team
  group_wait: 0s
  routes:
    - { matchers: ['subject = "device"'], receiver: team, escalate: [{ after: 10m, receiver: lead }], continue: true }
    - { matchers: ['subject = "device"'], receiver: team, escalate: [{ after: 20m, receiver: head }] }
"#;
    let mut world = World::new(&rules(before));
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:10:00.000Z → lead (email): #1 firing warning;
        2026-03-02T10:20:00.000Z → head (email): #1 firing warning;
    "#]]
    .assert_eq(&world.messages());

    let one = |steps: &str| rules(&format!("route: {{ receiver: team, group_wait: 0s, escalate: [{steps}] }}"));
    let mut world = World::new(&one("{ after: 10m, receiver: lead }"));
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    world.rules(&one("{ after: 5m, receiver: head }, { after: 10m, receiver: lead }"));
    world.wait("1m");
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:10:00.000Z → lead (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → head (email): #1 firing warning;
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn what_a_reload_holds_back_no_longer_is_told() {
    let route = |muted: &str| {
        rules(&format!(
            "route: {{ receiver: team, group_wait: 0s, group_interval: 1m, routes: [{{ matchers: ['subject = \"device\"'] {muted} }}] }}"
        ))
    };
    let mut world = World::new(&route(""));
    world.until("2026-03-02T19:00:00Z");
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    world.rules(&route(", mute_time_intervals: [nights]"));
    world.post("device.lowBattery", battery(1, 3));
    world.wait("10m");
    world.rules(&route(""));
    world.wait("10m");
    expect![[r#"
        2026-03-02T19:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T19:20:00.000Z → team (email): #1 firing critical;
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn without_any_route_ends_are_still_told() {
    let route = "route: { receiver: team, group_wait: 0s }";
    let mut world = World::new(&rules(route));
    world.post("device.lowBattery", battery(1, 9));
    world.post("device.lowBattery", battery(2, 9));
    world.wait("1h");
    world.rules(RULES);
    world.post("device.lowBattery", battery(1, 90));
    world.wait("1h");
    world.rules(&rules(route));
    world.post("device.lowBattery", battery(2, 90));
    world.wait("1h");
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:30:00.000Z → team (email): #1 firing warning; #2 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #2 firing warning; #1 resolved;
        2026-03-02T12:00:00.000Z → team (email): #2 resolved;
    "#]]
    .assert_eq(&world.messages());
}
