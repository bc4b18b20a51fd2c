//! What is too much for a receiver: few messages in place of many, with the right numbers.

use expect_test::expect;
use pulsewarden::engine::{Content, Severity};

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
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
"#;

#[test]
fn beyond_the_cap_everything_comes_in_few_summaries_with_the_right_numbers() {
    let rules = RULES
        .replace("  - name: team\n", "  - name: team\n    cap: { messages: 8, per: 1h }\n")
        .replace("group_by: [alertname, site]", "group_by: [\"...\"]");
    let mut world = World::new(&rules);
    world.at_once(|world| {
        for device in 1..=100 {
            world.post("device.lowBattery", battery(device, if device % 10 == 0 { 3 } else { 9 }));
        }
    });
    world.wait("20m");
    world.restart();
    for device in 1..=30 {
        world.post("device.lowBattery", battery(device, 90));
    }
    world.wait("3h");
    expect![[r#"
        2026-03-02T10:02:00.000Z → team (email): #95 firing warning;
        2026-03-02T10:02:00.000Z → team (email): #22 firing warning;
        2026-03-02T10:02:00.000Z → team (email): #88 firing warning;
        2026-03-02T10:02:00.000Z → team (email): #63 firing warning;
        2026-03-02T10:02:00.000Z → team (email): #74 firing warning;
        2026-03-02T10:02:00.000Z → team (email): #73 firing warning;
        2026-03-02T10:02:00.000Z → team (email): #10 firing critical;
        2026-03-02T10:03:00.000Z → team (email): 93 open, 0 ended in one (Cap, 93 messages)
        2026-03-02T11:02:00.000Z → team (email): 0 open, 30 ended in one (Cap, 30 messages)
    "#]]
    .assert_eq(&world.messages());
}

#[test]
fn a_summary_that_is_given_up_leaves_its_alerts_untold() {
    let rules = RULES
        .replace("  - name: team\n", "  - name: team\n    cap: { messages: 1, per: 1h }\n")
        .replace("group_by: [alertname, site]", "group_by: [\"...\"]");
    let mut world = World::new(&rules);
    world.post("device.lowBattery", battery(1, 9));
    world.post("device.lowBattery", battery(2, 9));
    world.wait("1h");
    world.give_up(0);
    world.wait("26h");
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        2026-03-02T10:03:00.000Z → team (email): 2 open, 0 ended in one (Cap, 2 messages)
        2026-03-03T10:03:00.000Z → team (email): 2 open, 0 ended in one (Cap, 2 messages)
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_storm_of_ten_thousand_devices_comes_in_as_many_messages_as_the_cap_allows() {
    let rules = RULES
        .replace("  - name: team\n", "  - name: team\n    cap: { messages: 8, per: 1h }\n")
        .replace("group_by: [alertname, site]", "group_by: [\"...\"]");
    let mut world = World::new(&rules);
    world.at_once(|world| {
        for device in 1..=10_000 {
            world.post("device.lowBattery", battery(device, if device % 100 == 0 { 3 } else { 9 }));
        }
    });
    world.wait("59m");
    let told: Vec<(u64, u64)> = world
        .notifications
        .iter()
        .map(|notification| match &notification.content {
            Content::Alerts { firing, firing_omitted, .. } => ((firing.len() + firing_omitted) as u64, 0),
            Content::Summary(summary) => (summary.counts.open_total(), summary.messages),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(told.len() <= 8, "{told:?}");
    assert_eq!(told.iter().map(|(open, _)| open).sum::<u64>(), 10_000);
    let Content::Summary(summary) = &world.notifications.last().unwrap().content else {
        panic!("the last is a summary")
    };
    assert_eq!(summary.counts.open["DeviceBatteryLow"].values().sum::<u64>(), summary.messages);
    assert!(summary.alerts.iter().all(|alert| alert.severity == Severity::Critical), "the most urgent are named");
}
