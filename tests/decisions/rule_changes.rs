//! Rules that come, change and go, over subjects that are known already.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, device};
use crate::world::{World, play};

pub const NONE: &str = "rules: [{ alert: Other, subject: device, event: device.weakSignal }]";

pub fn check(id: i64) -> Value {
    json!({ "device": device(id) })
}

pub fn status(id: i64, status: &str) -> Value {
    json!({ "orderId": id, "orderStatusName": status })
}

pub const STATES: &str = r#"
rules:
  - { alert: DeviceSilent, subject: device, silent: { longer_than: 72h } }
  - { alert: OrderStuck, subject: order, while: "order.status == 'onHold'", for: 48h }
"#;

#[test]
fn what_is_so_already_when_a_rule_comes_opens_as_baseline() {
    let history = play(NONE, |world| {
        world.post("device.healthcheck", check(1));
        world.post("order.status", status(1, "onHold"));
        world.wait("2d");
        world.post("device.healthcheck", check(2));
        world.post("order.status", status(2, "onHold"));
        world.wait("2d");
        world.rules(STATES);
        // What was so for a part of the time only is waited for, and is news when it is over.
        world.until("2026-03-07T09:59:59.999Z");
        world.wait("1ms");
        world.post("device.healthcheck", check(1));
        world.post("order.status", status(1, "shipped"));
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×, baseline
          2026-03-06T10:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-07T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #2 OrderStuck on order 1, seen 1×, baseline
          2026-03-06T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-07T10:00:00.000Z resolved warning: no longer so: order.status == 'onHold'
        #3 OrderStuck on order 2, seen 1×, baseline
          2026-03-06T10:00:00.000Z firing warning: it has been so since 2026-03-04T10:00:00.000Z
        #4 DeviceSilent on device 2, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-04T10:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn what_is_due_as_its_rule_comes_is_baseline_and_a_millisecond_later_it_is_news() {
    let history = play(NONE, |world| {
        for id in [1, 2, 3] {
            world.post("order.status", status(id, "onHold"));
            world.wait("1ms");
        }
        world.until("2026-03-04T10:00:00.001Z");
        world.rules(STATES);
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×, baseline
          2026-03-04T10:00:00.001Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
        #2 OrderStuck on order 2, seen 1×, baseline
          2026-03-04T10:00:00.001Z firing warning: it has been so since 2026-03-02T10:00:00.001Z
        #3 OrderStuck on order 3, seen 1×
          2026-03-04T10:00:00.002Z firing warning: it has been so since 2026-03-02T10:00:00.002Z
    "#]].assert_eq(&history);
}

#[test]
fn baseline_alerts_are_told_in_one_summary_for_each_receiver_and_channel() {
    let receivers = r#"
receivers:
  - name: team
    email: [{ to: [team@clinic.example] }]
    slack: [{ webhook: team }]
route: { receiver: team, group_by: [alertname, site], group_wait: 0s, group_interval: 5m, repeat_interval: 90d }
"#;
    let mut world = World::new(&format!("{NONE}{receivers}"));
    for id in 1..=30 {
        world.post("device.healthcheck", check(id));
        world.post("order.status", status(id, "onHold"));
    }
    world.wait("4d");
    world.rules(&format!("{STATES}{receivers}"));
    world.wait("1h");
    let told: Vec<String> =
        world.notifications.iter().map(|told| format!("{} {}", told.receiver, told.channel.kind())).collect();
    expect![[r#"
        team slack
        team email"#]]
    .assert_eq(&told.join("\n"));
    assert_eq!(world.alerts().iter().filter(|alert| alert.baseline).count(), 60);
    // What fires later is news.
    world.post("order.status", status(99, "onHold"));
    world.wait("3d");
    assert_eq!(world.notifications.len(), 4);
}

#[test]
fn another_length_moves_a_deadline_that_is_waited_for() {
    let rules = |silent: &str, held: &str, within: &str| {
        format!(
            r#"
rules:
  - {{ alert: DeviceSilent, subject: device, silent: {{ longer_than: {silent} }} }}
  - {{ alert: OrderStuck, subject: order, while: "order.status == 'onHold'", for: {held} }}
  - {{ alert: NoReturn, subject: device, event: device.associationRemoved,
      not_followed_by: {{ event: return.statusFull, within: {within} }} }}
"#
        )
    };
    let story = |world: &mut World| {
        world.post("device.healthcheck", check(1));
        world.post("order.status", status(1, "onHold"));
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:00:00Z", false));
    };
    // Shorter: one is overdue by it, and is no news; the others are due at their new times.
    let history = play(&rules("10d", "10d", "10d"), |world| {
        story(world);
        world.wait("3d");
        world.rules(&rules("4d", "2d", "4d"));
        world.until("2026-03-06T09:59:59.999Z");
        world.wait("1ms");
        world.wait("10d");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
        #2 DeviceSilent on device 1, seen 1×
          2026-03-06T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #3 NoReturn on device 7, seen 1×
          2026-03-06T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
    // Longer.
    let history = play(&rules("4d", "4d", "4d"), |world| {
        story(world);
        world.wait("3d");
        world.rules(&rules("5d", "5d", "5d"));
        world.until("2026-03-07T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #2 NoReturn on device 7, seen 1×
          2026-03-07T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
        #3 OrderStuck on order 1, seen 1×
          2026-03-07T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&history);
    // So short that everything is overdue: none of it is news.
    let history = play(&rules("10d", "10d", "10d"), |world| {
        story(world);
        world.wait("3d");
        world.rules(&rules("1d", "1d", "1d"));
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-03T10:00:00.000Z: nothing heard since 2026-03-02T10:00:00.000Z
        #2 NoReturn on device 7, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-03T10:00:00.000Z: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
        #3 OrderStuck on order 1, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-03T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn another_condition_counts_from_when_it_was_met_itself() {
    let rule = |status: &str| {
        let condition = format!("order.status in {status} && size(order.id) > 0");
        format!("rules: [{{ alert: OrderStuck, subject: order, while: \"{condition}\", for: 48h }}]")
    };
    let history = play(&rule("['onHold']"), |world| {
        world.post("order.status", status(1, "onHold"));
        world.post("order.status", status(2, "pendingInventory"));
        world.wait("1d");
        // The first goes on; the second is stuck by the new condition, as of its own time.
        world.rules(&rule("['onHold', 'pendingInventory']"));
        world.wait("1d");
        world.wait("1d");
        // By this one, the first is stuck no more.
        world.rules(&rule("['pendingInventory']"));
        world.wait("1d");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T10:00:00.000Z closed warning: the rule was changed and no longer says so; no longer watched
        #2 OrderStuck on order 2, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_condition_that_nothing_dates_counts_from_the_change() {
    let rule = |condition: &str| {
        format!(
            "rules: [{{ alert: Far, subject: device, while: \"{condition}\", for: 48h, ends_with_relations: false }}]"
        )
    };
    let history = play(&rule("patient.site == 'Harbor Clinic'"), |world| {
        world.post("device.healthcheck", check(7));
        world.wait("47h");
        world.rules(&rule("patient.enrolled"));
        world.wait("47h");
        // The same rule, with other lengths alone: it goes on.
        world.rules(&rule("patient.enrolled").replace("48h", "48h, grace: 30m"));
        world.wait("59m");
        world.wait("31m");
        world.wait("1d");
    });
    expect![[r#"
        #1 Far on device 7, seen 1×
          2026-03-06T09:30:00.000Z firing warning, as of 2026-03-06T09:00:00.000Z: it has been so since 2026-03-04T09:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_rule_that_is_gone_closes_and_one_that_comes_back_begins_anew() {
    let history = play(STATES, |world| {
        world.post("device.healthcheck", check(7));
        world.post("order.status", status(1, "onHold"));
        world.wait("4d");
        world.rules(NONE);
        world.wait("1d");
        world.rules(STATES);
        world.wait("1d");
        world.post("device.healthcheck", check(7));
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z closed warning: the rule was removed; no longer watched
        #2 DeviceSilent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z closed warning: the rule was removed; no longer watched
        #3 DeviceSilent on device 7, seen 1×, baseline
          2026-03-07T10:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-08T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #4 OrderStuck on order 1, seen 1×, baseline
          2026-03-07T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn a_rule_that_says_otherwise_now_closes_what_it_would_not_fire() {
    let history = play(STATES, |world| {
        world.post("device.healthcheck", check(7));
        world.post("order.status", status(1, "onHold"));
        world.wait("4d");
        let changed =
            STATES.replace("== 'onHold'", "== 'shipped'").replace("72h }", "72h }, while: \"device.battery < 50\"");
        world.rules(&changed);
        world.wait("1d");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z closed warning: the rule was changed and no longer says so; no longer watched
        #2 DeviceSilent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn other_events_are_other_hearings() {
    let rule = |event: &str| {
        format!("rules: [{{ alert: Silent, subject: device, silent: {{ event: \"{event}\", longer_than: 72h }} }}]")
    };
    let history = play(&rule("reading.*"), |world| {
        let reading = json!({ "id": 1, "readingTimestamp": "2026-03-02T10:00:00Z", "device": device(7) });
        world.post("device.healthcheck", check(7));
        world.wait("1d");
        world.post("reading.weight", reading);
        world.wait("1d");
        // By health checks it is silent from a day before.
        world.rules(&rule("device.healthcheck"));
        world.until("2026-03-05T09:59:59.999Z");
        world.wait("1ms");
        // Of this nothing was ever heard.
        world.rules(&rule("device.weakSignal"));
        world.wait("30d");
    });
    expect![[r#"
        #1 Silent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T10:00:00.000Z closed warning: the rule was changed and no longer says so; no longer watched
    "#]]
    .assert_eq(&history);
}
