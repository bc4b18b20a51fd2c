//! Rules about what should follow an event.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, device, device_of};
use crate::world::play;

const RETURNS: &str = r#"
rules:
  - alert: NoReturn
    subject: device
    event: device.associationRemoved
    not_followed_by: { event: [return.status, return.statusFull, device.associationCreated], same: device, within: 14d }
"#;

fn removed(id: i64, at: &str) -> Value {
    association(id, 5, at, false)
}

/// A whole return with this device, and a time of its own where given.
fn returned(id: i64, device: i64, at: Option<&str>) -> Value {
    let events = at.map(|at| json!([{ "type": "rmaPlaced", "eventTimestamp": at }]));
    json!({ "id": id, "currentStatus": "rmaPlaced", "returnDevices": [device_of(device, None)], "returnEvents": events })
}

#[test]
fn what_does_not_follow_within_the_time_fires_at_its_end_and_not_before() {
    let history = play(RETURNS, |world| {
        for id in [1, 2, 3, 4, 5] {
            world.post("device.associationRemoved", removed(id, "2026-03-02T10:00:00Z"));
        }
        // Something else about it is nothing of the kind.
        world.wait("3d");
        world.post("device.healthcheck", json!({ "deviceId": 5 }));
        world.until("2026-03-16T09:59:59.999Z");
        world.post("return.statusFull", returned(91, 1, None));
        world.wait("1ms");
        world.post("return.statusFull", returned(92, 2, None));
        world.wait("1ms");
        world.post("device.associationCreated", association(3, 6, "2026-03-16T10:00:00.001Z", true));
        world.wait("1d");
        world.post("return.statusFull", returned(94, 4, None));
        world.wait("400d");
    });
    expect![[r#"
        #1 NoReturn on device 2, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-16T10:00:00.000Z resolved warning: followed after all by return.statusFull
        #2 NoReturn on device 3, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-16T10:00:00.001Z resolved warning: followed after all by device.associationCreated
        #3 NoReturn on device 4, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-17T10:00:00.001Z resolved warning: followed after all by return.statusFull
        #4 NoReturn on device 5, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}

#[test]
fn what_came_before_does_not_follow_and_what_came_at_the_same_instant_does() {
    let history = play(RETURNS, |world| {
        world.post("return.statusFull", returned(91, 1, Some("2026-03-02T09:59:59.999Z")));
        world.post("return.statusFull", returned(92, 2, Some("2026-03-02T10:00:00Z")));
        for id in [1, 2, 3, 4] {
            world.post("device.associationRemoved", removed(id, "2026-03-02T10:00:00Z"));
        }
        world.post("return.statusFull", returned(93, 3, Some("2026-03-02T10:00:00Z")));
        world.post("return.statusFull", returned(94, 4, Some("2026-03-02T09:59:59.999Z")));
        world.wait("15d");
    });
    expect![[r#"
        #1 NoReturn on device 1, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
        #2 NoReturn on device 4, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}

#[test]
fn what_followed_in_time_and_is_learned_late_retracts() {
    let history = play(RETURNS, |world| {
        for id in [1, 2, 3, 4] {
            world.post("device.associationRemoved", removed(id, "2026-03-02T10:00:00Z"));
        }
        world.until("2026-03-17T10:00:00Z");
        world.post("return.statusFull", returned(91, 1, Some("2026-03-16T09:59:59.999Z")));
        world.post("return.statusFull", returned(92, 2, Some("2026-03-16T10:00:00Z")));
        world.post("return.statusFull", returned(93, 3, Some("2026-03-02T09:00:00Z")));
        world.recover("return.status", json!({ "id": 93, "currentStatus": "inTransit" }), "2026-03-05T10:00:00Z");
    });
    expect![[r#"
        #1 NoReturn on device 1, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-17T10:00:00.000Z resolved warning, as of 2026-03-16T09:59:59.999Z: a late event shows that it was over before
        #2 NoReturn on device 2, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-17T10:00:00.000Z resolved warning, as of 2026-03-16T10:00:00.000Z: followed after all by return.statusFull
        #3 NoReturn on device 3, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-17T10:00:00.000Z resolved warning, as of 2026-03-05T10:00:00.000Z: a late event shows that it was over before
        #4 NoReturn on device 4, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}

#[test]
fn a_first_event_that_is_learned_late_waits_from_its_own_time() {
    let history = play(RETURNS, |world| {
        for id in [1, 2, 3] {
            world.post("device.associationCreated", association(id, 5, "2026-02-01T10:00:00Z", true));
        }
        // What followed the first is known already.
        world.post("return.statusFull", returned(91, 1, Some("2026-03-01T10:00:00Z")));
        world.post("return.statusFull", returned(92, 2, Some("2026-02-10T10:00:00Z")));
        world.wait("1h");
        for id in [1, 2] {
            world.post("device.associationRemoved", removed(id, "2026-02-15T10:00:00Z"));
        }
        world.post("device.associationRemoved", removed(3, "2026-02-17T10:00:00Z"));
        world.until("2026-03-03T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 NoReturn on device 2, seen 1×
          2026-03-02T11:00:00.000Z firing warning, as of 2026-03-01T10:00:00.000Z: device.associationRemoved at 2026-02-15T10:00:00.000Z was not followed by what should come
        #2 NoReturn on device 3, seen 1×
          2026-03-03T10:00:00.000Z firing warning: device.associationRemoved at 2026-02-17T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}

#[test]
fn a_thin_event_follows_where_what_it_is_about_is_known_to_hold_the_device() {
    let history = play(RETURNS, |world| {
        world.post("return.statusFull", returned(91, 1, None));
        world.post("return.statusFull", returned(92, 2, None));
        world.wait("1d");
        for id in [1, 2, 3] {
            world.post("device.associationRemoved", removed(id, "2026-03-03T10:00:00Z"));
        }
        world.wait("1d");
        world.post("return.status", json!({ "id": 91, "currentStatus": "inTransit" }));
        // A return of which nothing is known.
        world.post("return.status", json!({ "id": 93, "currentStatus": "inTransit" }));
        world.wait("30d");
        world.post("return.status", json!({ "id": 92, "currentStatus": "inTransit" }));
    });
    expect![[r#"
        #1 NoReturn on device 2, seen 1×
          2026-03-17T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-03T10:00:00.000Z was not followed by what should come
          2026-04-03T10:00:00.000Z resolved warning: followed after all by return.status
        #2 NoReturn on device 3, seen 1×
          2026-03-17T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-03T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}

#[test]
fn the_first_of_several_counts_and_is_said_again() {
    let history = play(RETURNS, |world| {
        world.post("device.associationRemoved", removed(1, "2026-03-02T10:00:00Z"));
        world.wait("1d");
        world.post("device.associationRemoved", removed(1, "2026-03-03T10:00:00Z"));
        world.wait("14d");
    });
    expect![[r#"
        #1 NoReturn on device 1, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}

#[test]
fn an_open_alert_counts_the_event_again_and_ends_with_what_follows_that() {
    let history = play(RETURNS, |world| {
        world.post("device.associationRemoved", removed(7, "2026-03-02T10:00:00Z"));
        world.wait("15d");
        world.post("device.associationRemoved", removed(7, "2026-03-17T10:00:00Z"));
        world.wait("1d");
        world.post("return.statusFull", returned(91, 7, None));
        world.wait("30d");
    });
    expect![[r#"
        #1 NoReturn on device 7, seen 2×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-18T10:00:00.000Z resolved warning: followed after all by return.statusFull
    "#]].assert_eq(&history);
}

#[test]
fn only_what_meets_its_condition_follows() {
    let rules = RETURNS.replace(
        "[return.status, return.statusFull, device.associationCreated], same",
        "[return.status, return.statusFull], where: 'return.status == \"arrived\"', same",
    );
    let history = play(&rules, |world| {
        for id in [1, 2] {
            world.post("device.associationRemoved", removed(id, "2026-03-02T10:00:00Z"));
            world.post("return.statusFull", returned(90 + id, id, None));
        }
        world.wait("13d");
        world.post("return.status", json!({ "id": 91, "currentStatus": "arrived" }));
        world.post("return.status", json!({ "id": 92, "currentStatus": "inTransit" }));
        world.wait("10d");
        world.post("return.status", json!({ "id": 92, "currentStatus": "arrived" }));
    });
    expect![[r#"
        #1 NoReturn on device 2, seen 1×
          2026-03-16T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-25T10:00:00.000Z resolved warning: followed after all by return.status
    "#]].assert_eq(&history);
}

#[test]
fn what_waits_and_its_grace_are_off_when_the_order_is_over() {
    let rules = r#"
rules:
  - alert: NotShipped
    subject: order
    event: [order.status, order.statusFull]
    where: 'order.status == "awaitingShipment"'
    not_followed_by: { event: [order.status, order.statusFull], where: 'order.status == "shipped"', within: 3d }
    grace: 2h
"#;
    let history = play(rules, |world| {
        let status = |id: i64, status: &str| json!({ "orderId": id, "orderStatusName": status });
        for id in [1, 2, 3, 4] {
            world.post("order.status", status(id, "awaitingShipment"));
        }
        world.wait("1d");
        world.post("order.status", status(1, "voided"));
        world.until("2026-03-05T11:59:59.999Z");
        world.post("order.status", status(2, "shipped"));
        world.wait("1ms");
        world.post("order.status", status(3, "shipped"));
        world.wait("1h");
        let delivered = |id: i64, at: &str| {
            json!({ "id": id, "currentStatus": "delivered",
            "orderEvents": [{ "name": "delivered", "eventTimestamp": at }] })
        };
        world.post("order.statusFull", delivered(4, "2026-03-05T09:00:00Z"));
    });
    expect![[r#"
        #1 NotShipped on order 3, seen 1×
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: order.status at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-05T12:00:00.000Z resolved warning: followed after all by order.status
        #2 NotShipped on order 4, seen 1×
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: order.status at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-05T13:00:00.000Z resolved warning, as of 2026-03-05T09:00:00.000Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

#[test]
fn an_alert_that_is_kept_firing_waits_anew_for_the_next_event() {
    let rules = RETURNS.replace("within: 14d }", "within: 2d }\n    keep_firing_for: 3d");
    let history = play(&rules, |world| {
        world.post("device.associationRemoved", removed(7, "2026-03-02T10:00:00Z"));
        world.wait("3d");
        world.post("return.statusFull", returned(91, 7, None));
        world.wait("12h");
        // Not followed either: it goes on. Then followed for good.
        world.post("device.associationRemoved", removed(7, "2026-03-05T22:00:00Z"));
        world.wait("4d");
        world.post("return.statusFull", returned(92, 7, None));
        world.wait("12h");
        world.post("device.associationRemoved", removed(7, "2026-03-10T10:00:00Z"));
        world.wait("12h");
        world.post("return.statusFull", returned(93, 7, None));
        world.wait("30d");
        world.post("device.healthcheck", json!({ "device": device(7) }));
    });
    expect![[r#"
        #1 NoReturn on device 7, seen 1×
          2026-03-04T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-12T22:00:00.000Z resolved warning, as of 2026-03-09T22:00:00.000Z: followed after all by return.statusFull
    "#]].assert_eq(&history);
}

#[test]
fn an_event_does_not_follow_itself() {
    let rules = r#"
rules:
  - alert: NoNewsOfOrder
    subject: order
    event: [order.status, order.statusFull]
    not_followed_by: { event: [order.status, order.statusFull], within: 3d }
"#;
    let history = play(rules, |world| {
        let status = |status: &str| json!({ "orderId": 1, "orderStatusName": status });
        world.post("order.status", status("orderPlaced"));
        world.wait("2d");
        world.post("order.status", status("awaitingShipment"));
        world.until("2026-03-07T09:59:59.999Z");
        world.wait("1ms");
        world.wait("1d");
        // It follows, and waits itself.
        world.post("order.status", status("shipped"));
        world.until("2026-03-11T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 NoNewsOfOrder on order 1, seen 1×
          2026-03-07T10:00:00.000Z firing warning: order.status at 2026-03-04T10:00:00.000Z was not followed by what should come
          2026-03-08T10:00:00.000Z resolved warning: followed after all by order.status
        #2 NoNewsOfOrder on order 1, seen 1×
          2026-03-11T10:00:00.000Z firing warning: order.status at 2026-03-08T10:00:00.000Z was not followed by what should come
    "#]].assert_eq(&history);
}
