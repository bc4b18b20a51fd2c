//! Stories that are over: they end what was open once, and never what the same event fires.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, battery, device, device_of, person};
use crate::world::{World, play};

const RULES: &str = r#"
rules:
  - { alert: DeviceBatteryLow, subject: device, event: device.lowBattery }
  - { alert: OrderDelivered, subject: order, event: [order.status, order.statusFull], where: "order.status == 'delivered'" }
  - { alert: TicketEvent, subject: ticket, event: supportTicket.event }
"#;

fn archived(archived: bool) -> Value {
    let mut patient = person(5);
    patient["archived"] = json!(archived);
    patient
}

/// A low battery whose snapshot says whether the patient is archived.
fn low(is_archived: bool) -> Value {
    let mut device = device(7);
    device["currentPatient"] = archived(is_archived);
    json!({ "batteryPercentage": 9, "device": device })
}

#[test]
fn a_last_status_that_is_told_twice_fires_once() {
    let mut world = World::new(RULES);
    world.post("order.status", json!({ "orderId": 90, "orderStatusName": "delivered" }));
    world.post(
        "order.statusFull",
        json!({ "id": 90, "currentStatus": "delivered",
        "orderEvents": [{ "name": "delivered", "eventTimestamp": "2026-03-02T09:45:00Z" }] }),
    );
    world.post("order.status", json!({ "orderId": 90, "orderStatusName": "delivered" }));
    expect![[r#"
        #1 OrderDelivered on order 90, seen 3×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_decommissioned_device_that_goes_on_reporting_has_one_alert() {
    let mut world = World::new(RULES);
    let mut gone = device_of(7, None);
    gone["currentStatus"] = json!("decommissioned");
    for _ in 0..5 {
        world.post("device.lowBattery", json!({ "batteryPercentage": 9, "device": gone }));
        world.wait("1h");
    }
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 5×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_closed_ticket_ends_its_alerts_once_and_may_be_opened_again() {
    let mut world = World::new(RULES);
    for status in ["open", "closed", "closed", "open", "closed"] {
        world.post("supportTicket.event", json!({ "id": 3, "currentStatus": status, "patient": person(5) }));
        world.restart();
        world.wait("1h");
    }
    expect![[r#"
        #1 TicketEvent on ticket 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: supportTicket.event met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: its status is now closed
        #2 TicketEvent on ticket 3, seen 3×
          2026-03-02T11:00:00.000Z firing warning: supportTicket.event met the rule's condition
          2026-03-02T14:00:00.000Z resolved warning: its status is now closed
        #3 TicketEvent on ticket 3, seen 1×
          2026-03-02T14:00:00.000Z firing warning: supportTicket.event met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn the_alerts_of_an_archived_patient_end_once_tickets_included() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.post("supportTicket.event", json!({ "id": 3, "currentStatus": "open", "patient": person(5) }));
    world.wait("1h");
    world.post("patient.updated", archived(true));
    world.wait("1h");
    world.post("device.lowBattery", low(true));
    let mut moved = archived(true);
    moved["site"]["name"] = json!("Elsewhere");
    world.post("patient.updated", moved);
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the patient was archived
        #2 TicketEvent on ticket 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: supportTicket.event met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the patient was archived
        #3 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T12:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_event_that_shows_its_patient_archived_ends_what_was_open_and_not_what_it_fires() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.post("device.lowBattery", battery(8, 9));
    world.wait("1h");
    world.post("device.lowBattery", low(true));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the patient was archived
        #2 DeviceBatteryLow on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the patient was archived
        #3 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T11:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_retried_snapshot_does_not_bring_a_patient_back_from_the_archive() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 9));
    world.post("patient.updated", archived(true));
    world.wait("20m");
    world.post("device.lowBattery", low(false));
    world.post("patient.updated", archived(true));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:00:00.000Z resolved warning: the patient was archived
        #2 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:20:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    world.post("patient.updated", archived(false));
    world.post("patient.updated", archived(true));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:00:00.000Z resolved warning: the patient was archived
        #2 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:20:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T10:20:00.000Z resolved warning: the patient was archived
    "#]]
    .assert_eq(&world.timeline());
}

const KEPT: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    resolve:
      - { event: device.lowBattery, where: "payload.batteryPercentage > 40" }
      - { after: 2d }
    keep_firing_for: 1h
"#;

#[test]
fn an_alert_that_is_kept_firing_goes_on_where_it_comes_back_in_time() {
    let history = play(KEPT, |world| {
        for id in [1, 2, 3, 4] {
            world.post("device.lowBattery", battery(id, 9));
        }
        world.wait("1h");
        for id in [1, 2, 3, 4] {
            world.post("device.lowBattery", battery(id, 90));
        }
        world.wait("30m");
        // Well again: nothing new. Its end is of when it was well first.
        world.post("device.lowBattery", battery(4, 95));
        world.until("2026-03-02T11:59:59.999Z");
        world.post("device.lowBattery", battery(1, 8));
        world.wait("1ms");
        // It has ended by now.
        world.post("device.lowBattery", battery(2, 8));
        world.wait("3h");
        world.post("device.lowBattery", battery(1, 90));
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T16:00:00.000Z resolved warning, as of 2026-03-02T15:00:00.000Z: device.lowBattery met the rule's resolve condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning, as of 2026-03-02T11:00:00.000Z: device.lowBattery met the rule's resolve condition
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning, as of 2026-03-02T11:00:00.000Z: device.lowBattery met the rule's resolve condition
        #4 DeviceBatteryLow on device 4, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T12:00:00.000Z resolved warning, as of 2026-03-02T11:00:00.000Z: device.lowBattery met the rule's resolve condition
        #5 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T12:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]].assert_eq(&history);
}

#[test]
fn a_relation_ends_what_is_kept_firing_at_once() {
    let history = play(KEPT, |world| {
        world.post("device.lowBattery", battery(7, 9));
        world.wait("1h");
        world.post("device.lowBattery", battery(7, 90));
        world.wait("30m");
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T11:20:00Z", false));
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:30:00.000Z resolved warning, as of 2026-03-02T11:20:00.000Z: the device was disassociated from its patient
    "#]].assert_eq(&history);
}

#[test]
fn a_quiet_time_is_over_at_its_end_and_not_before() {
    let history = play(&KEPT.replace("    keep_firing_for: 1h\n", ""), |world| {
        let check = |id: i64| json!({ "device": device(id) });
        for id in [1, 2, 3] {
            world.post("device.lowBattery", battery(id, 9));
        }
        world.until("2026-03-04T09:59:59.999Z");
        world.post("device.healthcheck", check(1));
        world.wait("1ms");
        world.post("device.healthcheck", check(2));
        world.wait("1ms");
        world.post("device.healthcheck", check(3));
    });
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-04T10:00:00.000Z resolved warning: heard from, with nothing new since 2026-03-02T10:00:00.000Z
        #3 DeviceBatteryLow on device 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-04T10:00:00.001Z resolved warning: heard from, with nothing new since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn an_alert_expires_at_the_end_of_its_time_and_not_before() {
    let rules = r#"
rules:
  - { alert: Low, subject: device, event: device.lowBattery, expire: 10d, raise: [{ to: critical, after: 9d }] }
"#;
    let history = play(rules, |world| {
        for id in [1, 2, 3] {
            world.post("device.lowBattery", battery(id, 9));
        }
        world.until("2026-03-12T09:59:59.999Z");
        world.post("device.healthcheck", json!({ "deviceId": 1 }));
        world.wait("1ms");
        world.post("device.healthcheck", json!({ "deviceId": 2 }));
        world.wait("1d");
    });
    expect![[r#"
        #1 Low on device 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-11T10:00:00.000Z firing critical: severity raised to critical
        #2 Low on device 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-11T10:00:00.000Z firing critical: severity raised to critical
          2026-03-12T10:00:00.000Z expired critical: no news since 2026-03-02T10:00:00.000Z; not known to be well
        #3 Low on device 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-11T10:00:00.000Z firing critical: severity raised to critical
          2026-03-12T10:00:00.000Z expired critical: no news since 2026-03-02T10:00:00.000Z; not known to be well
    "#]]
    .assert_eq(&history);
}

const GRACE: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    grace: 1h
  - alert: OrderOnHold
    subject: order
    event: [order.status, order.statusFull]
    where: "order.status == 'onHold'"
    grace: 1h
"#;

#[test]
fn what_fires_under_grace_fires_at_its_end_with_what_came_meanwhile() {
    let history = play(GRACE, |world| {
        for id in [1, 2, 3, 4] {
            world.post("device.lowBattery", battery(id, 9));
        }
        world.wait("30m");
        world.post("device.lowBattery", battery(1, 4));
        world.post("device.associationRemoved", association(3, 5, "2026-03-02T10:20:00Z", false));
        world.until("2026-03-02T10:59:59.999Z");
        world.post("device.lowBattery", battery(2, 90));
        world.wait("1ms");
        world.post("device.lowBattery", battery(4, 90));
        world.wait("1d");
    });
    expect![[r#"
        #1 DeviceBatteryLow on device 1, seen 2×
          2026-03-02T11:00:00.000Z firing critical, as of 2026-03-02T10:00:00.000Z: device.lowBattery met the rule's condition
        #2 DeviceBatteryLow on device 4, seen 1×
          2026-03-02T11:00:00.000Z firing warning, as of 2026-03-02T10:00:00.000Z: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: device.lowBattery met the rule's resolve condition
    "#]].assert_eq(&history);
}

#[test]
fn a_late_status_takes_back_what_waits_under_grace() {
    let full = |id: i64, status: &str, at: &str| {
        let events = json!([{ "name": status, "eventTimestamp": at }]);
        json!({ "id": id, "currentStatus": status, "orderEvents": events })
    };
    let history = play(GRACE, |world| {
        for id in [1, 2, 3] {
            world.post("order.status", json!({ "orderId": id, "orderStatusName": "onHold" }));
        }
        world.wait("10m");
        // Shipped before, and shipped after.
        world.post("order.statusFull", full(1, "shipped", "2026-03-02T09:30:00Z"));
        world.post("order.statusFull", full(2, "shipped", "2026-03-02T10:05:00Z"));
        world.post("order.statusFull", full(3, "delivered", "2026-03-02T09:30:00Z"));
        world.wait("1d");
    });
    expect![[r#"
        #1 OrderOnHold on order 2, seen 1×
          2026-03-02T11:00:00.000Z firing warning, as of 2026-03-02T10:00:00.000Z: order.status met the rule's condition
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_a_relation_ends_with_can_be_counted() {
    let rules = r#"
rules:
  - { alert: Wanders, subject: device, event: device.associationRemoved, count: { at_least: 2, within: 30d } }
  - { alert: Left, subject: device, event: device.associationRemoved, grace: 1d }
"#;
    let history = play(rules, |world| {
        world.post("device.associationCreated", association(7, 5, "2026-03-02T09:00:00Z", true));
        world.wait("1h");
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:30:00Z", false));
        world.wait("1h");
        world.post("device.associationCreated", association(7, 6, "2026-03-02T11:30:00Z", true));
        world.wait("1h");
        world.post("device.associationRemoved", association(7, 6, "2026-03-02T12:30:00Z", false));
        world.wait("2d");
        world.post("device.associationCreated", association(7, 8, "2026-03-04T12:30:00Z", true));
        world.wait("1h");
        world.post("device.associationRemoved", association(7, 8, "2026-03-04T13:30:00Z", false));
        world.wait("2d");
    });
    expect![[r#"
        #1 Wanders on device 7, seen 2×
          2026-03-02T13:00:00.000Z firing warning, as of 2026-03-02T12:30:00.000Z: 2 × device.associationRemoved within 30d
          2026-03-04T14:00:00.000Z resolved warning, as of 2026-03-04T13:30:00.000Z: the device was disassociated from its patient
        #2 Left on device 7, seen 1×
          2026-03-03T13:00:00.000Z firing warning, as of 2026-03-02T12:30:00.000Z: device.associationRemoved met the rule's condition
          2026-03-04T14:00:00.000Z resolved warning, as of 2026-03-04T13:30:00.000Z: the device was disassociated from its patient
        #3 Wanders on device 7, seen 2×
          2026-03-04T14:00:00.000Z firing warning, as of 2026-03-04T13:30:00.000Z: 2 × device.associationRemoved within 30d
        #4 Left on device 7, seen 1×
          2026-03-05T14:00:00.000Z firing warning, as of 2026-03-04T13:30:00.000Z: device.associationRemoved met the rule's condition
    "#]].assert_eq(&history);
}
