//! Orders and returns: statuses with and without a time, late ones, ends.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{battery, device_of, person};
use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: OrderOnHold
    subject: order
    event: [order.status, order.statusFull]
    where: "order.status == 'onHold'"
    resolve:
      - { event: [order.status, order.statusFull], where: "order.status != 'onHold'" }
  - alert: ReturnArrived
    subject: return
    event: [return.status, return.statusFull]
    where: "return.status == 'arrived'"
"#;

fn order(status: &str) -> Value {
    json!({ "orderId": 90, "orderStatusName": status })
}

#[test]
fn a_stuck_order_resolves_when_it_moves_on() {
    let mut world = World::new(RULES);
    world.post("order.status", order("onHold"));
    world.wait("1d");
    world.post("order.status", order("shipped"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
          2026-03-03T10:00:00.000Z resolved warning: order.status met the rule's resolve condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_status_without_a_time_never_takes_an_order_back() {
    let mut world = World::new(RULES);
    world.post("order.status", order("delivered"));
    world.wait("15m");
    world.post("order.status", order("onHold"));
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn delivery_ends_what_the_order_had_open() {
    let mut world = World::new(&RULES.replace("order.status != 'onHold'", "order.status == 'shipped'"));
    world.post("order.status", order("ON_HOLD"));
    world.wait("1h");
    let full = json!({ "id": 90, "currentStatus": "delivered",
        "orderEvents": [{ "name": "delivered", "eventTimestamp": "2026-03-02T10:45:00Z" }] });
    world.post("order.statusFull", full);
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: its status is now delivered
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_completed_return_ends_its_alerts() {
    let mut world = World::new(RULES);
    world.post("return.status", json!({ "id": 12, "currentStatus": "arrived" }));
    world.wait("1h");
    world.post("return.status", json!({ "returnId": 12, "status": "completed" }));
    expect![[r#"
        #1 ReturnArrived on return 12, seen 1×
          2026-03-02T10:00:00.000Z firing warning: return.status met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: its status is now completed
    "#]]
    .assert_eq(&world.timeline());
}

/// A whole order whose present status has this time of its own.
fn full(status: &str, at: &str) -> Value {
    let at = format!("2026-03-02T{at}Z");
    json!({ "id": 90, "currentStatus": status, "orderEvents": [{ "name": status, "eventTimestamp": at }] })
}

#[test]
fn an_older_status_never_replaces_a_newer_one_where_both_have_a_time() {
    let mut world = World::new(RULES);
    world.post("order.statusFull", full("onHold", "09:50:00"));
    world.restart();
    world.post("order.statusFull", full("shipped", "09:40:00"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    world.post("order.status", order("onHold"));
    world.post("order.statusFull", full("shipped", "09:45:00"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 2×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_status_that_came_late_without_a_time_is_retracted() {
    let mut world = World::new(RULES);
    world.post("order.status", order("onHold"));
    world.wait("5s");
    world.post("order.statusFull", full("shipped", "09:30:00"));
    world.post("order.status", order("onHold"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
          2026-03-02T10:00:05.000Z resolved warning: a late event shows that it was over before
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_was_open_before_a_late_status_resolves_as_it_would_have_in_order() {
    let mut world = World::new(RULES);
    world.post("order.statusFull", full("onHold", "08:00:00"));
    world.post("order.status", order("onHold"));
    world.wait("5s");
    world.post("order.statusFull", full("shipped", "09:30:00"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 2×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull met the rule's condition
          2026-03-02T10:00:05.000Z resolved warning: order.statusFull met the rule's resolve condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_delivery_that_came_before_retracts_too() {
    let mut world = World::new(RULES);
    world.post("order.status", order("onHold"));
    world.wait("5s");
    world.post("order.statusFull", full("delivered", "09:30:00"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
          2026-03-02T10:00:05.000Z resolved warning: a late event shows that it was over before
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_unknown_status_does_not_forget_how_far_the_order_had_come() {
    let mut world = World::new(RULES);
    world.post("order.status", order("shipped"));
    world.post("order.status", order("heldAtCustoms"));
    world.post("order.status", order("onHold"));
    expect![[""]].assert_eq(&world.timeline());
}

const READINGS: &str = r#"
rules:
  - alert: WeightHigh
    subject: device
    event: reading.weight
    where: "payload.weight > 200"
    resolve: [{ event: reading.weight, where: "payload.weight < 190" }]
    annotations: { summary: "{{ payload.weight }}" }
"#;

fn weight(weight: i64, at: &str) -> Value {
    json!({ "weight": weight, "readingTimestamp": format!("2026-03-02T{at}:00Z"), "device": { "id": 7 } })
}

#[test]
fn a_reading_from_before_one_that_resolves_opens_nothing() {
    let mut world = World::new(READINGS);
    world.post("reading.weight", weight(150, "09:30"));
    world.restart();
    world.post("reading.weight", weight(210, "09:00"));
    expect![[""]].assert_eq(&world.timeline());
    world.post("reading.weight", weight(220, "09:40"));
    world.post("reading.weight", weight(230, "09:35"));
    world.post("reading.weight", weight(150, "09:37"));
    expect![[r#"
        #1 WeightHigh on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: reading.weight met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    world.post("reading.weight", weight(150, "09:45"));
    world.post("reading.weight", weight(240, "09:42"));
    expect![[r#"
        #1 WeightHigh on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: reading.weight met the rule's condition
          2026-03-02T10:00:00.000Z resolved warning: reading.weight met the rule's resolve condition
    "#]]
    .assert_eq(&world.timeline());
}

const DEVICES: &str = r#"
rules:
  - { alert: DeviceBatteryLow, subject: device, event: device.lowBattery }
  - { alert: DeviceBack, subject: device, event: return.statusFull }
"#;

fn returned(status: &str, devices: &[i64]) -> Value {
    let devices: Vec<Value> = devices.iter().map(|id| json!({ "id": id })).collect();
    json!({ "id": 12, "currentStatus": status, "patient": person(5), "returnDevices": devices })
}

#[test]
fn a_completed_return_ends_the_alerts_of_its_devices() {
    let mut world = World::new(DEVICES);
    world.post("device.lowBattery", battery(7, 9));
    world.post("device.lowBattery", battery(8, 9));
    world.wait("1h");
    world.post("return.statusFull", returned("completed", &[7]));
    world.wait("1h");
    world.post("return.statusFull", returned("completed", &[7, 8]));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the device was returned
        #2 DeviceBatteryLow on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning: the device was returned
        #3 DeviceBack on device 7, seen 2×
          2026-03-02T11:00:00.000Z firing warning: return.statusFull met the rule's condition
        #4 DeviceBack on device 8, seen 1×
          2026-03-02T12:00:00.000Z firing warning: return.statusFull met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_thin_completion_counts_for_the_devices_that_are_known() {
    let mut world = World::new(&DEVICES.replace("return.statusFull", "return.other"));
    for (device, patient) in [(7, 5), (8, 6)] {
        world.post("device.lowBattery", json!({ "device": device_of(device, Some(patient)) }));
    }
    world.post("return.statusFull", returned("inTransit", &[7, 8]));
    world.post("return.status", json!({ "id": 12, "currentStatus": "completed" }));
    world.post("device.lowBattery", battery(7, 9));
    world.post("return.status", json!({ "id": 12, "currentStatus": "completed" }));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:00:00.000Z resolved warning: the device was returned
        #2 DeviceBatteryLow on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_voided_return_ends_nothing_of_its_devices() {
    let mut world = World::new(DEVICES);
    world.post("device.lowBattery", battery(7, 9));
    world.post("return.statusFull", returned("voided", &[7]));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBack on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: return.statusFull met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}
