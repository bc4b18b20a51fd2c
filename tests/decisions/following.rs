//! Rules about what should follow an event, or come before it.

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{association, device, device_of, person, play};

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

const REPLACEMENTS: &str = r#"
rules:
  - alert: NoReplacement
    subject: device
    event: device.associationRemoved
    not_followed_by: { event: [device.associationCreated, order.status, order.statusFull], same: patient, within: 7d }
"#;

/// An order for this patient, with a time of its own where given.
fn order(id: i64, patient: i64, at: Option<&str>) -> Value {
    let events = at.map(|at| json!([{ "name": "orderPlaced", "eventTimestamp": at }]));
    json!({ "id": id, "currentStatus": "orderPlaced", "patient": person(patient), "orderEvents": events })
}

#[test]
fn what_follows_for_the_same_patient_may_be_about_anything() {
    let history = play(REPLACEMENTS, |world| {
        for patient in [1, 2, 3, 4, 5] {
            world.post("device.associationRemoved", association(10 + patient, patient, "2026-03-02T10:00:00Z", false));
        }
        world.wait("1d");
        // Another device comes to the first; an order is placed for the second.
        world.post("device.associationCreated", association(21, 1, "2026-03-03T10:00:00Z", true));
        world.post("order.statusFull", order(90, 2, None));
        // The device of the third comes to somebody else.
        world.post("device.associationCreated", association(13, 6, "2026-03-03T10:00:00Z", true));
        world.until("2026-03-09T09:59:59.999Z");
        world.post("order.statusFull", order(94, 4, None));
        world.wait("1ms");
        world.post("order.statusFull", order(95, 5, None));
        world.wait("1d");
        world.post("order.statusFull", order(93, 3, None));
    });
    expect![[r#"
        #1 NoReplacement on device 13, seen 1×
          2026-03-09T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-10T10:00:00.000Z resolved warning: followed after all by order.statusFull
        #2 NoReplacement on device 15, seen 1×
          2026-03-09T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-09T10:00:00.000Z resolved warning: followed after all by order.statusFull
    "#]].assert_eq(&history);
}

#[test]
fn it_goes_on_waiting_for_the_patient_after_what_does_not_follow() {
    let rules = REPLACEMENTS.replace(
        "order.statusFull], same",
        "order.statusFull], where: \"event.type != 'order.status' \\
        || order.status == 'shipped'\", same",
    );
    let history = play(&rules, |world| {
        for patient in [1, 2] {
            world.post("order.statusFull", order(90 + patient, patient, None));
        }
        world.wait("3h");
        for patient in [1, 2] {
            let at = "2026-03-02T13:00:00Z";
            world.post("device.associationRemoved", association(10 + patient, patient, at, false));
            // From before, and not what is awaited.
            world.post("order.statusFull", order(80 + patient, patient, Some("2026-03-02T12:59:59.999Z")));
            world.post("order.status", json!({ "orderId": 90 + patient, "orderStatusName": "onHold" }));
        }
        world.wait("1d");
        world.post("order.status", json!({ "orderId": 91, "orderStatusName": "shipped" }));
        world.wait("30d");
        world.post("order.status", json!({ "orderId": 92, "orderStatusName": "onHold" }));
        world.post("order.status", json!({ "orderId": 92, "orderStatusName": "shipped" }));
    });
    expect![[r#"
        #1 NoReplacement on device 12, seen 1×
          2026-03-09T13:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T13:00:00.000Z was not followed by what should come
          2026-04-02T13:00:00.000Z resolved warning: followed after all by order.status
    "#]].assert_eq(&history);
}

#[test]
fn what_the_patient_had_already_follows_an_event_that_is_learned_late() {
    let history = play(REPLACEMENTS, |world| {
        for patient in [1, 2, 3] {
            world.post("device.healthcheck", json!({ "device": device_of(10 + patient, Some(patient)) }));
        }
        world.wait("1d");
        world.post("order.statusFull", order(91, 1, Some("2026-03-02T10:00:00Z")));
        world.post("order.statusFull", order(92, 2, Some("2026-03-02T09:59:59.999Z")));
        for patient in [1, 2, 3] {
            world.post("device.associationRemoved", association(10 + patient, patient, "2026-03-02T10:00:00Z", false));
        }
        world.wait("20d");
        // In time, and learned late.
        world.post("order.statusFull", order(93, 3, Some("2026-03-09T09:59:59.999Z")));
        world.post("order.statusFull", order(94, 2, Some("2026-03-09T10:00:00Z")));
    });
    expect![[r#"
        #1 NoReplacement on device 12, seen 1×
          2026-03-09T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-23T10:00:00.000Z resolved warning, as of 2026-03-09T10:00:00.000Z: followed after all by order.statusFull
        #2 NoReplacement on device 13, seen 1×
          2026-03-09T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-23T10:00:00.000Z resolved warning, as of 2026-03-09T09:59:59.999Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

#[test]
fn two_devices_of_a_patient_wait_for_the_same_order() {
    let history = play(REPLACEMENTS, |world| {
        for id in [1, 2] {
            world.post("device.associationRemoved", association(id, 5, "2026-03-02T10:00:00Z", false));
            world.wait("1d");
        }
        world.post("order.statusFull", order(90, 5, None));
        world.wait("1d");
        // One that comes later waits for the next.
        world.post("device.associationRemoved", association(3, 5, "2026-03-05T10:00:00Z", false));
        world.wait("30d");
        world.post("order.status", json!({ "orderId": 90, "orderStatusName": "shipped" }));
    });
    expect![[r#"
        #1 NoReplacement on device 3, seen 1×
          2026-03-12T10:00:00.000Z firing warning: device.associationRemoved at 2026-03-05T10:00:00.000Z was not followed by what should come
          2026-04-04T10:00:00.000Z resolved warning: followed after all by order.status
    "#]].assert_eq(&history);
}

const STRANGERS: &str = r#"
rules:
  - alert: OrderForAStranger
    subject: patient
    event: [order.status, order.statusFull]
    not_preceded_by: { event: [patient.created, patient.updated], within: 30d }
"#;

fn patient(id: i64, at: Option<&str>) -> Value {
    let mut patient = person(id);
    patient["updatedAt"] = json!(at);
    patient
}

#[test]
fn what_came_before_within_the_time_keeps_it_from_firing() {
    let history = play(STRANGERS, |world| {
        for id in [1, 2, 3] {
            world.post("patient.created", patient(id, None));
        }
        world.until("2026-04-01T09:59:59.999Z");
        world.post("order.statusFull", order(91, 1, None));
        world.wait("1ms");
        world.post("order.statusFull", order(92, 2, None));
        // At the same instant, whichever comes first.
        world.post("patient.updated", patient(3, None));
        world.post("order.statusFull", order(93, 3, None));
        world.post("order.statusFull", order(94, 4, None));
        world.post("patient.created", patient(4, None));
        world.wait("1d");
        // After it.
        world.post("patient.updated", patient(2, None));
        world.post("order.status", json!({ "orderId": 92, "orderStatusName": "shipped" }));
    });
    expect![[r#"
        #1 OrderForAStranger on patient 2, seen 1×
          2026-04-01T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #2 OrderForAStranger on patient 4, seen 1×
          2026-04-01T10:00:00.000Z firing warning: order.statusFull came without what should come before
          2026-04-01T10:00:00.000Z resolved warning: a late event shows that it was over before
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_came_before_and_is_learned_late_retracts() {
    let history = play(STRANGERS, |world| {
        for id in [1, 2, 3] {
            world.post("order.statusFull", order(90 + id, id, Some("2026-03-02T10:00:00Z")));
        }
        world.wait("1h");
        world.post("patient.updated", patient(1, Some("2026-03-02T10:00:00Z")));
        world.post("patient.updated", patient(2, Some("2026-01-31T10:00:00Z")));
        world.post("patient.updated", patient(3, Some("2026-01-31T10:00:00.001Z")));
        world.wait("60d");
    });
    expect![[r#"
        #1 OrderForAStranger on patient 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
          2026-03-02T11:00:00.000Z resolved warning, as of 2026-03-02T10:00:00.000Z: a late event shows that it was over before
        #2 OrderForAStranger on patient 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #3 OrderForAStranger on patient 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
          2026-03-02T11:00:00.000Z resolved warning, as of 2026-01-31T10:00:00.001Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

#[test]
fn an_event_that_is_learned_late_is_preceded_by_what_came_before_it() {
    let history = play(STRANGERS, |world| {
        for id in [1, 2] {
            world.wait("1d");
            world.post("patient.updated", patient(id, Some("2026-03-01T10:00:00Z")));
        }
        world.until("2026-03-10T10:00:00Z");
        world.post("patient.updated", patient(1, Some("2026-03-10T09:00:00Z")));
        world.post("patient.updated", patient(3, Some("2026-03-10T09:00:00Z")));
        for id in [1, 2, 3] {
            world.post("order.statusFull", order(90 + id, id, Some("2026-03-10T08:00:00Z")));
        }
    });
    expect![[r#"
        #1 OrderForAStranger on patient 3, seen 1×
          2026-03-10T10:00:00.000Z firing warning, as of 2026-03-10T08:00:00.000Z: order.statusFull came without what should come before
    "#]].assert_eq(&history);
}

#[test]
fn what_should_come_before_under_grace_may_be_learned_in_it() {
    let rules = STRANGERS.replace("within: 30d }", "within: 30d }\n    grace: 2h");
    let history = play(&rules, |world| {
        for id in [1, 2] {
            world.post("order.statusFull", order(90 + id, id, Some("2026-03-02T10:00:00Z")));
        }
        world.until("2026-03-02T11:59:59.999Z");
        world.post("patient.created", patient(1, Some("2026-03-02T09:00:00Z")));
        world.post("patient.created", patient(2, Some("2026-03-02T11:00:00Z")));
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderForAStranger on patient 2, seen 1×
          2026-03-02T12:00:00.000Z firing warning, as of 2026-03-02T10:00:00.000Z: order.statusFull came without what should come before
    "#]].assert_eq(&history);
}

const UNORDERED: &str = r#"
rules:
  - alert: DeviceNobodyOrdered
    subject: device
    event: device.associationCreated
    not_preceded_by: { event: [order.status, order.statusFull], same: patient, within: 30d }
    raise: [{ to: critical, where: "event.occurred_at < event.received_at" }]
"#;

#[test]
fn what_came_before_for_the_same_patient_may_be_about_anything() {
    let history = play(UNORDERED, |world| {
        world.post("order.statusFull", order(91, 1, None));
        world.post("order.statusFull", order(92, 2, None));
        world.wait("20d");
        world.post("order.status", json!({ "orderId": 92, "orderStatusName": "shipped" }));
        world.until("2026-04-01T09:59:59.999Z");
        world.post("device.associationCreated", association(11, 1, "2026-04-01T09:59:59.999Z", true));
        world.wait("1ms");
        world.post("device.associationCreated", association(21, 1, "2026-04-01T10:00:00Z", true));
        world.post("device.associationCreated", association(12, 2, "2026-04-01T10:00:00Z", true));
        world.post("device.associationCreated", association(13, 3, "2026-04-01T09:00:00Z", true));
        // An order for the patient before is none for the next.
        world.wait("1h");
        world.post("device.associationCreated", association(12, 4, "2026-04-01T11:00:00Z", true));
    });
    expect![[r#"
        #1 DeviceNobodyOrdered on device 21, seen 1×
          2026-04-01T10:00:00.000Z firing warning: device.associationCreated came without what should come before
        #2 DeviceNobodyOrdered on device 13, seen 1×
          2026-04-01T10:00:00.000Z firing critical, as of 2026-04-01T09:00:00.000Z: device.associationCreated came without what should come before
        #3 DeviceNobodyOrdered on device 12, seen 1×
          2026-04-01T11:00:00.000Z firing warning: device.associationCreated came without what should come before
    "#]].assert_eq(&history);
}

#[test]
fn what_came_before_for_the_same_patient_and_is_learned_late_retracts() {
    let history = play(UNORDERED, |world| {
        for patient in [1, 2] {
            let at = "2026-03-02T10:00:00Z";
            world.post("device.associationCreated", association(10 + patient, patient, at, true));
        }
        world.wait("1h");
        world.post("order.statusFull", order(91, 1, Some("2026-03-01T10:00:00Z")));
        world.post("order.statusFull", order(92, 2, Some("2026-01-01T10:00:00Z")));
        world.wait("1h");
        world.post("order.statusFull", order(93, 2, None));
    });
    expect![[r#"
        #1 DeviceNobodyOrdered on device 11, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.associationCreated came without what should come before
          2026-03-02T11:00:00.000Z resolved warning, as of 2026-03-01T10:00:00.000Z: a late event shows that it was over before
        #2 DeviceNobodyOrdered on device 12, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.associationCreated came without what should come before
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_should_follow_an_order_may_come_from_any_device_of_the_patient() {
    let rules = r#"
rules:
  - alert: DeliveredAndNeverUsed
    subject: order
    event: [order.status, order.statusFull]
    where: 'order.status == "delivered"'
    not_followed_by: { event: "reading.*", same: patient, within: 5d }
"#;
    let history = play(rules, |world| {
        for patient in [1, 2] {
            let mut delivered = order(90 + patient, patient, None);
            delivered["currentStatus"] = json!("delivered");
            world.post("order.statusFull", delivered);
        }
        world.wait("4d");
        let reading = |id: i64, patient: i64| {
            json!({ "id": 1, "readingTimestamp": "2026-03-06T10:00:00Z",
            "device": device_of(id, Some(patient)) })
        };
        world.post("reading.weight", reading(11, 1));
        world.wait("4d");
        world.post("reading.weight", reading(12, 2));
    });
    expect![[r#"
        #1 DeliveredAndNeverUsed on order 92, seen 1×
          2026-03-07T10:00:00.000Z firing warning: order.statusFull at 2026-03-02T10:00:00.000Z was not followed by what should come
          2026-03-10T10:00:00.000Z resolved warning, as of 2026-03-06T10:00:00.000Z: a late event shows that it was over before
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
