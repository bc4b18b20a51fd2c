//! What keeps messages back, and what lets them go: silences, inhibition, time intervals, quiet hours, caps.

use expect_test::expect;

use crate::payloads::{association, battery};
use crate::world::{World, instant};

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
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
"#;

#[test]
fn a_silence_hides_what_it_matches_and_what_is_still_so_comes_after_its_end() {
    let mut world = World::new(RULES);
    world.silence(&[r#"alertname = "DeviceBatteryLow""#, r#"device = "1""#], "4h");
    world.post("device.lowBattery", battery(1, 9));
    world.post("device.lowBattery", battery(2, 9));
    world.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:02:00.000Z → team (email): #2 firing warning;
        2026-03-02T13:00:00.000Z → team (email): silence 1 ends 2026-03-02T14:00:00.000Z, hides 1
        2026-03-02T14:00:00.000Z → team (email): #1 firing warning; #2 firing warning;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-02T10:02:00.000Z to 2026-03-02T14:00:00.000Z from team: silence 1
    "#]]
    .assert_eq(&world.held(1));
    expect![[r#"
        2026-03-02T10:00:00.000Z silence 1 (Ann by command line) works on it
    "#]]
    .assert_eq(&world.audit());
}

#[test]
fn the_end_of_what_was_told_passes_a_silence_and_the_end_of_what_was_hidden_is_not_told() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    world.silence(&[r#"site = "Harbor Clinic""#], "4h");
    world.post("device.lowBattery", battery(2, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 90));
    world.post("device.lowBattery", battery(2, 90));
    world.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:10:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:10:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:10:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T11:10:00.000Z → team (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-02T10:32:00.000Z to 2026-03-02T11:10:00.000Z from team: silence 1
    "#]]
    .assert_eq(&world.held(2));
}

#[test]
fn a_silence_ended_early_lets_go_of_what_it_hid_unless_another_hides_it_too() {
    let mut world = World::new(RULES);
    world.silence(&[r#"device = "1""#], "8h");
    world.silence(&[r#"device =~ "1|2""#], "6h");
    world.post("device.lowBattery", battery(1, 9));
    world.post("device.lowBattery", battery(2, 9));
    world.wait("1h");
    world.unsilence(1);
    world.wait("1h");
    world.unsilence(2);
    world.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T12:02:00.000Z → team (email): #1 firing warning; #2 firing warning;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-02T10:02:00.000Z to 2026-03-02T11:02:00.000Z from team: silence 1
        2026-03-02T11:02:00.000Z to 2026-03-02T12:02:00.000Z from team: silence 2
    "#]]
    .assert_eq(&world.held(1));
    expect![[r#"
        2026-03-02T10:00:00.000Z silence 1 (Ann by command line) works on it
        2026-03-02T10:00:00.000Z silence 2 (Ann by command line) works on it
        2026-03-02T11:00:00.000Z unsilence 1 (Bob by command line) works on it
        2026-03-02T12:00:00.000Z unsilence 2 (Bob by command line) works on it
    "#]]
    .assert_eq(&world.audit());
}

#[test]
fn a_silence_until_resolved_ends_with_its_alerts() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1m");
    let from = world.now;
    world.silence_from(&[r#"device = "1""#], from, None, &[1]);
    world.wait("3d");
    world.post("device.lowBattery", battery(1, 90));
    world.post("device.lowBattery", battery(1, 9));
    world.wait("1h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-05T10:01:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 1, seen 1×
          2026-03-05T10:01:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-05T10:03:00.000Z → team (email): #2 firing warning;
    "#]]
    .assert_eq(&world.timeline());
    assert_eq!(world.store.silences(false, 10).unwrap().len(), 0);
    assert_eq!(world.store.silences(true, 10).unwrap().len(), 1);
}

const INHIBITING: &str = r#"
rules:
  - alert: SiteBatteries
    subject: site
    event: device.lowBattery
    count: { at_least: 3, distinct: device, within: 1d }
    severity: critical
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: warning
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
inhibit_rules:
  - source_matchers: ['alertname = "SiteBatteries"']
    target_matchers: ['alertname = "DeviceBatteryLow"']
    equal: [site]
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
"#;

#[test]
fn an_alert_hides_those_that_follow_from_it_before_during_and_after() {
    let mut world = World::new(INHIBITING);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    world.post("device.lowBattery", battery(2, 9));
    world.post("device.lowBattery", battery(3, 9));
    world.restart();
    world.wait("1h");
    world.post("device.lowBattery", battery(4, 9));
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 90));
    world.post("device.lowBattery", battery(2, 90));
    world.restart();
    world.wait("2d");
    world.post("device.healthcheck", serde_json::json!({ "device": crate::payloads::device(3) }));
    world.wait("2d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:10:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:10:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:10:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-02T10:10:00.000Z firing warning: device.lowBattery met the rule's condition
        #4 SiteBatteries on site 3, seen 4×
          2026-03-02T10:10:00.000Z firing critical: 3 × device.lowBattery within 24h
          2026-03-04T12:10:00.000Z resolved critical: heard from, with fewer than the rule asks within 24h
        #5 DeviceBatteryLow on device 4, seen 1×
          2026-03-02T11:10:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:02:00.000Z → team (email): #1 firing warning;
        2026-03-02T10:12:00.000Z → team (email): #4 firing critical;
        2026-03-02T12:10:00.000Z → team (email): #1 resolved;
        2026-03-04T10:12:00.000Z → team (email): #4 firing critical again;
        2026-03-04T12:10:00.000Z → team (email): #3 firing warning; #5 firing warning;
        2026-03-04T12:10:00.000Z → team (email): #4 resolved;
        2026-03-06T12:10:00.000Z → team (email): #3 firing warning again; #5 firing warning again;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-02T10:32:00.000Z to 2026-03-04T12:10:00.000Z from team: alert 4 says more (inhibit_rules)
    "#]]
    .assert_eq(&world.held(3));
    expect![[r#"
        2026-03-02T11:10:00.000Z to 2026-03-04T12:10:00.000Z from team: alert 4 says more (inhibit_rules)
    "#]]
    .assert_eq(&world.held(5));
}

#[test]
fn quiet_hours_hold_back_what_is_not_critical_and_then_send_one_summary() {
    let rules = RULES
        .replace("  - name: team\n", "  - name: team\n    quiet: { calendar: office }\n")
        .replace("group_by: [alertname, site]", "group_by: [\"...\"]")
        + "calendars: { office: { days: mon-fri, from: \"08:00\", to: \"18:00\", time_zone: America/New_York } }\n";
    let mut world = World::new(&rules);
    world.until("2026-03-06T22:30:00Z");
    world.post("device.lowBattery", battery(1, 9));
    world.until("2026-03-06T23:30:00Z");
    world.post("device.lowBattery", battery(2, 9));
    world.post("device.lowBattery", battery(3, 9));
    world.post("device.lowBattery", battery(4, 2));
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 90));
    world.post("device.lowBattery", battery(3, 90));
    world.restart();
    world.until("2026-03-10T00:00:00Z");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-06T22:30:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-07T00:30:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-06T23:30:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-06T23:30:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-07T00:30:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
        #4 DeviceBatteryLow on device 4, seen 1×
          2026-03-06T23:30:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-06T22:32:00.000Z → team (email): #1 firing warning;
        2026-03-06T23:32:00.000Z → team (email): #4 firing critical;
        2026-03-09T12:00:00.000Z → team (email): 1 open, 1 ended in one (Quiet, 2 messages)
        2026-03-09T23:32:00.000Z → team (email): #4 firing critical again;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-06T23:32:00.000Z to 2026-03-07T00:30:00.000Z from team: quiet hours: outside of `office`
    "#]]
    .assert_eq(&world.held(3));
}

/// In each zone: nights over midnight, month ends, and both changes of the clock.
#[test]
fn a_route_is_muted_and_active_by_the_clock_of_its_zone() {
    let mut told = String::new();
    for (zone, from) in [
        ("America/New_York", ["2026-03-07T22:00:00Z", "2026-10-31T22:00:00Z", "2026-04-29T10:00:00Z"]),
        ("Europe/Berlin", ["2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z", "2026-04-29T10:00:00Z"]),
        ("Australia/Lord_Howe", ["2026-10-03T08:00:00Z", "2026-04-04T08:00:00Z", "2026-04-29T10:00:00Z"]),
    ] {
        for (case, from) in from.iter().enumerate() {
            let intervals = if case == 2 {
                format!(
                    "mute_time_intervals: [ends]\ntime_intervals: [{{ name: ends, time_intervals: [{{ days_of_month: [\"-1\"], location: {zone} }}] }}]"
                )
            } else {
                format!(
                    "mute_time_intervals: [nights]\ntime_intervals: [{{ name: nights, time_intervals: [\
                     {{ times: [{{ start_time: \"22:00\", end_time: \"24:00\" }}, {{ start_time: \"00:00\", end_time: \"06:30\" }}], location: {zone} }}] }}]"
                )
            };
            let (key, intervals) = intervals.split_once('\n').unwrap();
            let rules = RULES.replace(
                "route: { receiver: team,",
                &format!("route: {{ receiver: team, routes: [{{ matchers: ['severity = \"warning\"'], {key} }}],"),
            ) + intervals
                + "\n";
            let mut world = World::new(&rules);
            if instant(from) < world.now {
                continue;
            }
            world.until(from);
            let mut device = 0;
            for _ in 0..(if case == 2 { 20 } else { 8 }) {
                device += 1;
                world.post("device.lowBattery", battery(device, 9));
                world.wait("4h");
            }
            told.push_str(&format!("{zone} from {from}\n"));
            for line in world.timeline().lines().filter(|line| line.contains('→')) {
                let count = line.matches('#').count();
                told.push_str(&format!("  {} {count} open\n", line.split(' ').next().unwrap()));
            }
        }
    }
    expect![[r#"
        America/New_York from 2026-03-07T22:00:00Z
          2026-03-07T22:02:00.000Z 1 open
          2026-03-08T02:00:00.000Z 2 open
          2026-03-08T10:30:00.000Z 4 open
          2026-03-08T14:00:00.000Z 5 open
          2026-03-08T18:00:00.000Z 6 open
          2026-03-08T22:00:00.000Z 7 open
        America/New_York from 2026-10-31T22:00:00Z
          2026-10-31T22:02:00.000Z 1 open
          2026-11-01T11:30:00.000Z 4 open
          2026-11-01T14:00:00.000Z 5 open
          2026-11-01T18:00:00.000Z 6 open
          2026-11-01T22:00:00.000Z 7 open
          2026-11-02T02:00:00.000Z 8 open
        America/New_York from 2026-04-29T10:00:00Z
          2026-04-29T10:02:00.000Z 1 open
          2026-04-29T14:00:00.000Z 2 open
          2026-04-29T18:00:00.000Z 3 open
          2026-04-29T22:00:00.000Z 4 open
          2026-04-30T02:00:00.000Z 5 open
          2026-05-01T04:00:00.000Z 11 open
          2026-05-01T06:00:00.000Z 12 open
          2026-05-01T10:00:00.000Z 13 open
          2026-05-01T14:00:00.000Z 14 open
          2026-05-01T18:00:00.000Z 15 open
          2026-05-01T22:00:00.000Z 16 open
          2026-05-02T02:00:00.000Z 17 open
          2026-05-02T06:00:00.000Z 18 open
          2026-05-02T10:00:00.000Z 19 open
          2026-05-02T14:00:00.000Z 20 open
        Europe/Berlin from 2026-03-28T20:00:00Z
          2026-03-28T20:02:00.000Z 1 open
          2026-03-29T04:30:00.000Z 3 open
          2026-03-29T08:00:00.000Z 4 open
          2026-03-29T12:00:00.000Z 5 open
          2026-03-29T16:00:00.000Z 6 open
        Europe/Berlin from 2026-10-24T20:00:00Z
          2026-10-25T05:30:00.000Z 3 open
          2026-10-25T08:00:00.000Z 4 open
          2026-10-25T12:00:00.000Z 5 open
          2026-10-25T16:00:00.000Z 6 open
          2026-10-25T20:00:00.000Z 7 open
        Europe/Berlin from 2026-04-29T10:00:00Z
          2026-04-29T10:02:00.000Z 1 open
          2026-04-29T14:00:00.000Z 2 open
          2026-04-29T18:00:00.000Z 3 open
          2026-04-30T22:00:00.000Z 9 open
          2026-04-30T22:30:00.000Z 10 open
          2026-05-01T02:00:00.000Z 11 open
          2026-05-01T06:00:00.000Z 12 open
          2026-05-01T10:00:00.000Z 13 open
          2026-05-01T14:00:00.000Z 14 open
          2026-05-01T18:00:00.000Z 15 open
          2026-05-01T22:00:00.000Z 16 open
          2026-05-02T02:00:00.000Z 17 open
          2026-05-02T06:00:00.000Z 18 open
          2026-05-02T10:00:00.000Z 19 open
          2026-05-02T14:00:00.000Z 20 open
        Australia/Lord_Howe from 2026-10-03T08:00:00Z
          2026-10-03T08:02:00.000Z 1 open
          2026-10-03T19:30:00.000Z 3 open
          2026-10-03T20:00:00.000Z 4 open
          2026-10-04T00:00:00.000Z 5 open
          2026-10-04T04:00:00.000Z 6 open
          2026-10-04T08:00:00.000Z 7 open
        Australia/Lord_Howe from 2026-04-04T08:00:00Z
          2026-04-04T08:02:00.000Z 1 open
          2026-04-04T20:00:00.000Z 3 open
          2026-04-04T20:30:00.000Z 4 open
          2026-04-05T00:00:00.000Z 5 open
          2026-04-05T04:00:00.000Z 6 open
          2026-04-05T08:00:00.000Z 7 open
        Australia/Lord_Howe from 2026-04-29T10:00:00Z
          2026-04-29T10:02:00.000Z 1 open
          2026-04-30T13:30:00.000Z 7 open
          2026-04-30T14:00:00.000Z 8 open
          2026-04-30T18:00:00.000Z 9 open
          2026-04-30T22:00:00.000Z 10 open
          2026-05-01T02:00:00.000Z 11 open
          2026-05-01T06:00:00.000Z 12 open
          2026-05-01T10:00:00.000Z 13 open
          2026-05-01T14:00:00.000Z 14 open
          2026-05-01T18:00:00.000Z 15 open
          2026-05-01T22:00:00.000Z 16 open
          2026-05-02T02:00:00.000Z 17 open
          2026-05-02T06:00:00.000Z 18 open
          2026-05-02T10:00:00.000Z 19 open
          2026-05-02T14:00:00.000Z 20 open
    "#]]
    .assert_eq(&told);
}

#[test]
fn outside_of_its_active_hours_a_route_says_nothing_and_then_what_is_still_so() {
    let rules = RULES.replace(
        "route: { receiver: team,",
        "route: { receiver: team, routes: [{ matchers: ['severity = \"warning\"'], active_time_intervals: [office] }],",
    ) + r#"
time_intervals:
  - name: office
    time_intervals:
      - { weekdays: [monday:friday], times: [{ start_time: "09:00", end_time: "17:00" }], location: Europe/Berlin }
"#;
    let mut world = World::new(&rules);
    world.until("2026-03-06T17:00:00Z");
    world.post("device.lowBattery", battery(1, 9));
    world.post("device.lowBattery", battery(2, 9));
    world.post("device.lowBattery", battery(3, 2));
    world.wait("1d");
    world.post("device.associationRemoved", association(2, 5, "2026-03-07T17:00:00Z", false));
    world.until("2026-03-10T00:00:00Z");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-06T17:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-06T17:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-07T17:00:00.000Z resolved warning: the device was disassociated from its patient
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-06T17:00:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-06T17:02:00.000Z → team (email): #3 firing critical;
        2026-03-09T08:00:00.000Z → team (email): #1 firing warning;
        2026-03-09T17:02:00.000Z → team (email): #3 firing critical again;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-06T17:02:00.000Z to 2026-03-09T08:00:00.000Z from team: the route is active at other times
    "#]]
    .assert_eq(&world.held(1));
}
