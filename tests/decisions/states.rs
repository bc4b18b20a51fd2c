//! Rules about states: `while` something holds, for a time or at once.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, battery, device, device_of, person};
use crate::world::play;

const STUCK: &str = r#"
rules:
  - alert: OrderStuck
    subject: order
    while: 'order.status in ["onHold", "pendingInventory", "reconfirmAddress"]'
    for: 48h
"#;

/// An order's status without a time.
fn thin(id: i64, status: &str) -> Value {
    json!({ "orderId": id, "orderStatusName": status })
}

/// A whole order whose present status has this time of its own.
fn full(id: i64, status: &str, at: &str) -> Value {
    json!({ "id": id, "currentStatus": status, "patient": person(5),
        "orderEvents": [{ "name": status, "eventTimestamp": at }] })
}

#[test]
fn a_state_that_has_held_for_the_time_fires_at_its_end_and_not_before() {
    let history = play(STUCK, |world| {
        for id in [1, 2, 3, 4] {
            world.post("order.status", thin(id, "onHold"));
        }
        // Said again, and another status that is meant too: it goes on.
        world.wait("1d");
        world.post("order.status", thin(4, "onHold"));
        world.post("order.status", thin(3, "pendingInventory"));
        world.until("2026-03-04T09:59:59.999Z");
        world.post("order.status", thin(1, "shipped"));
        world.wait("1ms");
        world.post("order.status", thin(2, "shipped"));
        world.wait("1ms");
        world.post("order.status", thin(3, "shipped"));
        world.wait("60d");
    });
    expect![[r##"
        #1 OrderStuck on order 2, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T10:00:00.000Z resolved warning: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
        #2 OrderStuck on order 3, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T10:00:00.001Z resolved warning: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
        #3 OrderStuck on order 4, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
    "##]].assert_eq(&history);
}

#[test]
fn without_a_time_it_fires_at_once() {
    let history = play(&STUCK.replace("    for: 48h\n", ""), |world| {
        world.post("order.statusFull", full(1, "onHold", "2026-03-02T08:00:00Z"));
        world.wait("1h");
        world.post("order.status", thin(1, "pendingInventory"));
        world.wait("1h");
        world.post("order.status", thin(1, "shipped"));
        world.wait("1h");
        world.post("order.status", thin(2, "shipped"));
    });
    expect![[r##"
        #1 OrderStuck on order 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning, as of 2026-03-02T08:00:00.000Z: it has been so since 2026-03-02T08:00:00.000Z
          2026-03-02T12:00:00.000Z resolved warning: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
    "##]].assert_eq(&history);
}

#[test]
fn with_each_another_value_begins_anew() {
    let rules = STUCK.replace("for: 48h", "for: 48h\n    each: order.status");
    let history = play(&rules, |world| {
        world.post("order.status", thin(1, "onHold"));
        world.post("order.status", thin(2, "onHold"));
        world.until("2026-03-04T09:59:59.999Z");
        world.post("order.status", thin(1, "pendingInventory"));
        world.wait("1d");
        // Said again: no change.
        world.post("order.status", thin(1, "pendingInventory"));
        world.post("order.status", thin(2, "pendingInventory"));
        world.until("2026-03-06T09:59:59.998Z");
        world.wait("1ms");
        world.wait("3d");
    });
    expect![[r#"
        #1 OrderStuck on order 2, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T09:59:59.999Z resolved warning: no longer so: order.status has changed
        #2 OrderStuck on order 1, seen 1×
          2026-03-06T09:59:59.999Z firing warning: it has been so since 2026-03-04T09:59:59.999Z
        #3 OrderStuck on order 2, seen 1×
          2026-03-07T09:59:59.999Z firing warning: it has been so since 2026-03-05T09:59:59.999Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_status_counts_from_its_own_time() {
    let history = play(STUCK, |world| {
        world.post("order.statusFull", full(1, "onHold", "2026-03-02T08:00:00Z"));
        // Long ago: overdue when it is learned.
        world.post("order.statusFull", full(2, "onHold", "2026-02-20T08:00:00Z"));
        world.until("2026-03-04T07:59:59.999Z");
        world.wait("1ms");
        // A thin one first, whose own time comes later.
        world.post("order.status", thin(3, "onHold"));
        world.wait("1m");
        world.post("order.statusFull", full(3, "onHold", "2026-03-04T06:00:00Z"));
        world.until("2026-03-06T05:59:59.999Z");
        world.wait("1ms");
        world.wait("2h");
    });
    expect![[r#"
        #1 OrderStuck on order 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning, as of 2026-02-22T08:00:00.000Z: it has been so since 2026-02-20T08:00:00.000Z
        #2 OrderStuck on order 1, seen 1×
          2026-03-04T08:00:00.000Z firing warning: it has been so since 2026-03-02T08:00:00.000Z
        #3 OrderStuck on order 3, seen 1×
          2026-03-06T06:00:00.000Z firing warning: it has been so since 2026-03-04T06:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn a_change_that_is_learned_late_retracts_where_it_came_before_the_deadline() {
    let history = play(STUCK, |world| {
        for id in [1, 2, 3, 4, 5] {
            world.post("order.statusFull", full(id, "onHold", "2026-03-02T10:00:00Z"));
        }
        world.until("2026-03-04T12:00:00Z");
        world.post("order.statusFull", full(1, "shipped", "2026-03-04T09:59:59.999Z"));
        world.post("order.statusFull", full(2, "shipped", "2026-03-04T10:00:00Z"));
        world.post("order.statusFull", full(3, "delivered", "2026-03-04T09:00:00Z"));
        world.post("order.statusFull", full(4, "delivered", "2026-03-04T11:00:00Z"));
        // Older than what is known: it changes nothing.
        world.post("order.statusFull", full(5, "shipped", "2026-03-02T09:00:00Z"));
    });
    expect![[r##"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T12:00:00.000Z resolved warning, as of 2026-03-04T09:59:59.999Z: a late event shows that it was over before
        #2 OrderStuck on order 2, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T12:00:00.000Z resolved warning, as of 2026-03-04T10:00:00.000Z: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
        #3 OrderStuck on order 3, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T12:00:00.000Z resolved warning, as of 2026-03-04T09:00:00.000Z: a late event shows that it was over before
        #4 OrderStuck on order 4, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T12:00:00.000Z resolved warning, as of 2026-03-04T11:00:00.000Z: its status is now delivered
        #5 OrderStuck on order 5, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
    "##]].assert_eq(&history);
}

#[test]
fn a_late_status_that_was_placed_by_receipt_is_taken_back() {
    let history = play(STUCK, |world| {
        // Held by receipt since 10:00; a late event tells that it had been shipped before.
        world.post("order.status", thin(1, "onHold"));
        world.until("2026-03-04T12:00:00Z");
        world.post("order.statusFull", full(1, "shipped", "2026-03-02T09:00:00Z"));
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T12:00:00.000Z resolved warning, as of 2026-03-02T09:00:00.000Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

#[test]
fn unknown_changes_nothing() {
    let rules = r#"
rules:
  - alert: WithPatientElsewhere
    subject: device
    while: 'device.associated && patient.site != "Harbor Clinic"'
    for: 24h
    ends_with_relations: false
"#;
    let elsewhere = |patient: i64| {
        let mut device = device_of(7, Some(patient));
        device["currentPatient"]["site"] = json!({ "id": 4, "name": "Hill Clinic" });
        json!({ "device": device })
    };
    let no_site = || {
        let mut device = device_of(7, Some(6));
        device["currentPatient"] = json!({ "id": 6 });
        json!({ "device": device })
    };
    let history = play(rules, |world| {
        // It was so, and is not known by the time: it waits until that is known.
        world.post("device.healthcheck", elsewhere(5));
        world.wait("12h");
        world.post("device.healthcheck", no_site());
        world.wait("36h");
        world.post("device.healthcheck", elsewhere(6));
        world.wait("1h");
        // Not known any more: nothing ends.
        let mut unknown = no_site();
        unknown["device"]["currentPatient"]["id"] = json!(8);
        world.post("device.healthcheck", unknown);
        world.wait("30d");
        let mut here = elsewhere(8);
        here["device"]["currentPatient"]["site"] = json!({ "id": 3, "name": "Harbor Clinic" });
        world.post("device.healthcheck", here);
    });
    expect![[r##"
        #1 WithPatientElsewhere on device 7, seen 1×
          2026-03-04T10:00:00.000Z firing warning, as of 2026-03-03T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-04-03T11:00:00.000Z resolved warning: no longer so: patient.site != "Harbor Clinic"
    "##]].assert_eq(&history);
}

const LOW: &str = r#"
rules:
  - { alert: LowForADay, subject: device, while: "device.battery < 20", for: 24h }
  - { alert: Low, subject: device, while: "device.battery < 10" }
"#;

#[test]
fn what_is_still_so_when_the_device_leaves_counts_anew_for_the_next_patient_only() {
    let history = play(LOW, |world| {
        world.post("device.lowBattery", battery(7, 9));
        world.wait("2d");
        world.post("device.associationRemoved", association(7, 5, "2026-03-04T09:00:00Z", false));
        world.wait("1d");
        // It goes on being low, with nobody.
        world.post("device.lowBattery", json!({ "batteryPercentage": 8, "device": device_of(7, None) }));
        world.wait("5d");
        world.post("device.associationCreated", association(7, 6, "2026-03-10T09:00:00Z", true));
        world.until("2026-03-11T08:59:59.999Z");
        world.wait("1ms");
        // A new battery, then low again.
        world.wait("1h");
        world.post("device.lowBattery", json!({ "batteryPercentage": 90, "device": device_of(7, Some(6)) }));
        world.wait("1h");
        world.post("device.associationRemoved", association(7, 6, "2026-03-11T10:59:00Z", false));
        world.wait("4h");
        world.post("device.lowBattery", json!({ "batteryPercentage": 7, "device": device_of(7, None) }));
        world.wait("2d");
    });
    expect![[r#"
        #1 Low on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T10:00:00.000Z resolved warning, as of 2026-03-04T09:00:00.000Z: the device was disassociated from its patient
        #2 LowForADay on device 7, seen 1×
          2026-03-03T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T10:00:00.000Z resolved warning, as of 2026-03-04T09:00:00.000Z: the device was disassociated from its patient
        #3 Low on device 7, seen 1×
          2026-03-10T10:00:00.000Z firing warning, as of 2026-03-10T09:00:00.000Z: it has been so since 2026-03-10T09:00:00.000Z
          2026-03-11T10:00:00.000Z resolved warning: no longer so: device.battery < 10
        #4 LowForADay on device 7, seen 1×
          2026-03-11T09:00:00.000Z firing warning: it has been so since 2026-03-10T09:00:00.000Z
          2026-03-11T10:00:00.000Z resolved warning: no longer so: device.battery < 20
        #5 Low on device 7, seen 1×
          2026-03-11T15:00:00.000Z firing warning: it has been so since 2026-03-11T15:00:00.000Z
        #6 LowForADay on device 7, seen 1×
          2026-03-12T15:00:00.000Z firing warning: it has been so since 2026-03-11T15:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn what_the_last_status_itself_makes_true_is_not_ended_by_it() {
    let rules = r#"
rules:
  - { alert: Delivered, subject: order, while: "order.status == 'delivered'", for: 3d }
"#;
    let history = play(rules, |world| {
        world.post("order.status", thin(1, "shipped"));
        world.post("order.status", thin(1, "delivered"));
        world.wait("1d");
        world.post("order.statusFull", full(1, "delivered", "2026-03-02T09:00:00Z"));
        world.until("2026-03-05T08:59:59.999Z");
        world.wait("1ms");
        world.wait("1h");
        world.post("order.status", thin(1, "returnIssued"));
    });
    expect![[r#"
        #1 Delivered on order 1, seen 1×
          2026-03-05T09:00:00.000Z firing warning: it has been so since 2026-03-02T09:00:00.000Z
          2026-03-05T10:00:00.000Z resolved warning: no longer so: order.status == 'delivered'
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_state_that_reads_the_clock_is_looked_at_every_hour() {
    let rules = r#"
rules:
  - alert: OldOrder
    subject: order
    while: 'order.status == "onHold" && now - order.status_at > duration("48h")'
  - alert: OldFor
    subject: order
    while: 'order.status == "onHold" && now - order.status_at >= duration("24h")'
    for: 2h
"#;
    let history = play(rules, |world| {
        world.wait("20m");
        world.post("order.status", thin(1, "onHold"));
        world.wait("12h");
        world.post("order.status", thin(1, "onHold"));
        world.wait("60h");
        world.post("order.status", thin(1, "shipped"));
        world.wait("1d");
        // Overdue when it is learned.
        world.post("order.statusFull", full(2, "onHold", "2026-03-02T08:00:00Z"));
        world.post("order.statusFull", full(2, "delivered", "2026-03-06T08:00:00Z"));
        world.wait("10d");
    });
    expect![[r##"
        #1 OldFor on order 1, seen 1×
          2026-03-03T12:20:00.000Z firing warning: it has been so since 2026-03-03T10:20:00.000Z
          2026-03-05T10:20:00.000Z resolved warning: no longer so: order.status == "onHold"
        #2 OldOrder on order 1, seen 1×
          2026-03-04T11:20:00.000Z firing warning: it has been so since 2026-03-04T11:20:00.000Z
          2026-03-05T10:20:00.000Z resolved warning: no longer so: order.status == "onHold"
        #3 OldOrder on order 2, seen 1×
          2026-03-06T10:20:00.000Z firing warning: it has been so since 2026-03-06T10:20:00.000Z
          2026-03-06T10:20:00.000Z resolved warning, as of 2026-03-06T08:00:00.000Z: a late event shows that it was over before
    "##]].assert_eq(&history);
}

const ORDERS: &str = r#"
rules:
  - alert: LowAndNothingOrdered
    subject: device
    while: 'device.battery < 20 && size(patient.open_orders) == 0'
    for: 24h
  - alert: NothingOnItsWay
    subject: patient
    while: '!("Battery pack" in patient.ordered_items)'
    for: 3d
"#;

/// An order of a battery pack for patient 5.
fn pack(id: i64, status: &str, at: &str) -> Value {
    let mut order = full(id, status, at);
    order["orderItems"] = json!([{ "item": { "id": 50, "name": "Battery pack" }, "count": 1 }]);
    order
}

#[test]
fn orders_of_the_patient_are_part_of_the_state() {
    let history = play(ORDERS, |world| {
        world.post("device.lowBattery", battery(7, 15));
        world.wait("12h");
        world.post("order.statusFull", pack(90, "orderPlaced", "2026-03-02T21:00:00Z"));
        world.wait("5d");
        world.post("order.status", thin(90, "voided"));
        world.until("2026-03-08T21:59:59.999Z");
        world.wait("1ms");
        world.until("2026-03-10T21:59:59.999Z");
        world.wait("1ms");
        world.wait("1h");
        world.post("order.statusFull", pack(91, "orderPlaced", "2026-03-10T22:30:00Z"));
    });
    expect![[r##"
        #1 LowAndNothingOrdered on device 7, seen 1×
          2026-03-08T22:00:00.000Z firing warning: it has been so since 2026-03-07T22:00:00.000Z
          2026-03-10T23:00:00.000Z resolved warning, as of 2026-03-10T22:30:00.000Z: no longer so: size(patient.open_orders) == 0
        #2 NothingOnItsWay on patient 5, seen 1×
          2026-03-10T22:00:00.000Z firing warning: it has been so since 2026-03-07T22:00:00.000Z
          2026-03-10T23:00:00.000Z resolved warning, as of 2026-03-10T22:30:00.000Z: no longer so: !("Battery pack" in patient.ordered_items)
    "##]].assert_eq(&history);
}

#[test]
fn an_order_from_before_the_deadline_that_is_learned_late_retracts() {
    let history = play(ORDERS, |world| {
        world.post("device.lowBattery", battery(7, 15));
        world.until("2026-03-05T12:00:00Z");
        world.post("order.statusFull", pack(90, "orderPlaced", "2026-03-03T09:00:00Z"));
    });
    expect![[r#"
        #1 LowAndNothingOrdered on device 7, seen 1×
          2026-03-03T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T12:00:00.000Z resolved warning, as of 2026-03-03T09:00:00.000Z: a late event shows that it was over before
        #2 NothingOnItsWay on patient 5, seen 1×
          2026-03-05T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T12:00:00.000Z resolved warning, as of 2026-03-03T09:00:00.000Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

#[test]
fn a_state_under_grace_is_pending_for_longer() {
    let rules = STUCK.replace("for: 48h", "for: 48h\n    grace: 2h");
    let history = play(&rules, |world| {
        for id in [1, 2] {
            world.post("order.statusFull", full(id, "onHold", "2026-03-02T10:00:00Z"));
        }
        world.until("2026-03-04T11:59:59.999Z");
        world.post("order.statusFull", full(1, "shipped", "2026-03-04T11:00:00Z"));
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderStuck on order 2, seen 1×
          2026-03-04T12:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn a_state_comes_back_while_its_end_is_kept_back() {
    let rules = STUCK.replace("for: 48h", "for: 48h\n    keep_firing_for: 1h");
    let history = play(&rules, |world| {
        for id in [1, 2, 3] {
            world.post("order.status", thin(id, "onHold"));
        }
        world.until("2026-03-04T12:00:00Z");
        for id in [1, 2, 3] {
            world.post("order.status", thin(id, "orderPlaced"));
        }
        world.until("2026-03-04T12:59:59.999Z");
        world.post("order.status", thin(1, "onHold"));
        world.wait("1ms");
        world.post("order.status", thin(2, "onHold"));
        world.wait("1h");
        world.post("order.status", thin(1, "shipped"));
        world.wait("3d");
    });
    expect![[r##"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T15:00:00.000Z resolved warning, as of 2026-03-04T14:00:00.000Z: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
        #2 OrderStuck on order 2, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T13:00:00.000Z resolved warning, as of 2026-03-04T12:00:00.000Z: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
        #3 OrderStuck on order 3, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T13:00:00.000Z resolved warning, as of 2026-03-04T12:00:00.000Z: no longer so: order.status in ["onHold", "pendingInventory", "reconfirmAddress"]
        #4 OrderStuck on order 2, seen 1×
          2026-03-06T13:00:00.000Z firing warning: it has been so since 2026-03-04T13:00:00.000Z
    "##]].assert_eq(&history);
}

#[test]
fn another_value_of_each_does_not_come_back() {
    let rules = STUCK.replace("for: 48h", "for: 48h\n    each: order.status\n    keep_firing_for: 1h");
    let history = play(&rules, |world| {
        world.post("order.status", thin(1, "onHold"));
        world.until("2026-03-04T12:00:00Z");
        world.post("order.status", thin(1, "pendingInventory"));
        world.wait("30m");
        world.post("order.statusFull", full(1, "pendingInventory", "2026-03-04T12:20:00Z"));
        world.wait("3d");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-03-04T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-04T13:00:00.000Z resolved warning, as of 2026-03-04T12:00:00.000Z: no longer so: order.status has changed
        #2 OrderStuck on order 1, seen 1×
          2026-03-06T12:00:00.000Z firing warning: it has been so since 2026-03-04T12:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn a_state_of_what_has_no_news_never_expires() {
    let history = play(LOW, |world| {
        world.post("device.lowBattery", json!({ "batteryPercentage": 9, "device": device(7) }));
        world.wait("400d");
    });
    expect![[r#"
        #1 Low on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
        #2 LowForADay on device 7, seen 1×
          2026-03-03T10:00:00.000Z firing warning: it has been so since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}
