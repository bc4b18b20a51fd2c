//! Why an alert fired, and why a rule did not.

use expect_test::expect;

use crate::events::{NAMES, association_removed, battery};
use crate::harness::World;

const RULES: &str = r#"
rules:
  - { alert: Uncollected, subject: device, while: "!device.associated", for: 2d, severity: info }
  - alert: Dying
    event: device.lowBattery
    where: "payload.batteryPercentage <= settings.dying"
    count: { at_least: 2, within: 24h }
  - { alert: Faulty, event: device.lowBattery, where: "1 / payload.batteryPercentage > 0" }
settings: { dying: 10 }
override: [{ alert: DeviceBatteryLow, disabled: true }]
"#;

/// Times, numbers of rows and hashes, which differ each time, made alike.
fn alike(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for word in &mut words {
            let digits = word.chars().filter(char::is_ascii_digit).count();
            if word.len() >= 8 && digits >= 6 {
                *word = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            }
        }
        let line = words.join(" ");
        let line = if line.starts_with("  rules ") { "  rules HASH".to_owned() } else { line };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Without the lines that are there only where something was decided in another second than it happened in.
fn without_decided(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("  decided "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_explained_from_what_was_decided_and_a_rule_from_how_things_stand() {
    let mut world = World::with(RULES, "").await;
    world.start().await;
    for (id, percentage) in [(1, 50), (2, 9), (3, 8)] {
        assert_eq!(world.post(&battery(id, 9001, percentage)).await, 200);
    }
    world.settle().await;
    assert_eq!(world.post(&association_removed(4, 9001)).await, 200);
    world.settle().await;

    let alert = world.run(&["explain", "1"]);
    expect![[r#"
        Alert 1: Dying on device 9001, warning resolved

        Fired 0000-00-00 00:00:00 UTC (warning): 2 × device.lowBattery within 24h
          by event 3 (device.lowBattery), happened 0000-00-00 00:00:00 UTC, received 0000-00-00 00:00:00 UTC, journal row 4
          counted from 0000-00-00 00:00:00 UTC
          counts for nothing from 0000-00-00 00:00:00 UTC
          counted: journal row 3, 0000-00-00 00:00:00 UTC
          counted: journal row 4, 0000-00-00 00:00:00 UTC
          event: device.lowBattery
          where: payload.batteryPercentage <= settings.dying
          count: at least 2 within 24h
            device.item = Cellular Scale
            device.serial = CSC-00A00000
            payload.batteryPercentage = 8
            settings.dying = 10
          rules HASH

        Ended 0000-00-00 00:00:00 UTC (warning): the device was disassociated from its patient
          by event 4 (device.associationRemoved), happened 0000-00-00 00:00:00 UTC, received 0000-00-00 00:00:00 UTC, journal row 5
          rules HASH

        Messages
          none: no route, or its group still waits
    "#]].assert_eq(&without_decided(&alike(&alert.stdout)));
    let subject = world.run(&["explain", "Dying", "device", "9001"]);
    expect![[r#"
        device 9001

        Dying does not fire: 1 within the rule's time, of 2 that it needs
          event: device.lowBattery
          where: payload.batteryPercentage <= settings.dying
          count: at least 2 within 24h
          tried 0000-00-00 00:00:00 UTC with journal row 3 (device.lowBattery): 1 within the rule's time, of 2 that it needs
          tried 0000-00-00 00:00:00 UTC with journal row 2 (device.lowBattery): not met: payload.batteryPercentage <= settings.dying
    "#]].assert_eq(&alike(&subject.stdout));
    let all = world.run(&["explain", "device", "9001"]).stdout;
    for verdict in ["Dying does not fire", "Faulty does not fire", "Uncollected does not fire yet: it fires "] {
        assert!(all.contains(verdict), "{all}");
    }
    let waits = world.run(&["explain", "Uncollected", "device", "9001"]);
    expect![[r#"
        device 9001

        Uncollected does not fire yet: it fires 0000-00-00 00:00:00 UTC, unless something comes in between
          for: 48h
          while: !device.associated
            device.associated = false
          so since 0000-00-00 00:00:00 UTC
    "#]]
    .assert_eq(&alike(&waits.stdout));

    for arguments in [&["explain", "1", "--json"][..], &["explain", "Dying", "device", "9001", "--json"]] {
        let told = world.run(arguments).stdout;
        serde_json::from_str::<serde_json::Value>(&told).unwrap();
        assert!(NAMES.iter().all(|name| !told.contains(name)), "{told}");
    }
    for (arguments, words) in [
        (&["explain", "99"][..], "there is no alert 99"),
        (&["explain", "Dyng", "device", "9001"], "did you mean `Dying`?"),
        (&["explain", "devise", "9001"], "`devise` is no kind of subject"),
        (&["explain", "device", "1"], "no event about device 1 has come"),
        (&["explain", "Dying", "order", "1"], "no event about order 1 has come"),
    ] {
        let refused = world.run(arguments);
        assert!(refused.code == 1 && refused.stderr.contains(words), "{refused:?}");
    }
}
