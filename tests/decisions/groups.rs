//! What a receiver is told, and when: Alertmanager's group timers.

use expect_test::expect;
use pulsewarden::engine::{Command, Content, SubjectKind, Value};
use pulsewarden::store::Entry;

use crate::payloads::{association, battery};
use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
    slack: [{ webhook: team }]
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
"#;

/// The same with one channel, and more urgent where it is lower.
const RULES_OF_ONE: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
"#;

#[test]
fn a_new_group_waits_for_company_then_keeps_its_interval() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1m");
    world.post("device.lowBattery", battery(2, 9));
    world.wait("5m");
    world.post("device.lowBattery", battery(3, 9));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:01:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-02T10:06:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning; #2 firing warning;
        2026-03-02T10:02:00.000Z → team (slack): #1 firing warning; #2 firing warning;
        2026-03-02T10:32:00.000Z → team (email): #1 firing warning; #2 firing warning; #3 firing warning;
        2026-03-02T10:32:00.000Z → team (slack): #1 firing warning; #2 firing warning; #3 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_ends_before_it_was_told_is_never_mentioned() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1m");
    world.post("device.lowBattery", battery(1, 90));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:01:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_end_is_told_once_and_an_open_alert_again_after_the_repeat_interval() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("25h");
    world.post("device.associationRemoved", association(1, 5, "2026-03-03T10:59:00Z", false));
    world.wait("2d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-03T11:00:00.000Z resolved warning: the device was disassociated from its patient
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:02:00.000Z → team (slack): #1 firing warning;
        2026-03-03T10:02:00.000Z → team (email): #1 firing warning again;
        2026-03-03T10:02:00.000Z → team (slack): #1 firing warning again;
        2026-03-03T11:00:00.000Z → team (email): #1 resolved;
        2026-03-03T11:00:00.000Z → team (slack): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_group_that_has_nothing_left_begins_anew_in_whichever_batch() {
    let story = |world: &mut World| {
        world.post("device.lowBattery", battery(1, 9));
        world.wait("10m");
        world.post("device.lowBattery", battery(1, 90));
        world.wait("30m");
        world.post("device.lowBattery", battery(2, 9));
        world.wait("1m");
        world.post("device.lowBattery", battery(2, 90));
        world.wait("20m");
        world.post("device.lowBattery", battery(3, 9));
        world.wait("20m");
        world.post("device.lowBattery", battery(4, 9));
        world.wait("1h");
        world.post("device.lowBattery", battery(5, 9));
    };
    let (mut apart, mut together) = (World::new(RULES), World::new(RULES));
    story(&mut apart);
    together.at_once(story);
    assert_eq!(apart.timeline(), together.timeline());
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:10:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:40:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:41:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-02T11:01:00.000Z firing warning: device.lowBattery met the rule's condition
        #4 DeviceBatteryLow on device 4, seen 1×
          2026-03-02T11:21:00.000Z firing warning: device.lowBattery met the rule's condition
        #5 DeviceBatteryLow on device 5, seen 1×
          2026-03-02T12:21:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:02:00.000Z → team (slack): #1 firing warning;
        2026-03-02T10:32:00.000Z → team (email): #1 resolved;
        2026-03-02T10:32:00.000Z → team (slack): #1 resolved;
        2026-03-02T11:03:00.000Z → team (email): #3 firing warning;
        2026-03-02T11:03:00.000Z → team (slack): #3 firing warning;
        2026-03-02T11:33:00.000Z → team (email): #3 firing warning; #4 firing warning;
        2026-03-02T11:33:00.000Z → team (slack): #3 firing warning; #4 firing warning;
        2026-03-02T12:21:00.000Z → team (email): #3 firing warning; #4 firing warning; #5 firing warning;
        2026-03-02T12:21:00.000Z → team (slack): #3 firing warning; #4 firing warning; #5 firing warning;
    "#]]
    .assert_eq(&apart.timeline());
}

#[test]
fn a_notification_that_was_given_up_is_told_anew() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    world.give_up(0);
    world.wait("24h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:02:00.000Z → team (slack): #1 firing warning;
        2026-03-03T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-03T10:02:00.000Z → team (slack): #1 firing warning again;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_was_given_up_comes_with_the_next_news_and_is_not_told_again_and_again() {
    let mut world = World::new(RULES_OF_ONE);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    world.give_up(0);
    world.wait("1h");
    world.post("device.lowBattery", battery(2, 9));
    world.wait("1h");
    world.give_up(1);
    world.wait("20h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T12:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T12:00:00.000Z → team (email): #1 firing warning; #2 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_end_whose_notification_was_given_up_is_told_anew() {
    let mut world = World::new(RULES_OF_ONE);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 90));
    world.wait("20h");
    world.restart();
    world.give_up(1);
    world.wait("4d");
    world.give_up(2);
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 resolved;
        2026-03-04T07:00:00.000Z → team (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_notification_that_was_given_up_takes_back_only_what_it_was_the_first_to_tell() {
    let mut world = World::new(RULES_OF_ONE);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 4));
    world.wait("1h");
    world.restart();
    world.give_up(0);
    world.wait("25h");
    world.give_up(2);
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z firing critical: severity raised to critical
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 firing critical;
        2026-03-03T11:00:00.000Z → team (email): #1 firing critical again;
    "#]]
    .assert_eq(&world.timeline());
    world.give_up(1);
    world.post("device.lowBattery", battery(1, 90));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z firing critical: severity raised to critical
          2026-03-03T14:00:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 firing critical;
        2026-03-03T11:00:00.000Z → team (email): #1 firing critical again;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_ended_while_its_only_notification_failed_is_never_mentioned() {
    let mut world = World::new(RULES_OF_ONE);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    world.post("device.lowBattery", battery(1, 90));
    world.give_up(0);
    world.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:10:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_alert_that_fires_after_a_told_end_waits_for_company_like_the_first() {
    let mut world = World::new(RULES_OF_ONE);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 90));
    world.wait("1m");
    world.post("device.lowBattery", battery(2, 9));
    world.wait("30h");
    world.post("device.lowBattery", battery(2, 90));
    world.wait("74h");
    let groups = world.store.subjects(SubjectKind::Group, None, 10).unwrap();
    assert!(groups.is_empty(), "told ends are kept for three days");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T11:01:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-03T17:01:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:00:00.000Z → team (email): #1 resolved;
        2026-03-02T11:03:00.000Z → team (email): #2 firing warning;
        2026-03-03T11:03:00.000Z → team (email): #2 firing warning again;
        2026-03-03T17:01:00.000Z → team (email): #2 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn the_first_notification_says_what_is_known_when_it_goes_out() {
    let mut world =
        World::new(&RULES.replace("resolve:", "annotations: { summary: '{{ device.battery }}' }\n    resolve:"));
    world.post("device.lowBattery", battery(1, 18));
    world.wait("30s");
    world.post("device.lowBattery", battery(1, 6));
    world.wait("1h");
    let Content::Alerts { firing, .. } = &world.notifications[0].content else { panic!("an alert was told") };
    assert!(firing[0].evidence.values["device.battery"].value == Value::Int(6));
}

#[test]
fn a_test_notification_goes_to_every_channel_of_its_receiver() {
    let mut world = World::new(RULES);
    let command = Command::TestNotification { receiver: "team".to_owned(), by: "root".to_owned() };
    world.append(Entry::Command(command));
    let nobody = Command::TestNotification { receiver: "nobody".to_owned(), by: "root".to_owned() };
    world.append(Entry::Command(nobody));
    expect![[r#"
        2026-03-02T10:00:00.000Z → team (email): test
        2026-03-02T10:00:00.000Z → team (slack): test
    "#]]
    .assert_eq(&world.timeline());
}
