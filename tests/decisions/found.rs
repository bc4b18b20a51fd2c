//! What the simulation found: each the least that shows it.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{battery, device};
use crate::world::World;

fn check(id: i64) -> Value {
    json!({ "device": device(id) })
}

#[test]
fn what_was_decided_before_anybody_knew_of_a_silence_of_all_stays_so_in_whatever_batch() {
    let rules = r#"
    rules:
      - { alert: Silent, subject: device, silent: { longer_than: 2h } }
      - { alert: Unopened, event: device.healthcheck, not_followed_by: { event: "reading.*", within: 5h } }
    "#;
    let mut world = World::new(rules);
    world.post("device.healthcheck", check(7));
    world.wait("1h");
    world.post("device.healthcheck", check(8));
    world.wait("90m");
    world.deaf_since("2026-03-02T11:00:00Z");
    world.wait("1d");
    // One fell silent before, and what was due an hour later knows.
    expect![[r#"
        #1 Silent on device 7, seen 1×
          2026-03-02T12:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #2 Silent on device 8, seen 1×
          2026-03-02T14:40:00.000Z firing warning: nothing heard since 2026-03-02T11:00:00.000Z
        #3 Unopened on device 7, seen 1×
          2026-03-02T16:40:00.000Z firing warning: device.healthcheck at 2026-03-02T10:00:00.000Z was not followed by what should come
        #4 Unopened on device 8, seen 1×
          2026-03-02T17:40:00.000Z firing warning: device.healthcheck at 2026-03-02T11:00:00.000Z was not followed by what should come
    "#]]
    .assert_eq(&world.history());
    assert_eq!(world.history(), world.again(rules));
}

#[test]
fn what_was_counted_anew_does_not_open_what_would_have_ended_since() {
    let none = "rules: [{ alert: Other, event: device.healthcheck, where: \"false\" }]\n";
    let rules = |resolve: &str| {
        format!(
            r#"
            rules:
              - alert: Low
                event: device.lowBattery
                where: "payload.batteryPercentage < 30"
                count: {{ at_least: 2, within: 24h }}
                resolve: {resolve}
            "#
        )
    };
    let history = |resolve: &str| {
        let mut world = World::new(none);
        world.post("device.lowBattery", battery(7, 20));
        world.wait("1h");
        world.post("device.lowBattery", battery(7, 10));
        world.wait("7h");
        world.post("device.lowBattery", battery(7, 90));
        world.rules(&rules(resolve));
        world.history()
    };
    let by_news = "{ event: device.lowBattery, where: \"payload.batteryPercentage > 40\" }";
    for resolve in ["{ count: { below: 2, within: 6h } }", "{ after: 6h }", by_news] {
        assert_eq!(history(resolve), "", "{resolve}");
    }
    for resolve in ["{ count: { below: 2, within: 9h } }", "{ after: 8h }"] {
        assert!(history(resolve).contains("firing"), "{resolve}");
    }
}

#[test]
fn a_site_is_not_silent_for_what_it_was_not_told_while_no_rule_was_about_sites() {
    let about_sites = "rules: [{ alert: SiteSilent, subject: site, silent: { longer_than: 6h } }]\n";
    let none = "rules: [{ alert: Other, event: device.weakSignal, where: \"false\" }]\n";
    let mut world = World::new(about_sites);
    world.post("device.healthcheck", check(7));
    world.wait("1h");
    world.rules(none);
    world.wait("4h");
    world.post("device.healthcheck", check(7));
    world.wait("4h");
    world.rules(about_sites);
    assert_eq!(world.history(), "");
    world.wait("5h");
    world.post("device.healthcheck", check(7));
    world.wait("6h");
    expect![[r#"
        #1 SiteSilent on site 3, seen 1×
          2026-03-03T06:00:00.000Z firing warning: nothing heard since 2026-03-03T00:00:00.000Z
    "#]]
    .assert_eq(&world.history());
}

/// A window that a new rule set makes shorter has run out already, and the device was heard since.
#[test]
fn a_shorter_time_ends_at_once_what_was_heard_since_it_was_over() {
    let rules = |within: &str| {
        format!("rules: [{{ alert: Weak, event: device.weakSignal, count: {{ at_least: 2, within: {within} }} }}]")
    };
    let mut world = World::new(&rules("24h"));
    for _ in 0..2 {
        world.post("device.weakSignal", json!({ "device": device(7) }));
    }
    world.wait("7h");
    world.post("device.healthcheck", json!({ "device": device(7) }));
    world.wait("1h");
    world.rules(&rules("6h"));
    expect![[r#"
        #1 Weak on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: 2 × device.weakSignal within 24h
          2026-03-02T18:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 6h
    "#]]
    .assert_eq(&world.timeline());
}

/// A status that comes after a later one never becomes the order's state, and followed all the same.
#[test]
fn a_late_status_followed_although_the_order_is_further_by_now() {
    let order = |status: &str, at: &str| json!({ "id": 90, "currentStatus": status, "orderEvents": [{ "name": status, "eventTimestamp": at }] });
    let mut world = World::new(
        "rules: [{ alert: NotShipped, event: order.statusFull, where: 'order.status == \"awaitingShipment\"',
           not_followed_by: { event: order.statusFull, where: 'order.status == \"shipped\"', within: 18h } }]",
    );
    world.post("order.statusFull", order("awaitingShipment", "2026-03-02T10:00:00Z"));
    world.wait("4h");
    world.post("order.statusFull", order("unsuccessfulDelivery", "2026-03-02T13:00:00Z"));
    world.wait("1h");
    world.post("order.statusFull", order("shipped", "2026-03-02T12:00:00Z"));
    world.wait("1d");
    expect![""].assert_eq(&world.timeline());
}
