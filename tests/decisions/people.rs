//! What people do about alerts, and who is told next where nobody does anything.

use expect_test::expect;
use pulsewarden::engine::{Act, Subject, SubjectKind};

use crate::payloads::battery;
use crate::world::{World, instant, play, span};

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: critical
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
  - name: lead
    email: [{ to: [lead@clinic.example] }]
  - name: head
    email: [{ to: [head@clinic.example] }]
route:
  receiver: team
  group_by: [alertname, site]
  group_wait: 0s
  group_interval: 30m
  repeat_interval: 4h
  escalate: [{ after: 30m, receiver: lead }, { after: 2h, receiver: head }]
"#;

const ACKNOWLEDGE: Act = Act::Acknowledge { until: None };

#[test]
fn nobody_takes_it_on_so_the_next_are_told_and_all_of_them_hear_of_the_end() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.restart();
    world.wait("5h");
    world.post("device.lowBattery", battery(1, 90));
    world.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
          2026-03-02T15:00:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T10:30:00.000Z → lead (email): #1 firing critical;
        2026-03-02T12:00:00.000Z → head (email): #1 firing critical;
        2026-03-02T14:00:00.000Z → team (email): #1 firing critical again;
        2026-03-02T14:30:00.000Z → lead (email): #1 firing critical again;
        2026-03-02T15:00:00.000Z → team (email): #1 resolved;
        2026-03-02T15:00:00.000Z → head (email): #1 resolved;
        2026-03-02T15:00:00.000Z → lead (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_somebody_has_taken_on_is_not_repeated_and_goes_no_further() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("45m");
    world.act(1, ACKNOWLEDGE);
    world.act(1, Act::Assign { to: Some("Cleo".to_owned()) });
    world.act(1, Act::Note { text: "batteries are on their way".to_owned() });
    world.restart();
    world.wait("2d");
    world.post("device.lowBattery", battery(1, 90));
    world.wait("1h");
    world.act(1, ACKNOWLEDGE);
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
          2026-03-04T10:45:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T10:30:00.000Z → lead (email): #1 firing critical;
        2026-03-04T10:45:00.000Z → team (email): #1 resolved;
        2026-03-04T10:45:00.000Z → lead (email): #1 resolved;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-02T10:45:00.000Z acknowledge 1 (Ann by command line) 
        2026-03-02T10:45:00.000Z assign 1 (Ann by command line) to Cleo
        2026-03-02T10:45:00.000Z note 1 (Ann by command line) batteries are on their way
        2026-03-04T11:45:00.000Z acknowledge 1 (Ann by command line) , too late
    "#]]
    .assert_eq(&world.audit());
}

#[test]
fn an_acknowledgement_that_lapses_or_is_taken_back_reminds_and_escalates_anew() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    let until = Some(world.now.plus(span("6h")));
    world.act(1, Act::Acknowledge { until });
    world.restart();
    world.wait("7h");
    world.act(1, ACKNOWLEDGE);
    world.wait("1h");
    world.act(1, Act::Unacknowledge);
    world.wait("45m");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T16:10:00.000Z → team (email): #1 firing critical again;
        2026-03-02T16:40:00.000Z → lead (email): #1 firing critical;
        2026-03-02T18:10:00.000Z → team (email): #1 firing critical again;
        2026-03-02T18:10:00.000Z → lead (email): #1 firing critical again;
    "#]]
    .assert_eq(&world.timeline());
    expect![[r#"
        2026-03-02T10:10:00.000Z acknowledge 1 (Ann by command line) until 2026-03-02T16:10:00.000Z
        2026-03-02T16:10:00.000Z unacknowledge 1 (Ann by the end of the time that it was given for) 
        2026-03-02T17:10:00.000Z acknowledge 1 (Ann by command line) 
        2026-03-02T18:10:00.000Z unacknowledge 1 (Ann by command line) 
    "#]]
    .assert_eq(&world.audit());
}

#[test]
fn an_acknowledgement_at_the_instant_of_a_step_comes_after_it_and_before_it_prevents_it() {
    let mut late = World::new(RULES);
    late.post("device.lowBattery", battery(1, 9));
    late.until("2026-03-02T10:30:00Z");
    late.act(1, ACKNOWLEDGE);
    late.wait("1d");
    let mut early = World::new(RULES);
    early.post("device.lowBattery", battery(1, 9));
    early.until("2026-03-02T10:29:59Z");
    early.act(1, ACKNOWLEDGE);
    early.wait("1d");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T10:30:00.000Z → lead (email): #1 firing critical;

        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
    "#]]
    .assert_eq(&format!("{}\n{}", late.timeline(), early.timeline()));
}

#[test]
fn somebody_calls_it_resolved() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(1, 9));
    world.wait("10m");
    world.act(1, Act::Resolve);
    world.wait("1h");
    world.post("device.lowBattery", battery(1, 8));
    world.wait("10m");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
          2026-03-02T10:10:00.000Z resolved critical: resolved by Ann
        #2 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T11:10:00.000Z firing critical: device.lowBattery met the rule's condition
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T10:30:00.000Z → team (email): #1 resolved;
        2026-03-02T11:10:00.000Z → team (email): #2 firing critical;
    "#]]
    .assert_eq(&world.timeline());
    assert!(world.now > instant("2026-03-02T11:00:00Z"));
}

