//! Time in which nothing could be heard: no silence in it is held against anything.

use expect_test::expect;
use pulsewarden::engine::{Content, Folded, Lack};
use serde_json::{Value, json};

use crate::payloads::{association, battery, device};
use crate::world::{World, play};

const SILENT: &str = r#"
rules:
  - { alert: DeviceSilent, subject: device, silent: { longer_than: 72h } }
"#;

fn check(id: i64) -> Value {
    json!({ "device": device(id) })
}

#[test]
fn silence_counts_on_after_a_time_in_which_nothing_could_be_heard() {
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(7));
        world.until("2026-03-04T10:00:00Z");
        world.blind_until("2026-03-04T16:00:00Z");
        world.wait("1h");
        world.blind_until("2026-03-05T03:00:00Z");
        // Sixteen of the last hours do not count.
        world.until("2026-03-06T01:59:59.999Z");
        world.wait("1ms");
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-06T02:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_would_have_been_due_in_it_waits_for_what_was_left() {
    let history = play(SILENT, |world| {
        for id in [1, 2, 3] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-05T04:00:00Z");
        world.blind_until("2026-03-07T04:00:00Z");
        // Six hours are left.
        world.until("2026-03-07T09:59:59.999Z");
        world.post("device.healthcheck", check(1));
        world.wait("1ms");
        world.post("device.healthcheck", check(2));
    });
    expect![[r#"
        #1 DeviceSilent on device 2, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-07T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #2 DeviceSilent on device 3, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_was_due_before_it_or_as_it_began_fires_as_of_then() {
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(1));
        world.wait("1ms");
        world.post("device.healthcheck", check(2));
        // The one is due as it begins, the other one a millisecond later.
        world.until("2026-03-05T09:00:00Z");
        world.until("2026-03-05T09:59:59.999Z");
        world.wait("1ms");
        world.blind_until("2026-03-06T10:00:00Z");
        world.wait("1ms");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #2 DeviceSilent on device 2, seen 1×
          2026-03-06T10:00:00.001Z firing warning: nothing heard since 2026-03-02T10:00:00.001Z
    "#]]
    .assert_eq(&history);
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(1));
        world.until("2026-03-05T09:59:59.999Z");
        world.blind_until("2026-03-05T09:59:59.999Z");
        world.blind_until("2026-03-06T10:00:00Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-06T10:00:00.001Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_comes_soon_after_it_was_heard_in_time() {
    let history = play(SILENT, |world| {
        for id in [1, 2] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-04T10:00:00Z");
        world.blind_until("2026-03-20T10:00:00Z");
        // Found in Impilo's log.
        world.recover("device.healthcheck", check(1), "2026-03-19T10:00:00Z");
        world.until("2026-03-21T09:59:59.999Z");
        world.wait("1ms");
        world.until("2026-03-22T10:00:00Z");
        // Heard in time, within what counts as heard time: the first one is silent from there on.
        world.until("2026-03-23T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 2, seen 1×
          2026-03-21T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #2 DeviceSilent on device 1, seen 1×
          2026-03-23T10:00:00.000Z firing warning: nothing heard since 2026-03-19T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

const OTHERS: &str = r#"
rules:
  - { alert: Stuck, subject: order, while: "order.status == 'onHold'", for: 48h }
  - { alert: Graced, subject: order, event: order.status, where: "order.status == 'onHold'", grace: 2h,
      resolve: [{ event: order.status, where: "order.status == 'shipped'" }] }
  - { alert: NoReturn, subject: device, event: device.associationRemoved,
      not_followed_by: { event: return.statusFull, within: 48h } }
"#;

#[test]
fn states_and_what_should_follow_wait_as_well() {
    let history = play(OTHERS, |world| {
        world.post("order.status", json!({ "orderId": 1, "orderStatusName": "onHold" }));
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:00:00Z", false));
        world.wait("1h");
        // The grace would be over in it.
        world.blind_until("2026-03-03T11:00:00Z");
        world.until("2026-03-03T11:59:59.999Z");
        world.wait("1ms");
        world.until("2026-03-05T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 Graced on order 1, seen 1×
          2026-03-03T12:00:00.000Z firing warning, as of 2026-03-02T10:00:00.000Z: order.status met the rule's condition
        #2 NoReturn on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
        #3 Stuck on order 1, seen 1×
          2026-03-05T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&history);
}

const ENDS: &str = r#"
rules:
  - { alert: Quiet, subject: device, event: device.lowBattery, resolve: [{ after: 2d }], expire: 10d }
  - { alert: Counted, subject: device, event: device.lowBattery, count: { at_least: 2, within: 2d } }
  - { alert: Expires, subject: device, event: device.lowBattery, expire: 4d }
  - { alert: Raised, subject: device, event: device.lowBattery, raise: [{ to: critical, after: 2d }] }
  - { alert: Kept, subject: device, event: device.lowBattery, where: "payload.batteryPercentage < 20",
      resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage >= 20" }], keep_firing_for: 1d }
"#;

#[test]
fn ends_for_want_of_news_wait_as_well_and_the_age_of_an_alert_does_not() {
    let history = play(ENDS, |world| {
        world.post("device.lowBattery", battery(7, 9));
        world.post("device.lowBattery", battery(7, 9));
        world.wait("1h");
        world.post("device.lowBattery", battery(7, 50));
        world.wait("11h");
        world.blind_until("2026-03-04T10:00:00Z");
        // Half a day was heard, and the rest of the 48 hours is not over before the fifth.
        world.until("2026-03-04T22:00:00Z");
        world.post("device.healthcheck", check(7));
        world.until("2026-03-05T22:59:59.999Z");
        world.post("device.healthcheck", check(7));
        world.wait("1ms");
        world.post("device.healthcheck", check(7));
        world.wait("1d");
        world.blind_until("2026-03-12T23:00:00Z");
        world.wait("7d");
    });
    expect![[r#"
        #1 Quiet on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-05T23:00:00.000Z resolved warning: heard from, with nothing new since 2026-03-02T11:00:00.000Z
        #2 Expires on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-15T23:00:00.000Z expired warning: no news since 2026-03-05T23:00:00.000Z; not known to be well
        #3 Raised on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-04T10:00:00.000Z firing critical: severity raised to critical
        #4 Kept on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-04T23:00:00.000Z resolved warning, as of 2026-03-02T11:00:00.000Z: device.lowBattery met the rule's resolve condition
        #5 Counted on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: 2 × device.lowBattery within 48h
          2026-03-05T23:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 48h
    "#]].assert_eq(&history);
}

#[test]
fn a_rule_over_business_days_counts_on_as_well() {
    let rules = r#"
rules:
  - { alert: Stuck, subject: order, while: "order.status == 'onHold'", for: 2 business days }
calendars:
  office: { days: mon-fri, from: "08:00", to: "18:00", time_zone: America/New_York }
"#;
    let history = play(rules, |world| {
        // Monday, 10:00 in New York.
        world.until("2026-03-02T15:00:00Z");
        world.post("order.status", json!({ "orderId": 1, "orderStatusName": "onHold" }));
        // Tuesday, 10:00 to 15:00.
        world.until("2026-03-03T15:00:00Z");
        world.blind_until("2026-03-03T20:00:00Z");
        world.until("2026-03-04T19:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 Stuck on order 1, seen 1×
          2026-03-04T20:00:00.000Z firing warning: it has been so since 2026-03-02T15:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_new_rule_knows_of_the_time_before_it() {
    let other = "rules: [{ alert: Other, subject: device, event: device.weakSignal }]";
    let history = play(other, |world: &mut World| {
        world.post("device.healthcheck", check(7));
        world.until("2026-03-03T10:00:00Z");
        world.blind_until("2026-03-10T10:00:00Z");
        world.rules(SILENT);
        world.until("2026-03-12T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-12T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_waited_for_blind_time_is_judged_once_that_counts_as_heard() {
    let history = play(SILENT, |world| {
        for id in [1, 2] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-05T04:00:00Z");
        world.blind_until("2026-03-05T16:00:00Z");
        // One of them was heard meanwhile, as is learned later.
        world.wait("1h");
        world.recover("device.healthcheck", check(1), "2026-03-05T09:00:00Z");
        world.heal("2026-03-05T04:00:00Z", "2026-03-05T16:00:00Z");
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceSilent on device 2, seen 1×
          2026-03-05T17:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn only_the_part_that_was_recovered_counts_as_heard() {
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(1));
        world.until("2026-03-03T10:00:00Z");
        world.blind_until("2026-03-03T20:00:00Z");
        world.heal("2026-03-03T12:00:00Z", "2026-03-03T18:00:00Z");
        world.until("2026-03-05T13:59:59.999Z");
        world.wait("1ms");
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-05T14:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

const TOLD: &str = r#"
receivers: [{ name: team, phi: ids, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: ["..."], group_wait: 30s, group_interval: 5m }
rules:
  - { alert: DeviceSilent, subject: device, silent: { longer_than: 72h } }
"#;

#[test]
fn what_was_due_while_the_daemon_was_away_is_told_in_one_message() {
    for lacks in [None, Some(Lack::NotConfigured)] {
        let mut world = World::new(TOLD);
        for id in 1..=4 {
            world.post("device.healthcheck", check(id));
            world.wait("1h");
        }
        world.until("2026-03-05T09:00:00Z");
        world.away_until("2026-03-05T12:30:00Z", lacks);
        let told: Vec<&Content> = world.notifications.iter().map(|notification| &notification.content).collect();
        let Content::Summary(summary) = told[0] else { panic!("{told:?}") };
        assert_eq!(told.len(), 1);
        assert_eq!(summary.why, Folded::Outage);
        // Where it is not known whether they were heard, nothing is held against them.
        assert_eq!(summary.counts.open_total(), if lacks.is_none() { 3 } else { 0 });
        assert_eq!(summary.outage.as_ref().map(|outage| outage.lacks), Some(lacks));
        world.until("2026-03-05T16:00:00Z");
        // Those that were not judged meanwhile have as much time left as before.
        assert_eq!(world.notifications.len(), if lacks.is_none() { 2 } else { 4 }, "later ones go by themselves");
    }
}

#[test]
fn a_short_absence_in_which_nothing_happened_is_told_to_nobody() {
    let mut world = World::new(TOLD);
    world.post("device.healthcheck", check(1));
    world.wait("1h");
    world.away_until("2026-03-02T12:30:00Z", Some(Lack::NotConfigured));
    world.away_until("2026-03-02T18:00:00Z", None);
    assert!(world.notifications.is_empty(), "{:?}", world.notifications);
}

#[test]
fn what_comes_before_it_is_told_does_not_take_the_place_of_the_message() {
    let severities = [("warning", 1), ("critical", 2)];
    for (severity, messages) in severities {
        let rules = TOLD.replace("longer_than: 72h }", &format!("longer_than: 72h }}, severity: {severity}"));
        let rules = rules.replace("group_by: [\"...\"]", "group_by: [alertname]");
        let mut world = World::new(&rules);
        for id in 1..=2 {
            world.post("device.healthcheck", check(id));
            world.wait("1h");
        }
        world.until("2026-03-05T09:00:00Z");
        // One is due while it is away, the other after the return, and before it is told what came of that.
        world.returned_at("2026-03-05T10:59:00Z");
        world.until("2026-03-05T11:05:30Z");
        world.ended("2026-03-05T09:00:00Z", "2026-03-05T10:59:00Z");
        let told: Vec<&Content> = world.notifications.iter().map(|notification| &notification.content).collect();
        assert_eq!(told.len(), messages, "{told:?}");
        let Some(Content::Summary(summary)) = told.last() else { panic!("{told:?}") };
        assert!(summary.why == Folded::Outage && summary.outage.is_some(), "{summary:?}");
        // What was critical has gone by itself, with all that its group had to say.
        assert_eq!(summary.counts.open_total(), if messages == 1 { 2 } else { 0 });
    }
}
