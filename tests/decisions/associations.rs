//! Who has the device: ends by relation, late events, snapshots that contradict.

use expect_test::expect;
use serde_json::json;

use crate::payloads::{association, battery, device_of, person};
use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
  - alert: Unbound
    subject: device
    event: device.lowBattery
    ends_with_relations: false
"#;

#[test]
fn disassociation_resolves_and_says_why() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:59:00Z", false));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the device was disassociated from its patient
        #2 Unbound on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_removal_with_an_old_time_of_its_own_still_ends_what_has_none() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    world.post("device.associationRemoved", association(7, 5, "2025-09-15T09:05:33Z", false));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the device was disassociated from its patient
        #2 Unbound on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_event_on_its_way_since_before_the_removal_opens_nothing() {
    let mut world = World::new(RULES);
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T09:59:00Z", false));
    world.wait("40m");
    world.post("device.lowBattery", battery(7, 8));
    expect![[""]].assert_eq(&world.timeline());
    world.wait("4h");
    world.post("device.lowBattery", battery(7, 7));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T14:40:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 Unbound on device 7, seen 1×
          2026-03-02T14:40:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_device_that_goes_to_another_patient_ends_what_the_first_one_had() {
    let mut world = World::new(RULES);
    world.post("device.associationCreated", association(7, 5, "2026-03-01T10:00:00Z", true));
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    world.post("device.associationCreated", association(7, 6, "2026-03-02T10:30:00Z", true));
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:29:00Z", false));
    world.wait("1h");
    world.post("device.lowBattery", json!({ "batteryPercentage": 6, "device": device_of(7, Some(6)) }));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the device went to another patient
        #2 Unbound on device 7, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T12:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_archived_patient_ends_the_alerts_of_its_devices() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    let mut patient = person(5);
    patient["archived"] = json!(true);
    world.post("patient.updated", patient);
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the patient was archived
        #2 Unbound on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_decommissioned_device_ends_its_alerts() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    let mut gone = device_of(7, None);
    gone["currentStatus"] = json!("decommissioned");
    world.post("device.healthcheck", json!({ "device": gone }));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: its status is now decommissioned
        #2 Unbound on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_removal_that_names_another_patient_counts_unless_it_may_have_been_on_its_way() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", battery(7, 8));
    world.post("device.lowBattery", battery(8, 8));
    world.wait("1h");
    // An hour before the battery: sent again, from before the device came to patient 5.
    world.post("device.associationRemoved", association(7, 6, "2026-03-02T09:00:00Z", false));
    // Half a year before: whatever it is, it is no repetition, and shows the device with nobody.
    world.post("device.associationRemoved", association(8, 6, "2025-09-15T09:05:33Z", false));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #2 Unbound on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
        #3 DeviceBatteryLow on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: the device was disassociated from its patient
        #4 Unbound on device 8, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}
