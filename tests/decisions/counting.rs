//! Rules that count: so many events, or so many different subjects, within a time.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, device, device_of};
use crate::world::play;

const SIGNALS: &str = r#"
rules:
  - { alert: WeakSignals, subject: device, event: device.weakSignal, count: { at_least: 3, within: 24h } }
"#;

fn weak(id: i64) -> Value {
    json!({ "device": device(id) })
}

/// A weak signal with a time of its own.
fn weak_at(id: i64, at: &str) -> Value {
    json!({ "device": device(id), "eventTimestamp": at })
}

#[test]
fn an_event_exactly_the_time_ago_no_longer_counts() {
    let history = play(SIGNALS, |world| {
        for id in [7, 8, 9] {
            world.post("device.weakSignal", weak(id));
        }
        world.wait("1h");
        for id in [7, 8, 9] {
            world.post("device.weakSignal", weak(id));
        }
        world.until("2026-03-03T09:59:59.999Z");
        world.post("device.weakSignal", weak(7));
        world.wait("1ms");
        world.post("device.weakSignal", weak(8));
        world.wait("1ms");
        world.post("device.weakSignal", weak(9));
        // A third one in the last 24 hours, though not the third of all.
        world.until("2026-03-03T10:59:59.999Z");
        world.post("device.weakSignal", weak(8));
        world.wait("1ms");
        world.post("device.weakSignal", weak(9));
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-03T09:59:59.999Z firing warning: 3 × device.weakSignal within 24h
        #2 WeakSignals on device 8, seen 3×
          2026-03-03T10:59:59.999Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn an_alert_ends_when_the_window_is_empty_and_the_device_was_heard_since() {
    let history = play(SIGNALS, |world| {
        for at in ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z"] {
            world.until(at);
            for id in [1, 2, 3, 4, 5] {
                world.post("device.weakSignal", weak(id));
            }
        }
        // The window is empty from 12:00 on the next day: heard before, at, and after that; then not at all.
        world.until("2026-03-02T12:00:00.001Z");
        world.post("device.healthcheck", weak(1));
        world.until("2026-03-03T11:59:59.999Z");
        world.post("device.healthcheck", weak(2));
        world.wait("1ms");
        world.post("device.healthcheck", weak(3));
        world.wait("1ms");
        world.post("device.healthcheck", weak(4));
        world.wait("30d");
    });
    expect![[r#"
        #1 WeakSignals on device 1, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-03T12:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 24h
        #2 WeakSignals on device 2, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-03T12:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 24h
        #3 WeakSignals on device 3, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-03T12:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 24h
        #4 WeakSignals on device 4, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-03T12:00:00.001Z resolved warning: heard from, with fewer than the rule asks within 24h
        #5 WeakSignals on device 5, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn the_hearing_of_the_last_counted_event_itself_ends_nothing() {
    let history = play(SIGNALS, |world| {
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
        }
        world.wait("2d");
        world.wait("2d");
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_is_open_goes_on_while_there_is_more_of_it_and_every_event_is_seen() {
    let history = play(SIGNALS, |world| {
        for _ in 0..5 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
        }
        // Alone in its window by now, but that was never empty.
        world.until("2026-03-03T13:59:59.999Z");
        world.post("device.weakSignal", weak(7));
        world.wait("1h");
        world.post("device.healthcheck", weak(7));
        world.until("2026-03-04T13:59:59.998Z");
        world.wait("1ms");
        world.post("device.weakSignal", weak(7));
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 6×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-04T13:59:59.999Z resolved warning: heard from, with fewer than the rule asks within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_late_event_counts_at_its_own_time() {
    let history = play(SIGNALS, |world| {
        // The third one, which lies between the others.
        world.post("device.weakSignal", weak_at(7, "2026-03-02T10:00:00Z"));
        world.until("2026-03-03T09:00:00Z");
        world.post("device.weakSignal", weak_at(7, "2026-03-03T09:00:00Z"));
        world.wait("2h");
        world.post("device.weakSignal", weak_at(7, "2026-03-02T20:00:00Z"));
        // The third by number, but not within the time of the others.
        world.post("device.weakSignal", weak_at(8, "2026-03-03T08:00:00Z"));
        world.post("device.weakSignal", weak_at(8, "2026-03-03T09:00:00Z"));
        world.post("device.weakSignal", weak_at(8, "2026-03-02T09:00:00Z"));
        // Three within their time, but that was over long ago.
        world.post("device.weakSignal", weak_at(9, "2026-03-01T10:00:00Z"));
        world.post("device.weakSignal", weak_at(9, "2026-03-01T10:30:00Z"));
        world.post("device.weakSignal", weak_at(9, "2026-03-02T10:59:59.999Z"));
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-03T11:00:00.000Z firing warning, as of 2026-03-03T09:00:00.000Z: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_late_event_that_completes_an_earlier_window_fires_while_that_is_not_over() {
    let history = play(SIGNALS, |world| {
        for at in ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"] {
            world.until(at);
            world.post("device.weakSignal", weak_at(7, at));
        }
        world.until("2026-03-03T11:00:00Z");
        world.post("device.weakSignal", weak_at(7, "2026-03-03T11:00:00Z"));
        world.wait("30m");
        world.post("device.weakSignal", weak_at(7, "2026-03-02T12:00:00Z"));
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-03T11:30:00.000Z firing warning, as of 2026-03-02T12:00:00.000Z: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_late_event_of_an_open_alert_is_one_more_of_it() {
    let history = play(SIGNALS, |world| {
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
        }
        world.post("device.weakSignal", weak_at(7, "2026-03-01T10:00:00Z"));
        world.wait("1h");
        world.post("device.healthcheck", weak(7));
        world.wait("3d");
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 4×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-03T12:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 24h
    "#]]
    .assert_eq(&history);
}

const SITE: &str = r#"
rules:
  - alert: SiteOutage
    subject: site
    event: device.weakSignal
    count: { at_least: 3, distinct: device, within: 1h }
"#;

#[test]
fn different_devices_count_once_each_by_their_newest_event() {
    let history = play(SITE, |world| {
        world.post("device.weakSignal", weak(1));
        world.wait("10m");
        for id in [2, 2, 2] {
            world.post("device.weakSignal", weak(id));
        }
        // The first device an hour ago: no longer.
        world.until("2026-03-02T11:00:00Z");
        world.post("device.weakSignal", weak(3));
        // The first device again: it counts by this.
        world.until("2026-03-02T11:09:59.999Z");
        world.post("device.weakSignal", weak(1));
        world.wait("10m");
        world.post("device.weakSignal", weak(4));
        world.wait("3h");
        world.post("device.healthcheck", weak(9));
        world.wait("3h");
        for id in [5, 6] {
            world.post("device.weakSignal", weak(id));
        }
        world.wait("30m");
        // Late, but in time.
        world.post("device.weakSignal", weak_at(7, "2026-03-02T17:00:00Z"));
    });
    expect![[r#"
        #1 SiteOutage on site 3, seen 3×
          2026-03-02T11:09:59.999Z firing warning: 3 × device.weakSignal within 1h
          2026-03-02T14:19:59.999Z resolved warning: heard from, with fewer than the rule asks within 1h
        #2 SiteOutage on site 3, seen 3×
          2026-03-02T17:49:59.999Z firing warning, as of 2026-03-02T17:19:59.999Z: 3 × device.weakSignal within 1h
    "#]]
    .assert_eq(&history);
}

#[test]
fn the_devices_of_another_site_count_there() {
    let history = play(SITE, |world| {
        for id in [1, 2, 3] {
            let mut device = device_of(id, None);
            device["site"] = json!({ "id": 20 + id, "name": format!("Site {id}") });
            world.post("device.weakSignal", json!({ "device": device }));
        }
        for id in [4, 5] {
            world.post("device.weakSignal", weak(id));
        }
        // A thin event of a device that is known to be there.
        world.post("device.healthcheck", weak(6));
        world.post("device.weakSignal", json!({ "deviceId": 6 }));
    });
    expect![[r#"
        #1 SiteOutage on site 3, seen 3×
          2026-03-02T10:00:00.000Z firing warning: 3 × device.weakSignal within 1h
    "#]]
    .assert_eq(&history);
}

const BELOW: &str = r#"
rules:
  - alert: WeakSignals
    subject: device
    event: device.weakSignal
    count: { at_least: 3, within: 24h }
    resolve: [{ count: { below: 2, within: 6h } }]
  - alert: WeakSignal
    subject: device
    event: device.weakSignal
    resolve: [{ count: { below: 1, within: 12h } }]
"#;

#[test]
fn fewer_within_a_time_end_what_asks_for_that_once_it_is_heard() {
    let history = play(BELOW, |world| {
        // Fewer than two within six hours from 17:00 on.
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
        }
        world.post("device.healthcheck", weak(7));
        world.until("2026-03-02T16:59:59.999Z");
        world.wait("1ms");
        world.until("2026-03-03T00:00:00Z");
    });
    expect![[r#"
        #1 WeakSignal on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: device.weakSignal met the rule's condition
          2026-03-03T00:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 12h
        #2 WeakSignals on device 7, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-02T17:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 6h
    "#]]
    .assert_eq(&history);
    let history = play(BELOW, |world| {
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
        }
        // Never heard since: nothing is known.
        world.wait("2d");
        world.post("device.healthcheck", weak(7));
    });
    expect![[r#"
        #1 WeakSignal on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: device.weakSignal met the rule's condition
          2026-03-04T10:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 12h
        #2 WeakSignals on device 7, seen 3×
          2026-03-02T10:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-04T10:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 6h
    "#]]
    .assert_eq(&history);
}

const RESOLVED: &str = r#"
rules:
  - alert: WeakSignals
    subject: device
    event: device.weakSignal
    count: { at_least: 3, within: 24h }
    resolve: [{ event: device.healthcheck }]
"#;

#[test]
fn what_was_counted_before_a_resolve_counts_no_more() {
    let history = play(RESOLVED, |world| {
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
        }
        world.post("device.healthcheck", weak(7));
        for _ in 0..3 {
            world.wait("1h");
            world.post("device.weakSignal", weak(7));
        }
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-02T13:00:00.000Z resolved warning: device.healthcheck met the rule's resolve condition
        #2 WeakSignals on device 7, seen 3×
          2026-03-02T16:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_meets_a_resolve_while_nothing_is_open_takes_nothing_from_the_count() {
    let history = play(RESOLVED, |world| {
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
            world.post("device.healthcheck", weak(7));
        }
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 × device.weakSignal within 24h
          2026-03-02T13:00:00.000Z resolved warning: device.healthcheck met the rule's resolve condition
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_disassociation_forgets_what_was_counted_for_the_patient_before() {
    let rules = SIGNALS.replace(
        "24h } }",
        "24h } }\n  - { alert: Unbound, subject: device, event: device.weakSignal, \
        count: { at_least: 3, within: 24h }, ends_with_relations: false }",
    );
    let history = play(&rules, |world| {
        for _ in 0..2 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
        }
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T11:59:00Z", false));
        world.post("device.associationCreated", association(7, 6, "2026-03-02T12:00:00Z", true));
        world.wait("1h");
        for _ in 0..3 {
            world.post("device.weakSignal", json!({ "device": device_of(7, Some(6)) }));
            world.wait("1h");
        }
    });
    expect![[r#"
        #1 Unbound on device 7, seen 5×
          2026-03-02T13:00:00.000Z firing warning: 3 × device.weakSignal within 24h
        #2 WeakSignals on device 7, seen 3×
          2026-03-02T15:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn an_event_in_another_state_is_not_counted_and_ends_nothing() {
    let rules = SIGNALS.replace("24h } }", "24h }, while: \"device.status == 'withPatient'\" }");
    let history = play(&rules, |world| {
        let elsewhere = |id: i64| {
            let mut device = device(id);
            device["currentStatus"] = json!("used");
            json!({ "device": device })
        };
        world.post("device.weakSignal", weak(7));
        world.post("device.weakSignal", elsewhere(7));
        world.post("device.weakSignal", weak(7));
        world.wait("1h");
        world.post("device.weakSignal", weak(7));
        world.wait("1h");
        world.post("device.weakSignal", elsewhere(7));
        world.wait("1h");
        // Its status is not known.
        for _ in 0..3 {
            world.post("device.weakSignal", json!({ "deviceId": 8 }));
        }
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 3×
          2026-03-02T11:00:00.000Z firing warning: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_count_under_grace_is_pending_and_fires_with_what_came_meanwhile() {
    let rules = SIGNALS.replace("24h } }", "24h }, grace: 2h }");
    let history = play(&rules, |world| {
        for _ in 0..3 {
            world.post("device.weakSignal", weak(7));
            world.wait("1h");
        }
        world.post("device.weakSignal", weak(7));
        world.until("2026-03-02T13:59:59.999Z");
        world.wait("1ms");
        // What would have fired is off when the device leaves its patient.
        for _ in 0..3 {
            world.post("device.weakSignal", weak(8));
        }
        world.wait("1h");
        world.post("device.associationRemoved", association(8, 5, "2026-03-02T14:30:00Z", false));
        world.wait("3h");
    });
    expect![[r#"
        #1 WeakSignals on device 7, seen 4×
          2026-03-02T14:00:00.000Z firing warning, as of 2026-03-02T12:00:00.000Z: 3 × device.weakSignal within 24h
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_is_not_heard_itself_ends_by_its_next_news() {
    let rules = r#"
rules:
  - alert: AddressAgain
    subject: order
    event: order.status
    where: "order.status == 'reconfirmAddress'"
    count: { at_least: 2, within: 7d }
"#;
    let history = play(rules, |world| {
        let status = |status: &str| json!({ "orderId": 90, "orderStatusName": status });
        world.post("order.status", status("reconfirmAddress"));
        world.wait("2d");
        world.post("order.status", status("onHold"));
        world.post("order.status", status("reconfirmAddress"));
        world.wait("8d");
        world.post("order.status", status("onHold"));
    });
    expect![[r#"
        #1 AddressAgain on order 90, seen 2×
          2026-03-04T10:00:00.000Z firing warning: 2 × order.status within 7d
          2026-03-12T10:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 7d
    "#]]
    .assert_eq(&history);
}
