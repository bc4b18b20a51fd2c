//! Rules about two events that have another subject in common than their own: what follows, or comes before, for the patient.

use expect_test::expect;
use serde_json::json;

use crate::payloads::{association, device_of, order};
use crate::world::play;

const REPLACEMENTS: &str = r#"
rules:
  - alert: NoReplacement
    subject: device
    event: device.associationRemoved
    not_followed_by: { event: [device.associationCreated, order.status, order.statusFull], same: patient, within: 7d }
"#;

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
fn an_event_neither_follows_nor_precedes_itself() {
    let rules = r#"
rules:
  - alert: LastOrder
    subject: device
    event: order.statusFull
    not_followed_by: { event: order.statusFull, same: patient, within: 3d }
  - alert: FirstOrder
    subject: device
    event: order.statusFull
    not_preceded_by: { event: order.statusFull, same: patient, within: 3d }
"#;
    let history = play(rules, |world| {
        let order = |id: i64, device: i64| {
            let mut order = order(id, 5, None);
            order["devices"] = json!([{ "id": device }]);
            order
        };
        world.post("order.statusFull", order(90, 7));
        world.wait("1d");
        world.post("order.statusFull", order(91, 8));
        world.wait("5d");
        world.post("order.statusFull", order(92, 7));
    });
    expect![[r#"
        #1 FirstOrder on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #2 LastOrder on device 8, seen 1×
          2026-03-06T10:00:00.000Z firing warning: order.statusFull at 2026-03-03T10:00:00.000Z was not followed by what should come
          2026-03-08T10:00:00.000Z resolved warning: followed after all by order.statusFull
    "#]].assert_eq(&history);
}

#[test]
fn what_is_about_another_device_of_the_patient_is_nothing_else_here() {
    let rules = r#"
rules:
  - alert: NoReplacement
    subject: device
    event: device.associationRemoved
    not_followed_by: { event: [device.associationCreated, device.lowBattery], same: patient, within: 7d }
    ends_with_relations: false
  - { alert: Came, subject: device, event: device.associationCreated, ends_with_relations: false }
  - { alert: Low, subject: device, event: device.lowBattery, resolve: [{ after: 1d }] }
  - { alert: Silent, subject: device, silent: { event: [device.lowBattery, "reading.*"], longer_than: 2d }, while: "true" }
"#;
    let history = play(rules, |world| {
        let low = |id: i64| json!({ "device": device_of(id, Some(5)), "batteryPercentage": 9 });
        world.post("device.lowBattery", low(7));
        world.wait("1h");
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T11:00:00Z", false));
        world.wait("1d");
        // These end what waits for the patient, and are nothing of device 7.
        world.post("device.associationCreated", association(8, 5, "2026-03-03T11:00:00Z", true));
        world.post("device.associationRemoved", association(7, 5, "2026-03-03T11:00:00Z", false));
        world.wait("1h");
        world.post("device.lowBattery", low(8));
        world.wait("20d");
    });
    expect![[r#"
        #1 Low on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the device was disassociated from its patient
        #2 Came on device 8, seen 1×
          2026-03-03T11:00:00.000Z firing warning: device.associationCreated met the rule's condition
        #3 Low on device 8, seen 1×
          2026-03-03T12:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #4 Silent on device 8, seen 1×
          2026-03-05T12:00:00.000Z firing warning: nothing heard since 2026-03-03T12:00:00.000Z
    "#]]
    .assert_eq(&history);
}