/// Everything that holds back and everybody who acts, with a restart between every two steps, and all of it in one batch.
#[test]
fn it_all_comes_to_the_same_through_restarts() {
    // Reminders that nobody has sent yet give way to what is newer, so that a batch has fewer of them.
    let rules = RULES.replace("4h", "30d").replace("  - name: lead\n", "  - name: lead\n    quiet: { calendar: office }\n").replace(
        "route:\n",
        r#"calendars: { office: { days: mon-fri, from: "08:00", to: "18:00", time_zone: Europe/Berlin } }
inhibit_rules:
  - { source_matchers: ['alertname = "DeviceWeak"'], target_matchers: ['alertname = "DeviceBatteryLow"'], equal: [device] }
route:
"#,
    );
    let rules = rules.replace(
        "receivers:\n",
        "  - { alert: DeviceWeak, subject: device, event: device.weakSignal, severity: warning, expire: 3d }\nreceivers:\n",
    );
    let weak = |device: i64| serde_json::json!({ "device": crate::payloads::device(device) });
    let device = |id: i64| Subject::new(SubjectKind::Device, id.to_string());
    let history = play(&rules, |world| {
        world.silence(&[r#"device = "2""#], "5h");
        for id in 1..=3 {
            world.post("device.lowBattery", battery(id, 9));
        }
        world.wait("45m");
        world.act_on(device(1), 1, ACKNOWLEDGE);
        world.wait("3h");
        world.post("device.weakSignal", weak(3));
        world.wait("6h");
        world.unsilence(1);
        world.wait("2d");
        world.act_on(device(2), 2, Act::Resolve);
        world.post("device.lowBattery", battery(1, 90));
        world.wait("2d");
    });
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
          2026-03-04T19:45:00.000Z resolved critical: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
          2026-03-04T19:45:00.000Z resolved critical: resolved by Ann
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-02T10:00:00.000Z firing critical: device.lowBattery met the rule's condition
        #4 DeviceWeak on device 3, seen 1×
          2026-03-02T13:45:00.000Z firing warning: device.weakSignal met the rule's condition
          2026-03-05T13:45:00.000Z expired warning: no news since 2026-03-02T13:45:00.000Z; not known to be well
        2026-03-02T10:00:00.000Z → team (email): #1 firing critical;
        2026-03-02T10:30:00.000Z → team (email): #1 firing critical; #3 firing critical;
        2026-03-02T10:30:00.000Z → lead (email): #1 firing critical; #3 firing critical;
        2026-03-02T12:00:00.000Z → head (email): #3 firing critical;
        2026-03-02T13:45:00.000Z → team (email): #4 firing warning;
        2026-03-02T14:00:00.000Z → team (email): silence 1 ends 2026-03-02T15:00:00.000Z, hides 1
        2026-03-02T14:00:00.000Z → lead (email): silence 1 ends 2026-03-02T15:00:00.000Z, hides 1
        2026-03-02T14:00:00.000Z → head (email): silence 1 ends 2026-03-02T15:00:00.000Z, hides 1
        2026-03-02T14:15:00.000Z → lead (email): #4 firing warning;
        2026-03-02T15:00:00.000Z → team (email): #1 firing critical; #2 firing critical;
        2026-03-02T15:00:00.000Z → head (email): #2 firing critical;
        2026-03-02T15:00:00.000Z → lead (email): #1 firing critical; #2 firing critical;
        2026-03-02T15:45:00.000Z → head (email): #4 firing warning;
        2026-03-04T19:45:00.000Z → team (email): #1 firing critical; #2 resolved;
        2026-03-04T19:45:00.000Z → head (email): #2 resolved;
        2026-03-04T19:45:00.000Z → lead (email): #1 firing critical; #2 resolved;
        2026-03-04T20:15:00.000Z → team (email): #1 resolved;
        2026-03-04T20:15:00.000Z → lead (email): #1 resolved;
    "#]]
    .assert_eq(&history);
}
