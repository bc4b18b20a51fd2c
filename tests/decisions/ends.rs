//! Stories that are over: they end what was open once, and never what the same event fires.

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{World, battery, device, device_of, person};

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
