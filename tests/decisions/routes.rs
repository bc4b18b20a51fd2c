//! Another rule set while alerts are open: whoever is to be told now is told, whoever was told hears of the end.

use expect_test::expect;

use crate::payloads::battery;
use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: warning
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
  - name: lead
    slack: [{ webhook: lead }]
route: { receiver: team, group_by: [alertname, severity], group_wait: 1m, group_interval: 5m, repeat_interval: 12h }
"#;

#[test]
fn a_receiver_under_another_name_is_told_of_what_is_open_and_of_its_end() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&RULES.replace("team", "crew"));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("2d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:01:00.000Z → crew (email): #1 firing warning;
        2026-03-02T12:00:00.000Z → crew (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn another_address_of_the_same_receiver_takes_the_place_of_the_old_one() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&RULES.replace("email: [{ to: [team@clinic.example] }]", "slack: [{ webhook: team }]"));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("2d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:01:00.000Z → team (slack): #1 firing warning;
        2026-03-02T12:00:00.000Z → team (slack): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_receiver_that_the_route_has_left_hears_of_the_end_alone() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&RULES.replace("receiver: team", "receiver: lead"));
    world.wait("13h");
    world.post("device.lowBattery", battery(7, 4));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-03T00:00:00.000Z firing critical: severity raised to critical
          2026-03-03T01:00:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:01:00.000Z → lead (slack): #1 firing warning;
        2026-03-02T23:01:00.000Z → lead (slack): #1 firing warning again;
        2026-03-03T00:00:00.000Z → lead (slack): #1 firing critical;
        2026-03-03T01:00:00.000Z → team (email): #1 resolved;
        2026-03-03T01:00:00.000Z → lead (slack): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_receiver_that_the_route_has_left_before_it_was_told_is_told_when_the_route_comes_back() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.rules(&RULES.replace("receiver: team", "receiver: lead"));
    world.wait("1h");
    world.rules(RULES);
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → lead (slack): #1 firing warning;
        2026-03-02T11:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T12:00:00.000Z → team (email): #1 resolved;
        2026-03-02T12:00:00.000Z → lead (slack): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_alert_that_was_opened_without_a_route_is_told_once_there_is_one() {
    let (unrouted, _) = RULES.split_once("receivers:").unwrap();
    let mut world = World::new(unrouted);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(RULES);
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T11:01:00.000Z → team (email): #1 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn another_grouping_ends_the_old_groups() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&RULES.replace("[alertname, severity]", "[alertname, site]"));
    world.wait("13h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-03T00:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T23:01:00.000Z → team (email): #1 firing warning again;
        2026-03-03T00:00:00.000Z → team (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn rules_that_change_nothing_for_the_receiver_tell_nobody_again() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 4));
    world.wait("1h");
    world.rules(&RULES.replace("> 40", "> 50"));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z firing critical: severity raised to critical
        2026-03-02T10:01:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 firing critical;
    "#]]
    .assert_eq(&world.timeline());
}

const TREE: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: warning
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    labels: { area: care }
receivers:
  - { name: team, email: { to: team@clinic.example } }
  - { name: lead, email: { to: lead@clinic.example } }
  - { name: audit, email: { to: audit@clinic.example } }
route:
  receiver: team
  group_wait: 10m
  group_interval: 5m
  repeat_interval: 12h
  routes:
    - { matchers: ['area =~ "care|it"', 'ward = ""'], receiver: audit, group_wait: 1m, continue: true }
    - { matchers: 'severity = "critical"', receiver: lead, group_wait: 0s }
    - { matchers: 'severity != "critical"', receiver: team, routes: [{ matchers: 'area = "elsewhere"' }] }
"#;

#[test]
fn an_alert_goes_down_the_tree_and_on_where_a_route_continues() {
    let mut world = World::new(TREE);
    world.post("device.lowBattery", battery(7, 9));
    world.post("device.lowBattery", battery(8, 4));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → lead (email): #2 firing critical;
        2026-03-02T10:01:00.000Z → audit (email): #2 firing critical; #1 firing warning;
        2026-03-02T10:10:00.000Z → team (email): #1 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn who_a_raised_alert_leads_to_is_told_and_who_it_leads_to_no_longer_hears_of_its_end_alone() {
    let mut world = World::new(TREE);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 4));
    world.wait("1d");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z firing critical: severity raised to critical
          2026-03-03T11:00:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → audit (email): #1 firing warning;
        2026-03-02T10:10:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → lead (email): #1 firing critical;
        2026-03-02T11:00:00.000Z → audit (email): #1 firing critical;
        2026-03-03T11:00:00.000Z → lead (email): #1 firing critical again;
        2026-03-03T11:00:00.000Z → audit (email): #1 firing critical again;
        2026-03-03T11:00:00.000Z → team (email): #1 resolved;
        2026-03-03T11:05:00.000Z → lead (email): #1 resolved;
        2026-03-03T11:05:00.000Z → audit (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_open_alert_stays_in_its_group_where_another_route_leads_to_the_same_receiver() {
    let mut world = World::new(TREE);
    world.post("device.lowBattery", battery(7, 9));
    world.wait("1h");
    world.rules(&TREE.replace("'severity != \"critical\"'", "'severity =~ \"info|warning\"'"));
    world.wait("1h");
    world.restart();
    world.post("device.lowBattery", battery(7, 90));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:01:00.000Z → audit (email): #1 firing warning;
        2026-03-02T10:10:00.000Z → team (email): #1 firing warning;
        2026-03-02T12:00:00.000Z → team (email): #1 resolved;
        2026-03-02T12:00:00.000Z → audit (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}
